"""The dialplan files, in a real FreeSWITCH: what a service is told, and what callers hear when none answers."""

import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote

import pytest
from support.ports import free_port

DIALPLAN = Path(__file__).parents[2] / "dialplan"
FILES = sorted(DIALPLAN.glob("*.xml"))
MODULES = ("event_socket", "commands", "dptools", "dialplan_xml", "loopback", "sndfile", "tone_stream")
PLACES = ("/opt/freeswitch", "/usr/local/freeswitch", "/usr")


def test_the_files_are_whole():
    assert [file.name[:2] for file in FILES] == ["40", "41", "42", "49"]
    for file in FILES:
        assert ET.parse(file).getroot().tag == "include"


def test_no_setting_stands_in_a_comment_where_freeswitch_would_obey_it():
    for file in FILES:
        for comment in re.findall(r"<!--.*?-->", file.read_text(), re.DOTALL):
            assert "X-PRE-PROCESS" not in comment


def test_every_call_that_is_handed_over_has_an_end_for_the_case_that_nobody_takes_it():
    for file in FILES:
        for condition in ET.parse(file).getroot().iter("condition"):
            actions = [(action.get("application"), action.get("data")) for action in condition.iter("action")]
            if ("socket", "$${vm_services} async full") in actions:
                at = actions.index(("socket", "$${vm_services} async full"))
                assert actions[at - 2 : at] == [("set", "vm_status=NONE"), ("set", "socket_resume=true")]
                assert actions[at + 1] == ("execute_extension", "vm_ended_${vm_status}")


def freeswitch_prefix():
    found = shutil.which("freeswitch")
    prefixes = [Path(found).parents[1]] if found else []
    for prefix in [*prefixes, *map(Path, PLACES)]:
        modules = prefix / "lib/freeswitch/mod"
        if (prefix / "bin/freeswitch").exists() and all((modules / f"mod_{name}.so").exists() for name in MODULES):
            return prefix
    return None


live = pytest.mark.skipif(freeswitch_prefix() is None, reason="no FreeSWITCH with its usual modules is installed here")


CONFIGURATION = """<?xml version="1.0"?>
<document type="freeswitch/xml">
  <section name="configuration">
    <configuration name="switch.conf"><settings>
      <param name="loglevel" value="info"/><param name="rtp-start-port" value="36000"/><param name="rtp-end-port" value="36100"/>
    </settings></configuration>
    <configuration name="modules.conf"><modules>{modules}</modules></configuration>
    <configuration name="event_socket.conf"><settings>
      <param name="nat-map" value="false"/><param name="listen-ip" value="127.0.0.1"/>
      <param name="listen-port" value="{port}"/><param name="password" value="test"/>
      <param name="apply-inbound-acl" value="loopback.auto"/>
    </settings></configuration>
    <configuration name="acl.conf"><network-lists/></configuration>
  </section>
  <section name="dialplan"><context name="default">
    <X-PRE-PROCESS cmd="set" data="domain_name=example.com"/>
    {dialplan}
  </context></section>
  <section name="directory"><domain name="example.com"><groups><group name="all"><users>
    <user id="1001"><params><param name="dial-string" value="error/USER_BUSY"/></params></user>
    <user id="1002"><params><param name="dial-string" value="error/NO_ANSWER"/></params></user>
    <user id="1003"><params><param name="dial-string" value="error/UNALLOCATED_NUMBER"/></params></user>
  </users></group></groups></domain></section>
</document>
"""


class Switch:
    """A FreeSWITCH of our own, and its event socket."""

    def __init__(self, folder, services):
        prefix, self.port = freeswitch_prefix(), free_port()
        (folder / "conf").mkdir(parents=True)
        dialplan = "\n".join(file.read_text().split("<include>")[1].split("</include>")[0] for file in FILES)
        dialplan = re.sub(r'data="vm_services=[^"]*"', f'data="vm_services={services}"', dialplan, count=1)
        modules = "".join(f'<load module="mod_{name}"/>' for name in MODULES)
        (folder / "conf/freeswitch.xml").write_text(
            CONFIGURATION.format(modules=modules, port=self.port, dialplan=dialplan)
        )
        command = [prefix / "bin/freeswitch", "-nf", "-nonat", "-conf", folder / "conf"]
        for option in [
            "log",
            "db",
            "run",
            "storage",
            "recordings",
            "cache",
            "scripts",
            "temp",
            "sounds",
            "htdocs",
            "grammar",
            "certs",
        ]:
            (folder / option).mkdir()
            command += [f"-{option}", folder / option]
        command += ["-mod", prefix / "lib/freeswitch/mod"]
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._line = self._connected()
        self._read()
        self._send("auth test")
        assert "+OK" in self._read()
        self._send("event plain CHANNEL_EXECUTE CHANNEL_HANGUP_COMPLETE")
        self._read()

    def _connected(self):
        until = time.monotonic() + 100
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=100).makefile("rwb", buffering=0)
            except ConnectionRefusedError:
                assert time.monotonic() < until, "FreeSWITCH did not start"
                assert self.process.poll() is None, "FreeSWITCH ended"
                threading.Event().wait(0.05)

    def _send(self, command):
        self._line.write(f"{command}\n\n".encode())

    def _read(self):
        head = b""
        while not head.endswith(b"\n\n"):
            byte = self._line.read(1)
            assert byte, "FreeSWITCH closed the event socket"
            head += byte
        length = re.search(rb"Content-Length: (\d+)", head)
        body = b""
        while length and len(body) < int(length[1]):
            body += self._line.read(int(length[1]) - len(body))
        return (head + body).decode()

    def dials(self, number, caller="1005"):
        self._send(
            f"bgapi originate {{origination_caller_id_number={caller},domain_name=example.com}}loopback/{number}/default &park"
        )

    def until_event(self, *wanted):
        """Wait for an event whose text holds all the words; returns it."""
        for _ in range(2000):
            event = unquote(self._read())
            if all(word in event for word in wanted):
                return event
        pytest.fail(f"never saw {wanted}")

    def close(self):
        self._line.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Service:
    """Stands where esl-vm stands: takes a call, keeps what it was told, says how it ended."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(100)
        self.address = f"127.0.0.1:{self.server.getsockname()[1]}"

    def takes_a_call(self, status="SUCCESS"):
        line, _ = self.server.accept()
        with line:
            line.settimeout(100)
            line.sendall(b"connect\n\n")
            told = b""
            while b"\n\n" not in told:
                told += line.recv(65536)
            uuid = re.search(rb"Unique-ID: (\S+)", told)[1].decode()
            line.sendall(f"api uuid_setvar {uuid} vm_status {status}\n\n".encode())
            assert line.recv(65536)
            line.sendall(b"exit\n\n")
            while line.recv(65536):
                pass
        return dict(re.findall(r"variable_(vm_\w+): (.*)", unquote(told.decode())))


@pytest.fixture(scope="module")
def services():
    first, second = Service(), Service()
    yield first, second
    first.server.close()
    second.server.close()


@pytest.fixture(scope="module")
def switch(tmp_path_factory, services):
    # The first address refuses: nothing ever listens on it.
    refused = socket.socket()
    refused.bind(("127.0.0.1", 0))
    port = refused.getsockname()[1]
    one = Switch(tmp_path_factory.mktemp("freeswitch"), f"127.0.0.1:{port}|{services[0].address}|{services[1].address}")
    yield one
    one.close()
    refused.close()


@live
@pytest.mark.live
@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("*97", {"vm_action": "check", "vm_mailbox": "1005"}),
        ("*98", {"vm_action": "login"}),
        ("*411", {"vm_action": "directory"}),
        ("*1002", {"vm_action": "leave", "vm_mailbox": "1002", "vm_reason": "none"}),
        ("1001", {"vm_action": "leave", "vm_mailbox": "1001", "vm_reason": "busy"}),
        ("1002", {"vm_action": "leave", "vm_mailbox": "1002", "vm_reason": "unavailable"}),
        ("1003", {"vm_action": "leave", "vm_mailbox": "1003", "vm_reason": "unavailable"}),  # a telephone that says 404
        ("1004", {"vm_action": "leave", "vm_mailbox": "1004", "vm_reason": "unavailable"}),  # no user of FreeSWITCH's
    ],
)
def test_a_dialled_number_reaches_the_first_service_that_answers(switch, services, number, told):
    switch.dials(number)
    assert services[0].takes_a_call() == {**told, "vm_domain": "default", "vm_status": "NONE"}
    switch.until_event("CHANNEL_EXECUTE", "Application: hangup", "Application-Data: NORMAL_CLEARING")


@live
@pytest.mark.live
@pytest.mark.parametrize("sent", [b"", b"connect\n\n"], ids=["before connect", "after connect"])
def test_a_service_that_dies_leaves_the_caller_with_an_apology_not_in_silence(switch, services, sent):
    switch.dials("*97")
    line, _ = services[0].server.accept()
    with line:
        line.sendall(sent)
    switch.until_event("CHANNEL_EXECUTE", "Application: playback", "fr/im-sorry.wav!")


@live
@pytest.mark.live
def test_when_no_service_answers_the_caller_hears_an_apology(tmp_path):
    with socket.socket() as refused:
        refused.bind(("127.0.0.1", 0))
        alone = Switch(tmp_path, f"127.0.0.1:{refused.getsockname()[1]}")
        try:
            alone.dials("*97")
            alone.until_event("CHANNEL_EXECUTE", "Application: playback", "fr/im-sorry.wav!")
            alone.until_event("CHANNEL_EXECUTE", "Application: hangup", "NORMAL_TEMPORARY_FAILURE")
        finally:
            alone.close()
