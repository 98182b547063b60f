"""Everything about one caller's number, on all nodes: found, put into an archive, erased."""

from __future__ import annotations

import base64
import dataclasses
import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from esl_vm.model.actor import actor
from esl_vm.model.callers import HOLD, CallerFile, Trace, TraceKind, caller_number, masked, names, same_number
from esl_vm.model.errors import SpoolError
from esl_vm.model.events import PRIVACY, EventType
from esl_vm.model.findings import Order, OrderKind
from esl_vm.model.jobs import JobState
from esl_vm.model.sealing import is_sealed
from esl_vm.ops.caller_archive import write_archive
from esl_vm.recordings.of_caller import erase_takes_of, takes_of
from esl_vm.recordings.scheduled import cancel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from esl_vm.model.events import Event
    from esl_vm.model.jobs import Job
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message
    from esl_vm.model.scheduled import Scheduled
    from esl_vm.ops.node import Node

WAIT_S = 10.0
"""Seconds for which other nodes' answers are waited for; each looks every two."""


class Sound(NamedTuple):
    """A recording out of a spool, as WAV."""

    node: str
    name: str
    content: bytes


@dataclasses.dataclass(slots=True)
class Found:
    """All that there is about a caller, with what it says."""

    number: str
    messages: list[tuple[MailboxId, Message, Trace]] = dataclasses.field(default_factory=list)
    scheduled: list[Scheduled] = dataclasses.field(default_factory=list)
    settings: list[Trace] = dataclasses.field(default_factory=list)
    events: list[Event] = dataclasses.field(default_factory=list)
    jobs: list[Job] = dataclasses.field(default_factory=list)
    recordings: list[Trace] = dataclasses.field(default_factory=list)
    sounds: list[Sound] = dataclasses.field(default_factory=list)
    held: frozenset[MailboxId] = frozenset()
    away: list[str] = dataclasses.field(default_factory=list)

    @property
    def traces(self) -> tuple[Trace, ...]:
        """All of it, as it is listed."""
        return (
            *(trace for _, _, trace in self.messages),
            *map(self._waiting, self.scheduled),
            *self.settings,
            *self.recordings,
            *(Trace(TraceKind.JOB, str(job.box), job.id, job.created, job.kind) for job in self.jobs),
            *map(self._event, self.events),
        )

    def _waiting(self, one: Scheduled) -> Trace:
        kept = "" if self.held.isdisjoint({one.sender, *one.to}) else HOLD
        return Trace(TraceKind.MESSAGE, str(one.sender), one.message.id, one.due, "scheduled", kept)

    def _event(self, event: Event) -> Trace:
        kept = HOLD if event.box in self.held else ""
        return Trace(TraceKind.EVENT, str(event.box), f"{event.partition}:{event.id}", event.at, event.what, kept)

    @property
    def file(self) -> CallerFile:
        """What it is called."""
        return CallerFile(self.number, self.traces, tuple(self.away))


class Callers:
    """See the module. Every method may raise StoreDownError, SpoolError and InvalidValueError (of the number).

    Args:
        node: this node's stores. wait_s: see WAIT_S.
    """

    def __init__(self, node: Node, wait_s: float = WAIT_S) -> None:
        self._node, self._wait_s = node, wait_s

    def find(self, number: str) -> CallerFile:
        """What there is, in all mailboxes and on all nodes."""
        return self._find(caller_number(number)).file

    def export(self, number: str, file: BinaryIO) -> CallerFile:
        """Write what there is into a ZIP archive; that it was done is an event, of each mailbox too."""
        found = self._find(caller_number(number), sounds=True)
        write_archive(self._node, found, file)
        for box, message, _ in found.messages:
            self._node.mailboxes.log_event(box, EventType.EXPORTED, message.id, part="privacy")
        self._record(EventType.CALLER_EXPORTED, found.file)
        return found.file

    def erase(self, number: str) -> CallerFile:
        """Erase it; what is left is told with why. Broken off, it is begun again; that it was done is an event.

        Mails, text messages and calls on their way go first, then messages with their sounds, recordings in spools, and
        the events last, as what is erased makes some.
        """
        found = self._find(caller_number(number))
        self._record(EventType.CALLER_ERASED, found.file, state="begun")
        node, erased = self._node, Counter[TraceKind]()
        mine = [(box, message.id) for box, message, trace in found.messages if not trace.kept]
        ids = {message_id for _, message_id in mine}
        about = {job.id for job in self._jobs(lambda job: _is_about(job, ids))} | {job.id for job in found.jobs}
        erased[TraceKind.JOB] = sum(node.outbox.forget(job_id) for job_id in about)
        for box, message_id in mine:
            node.mailboxes.delete_because(box, message_id, "privacy")
            node.store.housekeeping.erase(box, [message_id])
        node.store.housekeeping.erase_sounds(node.audio.delete)
        waiting = [one for one in found.scheduled if found.held.isdisjoint({one.sender, *one.to})]
        cancelled = sum(cancel(node.mailboxes, node.audio, one) for one in waiting)
        erased[TraceKind.RECORDING] = erase_takes_of(node.spool, found.number, found.held)
        answers, _ = self._ask(OrderKind.ERASE_CALLER, found.number)
        erased[TraceKind.RECORDING] += sum(answer["erased"] for answer in answers)
        erased[TraceKind.EVENT] = node.store.traces.forget_events(
            [event for event in node.store.traces.events(found.number) if event.box not in found.held]
        )
        left = self._find(found.number).file
        erased[TraceKind.MESSAGE] = cancelled + len(
            {(str(box), one) for box, one in mine} - {(it.place, it.id) for it in left.traces}
        )
        result = dataclasses.replace(left, erased=erased)
        self._record(EventType.CALLER_ERASED, result, state="done" if result.complete else "incomplete")
        return result

    def _find(self, number: str, *, sounds: bool = False) -> Found:
        node, traces, found = self._node, self._node.store.traces, Found(number)
        found.held = frozenset(node.store.holds.in_force(node.registry.boxes()))
        found.messages += traces.messages(node.registry.boxes(), number)
        found.scheduled += (s for s in node.mailboxes.scheduled() if same_number(s.message.caller.number, number))
        found.settings += traces.settings(node.registry.boxes(), number)
        found.jobs += self._jobs(lambda job: names(job.body, number))
        answers, found.away = self._ask(OrderKind.FIND_CALLER, number, sounds=sounds)
        for answer in (look_in_spool(node, number, sounds=sounds), *answers):
            found.recordings += (Trace(**one | {"kind": TraceKind(one["kind"])}) for one in answer["traces"])
            found.sounds += (
                Sound(answer["node"], name, node.seal.open(base64.b64decode(it))) for name, it in answer["sounds"]
            )
        found.events += traces.events(number)
        return found

    def _jobs(self, wanted: Callable[[Job], bool]) -> Iterator[Job]:
        return (job for state in JobState for job in self._node.outbox.jobs(state) if wanted(job))

    def _ask(self, kind: OrderKind, number: str, *, sounds: bool = False) -> tuple[list[dict[str, Any]], list[str]]:
        """What the other nodes answer, and which of them do not, be it that they were not alive within a day."""
        own, cluster = self._node.settings.service.node, self._node.store.cluster
        others = [node for node in cluster.nodes() if node.name != own]
        order = Order(kind, by=actor(), number=number, answer=secrets.token_hex(12), sounds=sounds)
        answers = cluster.answers(order, [node.name for node in others if node.alive], self._wait_s)
        heard = {answer["node"] for answer in answers}
        return answers, [node.name for node in others if node.name not in heard]

    def _record(self, what: EventType, file: CallerFile, **more: str) -> None:
        """That it was done, by whom and how much it was, with no more of the number than its end."""
        counts = Counter(one.kind for one in file.traces) if file.erased is None else file.erased
        left = Counter(one.kind for one in file.traces) if file.erased is not None else Counter[TraceKind]()
        details = {"caller": masked(file.number), "counts": _said(counts), "left": _said(left)}
        self._node.mailboxes.log_event(PRIVACY, what, **details, away=" ".join(file.away), **more)


def answer_of(node: Node, order: Order) -> dict[str, Any]:
    """What this node answers to an order about a caller; raises SpoolError."""
    if order.kind is OrderKind.ERASE_CALLER:
        held = node.store.holds.in_force(node.registry.boxes())
        return {"node": node.settings.service.node, "erased": erase_takes_of(node.spool, order.number, held)}
    return look_in_spool(node, order.number, sounds=order.sounds)


def look_in_spool(node: Node, number: str, *, sounds: bool) -> dict[str, Any]:
    """A caller's recordings in this node's spool, with their sounds in base 64 where they are wanted; raises SpoolError.

    Sounds are sealed where there is a key: an answer lies in Redis for a while.
    """
    found = list(takes_of(node.spool, number, node.store.holds.in_force(node.registry.boxes())))
    read: list[tuple[str, str]] = []
    if sounds:
        try:
            for _, paths in found:
                read += ((path.name, _sealed(node, path)) for path in paths)
        except OSError as error:
            raise SpoolError(f"the spool can't be read: {error}") from error
    traces = [dataclasses.asdict(trace) for trace, _ in found]
    return {"node": node.settings.service.node, "traces": traces, "sounds": read}


def _sealed(node: Node, path: Path) -> str:
    content = path.read_bytes()
    return base64.b64encode(content if is_sealed(content) else node.seal.close(content)).decode()


def _is_about(job: Job, message_ids: Iterable[str]) -> bool:
    """Whether a job is about one of these messages: a transcript, a mail, a webhook call, a call back."""
    message = job.body.get("message")
    named = message.get("id") if isinstance(message, dict) else message
    return bool({str(named), str(job.body.get("id"))} & set(message_ids))


def _said(counts: Counter[TraceKind]) -> str:
    return " ".join(f"{kind}={many}" for kind, many in sorted(counts.items()) if many)
