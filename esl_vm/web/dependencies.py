"""The application's dependencies: stores and settings, handed over by the wiring."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from esl_vm.model.settings import OidcSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from esl_vm.actions.target import Converted
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.pins import PinRules
    from esl_vm.model.settings import WebSettings
    from esl_vm.ports import AudioStore, Clock, Pins
    from esl_vm.recordings.spool import Spool
    from esl_vm.web.ports import (
        Access,
        Broadcasts,
        Calls,
        Cluster,
        EventLog,
        Lists,
        MailboxAdmin,
        MessageLinks,
        Outbox,
        PagedMailboxes,
        Provider,
        Transcripts,
        WebMetrics,
    )
    from esl_vm.web.streams import Hub


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What handlers work with.

    Args:
        settings: `[web]`. hub: what reads the events for all who listen. domain, timezone, language: the service's defaults.
        partition: which partition of the events a mailbox is in.
        converted: a sound file of any format, judged by its content, as the store keeps it; raises InvalidValueError.
        oidc: `[oidc]`. provider: whom one signs in through, None = nobody.
        transcribes: an engine is set that writes messages down.
        metrics: counts, None = nobody does.
        mail_link: has a one-time link mailed to a mailbox's owner, None = nobody is mailed any.
        encoded: a sound of the store as `mp3` or `opus`: gets its id, file and the kind, returns a file that stays for a while;
            raises ProblemError where this host makes none.
    """

    settings: WebSettings
    mailboxes: PagedMailboxes
    registry: MailboxAdmin
    pins: Pins
    pin_rules: PinRules
    lists: Lists
    audio: AudioStore
    spool: Spool
    clock: Clock
    access: Access
    links: MessageLinks
    calls: Calls
    transcripts: Transcripts
    broadcasts: Broadcasts
    events: EventLog
    cluster: Cluster
    outbox: Outbox
    hub: Hub
    partition: Callable[[MailboxId], int]
    converted: Callable[[Path], AbstractContextManager[Converted]]
    encoded: Callable[[str, Path, str], Path]
    domain: str = "default"
    timezone: str = "America/Toronto"
    language: str = "fr"
    oidc: OidcSettings = field(default_factory=OidcSettings)
    provider: Provider | None = None
    mail_link: Callable[[MailboxId], None] | None = None
    metrics: WebMetrics | None = None
    transcribes: bool = False
