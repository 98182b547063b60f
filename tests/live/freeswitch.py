"""A real FreeSWITCH of the tests' own: found, configured from nothing, started, asked and stopped. All on 127.0.0.1."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from live.event_socket import EventSocket

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


DIALPLAN = Path(__file__).parents[2] / "dialplan"
PROMPTS = Path("/usr/share/asterisk/sounds")
"""Debian's asterisk-core-sounds-fr-wav and -en-wav."""
NEEDED = ("event_socket", "commands", "dptools", "dialplan_xml", "sofia", "sndfile", "tone_stream")
WELCOME = (
    "opus",
    "g729",
    "spandsp",
    "xml_curl",
    "loopback",
    "native_file",
    "logfile",
    "say_en",
    "say_fr",
    "fifo",
    "callcenter",
    "valet_parking",
    "hash",
    "lua",
)
_PROGRAMS = ("/opt/freeswitch/bin", "/usr/local/freeswitch/bin", "/usr/bin")
_MODULES = ("lib/freeswitch/mod", "lib64/freeswitch/mod", "mod")
_START_S = 60.0


@dataclass(frozen=True)
class Installed:
    """A FreeSWITCH that is installed here: its program, the folder of its modules, which of those are there."""

    program: Path
    modules: Path
    names: tuple[str, ...]


def find_freeswitch() -> Installed | None:
    """The first FreeSWITCH that has what is needed, on PATH or where it is usually installed; None if there is none."""
    on_path = shutil.which("freeswitch")
    programs = [Path(on_path)] if on_path else []
    for program in (*programs, *(Path(folder) / "freeswitch" for folder in _PROGRAMS)):
        for folder in _MODULES:
            modules = program.resolve().parents[1] / folder
            there = tuple(name for name in (*NEEDED, *WELCOME) if (modules / f"mod_{name}.so").is_file())
            if program.is_file() and set(NEEDED) <= set(there):
                return Installed(program, modules, there)
    return None


def why_not() -> str:
    """Why no live test can run on this machine, `` if they can."""
    if find_freeswitch() is None:
        return f"no FreeSWITCH with mod_{', mod_'.join(NEEDED)} (looked on PATH and in {', '.join(_PROGRAMS)})"
    for language in ("fr", "en"):
        if not (PROMPTS / language / "vm-intro.wav").is_file():
            return f"no prompts in {PROMPTS / language}: install asterisk-core-sounds-{language}-wav"
    return ""


class FreeSwitch:
    """One that runs. Calls come in without a password; the first host of a call's address is its domain.

    Args:
        folder: for its configuration, log and state.
        services: by the name of a dialplan context with our dialplan in it the `socket` addresses there, and its words
            where they are not "async full".
        recipes: more files, by their path: `conf/dialplan/CONTEXT/NAME.xml`, `scripts/NAME.lua`, `conf/autoload_configs/NAME.xml`.
        web: where mod_xml_curl asks; `` = it is not loaded.
        before: words before its command line: in which surroundings it runs.
        domains: mailbox domains, each with the telephones 1001 to 1003. They can be reached where the call's header
            `X-Telephone` says (`error/NO_ANSWER` unless it says anything).

    A caller's headers say more: `X-Context` (a name in `services`, the first unless said; `plain` has nothing but the
    `socket`), `X-Extension` (where `plain` sends the call on from the number dialled), and those in SETTABLE are set
    as channel variables.

    Attributes:
        sip_port, event_port: where it listens. late_port: for SIP too, with `inbound-late-negotiation`. password: the event socket's. log: its log file.
    """

    SETTABLE = (
        "vm_operator",
        "vm_language",
        "vm_skip_pin",
        "vm_urgent",
        "vm_answer",
        "vm_autoplay",
        "vm_read_only",
        "vm_skip_instructions",
        "vm_skip_greeting",
        "vm_greeting",
        "skip_greeting",
        "skip_instructions",
        "vm_operator_extension",
        "vm_action",
        "vm_caller",
        "vm_mailbox",
        "vm_domain",
        "vm_notice",
        "dialed_user",
        "effective_caller_id_name",
        "effective_caller_id_number",
        "sensitive_dtmf",
    )

    def __init__(
        self,
        folder: Path,
        services: Mapping[str, str],
        domains: list[str],
        recipes: Mapping[str, str] | None = None,
        web: str = "",
        before: Sequence[str] = (),
    ) -> None:
        installed = find_freeswitch()
        assert installed is not None
        self.sip_port, self.late_port = _free_sip_port(), _free_sip_port()
        self.event_port = _free_port(socket.SOCK_STREAM)
        self.password = secrets.token_hex(8)
        self.log = folder / "log/freeswitch.log"
        configuration = folder / "conf"
        configuration.mkdir(parents=True)
        for context, addresses in services.items():
            _our_dialplan(configuration / context, addresses)
        public = configuration / "public"
        public.mkdir(exist_ok=True)
        for path, text in (recipes or {}).items():
            if path.startswith("conf/dialplan/"):
                (configuration / path.removeprefix("conf/dialplan/")).write_text(text)
        of_modules = "".join(
            text.replace("http://127.0.0.1:8090/", web)
            for path, text in (recipes or {}).items()
            if path.startswith("conf/autoload_configs/")
        )
        if not web:
            installed = replace(installed, names=tuple(name for name in installed.names if name != "xml_curl"))
        whole = self._configuration(installed, list(services), domains, of_modules)
        (configuration / "freeswitch.xml").write_text(whole)
        arguments: list[object] = [
            *before,
            installed.program,
            "-nf",
            "-nonat",
            "-conf",
            configuration,
            "-mod",
            installed.modules,
        ]
        for use in [
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
            (folder / use).mkdir()
            arguments += [f"-{use}", folder / use]
        for path, text in (recipes or {}).items():
            if path.startswith("scripts/"):
                (folder / path).write_text(text)
        self._said = (folder / "said.txt").open("w")
        self.process = subprocess.Popen(
            [str(word) for word in arguments], stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def api(self, line: str) -> str:
        """The answer to an api command."""
        asked = EventSocket(self.event_port, self.password)
        try:
            return asked.api(line)
        finally:
            asked.close()

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def stop(self) -> None:
        """Stop it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._said.close()

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _START_S
        while True:
            assert self.process.poll() is None, f"FreeSWITCH ended: {Path(self._said.name).read_text()[-2000:]}"
            try:
                if self.api("sofia status").count("RUNNING") == 2:
                    return
            except (ConnectionError, AssertionError):
                pass  # not yet
            assert time.monotonic() < until, f"FreeSWITCH does not start; see {self.log}"
            threading.Event().wait(0.05)

    def _configuration(self, installed: Installed, contexts: list[str], domains: list[str], of_modules: str) -> str:
        # Below the ports the system gives to those who don't ask for any; a block drawn by lot, for several at once.
        first_port = 20000 + 400 * secrets.randbelow(30)
        modules = "".join(f'<load module="mod_{name}"/>' for name in installed.names)
        users = "".join(_user(number) for number in ("1001", "1002", "1003"))
        every = "".join(
            f'<domain name="{domain}"><groups><group name="all"><users>{users}</users></group></groups></domain>'
            for domain in domains
        )
        given = "".join(_set(name, f"${{sip_h_X-{name}}}") for name in self.SETTABLE)
        includes = "".join(
            f'<context name="{context}">{_RECEPTION}\n<X-PRE-PROCESS cmd="include" data="{context}/*.xml"/>\n</context>\n'
            for context in dict.fromkeys((*contexts, "public"))
        )
        return f"""<?xml version="1.0"?>
<document type="freeswitch/xml">
  <section name="configuration">
    <configuration name="switch.conf"><settings>{
            _params(
                {
                    "loglevel": "debug",
                    "max-sessions": "1000",
                    "sessions-per-second": "200",
                    "rtp-start-port": str(first_port),
                    "rtp-end-port": str(first_port + 398),
                }
            )
        }</settings></configuration>
    <configuration name="modules.conf"><modules>{modules}</modules></configuration>
    <configuration name="logfile.conf"><settings>{
            _params({"rotate-on-hup": "true"})
        }</settings><profiles><profile name="default"><settings>{
            _params({"logfile": str(self.log), "uuid": "true"})
        }</settings><mappings><map name="all" value="debug,info,notice,warning,err,crit,alert"/></mappings>
    </profile></profiles></configuration>
    <configuration name="event_socket.conf"><settings>{
            _params(
                {
                    "nat-map": "false",
                    "listen-ip": "127.0.0.1",
                    "listen-port": str(self.event_port),
                    "password": self.password,
                    "apply-inbound-acl": "loopback.auto",
                }
            )
        }</settings></configuration>
    {of_modules}
    <configuration name="acl.conf"><network-lists/></configuration>
    <configuration name="fifo.conf"><settings/><fifos/></configuration>
    <configuration name="callcenter.conf"><settings/><queues><queue name="support@default">{
            _params({"strategy": "longest-idle-agent", "moh-sound": "silence_stream://-1", "max-wait-time": "2"})
        }</queue></queues><agents/><tiers/></configuration>
    <configuration name="sofia.conf"><global_settings>{_params({"log-level": "0"})}</global_settings><profiles>{
            _profile("live", self.sip_port)
        }{_profile("late", self.late_port)}</profiles></configuration>
  </section>
  <section name="dialplan">
    <context name="arrivals"><extension name="any">
      <condition field="${{sip_h_X-Context}}" expression="^$" break="never">
        {_set("live_context", contexts[0])}
        <anti-action application="set" data="live_context=${{sip_h_X-Context}}" inline="true"/>
      </condition>
      <condition field="${{sip_h_X-Telephone}}" expression="^$" break="never">
        {_set("live_telephone", "error/NO_ANSWER")}
        <anti-action application="set" data="live_telephone=${{sip_h_X-Telephone}}" inline="true"/>
      </condition>
      <condition field="${{sip_h_X-Context}}" expression="^public$" break="never">
        <anti-action application="set" data="domain_name=${{sip_req_host}}" inline="true"/>
      </condition>
      <condition field="destination_number" expression="^(.*)$">
        {given}
        <action application="transfer" data="$1 XML ${{live_context}}"/>
      </condition>
    </extension></context>
    <context name="plain">
      <X-PRE-PROCESS cmd="include" data="{contexts[0]}/40_voicemail_settings.xml"/>
      <X-PRE-PROCESS cmd="include" data="{contexts[0]}/49_voicemail_ended.xml"/>
      <extension name="sent_on">
        <condition field="${{live_sent_on}}" expression="^$"/>
        <condition field="${{sip_h_X-Extension}}" expression="^(.+)$">
          {_set("live_sent_on", "true")}
          <action application="transfer" data="$1 XML plain"/>
        </condition>
      </extension>
      <extension name="handed_over"><condition>
        {_set("vm_status", "NONE")}
        {_set("socket_resume", "true")}
        <action application="socket" data="$${{vm_services}} async full"/>
        <action application="execute_extension" data="vm_ended_${{vm_status}}"/>
      </condition></extension>
    </context>
    {includes}
  </section>
  <section name="directory">{every}</section>
</document>
"""


_RECEPTION = """
<extension name="reception"><condition field="destination_number" expression="^2000$">
  <action application="answer"/>
  <action application="playback" data="tone_stream://%(300,0,440)"/>
  <action application="hangup" data="NORMAL_CLEARING"/>
</condition></extension>
<extension name="elsewhere"><condition field="destination_number" expression="^2001$">
  <action application="answer"/>
  <action application="playback" data="tone_stream://%(3000,0,440)"/>
  <action application="hangup" data="NORMAL_CLEARING"/>
</condition></extension>
<extension name="nobodys"><condition field="destination_number" expression="^2003$">
  <action application="unset" data="domain_name"/>
  <action application="transfer" data="*1001 XML live"/>
</condition></extension>
<extension name="colleague"><condition field="destination_number" expression="^2002$">
  <action application="answer"/>
  <action application="playback" data="tone_stream://%(1000,0,350);loops=-1"/>
</condition></extension>"""
"""Where the service sends a caller who wants the reception (2000), where others take one: 2001, 2002 (for ever); 2003 leads to
a voicemail, with no word of whose domain it is."""


def _our_dialplan(folder: Path, addresses: str) -> None:
    """The dialplan as an administrator puts it in: the addresses set, the expression for extensions adapted."""
    folder.mkdir()
    addresses, _, words = addresses.partition(" ")
    adapted = {
        'data="vm_services=127.0.0.1:8084"': f'data="vm_services={addresses}"',
        'data="vm_domain=default"': 'data="vm_domain="',
        'data="vm_ring_seconds=25"': 'data="vm_ring_seconds=2"',
        # 7777 is an extension without a mailbox.
        r'expression="^(1\d{3})$"': r'expression="^([17]\d{3})$"',
    }
    left = set(adapted)
    for file in sorted(DIALPLAN.glob("*.xml")):
        text = file.read_text()
        for usual, ours in adapted.items():
            if usual in text:
                text = text.replace(usual, ours)
                left.discard(usual)
        (folder / file.name).write_text(text.replace("async full", words or "async full"))
    assert not left, f"the dialplan has changed: no {left}"


def _profile(name: str, port: int) -> str:
    settings = {
        "sip-ip": "127.0.0.1",
        "rtp-ip": "127.0.0.1",
        "sip-port": str(port),
        "dialplan": "XML",
        "context": "arrivals",
        "auth-calls": "false",
        "codec-prefs": "PCMU,G722,L16@16000h@20i,L16@48000h@20i@2c,opus@48000h@20i,G729",
        "inbound-late-negotiation": "true" if name == "late" else "false",
        "dtmf-type": "rfc2833",
        "rfc2833-pt": "101",
        "disable-srv": "true",
        "disable-naptr": "true",
        "manage-presence": "true",
        "rtp-timer-name": "soft",
    }
    return f'<profile name="{name}"><settings>{_params(settings)}</settings></profile>'


def _user(number: str) -> str:
    variables = {"1002": '<variables><variable name="vm_ring_seconds" value="5"/></variables>'}.get(number, "")
    return f'<user id="{number}"><params>{_params({"dial-string": "${live_telephone}"})}</params>{variables}</user>'


def _set(name: str, value: str) -> str:
    return f'<action application="set" data={quoteattr(f"{name}={value}")} inline="true"/>'


def _params(values: Mapping[str, str]) -> str:
    return "".join(f"<param name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in values.items())


def _free_sip_port() -> int:
    """A port that is free for UDP and for TCP: mod_sofia takes both, or does not start."""
    while True:
        port = _free_port(socket.SOCK_DGRAM)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
