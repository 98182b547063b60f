"""What the nodes of one installation must have in common, and where they differ."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from esl_vm.model.masking import mask_url
from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinRules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from esl_vm.model.cluster import NodeState
    from esl_vm.model.settings import Settings

FIELD = "agree"
"""The field of a node's own hash in Redis that holds them."""
_TABLES = {
    "service": ("domain", "timezone"),
    "redis": ("partitions", "events_kept", "events_days"),
    "audio": ("store", "folder", "bucket", "prefix", "endpoint", "rate"),
    "speech": ("language", "pack"),
    "webhook": ("url", "retry_hours"),
}


def in_common(settings: Settings, **more: str) -> dict[str, str]:
    """What a node tells of its settings: those that callers and owners would notice a difference of.

    Options and PIN rules that are as they come are left out. A web address is told without its secrets.

    Args:
        settings: the node's.
        more: what else must agree, by its name.
    """
    agreed = {
        f"{table}.{name}": str(getattr(getattr(settings, table), name))
        for table, names in _TABLES.items()
        for name in names
    }
    agreed["webhook.url"] = mask_url(settings.webhook.url) if settings.webhook.url else ""
    if settings.transcription.engine != "none":  # whichever: each node may have one of its own
        agreed["transcription.engine"] = "set"
        agreed["transcription.wait_s"] = str(settings.transcription.wait_s)
    for table, mine, usual in (("mailbox", settings.mailbox, MailboxOptions()), ("pins", settings.pins, PinRules())):
        for field in dataclasses.fields(mine):
            value = getattr(mine, field.name)
            if value != getattr(usual, field.name):
                agreed[f"{table}.{field.name}"] = str(value)
    return {name: value for name, value in (agreed | more).items() if value}


def packed(agreed: Mapping[str, str]) -> str:
    """As it stands in the node's hash."""
    return json.dumps(dict(agreed), sort_keys=True)


def differences(here: str, mine: Mapping[str, str], nodes: Iterable[NodeState]) -> list[str]:
    """Where nodes that are alive differ from this one: a sentence for each setting, with both nodes and values.

    Args:
        here: this node's name.
        mine: what it tells.
        nodes: all of them; this one, and those that tell nothing, are left out.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for node in nodes:
        if not node.alive or node.name == here or FIELD not in node.fields:
            continue
        try:
            theirs = json.loads(node.fields[FIELD])
        except ValueError:
            continue
        for name in sorted(mine.keys() | theirs.keys()):
            value = str(theirs.get(name, ""))
            if mine.get(name, "") != value:
                found.setdefault((name, value), []).append(node.name)
    return [
        f"{name} is {_shown(mine.get(name, ''))} on {here}, {_shown(value)} on {', '.join(names)}"
        for (name, value), names in found.items()
    ]


def _shown(value: str) -> str:
    return repr(value) if value else "as it comes"
