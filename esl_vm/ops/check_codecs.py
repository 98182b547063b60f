"""What `esl-vm doctor` finds about codecs: those that FreeSWITCH may agree on with a telephone and yet can't play in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from esl_vm.model.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.esl.inbound import EventSocketSwitch


# Codecs with a module that only passes them through, and the modules that can make them.
PASSED_THROUGH = {"G729": ("mod_bcg729", "mod_com_g729"), "G723": (), "G7231": ()}


def check_codecs(switch: EventSocketSwitch) -> Iterator[Finding]:
    """The codecs each SIP profile agrees on with callers; raises SwitchDownError."""
    for name in re.findall(r"<profile>\s*<name>([^<]+)</name>", switch.api("sofia xmlstatus")):
        offered = re.search(r"<inbound-codecs>([^<]*)</inbound-codecs>", switch.api(f"sofia xmlstatus profile {name}"))
        for codec in dict.fromkeys(offered[1].upper().replace(" ", "").split(",") if offered else []):
            makers = PASSED_THROUGH.get(codec.partition("@")[0])
            if makers is None or any(switch.api(f"module_exists {maker}").strip() == "true" for maker in makers):
                continue
            remedy = f"take it out of the profile's codecs{f', or load {makers[0]}' if makers else ''}"
            said = f"SIP profile {name} agrees on {codec}, in which FreeSWITCH can't play: such calls get no voicemail"
            yield Finding("codecs", Level.WARNING, said, remedy)
