"""Finding messages by the ids of the call by which they came.

Each partition has a sorted set for that: its members are messages, once for each id of its call; the score is made of the
id. The scripts that deliver and erase messages keep it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import CallDetails
from esl_vm.store.base import Part
from esl_vm.store.keys import call_members
from esl_vm.store.records import message_of, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.model.message import Message


def call_score(call_id: str) -> int:
    """The score of a call's id: the first 48 bits of its SHA-1, a whole number that a double holds."""
    return int(hashlib.sha1(call_id.encode(), usedforsecurity=False).hexdigest()[:12], 16)


def scored_members(name: str, message_id: str, fields: Mapping[str, str]) -> list[str]:
    """Scores and members, in turn, of a message with these fields, in the mailbox of that name."""
    members = zip(("call_id", "call_uuid"), call_members(name, message_id), strict=True)
    known = [(fields[field], member) for field, member in members if fields.get(field)]
    return [word for call_id, member in known for word in (str(call_score(call_id)), member)]


class RedisCalls(Part):
    """See the module."""

    def messages(self, call_id: str) -> list[tuple[MailboxId, Message]]:
        """The messages, trash included, that came by the call of that Call-ID or uuid; the first received first.

        A round trip, and one for each message found. What lies in a part of a Cluster that is away is left out; raises
        StoreDownError where nothing is there.
        """
        wanted = CallDetails(call_id).call_id
        score = call_score(wanted)

        def ask(client: Any, partition: int) -> Any:
            return client.zrangebyscore(self._base.keys.part(partition).call_ids, score, score)

        members = {text(member) for part in self._base.each_partition(ask, []) for member in part}
        names = sorted({tuple(member.split(" ")[:2]) for member in members})
        found = [(MailboxId.stored(*name.split("@", 1)), message_id) for name, message_id in names]
        messages = [(box, message) for box, message_id in found if (message := self._read(box, message_id)) is not None]
        by_it = [
            (box, message) for box, message in messages if wanted in {message.call.call_id, message.call.call_uuid}
        ]
        return sorted(by_it, key=lambda one: one[1].received)

    def _read(self, box: MailboxId, message_id: str) -> Message | None:
        """None: it is not there, or its mailbox is not (any more, or not yet)."""
        keys = self._base.keys.of(box)
        asked = [("EXISTS", keys.box), ("HGETALL", keys.message(message_id))]
        there, fields = self._base.link.pipe(keys.partition, asked)
        return message_of(message_id, texts(fields), self._base.seal) if there and fields else None
