"""What `esl-vm doctor` finds in FreeSWITCH's dialplan: calls handed to this service in a way that can't work, or trusts anybody."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.findings import Finding, Level
from esl_vm.model.settings_check import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.settings import Settings

# The contexts of FreeSWITCH's own configuration, where our dialplan is put; besides `service.call_context`.
CONTEXTS = ("default", "public")
NEEDED = ("async", "full")
_FROM = re.compile(r"vm_mailbox=.*\$\{(caller_id_number|effective_caller_id_number|sip_from_user)\}.*")
#: What people dial that ours may be the one to answer, beside the extensions.
_STARRED = ("*97", "*98", "*411", "vm_leave")
_EXTENSIONS = range(100, 10000)
_NO_PIN = re.compile(r"vm_skip_pin=(true|yes|on|1)\s*", re.IGNORECASE)


def check_dialplan(settings: Settings, switch: EventSocketSwitch) -> Iterator[Finding]:
    """Every `socket` that names this service's port; raises SwitchDownError.

    What mod_xml_curl and scripts serve while a call is there can't be looked at; the log names such a call.
    """
    port = parse_address(settings.service.listen)[1]
    found = 0
    for context in dict.fromkeys((*CONTEXTS, *filter(None, [settings.service.call_context]))):
        plan = context_of(switch.api(f"xml_locate dialplan context name {context}"))
        yield from _trusting(plan, context)
        extensions = [extension_of(one) for one in plan.iter("extension")]
        for place, (numbers, ours) in conflicts(extensions, port).items():
            said = f"context {context}: extension {extensions[place].name} takes {as_said(numbers)} before {ours.name} does"
            yield Finding("dialplan", Level.WARNING, said, "`esl-vm setup` moves it aside; or put it after ours")
        for extension, data in ((one.name, data) for one in extensions for data in one.sockets):
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


def takes(number: str, conditions: Sequence[Mapping[str, str]]) -> bool:
    """Whether an extension with conditions of these attributes takes every call to that number.

    False where it depends on more than the number, or on an expression that is not understood here.
    """
    for condition in conditions:
        if condition.get("break") == "never":
            continue
        field = condition.get("field", "")
        if field != "destination_number":
            if set(condition) - {"break", "require-nested"}:
                return False
            continue
        try:
            if not re.search(condition.get("expression", "(?!)"), number):
                return False
        except re.error:
            return False
    return bool(conditions)


@dataclass(frozen=True, slots=True)
class Extension:
    """What counts of an extension of the dialplan.

    Args:
        name: its name. conditions: the attributes of each of its conditions.
        sockets: the arguments of each `socket` that it runs. to_mod_voicemail: it runs mod_voicemail.
        goes_on: FreeSWITCH looks for more behind it (`continue="true"`).
    """

    name: str
    conditions: tuple[Mapping[str, str], ...]
    sockets: tuple[str, ...] = ()
    to_mod_voicemail: bool = False
    goes_on: bool = False


def conflicts(extensions: Sequence[Extension], port: int) -> dict[int, tuple[list[str], Extension]]:
    """Extensions of others that take numbers before ours do, by their place: which numbers, and ours that takes them.

    Of extensions' numbers only those that go to mod_voicemail: others may be meant to ring a telephone first.
    """
    ours = [
        (place, one)
        for place, one in enumerate(extensions)
        if any(port in map(_port, (data.split() or [""])[0].split("|")) for data in one.sockets)
    ]
    found: dict[int, tuple[list[str], Extension]] = {}
    for place, other in enumerate(extensions):
        if other.goes_on or other.sockets:
            continue
        numbers = (*_STARRED, *map(str, _EXTENSIONS)) if other.to_mod_voicemail else _STARRED
        for number in numbers:
            if takes(number, other.conditions):
                mine = next(((at, one) for at, one in ours if takes(number, one.conditions)), None)
                if mine is not None and mine[0] > place:
                    found.setdefault(place, ([], mine[1]))[0].append(number)
    return found


def as_said(numbers: Sequence[str]) -> str:
    """Numbers, the first and last of many."""
    return ", ".join(numbers) if len(numbers) <= 3 else f"{len(numbers)} numbers from {numbers[0]} to {numbers[-1]}"


def extension_of(element: ET.Element) -> Extension:
    """An extension, of the element that it is."""
    actions = [one for one in element.iter() if one.tag in {"action", "anti-action"}]
    return Extension(
        element.get("name") or "?",
        tuple(one.attrib for one in element.findall("condition")),
        tuple(one.get("data") or "" for one in actions if one.get("application") == "socket"),
        any(one.get("application") == "voicemail" or "app=voicemail" in (one.get("data") or "") for one in actions),
        element.get("continue") == "true",
    )


def context_of(answer: str) -> ET.Element:
    """A context as FreeSWITCH shows it; an empty one where it has none of that name."""
    text = answer[answer.find("<") :] if "<" in answer else ""
    try:
        return ET.fromstring(text)  # noqa: S314 - FreeSWITCH's own configuration, as it has parsed it
    except ET.ParseError:
        return ET.Element("context")


def _trusting(context: ET.Element, name: str) -> Iterator[Finding]:
    """Extensions that take the mailbox from the From header, which is anybody's choice."""
    for extension in context.iter("extension"):
        sets = [action.get("data") or "" for action in extension.iter("action") if action.get("application") == "set"]
        if not any(map(_FROM.fullmatch, sets)):
            continue
        no_pin = any(map(_NO_PIN.fullmatch, sets))
        said = f"context {name}, extension {extension.get('name') or '?'}: the mailbox is the caller's number, which anybody may send"
        yield Finding(
            "dialplan",
            Level.ERROR if no_pin else Level.WARNING,
            said + (", and no PIN is asked" if no_pin else ""),
            "take it from sip_auth_username, as dialplan/41_voicemail_numbers.xml does",
        )


def _port(address: str) -> int:
    try:
        return parse_address(address.partition("/")[0])[1]
    except InvalidValueError:
        return 0
