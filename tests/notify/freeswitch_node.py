"""A real FreeSWITCH of the test's own on loopback, and telephones (sipp) that register and subscribe with it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from support.ports import free_port
from support.waiting import wait_until

SIPP = Path(__file__).with_name("sipp")
PASSWORD = "lamp-test"
MODULES = ("logfile", "event_socket", "sofia", "commands", "dptools", "dialplan_xml")
_PLACES = (Path("/opt/freeswitch/bin"), Path("/usr/local/freeswitch/bin"), Path("/usr/bin"))


def freeswitch_binary():
    """The freeswitch program of this machine, None if it has none."""
    found = shutil.which("freeswitch")
    if found:
        return Path(found)
    return next((place / "freeswitch" for place in _PLACES if (place / "freeswitch").exists()), None)


def missing():
    """Why these tests can't run here, `` if they can."""
    if freeswitch_binary() is None:
        return "no FreeSWITCH on this machine"
    return "" if shutil.which("sipp") else "no sipp on this machine"


class FreeSwitch:
    """One node; `start` and `kill` as often as liked, on the same ports and data.

    Attributes:
        sip_port: where all telephones are of the domain 127.0.0.1. open_port: where each says its own.
    """

    def __init__(self, folder):
        self.folder = folder
        self.sip_port, self.open_port, self.esl_port = free_port(), free_port(), free_port()
        self._process = None
        for name in ("conf", "log", "db", "run", "tmp"):
            (folder / name).mkdir(parents=True)
        (folder / "conf" / "freeswitch.xml").write_text(self._configuration(), "utf-8")

    def start(self):
        self.launch()
        self.wait_ready()
        return self

    def launch(self):
        binary = freeswitch_binary()
        folders = {"conf": "conf", "log": "log", "db": "db", "run": "run"}
        folders |= dict.fromkeys(
            ("storage", "recordings", "cache", "scripts", "temp", "sounds", "htdocs", "grammar", "certs"), "tmp"
        )
        options = [word for name, place in folders.items() for word in (f"-{name}", str(self.folder / place))]
        modules = next(
            (
                place
                for place in (binary.parents[1] / "lib/freeswitch/mod", binary.parents[1] / "mod")
                if (place / "mod_sofia.so").exists()
            ),
            None,
        )
        if modules:
            options += ["-mod", str(modules)]
        self._process = subprocess.Popen(
            [str(binary), "-nc", "-nf", "-nonat", *options],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait_ready(self):
        try:
            wait_until(self._ready)
        except AssertionError:
            raise AssertionError((self.folder / "log" / "freeswitch.log").read_text()[-3000:]) from None

    def kill(self):
        """End it at once: it has nothing to lose, and takes its time when asked kindly."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def api(self, command):
        """An api command's answer."""
        with Listener(self.esl_port) as line:
            return line.ask(f"api {command}")

    def _ready(self):
        assert self._process.poll() is None, (self.folder / "log" / "freeswitch.log").read_text()[-3000:]
        try:
            return self.api("sofia xmlstatus").count("RUNNING") == 2
        except OSError:
            return False

    def _configuration(self):
        loads = "".join(f'<load module="mod_{name}"/>' for name in MODULES)
        forced = '<param name="force-register-domain" value="127.0.0.1"/>'
        profiles = self._profile("internal", self.sip_port, forced) + self._profile("open", self.open_port)
        return f"""<?xml version="1.0"?>
<document type="freeswitch/xml">
 <X-PRE-PROCESS cmd="set" data="domain=127.0.0.1"/>
 <section name="configuration">
  <configuration name="switch.conf"><settings><param name="max-sessions" value="10"/>
   <param name="rtp-start-port" value="34000"/><param name="rtp-end-port" value="34010"/></settings></configuration>
  <configuration name="modules.conf"><modules>{loads}</modules></configuration>
  <configuration name="logfile.conf"><settings/><profiles><profile name="default"><settings>
   <param name="logfile" value="{self.folder}/log/freeswitch.log"/></settings>
   <mappings><map name="all" value="debug,info,notice,warning,err,crit,alert"/></mappings></profile></profiles></configuration>
  <configuration name="event_socket.conf"><settings><param name="listen-ip" value="127.0.0.1"/>
   <param name="listen-port" value="{self.esl_port}"/><param name="password" value="{PASSWORD}"/>
   <param name="apply-inbound-acl" value="loopback.auto"/></settings></configuration>
  <configuration name="acl.conf"><network-lists/></configuration>
  <configuration name="sofia.conf"><global_settings/><profiles>{profiles}</profiles></configuration>
 </section>
 <section name="dialplan"/>
 <section name="directory"><domain name="127.0.0.1"/></section>
</document>
"""

    def _profile(self, name, port, more=""):
        return f"""<profile name="{name}"><settings>
   <param name="sip-ip" value="127.0.0.1"/><param name="rtp-ip" value="127.0.0.1"/>
   <param name="sip-port" value="{port}"/><param name="context" value="default"/>
   <param name="dialplan" value="XML"/><param name="auth-calls" value="false"/>
   <param name="accept-blind-reg" value="true"/><param name="auth-subscriptions" value="false"/>
   <param name="manage-presence" value="true"/>{more}
   <param name="disable-srv" value="true"/><param name="disable-naptr" value="true"/>
  </settings></profile>"""


class Listener:
    """An event socket client as FreeSWITCH's documentation shows it: text lines in, headers out."""

    def __init__(self, port):
        self._line = socket.create_connection(("127.0.0.1", port), timeout=100)
        self._file = self._line.makefile("rb")
        self._headers()
        self.ask(f"auth {PASSWORD}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._line.close()

    def ask(self, command):
        """A command's reply."""
        self._line.sendall(f"{command}\n\n".encode())
        while True:
            headers, body = self._frame()
            if headers["Content-Type"] in {"command/reply", "api/response"}:
                return body.decode() or headers.get("Reply-Text", "")

    def event(self):
        """The next event's headers."""
        from urllib.parse import unquote

        while True:
            headers, body = self._frame()
            if headers["Content-Type"] == "text/event-plain":
                lines = body.decode().split("\n\n")[0].split("\n")
                return {name: unquote(value) for name, _, value in (line.partition(": ") for line in lines)}

    def _frame(self):
        headers = self._headers()
        return headers, self._file.read(int(headers.get("Content-Length", 0)))

    def _headers(self):
        headers = {}
        while line := self._file.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            headers[name] = value
        if not headers:
            raise OSError("FreeSWITCH hung up")
        return headers


class Telephone:
    """A telephone (sipp) of one number on one node, and the message summaries it was sent.

    Args:
        host: the domain it gives itself; where it is none of ours it uses the node's `open_port`.
    """

    def __init__(self, number, node, folder, host="127.0.0.1"):
        self.number, self.host = number, host
        self._server = node.sip_port if host == "127.0.0.1" else node.open_port
        self._folder = folder / f"phone-{number}-{node.sip_port}-{free_port()}"
        self._folder.mkdir()
        self._log = self._folder / "messages.log"
        self._process = None

    def register(self, call_id="%u-%p@%s", expires=600):
        """Register; every NOTIFY then comes to a port of its own. expires: seconds, 0 = the registration ends."""
        port = free_port()
        if self._process is None:
            self._process = self._sipp("notified.xml", port)
            self._contact = port
        keys = ("-key", "contact_port", str(self._contact), "-key", "expires", str(expires), "-cid_str", call_id)
        done = self._sipp("register.xml", free_port(), "-m", "1", *keys, log=False)
        assert done.wait(100) == 0, "not registered"
        return self

    def subscribe(self):
        """Subscribe to the message summary."""
        self._process = self._sipp("subscribe.xml", free_port(), "-m", "1")
        return self

    def watch(self):
        """Have a key that watches this number's mailbox."""
        self._process = self._sipp("watch.xml", free_port(), "-m", "1")
        return self

    def key(self):
        """What the key shows now: `lit`, `dark`, or nothing yet."""
        text = self._log.read_text("utf-8", "replace") if self._log.exists() else ""
        latest = text.rpartition("<dialog-info")[2]
        return ("lit" if "<state>confirmed</state>" in latest else "dark") if "</dialog-info>" in latest else ""

    def bodies(self):
        """The bodies of all NOTIFY requests, oldest first."""
        text = self._log.read_text("utf-8", "replace").replace("\r\n", "\n") if self._log.exists() else ""
        found = re.findall(r"^NOTIFY sip:.*?\n\n(.*?)(?=\n\n|\n---)", text, re.DOTALL | re.MULTILINE)
        return [body.strip() for body in found if "Messages-Waiting" in body]

    def lamp(self):
        """What the telephone shows now: its latest summary, as fields."""
        bodies = self.bodies()
        return dict(line.split(": ", 1) for line in bodies[-1].split("\n")) if bodies else {}

    def shows(self, waiting, counts, seconds=2.0):
        """Wait until the lamp shows this; returns how many seconds it took."""
        account = f"sip:{self.number}@{self.host}"
        wanted = {"Messages-Waiting": waiting, "Message-Account": account, "Voice-Message": counts}
        began = time.monotonic()
        try:
            wait_until(lambda: self.lamp() == wanted, seconds)
        except AssertionError:
            raise AssertionError(f"{self.number} shows {self.lamp()}, not {wanted}") from None
        return time.monotonic() - began

    def hang_up(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _sipp(self, scenario, port, *more, log=True):
        command = [
            *("sipp", "-sf", str(SIPP / scenario), "-i", "127.0.0.1", "-p", str(port), "-s", self.number),
            *("-nostdin", "-t", "u1", "-key", "host", self.host, *more),
        ]
        if log:
            command += ["-trace_msg", "-message_file", str(self._log)]
        command.append(f"127.0.0.1:{self._server}")
        return subprocess.Popen(
            command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
