"""The fields an administrator sets of a mailbox, as text: which there are, and what each may hold."""

from __future__ import annotations

import re
import zoneinfo
from difflib import get_close_matches

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.message import one_line
from esl_vm.model.options import FIELDS as OPTIONS
from esl_vm.model.options import option_name, option_text, parse_option

PERSONAL = ("name", "language", "timezone", "email", "pager", "extensions")
_ADDRESS = re.compile(r"[^\s<>@,;:\\\"()\[\]\x00-\x1f\x7f]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
_EXTENSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}(@[A-Za-z0-9][A-Za-z0-9_.-]{0,127})?")


def field_name(name: str) -> str:
    """The field meant: one of PERSONAL, or a mailbox option however it is spelt; raises with a suggestion."""
    if name.lower() in PERSONAL:
        return name.lower()
    try:
        return option_name(name)
    except InvalidValueError:
        near = get_close_matches(name.lower(), [*PERSONAL, *OPTIONS], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InvalidValueError(f"a mailbox has no field {name!r}{hint}") from None


def field_text(name: str, text: str) -> str:
    """A field's value as it is stored.

    Args:
        name: as `field_name` returns it.
        text: as an administrator wrote it; `` is allowed for the personal ones and means none.

    Raises:
        InvalidValueError: it can't be that field's value.
    """
    text = text.strip()
    if name not in PERSONAL:
        return option_text(parse_option(name, text))
    if not text:
        return ""
    match name:
        case "language" if not re.fullmatch(r"(fr|en)([-_][A-Za-z]{2,4})?", text, re.IGNORECASE):
            raise InvalidValueError(f"language is fr or en, not {text!r}")
        case "timezone" if text not in zoneinfo.available_timezones():
            near = get_close_matches(text, zoneinfo.available_timezones(), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InvalidValueError(f"timezone is an IANA name such as America/Toronto, not {text!r}{hint}")
        case "email" | "pager" if not _ADDRESS.fullmatch(text):
            raise InvalidValueError(f"{name} is an address such as alice@example.com, not {text!r}")
        case "extensions":
            words = [word.strip() for word in text.split(",") if word.strip()]
            for word in words:
                if not _EXTENSION.fullmatch(word):
                    raise InvalidValueError(f"extensions are numbers with commas between, not {word!r}")
            return ",".join(words)
        case "name":
            return one_line(text)
        case _:
            return text


def assignments(words: list[str]) -> dict[str, str]:
    """Fields from words `FIELD=VALUE`, checked; raises InvalidValueError for the first wrong one."""
    fields: dict[str, str] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise InvalidValueError(f"write FIELD=VALUE, not {word!r}")
        name = field_name(name.strip())
        fields[name] = field_text(name, text)
    return fields
