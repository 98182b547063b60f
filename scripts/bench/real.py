"""The real thing once: SIP calls by sipp through a real FreeSWITCH, the service and mod_voicemail one after the other.

    PYTHONPATH=scripts:tests python -m bench.real [--calls 200]

Needs FreeSWITCH (with mod_voicemail), sipp, the Asterisk prompts, and the right to open raw sockets (sipp plays keys so).
Every call goes into a mailbox without a PIN and presses a key every two seconds: into a menu and back, ten times.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from live.freeswitch import PROMPTS, FreeSwitch, find_freeswitch

from bench.measurements import Meter
from bench.processes import CORES, Service
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import MailboxId
from esl_vm.service.wiring import open_node

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS, EVERY_MS = 10, 2000
PACK = f'[speech]\npack = "asterisk"\nprompts = "{PROMPTS}"\n'
MACROS = ("voicemail_hello", "voicemail_message_count", "voicemail_menu", "voicemail_config_menu", "voicemail_goodbye")
SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="voicemail">
<send retrans="500"><![CDATA[
INVITE sip:[service]@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:1001@127.0.0.1>;tag=[call_number]
To: <sip:[service]@127.0.0.1>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:1001@[local_ip]:[local_port]>
Max-Forwards: 70
X-Context: CONTEXT
X-vm_skip_pin: true
Content-Type: application/sdp
Content-Length: [len]

v=0
o=a 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 0 96
a=rtpmap:0 PCMU/8000
a=rtpmap:96 telephone-event/8000
a=fmtp:96 0-15
]]></send>
<recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="183" optional="true"/>
<recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:1001@127.0.0.1>;tag=[call_number]
To: <sip:[service]@127.0.0.1>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<pause milliseconds="3000"/>
KEYS
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:1001@127.0.0.1>;tag=[call_number]
To: <sip:[service]@127.0.0.1>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
"""


class Node(FreeSwitch):
    """The live tests' FreeSWITCH with mod_voicemail beside the service, and room for many calls.

    Args:
        folder: for its configuration, log and state. service: the service's address.
        macros: what mod_voicemail says, by its macro's name.
    """

    def __init__(self, folder: Path, service: str, macros: Mapping[str, Path]) -> None:
        self._macros = macros
        super().__init__(folder, {"service": service}, ["127.0.0.1"])

    def _configuration(self, *given: object) -> str:
        text = super()._configuration(*given)
        text = re.sub(r'(name="rtp-end-port" value=")\d+', r"\g<1>32000", text)
        text = text.replace('name="loglevel" value="debug"', 'name="loglevel" value="warning"')
        text = text.replace('value="debug,info,notice,warning,err', 'value="warning,err')
        text = text.replace("</modules>", '<load module="mod_voicemail"/></modules>')
        return text.replace(
            '<configuration name="acl.conf">', f'{_VOICEMAIL_CONF}<configuration name="acl.conf">'
        ).replace(
            '<section name="dialplan">',
            f'<section name="languages">{_languages(self._macros)}</section><section name="dialplan">{_CONTEXT}',
        )


_CONTEXT = """<context name="mod_voicemail"><extension name="own"><condition field="destination_number" expression="^\\*97$">
<action application="answer"/><action application="set" data="voicemail_authorized=true"/>
<action application="voicemail" data="check default 127.0.0.1 1001"/></condition></extension></context>"""
_VOICEMAIL_CONF = """<configuration name="voicemail.conf"><settings/><profiles><profile name="default">
<param name="file-extension" value="wav"/><param name="terminator-key" value="#"/><param name="max-login-attempts" value="3"/>
<param name="digit-timeout" value="10000"/><param name="max-retries" value="100"/><param name="config-menu-key" value="5"/><param name="main-menu-key" value="0"/>
<param name="play-new-messages-key" value="1"/><param name="play-saved-messages-key" value="2"/>
<param name="login-keys" value="0"/></profile></profiles></configuration>"""


def _languages(said: Mapping[str, Path]) -> str:
    macros = "".join(
        f'<macro name="{name}"><input pattern="(.*)"><match><action function="play-file" data="{prompt}"/></match></input></macro>'
        for name, prompt in said.items()
    )
    return f'<language name="en" say-module="en" sound-prefix="{PROMPTS}/en"><phrases><macros>{macros}</macros></phrases></language>'


def ring(node: FreeSwitch, context: str, keys: str, calls: int, folder: Path) -> dict[str, int]:
    """Have sipp make the calls; returns how many of them succeeded and failed."""
    presses = "".join(
        f'<nop><action><exec play_dtmf="{keys[step % len(keys)]}"/></action></nop><pause milliseconds="{EVERY_MS}"/>'
        for step in range(STEPS)
    )
    scenario = folder / f"{context}.xml"
    scenario.write_text(SCENARIO.replace("CONTEXT", context).replace("KEYS", presses))
    command = [
        "sipp",
        f"127.0.0.1:{node.sip_port}",
        "-sf",
        scenario,
        "-s",
        "*97",
        "-i",
        "127.0.0.1",
        "-mi",
        "127.0.0.1",
    ]
    command += [
        "-m",
        calls,
        "-l",
        calls,
        "-r",
        20,
        "-timeout",
        120,
        "-mp",
        40000,
        "-nostdin",
    ]
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False)
    found = re.findall(r"(Successful|Failed) call\s+\|\s+\d+\s+\|\s+(\d+)", done.stdout)
    if not found:
        raise RuntimeError(f"sipp: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return {name: int(number) for name, number in found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    if find_freeswitch() is None:
        sys.exit("no FreeSWITCH here")
    found: dict[str, list[dict[str, float]]] = {"service": [], "mod_voicemail": []}
    with tempfile.TemporaryDirectory() as temporary, Service(1, set(CORES), PACK) as service:
        with open_node(load_settings(service.settings, {})) as stores:
            stores.registry.add(MailboxId("1001", "127.0.0.1"), {"name": "Alice Martin", "language": "en"})
        macros = dict.fromkeys(MACROS, PROMPTS / "en" / "vm-opts-full.wav")
        node = Node(Path(temporary) / "node", f"127.0.0.1:{service.port}", macros)
        try:
            for _ in range(given.rounds):
                for context, keys in (("service", "0*"), ("mod_voicemail", "50")):
                    switch, voicemail = Meter([node._process.pid]), Meter(service.measured)  # noqa: SLF001 - its pid
                    redis = Meter([service.redis.process.pid])
                    began = time.monotonic()
                    calls = ring(node, context, keys, given.calls, Path(temporary))
                    seconds = time.monotonic() - began
                    row = {
                        "calls": calls["Successful"],
                        "failed": calls["Failed"],
                        "seconds": seconds,
                        "freeswitch_percent": 100 * switch.used_s() / seconds,
                        "service_percent": 100 * voicemail.used_s() / seconds,
                        "redis_percent": 100 * redis.used_s() / seconds,
                    }
                    found[context].append(row)
                    print(context, json.dumps(row), flush=True)
        finally:
            node.stop()
            print(service.log.read_text()[-400:])
    for context, rows in found.items():
        shares = {name: round(statistics.median(row[name] for row in rows), 1) for name in rows[0]}
        print(context, json.dumps(shares))


if __name__ == "__main__":
    main()
