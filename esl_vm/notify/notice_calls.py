"""Calls that announce a message: a telephone that a notify rule names is rung until somebody presses a key.

A call is a job of the outbox. Each try is told in the mailbox's events (`notice-call`) before it rings, and those events
alone say how often the telephone rang since the message came: a worker that finds the job of one that died waits as after
any try, so that no try rings twice. Before each the message and the rules are looked at again: what was heard or deleted
meanwhile, or is not wanted at that hour, rings nobody. Who answers is handed to the service (`dialogue/notice_call.py`).
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from esl_vm.actions.calling import is_allowed
from esl_vm.model.errors import NoSuchMessageError, SwitchDownError
from esl_vm.model.events import Event, EventType
from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.mailbox import Folder
from esl_vm.model.notify_rules import Notice, Way
from esl_vm.notify.job_worker import Deferred, Obsolete, Outcome, Refused, Sent
from esl_vm.notify.ringing import Ringing, why_not
from esl_vm.notify.sources import Sources, fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.settings import Settings
    from esl_vm.notify.rules import Notices

log = logging.getLogger(__name__)

LATE_S = 4 * 3600.0
"""A telephone is rung about a message so long after it came at most, seconds."""
_AWAY_S = 2.0
_PAGE = 500
_SERVICES = re.compile(r"[A-Za-z0-9_.:\[\]|-]+:[0-9]+")
_ANY_ADDRESS = {"0.0.0.0", "[::]"}  # noqa: S104 - compared with, not listened on


def notice_call_job(event: Event, number: str, message: dict[str, object], now: float) -> Job:
    """The job of a call to a number about a message that was delivered."""
    body = {"number": number, "message": message, "after": [event.partition, event.id]}
    return Job(f"notice-call:{event.box}:{event.message_id}:{number}", JobKind.NOTICE_CALL, event.box, body, now, now)


class NoticeCalls:
    """Rings telephones about messages (a JobWorker's `carry`).

    Args:
        switch: this node's FreeSWITCH. ringing: its background jobs. settings: of the service.
        sources: mailboxes, events, clock. notices: what rules want.
    """

    def __init__(
        self, switch: EventSocketSwitch, ringing: Ringing, settings: Settings, sources: Sources, notices: Notices
    ) -> None:
        self._switch, self._ringing, self._sources, self._notices = switch, ringing, sources, notices
        self._wanted, self._listen = settings.notice_calls, settings.service.listen

    def carry(self, job: Job) -> Outcome:
        """Ring once, if it is time; may raise StoreDownError before it rings."""
        now = self._sources.clock.now()
        if unwanted := self._unwanted(job, now):
            return Obsolete(unwanted)
        told = list(self._told(job))
        rung = [event.at for event in told if event.details["state"] == "ringing"]
        if any(event.details["state"] == "confirmed" for event in told):
            return Obsolete("somebody pressed a key")
        if rung and now < rung[-1] + self._wanted.pause_s:
            return Deferred("rung not long ago", after_s=rung[-1] + self._wanted.pause_s - now, counted=False)
        if len(rung) >= self._wanted.tries or now - job.created > LATE_S:
            return self._given_up(job, told)
        number = str(job.body["number"])
        if not is_allowed(self._wanted.numbers, number.removeprefix("+")):
            return Refused("notice_calls.numbers allow no call to it")
        try:
            words = self._originate(job, number)
        except SwitchDownError as away:
            return Deferred(str(away), after_s=_AWAY_S, counted=False)
        self._tell(job, "ringing")
        answer = self._ringing.ring(words, self._wanted.ring_s)
        cause = answer.removeprefix("-ERR").strip()
        if answer.startswith("+OK"):
            self._tell(job, "answered")
            return Deferred("answered; nobody pressed a key yet", after_s=self._wanted.pause_s, holds=True)
        if (why := why_not(cause)) == "switch":
            log.warning("%s: FreeSWITCH can't call %s (notice_calls.dial): %s", job.box, number, cause)
        self._tell(job, "failed", why)
        return Deferred(
            f"not answered: {cause or 'FreeSWITCH does not say why'}", after_s=self._wanted.pause_s, holds=True
        )

    def _unwanted(self, job: Job, now: float) -> str:
        """Why nobody is to be rung any more, `` if somebody is."""
        fields = fields_of(self._sources.registry, job.box)
        if not fields:
            return "the mailbox is gone"
        try:
            message = self._sources.mailboxes.message(job.box, str(job.body["message"]["id"]))
        except NoSuchMessageError:
            return "the message is gone"
        if message.heard or message.folder is not Folder.NEW:
            return "the message was heard, moved or deleted"
        wanted = self._notices.of_message(job.box, job.body["message"], fields, now)
        return "" if Notice(Way.CALL, str(job.body["number"])) in wanted else "no rule wants it at this time"

    def _told(self, job: Job) -> Iterator[Event]:
        """What was told of calls to that number since the message came, whichever message they were about."""
        partition, after = job.body["after"]
        while found := self._sources.feed.since(partition, after, _PAGE) or []:
            for event in found:
                same = event.box == job.box and event.details.get("number") == job.body["number"]
                if same and event.what is EventType.NOTICE_CALL:
                    yield event
            after = found[-1].id

    def _given_up(self, job: Job, told: list[Event]) -> Outcome:
        last = told[-1].details if told else {}
        why = {"ringing": "interrupted", "answered": "no-key"}.get(last.get("state", ""), last.get("why") or "late")
        if why == "switch":
            return Refused("FreeSWITCH can't call it: see its log, and notice_calls.dial")
        return Sent(lambda: self._tell(job, "given-up", why))

    def _originate(self, job: Job, number: str) -> str:
        """The command; raises SwitchDownError. Who answers is handed to the services that the dialplan names, else to this node's."""
        services = self._switch.api("global_getvar vm_services").strip()
        if not _SERVICES.fullmatch(services):
            host, _, port = self._listen.rpartition(":")
            services = f"{'127.0.0.1' if host in _ANY_ADDRESS else host}:{port}"
        leg = {
            "originate_timeout": self._wanted.ring_s,
            "ignore_early_media": "true",
            "vm_action": "notice",
            "vm_mailbox": job.box.number,
            "vm_domain": job.box.domain,
            "vm_own_telephone": "false",
            "vm_notice": number,
        }
        if caller := self._wanted.caller_number:
            leg |= {"origination_caller_id_number": caller, "origination_caller_id_name": caller}
        variables = ",".join(f"{name}={value}" for name, value in leg.items())
        dialled = self._wanted.dial.replace("{number}", number)
        return f"originate {{{variables}}}{dialled} 'socket:{services} async full' inline"

    def _tell(self, job: Job, state: str, why: str = "") -> None:
        message, number = str(job.body["message"]["id"]), str(job.body["number"])
        self._sources.mailboxes.log_event(
            job.box, EventType.NOTICE_CALL, message, state=state, number=number, **({"why": why} if why else {})
        )
