"""Browsers that are told of messages, by mailbox, and the key with which the service proves to be itself.

A subscription is a browser's, as a session is: it ends with its owner's PIN, is in no backup and does not follow a new
name: its owner signs it up again.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from esl_vm.model.errors import SealedError
from esl_vm.model.push import PushSubscription
from esl_vm.store.base import DAY_S, Part
from esl_vm.store.keys import PUSH_KEY
from esl_vm.store.records import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.model.mailbox import Mailbox, MailboxId

MOST = 20
"""Browsers of one mailbox; the oldest is forgotten where another signs up."""
_FORGOTTEN_S = 180 * DAY_S
"""Where no browser of a mailbox was signed up for so long all are forgotten, seconds."""


class RedisPush(Part):
    """See the module. Each method may raise StoreDownError."""

    def key(self, make: Callable[[], bytes]) -> bytes:
        """The service's private key, made where there is none; sealed where there is a key for that.

        Raises:
            SealedError: it is sealed under a key that the settings don't name.
        """
        link, seal = self._base.link, self._base.seal
        stored = link.run(PUSH_KEY, lambda client: client.get(PUSH_KEY))
        if stored is None:
            made = seal.close(make())
            link.run(PUSH_KEY, lambda client: client.set(PUSH_KEY, made, nx=True))
            stored = link.run(PUSH_KEY, lambda client: client.get(PUSH_KEY))
        if seal.key and (renewed := seal.renewed(stored)) is not None:
            link.run(PUSH_KEY, lambda client: client.set(PUSH_KEY, renewed))
        return seal.open(stored)

    def all(self, mailbox: Mailbox) -> list[PushSubscription]:
        """The browsers that its owners signed up with the PINs they have now, the first one first."""
        keys, marks = self._base.keys.of(mailbox.id), _marks(mailbox)
        stored = self._base.link.run(keys.partition, lambda client: client.hgetall(keys.push))
        found = [one for value in stored.values() if (one := self._opened(value)) and one.pin_mark in marks]
        return sorted(found, key=lambda one: (one.since, one.id))

    def add(self, mailbox: Mailbox, one: PushSubscription) -> None:
        """Sign a browser up, or anew; raises SealedError."""
        keys, marks = self._base.keys.of(mailbox.id), _marks(mailbox)
        stored = self._base.link.run(keys.partition, lambda client: client.hgetall(keys.push))
        others = {text(name): self._opened(value) for name, value in stored.items() if text(name) != one.id}
        gone = [name for name, other in others.items() if other is None or other.pin_mark not in marks]
        kept = sorted((other for other in others.values() if other), key=lambda other: other.since)
        gone += [other.id for other in kept[: max(0, len(kept) - MOST + 1)]]
        value = self._base.seal.close(json.dumps(asdict(one)).encode())
        dropped = [("HDEL", keys.push, *gone)] if gone else []
        put = [("HSET", keys.push, one.id, value), ("EXPIRE", keys.push, _FORGOTTEN_S)]
        self._base.link.pipe(keys.partition, [*dropped, *put])

    def remove(self, box: MailboxId, name: str) -> bool:
        """A browser is told nothing any more; False: it was told nothing."""
        keys = self._base.keys.of(box)
        return bool(self._base.link.run(keys.partition, lambda client: client.hdel(keys.push, name)))

    def _opened(self, stored: bytes) -> PushSubscription | None:
        """A subscription; None for one that can't be read."""
        try:
            return PushSubscription(**json.loads(self._base.seal.open(stored)))
        except (SealedError, ValueError, TypeError):
            return None


def _marks(mailbox: Mailbox) -> set[str]:
    return {owner.pin_mark for owner in mailbox.owners}
