"""The keys under which something is sealed: their ids, so that one that is missing later is missed; all put under one of them."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import SealedError
from esl_vm.model.sealing import renew_text, renew_transcript
from esl_vm.store.base import Part
from esl_vm.store.keys import PUSH_KEY, SEAL_KEYS
from esl_vm.store.link import EVERY_PARTITION
from esl_vm.store.records import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from esl_vm.model.mailbox import MailboxId

# KEYS: a hash. ARGV: a field, its value, and what is to stand there instead.
_REPLACE = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
    return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
#: Mailboxes, and messages, that are read in one round trip.
_BOXES, _MESSAGES = 20, 500


class RedisSealKeys(Part):
    """See the module. Raises StoreDownError."""

    def note(self, key: str) -> None:
        """Something may be sealed under that key from now on."""
        since = f"{self._base.now():.0f}"
        self._base.link.run(SEAL_KEYS, lambda client: client.hsetnx(SEAL_KEYS, key, since))

    def used(self) -> list[str]:
        """The ids of the keys under which something may be sealed."""
        return sorted(text(key) for key in self._base.link.run(SEAL_KEYS, lambda client: client.hkeys(SEAL_KEYS)))

    def forget(self, keys: list[str]) -> None:
        """Nothing is sealed under these any more."""
        if keys:
            self._base.link.run(SEAL_KEYS, lambda client: client.hdel(SEAL_KEYS, *keys))

    def renew(self, boxes: Iterable[MailboxId], *, dry_run: bool = False) -> Iterator[bool | None]:
        """Put what is sealed in Redis under the key that seals now, a step for each.

        Transcripts and notes of these mailboxes' messages, those too that a legal hold keeps; their browsers that are told of
        messages, and the key of those notices. Yields whether it was changed (or would be); None for one that can't be opened. Doing it again does no harm.
        """
        rest = iter(boxes)
        while portion := list(islice(rest, _BOXES)):
            for key, field, stored in (*self._said(portion), *self._browsers(portion)):
                yield self._renewed(key, field, stored, dry_run=dry_run)
        if stored := self._base.link.run(PUSH_KEY, lambda client: client.get(PUSH_KEY)):
            yield self._renewed(PUSH_KEY, "", stored, dry_run=dry_run)

    def _said(self, boxes: Sequence[MailboxId]) -> Iterator[tuple[str, str, bytes]]:
        """Transcripts and notes: key, field, value."""
        places = []
        for box in boxes:
            keys = self._base.keys.of(box)
            places += [(folder, keys.message) for folder in keys.folders]
            places.append((keys.held, partial("{}:{}".format, keys.held)))
        lying = self._base.link.pipe(EVERY_PARTITION, [("ZRANGE", place, 0, -1) for place, _ in places])
        messages = [key(text(one)) for (_, key), ids in zip(places, lying, strict=True) for one in ids]
        fields = ("transcript", "note")
        for start in range(0, len(messages), _MESSAGES):
            some = messages[start : start + _MESSAGES]
            found = self._base.link.pipe(EVERY_PARTITION, [("HMGET", one, *fields) for one in some])
            for message, values in zip(some, found, strict=True):
                yield from ((message, field, it) for field, it in zip(fields, values, strict=True) if it)

    def _browsers(self, boxes: Sequence[MailboxId]) -> Iterator[tuple[str, str, bytes]]:
        places = [self._base.keys.of(box).push for box in boxes]
        found = self._base.link.pipe(EVERY_PARTITION, [("HGETALL", place) for place in places])
        for place, browsers in zip(places, found, strict=True):
            yield from ((place, text(name), value) for name, value in browsers.items())

    def _renewed(self, key: str, field: str, stored: bytes, *, dry_run: bool) -> bool | None:
        seal = self._base.seal
        renewed: str | bytes | None
        try:
            match field:
                case "transcript":
                    renewed = renew_transcript(seal, text(stored))
                case "note":
                    renewed = renew_text(seal, text(stored))
                case _:
                    renewed = seal.renewed(stored)
        except SealedError:
            return None
        if renewed is None or dry_run:
            return renewed is not None

        def replace(client: Any) -> Any:
            return client.eval(_REPLACE, 1, key, field, stored, renewed) if field else client.set(key, renewed)

        return bool(self._base.link.run(key, replace))
