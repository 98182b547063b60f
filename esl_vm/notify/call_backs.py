"""Calling back from the browser: this node's FreeSWITCH rings the owner's telephone; who answers is put through by the dialplan.

A call is a job of the outbox, rung at most once: one whose worker died is not begun again, one that is late not at all. Where
the telephone is registered with another node's FreeSWITCH, that node rings it. What becomes of it is told in the mailbox's
events (`call-back`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.model.actor import acting
from esl_vm.model.errors import SwitchDownError
from esl_vm.model.events import Event, EventType
from esl_vm.model.jobs import Job, JobKind
from esl_vm.notify.job_worker import Deferred, Outcome, Sent
from esl_vm.notify.lamp_node import Domains
from esl_vm.notify.ringing import why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.cluster import NodeState
    from esl_vm.model.settings import Settings
    from esl_vm.notify.ringing import Ringing
    from esl_vm.ports import Clock, Mailboxes

HOW = "web-call-back"
"""How a call came to be placed, in its event, where the browser or the API asked for it."""
LATE_S = 60.0
"""Whoever asked is not there any more: such a call is not begun, seconds."""
_PAUSE_S = 0.5
_NOT_HERE = {"USER_NOT_REGISTERED", "SUBSCRIBER_ABSENT"}
_CONTEXT = re.compile(r"[A-Za-z0-9_.-]+")


def call_job(event: Event) -> Job | None:
    """The job of a call that was placed in the browser; None for any other event."""
    details = event.details
    if event.what is not EventType.CALL_PLACED or details.get("how") != HOW:
        return None
    body = {name: str(details.get(name) or "") for name in ("call", "number", "by")} | {"message": event.message_id}
    return Job(f"call:{body['call']}", JobKind.CALL, event.box, body, created=event.at, due=event.at)


class CallBacks:
    """Rings telephones.

    Args:
        switch: this node's FreeSWITCH. ringing: its background jobs. settings: of the service. mailboxes: where it is told. clock: the store's.
        nodes: those of the cluster, as they reported themselves.
    """

    def __init__(
        self,
        switch: EventSocketSwitch,
        ringing: Ringing,
        settings: Settings,
        mailboxes: Mailboxes,
        clock: Clock,
        nodes: Callable[[], Iterable[NodeState]],
    ) -> None:
        self._switch, self._ringing, self._nodes = switch, ringing, nodes
        self._mailboxes, self._clock = mailboxes, clock
        self._service, self._domains = settings.service, Domains.of(settings)

    def carry(self, job: Job) -> Outcome:
        """Ring the telephone of a job, and wait until it is answered or not."""
        with acting(str(job.body.get("by", ""))):
            if job.attempts > 1:
                return self._over(job, "failed", "interrupted")
            if self._clock.now() - job.created > LATE_S:
                return self._over(job, "failed", "late")
            if self._service.node in job.body.get("absent", ()):
                return self._elsewhere(job)
            try:
                words = self._originate(job)
            except SwitchDownError as away:
                return Deferred(str(away), after_s=_PAUSE_S, counted=False)
            self._tell(job, "ringing")
            return self._rung(job, words)

    def _rung(self, job: Job, words: str) -> Outcome:
        answer = self._ringing.ring(words, self._service.call_ring_s)
        if answer.startswith("+OK"):
            return self._over(job, "answered")
        cause = answer.removeprefix("-ERR").strip()
        if cause in _NOT_HERE:
            return self._elsewhere(job)
        return self._over(job, "failed", why_not(cause))

    def _originate(self, job: Job) -> str:
        """The command; raises SwitchDownError.

        The telephone shows the number that is to be called. Who answers goes into the dialplan as one who dialled it: as
        that user, with the user's variables (`set_user`), and the two that a call from 3 2 has.
        """
        box, number, switch = job.box, str(job.body["number"]), self._switch
        host = self._domains.hosts.get(box.domain, [""])[0] or box.domain
        if box.domain == self._domains.default and box.domain not in self._domains.hosts:
            host = switch.api("global_getvar domain").strip() or host
        user = f"{box.number}@{host}"
        context = self._service.call_context or switch.api(f"user_data {user} var user_context").strip()
        if not _CONTEXT.fullmatch(context):
            context = "default"
        leg = {
            "originate_timeout": self._service.call_ring_s,
            "ignore_early_media": "true",
            "origination_caller_id_number": number,
            "origination_caller_id_name": number,
        }
        then = [
            f"set_profile_var:caller_id_number={box.number}",
            f"set_profile_var:caller_id_name={box.number}",
            f"set_user:{user}",
            f"export:vm_dialed_number={number}",
            f"export:vm_dialed_by={box}",
            f"transfer:{number} XML {context}",
        ]
        variables = ",".join(f"{name}={value}" for name, value in leg.items())
        dialled = self._service.call_ring.format(number=box.number, host=host)
        return f"originate {{{variables}}}{dialled} '{','.join(then)}' inline"

    def _elsewhere(self, job: Job) -> Outcome:
        """The telephone is not registered here: another node tries it, unless all have."""
        absent = sorted({*job.body.get("absent", ()), self._service.node})
        others = {node.name for node in self._nodes() if node.alive and node.fields.get("freeswitch") == "up"}
        if not others - set(absent):
            return self._over(job, "failed", "not-registered")
        later = replace(job, body={**job.body, "absent": absent})
        return Deferred("not registered here", after_s=_PAUSE_S, counted=False, job=later)

    def _over(self, job: Job, state: str, why: str = "") -> Outcome:
        by = str(job.body.get("by", ""))

        def tell() -> None:
            with acting(by):
                self._tell(job, state, why)

        return Sent(tell)

    def _tell(self, job: Job, state: str, why: str = "") -> None:
        details = {name: str(job.body.get(name, "")) for name in ("call", "number")}
        self._mailboxes.log_event(
            job.box, EventType.CALL_BACK, str(job.body.get("message", "")), state=state, why=why, **details
        )
