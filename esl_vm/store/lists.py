"""Distribution lists: ports.Lists on Redis, and what an administrator does with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import InvalidValueError, NoSuchListError
from esl_vm.model.events import EventType
from esl_vm.model.lists import DistributionList, check_list_number
from esl_vm.model.mailbox import MailboxId, StoredGreeting
from esl_vm.model.message import one_line
from esl_vm.store.base import Part
from esl_vm.store.keys import box_member
from esl_vm.store.records import number, text, texts
from esl_vm.store.scripts import script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_LONGEST_NAME = 80
_LONGEST_TOLD = 1000


class RedisLists(Part):
    """ports.Lists."""

    def find(self, box: MailboxId) -> DistributionList | None:
        """The list of that number with everybody on it; None if there is none."""
        keys = self._base.keys.of(box)
        asked = [("HGETALL", keys.dist_list), ("ZRANGE", keys.members, 0, -1)]
        found, members = self._base.link.pipe(keys.partition, asked)
        fields = texts(found)
        if not fields:
            return None
        sound = fields.get("sound")
        return DistributionList(
            id=box,
            name=fields.get("name", ""),
            members=tuple(filter(None, (_box(text(member)) for member in members))),
            recorded_name=StoredGreeting(sound, number(fields.get("sound_ms"))) if sound else None,
        )

    def all(self, domain: str | None = None) -> Iterator[DistributionList]:
        """All lists, of one domain or of all, in the order of domain and number."""
        parts = self._base.link.pipe(None, (("ZRANGE", part.lists, 0, -1) for part in self._base.keys.parts()))
        members = sorted(text(member) for part in parts for member in part)
        for box in filter(None, map(_box, members)):
            found = self.find(box) if domain in {None, box.domain} else None
            if found is not None:
                yield found

    def add(self, box: MailboxId, members: Iterable[MailboxId] = (), name: str | None = None) -> int:
        """Make a list, or put mailboxes on one; returns how many were not on it before.

        Args:
            box: its number.
            members: mailboxes to put on it; whether they are there is the caller's to see to.
            name: what it is called; None leaves it.

        Raises:
            InvalidValueError: its number can't be dialled, or a mailbox has it.
        """
        check_list_number(box)
        fields = [] if name is None else ["name", one_line(name, _LONGEST_NAME)]
        _, came, _ = self._change(box, {"make": True, "fields": fields, "add": list(map(box_member, members))})
        return int(came)

    def take_off(self, box: MailboxId, members: Iterable[MailboxId]) -> int:
        """Take mailboxes off a list; returns how many were on it. Raises NoSuchListError."""
        _, _, went = self._change(box, {"remove": list(map(box_member, members))})
        return int(went)

    def set_recorded_name(self, box: MailboxId, stored: StoredGreeting | None) -> None:
        """How the list is said back on the telephone; None: by its number again. Raises NoSuchListError."""
        if stored is None:
            self._change(box, {"unset": ["sound", "sound_ms"]})
        else:
            self._change(box, {"fields": ["sound", stored.audio_id, "sound_ms", str(stored.duration_ms)]})

    def remove(self, box: MailboxId) -> None:
        """Remove a list; its mailboxes stay. Raises NoSuchListError."""
        keys = self._base.keys.of(box)
        touched = [keys.dist_list, keys.members, keys.lists, keys.erase]
        args = [box_member(box), self._erase_from()]
        if not self._base.link.script(keys.partition, script("list_remove"), touched, args):
            raise NoSuchListError(f"there is no distribution list {box}")
        self._base.log_event(box, EventType.LIST_REMOVED)

    def replace_member(self, old: MailboxId, new: MailboxId | None) -> int:
        """On every list put one mailbox in another's place (None: take it off); returns on how many lists it was."""
        changed = 0
        for found in self.all():
            if old in found.members:
                add = [box_member(new)] if new else []
                self._change(found.id, {"add": add, "remove": [box_member(old)]})
                changed += 1
        return changed

    def sounds(self) -> set[str]:
        """The ids of all recorded names."""
        return {found.recorded_name.audio_id for found in self.all() if found.recorded_name}

    def _change(self, box: MailboxId, wish: dict[str, Any]) -> list[Any]:
        keys = self._base.keys.of(box)
        touched = [keys.dist_list, keys.members, keys.lists, keys.box, keys.erase, keys.aliases]
        whole: dict[str, Any] = {"make": False, "fields": [], "unset": [], "add": [], "remove": []} | wish
        args = [box_member(box), json.dumps(whole), self._erase_from(), keys.name]
        answer = self._base.link.script(keys.partition, script("list_change"), touched, args)
        match text(answer[0]):
            case "mailbox":
                raise InvalidValueError(f"{box} is a mailbox's number: a distribution list needs a number of its own")
            case "no list":
                raise NoSuchListError(f"there is no distribution list {box}")
        changes = {name: " ".join(map(_named, whole[name]))[:_LONGEST_TOLD] for name in ("add", "remove")}
        fields = dict(zip(whole["fields"][::2], whole["fields"][1::2], strict=True))
        self._base.log_event(
            box, EventType.LIST_CHANGED, **changes, **{name: str(value) for name, value in fields.items()}
        )
        return list(answer)

    def _erase_from(self) -> str:
        """From when a name that was replaced may be erased: a call may still be about to play it."""
        return str(int(self._base.now_ms()) + self._base.grace_ms)


def _named(member: str) -> str:
    """`1001@default` from `default 1001`."""
    domain, _, number = member.partition(" ")
    return f"{number}@{domain}"


def _box(member: str) -> MailboxId | None:
    """A mailbox from `domain number`; None for what was written there by hand."""
    domain, _, box_number = member.partition(" ")
    try:
        return MailboxId.stored(box_number, domain)
    except InvalidValueError:
        return None
