"""What `esl-vm doctor` finds about keys: whether telephones' keys reach FreeSWITCH, and who can read PINs in its log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from esl_vm.model.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.esl.inbound import EventSocketSwitch


# FreeSWITCH writes every key at the level INFO, "RECV DTMF 4:800" (switch_channel.c, switch_channel_queue_dtmf).
_TELLING = {"all", "info", "debug"}
_MAP = '<map name="all" value="notice,warning,err,crit,alert"/>'
_CORE = '<param name="loglevel" value="notice"/>'
_QUIET = {"console", "alert", "crit", "err", "error", "warning", "notice", *"012345"}


def check_keys(switch: EventSocketSwitch) -> Iterator[Finding]:
    """The DTMF of each SIP profile, and what is logged of it; raises SwitchDownError."""
    for name in re.findall(r"<profile>\s*<name>([^<]+)</name>", switch.api("sofia xmlstatus")):
        if "<dtmf-mode>none</dtmf-mode>" in switch.api(f"sofia xmlstatus profile {name}"):
            remedy = "set dtmf-type to rfc2833 (or info) in the profile; docs/administration.md: Keys"
            yield Finding("keys", Level.ERROR, f"SIP profile {name} takes no keys (dtmf-type none)", remedy)
    if not _logged(switch):
        yield Finding("keys", Level.OK, "FreeSWITCH's log has no keys")
        return
    yield Finding(
        "keys",
        Level.WARNING,
        "FreeSWITCH's log file has every key that is pressed, PINs too",
        f"in logfile.conf.xml: `{_MAP}`; or in switch.conf.xml: `{_CORE}`",
    )


def _logged(switch: EventSocketSwitch) -> bool:
    """Whether FreeSWITCH says anything at the level of keys, and mod_logfile writes it.

    By the configuration: `fsctl loglevel` does not tell the level (seen on FreeSWITCH 1.11).
    """
    core = switch.api("xml_locate configuration configuration name switch.conf")
    level = re.search(r'<param name="loglevel" value="([^"]*)"', core)
    if level is not None and level[1].strip().lower() in _QUIET:
        return False
    if switch.api("module_exists mod_logfile").strip() != "true":
        return False
    settings = switch.api("xml_locate configuration configuration name logfile.conf")
    maps = [value for tag in re.findall(r"<map\s[^>]*>", settings) for value in re.findall(r'value="([^"]*)"', tag)]
    return not maps or any(_TELLING & {word.strip().lower() for word in value.split(",")} for value in maps)
