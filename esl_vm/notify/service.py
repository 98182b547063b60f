"""The notifier of one node: what `esl-vm notify` runs, and `esl-vm serve` beside the calls.

Each part runs in a thread of its own (a greenlet where gevent patched the standard library, as the service does):

    lamp events   reads every partition's events, keeps the counts of every mailbox
    lamps         fires MESSAGE_WAITING and PRESENCE_IN
    queries       answers FreeSWITCH's MESSAGE_QUERY and PRESENCE_PROBE; resends all when it is (back) there
    rounds        at intervals reads every mailbox again and resends every lamp: heals what was lost on any way
    history       fires mod_voicemail's events, each on one node of the cluster
    planner       makes mail and webhook jobs of events, each event on one node of the cluster
    job workers   carry the jobs out: mail, webhook calls, text messages, notices in browsers, standing copies, receipts, telephones that are rung for a call back or about a message
    call backs    hears whether those were answered

A part that fails is logged and goes on after a second; the store or FreeSWITCH being away is no failure.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from esl_vm.model.errors import StoreDownError, SwitchDownError
from esl_vm.model.events import Event, EventType
from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.rate_limited_log import RateLimitedLog
from esl_vm.notify.call_backs import CallBacks
from esl_vm.notify.copies import Copier
from esl_vm.notify.job_worker import JobWorker, Outcome
from esl_vm.notify.lamp_watch import WAIT_MS, LampWatch
from esl_vm.notify.notice_calls import NoticeCalls
from esl_vm.notify.plan import Wishes, is_to_be_transcribed, jobs_of, unusable
from esl_vm.notify.receipts import Receipting
from esl_vm.notify.ringing import Ringing
from esl_vm.notify.rules import Notices
from esl_vm.notify.sources import fields_of
from esl_vm.notify.webhook import WebhookCaller

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.settings import Settings
    from esl_vm.notify.mail import Mailer
    from esl_vm.notify.push import PushSender
    from esl_vm.notify.sms import SmsSender
    from esl_vm.notify.sources import Sources

log = logging.getLogger(__name__)

_PAUSE_S = 1.0
_QUERIES, _CALL_BACKS = "queries", "call backs"
#: Mails, webhook calls, text messages, and notices in browsers, at once.
MAIL_WORKERS, WEBHOOK_WORKERS, SMS_WORKERS, PUSH_WORKERS = 16, 64, 4, 8
#: Telephones that ring at once for calls back, and as many about messages.
CALL_WORKERS = 4
#: Hours for which calls about messages are put off: `notice_calls.tries` and LATE_S end them before.
NOTICE_CALL_HOURS = 24
#: Copies that are delivered at once, and for how many hours one is tried.
COPY_WORKERS, COPY_HOURS = 2, 7 * 24  # receipts: as long


class NotifyService:
    """Runs until it is stopped.

    Args:
        sources: see Sources.
        settings: of the service.
        switch: this node's FreeSWITCH; None = no lamps and no events there, mail and webhooks only.
        mailer: None = no mail. texter: None = no text messages. pusher: None = no notices in browsers.
        observe: told how many seconds after a change its lamp was told.
        wait_ms: how long the store is asked to wait for events; a stop takes up to so long.
        poll_s: seconds between looks for jobs that others planned or that are due again.
    """

    def __init__(
        self,
        sources: Sources,
        settings: Settings,
        *,
        switch: EventSocketSwitch | None = None,
        mailer: Mailer | None = None,
        texter: SmsSender | None = None,
        pusher: PushSender | None = None,
        observe: Callable[[float], None] | None = None,
        wait_ms: int = WAIT_MS,
        poll_s: float = 2.0,
    ) -> None:
        self._sources = sources
        self._wait_ms, self._poll_s = wait_ms, poll_s
        self._stopping = threading.Event()
        self._waits = RateLimitedLog(log, logging.WARNING, most=1)
        self._unheard = RateLimitedLog(log, logging.WARNING, most=1)
        self._work = {kind: threading.Event() for kind in JobKind}
        self._threads: list[threading.Thread] = []
        self._parts: list[tuple[str, Callable[[], None]]] = []
        self._watch = None if switch is None else LampWatch(sources, settings, switch, self._stopping, observe, wait_ms)
        if self._watch is not None:
            self._parts += _parts_of(self._watch, maintenance=settings.notify.maintenance_events)
        self._notices = Notices(sources, settings)
        self._wishes = Wishes(
            mail=mailer is not None,
            sms=texter is not None,
            calls=bool(settings.notice_calls.dial),
            push=pusher is not None,
            webhook=settings.webhook.url,
            transcribe=None if settings.transcription.engine == "none" else settings.mailbox.transcribe,
            mail_waits_s=settings.transcription.wait_s,
        )
        if switch is not None:
            ringing = Ringing(switch)
            calls = CallBacks(switch, ringing, settings, sources.mailboxes, sources.clock, sources.nodes)
            self._add_workers(JobKind.CALL, self._worker(JobKind.CALL, calls.carry, 1, at_once=0), CALL_WORKERS)
            if settings.notice_calls.dial:
                told = NoticeCalls(switch, ringing, settings, sources, self._notices)
                worker = self._worker(JobKind.NOTICE_CALL, told.carry, NOTICE_CALL_HOURS, at_once=0)
                self._add_workers(JobKind.NOTICE_CALL, worker, CALL_WORKERS)
            self._parts.append((_CALL_BACKS, ringing.listen))
        if mailer is not None:
            worker = self._worker(JobKind.MAIL, mailer.carry, settings.mail.retry_hours, at_once=MAIL_WORKERS)
            self._add_workers(JobKind.MAIL, worker, MAIL_WORKERS)
        if texter is not None:
            worker = self._worker(JobKind.SMS, texter.carry, settings.sms.retry_hours, at_once=SMS_WORKERS)
            self._add_workers(JobKind.SMS, worker, SMS_WORKERS)
        if pusher is not None:
            worker = self._worker(JobKind.PUSH, pusher.carry, settings.push.retry_hours, at_once=0)
            self._add_workers(JobKind.PUSH, worker, PUSH_WORKERS)
        caller = WebhookCaller(
            settings.webhook,
            sources.registry,
            sources.clock,
            mailboxes=sources.mailboxes if settings.transcription.webhook else None,
        )
        worker = self._worker(JobKind.WEBHOOK, caller.carry, settings.webhook.retry_hours, at_once=0)
        self._add_workers(JobKind.WEBHOOK, worker, WEBHOOK_WORKERS)
        copier = Copier(sources.mailboxes, sources.audio)
        self._add_workers(JobKind.COPY, self._worker(JobKind.COPY, copier.carry, COPY_HOURS, at_once=0), COPY_WORKERS)
        receipts = Receipting(sources.mailboxes)
        worker = self._worker(JobKind.RECEIPT, receipts.carry, COPY_HOURS, at_once=0)
        self._add_workers(JobKind.RECEIPT, worker, 1)
        self._parts.append(("planner", self._plan))

    def start(self) -> None:
        """Begin; returns at once."""
        for name, body in self._parts:
            thread = threading.Thread(target=self._keep_running, args=(name, body), name=f"notify {name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, seconds: float = 5.0) -> bool:
        """Stop; what is being sent may end within so many seconds. False if something did not.

        A mail that is cut off is sent by another notifier once its lease is over. The thread that waits for FreeSWITCH's
        events ends when the switch is closed, which is its owner's business.
        """
        self._stopping.set()
        for work in self._work.values():
            work.set()
        if self._watch is not None:
            self._watch.wake()
        end = time.monotonic() + seconds
        ending = [thread for thread in self._threads if not thread.name.endswith((_QUERIES, _CALL_BACKS))]
        for thread in ending:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in ending)

    def wait(self) -> None:
        """Return when it was stopped."""
        self._stopping.wait()

    @property
    def ready(self) -> bool:
        """Whether every mailbox was looked at once, so that every lamp is known."""
        return self._watch is None or self._watch.loaded

    @property
    def lamp_wait_s(self) -> float:
        """For how long the oldest change waits for its lamp, seconds; 0 if none does."""
        return 0.0 if self._watch is None else self._watch.lamp_wait_s

    def _keep_running(self, name: str, body: Callable[[], None]) -> None:
        """Run a part again and again; each run returns when it was stopped or something is away."""
        while not self._stopping.is_set():
            try:
                body()
            except (StoreDownError, SwitchDownError) as error:
                self._waits.log("notifier, %s: waiting: %s", name, error)
            except Exception:  # the outermost handler of a part: the others, and its next run, may succeed
                log.exception("notifier, %s: failed; goes on", name)
            self._stopping.wait(_PAUSE_S)

    def _worker(self, kind: JobKind, carry: Callable[[Job], Outcome], hours: int, *, at_once: int) -> JobWorker:
        outbox, clock = self._sources.outbox, self._sources.clock
        return JobWorker(kind, outbox, carry, clock, patience_s=hours * 3600, at_once=at_once)

    def _add_workers(self, kind: JobKind, worker: JobWorker, number: int) -> None:
        """Parts that carry jobs of a kind, so many at once."""
        turn = threading.Lock()
        self._parts += [
            (f"{kind} {n + 1}", partial(self._carry, worker, self._work[kind], turn)) for n in range(number)
        ]

    def _carry(self, worker: JobWorker, work: threading.Event, turn: threading.Lock) -> None:
        """Carry jobs as they are due; of all that do, one at a time looks for the next."""
        while True:
            with turn:
                work.clear()
                if self._stopping.is_set():  # looked at after clearing: a stop's wake is not lost
                    return
                job = worker.claim()
                if job is None:
                    work.wait(self._poll_s)
                    continue
            worker.carry(job)

    def _plan(self) -> None:
        """Make jobs of events."""
        while not self._stopping.is_set():
            for event in self._sources.plans.take(self._wait_ms):
                self._plan_one(event)
                self._sources.plans.finish([event])

    def _plan_one(self, event: Event) -> None:
        """The jobs of one event, put in the list of all; putting them in twice does nothing."""
        fields = fields_of(self._sources.registry, event.box)
        wishes = self._wishes
        if is_to_be_transcribed(event, fields, wishes) and not self._sources.transcribers():
            wishes = replace(wishes, mail_waits_s=0.0)
            self._unheard.log(
                "nobody transcribes: messages wait for it, their mails go without; start `esl-vm transcribe`"
            )
        notices = self._notices.of(event, fields) if event.what is EventType.DELIVERED else ()
        for job in jobs_of(event, fields, wishes, self._sources.clock.now(), notices):
            if self._sources.outbox.add(job):
                self._work[job.kind].set()
        if event.what is EventType.DELIVERED and self._wishes.mail:
            for problem in unusable(event.box, fields):
                log.warning("%s", problem)


def _parts_of(watch: LampWatch, *, maintenance: bool) -> list[tuple[str, Callable[[], None]]]:
    """The parts that stand beside FreeSWITCH."""
    parts: list[tuple[str, Callable[[], None]]] = [
        ("lamp events", watch.follow),
        ("lamps", watch.fire),
        (_QUERIES, watch.answer),
        ("rounds", watch.go_round),
    ]
    return [*parts, ("history", watch.send_history)] if maintenance else parts
