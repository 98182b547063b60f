"""What a notifier works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.conditions import no_calendar
from esl_vm.model.errors import NoSuchMailboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from esl_vm.model.cluster import NodeState
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.ports import AudioStore, Clock, Mailboxes, Registry
    from esl_vm.store.events import RedisEvents, SharedEvents
    from esl_vm.store.outbox import RedisOutbox


@dataclass(frozen=True, slots=True)
class Sources:
    """The ports a notifier works on.

    Args:
        feed: the store's events, all of them.
        plans: the events shared by all notifiers, for planning mail and calls.
        history: the events shared by all notifiers (or one's own, for events on every node), for mod_voicemail's.
        outbox: the cluster's jobs.
        mailboxes, registry, audio, clock: the ports.
        nodes: those of the cluster, as they reported themselves.
        transcribers: the processes that transcribe messages, anywhere in the cluster.
        covers: whether a calendar has a time.
    """

    feed: RedisEvents
    plans: SharedEvents
    history: SharedEvents
    outbox: RedisOutbox
    mailboxes: Mailboxes
    registry: Registry
    audio: AudioStore
    clock: Clock
    nodes: Callable[[], Sequence[NodeState]] = list
    transcribers: Callable[[], Sequence[str]] = list
    covers: Callable[[str, datetime], bool] = no_calendar


def fields_of(registry: Registry, box: MailboxId) -> Mapping[str, str]:
    """A mailbox's fields, none if it is gone by now."""
    try:
        return registry.fields(box)
    except NoSuchMailboxError:
        return {}
