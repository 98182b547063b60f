"""A node as commands and services work on it: its stores, opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.actions.target import Target
    from esl_vm.audio.cache import Cache
    from esl_vm.calendars.folder import CalendarFolder
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.sealing import Seal
    from esl_vm.model.settings import Settings
    from esl_vm.ports import AudioStore
    from esl_vm.recordings.spool import Spool
    from esl_vm.recordings.sweeper import Sweeper
    from esl_vm.store.clock import SharedClock
    from esl_vm.store.mailboxes import RedisMailboxes
    from esl_vm.store.outbox import RedisOutbox
    from esl_vm.store.registry import RedisRegistry
    from esl_vm.store.store import Store


@dataclass(frozen=True, slots=True)
class Node:
    """The stores of a node, opened.

    Args:
        settings: what it was built from. redis_url: where Redis is, the embedded one's address if it is that.
        store: mailboxes, PINs, registry, directory, events. outbox: mail and webhook jobs.
        audio: sounds. spool, sweeper: recordings on their way.
        cache: this node's copies of sounds. calendars: those that greeting rules name.
        seal: what sounds and transcripts are encrypted with.
    """

    settings: Settings
    redis_url: str
    store: Store
    outbox: RedisOutbox
    audio: AudioStore
    spool: Spool
    sweeper: Sweeper
    clock: SharedClock
    cache: Cache
    calendars: CalendarFolder
    seal: Seal

    @property
    def mailboxes(self) -> RedisMailboxes:
        """Messages."""
        return self.store.mailboxes

    @property
    def registry(self) -> RedisRegistry:
        """Mailboxes as an administrator keeps them."""
        return self.store.registry

    @property
    def target(self) -> Target:
        """Where imports and tables go."""
        from esl_vm.actions.target import Target

        return Target(self.registry, self.mailboxes, self.store.pins, self.audio, self.settings.audio.rate)

    def add_mailbox(self, box: MailboxId, fields: Mapping[str, str], pin: str) -> None:
        """Make a mailbox with its first PIN (`` = none); raises MailboxExistsError, InvalidValueError.

        Both in one step: without its PIN it would open to anybody.
        """
        self.store.registry.add(box, fields, pin_hash=self.store.pins.hashed(pin), pin_initial=True)
