"""Greetings: which there are, hear them, send one in, the temporary one's dates, erase."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Greeting, StoredGreeting, check_dates
from esl_vm.model.message import new_id
from esl_vm.model.rights import Right
from esl_vm.web.application import pieces
from esl_vm.web.models import GreetingDates, Greetings, GreetingTold, SoundQuery
from esl_vm.web.problems import ProblemError, not_there
from esl_vm.web.routes import Answer, Ask, route
from esl_vm.web.sound import sound
from esl_vm.web.times import iso_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.actions.target import Converted

_TAG = "Greetings"
SOUND = "application/octet-stream"
"""How openapi.json names a sound that is sent in; whatever it is called is taken, and judged by its content."""
_PATH = "/mailboxes/{mailbox}/greetings"


@route("GET", _PATH, Right.GREETING_READ, "List the recorded greetings", answer=Greetings, tag=_TAG)
def list_greetings(ask: Ask) -> Greetings:
    """What is not recorded is not in the list: callers hear the default sentence then."""
    recorded = ask.mailbox.greetings
    return Greetings([_told(ask, greeting) for greeting in Greeting if greeting in recorded])


def _told(ask: Ask, greeting: Greeting) -> GreetingTold:
    stored = _stored(ask, greeting)
    return GreetingTold(
        greeting,
        stored.duration_ms,
        stored.is_active(ask.world.clock.now()),
        iso_or_none(stored.starts, ask.zone),
        iso_or_none(stored.ends, ask.zone),
    )


def _greeting(ask: Ask) -> Greeting:
    try:
        return Greeting(ask.path["greeting"])
    except ValueError:
        raise not_there() from None


def _stored(ask: Ask, greeting: Greeting) -> StoredGreeting:
    stored = ask.mailbox.greetings.get(greeting)
    if stored is None:
        raise ProblemError("not-found", f"No {greeting} greeting is recorded; callers hear the default sentence.")
    return stored


@route(
    "GET", _PATH + "/{greeting}/sound", Right.GREETING_READ, "A greeting's sound",
    query=SoundQuery, answer="audio/*", problems=("sound-missing", "range", "not-acceptable"), tag=_TAG,
)  # fmt: skip
def greeting_sound(ask: Ask, query: SoundQuery) -> Answer:
    """Its ETag is another one for another recording: what was replaced is never played again."""
    greeting = _greeting(ask)
    return sound(ask, _stored(ask, greeting).audio_id, query, str(greeting))


@route(
    "PUT", _PATH + "/{greeting}/sound", Right.GREETING_CHANGE, "Send a greeting in, and put it in force",
    body=SOUND, answer=GreetingTold, problems=("no-sound", "too-large", "too-slow"), tag=_TAG,
)  # fmt: skip
def put_greeting(ask: Ask) -> GreetingTold:
    """The body is the sound: WAV, MP3, Ogg, WebM, MP4, FLAC or AIFF, judged by its content. The former one is replaced."""
    greeting = _greeting(ask)
    kept = put_sound(ask, ask.mailbox.options.maxgreet)
    before = ask.mailbox.greetings.get(greeting)
    if before is not None:  # as on the telephone
        starts, ends = before.kept_dates(ask.world.clock.now())
        kept = replace(kept, starts=starts, ends=ends)
    ask.world.mailboxes.set_greeting(ask.box, greeting, kept)
    ask.opened = ask.world.mailboxes.open(ask.box)
    return _told(ask, greeting)


def put_sound(ask: Ask, longest_s: int) -> StoredGreeting:
    """Store the sound that is the body of the request; raises ProblemError.

    Args:
        ask: the request.
        longest_s: how long it may be, seconds; 0 = no limit.
    """
    with tempfile.TemporaryDirectory(prefix="esl-vm-web-") as folder, as_sound(ask, receive(ask, Path(folder))) as made:
        check_length(made, longest_s)
        audio_id = new_id(ask.world.clock.now())
        ask.world.audio.put(audio_id, made.path)
        return StoredGreeting(audio_id, made.duration_ms)


def check_length(sound: Converted, longest_s: int) -> None:
    """Refuse one that is longer than so many seconds (0 = no limit); raises ProblemError."""
    if longest_s and sound.duration_ms > longest_s * 1000:
        raise ProblemError("invalid", f"It is {sound.duration_ms // 1000} s long; at most {longest_s} s are kept.")


@contextmanager
def as_sound(ask: Ask, source: Path) -> Iterator[Converted]:
    """A file that was sent in, as the store keeps sounds; raises ProblemError for what is no sound."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(ask.world.converted(source))
        except InvalidValueError as wrong:
            raise ProblemError("no-sound", f"{str(wrong)[:1].upper()}{str(wrong)[1:]}.") from None
        yield made


def receive(ask: Ask, folder: Path) -> Path:
    """The body of the request, as a file in that folder; raises ProblemError for too large or too slow a one."""
    target = folder / "upload"
    settings = ask.world.settings
    with target.open("wb") as out:
        for piece in pieces(ask.request, settings.upload_mb << 20, settings.stall_s):
            out.write(piece)
    if not target.stat().st_size:
        raise ProblemError("no-sound", "Send the sound as the body of the request.")
    return target


@route(
    "PATCH", _PATH + "/{greeting}", Right.GREETING_CHANGE, "Choose the temporary greeting's dates",
    body=GreetingDates, answer=GreetingTold, tag=_TAG,
)  # fmt: skip
def set_dates(ask: Ask, body: GreetingDates) -> GreetingTold:
    """From `starts` until `ends` callers hear it; what is left open has no bound."""
    greeting = _greeting(ask)
    if greeting is not Greeting.TEMPORARY:
        raise ProblemError("invalid", "Only the temporary greeting has dates.")
    stored = _stored(ask, greeting)
    starts = int(body.starts.timestamp()) if body.starts else 0
    ends = int(body.ends.timestamp()) if body.ends else 0
    check_dates(greeting, starts, ends, ask.world.clock.now())
    if starts < 0:
        raise ProblemError("invalid", "It begins in another century: choose a later begin.")
    ask.world.mailboxes.set_greeting(ask.box, greeting, replace(stored, starts=starts, ends=ends))
    ask.opened = ask.world.mailboxes.open(ask.box)
    return _told(ask, greeting)


@route("DELETE", _PATH + "/{greeting}", Right.GREETING_CHANGE, "Erase a greeting", status=204, tag=_TAG)
def erase_greeting(ask: Ask) -> None:
    """Callers hear the default sentence again."""
    greeting = _greeting(ask)
    _stored(ask, greeting)
    ask.world.mailboxes.remove_greeting(ask.box, greeting)
