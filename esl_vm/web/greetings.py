"""Greetings: which there are, hear them, send one in, the temporary one's dates, erase."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.conditions import no_calendar
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.greeting_choice import preview
from esl_vm.model.greeting_rules import Circumstances
from esl_vm.model.mailbox import Greeting, StoredGreeting, check_dates
from esl_vm.model.message import new_id
from esl_vm.model.rights import Right
from esl_vm.model.times import iso_time_or_none, zone_of
from esl_vm.web.application import body_pieces
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, Response, route
from esl_vm.web.schemas.greetings import GreetingDates, GreetingPreview, Greetings, GreetingView, PreviewQuery
from esl_vm.web.schemas.messages import SoundQuery
from esl_vm.web.sound import sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.actions.target import Converted

_TAG = "Greetings"
SOUND = "application/octet-stream"
"""How openapi.json names a sound that is sent in; whatever it is called is taken, and judged by its content."""
_PATH = "/mailboxes/{mailbox}/greetings"


@route("GET", _PATH, Right.GREETING_READ, "List the recorded greetings", tag=_TAG)
def list_greetings(request: Request) -> Greetings:
    """What is not recorded is not in the list: callers hear the default sentence then."""
    recorded = request.mailbox.greetings
    return Greetings([_view(request, greeting) for greeting in Greeting if greeting in recorded])


@route(
    "GET", "/mailboxes/{mailbox}/greeting-preview", Right.GREETING_READ, "Which greeting a caller would hear", tag=_TAG
)
def preview_greeting(request: Request, query: PreviewQuery) -> GreetingPreview:
    """Now or at another time, from a number, when busy or not: as the telephone chooses, by the mailbox's `greeting_rules`."""
    deps = request.deps
    moment = query.at.timestamp() if query.at else deps.clock.now()
    at = datetime.fromtimestamp(moment, zone_of(request.zone))
    call = Circumstances(at, query.busy, query.caller, query.internal)
    calendars = deps.calendars
    known = [calendar.name for calendar in calendars.all()] if calendars else []
    told = preview(request.mailbox, call, calendars.covers if calendars else no_calendar, known)
    choice = told.choice
    return GreetingPreview(
        at.isoformat(),
        choice.greeting if choice else None,
        str(choice.rule) if choice and choice.rule else None,
        told.calendars_missing,
        told.unrecorded,
        told.led_to,
    )


def _view(request: Request, greeting: Greeting) -> GreetingView:
    stored = _stored(request, greeting)
    return GreetingView(
        greeting,
        stored.duration_ms,
        stored.is_active(request.deps.clock.now()),
        iso_time_or_none(stored.starts, request.zone),
        iso_time_or_none(stored.ends, request.zone),
    )


def _stored(request: Request, greeting: Greeting) -> StoredGreeting:
    stored = request.mailbox.greetings.get(greeting)
    if stored is None:
        raise ProblemError("not-found", f"No {greeting} greeting is recorded; callers hear the default sentence.")
    return stored


@route(
    "GET", _PATH + "/{greeting}/sound", Right.GREETING_READ, "A greeting's sound", response="audio/*",
    problems=("sound-missing", "range", "not-acceptable"), tag=_TAG,
)  # fmt: skip
def greeting_sound(request: Request, query: SoundQuery) -> Response:
    """Its ETag is another one for another recording: what was replaced is never played again."""
    greeting = request.choice(Greeting, "greeting")
    return sound(request, _stored(request, greeting).audio_id, query, str(greeting))


@route(
    "PUT", _PATH + "/{greeting}/sound", Right.GREETING_CHANGE, "Send a greeting in, and put it in force", body=SOUND,
    problems=("no-sound", "too-long", "too-large", "too-slow"), tag=_TAG,
)  # fmt: skip
def put_greeting(request: Request) -> GreetingView:
    """The body is the sound: WAV, MP3, Ogg, WebM, MP4, FLAC or AIFF, judged by its content. The former one is replaced."""
    greeting = request.choice(Greeting, "greeting")
    with uploaded(request, request.mailbox.options.maxgreet) as sent:
        kept = StoredGreeting(new_id(request.deps.clock.now()), sent.duration_ms)
        request.deps.audio.put(kept.audio_id, sent.path)
    before = request.mailbox.greetings.get(greeting)
    if before is not None:  # as on the telephone
        starts, ends = before.kept_dates(request.deps.clock.now())
        kept = replace(kept, starts=starts, ends=ends)
    request.deps.mailboxes.set_greeting(request.box, greeting, kept)
    request.reopen()
    return _view(request, greeting)


@contextmanager
def uploaded(request: Request, longest_s: int = 0) -> Iterator[Converted]:
    """The body of the request, as the store keeps sounds, for as long as this is open; raises ProblemError.

    Args:
        request: the request.
        longest_s: how long it may be, seconds; 0 = no limit.
    """
    settings = request.deps.settings
    with ExitStack() as stack:
        source = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="esl-vm-web-"))) / "upload"
        with source.open("wb") as out:
            for piece in body_pieces(request.raw, settings.upload_mb << 20, settings.stall_s):
                out.write(piece)
        if not source.stat().st_size:
            raise ProblemError("no-sound", "Send the sound as the body of the request.")
        try:
            sound = stack.enter_context(request.deps.converted(source))
        except InvalidValueError as wrong:
            raise ProblemError("no-sound", f"{str(wrong)[:1].upper()}{str(wrong)[1:]}.") from None
        if longest_s and sound.duration_ms > longest_s * 1000:
            raise ProblemError("too-long", f"It is {sound.duration_ms // 1000} s long; at most {longest_s} s are kept.")
        yield sound


@route("PATCH", _PATH + "/{greeting}", Right.GREETING_CHANGE, "Choose the temporary greeting's dates", tag=_TAG)
def set_dates(request: Request, body: GreetingDates) -> GreetingView:
    """From `starts` until `ends` callers hear it; what is left open has no bound."""
    greeting = request.choice(Greeting, "greeting")
    if greeting is not Greeting.TEMPORARY:
        raise ProblemError("invalid", "Only the temporary greeting has dates.")
    stored = _stored(request, greeting)
    starts = int(body.starts.timestamp()) if body.starts else 0
    ends = int(body.ends.timestamp()) if body.ends else 0
    check_dates(greeting, starts, ends, request.deps.clock.now())
    if starts < 0:
        raise ProblemError("invalid", "It begins in another century: choose a later begin.")
    request.deps.mailboxes.set_greeting(request.box, greeting, replace(stored, starts=starts, ends=ends))
    request.reopen()
    return _view(request, greeting)


@route("DELETE", _PATH + "/{greeting}", Right.GREETING_CHANGE, "Erase a greeting", tag=_TAG)
def erase_greeting(request: Request) -> None:
    """Callers hear the default sentence again."""
    greeting = request.choice(Greeting, "greeting")
    _stored(request, greeting)
    request.deps.mailboxes.remove_greeting(request.box, greeting)
