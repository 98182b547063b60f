"""What became of what was announced to somebody: is it in its mailbox, was it deleted since, or has the store lost it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import Folder
from esl_vm.model.store import Fate
from esl_vm.store.records import number, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esl_vm.model.store import Announced
    from esl_vm.store.base import Base

#: A mailbox notes the second in which it was made.
_CREATED_ROUNDED_S = 1.0


def fates(base: Base, announced: Sequence[Announced]) -> list[Fate]:
    """Of each of these; a round trip for each partition. Raises nothing."""
    parts: dict[int, list[int]] = {}
    for place, one in enumerate(announced):
        parts.setdefault(base.keys.partition(one.box), []).append(place)
    found = [Fate.UNKNOWN] * len(announced)
    for partition, places in parts.items():
        with contextlib.suppress(StoreDownError):
            answers = _of_partition(base, partition, [announced[place] for place in places])
            for place, fate in zip(places, answers, strict=True):
                found[place] = fate
    return found


def _of_partition(base: Base, partition: int, announced: Sequence[Announced]) -> list[Fate]:
    """Each is looked at before what was deleted is, so that nothing deleted meanwhile seems lost."""
    commands = []
    for one in announced:
        keys = base.keys.of(one.box)
        there = (keys.box, f"greeting.{one.greeting.value}") if one.greeting else (keys.message(one.id), "folder")
        commands += [("HGET", *there), ("ZSCORE", keys.deleted, one.id), ("HGET", keys.box, "created")]
    found = base.link.pipe(partition, commands)
    return [_fate(one, *found[3 * at : 3 * at + 3]) for at, one in enumerate(announced)]


def _fate(one: Announced, lies: bytes | None, deleted: float | None, created: bytes | None) -> Fate:
    """From what the message's folder is (or the sound of the active greeting), and what is known of its mailbox."""
    if one.greeting is None and lies is not None:
        return Fate.DELETED if text(lies) == Folder.TRASH.value else Fate.THERE
    if one.greeting is not None and text(lies) == one.id:
        return Fate.THERE
    made_since = number(text(created)) > one.at + _CREATED_ROUNDED_S
    return Fate.DELETED if deleted is not None or made_since else Fate.LOST
