"""What `esl-vm doctor` finds in FreeSWITCH's dialplan: calls handed to this service in a way that can't work, or trusts anybody."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.findings import Finding, Level
from esl_vm.model.settings_check import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from esl_vm.model.settings import Settings
    from esl_vm.ports import Switch

# The contexts of FreeSWITCH's own configuration, where our dialplan is put; besides `service.call_context`.
CONTEXTS = ("default", "public")
NEEDED = ("async", "full")
_FROM = re.compile(r"vm_mailbox=.*\$\{(caller_id_number|effective_caller_id_number|sip_from_user)\}.*")
#: What people dial that ours may be the one to answer, beside the extensions.
_STARRED = ("*97", "*98", "*411", "vm_leave")
_EXTENSIONS = range(100, 10000)
_NO_PIN = re.compile(r"vm_skip_pin=(true|yes|on|1)\s*", re.IGNORECASE)


def check_dialplan(settings: Settings, switch: Switch) -> Iterator[Finding]:
    """Every `socket` that names this service's port; raises SwitchDownError.

    What mod_xml_curl and scripts serve while a call is there can't be looked at; the log names such a call.
    """
    port = parse_address(settings.service.listen)[1]
    found = 0
    for context in dict.fromkeys((*CONTEXTS, *filter(None, [settings.service.call_context]))):
        plan = _context(switch.api(f"xml_locate dialplan context name {context}"))
        yield from _trusting(plan, context)
        for name, numbers, ours in conflicts(plan, port):
            said = f"context {context}: extension {name} takes {numbers} before {ours} does"
            yield Finding("dialplan", Level.WARNING, said, "take it out of the dialplan, or put it after ours")
        for extension, data in _sockets(plan):
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


def conflicts(context: ET.Element, port: int) -> Iterator[tuple[str, str, str]]:
    """Extensions of others that take numbers before ours do: name, numbers as people say them, ours that takes them.

    Of extensions' numbers only those that go to mod_voicemail: others may be meant to ring a telephone first.
    """
    found: dict[str, tuple[list[str], str]] = {}
    ours: list[tuple[int, ET.Element]] = []
    before: list[tuple[int, ET.Element]] = []
    for place, extension in enumerate(context.iter("extension")):
        if any(port in map(_port, (data.split() or [""])[0].split("|")) for data in _data_of(extension)):
            ours.append((place, extension))
        elif extension.get("continue") != "true":
            before.append((place, extension))
    for number in (*_STARRED, *map(str, _EXTENSIONS)):
        mine = next(((at, one) for at, one in ours if takes(number, _conditions(one))), None)
        if mine is None:
            continue
        for at, other in before:
            meant = number in _STARRED or _runs_mod_voicemail(other)
            if at < mine[0] and meant and takes(number, _conditions(other)):
                name = other.get("name") or "?"
                found.setdefault(name, ([], mine[1].get("name") or "?"))[0].append(number)
                break
    for name, (numbers, mine_name) in found.items():
        yield name, as_said(numbers), mine_name


def as_said(numbers: Sequence[str]) -> str:
    """Numbers, the first and last of many."""
    return ", ".join(numbers) if len(numbers) <= 3 else f"{len(numbers)} numbers from {numbers[0]} to {numbers[-1]}"


def _runs_mod_voicemail(extension: ET.Element) -> bool:
    return any(
        action.get("application") == "voicemail" or "app=voicemail" in (action.get("data") or "")
        for action in extension.iter("action")
    )


def _conditions(extension: ET.Element) -> list[dict[str, str]]:
    return [condition.attrib for condition in extension.findall("condition")]


def _context(answer: str) -> ET.Element:
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


def _sockets(context: ET.Element) -> Iterator[tuple[str, str]]:
    """Each extension that runs `socket`, and its arguments."""
    for extension in context.iter("extension"):
        for data in _data_of(extension):
            yield extension.get("name") or "?", data


def _data_of(extension: ET.Element) -> Iterator[str]:
    """The arguments of each `socket` of an extension."""
    for action in extension.iter():
        if action.tag in {"action", "anti-action"} and action.get("application") == "socket":
            yield action.get("data") or ""


def _port(address: str) -> int:
    try:
        return parse_address(address.partition("/")[0])[1]
    except InvalidValueError:
        return 0
