"""Giving a mailbox another name, with its messages, greetings, folders and PIN; also into another partition.

The new name gets everything but the messages (also what is counted of it: wrong PINs and locks, calls placed, what was
deleted); then the old one is put where no call finds it, messages and all, in one step; then the messages go over, some at
a time; then the lists follow. Each step can be repeated, so a renaming that
was broken off anywhere is finished by asking for it again. Until the second step calls find the mailbox under its old
name, from then on under the new one; a message that was being recorded for the old one, or waited in a spool, follows.
No sound moves: sounds are kept by the messages' ids, which stay.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import HeldError, InvalidValueError, MailboxExistsError, NoSuchMailboxError, StoreDownError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.names import keypad_name
from esl_vm.store.aliases import numbers_of
from esl_vm.store.base import DAY_S
from esl_vm.store.calls import scored_members
from esl_vm.store.keys import FOLDERS, box_member, lock_members, name_members
from esl_vm.store.records import GREETING_FIELDS, text, texts
from esl_vm.store.scheduled import ScheduledMessages
from esl_vm.store.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from esl_vm.store.aliases import RedisAliases
    from esl_vm.store.base import Base
    from esl_vm.store.lists import RedisLists

FOLLOWED_S = 30 * DAY_S
"""For how long messages that were left for the old name follow to the new one."""
_TRIES = 10
_PORTION = 100


class Renames:
    """See the module.

    Args:
        base: what the parts of the store share.
        lists, aliases: of the same store.
    """

    def __init__(self, base: Base, lists: RedisLists, aliases: RedisAliases) -> None:
        self._base = base
        self._lists = lists
        self._aliases = aliases
        self._scheduled = ScheduledMessages(base)

    def rename(self, old: MailboxId, new: MailboxId, tell: Callable[[int, int, str], None] | None = None) -> int:
        """Give a mailbox another name, or finish a renaming that was broken off.

        Args:
            old: its name.
            new: the name it is to have.
            tell: told how many messages of how many have gone over.

        Returns:
            How many messages went over now.

        Raises:
            InvalidValueError: both are the same, or `old` is being renamed to something else.
            NoSuchMailboxError: there is no mailbox of the old name, or the new one was removed in between.
            HeldError: it is under a legal hold.
            MailboxExistsError: there is a mailbox or a list of the new name, or it is an alias; or, in another domain, somebody
                else has one of its aliases: take that away first, and rename again.
        """
        if old == new:
            raise InvalidValueError(f"{old} has that name")
        keys, to = self._base.keys.of(old), self.under_way(old)
        if to is None:
            held = [("HEXISTS", keys.box, "hold_until"), ("EXISTS", keys.held)]
            if any(self._base.link.pipe(keys.partition, held)):
                raise HeldError(f"{old} is under a legal hold, or what one kept is not erased yet: it keeps its name")
            self._begin(old, new)
        elif to != str(new):
            raise InvalidValueError(f"{old} is being renamed to {to}; finish that first: mailbox rename {old} {to}")
        gone = self._move_messages(old, new, tell)
        self._lists.replace_member(old, new)
        self._scheduled.rename_scheduled(old, new)
        self._base.change(self._base.keys.of(new), "rename_end", [], [str(old)])
        touched = [keys.moving_boxes, keys.moving, keys.box, keys.locked, *keys.counted]
        touched += [*keys.moving_folders, *keys.folders]
        self._base.link.script(keys.partition, script("rename_done"), touched, lock_members(old))
        return gone

    def under_way(self, old: MailboxId) -> str | None:
        """The new name of a mailbox whose renaming was begun and not finished; None if there is none such."""
        keys = self._base.keys.of(old)
        to = self._base.link.run(keys.partition, lambda client: client.hget(keys.moving, "to"))
        return text(to) if to else None

    def unfinished(self) -> dict[MailboxId, str]:
        """All renamings that were begun and not finished: old name to new name."""
        found_names = self._base.link.pipe(None, (("SMEMBERS", part.moving_boxes) for part in self._base.keys.parts()))
        names = sorted(text(name) for part in found_names for name in part)
        boxes = [MailboxId.stored(*name.split("@", 1)) for name in names]
        found = {old: self.under_way(old) for old in boxes}
        return {old: to for old, to in found.items() if to}

    def sounds(self) -> set[str]:
        """The ids of all sounds that mailboxes whose renaming is not finished still point to."""
        found: set[str] = set()
        for old in self.unfinished():
            keys = self._base.keys.of(old)
            greetings = self._base.link.pipe(keys.partition, [("HMGET", keys.moving, *GREETING_FIELDS)])[0]
            found |= {text(sound) for sound in greetings if sound}
            for folder in keys.moving_folders:
                for message_id, _, fields in self._read(keys.partition, keys.messages, folder, -1):
                    found |= {message_id, fields.get("intro_id", message_id)}
        return found

    def _begin(self, old: MailboxId, new: MailboxId) -> None:
        """Make the new one, and put the old one away."""
        old_keys, new_keys = self._base.keys.of(old), self._base.keys.of(new)
        into = [new_keys.boxes, new_keys.names, new_keys.dist_list, new_keys.moved]
        into += [*new_keys.counted, new_keys.locked, new_keys.aliases]
        away = [old_keys.boxes, old_keys.names, old_keys.moving_boxes, old_keys.moving, *old_keys.moving_folders]
        away += [old_keys.moved]
        for _ in range(_TRIES):
            found = self._base.link.run(old_keys.partition, lambda client: client.hgetall(old_keys.box))
            fields = texts(found)
            fields.pop("sound_ms", None)
            if not fields:
                raise NoSuchMailboxError(f"there is no mailbox {old}")
            flat = [word for pair in fields.items() for word in pair]
            words = keypad_name(fields.get("name", "")).index
            wish: dict[str, Any] = {"from": str(old), "fields": flat, "add": name_members(new, words)}
            wish |= self._counts(old)
            args = [box_member(new), json.dumps(wish), *lock_members(new)]
            said = text(self._base.change(new_keys, "rename_into", into, args))
            if said == "exists":
                raise MailboxExistsError(f"mailbox {new} is there already")
            if said == "list":
                raise MailboxExistsError(f"{new} is a distribution list: a mailbox needs a number of its own")
            if said == "alias":
                raise MailboxExistsError(f"{new} is an alias: a mailbox needs a number of its own")
            self._aliases.hand_over(old, new, numbers_of(fields.get("aliases", "")))
            readable = [False if "\ufffd" in word else word for word in flat]  # False: not compared
            wish = {"to": str(new), "fields": readable, "remove": name_members(old, words)}
            args = [box_member(old), json.dumps(wish), str(FOLLOWED_S)]
            if text(self._base.change(old_keys, "rename_away", away, args)) == "done":
                return
        raise StoreDownError(f"mailbox {old} is being changed all the time")

    def _counts(self, old: MailboxId) -> dict[str, Any]:
        """What is counted of a mailbox besides its messages, as rename_into.lua takes it."""
        keys = self._base.keys.of(old)
        counted = keys.counted
        commands: list[Sequence[Any]] = [("ZRANGE", key, 0, -1, "WITHSCORES") for key in counted[:2]]
        commands += [("LRANGE", key, 0, -1) for key in counted[2:]]
        commands += [("TTL", key) for key in counted]
        commands += [("ZSCORE", keys.locked, member) for member in lock_members(old)]
        deleted, calls, own, others, *rest = self._base.link.pipe(keys.partition, commands)
        sets = [[word for member, at in one for word in (f"{at:.0f}", text(member))] for one in (deleted, calls)]
        lists = [[text(one) for one in times] for times in (own, others)]
        return {"kept": [*sets, *lists], "seconds": rest[:4], "locks": [until or 0 for until in rest[4:]]}

    def _move_messages(self, old: MailboxId, new: MailboxId, tell: Callable[[int, int, str], None] | None) -> int:
        keys, new_keys = self._base.keys.of(old), self._base.keys.of(new)
        total, gone = self._left(old), 0
        for folder, folder_key in zip(FOLDERS, keys.moving_folders, strict=True):
            while portion := self._read(keys.partition, keys.messages, folder_key, _PORTION):
                messages = [
                    [
                        *(message_id, folder.value, f"{score:.0f}", [word for pair in fields.items() for word in pair]),
                        scored_members(new_keys.name, message_id, fields),
                    ]
                    for message_id, score, fields in portion
                    if fields  # else somebody erased it in this moment
                ]
                ids = [message_id for message_id, _, _ in portion]
                touched = [new_keys.deleted, *(new_keys.message(str(message[0])) for message in messages)]
                if not self._base.change(new_keys, "rename_put", touched, [json.dumps(messages)]):
                    raise NoSuchMailboxError(
                        f"there is no mailbox {new} any more; add it and rename again: messages of {old} wait for it"
                    )
                dropped = [folder_key, keys.call_ids, *(keys.message(message_id) for message_id in ids)]
                self._base.link.script(keys.partition, script("rename_drop"), dropped, [str(old), *ids])
                gone += len(ids)
                if tell:
                    tell(gone, total, str(new))
        return gone

    def _left(self, old: MailboxId) -> int:
        keys = self._base.keys.of(old)
        return sum(self._base.link.pipe(keys.partition, (("ZCARD", folder) for folder in keys.moving_folders)))

    def _read(self, partition: int, messages: str, folder: str, most: int) -> list[tuple[str, float, dict[str, str]]]:
        """Messages of a folder (-1: all): id, score, fields."""
        last = most - 1 if most > 0 else -1
        listed = self._base.link.pipe(partition, [("ZRANGE", folder, 0, last, "WITHSCORES")])[0]
        found = [(text(message_id), float(score)) for message_id, score in listed]
        read = self._base.link.pipe(partition, (("HGETALL", messages + message_id) for message_id, _ in found))
        return [(*placed, texts(fields)) for placed, fields in zip(found, read, strict=True)]
