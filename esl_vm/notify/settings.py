"""What a notifier is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from esl_vm.notify.node import Domains

if TYPE_CHECKING:
    from esl_vm.notify.feed import EventFeed, Outbox, SharedFeed
    from esl_vm.ports import AudioStore, Clock, Mailboxes, Registry


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """How a node tells others.

    Args:
        domains: which telephones belong to which mailboxes.
        coalesce_s: changes of one mailbox within so many seconds make one lamp event.
        reconcile_s: seconds a round over all mailboxes takes; after it the next begins.
        patience_s, webhook_patience_s: how long mail, and webhook calls, are tried, seconds.
        wait_ms: how long the store is asked to wait for events; a stop takes up to so long.
        poll_s: seconds between looks for jobs that others planned or that are due again.
        mail_workers, webhook_workers: mails, and webhook calls, at once.
    """

    domains: Domains = field(default_factory=Domains)
    coalesce_s: float = 0.2
    reconcile_s: float = 900.0
    patience_s: float = 86400.0
    webhook_patience_s: float = 86400.0
    wait_ms: int = 1000
    poll_s: float = 2.0
    mail_workers: int = 16
    webhook_workers: int = 64


@dataclass(frozen=True, slots=True)
class Sources:
    """The ports a notifier works on.

    Args:
        feed: the store's events, all of them.
        plans: the events shared by all notifiers, for planning mail and calls.
        history: the events shared by all notifiers (or one's own, for events on every node), for mod_voicemail's.
        outbox: the cluster's jobs.
        mailboxes, registry, audio, clock: the ports.
    """

    feed: EventFeed
    plans: SharedFeed
    history: SharedFeed
    outbox: Outbox
    mailboxes: Mailboxes
    registry: Registry
    audio: AudioStore
    clock: Clock
