"""A mailbox, or a distribution list, as a whole: taken out of Redis at one moment, and put into another.

What is taken out does not depend on how Redis is set up nor on the number of partitions: it is put in again under the
keys of the Redis it comes to.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import NoSuchMailboxError
from esl_vm.model.mailbox import MailboxId
from esl_vm.store.calls import scored_members
from esl_vm.store.keys import META, box_member, call_members, lock_member, lock_members
from esl_vm.store.records import GREETING_FIELDS, pairs, text
from esl_vm.store.scripts import script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from esl_vm.store.base import Base
    from esl_vm.store.keys import BoxKeys
    from esl_vm.store.registry import RedisRegistry

Record = dict[str, Any]
#: Of a mailbox, in the order of backup_box.lua.
_PARTS = (
    *("fields", "folders", "messages", "deleted", "calls"),
    *("failures", "locked", "failures_outside", "locked_outside", "held"),
)
_CHUNK = 200  # commands in a round trip: a call may take two seconds


class Backup:
    """See the module. What is returned and taken has bytes, lists and dicts only.

    Args:
        base: what the parts of the store share. registry: of the same store.
    """

    def __init__(self, base: Base, registry: RedisRegistry) -> None:
        self._base = base
        self._registry = registry

    def mailbox(self, box: MailboxId) -> Record | None:
        """All of a mailbox at one moment; None if there is none (any more)."""
        keys = self._base.keys.of(box)
        names = [keys.box, *keys.folders, *keys.counted, keys.locked]
        args = [keys.messages, keys.name, lock_member(box, outside=True)]
        found = self._base.link.script(keys.partition, script("backup_box"), names, args)
        if found is None:
            return None
        return {"box": str(box), **dict(zip(_PARTS, found, strict=True))}

    @staticmethod
    def sounds(record: Record) -> list[str]:
        """The ids of the sounds that a mailbox, or a list, points to."""
        fields = dict(zip(map(text, record["fields"][::2]), map(text, record["fields"][1::2]), strict=True))
        found = [fields[name] for name in (*GREETING_FIELDS, "sound") if fields.get(name)]
        held = record.get("held", [])
        messages = [*record.get("messages", []), *(word for one, _, flat in held for word in (one, flat))]
        for message_id, flat in zip(messages[::2], messages[1::2], strict=True):
            found.append(text(message_id))
            found += [
                text(value) for name, value in zip(flat[::2], flat[1::2], strict=True) if text(name) == "intro_id"
            ]
        return found

    def lists(self, boxes: Iterable[MailboxId]) -> Iterator[Record]:
        """The distribution lists of these numbers."""
        for box in boxes:
            keys = self._base.keys.of(box)
            asked = [("HGETALL", keys.dist_list), ("ZRANGE", keys.members, 0, -1)]
            fields, members = self._base.link.pipe(keys.partition, asked)
            if fields:
                yield {
                    "box": str(box),
                    "fields": [word for pair in fields.items() for word in pair],
                    "members": members,
                }

    def put_mailbox(self, record: Record) -> None:
        """Put a mailbox in, in place of one of that name; doing it again does no harm.

        It is entered in the list of mailboxes last: one that is half there is found by nobody.
        """
        box = MailboxId.parse(record["box"])
        keys = self._base.keys.of(box)
        commands = _cleared(box, keys)
        for message_id, flat in zip(record["messages"][::2], record["messages"][1::2], strict=True):
            if flat:
                commands += (("DEL", keys.message(text(message_id))), ("HSET", keys.message(text(message_id)), *flat))
                fields = pairs([text(word) for word in flat])
                if scored := scored_members(keys.name, text(message_id), fields):
                    commands.append(("ZADD", keys.call_ids, *scored))
        for message_id, at, flat in record.get("held", []):  # a backup of before there were holds lacks it
            commands += (("ZADD", keys.held, at, message_id), ("HSET", f"{keys.held}:{text(message_id)}", *flat))
        for key, members in (
            *zip(keys.folders, record["folders"], strict=True),
            (keys.deleted, record["deleted"]),
            (keys.calls, record["calls"]),
        ):
            commands += _added(key, members)
        for key, name, until, outside in (
            (keys.failures, "failures", "locked", False),
            (keys.failures_outside, "failures_outside", "locked_outside", True),
        ):
            if record.get(name):  # a backup of before they were counted apart lacks it
                commands += (("RPUSH", key, *record[name]), ("EXPIRE", key, "86400"))
            if record.get(until):
                commands.append(("ZADD", keys.locked, record[until], lock_member(box, outside=outside)))
        commands.append(("HSET", keys.box, *record["fields"]))
        self._do(keys.partition, commands)
        self._registry.reindex(box)

    def put_list(self, record: Record) -> None:
        """Put a distribution list in, in place of one of that number."""
        box = MailboxId.parse(record["box"])
        keys = self._base.keys.of(box)
        commands: list[Sequence[Any]] = [
            ("DEL", keys.dist_list, keys.members),
            ("HSET", keys.dist_list, *record["fields"]),
        ]
        if record["members"]:
            commands.append(("ZADD", keys.members, *(word for member in record["members"] for word in ("0", member))))
        commands.append(("ZADD", keys.lists, "0", box_member(box)))
        self._do(keys.partition, commands)

    def remove_mailbox(self, box: MailboxId) -> None:
        """Take a mailbox out without its sounds being erased: what is put in its place may point to them."""
        keys = self._base.keys.of(box)
        record = self.mailbox(box)
        commands: list[Sequence[Any]] = [("ZREM", keys.boxes, box_member(box))]
        for message_id in map(text, record["messages"][::2] if record else []):
            commands += [
                ("DEL", keys.message(message_id)),
                ("ZREM", keys.call_ids, *call_members(keys.name, message_id)),
            ]
        commands += [("DEL", f"{keys.held}:{text(one)}") for one, _, _ in (record["held"] if record else [])]
        self._do(keys.partition, commands)
        with contextlib.suppress(NoSuchMailboxError):
            self._registry.change(box, {"name": "", "aliases": ""})  # out of the directory
        self._do(keys.partition, _cleared(box, keys))

    def role(self) -> str:
        """`master` or `slave` (a replica): what is put into a replica its master undoes."""
        if self._base.link.cluster:
            return "master"
        return str(self._base.link.run(None, lambda client: client.info("replication"))["role"])

    def master(self) -> tuple[str, ...]:
        """The run ids of the masters: others mean that a fail-over came in between."""
        found = self._base.link.run(None, lambda client: client.info("server"))
        servers = [found] if "run_id" in found else list(found.values())
        return tuple(sorted(str(server["run_id"]) for server in servers))

    def wait(self) -> None:
        """Until the replicas have it that are waited for, at every partition; raises StoreDownError."""
        for partition in range(self._base.keys.partitions):
            key = self._base.keys.part(partition).restored
            self._base.link.announce(key, "SET", key, "1", "PX", "1000")

    def take_over(self, installation: str) -> None:
        """This Redis holds that installation from now on: spools and stores of sounds know it by its id."""
        self._base.link.run(META, lambda client: client.hset(META, "installation", installation))

    def _do(self, partition: int, commands: Sequence[Sequence[Any]]) -> None:
        for start in range(0, len(commands), _CHUNK):
            self._base.link.pipe(partition, commands[start : start + _CHUNK])


def _cleared(box: MailboxId, keys: BoxKeys) -> list[Sequence[Any]]:
    """Commands after which nothing is left of a mailbox but its messages."""
    return [
        ("DEL", keys.box, keys.held, *keys.folders, *keys.counted),
        ("ZREM", keys.locked, *lock_members(box)),
    ]


def _added(key: str, members: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """ZADD of members and scores in turn, some at a time."""
    for start in range(0, len(members), 2 * _CHUNK):
        some = members[start : start + 2 * _CHUNK]
        yield ("ZADD", key, *(word for pair in zip(some[1::2], some[::2], strict=True) for word in pair))
