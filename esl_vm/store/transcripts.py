"""Finding messages by what is said in them. There is no index: mailboxes are looked through (docs/decisions/0013)."""

from __future__ import annotations

import json
from base64 import b64decode
from itertools import islice
from typing import TYPE_CHECKING

from esl_vm.model.errors import SealedError
from esl_vm.model.transcript import folded
from esl_vm.store.base import Part
from esl_vm.store.link import EVERY_PARTITION
from esl_vm.store.records import message_of, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message
    from esl_vm.model.sealing import Seal

#: Mailboxes, and transcripts, that are read in one round trip.
_BOXES, _TRANSCRIPTS = 20, 500


class RedisTranscripts(Part):
    """See the module."""

    def find(self, boxes: Iterable[MailboxId], words: str) -> Iterator[tuple[MailboxId, Message]]:
        """Messages in which that is said, trash included: mailbox by mailbox, the newest received first.

        Accents, capitals and ligatures don't count. Two round trips for twenty mailboxes, and one for every five hundred
        messages in them; so it may be broken off at any time. Raises StoreDownError.
        """
        wanted, rest = folded(" ".join(words.split())), iter(boxes)
        while portion := list(islice(rest, _BOXES)):
            places = self._messages(portion)
            said = [place for place, stored in self._stored(places) if wanted in _said(self._base.seal, stored)]
            found = self._read(said)
            yield from sorted(found, key=lambda one: (portion.index(one[0]), -one[1].received))

    def _messages(self, boxes: Sequence[MailboxId]) -> list[tuple[MailboxId, str]]:
        """All messages of these mailboxes."""
        asked = [("ZRANGE", folder, 0, -1) for box in boxes for folder in self._base.keys.of(box).folders]
        answers = iter(self._base.link.pipe(EVERY_PARTITION, asked))
        lying = [(box, ids) for box in boxes for ids in islice(answers, len(self._base.keys.of(box).folders))]
        return [(box, text(one)) for box, ids in lying for one in ids]

    def _stored(self, places: Sequence[tuple[MailboxId, str]]) -> Iterator[tuple[tuple[MailboxId, str], str]]:
        """Those that have a transcript, with it as it is stored."""
        for start in range(0, len(places), _TRANSCRIPTS):
            some = places[start : start + _TRANSCRIPTS]
            asked = [("HGET", self._base.keys.of(box).message(one), "transcript") for box, one in some]
            answers = self._base.link.pipe(EVERY_PARTITION, asked)
            yield from ((place, text(stored)) for place, stored in zip(some, answers, strict=True) if stored)

    def _read(self, places: Sequence[tuple[MailboxId, str]]) -> list[tuple[MailboxId, Message]]:
        if not places:
            return []
        asked = [("HGETALL", self._base.keys.of(box).message(one)) for box, one in places]
        answers = self._base.link.pipe(EVERY_PARTITION, asked)
        return [
            (box, message_of(one, texts(it), self._base.seal))
            for (box, one), it in zip(places, answers, strict=True)
            if it
        ]


def _said(seal: Seal, stored: str) -> str:
    """As `Transcript.text`, folded, at a sixth of the cost: all of a mailbox is read so. `` for what can't be opened."""
    try:
        parsed = json.loads(stored)
        segments = json.loads(seal.open(b64decode(parsed["sealed"]))) if "sealed" in parsed else parsed["segments"]
        return folded(" ".join(words for _, _, words in segments))
    except (ValueError, TypeError, KeyError, SealedError):
        return ""
