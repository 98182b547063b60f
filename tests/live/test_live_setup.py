"""`esl-vm setup` on a real FreeSWITCH with its vanilla configuration: twice, its own call heard, and undone byte for byte."""

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager

import pytest
from live.event_socket import EventSocket
from live.freeswitch import _START_S, PROMPTS, _free_port, _free_sip_port, find_freeswitch
from support.vanilla import contents
from support.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

#: Where installations have the vanilla configuration, below their prefix.
VANILLA = (
    "etc/freeswitch",
    "conf",
    "conf/vanilla",
    "share/freeswitch/conf/vanilla",
    "share/doc/freeswitch/conf/vanilla",
)
USES = ("log", "db", "run", "storage", "recordings", "cache", "scripts", "temp", "sounds", "htdocs", "grammar", "certs")
PASSWORD = "ClueCon"


def vanilla():
    """The installed vanilla configuration; skips where there is none."""
    installed = find_freeswitch()
    if installed is None:
        pytest.skip("no FreeSWITCH here")
    prefix = installed.program.resolve().parents[1]
    for below in VANILLA:
        folder = prefix / below
        if (folder / "dialplan/default.xml").is_file() and "vmain" in (folder / "dialplan/default.xml").read_text():
            return installed, folder
    pytest.skip(f"no vanilla configuration below {prefix} (looked in {', '.join(VANILLA)})")


def on_loopback(conf, event_port):
    """The copy of a configuration, with ports that are free here and all of it on 127.0.0.1."""
    file = conf / "vars.xml"
    text = file.read_text()
    for profile in ("internal", "external"):
        text = re.sub(rf"{profile}_sip_port=\d+", f"{profile}_sip_port={_free_sip_port()}", text)
        text = re.sub(rf"{profile}_tls_port=\d+", f"{profile}_tls_port={_free_sip_port()}", text)
    text = re.sub(r"external_(rtp|sip)_ip=[^\"]*", r"external_\1_ip=127.0.0.1", text)
    # so that no call is held up by ten seconds
    text = text.replace("default_password=1234", "default_password=58203")
    file.write_text(text.replace("<include>", '<include>\n<X-PRE-PROCESS cmd="set" data="local_ip_v4=127.0.0.1"/>', 1))
    for profile in (conf / "sip_profiles").glob("*-ipv6.xml"):
        profile.unlink()
    file = conf / "autoload_configs/event_socket.conf.xml"
    text = re.sub(r'("listen-ip" value=)"[^"]*"', r'\1"127.0.0.1"', file.read_text())
    file.write_text(re.sub(r'("listen-port" value=)"[^"]*"', rf'\1"{event_port}"', text))


@contextmanager
def running(words, said):
    """A process, ended when the block is left."""
    with said.open("w") as out:
        process = subprocess.Popen([*map(str, words)], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port, process, said):
    """Wait until FreeSWITCH does."""
    until = time.monotonic() + _START_S
    while True:
        assert process.poll() is None, said.read_text()[-2000:]
        try:
            with closing(EventSocket(port, PASSWORD)) as asked:
                if asked.api("status").startswith("UP"):
                    return
        except (OSError, AssertionError):
            pass  # not yet
        assert time.monotonic() < until, said.read_text()[-2000:]
        threading.Event().wait(0.1)


@pytest.fixture
def place(tmp_path):
    """A FreeSWITCH as it was installed, and our service beside it, which knows nothing of it."""
    installed, conf = vanilla()
    shutil.copytree(conf, tmp_path / "conf")
    event_port, port = _free_port(1), _free_port(1)
    on_loopback(tmp_path / "conf", event_port)
    words = [installed.program, "-nf", "-nonat", "-conf", tmp_path / "conf", "-mod", installed.modules]
    for use in USES:
        (tmp_path / "fs" / use).mkdir(parents=True)
        words += [f"-{use}", tmp_path / "fs" / use]
    file = tmp_path / "etc/esl-vm.toml"
    file.parent.mkdir()
    file.write_text(
        f'data_dir = "{tmp_path}/data"\n[service]\nlisten = "127.0.0.1:{port}"\nworkers = 1\n'
        f'[speech]\npack = "asterisk"\nprompts = "{PROMPTS}"\n'
    )
    log = tmp_path / "serve.log"
    serve = [sys.executable, "-m", "esl_vm", "--config", file, "serve"]
    with running(words, tmp_path / "fs.log") as freeswitch, running(serve, log):
        answers(event_port, freeswitch, tmp_path / "fs.log")
        wait_until(lambda: "takes calls on" in log.read_text())
        yield tmp_path, event_port


def setup(folder, *words):
    """Run it; its exit code, what it says as JSON."""
    every = [
        "--config",
        folder / "etc/esl-vm.toml",
        "setup",
        "--conf",
        folder / "conf",
        "--journal",
        folder / "journal",
    ]
    command = [sys.executable, "-m", "esl_vm", *every, "--json", *words]
    ran = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=300)
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def test_a_vanilla_freeswitch_is_set_up_called_and_put_back(place):
    folder, event_port = place
    before = contents(folder / "conf", folder / "etc")

    code, said = setup(folder, "--dry-run", "--pins-to", folder / "none.csv")
    assert code == 0
    steps = ["settings", "dialplan", "conflicts", "modules", "reloadxml", "unload", "mailboxes", "service"]
    assert [step["step"] for step in said["steps"]] == steps
    assert contents(folder / "conf", folder / "etc") == before
    assert not (folder / "none.csv").exists()

    code, said = setup(folder, "--yes", "--pins-to", folder / "pins.csv")
    assert [(one["step"], one["ok"]) for one in said["call"]] == [
        ("leave a message", True), ("light the lamp", True), ("hear it", True),
    ], said["call"]  # fmt: skip
    assert code == 0
    [moved] = [step for step in said["steps"] if step["step"] == "conflicts"]
    assert {"vmain", "Local_Extension"} <= set(re.findall(r"\w+", moved["what"]))
    with closing(EventSocket(event_port, PASSWORD)) as asked:
        assert asked.api("module_exists mod_voicemail") == "false"
        plan = asked.api("xml_locate dialplan context name default")
        assert plan.index('name="voicemail_any"') > 0
        assert 'name="vmain"' not in plan
    assert len((folder / "pins.csv").read_text().splitlines()) == 21

    after = contents(folder / "conf", folder / "etc")
    code, said = setup(folder, "--yes")
    assert (code, said["steps"]) == (0, [])
    assert all(one["ok"] for one in said["call"]), said["call"]
    assert len(said["call"]) == 3
    assert contents(folder / "conf", folder / "etc") == after

    code, said = setup(folder, "--undo", "--yes")
    assert (code, said["left"]) == (0, [])
    assert contents(folder / "conf", folder / "etc") == before
    with closing(EventSocket(event_port, PASSWORD)) as asked:
        assert asked.api("module_exists mod_voicemail") == "true"
        assert 'name="vmain"' in asked.api("xml_locate dialplan context name default")
    left = subprocess.run(
        [sys.executable, "-m", "esl_vm", "--config", folder / "etc/esl-vm.toml", "mailbox", "list", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(left.stdout) == []
