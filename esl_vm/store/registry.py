"""Mailboxes as an administrator keeps them: ports.Registry on Redis."""

from __future__ import annotations

import contextlib
import heapq
import json
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import (
    ChangedMeanwhileError,
    HeldError,
    InvalidValueError,
    MailboxExistsError,
    NoSuchMailboxError,
    StoreDownError,
)
from esl_vm.model.fields import HIDDEN, checked_fields, field_name
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.names import keypad_name
from esl_vm.recordings.scheduled import scheduled_sounds
from esl_vm.store.aliases import numbers_of
from esl_vm.store.keys import FOLDERS, box_member, lock_member, lock_members, name_members
from esl_vm.store.pin_hashes import is_hash
from esl_vm.store.records import GREETING_FIELDS, counts_of, mailbox_of, text, texts
from esl_vm.store.scheduled import ScheduledMessages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from esl_vm.model.mailbox import Mailbox
    from esl_vm.store.aliases import RedisAliases
    from esl_vm.store.base import Base
    from esl_vm.store.lists import RedisLists

CHUNK = 1000
_PORTION = 200
_TRIES = 10


class RedisRegistry:
    """ports.Registry.

    Args:
        base: what the parts of the store share. lists, aliases: of the same store.
    """

    def __init__(self, base: Base, lists: RedisLists, aliases: RedisAliases) -> None:
        self._base = base
        self._lists = lists
        self._aliases = aliases

    def add(self, box: MailboxId, fields: Mapping[str, str], *, pin_hash: str = "", pin_initial: bool = False) -> None:
        """Make a mailbox, with its PIN: see the port. Of one whose aliases are taken nothing stays."""
        checked = checked_fields(fields)
        aliases = checked.pop("aliases", "")
        flat = ["created", f"{self._base.now():.0f}"]
        for name, value in checked.items():
            if value:
                flat += (name, value)
        if pin_hash:
            if not is_hash(pin_hash):
                raise InvalidValueError("a PIN is kept hashed only")
            flat += ("pin", pin_hash)
            if pin_initial:
                flat += ("pin_initial", "yes")
        keys = self._base.keys.of(box)
        wish = json.dumps({"fields": flat, "add": _members(box, checked.get("name", ""))})
        touched = [keys.boxes, keys.names, keys.dist_list, keys.aliases]
        added = self._base.change(keys, "add_box", touched, [box_member(box), wish])
        if isinstance(added, bytes):
            raise MailboxExistsError(f"{box} is an alias of {text(added)}: a mailbox needs a number of its own")
        if added == 2:
            raise MailboxExistsError(f"{box} is a distribution list: a mailbox needs a number of its own")
        if not added:
            raise MailboxExistsError(f"mailbox {box} is there already")
        if aliases:
            try:
                self.change(box, {"aliases": aliases})
            except MailboxExistsError:
                self.remove(box)
                raise

    def fields(self, box: MailboxId) -> dict[str, str]:
        """All fields but the PIN's hash and what the store keeps for itself; raises NoSuchMailboxError."""
        keys = self._base.keys.of(box)
        found = self._base.link.run(keys.partition, lambda client: client.hgetall(keys.box))
        if not found:
            raise NoSuchMailboxError(f"no mailbox {box}")
        return {name: value for name, value in sorted(texts(found).items()) if name not in HIDDEN}

    def change(
        self,
        box: MailboxId,
        fields: Mapping[str, str],
        unset: Iterable[str] = (),
        *,
        expected: Mapping[str, str] | None = None,
    ) -> None:
        """Set and unset fields; an empty value unsets. Only if those of `expected` (`` = unset) are still so.

        Raises:
            InvalidValueError: a field that does not exist, or a value it can't have.
            MailboxExistsError: one of its new aliases is somebody else's number; nothing was changed.
            ChangedMeanwhileError: a field is not as expected; nothing was changed.
            NoSuchMailboxError: there is no such mailbox.
        """
        checked = checked_fields(fields)
        gone = {field_name(name) for name in unset} - checked.keys() | {n for n, value in checked.items() if not value}
        flat = [word for name, value in checked.items() if value for word in (name, value)]
        keys = self._base.keys.of(box)
        wanted = "" if "aliases" in gone else checked.get("aliases")
        try:
            for _ in range(_TRIES):
                before, aliases = self._name_and_aliases(box)
                if wanted:
                    self._aliases.claim(box, numbers_of(wanted))
                after = "" if "name" in gone else checked.get("name", before)
                wish: dict[str, Any] = {"fields": flat, "unset": sorted(gone), "expected": dict(expected or {})}
                wish |= {"remove": _members(box, before), "add": _members(box, after), "aliases": aliases}
                answer = text(self._base.change(keys, "change_box", [keys.names], [before, json.dumps(wish)]))
                if answer == "done":
                    return
                if answer == "changed":
                    raise ChangedMeanwhileError(f"mailbox {box} was changed meanwhile")
                if answer == "no mailbox":
                    raise NoSuchMailboxError(f"no mailbox {box}")
            raise StoreDownError(f"mailbox {box} is being renamed all the time")
        finally:
            if wanted is not None:
                self._release_others(box)

    def _release_others(self, box: MailboxId) -> None:
        """Take from a mailbox the aliases that do not stand in its field, whatever was broken off."""
        kept = set(numbers_of(self._name_and_aliases(box)[1]))
        has = [alias.number for alias, owner in self._aliases.all().items() if owner == box]
        self._aliases.release(box, set(has) - kept)

    def remove(self, box: MailboxId) -> list[str]:
        """Remove a mailbox, from every list too; returns the ids of its sounds; raises NoSuchMailboxError, HeldError."""
        keys = self._base.keys.of(box)
        touched = [keys.boxes, keys.names, keys.erase, *keys.counted, keys.locked]
        for _ in range(_TRIES):
            name, aliases = self._name_and_aliases(box)
            ids = self._all_ids(box)
            wish = json.dumps({"remove": _members(box, name), "greetings": GREETING_FIELDS})
            args = [box_member(box), name, wish, str(self._base.grace_ms), lock_member(box, outside=True), *ids]
            answer = self._base.change(keys, "remove_box", touched + [keys.message(i) for i in ids], args)
            said, sounds = text(answer[0]), [text(sound) for sound in answer[1:]]
            if said == "done":
                self._aliases.release(box, numbers_of(aliases))
                sounds += self._cancel_scheduled(box)
                self._lists.replace_member(box, None)
                self._base.link.run(keys.partition, lambda client: client.delete(keys.push))
                return sorted(set(sounds))
            if said == "held":
                raise HeldError(f"{box} is under a legal hold, or what one kept is not erased yet: it stays")
            if said == "no mailbox":
                break
        else:
            raise StoreDownError(f"mailbox {box} is being changed all the time")
        raise NoSuchMailboxError(f"no mailbox {box}")

    def _cancel_scheduled(self, box: MailboxId) -> list[str]:
        """Cancel what the mailbox sent to arrive later; the sounds, which are entered to be erased."""
        waiting, keys = ScheduledMessages(self._base), self._base.keys.of(box)
        gone = [one for one in waiting.scheduled(box) if waiting.cancel_scheduled(one.message.id)]
        sounds = [sound for one in gone for sound in scheduled_sounds(one)]
        from_ms = int(self._base.now_ms()) + self._base.grace_ms
        self._base.link.pipe(keys.partition, (("ZADD", keys.erase, from_ms, sound) for sound in sounds))
        return sounds

    def boxes(self, domain: str | None = None, *, after: MailboxId | None = None) -> Iterator[MailboxId]:
        """All mailboxes, in the order of domain and number; read in portions, as they are asked for.

        Args:
            domain: only of that one.
            after: only those that come after this one.
        """
        low, high = (f"[{domain} ", f"[{domain}!") if domain is not None else ("-", "+")
        if after is not None and domain in {None, after.domain}:
            low = f"({box_member(after)}"

        first = self._base.each_partition(partial(self._look, low=low, high=high), None)
        parts = [self._part(partition, low, high, found) for partition, found in enumerate(first)]
        for found_domain, number in heapq.merge(*parts):
            try:
                yield MailboxId.stored(number, found_domain)
            except InvalidValueError:
                continue  # written by hand

    def overview(self, domain: str | None = None) -> Iterator[tuple[Mailbox, int]]:
        """All mailboxes (of a domain) as they are, each with the seconds for which its PIN is locked; many in one look."""
        return self.looked_at(self.boxes(domain))

    def looked_at(self, boxes: Iterable[MailboxId]) -> Iterator[tuple[Mailbox, int]]:
        """Those of these mailboxes that are there, each with the seconds for which its PIN is locked; many in one look."""
        rest = iter(boxes)
        while portion := list(islice(rest, _PORTION)):
            commands: list[tuple[str, ...]] = []
            for box in portion:
                keys = self._base.keys.of(box)
                commands.append(("HGETALL", keys.box))
                commands += [("ZCARD", folder) for folder in keys.folders]
                commands += [("ZCOUNT", folder, "-inf", "(0") for folder in keys.folders[:2]]
                commands += [("ZSCORE", keys.locked, member) for member in lock_members(box)]
            answers = iter(self._base.link.pipe(None, commands))
            now = self._base.now()
            for box in portion:
                found = texts(next(answers))
                numbers = list(islice(answers, len(FOLDERS) + 2))
                until = max(float(at or 0) for at in islice(answers, 2))
                if not found:
                    continue  # removed meanwhile
                if "pin" in found:
                    found["pin"] = found["pin"].rpartition("$")[0]
                mailbox = mailbox_of(box, found, counts_of(numbers), self._base.defaults)
                yield mailbox, max(0, int(until - now + 0.999))

    def locked_for(self, box: MailboxId, *, outside: bool | None = None) -> int:
        """Seconds for which the PIN is still locked, 0 if it is not: see the port."""
        keys = self._base.keys.of(box)
        members = [lock_member(box, outside=one) for one in (False, True) if outside in {None, one}]
        found = self._base.link.pipe(keys.partition, (("ZSCORE", keys.locked, member) for member in members))
        until = max(float(at or 0) for at in found)
        return max(0, int(until - self._base.now() + 0.999))

    def unlock(self, box: MailboxId) -> None:
        """Forget failures and lift the locks."""
        keys = self._base.keys.of(box)
        touched = [keys.failures, keys.failures_outside, keys.locked]
        self._base.change(keys, "unlock", touched, [lock_member(box, outside=True)])

    def reindex(self, box: MailboxId) -> None:
        """Enter a mailbox in the list, its owner in the directory and its aliases again (after a restore).

        An alias that somebody else has by now stays theirs: doctor tells.
        """
        self.change(box, {})
        with contextlib.suppress(MailboxExistsError):
            self._aliases.claim(box, numbers_of(self._name_and_aliases(box)[1]))
        keys = self._base.keys.of(box)
        self._base.link.run(keys.partition, lambda client: client.zadd(keys.boxes, {box_member(box): 0}))

    def _name_and_aliases(self, box: MailboxId) -> tuple[str, str]:
        keys = self._base.keys.of(box)
        name, aliases = self._base.link.run(keys.partition, lambda client: client.hmget(keys.box, "name", "aliases"))
        return text(name), text(aliases)

    def _all_ids(self, box: MailboxId) -> list[str]:
        keys = self._base.keys.of(box)
        found = self._base.link.pipe(keys.partition, (("ZRANGE", folder, 0, -1) for folder in keys.folders))
        return [text(word) for ids in found for word in ids]

    def _look(self, client: Any, partition: int, low: str, high: str) -> Any:
        return client.zrangebylex(self._base.keys.part(partition).boxes, low, high, start=0, num=CHUNK)

    def _part(self, partition: int, low: str, high: str, found: list[bytes] | None) -> Iterator[tuple[str, str]]:
        """A partition's mailboxes in order, `CHUNK` at a time; `found` are the first, None where it was away."""
        while True:
            if found is None:
                found = self._base.link.run(partition, partial(self._look, partition=partition, low=low, high=high))
            members = [text(member) for member in found]
            for member in members:
                found_domain, _, number = member.partition(" ")
                yield found_domain, number
            if len(members) < CHUNK:
                return
            low, found = f"({members[-1]}", None


def _members(box: MailboxId, name: str) -> list[str]:
    return name_members(box, keypad_name(name).index)
