"""Sounds as browsers ask for them: whole or a range of bytes, of one finished file with a strong ETag.

Getting a sound marks nothing: a prefetch, a download, a mail scanner are no hearing. The page says so when it is heard.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import UNSET

from esl_vm.model.errors import StoreDownError
from esl_vm.model.events import EventType
from esl_vm.model.rights import Right, Role
from esl_vm.model.times import iso_time
from esl_vm.web.messages import found_message
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, Response, route
from esl_vm.web.schemas.messages import SoundQuery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import falcon

_KINDS = {"wav": "audio/wav", "mp3": "audio/mpeg", "opus": "audio/ogg"}
_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_PIECE = 64 * 1024
_LONGEST_NAME = 80
_SOUND = "audio/*"


@route(
    "GET", "/mailboxes/{mailbox}/messages/{message}/sound", Right.MESSAGE_HEAR, "A message's sound", response=_SOUND,
    problems=("sound-missing", "range", "not-acceptable"), tag="Messages",
)  # fmt: skip
def message_sound(request: Request, query: SoundQuery) -> Response:
    """WAV as it is stored, MP3 or Opus. Ranges as RFC 9110 has them. It leaves the message new: PATCH it once it was heard."""
    message = found_message(request)
    who = f"{message.caller.number} {message.caller.name}".strip() or "message"
    return sound(
        request,
        message.id,
        query,
        f"{iso_time(message.received, request.zone)[:16].replace('T', ' ')} {who}",
        message.id,
    )


@route(
    "GET", "/mailboxes/{mailbox}/messages/{message}/introduction", Right.MESSAGE_HEAR,
    "The spoken introduction of a forwarded message", response=_SOUND,
    problems=("sound-missing", "range", "not-acceptable"), tag="Messages",
)  # fmt: skip
def message_introduction(request: Request, query: SoundQuery) -> Response:
    """Where there is none, `introduction_ms` is 0."""
    message = found_message(request)
    if not message.intro_id:
        raise ProblemError("not-found", "This message has no introduction.")
    return sound(request, message.intro_id, query, "introduction", message.id)


def sound(request: Request, audio_id: str, query: SoundQuery, name: str, message_id: str = "") -> Response:
    """The answer that has a sound, or the part that was asked for.

    Args:
        request: the request.
        audio_id: which sound.
        query: in what format.
        name: of the file, without ending, where it is downloaded.
        message_id: for the event of who is not its owner.
    """
    kind = _preferred(request.raw) if query.format is UNSET else query.format
    path = request.deps.audio.playable(audio_id)
    if kind != "wav":
        path = request.deps.encoded(audio_id, path, kind)
    state = path.stat()
    etag = f'"{audio_id}-{state.st_size}"' if kind == "wav" else _etag(path, state.st_size, state.st_mtime_ns)
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache", "Vary": "Accept"}
    if query.download:
        headers["Content-Disposition"] = content_disposition(name, kind)
    if etag in {word.strip() for word in request.header("If-None-Match").split(",")}:
        return Response(status=304, headers=headers)
    part = _part(request.header("Range"), state.st_size) if request.header("If-Range") in {"", etag} else None
    start, end = part or (0, state.st_size)
    if start == 0 and request.identity.role is not Role.OWNER and request.raw.method == "GET":
        with suppress(StoreDownError):  # a Redis that takes no changes keeps nobody from what it has
            request.deps.mailboxes.log_event(
                request.box, EventType.EXPORTED, message_id, part="" if message_id else name
            )
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{state.st_size}"
    return Response(
        status=206 if part else 200,
        headers=headers,
        content_type=_KINDS[kind],
        stream=_pieces(path, start, end),
        content_length=end - start,
    )


def _preferred(raw: falcon.Request) -> str:
    """The kind of sound that the client would rather have; of two the one that stands first in _KINDS."""
    if not raw.get_header("Accept"):
        return "wav"
    wanted = str(raw.client_prefers(list(_KINDS.values())) or "")
    if not wanted:
        raise ProblemError("not-acceptable", f"It can be had as {', '.join(_KINDS.values())}.")
    return next(kind for kind, media_type in _KINDS.items() if media_type == wanted)


def _part(asked: str, size: int) -> tuple[int, int] | None:
    """From which byte to before which; None: all of it, as where the header is none that we know (RFC 9110, 14.2)."""
    found = _RANGE.fullmatch(asked.strip())
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= size or (not found[1] and not int(found[2])):
        raise ProblemError("range", f"It has {size} bytes.", headers={"Content-Range": f"bytes */{size}"})
    return start, end


def _pieces(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as opened:
        opened.seek(start)
        while start < end:
            piece = opened.read(min(_PIECE, end - start))
            if not piece:
                return
            start += len(piece)
            yield piece


@lru_cache(maxsize=4096)
def _etag(path: Path, _size: int, _changed: int) -> str:
    """Of what was encoded: by its content, as each node encodes for itself."""
    return f'"{hashlib.blake2b(path.read_bytes(), digest_size=12).hexdigest()}"'


def content_disposition(name: str, ending: str) -> str:
    """A file's name as RFC 6266 has it: accents kept, nothing that a file system refuses or that turns the writing."""
    kept = "".join(letter if letter.isprintable() and letter not in '\\/:*?"<>|' else "-" for letter in name)
    whole = f"{kept[:_LONGEST_NAME].strip(' .') or 'message'}.{ending}"
    plain = whole.encode("ascii", "replace").decode().replace("?", "_").replace("%", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(whole, safe='')}"
