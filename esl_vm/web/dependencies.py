"""The application's dependencies: stores and settings, handed over by the wiring."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from esl_vm.model.settings import OidcSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from esl_vm.actions.target import Converted
    from esl_vm.model.callers import CallerFile
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message
    from esl_vm.model.pins import PinRules
    from esl_vm.model.rights import MessageLink
    from esl_vm.model.sealing import Seal
    from esl_vm.model.settings import WebSettings
    from esl_vm.oidc.provider import Provider
    from esl_vm.ports import AudioStore, Calendars, Clock, Pins
    from esl_vm.recordings.spool import Spool
    from esl_vm.store.access import RedisAccess
    from esl_vm.store.cluster import Cluster
    from esl_vm.store.events import RedisEvents
    from esl_vm.store.holds import RedisHolds
    from esl_vm.store.lists import RedisLists
    from esl_vm.store.mailboxes import RedisMailboxes
    from esl_vm.store.outbox import RedisOutbox
    from esl_vm.store.push import RedisPush
    from esl_vm.store.registry import RedisRegistry
    from esl_vm.web.streams import Hub


class Callers(Protocol):
    """All that there is about a caller's number; each raises InvalidValueError for what is none, StoreDownError, SpoolError."""

    def find(self, number: str) -> CallerFile:
        """What there is."""
        ...

    def export(self, number: str, file: BinaryIO) -> CallerFile:
        """Write it into a ZIP archive."""
        ...

    def erase(self, number: str) -> CallerFile:
        """Erase it."""
        ...


class WebMetrics(Protocol):
    """What is counted of the pages and the API."""

    def web_answered(self, kind: str, status: int, seconds: float) -> None:
        """A request was answered; kind: `page`, `api`, `sound`, `events` or `static`."""
        ...

    def signed_in(self, way: str, worked: bool) -> None:
        """Somebody signed in, or did not; way: `pin`, `link`, `oidc` or `mail`."""
        ...


@dataclass(frozen=True, slots=True)
class Push:
    """Notices in browsers.

    Args:
        subscriptions: who is told. key: the public key of the service; raises SealedError. plain: push services without TLS will do.
    """

    subscriptions: RedisPush
    key: Callable[[], str]
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What handlers work with.

    Args:
        settings: `[web]`. hub: what reads the events for all who listen. domain, timezone, language: the service's defaults.
        read_link: what a link in a mail opens, whether or not it is too old; None: it is none of ours.
        messages_of_call: those that came by the call of that Call-ID or uuid; the first received first.
        find_words: messages in which that is said: mailbox by mailbox, the newest received first.
        begin_broadcast: begin one of that name, sound and end (epoch seconds, 0 = none), or go on with it; when it was begun. Raises InvalidValueError.
        callers: all that there is about a caller's number. holds: legal ones.
        seal: what sounds and transcripts are encrypted with. keys_used: the ids of the keys that something may be encrypted under.
        partition: which partition of the events a mailbox is in.
        converted: a sound file of any format, judged by its content, as the store keeps it; raises InvalidValueError.
        oidc: `[oidc]`. provider: whom one signs in through, None = nobody.
        transcribes: an engine is set that writes messages down. calendars: those that greeting rules name.
        metrics: counts, None = nobody does.
        mails: a mail server is set.
        mail_link: has a one-time link mailed to a mailbox's owner, None = nobody is mailed any.
        push: notices in browsers, None = there are none.
        encoded: a sound of the store as `mp3` or `opus`: gets its id, file and the kind, returns a file that stays for a while;
            raises ProblemError where this host makes none.
    """

    settings: WebSettings
    mailboxes: RedisMailboxes
    registry: RedisRegistry
    pins: Pins
    pin_rules: PinRules
    lists: RedisLists
    audio: AudioStore
    spool: Spool
    clock: Clock
    access: RedisAccess
    read_link: Callable[[str], MessageLink | None]
    messages_of_call: Callable[[str], list[tuple[MailboxId, Message]]]
    find_words: Callable[[Iterable[MailboxId], str], Iterator[tuple[MailboxId, Message]]]
    begin_broadcast: Callable[[str, str, int], float]
    events: RedisEvents
    cluster: Cluster
    outbox: RedisOutbox
    hub: Hub
    callers: Callers
    holds: RedisHolds
    seal: Seal
    keys_used: Callable[[], list[str]]
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
    mails: bool = False
    calendars: Calendars | None = None
    push: Push | None = None
