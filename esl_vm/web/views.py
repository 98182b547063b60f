"""Messages, lists, events and jobs as programs are told of them: by the API, and by commands with `--json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.masking import mask_urls
from esl_vm.model.times import iso_time
from esl_vm.web.schemas.events import EventView
from esl_vm.web.schemas.lists import ListView
from esl_vm.web.schemas.messages import MessageView, TranscriptView
from esl_vm.web.schemas.service import JobView

if TYPE_CHECKING:
    from esl_vm.model.events import Event
    from esl_vm.model.jobs import Job
    from esl_vm.model.lists import DistributionList
    from esl_vm.model.message import Message
    from esl_vm.model.transcript import Transcript


def message_view(message: Message, zone: str, *, hears: bool = True) -> MessageView:
    """A message, its times in that zone; what is said in it only to who may hear it."""
    return MessageView(
        message.id,
        message.folder,
        message.caller.number,
        message.caller.name,
        iso_time(message.received, zone),
        message.duration_ms,
        message.urgent,
        message.heard,
        message.origin,
        message.forwarded_by,
        message.intro_ms,
        message.cut,
        message.call.call_id,
        message.call.call_uuid,
        message.call.dialled,
        message.call.diverted_from,
        message.call.label,
        _transcript(message.transcript) if message.transcript and hears else None,
        message.handled_by,
        iso_time(message.handled_at, zone) if message.handled_by else None,
        message.note if hears else "",
        iso_time(message.until, zone) if message.until else None,
        message.receipt,
    )


def _transcript(written: Transcript) -> TranscriptView:
    return TranscriptView(
        written.state.value, written.language, written.engine, written.confidence, written.text, written.segments
    )


def list_view(found: DistributionList) -> ListView:
    """A distribution list with everybody on it."""
    members = [str(member) for member in found.members]
    return ListView(str(found.id), found.name, members, found.recorded_name is not None)


def event_view(event: Event, zone: str) -> EventView:
    """Something that happened, its time in that zone."""
    counts = event.counts
    return EventView(
        iso_time(event.at, zone), str(event.what), str(event.box), event.message_id,
        counts.new, counts.old, counts.urgent, event.details,
    )  # fmt: skip


def job_view(job: Job, zone: str) -> JobView:
    """What is to be sent, its time in that zone, without the secrets of addresses."""
    return JobView(
        job.id,
        str(job.kind),
        str(job.box),
        str(job.state),
        iso_time(job.created, zone),
        job.attempts,
        mask_urls(job.error),
    )
