"""Each remedy that `doctor` can print, done as it is written: the finding is there, then it is gone.

A row brings the finding about, is given what the remedy has one type or write (`parts`), and does it. Which remedies there
are is read from the code: one without a row fails. What needs a host of its own is done by `make docs-check` too.
"""

import contextlib
import inspect
import os
import re
import socket
import subprocess
import sys
import tempfile
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
import soundfile
from remedies_written import written
from remedy_bench import ROOT, SOCKET, Bench, as_root, others_may, parts, pattern
from support.mail_neighbour import MailNeighbour
from support.proxy import Proxy
from support.redis_servers import (
    free_port,
    redis_cluster,
    redis_executable,
    redis_sentinels,
    redis_server,
    redis_version,
    wait_until,
)
from support.s3_neighbour import S3Neighbour
from support.small_disk import small_disk
from support.sounds import write_wav

from esl_vm import __version__
from esl_vm.calendars.reading import CalendarReader
from esl_vm.model.agreement import packed
from esl_vm.model.call import Ended, Recorded
from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Message, new_id
from esl_vm.ops.agreement import common_settings
from esl_vm.sealing.keys import add_key
from esl_vm.store import keys
from esl_vm.store.store import SCHEMA

ALICE = MailboxId("1001")
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
ROWS = []


def row(*templates, words=()):
    """A row for these remedies of one cause; `words` are doctor's.

    It yields when the finding is there, and again when what its remedy says is done.
    """

    def add(play):
        ROWS.append(pytest.param(templates, words, play, id=play.__name__))
        return play

    return add


@pytest.fixture
def bench(tmp_path, redis_of_commands, capsys):
    with redis_of_commands.client() as client:
        client.flushall()
        for name, value in (("appendonly", "no"), ("appendfsync", "everysec"), ("maxmemory", "0")):
            client.config_set(name, value)
    with Bench(tmp_path, redis_of_commands.url, capsys) as made:
        yield made


def test_every_remedy_has_its_row():
    assert written() == {template for row in ROWS for template in row.values[0]}


# -- settings and files ---------------------------------------------------------------------------


@row("chmod o-rw {}")
def secrets_for_all(bench):
    bench.settings["mail.password"] = "hunter2"
    bench.write()
    bench.file.chmod(0o644)
    [command] = yield
    bench.do(command)
    assert not others_may(bench.file)
    yield


@row('set `mail.security = "starttls"`, or "tls"')
def a_password_in_the_clear(bench):
    bench.settings |= {"mail.host": "mail.example", "mail.security": "none", "mail.user": "vm", "mail.password": "x"}
    [setting] = yield
    bench.do(setting)
    yield


@row("put a proxy with TLS in front of it (docs/web.md), and set web.url to its https:// address")
def pins_in_the_clear(bench):
    bench.settings["web.listen"] = "192.0.2.7:8088"
    yield
    bench.settings["web.url"] = "https://voicemail.example.com"
    yield


@contextlib.contextmanager
def a_provider(bench, **settings):
    """An OpenID Connect provider that doctor is to find, or not."""
    neighbours = pytest.importorskip("support.oidc_neighbour", reason="what its test needs is not installed")
    neighbour = neighbours.OidcNeighbour()
    wanted = {"issuer": neighbour.issuer, "client_id": "voicemail", "mailbox_claim": "extension"} | settings
    bench.settings |= {f"oidc.{name}": value for name, value in wanted.items()}
    try:
        yield neighbour
    finally:
        neighbour.close()


@row("have the provider answer, or set `oidc.issuer` as its `/.well-known/openid-configuration` has it")
def a_provider_by_another_name(bench):
    with a_provider(bench) as neighbour:
        bench.settings["oidc.issuer"] = neighbour.issuer + "/"
        yield
        bench.settings["oidc.issuer"] = neighbour.issuer
        yield


@row("set web.url to an https:// address, and register it with /sign-in/oidc/return after it at the provider")
def people_who_come_back_in_clear(bench):
    with a_provider(bench):
        yield
        bench.settings["web.url"] = "https://voicemail.example.com"
        yield


@row("pip install 'esl-vm[oidc]'")
def a_provider_without_its_extra(bench):
    with a_provider(bench), pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "joserfc.jwt", None)
        yield
        patch.undo()  # a test installs nothing
        yield


# -- transcription --------------------------------------------------------------------------------


@row("set `transcription.engine`, or `mailbox.transcribe = false`")
def transcripts_that_nobody_makes(bench):
    bench.settings["mailbox.transcribe"] = True
    _, setting = yield
    bench.do(setting)
    yield


@row("set `transcription.url` to an https:// address")
def sounds_in_the_clear(bench):
    bench.settings |= {"transcription.engine": "http", "transcription.url": "http://192.0.2.7:1"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("esl_vm.ops.check_transcription.socket.create_connection", _refused)
        yield
        bench.settings["transcription.url"] = "https://192.0.2.7:1"
        yield


def _refused(*_):
    raise ConnectionRefusedError(111, "refused")


@row("have it answer, or correct `transcription.url`")
def an_engine_that_is_away(bench):
    with socket.socket() as engine:
        engine.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{engine.getsockname()[1]}"
        bench.settings |= {"transcription.engine": "http", "transcription.url": address}
        yield
        engine.listen()
        yield


@row("pip install 'esl-vm[transcription]'")
def whisper_without_its_extra(bench):
    (bench.folder / "model.bin").write_bytes(b"")
    bench.settings |= {"transcription.engine": "faster-whisper", "transcription.folder": str(bench.folder)}
    installed = ModuleType("faster_whisper")
    installed.__spec__ = ModuleSpec("faster_whisper", None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "faster_whisper", None)
        yield
        patch.setitem(sys.modules, "faster_whisper", installed)  # a test installs nothing
        yield


@row("put one there, or correct `transcription.folder`")
def a_folder_without_a_model(bench):
    bench.settings |= {"transcription.engine": "faster-whisper", "transcription.folder": str(bench.folder)}
    installed = ModuleType("faster_whisper")
    installed.__spec__ = ModuleSpec("faster_whisper", None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "faster_whisper", installed)
        yield
        (bench.folder / "model.bin").write_bytes(b"")
        yield


@row("install it, or correct `transcription.command`")
def a_command_that_is_not_there(bench):
    bench.settings |= {"transcription.engine": "command", "transcription.command": ["/nowhere/hear", "{file}"]}
    yield
    bench.settings["transcription.command"] = [sys.executable, "{file}"]
    yield


@row("run `esl-vm transcribe`, on this host or another; where `serve` is to do it, set transcription.workers above 0")
def an_engine_that_nobody_asks(bench):
    bench.settings |= {"transcription.engine": "command", "transcription.command": [sys.executable, "{file}"]}
    command, _ = yield
    program = [sys.executable, "-m", "esl_vm", "--config", bench.file, *command.split()[1:]]
    with bench.node() as node, subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        wait_until(node.store.cluster.transcribers, "it reports")
        yield
        run.terminate()


@row("`chown -R {}: {}`; then run commands as {}: `sudo -u {} esl-vm …`")
def files_of_roots(bench):
    if not as_root():
        pytest.skip("only root can make files of another user")
    for folder in (bench.data, bench.data / "cache", bench.data / "spool"):
        folder.mkdir()
    os.chown(bench.data, 1, 1)  # daemon's
    chown, _ = yield
    assert chown.startswith("chown -R daemon: ")
    bench.do(chown)
    yield


# -- the spool ------------------------------------------------------------------------------------


@row("make the folder writable for this user, or free the disk")
def a_spool_that_is_a_file(bench):
    bench.data.mkdir()
    (bench.data / "spool").write_text("")
    yield
    (bench.data / "spool").unlink()
    yield


@row("free the disk: recordings are refused at {} MB, and the embedded Redis and the cache need room too")
def a_disk_that_is_nearly_full(bench):
    with small_disk(bench.folder / "small", megabytes=600) as disk:
        bench.settings |= {"spool.folder": str(disk / "spool")}
        yield
        bench.settings["spool.folder"] = str(bench.folder / "spool")
        yield


@row("with both users in that group: `chgrp -R voicemail {}; chmod -R g+rws {}`")
def a_spool_for_one_user(bench):
    takes = bench.data / "spool" / "takes"
    takes.mkdir(parents=True, mode=0o700)
    takes.chmod(0o700)
    [commands] = yield
    bench.do(commands.replace("chgrp -R voicemail", f"chgrp -R {os.getegid()}"))  # no such group here
    yield


@row("chmod -R o-rwx {}")
def a_spool_for_everybody(bench):
    bench.doctor()
    (bench.data / "spool" / "takes").chmod(0o2777)
    [command] = yield
    bench.do(command)
    yield


def recorded(ms):
    return Recorded(ms, Ended.KEY, "#")


def take_of(node, call_node="node-1"):
    """A call in which a message for Alice is being left."""
    message = Message(new_id(node.clock.now()), received=node.clock.now())
    return node.spool.take_message([ALICE], message, min_ms=0, trim_silence=False, threshold=128, call_node=call_node)


def speak(path, seconds=2):
    write_wav(path, seconds)
    os.utime(path, (1, 1))  # it has been quiet for long


def sounds_in(bench, folder):
    folder.mkdir(exist_ok=True)
    bench.settings |= {"audio.store": "folder", "audio.folder": str(folder)}
    return folder


@row("when Redis is there: `esl-vm spool settle`")
def a_recording_that_waits(bench):
    folder = sounds_in(bench, bench.folder / "audio")
    with bench.node() as node:
        node.add_mailbox(ALICE, {}, "")
        folder.rename(bench.folder / "away")
        with take_of(node) as take:
            speak(take.path)
            take.recorded(recorded(2000))
            take.settle()
    (bench.folder / "away").rename(folder)
    [command] = yield
    bench.do(command)
    yield


@row("the service settles them within seconds; `esl-vm spool settle` does it now")
def a_recording_of_a_process_that_died(bench):
    with bench.node() as node:
        node.add_mailbox(ALICE, {}, "")
        child = os.fork()
        if not child:
            speak(take_of(node).path)
            os._exit(0)
        os.waitpid(child, 0)
    [command] = yield
    bench.do(command)
    yield


@row("share the folders between hosts, or have each FreeSWITCH ask its own host first")
def a_recording_on_another_host(bench):
    folder = sounds_in(bench, bench.folder / "audio")
    with bench.node() as node:
        node.add_mailbox(ALICE, {}, "")
        folder.rename(bench.folder / "away")
        with take_of(node, "node-2") as take:
            take.recorded(recorded(2000))
            take.settle()
    (bench.folder / "away").rename(folder)
    yield
    speak(take.path)
    bench.esl_vm("spool", "settle")
    yield


@row("try again what is in quarantine: `esl-vm spool settle --quarantined`; `esl-vm spool list` says why it is")
def a_recording_that_was_set_aside(bench):
    with bench.node() as node, take_of(node) as take:
        node.add_mailbox(ALICE, {}, "")
        take.path.write_text("no sound")
        take.recorded(recorded(2000))
        take.settle()
    settle, listed = yield
    bench.do(listed)
    [recording] = (bench.data / "spool" / "aside").glob("*.wav")
    speak(recording)
    bench.do(settle)
    yield


# -- prompts --------------------------------------------------------------------------------------


@row("`esl-vm prompts build` converts the recordings that FreeSWITCH can't play as they are.")
def a_recording_that_freeswitch_can_not_play(bench):
    folder = bench.prompts()
    for path in folder.rglob("*.wav"):
        soundfile.write(path, [0.1, -0.1] * 400, 8000)
    (folder / "fr" / "vm-goodbye.wav").rename(folder / "fr" / "vm-goodbye.WAV")
    [command] = yield
    bench.do(command + f" {bench.folder / 'built'}")
    bench.settings["speech.prompts"] = str(bench.folder / "built")
    yield


@row("Install {}{}.")
def a_recording_is_missing(bench):
    file = bench.prompts() / "fr" / "vm-goodbye.wav"
    file.rename(bench.folder / "package")
    yield
    (bench.folder / "package").rename(file)
    yield


# -- FreeSWITCH -----------------------------------------------------------------------------------


@row('set `notify.freeswitch = "127.0.0.1:8021"` and `notify.password_file = "/etc/esl-vm/event-socket"`')
def no_freeswitch(bench):
    address, password = yield
    secret = bench.folder / "event-socket"
    secret.write_text("ClueCon\n")
    switch = bench.switch()
    del bench.settings["notify.password"]
    bench.do(address.replace("8021", str(switch.port)))
    bench.do(password.replace("/etc/esl-vm/event-socket", str(secret)))
    yield


@row("set `sms.url` to an https:// address")
def texts_in_the_clear(bench):
    bench.settings["sms.url"] = "http://192.0.2.7:1/send"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("esl_vm.ops.check_notices.socket.create_connection", _refused)
        yield
        bench.settings["sms.url"] = "https://192.0.2.7:1/send"
        yield


@row("correct `sms.url`, or set `sms.private = true`")
def a_gateway_at_home(bench):
    bench.settings["sms.url"] = "http://127.0.0.1:1/send"
    _, setting = yield
    bench.do(setting)
    yield


@row("have it answer, or correct `sms.url`")
def a_gateway_that_is_away(bench):
    with socket.socket() as gateway:
        gateway.bind(("127.0.0.1", 0))
        bench.settings |= {"sms.url": f"http://127.0.0.1:{gateway.getsockname()[1]}/send", "sms.private": True}
        yield
        gateway.listen()
        yield


@row('set `notify.freeswitch = "127.0.0.1:8021"`, through which they go')
def calls_about_messages_without_a_freeswitch(bench):
    bench.settings["notice_calls.dial"] = "sofia/gateway/trunk/{number}"
    [address] = yield
    switch = bench.switch()
    bench.do(address.replace("8021", str(switch.port)))
    yield


@row('set `notice_calls.dial = "sofia/gateway/trunk/{number}"`, or take the calls out of the rules')
def rules_want_calls_that_nobody_places(bench):
    bench.switch()
    bench.settings["mailbox.notify_rules"] = "call:15145550100 urgent"
    [setting] = yield
    bench.do(setting)
    yield


@row("correct `notice_calls.dial`, or configure the gateway")
def calls_about_messages_through_no_gateway(bench):
    bench.switch()
    bench.settings["notice_calls.dial"] = "sofia/gateway/nowhere/{number}"
    yield
    bench.settings["notice_calls.dial"] = "sofia/gateway/trunk/{number}"
    yield


@row("start FreeSWITCH; compare event_socket.conf.xml with notify.freeswitch and its password")
def a_freeswitch_that_is_away(bench):
    bench.settings |= {"notify.freeswitch": "127.0.0.1:1", "notify.password": "ClueCon"}
    yield
    bench.switch()
    yield


@row("load them in autoload_configs/modules.conf.xml: {}")
def a_module_is_missing(bench):
    switch = bench.switch()
    switch.modules -= {"mod_sndfile", "mod_tone_stream"}
    yield
    [found] = [one for one in bench.doctor() if one["remedy"].startswith("load them")]
    switch.modules |= set(found["remedy"].partition(": ")[2].split(", "))
    yield


@row("`fs_cli -x 'unload mod_voicemail'`, and take it out of modules.conf.xml")
def mod_voicemail(bench):
    switch = bench.switch()
    switch.modules.add("mod_voicemail")
    [command] = yield
    switch.api(re.fullmatch("fs_cli -x '(.+)'", command)[1])
    yield


@row(
    "`esl-vm setup` shares it; or let FreeSWITCH's user into the group of that folder and of those above it, and restart FreeSWITCH"
)
def a_freeswitch_that_sees_nothing(bench):
    switch = bench.switch()
    switch.in_group = False
    yield
    switch.in_group = True
    yield


@row(
    "`esl-vm setup` shares it; or let FreeSWITCH's user into the group of that folder and of those above it, and restart FreeSWITCH"
)
def a_freeswitch_that_may_not_write(bench):
    switch = bench.switch()
    switch.may_write = False
    yield
    switch.may_write = True
    yield


@row("set dtmf-type to rfc2833 (or info) in the profile; docs/administration.md: Keys")
def no_keys(bench):
    switch = bench.switch()
    switch.profile = "<dtmf-mode>none</dtmf-mode>"
    yield
    switch.profile = "<dtmf-mode>rfc2833</dtmf-mode>"
    yield


QUIET = (
    'in logfile.conf.xml: `<map name="all" value="notice,warning,err,crit,alert"/>`; or in switch.conf.xml: '
    '`<param name="loglevel" value="notice"/>`'
)


@row(QUIET)
def keys_in_the_log(bench):
    switch = bench.switch()
    switch.files["logfile.conf"] = '<map name="all" value="debug,info,notice"/>'
    in_log, _ = yield
    switch.files["logfile.conf"] = in_log
    yield


@row(QUIET)
def keys_told_by_the_core(bench):
    switch = bench.switch()
    switch.files = {"logfile.conf": "", "switch.conf": '<param name="loglevel" value="debug"/>'}
    _, in_core = yield
    switch.files["switch.conf"] = in_core
    yield


@row("take it out of the profile's codecs", "take it out of the profile's codecs, or load {}")
def a_codec_that_is_passed_through(bench):
    switch = bench.switch()
    switch.profile = "<inbound-codecs>G729,G723,PCMU</inbound-codecs>"
    yield
    switch.profile = "<inbound-codecs>PCMU</inbound-codecs>"
    yield


@row("take it out of the profile's codecs, or load {}")
def a_codec_without_its_module(bench):
    switch = bench.switch()
    switch.profile = "<inbound-codecs>G729,PCMU</inbound-codecs>"
    yield
    [found] = [one for one in bench.doctor() if "or load" in one["remedy"]]
    switch.modules.add(found["remedy"].rpartition(" ")[2])
    yield


@row("write: socket {} async full")
def a_word_is_missing(bench):
    switch = bench.switch()
    switch.contexts["default"] = f'<extension name="own"><condition>{SOCKET}</condition></extension>'.replace(
        " async full", " async"
    )
    yield
    [found] = [one for one in bench.doctor() if one["area"] == "dialplan"]
    line = found["remedy"].removeprefix("write: socket ")
    switch.contexts["default"] = re.sub('data="[^"]*"', f'data="{line}"', switch.contexts["default"])
    yield


SHIPPED = re.compile(r"<include>(.*)</include>", re.DOTALL)


def shipped():
    plan = "".join(SHIPPED.search(path.read_text())[1] for path in sorted((ROOT / "dialplan").glob("*.xml")))
    return plan.replace("$${vm_services}", "127.0.0.1:8084")  # as FreeSWITCH does when it reads it


@row("copy dialplan/*.xml into conf/dialplan/default/, or see that what hands calls over says: async full")
def no_dialplan(bench):
    switch = bench.switch()
    switch.contexts.clear()
    yield
    switch.contexts["default"] = shipped()
    yield


@row("`esl-vm setup` moves it aside; or put it after ours")
def an_extension_before_ours(bench):
    switch = bench.switch()
    takes = '<condition field="destination_number" expression="{}"><action application="{}" data="{}"/></condition>'
    rings = takes.replace("{}", "^(10[01][0-9])$", 1)
    theirs = (
        '<extension name="vmain">' + takes.format("^vmain$|^4000$|^\\*98$", "voicemail", "check") + "</extension>",
        '<extension name="rings first">' + rings.format("bridge", "user/$1") + "</extension>",
        '<extension name="goes on" continue="true">' + rings.format("voicemail", "x") + "</extension>",
        '<extension name="by day"><condition wday="2-6"/>' + rings.format("voicemail", "x") + "</extension>",
        '<extension name="local">' + rings.format("bridge", "loopback/app=voicemail:default $1") + "</extension>",
    )
    switch.contexts["default"] = "".join(theirs) + shipped()
    commands = yield
    assert set(commands) == {"esl-vm setup"}  # tests/setup does it
    assert {one["said"] for one in bench.doctor() if one["area"] == "dialplan"} == {
        "context default: extension vmain takes *98 before voicemail_any does",
        "context default: extension local takes 20 numbers from 1000 to 1019 before ring_then_voicemail does",
    }
    switch.contexts["default"] = shipped() + "".join(theirs)
    yield


@row("take it from sip_auth_username, as dialplan/41_voicemail_numbers.xml does")
def a_mailbox_from_the_from_header(bench):
    switch = bench.switch()
    trusting = '<action application="set" data="vm_mailbox=${caller_id_number}"/>'
    switch.contexts["default"] = f'<extension name="own"><condition>{trusting}{SOCKET}</condition></extension>'
    yield
    switch.contexts["default"] = shipped()
    yield


@row("mend what it says, or correct `calendars.sources` in the settings")
def a_calendar_that_is_not_there(bench):
    pytest.importorskip("recurring_ical_events", reason="esl-vm[calendars] is not installed")
    path = bench.folder / "office.ics"
    bench.settings["calendars.sources"] = [f"office={path}"]
    bench.settings["calendars.holidays"] = []

    def read():
        with bench.node() as node:
            CalendarReader(node.settings.calendars, node.calendars, node.clock, "UTC").read_all()

    read()
    yield
    path.write_text("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\nEND:VCALENDAR\r\n")
    read()
    yield


# -- aliases -----------------------------------------------------------------------------------------


@row("give it to one: `esl-vm mailbox set MAILBOX --alias NUMBER`")
def an_alias_of_a_mailbox_that_was_removed(bench):
    with bench.node() as node:
        node.add_mailbox(ALICE, {}, "")
        node.store.aliases.claim(MailboxId("1008"), ["1009"])
    [command] = yield
    bench.do(command, MAILBOX="1001", NUMBER="1009")
    yield


@row("esl-vm mailbox set {} aliases={}")
def an_alias_that_was_half_given(bench):
    with bench.node() as node:
        node.add_mailbox(ALICE, {}, "")
        node.store.aliases.claim(ALICE, ["1009"])
    [command] = yield
    bench.do(command)
    yield


# -- encryption -------------------------------------------------------------------------------------


def with_key(bench):
    pytest.importorskip("cryptography", reason="esl-vm[encryption] is not installed")
    path = bench.folder / "keys"
    bench.settings["privacy.key_file"] = str(path)
    add_key(path)
    with bench.node() as node:
        node.store.seal_keys.note(node.seal.key)
    return path


@row("restore the key, or let this user read it: without it messages wait in the spool and none can be heard")
def a_key_that_is_gone(bench):
    path = with_key(bench)
    aside = path.rename(path.with_name("keys.saved"))
    yield
    aside.rename(path)
    yield


@row("restore that key as a further line of `privacy.key_file`; `esl-vm privacy encrypt` says what needs it")
def a_key_that_was_used_is_missing(bench):
    path = with_key(bench)
    former = path.read_text()
    path.unlink()
    add_key(path)
    yield
    path.write_text(path.read_text() + former)
    assert bench.esl_vm("privacy", "encrypt")[0] == 0
    yield


@row('set `privacy.clear_folder = "/run/esl-vm"`')
def clear_copies_on_a_disk(bench):
    with_key(bench)
    if not Path("/proc/self/mounts").exists() or "tmpfs /dev/shm" not in Path("/proc/self/mounts").read_text():
        pytest.skip("this host has no folder in memory")
    if lies_on(bench.folder) in {"tmpfs", "ramfs"}:
        pytest.skip("this host's temporary folders are in memory")
    yield
    with tempfile.TemporaryDirectory(dir="/dev/shm") as in_memory:
        bench.settings["privacy.clear_folder"] = in_memory
        yield


def lies_on(folder):
    """The kind of file system that a folder is on."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    kinds = {Path(words[1]): words[2] for words in lines}
    return next(kinds[place] for place in (folder, *folder.parents) if place in kinds)


# -- the service and the cluster ------------------------------------------------------------------


@row("`systemctl start esl-vm`, or `esl-vm serve`", "esl-vm serve")
def no_service(bench):
    bench.settings["service.listen"] = f"127.0.0.1:{free_port()}"
    command = (yield)[-1]
    assert command == "esl-vm serve"
    words = [sys.executable, "-m", "esl_vm", "--config", bench.file, *command.split()[1:]]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as ran:
        try:
            with bench.node() as node:
                wait_until(node.store.cluster.nodes, what="the service")
            yield
        finally:
            ran.terminate()


@contextlib.contextmanager
def a_neighbour(bench, version=__version__, **fields):
    """Another node that tells of itself; what it tells again in `told_again`."""
    with bench.node() as node:

        def tell(version=version, **fields):
            node.store.cluster.report("node-2", version, 1, fields)

        node.store.verify()
        tell(version, **fields)
        yield node, tell


@row("on {}: `systemctl status esl-vm`, and `systemctl start esl-vm` if it does not run")
def a_node_that_is_gone(bench):
    with a_neighbour(bench) as (node, tell):
        node.store.link.run(None, lambda client: client.delete(keys.node("node-2")))
        _, start = yield
        assert start == "systemctl start esl-vm"
        tell()
        yield


@row("on {}: `esl-vm doctor`")
def a_node_that_is_not_well(bench):
    for tells in ({"ready": "Redis is away"}, {"freeswitch": "down"}):
        with a_neighbour(bench, **tells) as (_, tell):
            [command] = yield
            bench.do(command)
            tell(ready="yes", freeswitch="up")
            yield


@row("run an NTP client on {}")
def a_node_with_another_clock(bench):
    with a_neighbour(bench) as (node, tell):
        far = f"{node.clock.now() - 20:.3f}"
        node.store.link.run(None, lambda client: client.hset(keys.node("node-2"), "at", far))
        yield
        tell()
        yield


@row("make the settings of all nodes the same, then restart that service")
def nodes_that_disagree(bench):
    with a_neighbour(bench) as (node, tell):
        same = common_settings(node)
        tell(agree=packed(same | {"audio.store": "s3"}))
        yield
        tell(agree=packed(same))
        yield


@row("upgrade the others too: docs/operations.md")
def several_versions(bench):
    with a_neighbour(bench, "0.0.9") as (_, tell):
        yield
        tell(__version__)
        yield


@row("upgrade this node's esl-vm")
def a_schema_that_is_newer(bench, redis_of_commands):
    bench.doctor()
    with redis_of_commands.client() as client:
        client.hset(keys.META, "schema", SCHEMA + 1)
    yield
    with pytest.MonkeyPatch.context() as newer:
        newer.setattr("esl_vm.store.store.SCHEMA", SCHEMA + 1)
        yield


@row("put a proxy with TLS in front of it (docs/web.md), and set web.url to its https:// address")
def pages_in_clear(bench):
    bench.settings["web.listen"] = "0.0.0.0:8088"
    yield
    bench.settings["web.url"] = "https://voicemail.example.com"
    yield


# -- mail -----------------------------------------------------------------------------------------


@row("correct [mail] in the settings, or the server")
def a_mail_server_that_is_away(bench):
    bench.settings |= {"mail.host": "127.0.0.1", "mail.port": 1}
    yield
    with MailNeighbour() as server:
        bench.settings["mail.port"] = server.port
        yield


@row("esl-vm mail list --dead; esl-vm mail retry --all")
def mail_that_was_given_up(bench):
    with bench.node() as node:
        node.outbox.add(Job("mail-1", JobKind.MAIL, ALICE, {"to": ["a@example.com"]}, created=1000.0, due=1000.0))
        node.outbox.give_up(node.outbox.claim(JobKind.MAIL, node.clock.now(), 60.0), "550 no such user")
    [commands] = yield
    bench.do(commands)
    yield


# -- the sounds -----------------------------------------------------------------------------------

WRONG_STORE = (
    "correct [audio] in the settings; or, if it is the right store all the same: `esl-vm doctor --adopt-sounds`"
)


@row(WRONG_STORE)
def a_folder_of_another_installation(bench):
    bench.doctor()
    right = dict(bench.settings)
    folder = sounds_in(bench, bench.folder / "audio")
    (folder / "installation").write_text("0123456789abcdef\n")
    yield
    bench.settings = right
    yield


@row(WRONG_STORE)
def a_folder_that_is_the_right_one(bench):
    folder = sounds_in(bench, bench.folder / "audio")
    (folder / "installation").write_text("0123456789abcdef\n")
    [command] = yield
    bench.do(command)
    yield


@row(WRONG_STORE)
def a_bucket_that_is_the_right_one(bench):
    with S3Neighbour() as s3:
        given = {"store": "s3", "bucket": "b", "endpoint": s3.url, "access_key": "a", "secret_key": "s"}
        bench.settings |= {f"audio.{name}": value for name, value in given.items()}
        s3.keep("installation", b"0123456789abcdef")
        [command] = yield
        bench.do(command)
        yield


@row(WRONG_STORE)
def a_redis_that_is_the_right_one(bench):
    bench.doctor()
    with bench.node() as node:
        node.audio.claim("0123456789abcdef", over=True)
        [command] = yield
        bench.do(command)
        yield


@row("see that this user may read and write there")
def a_folder_of_sounds_that_is_away(bench):
    folder = sounds_in(bench, bench.folder / "audio")
    folder.rmdir()
    yield
    folder.mkdir()
    yield


@row("see what alters them on the way: a proxy, a gateway")
def sounds_that_are_altered(bench, redis_of_commands):
    with Proxy(redis_of_commands.port) as proxy:
        bench.settings["redis.url"] = f"redis://127.0.0.1:{proxy.port}/0"
        proxy.alters = lambda data: data.replace(b"RIFFdoctor", b"RIFFhealer")
        yield
        proxy.alters = bytes
        yield


def a_message(bench, node, seconds=2):
    """A message with its sound; its id."""
    message = Message(new_id(node.clock.now()), received=node.clock.now(), duration_ms=2000)
    speak(bench.folder / "said.wav", seconds)
    node.audio.put(message.id, bench.folder / "said.wav")
    node.mailboxes.deliver(ALICE, message, even_if_full=True)
    return message.id


@row("esl-vm doctor --repair", words=("--orphans",))
def sounds_without_messages_and_messages_without_sounds(bench):
    with bench.node() as node:
        node.add_mailbox(ALICE, {}, "")
        for _ in range(3):
            lost = a_message(bench, node)
        node.audio.delete(lost)
        node.audio.put("10000000000-aaaaaaaaaaaa", bench.folder / "said.wav")
        commands = yield
        assert set(commands) == {"esl-vm doctor --repair"}
        bench.do(commands[0])
        yield


@row("done", words=("--repair",))
def a_repair(bench):
    with bench.node() as node:
        node.store.verify()
        speak(bench.folder / "said.wav")
        node.audio.put("10000000000-aaaaaaaaaaaa", bench.folder / "said.wav")
        yield
        yield


@row("correct audio.store and [audio]; if they are right: `esl-vm doctor --repair --most {}`", words=("--orphans",))
def most_sounds_are_gone(bench):
    with bench.node() as node:
        node.add_mailbox(ALICE, {}, "")
        bench.doctor()  # the store is marked
        for _ in range(3):
            node.audio.delete(a_message(bench, node))
        [command] = yield
        bench.do(command)
        yield


# -- one Redis ------------------------------------------------------------------------------------


@pytest.fixture
def own(bench):
    """A Redis of this node's own, which keeps what it is given."""
    with redis_server(*DURABLE) as server:
        bench.settings["redis.url"] = server.url
        yield server


def set_at(server, **settings):
    with server.client() as client:
        for name, value in settings.items():
            client.config_set(name.replace("_", "-"), value)


@row("correct it in the settings, or see the log that it names")
def an_embedded_redis_that_does_not_start(bench):
    bench.settings["redis.url"] = "embedded:"
    bench.doctor()
    [base] = (bench.data / "redis" / "appendonlydir").glob("*.base.rdb")
    good = base.read_bytes()
    base.write_bytes(b"REDIS0011" + b"\xff" * 100)
    yield
    [found] = [one for one in bench.doctor() if one["area"] == "redis"]
    assert "redis.log says why" in found["said"]
    assert "rdb.c" in (bench.data / "redis" / "redis.log").read_text()
    base.write_bytes(good)
    yield


@row("start Redis, or correct redis.url")
def redis_is_away(bench, own):
    own.stop()
    yield
    own.start()
    yield


@row("start Redis, or correct redis.url")
def redis_is_elsewhere(bench):
    bench.settings["redis.url"], right = "redis://127.0.0.1:1", bench.settings["redis.url"]
    yield
    bench.settings["redis.url"] = right
    yield


@row("correct the user or password in redis.url, or Redis' ACL")
def a_password_that_is_not_given(bench, own):
    set_at(own, requirepass="x")
    yield
    bench.settings["redis.url"] = own.url.replace("//", "//:x@")
    yield


@row("see why Redis hangs: its host's load; when it answers again, `{} slowlog get 10`")
def redis_hangs(bench, own):
    own.pause()
    [command] = yield
    own.resume()
    bench.do(command)
    yield


@row("wait until Redis has read its data")
def redis_is_loading(bench, own):
    since_redis_7()
    with own.client() as client:
        client.mset({f"key{number}": os.urandom(3000) for number in range(60)})
        client.bgrewriteaof()
        wait_until(lambda: not client.info()["aof_rewrite_in_progress"], what="one file with all of it")
    own.options += ("--key-load-delay", "200000", "--loading-process-events-interval-bytes", "1024")
    own.stop()
    own.start()
    yield
    set_at(own, key_load_delay="0")
    wait_until(lambda: not info(own)["loading"], what="the data")
    yield


def since_redis_7():
    """What brings the finding about is a setting that an older server has not, or does not change while it runs."""
    program = redis_executable()
    if "valkey" not in program and redis_version(program) < (7,):
        pytest.skip("the redis-server here is older than 7")


def info(server):
    with server.client() as client:
        return client.info()


@row("name the master in redis.url, or the Sentinels (redis+sentinel://)")
def a_replica(bench, own):
    bench.doctor()
    with redis_server(*DURABLE, "--replicaof", "127.0.0.1", str(own.port)) as replica:
        wait_until(lambda: info(replica)["master_link_status"] == "up", what="the replica")
        bench.settings["redis.url"] = replica.url
        yield
        bench.settings["redis.url"] = own.url
        set_at(own, min_replicas_to_write="0")
    yield


FULL = (
    "raise Redis' maxmemory: `{} config set maxmemory SIZE`; or erase messages: "
    "`esl-vm message delete --for-good MAILBOX ID`"
)


@contextlib.contextmanager
def a_full_redis(bench, own):
    """With messages for Alice in it; their ids."""
    with bench.node() as node:
        node.add_mailbox(ALICE, {}, "")
        messages = [a_message(bench, node, seconds=30) for _ in range(10)]
        set_at(own, maxmemory=str(info(own)["used_memory"] - 2_000_000))  # of five: more than buffers come and go
        yield messages


@row(FULL)
def redis_is_full(bench, own):
    with a_full_redis(bench, own):
        enlarge, _ = yield
        bench.do(enlarge, SIZE="1gb")
        yield


@row(FULL)
def redis_is_full_and_its_host_too(bench, own):
    with a_full_redis(bench, own) as messages:
        _, erase = yield
        bench.do(erase, MAILBOX="1001@default", ID=" ".join(messages[:9]))
        yield


@row("start the replicas, or see why they don't reach the master: `{} info replication`")
def redis_without_its_replicas(bench, own):
    bench.doctor()
    set_at(own, min_replicas_to_write="1")
    [command] = yield
    bench.do(command)
    with redis_server(*DURABLE, "--replicaof", "127.0.0.1", str(own.port)):
        wait_until(lambda: info(own).get("min_slaves_good_slaves"), what="the replica")
        yield


@row("make room on Redis' disk, see its log", "see its log; free its disk")
def redis_can_not_write(bench, own):
    bench.doctor()
    set_at(own, save="3600 1")
    (own.folder / "dump.rdb").mkdir()  # in the way of the file
    with own.client() as client:
        client.bgsave()
        wait_until(lambda: client.info()["rdb_last_bgsave_status"] == "err", what="the failure")
        yield
        (own.folder / "dump.rdb").rmdir()
        client.bgsave()
        wait_until(lambda: client.info()["rdb_last_bgsave_status"] == "ok", what="the snapshot")
        yield


@row("put them back: `esl-vm restore FILE`")
def redis_was_emptied(bench, own):
    backup = bench.folder / "all.backup"
    with bench.node() as node:
        node.add_mailbox(ALICE, {}, "")
        node.spool.folder.belong_to(node.store.installation)
    assert bench.esl_vm("backup", str(backup))[0] == 0
    with own.client() as client:
        client.flushall()
    [command] = yield
    bench.do(command, FILE=backup)
    yield


@row("correct redis.url")
def another_installations_redis(bench, own):
    with bench.node() as node:
        node.store.verify()
        node.spool.folder.belong_to(node.store.installation)
    bench.settings["redis.url"] = own.url[:-1] + "1"
    bench.settings["data_dir"] = str(bench.folder / "other")
    bench.doctor()
    bench.settings["data_dir"] = str(bench.data)
    yield
    bench.settings["redis.url"] = own.url
    yield


@row("set redis.partitions to the number it was begun with")
def another_number_of_partitions(bench):
    bench.doctor()
    bench.settings["redis.partitions"] = 8
    yield
    [found] = [one for one in bench.doctor() if "was begun with" in one["said"]]
    bench.settings["redis.partitions"] = int(re.search(r"was begun with (\d+)", found["said"])[1])
    yield


@contextlib.contextmanager
def altered(bench, own, alter):
    with Proxy(own.port) as proxy:
        bench.settings["redis.url"] = f"redis://127.0.0.1:{proxy.port}/0"
        proxy.alters = alter
        yield proxy
        proxy.alters = bytes


@row("upgrade Redis to 6.2 or later")
def an_old_redis(bench, own):
    old = re.compile(rb"redis_version:\d+\.")
    with altered(bench, own, lambda data: old.sub(b"redis_version:5.", data)) as proxy:
        yield
        proxy.alters = bytes
        yield


@row("allow CONFIG GET to this user, or compare with docs/administration.md yourself")
def config_is_refused(bench, own):
    def user(*rights):
        with own.client() as client:
            client.execute_command("ACL", "SETUSER", "vm", "on", ">x", "~*", "&*", "+@all", *rights)

    user("-config")
    bench.settings["redis.url"] = own.url.replace("//", "//vm:x@")
    yield
    user("+config|get")
    yield


@row("{} config set appendonly yes; {} config rewrite")
def nothing_is_written(bench, own):
    set_at(own, appendonly="no")
    [commands] = yield
    bench.do(commands)
    assert "appendonly yes" in (own.folder / "redis.conf").read_text()
    yield


@row("{} config set appendonly yes; {} config rewrite")
def nothing_is_written_behind_a_password(bench, own):
    set_at(own, appendonly="no", requirepass="x y")
    bench.settings["redis.url"] = own.url.replace("//", "//:x%20y@")
    [commands] = yield
    assert "--askpass" in commands
    bench.do(commands, typed="x y")
    yield


@row("{} config set appendfsync always; {} config rewrite")
def nothing_is_flushed(bench, own):
    set_at(own, appendfsync="no")
    [commands] = yield
    bench.do(commands)
    yield


@row("`{} config set appendfsync always; {} config rewrite`; or have replicas, and `wait_replicas=1` in redis.url")
def a_second_may_be_lost(bench, own):
    set_at(own, appendfsync="everysec")
    commands, _ = yield
    bench.do(commands)
    yield


@row("`{} config set appendfsync always; {} config rewrite`; or have replicas, and `wait_replicas=1` in redis.url")
def a_second_may_be_lost_here_and_is_on_another_host(bench, own):
    set_at(own, appendfsync="everysec")
    _, setting = yield
    with replicas(own, 1):
        bench.do(setting)
        yield


@row("{} config set maxmemory-policy noeviction; {} config rewrite")
def a_redis_that_throws_away(bench, own):
    set_at(own, maxmemory="1gb", maxmemory_policy="allkeys-lru")
    [commands] = yield
    bench.do(commands)
    yield


@row("`{} config set maxmemory SIZE`, or keep the sounds elsewhere (audio.store)")
def a_redis_that_is_nearly_full(bench, own):
    bench.doctor()
    set_at(own, maxmemory=str(int(info(own)["used_memory"] * 1.15)))
    [enlarge] = yield
    bench.do(enlarge, SIZE="1gb")
    yield


@row("callers hear each of them as silence: have Redis in the same building")
def a_redis_far_away(bench, own):
    with Proxy(own.port) as proxy:
        bench.settings["redis.url"] = f"redis://127.0.0.1:{proxy.port}/0"
        proxy.delay_s = 0.01
        yield
        bench.settings["redis.url"] = own.url
        yield


TIME = re.compile(rb"\*2\r\n\$10\r\n(\d{10})\r\n")


def ahead(seconds):
    return lambda data: TIME.sub(lambda told: b"*2\r\n$10\r\n%d\r\n" % (int(told[1]) + seconds), data)


@row("run an NTP client")
def a_clock_that_is_wrong(bench, own):
    with altered(bench, own, ahead(30)) as proxy:
        yield
        proxy.alters = bytes
        yield


# -- several Redis --------------------------------------------------------------------------------


@contextlib.contextmanager
def replicas(own, count):
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(redis_server(*DURABLE, "--replicaof", "127.0.0.1", str(own.port)))
        wait_until(lambda: online(own) == count, what="the replicas")
        yield


def online(server):
    told = info(server)
    return sum(isinstance(one, dict) and one.get("state") == "online" for one in told.values())


@row("set `wait_replicas={}` in redis.url (after ? or &), on every node")
def too_few_are_waited_for(bench, own):
    with replicas(own, 1):
        [setting] = yield
        bench.do(setting)
        yield


MISSING = "start the replicas that are missing, or set `wait_replicas={}` in redis.url"


@row(MISSING)
def replicas_that_are_missing(bench, own):
    bench.settings["redis.url"] = f"{own.url}?wait_replicas=1"
    yield
    with replicas(own, 1):
        yield


@row(MISSING)
def replicas_that_there_are_not(bench, own):
    bench.settings["redis.url"] = f"{own.url}?wait_replicas=1"
    [setting] = yield
    bench.do(setting)
    yield


@row("{} config set min-replicas-to-write 1; {} config rewrite")
def a_master_that_writes_alone(bench, own):
    with replicas(own, 1):
        [commands] = yield
        bench.do(commands)
        yield


@row("one replica more: {} for each master (`esl-vm doctor --topology`)")
def none_to_spare(bench, own):
    bench.settings["redis.url"] = f"{own.url}?wait_replicas=1"
    with replicas(own, 1):
        [command] = yield
        bench.do(command)
        with redis_server(*DURABLE, "--replicaof", "127.0.0.1", str(own.port)):
            wait_until(lambda: online(own) == 2, what="the replica")
            yield


@row("{} quorum {}")
def a_quorum_that_is_none(bench):
    with redis_sentinels(3, 3) as there:
        bench.settings["redis.url"] = f"{there.url}?wait_replicas=1"
        for sentinel in there.sentinels:
            with sentinel.client() as client:
                client.execute_command("SENTINEL", "SET", there.service, "quorum", "1")
        [commands] = yield
        assert commands.count("sentinel set voicemail quorum 2") == 3
        bench.do(commands)
        yield


@row("three Sentinels or more, each on a host of its own")
def two_sentinels(bench):
    with redis_sentinels(2, 2) as there:
        bench.settings["redis.url"] = f"{there.url}?wait_replicas=1"
        yield
        with there.one_more():
            there.wait_met()
            yield


@pytest.fixture(scope="module")
def three_masters():
    with redis_cluster(3, 0, *DURABLE, "--cluster-require-full-coverage", "no") as there:
        yield there


@row("{} set cluster-require-full-coverage no; {} rewrite")
def a_cluster_that_is_whole_or_nothing(bench, three_masters):
    bench.settings["redis.url"] = three_masters.url
    for server in three_masters.nodes:
        set_at(server, cluster_require_full_coverage="yes")
    [commands] = yield
    bench.do(commands)
    for server in three_masters.nodes:
        assert "cluster-require-full-coverage no" in (server.folder / "redis.conf").read_text()
    yield


@row("three masters or more")
def one_master(bench, one_node_cluster, three_masters):
    bench.settings["redis.url"] = one_node_cluster.url
    yield
    bench.settings["redis.url"] = three_masters.url
    yield


@row("start it, or a replica of it")
def a_master_that_is_away(bench, three_masters):
    bench.settings["redis.url"] = three_masters.url
    bench.doctor()
    three_masters.nodes[1].kill()
    yield
    three_masters.nodes[1].start()
    three_masters.wait_whole()
    yield


@row("run an NTP client on each")
def masters_with_clocks_apart(bench, three_masters):
    since_redis_7()
    bench.settings["redis.url"] = three_masters.url
    server = three_masters.nodes[0]
    with Proxy(server.port) as proxy:
        set_at(server, cluster_announce_port=str(proxy.port))
        three_masters.wait_known(proxy.port)
        proxy.alters = ahead(30)
        yield
        proxy.alters = bytes
        yield
        set_at(server, cluster_announce_port="0")
        three_masters.wait_known(server.port)


def fits(templates, finding):
    return [template for template in templates if pattern(template).fullmatch(finding["remedy"])]


@pytest.mark.parametrize(("templates", "words", "play"), ROWS)
def test_what_a_remedy_says_is_done_and_its_finding_is_gone(templates, words, play, bench, request):
    given = {name: request.getfixturevalue(name) for name in inspect.signature(play).parameters}
    acts = play(**given)
    next(acts)
    while True:
        found = [one for one in bench.doctor(*words) if fits(templates, one)]
        assert {template for one in found for template in fits(templates, one)} == set(templates), bench.doctor(*words)
        acts.send([part for one in found for part in parts(one["remedy"])])
        assert [one for one in bench.doctor(*words) if fits(templates, one)] == []
        if next(acts, "end") == "end":
            return
