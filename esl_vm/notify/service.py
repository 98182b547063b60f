"""The notifier of one node: what `esl-vm notify` runs, and `esl-vm serve` beside the calls.

Each part runs in a thread of its own (a greenlet where gevent patched the standard library, as the service does):

    lamps     reads every partition's events, keeps the board of counts, fires MESSAGE_WAITING
    queries   answers FreeSWITCH's MESSAGE_QUERY; resends everything when FreeSWITCH is (back) there
    rounds    at intervals reads every mailbox again and resends every lamp: heals what was lost on any way
    history   fires mod_voicemail's events, each on one node of the cluster
    planner   makes mail and webhook jobs of events, each event on one node of the cluster
    couriers  carry the jobs out

A part that fails is logged and goes on after a second; the store or FreeSWITCH being away is no failure.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from esl_vm.model.errors import (
    AudioMissingError,
    NoSuchMailboxError,
    StoreDownError,
    SwitchDownError,
    UnsafeArgumentError,
)
from esl_vm.model.events import Event, What
from esl_vm.model.jobs import JobKind
from esl_vm.notify.board import Board
from esl_vm.notify.courier import Courier
from esl_vm.notify.lamps import Lamps
from esl_vm.notify.maintenance import SUBCLASS, maintenance_events
from esl_vm.notify.node import Domains, Node, voicemail_module_loaded
from esl_vm.notify.plan import Wishes, jobs_of, unusable
from esl_vm.notify.summary import Account, Summary
from esl_vm.notify.webhook import WebhookCaller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.notify.feed import EventFeed, Outbox, SharedFeed
    from esl_vm.notify.mail import Mailer
    from esl_vm.notify.webhook import WebhookSettings
    from esl_vm.ports import AudioStore, Clock, Mailboxes, Registry, Switch

log = logging.getLogger(__name__)

#: While thousands of mailboxes are looked at, what changes meanwhile need not wait for the end.
_BOXES_BETWEEN_READS = 100


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """How a node tells others.

    Args:
        domains: which telephones belong to which mailboxes.
        coalesce_s: changes of one mailbox within so many seconds make one lamp event.
        reconcile_s: seconds a round over all mailboxes takes; after it the next begins.
        patience_s: how long mail and calls are tried, seconds.
        wait_ms: how long the store is asked to wait for events; a stop takes up to so long.
        poll_s: seconds between looks for jobs that others planned or that are due again.
        webhook_couriers: webhook calls at once.
    """

    domains: Domains = field(default_factory=Domains)
    coalesce_s: float = 0.2
    reconcile_s: float = 900.0
    patience_s: float = 86400.0
    wait_ms: int = 1000
    poll_s: float = 2.0
    webhook_couriers: int = 4


@dataclass(frozen=True, slots=True)
class Sources:
    """The ports a notifier works on; all of the store, and the clock."""

    feed: EventFeed
    plans: SharedFeed
    history: SharedFeed
    outbox: Outbox
    mailboxes: Mailboxes
    registry: Registry
    audio: AudioStore
    clock: Clock


class NotifyService:
    """Runs until it is stopped.

    Args:
        sources: see Sources.
        settings: see NotifySettings.
        switch: this node's FreeSWITCH; None = no lamps and no events there, mail and webhooks only.
        maintenance: fire mod_voicemail's events.
        mailer: None = no mail. webhook: None = no webhooks.
    """

    def __init__(
        self,
        sources: Sources,
        settings: NotifySettings,
        *,
        switch: Switch | None = None,
        maintenance: bool = True,
        mailer: Mailer | None = None,
        webhook: WebhookSettings | None = None,
    ) -> None:
        self._sources = sources
        self._settings = settings
        self._switch = switch
        self._maintenance = maintenance
        self._wishes = Wishes(mail=mailer is not None, webhook=webhook.url if webhook else "", events=_told(webhook))
        self._board = Board()
        self._node = Node(settings.domains)
        self._stopping = threading.Event()
        self._lamp_work = threading.Event()
        self._mail_work = threading.Event()
        self._webhook_work = threading.Event()
        self._loaded = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lamps = None if switch is None else self._lamps_on(switch)
        self._couriers: list[tuple[str, Courier, threading.Event]] = []
        if mailer is not None:
            self._couriers.append(
                ("mail", self._courier(JobKind.MAIL, mailer.carry, mailer.longest_s), self._mail_work)
            )
        if webhook is not None:
            caller = WebhookCaller(webhook, sources.registry, sources.clock)
            self._couriers += [
                (
                    f"webhook {number}",
                    self._courier(JobKind.WEBHOOK, caller.carry, caller.longest_s),
                    self._webhook_work,
                )
                for number in range(settings.webhook_couriers)
            ]

    def start(self) -> None:
        """Begin; returns at once."""
        parts: list[tuple[str, Callable[[], None]]] = []
        if self._lamps is not None and self._switch is not None:
            lamps, switch = self._lamps, self._switch
            parts += [
                ("lamp events", lambda: self._follow(lamps)),
                ("lamps", lambda: self._fire(lamps)),
                ("queries", lambda: self._answer(lamps, switch)),
                ("rounds", lambda: self._go_round(lamps, switch)),
            ]
            if self._maintenance:
                parts.append(("history", lambda: self._retell(switch)))
        if self._couriers:
            parts.append(("planner", self._plan))
        parts += [(name, partial(self._carry, courier, work)) for name, courier, work in self._couriers]
        for name, body in parts:
            thread = threading.Thread(target=self._keep_running, args=(name, body), name=f"notify {name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, seconds: float = 5.0) -> bool:
        """Stop; what is being sent may end within so many seconds. False if something did not.

        A mail that is cut off is sent by another notifier once its lease is over. The thread that waits for FreeSWITCH's
        events ends when the switch is closed, which is its owner's business.
        """
        self._stopping.set()
        for event in (self._lamp_work, self._mail_work, self._webhook_work):
            event.set()
        end = time.monotonic() + seconds
        ending = [thread for thread in self._threads if thread.name != "notify queries"]
        for thread in ending:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in ending)

    def wait(self) -> None:
        """Return when it was stopped."""
        self._stopping.wait()

    @property
    def ready(self) -> bool:
        """Whether every mailbox has been looked at once: from then on queries are answered from memory."""
        return self._loaded.is_set()

    def _lamps_on(self, switch: Switch) -> Lamps:
        return Lamps(switch, self._node, self._board, self._sources.clock, coalesce_s=self._settings.coalesce_s)

    def _courier(self, kind: JobKind, carry: Callable[..., object], longest_s: float) -> Courier:
        return Courier(
            kind,
            self._sources.outbox,
            carry,  # type: ignore[arg-type]
            self._sources.clock,
            patience_s=self._settings.patience_s,
            lease_s=longest_s + 60.0,
        )

    def _keep_running(self, name: str, body: Callable[[], None]) -> None:
        """Run a part again and again; each run returns when it was stopped or something is away."""
        away = ""
        while not self._stopping.is_set():
            try:
                body()
                away = ""
            except (StoreDownError, SwitchDownError) as error:
                if str(error) != away:
                    log.warning("notifier, %s: waiting: %s", name, error)
                away = str(error)
            except Exception:
                log.exception("notifier, %s: failed; goes on", name)
            self._stopping.wait(1.0)

    # Lamps

    def _follow(self, lamps: Lamps) -> None:
        """Look at every mailbox, then follow the events; begins anew when the store was away."""
        after = dict(self._sources.feed.end())
        self._load(lamps, after)
        self._loaded.set()
        while not self._stopping.is_set():
            self._read(lamps, after, self._settings.wait_ms)

    def _read(self, lamps: Lamps, after: dict[int, str], wait_ms: int) -> None:
        """Note the events there are, and where they end."""
        for event in self._sources.feed.read(after, wait_ms):
            after[event.partition] = event.id
            self._note(lamps, event)

    def _load(self, lamps: Lamps, after: dict[int, str]) -> None:
        """Every mailbox as it is now; lamps that show something else are fired, without hurry if they are many."""
        changed: list[MailboxId] = []
        there = set()
        for box in self._sources.registry.boxes():
            if self._stopping.is_set():
                return
            there.add(box)
            changed += self._look(box)
            if len(there) % _BOXES_BETWEEN_READS == 0:
                self._read(lamps, after, 0)
        for box in self._board.boxes() - there:
            changed += self._look(box)
        lamps.resend(dict.fromkeys(changed))
        self._lamp_work.set()

    def _look(self, box: MailboxId) -> Iterable[MailboxId]:
        """One mailbox as it is now; the lamps that have to show something else."""
        version = self._board.version(box)
        mailbox = self._sources.mailboxes.open(box)
        if mailbox is None:
            return self._board.remove(box)
        return self._board.load(box, Summary.of(mailbox.counts), mailbox.extensions, version)

    def _note(self, lamps: Lamps, event: Event) -> None:
        """An event, on the board and on the lamps."""
        if event.what is What.BOX_REMOVED:
            concerned = self._board.remove(event.box)
        else:
            extensions = str(event.details.get("extensions") or "").split(",")
            concerned = self._board.changed(event.box, Summary.of(event.counts), extensions)
        lamps.changed(concerned, event.what)
        self._lamp_work.set()

    def _fire(self, lamps: Lamps) -> None:
        """Fire lamps when their time has come."""
        while not self._stopping.is_set():
            self._lamp_work.clear()
            due = lamps.fire_due()
            self._lamp_work.wait(5.0 if due is None else max(0.005, min(5.0, due - self._sources.clock.now())))

    def _answer(self, lamps: Lamps, switch: Switch) -> None:
        """Answer FreeSWITCH's questions as they come."""
        for query in switch.events(["MESSAGE_QUERY"]):
            if self._stopping.is_set():
                return
            if not query:
                self._connected(lamps, switch)
                continue
            try:
                if not self._loaded.is_set():
                    self._look_at_lamp_of(query)
                lamps.answer(query)
            except UnsafeArgumentError as error:
                log.warning("a MESSAGE_QUERY can't be answered: %s", error)
            except StoreDownError as error:
                log.warning("a MESSAGE_QUERY is answered later: %s", error)
            if self._node.outdated:
                self._lamp_work.set()

    def _look_at_lamp_of(self, query: Mapping[str, str]) -> None:
        """Before all mailboxes were looked at: those the asking telephone can mean."""
        account = Account.parse(query.get("Message-Account", ""))
        for box in self._node.meant(account) if account else ():
            self._look(box)

    def _connected(self, lamps: Lamps, switch: Switch) -> None:
        """FreeSWITCH is there (again)."""
        try:
            self._node.look(switch)
            if voicemail_module_loaded(switch):
                log.warning("mod_voicemail runs beside us and answers the same queries: unload it, or lamps flicker")
        except SwitchDownError as error:
            log.warning("FreeSWITCH went away again: %s", error)
            return
        log.info("FreeSWITCH is there: all lamps are sent")
        lamps.reconnected()
        self._lamp_work.set()

    def _go_round(self, lamps: Lamps, switch: Switch) -> None:
        """One round: look at every mailbox again and resend every lamp, spread over the interval."""
        if not self._loaded.wait(5.0):
            return
        boxes = list(self._sources.registry.boxes())
        step = self._settings.reconcile_s / max(1, len(boxes))
        for box in boxes:
            if self._stopping.wait(step):
                return
            if self._node.outdated or box == boxes[0]:
                self._node.look(switch)
            lamps.changed(self._look(box))
            lamps.resend(self._board.lamps_of(box))
            self._lamp_work.set()
        for box in self._board.boxes() - set(boxes):
            lamps.resend(self._look(box))
        if not boxes:
            self._stopping.wait(step)

    # Events for others

    def _retell(self, switch: Switch) -> None:
        """Fire mod_voicemail's events; one that could not be fired is taken again later, here or on another node."""
        switch.api("version")  # with FreeSWITCH away nothing is taken that another node could tell
        while not self._stopping.is_set():
            for event in self._sources.history.take(self._settings.wait_ms):
                domain = self._node.domain(event.box.domain)
                for headers in maintenance_events(event, domain, self._sound):
                    if not self._fired(switch, headers):
                        return
                self._sources.history.finish([event])

    def _fired(self, switch: Switch, headers: dict[str, str]) -> bool:
        """Fire one; what FreeSWITCH could not be told without harm is logged and left out."""
        try:
            return switch.fire("CUSTOM", headers, subclass=SUBCLASS)
        except UnsafeArgumentError as error:
            log.warning("an event of mod_voicemail's can't be told: %s", error)
            return True

    def _sound(self, audio_id: str) -> str:
        """A file on this node with a sound, `` if it can't be had."""
        try:
            return str(self._sources.audio.playable(audio_id)) if audio_id else ""
        except (AudioMissingError, StoreDownError, OSError) as error:
            log.warning("no file for the sound %s: %s", audio_id, error)
            return ""

    def _plan(self) -> None:
        """Make jobs of events."""
        while not self._stopping.is_set():
            for event in self._sources.plans.take(self._settings.wait_ms):
                self._plan_one(event)
                self._sources.plans.finish([event])

    def _plan_one(self, event: Event) -> None:
        """The jobs of one event, put in the list of all; putting them in twice does nothing."""
        if not self._wishes.mail and event.what not in self._wishes.events:
            return
        try:
            fields = self._sources.registry.fields(event.box)
        except NoSuchMailboxError:
            fields = {}
        for job in jobs_of(event, fields, self._wishes, self._sources.clock.now()):
            if self._sources.outbox.add(job):
                (self._mail_work if job.kind is JobKind.MAIL else self._webhook_work).set()
        if event.what is What.DELIVERED:
            for problem in unusable(event.box, fields):
                log.warning("%s", problem)

    def _carry(self, courier: Courier, work: threading.Event) -> None:
        """Carry jobs as they are due."""
        while not self._stopping.is_set():
            work.clear()
            if not courier.step():
                work.wait(self._settings.poll_s)


def _told(webhook: WebhookSettings | None) -> frozenset[What]:
    """What webhooks are told of: everything where there are any."""
    return frozenset(What) if webhook is not None else frozenset()
