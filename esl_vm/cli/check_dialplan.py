"""What `esl-vm doctor` finds in FreeSWITCH's dialplan: calls handed to this service in a way that can't work."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from esl_vm.cli.checks import Finding, Level
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.settings_check import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.settings import Settings
    from esl_vm.ports import Switch

# The contexts of FreeSWITCH's own configuration, where our dialplan is put; besides `service.call_context`.
CONTEXTS = ("default", "public")
NEEDED = ("async", "full")


def check_dialplan(settings: Settings, switch: Switch) -> Iterator[Finding]:
    """Every `socket` that names this service's port; raises SwitchDownError.

    What mod_xml_curl and scripts serve while a call is there can't be looked at; the log names such a call.
    """
    port = parse_address(settings.service.listen)[1]
    found = 0
    for context in dict.fromkeys((*CONTEXTS, *filter(None, [settings.service.call_context]))):
        for extension, data in _sockets(switch.api(f"xml_locate dialplan context name {context}")):
            addresses, *words = data.split() or [""]
            if port not in map(_port, addresses.split("|")):
                continue
            found += 1
            missing = [word for word in NEEDED if word not in map(str.lower, words)]
            if missing:
                said = f"context {context}, extension {extension}: socket without {' and without '.join(missing)}"
                yield Finding("dialplan", Level.ERROR, said, f"write: socket {addresses} async full")
    if found:
        yield Finding("dialplan", Level.OK, f"{found} times `socket` to port {port}")
    else:
        yield Finding(
            "dialplan",
            Level.WARNING,
            f"no `socket` to port {port} in the contexts {', '.join(CONTEXTS)}",
            "copy dialplan/*.xml into conf/dialplan/default/, or see that what hands calls over says: async full",
        )


def _sockets(answer: str) -> Iterator[tuple[str, str]]:
    """Each extension that runs `socket`, and its arguments."""
    text = answer[answer.find("<") :] if "<" in answer else ""
    try:
        context = ET.fromstring(text)  # noqa: S314 - FreeSWITCH's own configuration, as it has parsed it
    except ET.ParseError:
        return
    for extension in context.iter("extension"):
        for action in extension.iter():
            if action.tag in {"action", "anti-action"} and action.get("application") == "socket":
                yield extension.get("name") or "?", action.get("data") or ""


def _port(address: str) -> int:
    try:
        return parse_address(address.partition("/")[0])[1]
    except InvalidValueError:
        return 0
