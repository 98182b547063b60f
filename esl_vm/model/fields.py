"""Which fields of a mailbox an administrator sets, and what they may hold."""

from __future__ import annotations

import re
import zoneinfo
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

from esl_vm.model.conditions import LONGEST as LONGEST_RULES
from esl_vm.model.copies import copies_text
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.exits import LONGEST as LONGEST_EXITS
from esl_vm.model.holds import FIELDS as HOLD
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import is_text, one_line
from esl_vm.model.notify_rules import MAIL_ADDRESS
from esl_vm.model.options import FIELDS, option_name, option_text, parse_option
from esl_vm.model.owners import LONGEST_OWNER, OTHERS

if TYPE_CHECKING:
    from collections.abc import Mapping

PROFILE = ("name", "language", "timezone", "email", "pager", "extensions", "aliases", "copies", "webhook")
HIDDEN = frozenset(
    {"pin", "pin_former", "pin_changed", "pin_mark", "sound_ms", "receipts_asked", *HOLD}
    | {f"owner.{n}" for n in OTHERS}
)
"""Fields that nobody is shown: hashes of PINs, and what the store counts for itself."""
LONGEST_NAME = 80

_WEBHOOK = re.compile(r"-|https?://[^\s@/?#]+([/?#][\x21-\x7e]*)?")
_EXTENSION = re.compile(r"[A-Za-z0-9_.+*#-]{1,64}(@[A-Za-z0-9_.-]{1,128})?")


_LONGEST = {
    "name": LONGEST_NAME,
    "webhook": 1000,
    "aliases": 1000,
    "copies": 2000,
    "greeting_rules": LONGEST_RULES,
    "notify_rules": LONGEST_RULES,
    "exits": LONGEST_EXITS,
}
"""Most letters of fields that may have another number of them than 200."""


@cache
def time_zones() -> frozenset[str]:
    """All time zones; finding them out reads a folder tree."""
    return frozenset(zoneinfo.available_timezones())


def field_name(name: str) -> str:
    """The field meant; raises InvalidValueError, with a suggestion if there is one."""
    plain = name.strip().lower()
    if plain in PROFILE:
        return plain
    if plain in {"pin", "pin_initial", "pin_former", "pin_changed"} or plain.startswith(("greeting.", "owner")):
        raise InvalidValueError(f"{plain} is not set as a field: it has its own command")
    near = get_close_matches(plain, PROFILE, n=1, cutoff=0.75)
    if near:
        raise InvalidValueError(f"no field {name!r}; did you mean {near[0]}?")
    return option_name(plain)


def owner_name(name: str) -> str:
    """The name of an owner besides the first as it is kept; raises InvalidValueError."""
    wanted = one_line(name, LONGEST_OWNER + 1)
    if not wanted or len(wanted) > LONGEST_OWNER or not is_text(name):
        raise InvalidValueError(f"an owner's name has 1 to {LONGEST_OWNER} letters")
    return wanted


def settable(fields: Mapping[str, str]) -> dict[str, str]:
    """Those of a mailbox's fields that people set: not what the store keeps for itself, PINs and greetings."""
    return {name: value for name, value in fields.items() if name in PROFILE or name in FIELDS}


def checked_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Fields as they are stored, from how they were written; raises InvalidValueError."""
    return {(name := field_name(written)): checked_field(name, value) for written, value in fields.items()}


def checked_field(name: str, value: str) -> str:
    """A field's value as it is stored; an empty one unsets it.

    Raises:
        InvalidValueError: the field can't have this value.
    """
    longest = _LONGEST.get(name, 200)
    if not is_text(value):
        raise InvalidValueError(f"{name} is no UTF-8: {value!r}")
    value = one_line(value, longest + 1)
    if len(value) > longest:
        raise InvalidValueError(f"{name} has more than {longest} letters")
    if name in FIELDS:
        return option_text(parse_option(name, value)) if value else ""
    if not value:
        return ""
    match name:
        case "name":
            return value
        case "language":
            if value[:2].lower() not in {"fr", "en"} or not re.fullmatch(r"[A-Za-z]{2}([-_][A-Za-z]{2,4})?", value):
                raise InvalidValueError(f"language is fr or en, not {value!r}")
            return value[:2].lower()
        case "timezone":
            if value not in time_zones():
                raise InvalidValueError(f"timezone is an IANA name such as America/Toronto, not {value!r}")
            return value
        case "email" | "pager":
            addresses = [word.strip() for word in value.split(",")]
            if not all(MAIL_ADDRESS.fullmatch(word) for word in addresses):
                raise InvalidValueError(f"{name} is an e-mail address, not {value!r}")
            return ",".join(addresses)
        case "webhook":
            if not _WEBHOOK.fullmatch(value):
                raise InvalidValueError(f"webhook is a http:// or https:// address, or - for none, not {value!r}")
            return value
        case "copies":
            return copies_text(value)
        case "aliases":
            numbers = [MailboxId(word.strip()).number for word in value.split(",") if word.strip()]
            return ",".join(dict.fromkeys(numbers))
        case _:
            accounts = [word.strip() for word in value.split(",") if word.strip()]
            if not all(_EXTENSION.fullmatch(word) for word in accounts):
                raise InvalidValueError(f"extensions are accounts with commas between, not {value!r}")
            return ",".join(accounts)
