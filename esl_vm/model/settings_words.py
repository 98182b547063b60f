"""What a setting means and what its value may be, in words: for `esl-vm config`, the pages and the check itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from esl_vm.model.options import RANGES, MailboxOptions
from esl_vm.model.pins import LONGEST_PIN, PinRules
from esl_vm.model.settings import SettingLimits, limits_of
from esl_vm.model.waits import Waits

if TYPE_CHECKING:
    import dataclasses

_PIN_RANGES = {
    "shortest": (1, LONGEST_PIN),
    "max_age_days": (0, 3650),
    "remember": (0, 10),
    "failures": (1, 1000),
    "window_s": (1, 86400),
    "lock_s": (1, 86400),
    "slow_after": (1, 1000),
    "slow_most_s": (0, 30),
}
_KINDS = {
    "address": "HOST:PORT",
    "networks": "networks, `10.0.0.0/8`",
    "zone": "time zone",
    "language": "`fr`, `en`",
    "path": "path",
    "url": "URL",
    "redis": "URL",
    "calendars": "list of NAME=SOURCE",
    "webhooks": "list of NAME=URL",
    "headers": "list of NAME=VALUE",
    "patterns": "patterns, `2XXX,514NXXXXXX`",
    "regions": "list of countries",
}


def limits_in(kind: type, setting: dataclasses.Field[Any]) -> SettingLimits:
    """What a setting of that table's class may be."""
    ranges: tuple[int, int] | None = None
    if kind is Waits:
        ranges = (1, 100) if setting.name.endswith("_times") else (0, 600000)
    elif kind is PinRules:
        ranges = _PIN_RANGES.get(setting.name)
    elif kind is MailboxOptions:
        ranges = RANGES.get(setting.name)
    return SettingLimits("", *ranges) if ranges else limits_of(setting)


def explained(kind: type, setting: dataclasses.Field[Any]) -> str:
    """What a setting is for; where it does not say so itself, the docstring of its class does."""
    described = " ".join((kind.__doc__ or "").partition("Args:")[2].split())
    parts = re.split(r"(?:^|(?<=\.) )((?:\w+, )*\w+): ", described)
    by_name = {name: text for names, text in zip(parts[1::2], parts[2::2], strict=True) for name in names.split(", ")}
    return limits_of(setting).doc or by_name.get(setting.name, "").rstrip(".")


def allowed(kind: type, setting: dataclasses.Field[Any]) -> str:
    """What a setting's value may be, in a word or two; words as they are typed stand in backquotes."""
    limits = limits_in(kind, setting)
    if isinstance(setting.default, bool):
        return "`true`, `false`"
    if limits.choices:
        return ", ".join(f"`{choice}`" for choice in limits.choices)
    if isinstance(setting.default, int):
        return f"{limits.low:.0f} to {limits.high:.0f}"
    return _KINDS.get(limits.kind, "list of texts" if isinstance(setting.default, tuple) else "text")
