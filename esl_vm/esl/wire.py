"""What FreeSWITCH writes to its event socket, without a socket: bytes in, frames out.

A frame is a block of `Name: value` lines, an empty line and, where the block has a Content-Length, that many bytes
of body. The body of a `text/event-plain` frame is a block of headers again. Rules, in the order in which they matter:

- Lines are split before values are decoded. Values of events and of the reply to `connect` are URL-encoded by
  FreeSWITCH (seen on FreeSWITCH 1.11), so a line break inside a caller's name can't begin a header.
- Nothing is parsed that nobody asks for. A CHANNEL_EXECUTE_COMPLETE has 6.6 kB and some 170 headers; a call needs
  three of them. `Frame.get` looks for its header in the raw block.
- Every length is bounded; what can't be understood is refused with WireError, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from esl_vm.model.encoding import decode_text
from esl_vm.model.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PLAIN_EVENT = "text/event-plain"
_EVENT = b"Event-Name: "
_MOST_DIGITS = 10
# The frames a call consists of, in FreeSWITCH's own spelling; all else goes the longer way.
_EVENT_HEAD = re.compile(rb"Content-Length: ([0-9]{1,%d})\nContent-Type: text/event-plain\n\n" % _MOST_DIGITS)
_OK_HEAD = b"Content-Type: command/reply\nReply-Text: +OK"
_LENGTH_LINE = re.compile(rb"^Content-Length:[ \t]*([^\n]*)$", re.MULTILINE)
_TYPE_LINE = re.compile(rb"^Content-Type:[ \t]*([^\n]+)$", re.MULTILINE)
_OK = _OK_HEAD + b"\n\n"
_DONE_HEAD, _DONE_BODY = b"Content-Type: api/response\nContent-Length: 4", b"+OK\n"
_DONE = _DONE_HEAD + b"\n\n" + _DONE_BODY
_LINE_BREAK = ord("\n")


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """How long the parts of a frame may be, in bytes.

    Args:
        head: the block of headers. The reply to `connect` is one, with every channel variable: 6.9 kB on a plain
            SIP call, several times that behind a proxy that adds headers.
        body: what follows it. Events have up to 10 kB; the answer to an api command is as long as it likes.
    """

    head: int = 256 * 1024
    body: int = 1024 * 1024


@lru_cache(maxsize=256)
def _needle(name: str) -> bytes:
    return b"\n" + name.encode("ascii") + b": "


def _decoded(value: bytes, *, encoded: bool) -> str:
    if encoded and b"%" in value:
        value = unquote_to_bytes(value)
    return decode_text(value)


def headers_named(names: Iterable[str], beginning: str, any_case: Iterable[str] = ()) -> re.Pattern[bytes]:
    """What finds the headers of these names, and those whose names begin so, of up to 128 letters, digits, `_`, `.`, `-`.

    any_case: names that are found in capitals or not, but for what `beginning` begins with, up to its first `_`.
    """
    # Not `(?i:…)`, with which the search takes half as long again. What most begin with is compared once, not for each.
    stem = beginning[: beginning.index("_") + 1]
    either = (
        stem + "".join(f"[{one.lower()}{one.upper()}]" if one.isalpha() else re.escape(one) for one in name)
        for name in (name.removeprefix(stem) for name in any_case)
    )
    words = [*map(re.escape, names), *either, re.escape(beginning) + "[A-Za-z0-9_.-]{0,128}"]
    apart = "|".join(word for word in words if not word.startswith(stem))
    rest = "|".join(word.removeprefix(stem) for word in words if word.startswith(stem))
    return re.compile(f"\n({apart}|{stem}(?:{rest})): ([^\n]*)".encode())


class Frame:
    """One frame, unparsed.

    Args:
        type: the Content-Type: `command/reply`, `api/response`, `text/event-plain`, `text/disconnect-notice`, and so on.
        head: the lines of the header block, without the empty line that ends it.
        body: what followed it, empty if there was nothing.
    """

    __slots__ = ("_block", "_end", "body", "head", "type")

    def __init__(self, type: str, head: bytes, body: bytes = b"") -> None:  # noqa: A002 - the header's own name
        self.type = type
        self.head = head
        self.body = body
        # The headers worth asking for are the event's where there is one; the outer two only frame it.
        self._block = body if type == PLAIN_EVENT else head
        self._end = -1 if type == PLAIN_EVENT else len(head)

    @property
    def event(self) -> str:
        """The event's name (`DTMF`), `` if the frame is none. The reply to `connect` is `CHANNEL_DATA`."""
        block = self._block
        if not block.startswith(_EVENT):
            # An event that a client fired (sendevent) has its name further down.
            return self.get("Event-Name") or "" if self.type == PLAIN_EVENT else ""
        end = block.find(b"\n")
        return block[len(_EVENT) : end if end >= 0 else len(block)].decode("utf-8", "replace")

    @property
    def encoded(self) -> bool:
        """Whether values are URL-encoded: those of events and of the reply to `connect` are, no others."""
        return self.type == PLAIN_EVENT or self.head.startswith(_EVENT)

    def get(self, name: str) -> str | None:
        """A header's value, decoded; of several by that name the first; None if there is none.

        Looks in the event's headers if the frame holds an event, else in the frame's own.
        """
        self._limit()
        needle = _needle(name)
        block = self._block
        if block.startswith(needle[1:]):
            start = len(needle) - 1
        else:
            start = block.find(needle, 0, self._end)
            if start < 0:
                return None
            start += len(needle)
        end = block.find(b"\n", start, self._end)
        return _decoded(block[start : end if end >= 0 else self._end], encoded=self.encoded)

    def several(self, wanted: re.Pattern[bytes]) -> dict[str, str]:
        """Many headers in one pass, as `get` finds them, but for one that is the block's first line.

        Args:
            wanted: of `headers_named`.
        """
        encoded = self.encoded
        found: dict[str, str] = {}
        for name, value in wanted.findall(self._block, 0, self._limit()):
            found.setdefault(name.decode(), _decoded(value, encoded=encoded))
        return found

    def last(self, name: str) -> str | None:
        """As `get`, searched from the end; of several by that name the last.

        Ten times as fast for the headers an event ends with (`Application-UUID`, `DTMF-Digit`). Only for channel
        events: they have no body of their own, which this would search too.
        """
        needle = _needle(name)
        block = self._block
        start = block.rfind(needle)
        if start < 0:
            return None
        start += len(needle)
        end = block.find(b"\n", start)
        return _decoded(block[start : end if end >= 0 else len(block)], encoded=self.encoded)

    def holds(self, line: bytes) -> bool:
        r"""Whether a header stands there exactly as FreeSWITCH writes it, but not as the first; for channel events.

        Args:
            line: the raw header between two line breaks, `b"\nApplication-UUID: a1-7\n"`.
        """
        return self._block.rfind(line) >= 0

    def _limit(self) -> int:
        """Where the headers end. An event may have a body of its own (a MESSAGE, a CUSTOM event): its text is no header."""
        if self._end < 0:
            end = self._block.find(b"\n\n")
            self._end = len(self._block) if end < 0 else end
        return self._end

    @property
    def headers(self) -> dict[str, str]:
        """All headers, decoded; of several by a name the first. Costs a hundred times a `get`."""
        found: dict[str, str] = {}
        encoded = self.encoded
        for line in self._block.partition(b"\n\n")[0].split(b"\n"):
            name, colon, value = line.partition(b": ")
            if colon:
                found.setdefault(name.decode("utf-8", "replace"), _decoded(value, encoded=encoded))
        return found

    @property
    def data(self) -> str:
        """What a command was answered: the Reply-Text, or the api command's output. `data` is greenswitch's name for it."""
        if self.body:
            return self.body.decode("utf-8", "replace")
        return self.get("Reply-Text") or ""

    @property
    def event_body(self) -> str:
        """The text an event carries after its headers, `` if none."""
        return self._block.partition(b"\n\n")[2].decode("utf-8", "replace") if self.type == PLAIN_EVENT else ""

    def __repr__(self) -> str:
        return f"Frame({self.type}{' ' + self.event if self.event else ''}, {len(self.head)}+{len(self.body)} bytes)"


# The reply to nearly every command; one object for all, so it is known by identity.
OK = Frame("command/reply", _OK_HEAD)
DONE = Frame("api/response", _DONE_HEAD, _DONE_BODY)


class Decoder:
    """Bytes in, frames out. Bytes may be cut anywhere.

        decoder.feed(data)
        while (frame := decoder.next()) is not None:
            ...

    Memory is bounded by the limits and the longest piece fed. After a WireError the stream can't be read on.

    Attributes:
        limits: of the frames from the next on.
    """

    __slots__ = ("_at", "_body", "_buffer", "_head", "_searched", "_type", "limits")

    def __init__(self, limits: FrameLimits | None = None) -> None:
        self.limits = limits or FrameLimits()
        # What was fed, and up to where it is used up. Bytes as they came as long as frames come whole; a bytearray
        # once one has to be put together, so that one that drips in is not copied again and again …
        self._buffer: bytes | bytearray = b""
        self._at = 0
        self._searched = 0  # … nor searched: no head ends before here
        self._head: bytes | None = None  # the head whose body has not all come yet
        self._type = ""
        self._body = 0

    def feed(self, data: bytes) -> None:
        """Take bytes as they came from the socket."""
        at = self._at
        if at >= len(self._buffer):
            self._buffer = data
            self._searched = 0
        else:
            if not isinstance(self._buffer, bytearray):
                self._buffer = bytearray(self._buffer[at:])
            elif at:
                del self._buffer[:at]
            self._buffer += data
            self._searched = max(0, self._searched - at)
        self._at = 0

    def __iter__(self) -> Iterator[Frame]:
        """The frames that are complete by now."""
        while (frame := self.next()) is not None:
            yield frame

    @property
    def pending(self) -> int:
        """How many bytes of an incomplete frame are held."""
        return len(self._buffer) - self._at

    def next(self) -> Frame | None:
        """The next complete frame, None if more bytes are needed; raises WireError."""
        buffer, at = self._buffer, self._at
        if at >= len(buffer):
            self._buffer, self._at = b"", 0  # a call that waits holds no memory for what it has read
            return None
        if self._head is None:
            if buffer.startswith(_OK, at):
                self._at = at + len(_OK)
                return OK
            if found := _EVENT_HEAD.match(buffer, at):
                start = found.end()
                end = start + self._bounded(found[1])
                if end <= len(buffer):  # whole, as nearly always
                    self._at = end
                    return Frame(PLAIN_EVENT, bytes(buffer[at : start - 2]), bytes(buffer[start:end]))
            elif buffer.startswith(_DONE, at):
                self._at = at + len(_DONE)
                return DONE
            if not self._read_head():
                return None
            at = self._at
        end = at + self._body
        if len(buffer) < end:
            return None
        frame = Frame(self._type, self._head or b"", bytes(buffer[at:end]))
        self._at = end
        self._head = None
        return frame

    def _read_head(self) -> bool:
        """Take any frame's head out of the buffer, if it is there whole; learn its type and the length of its body."""
        buffer, at = self._buffer, self._at
        while at < len(buffer) and buffer[at] == _LINE_BREAK:
            at += 1  # a reply whose text ends in a line break leaves an empty line behind it
        self._at = at
        end = buffer.find(b"\n\n", max(at, self._searched))
        if (end if end >= 0 else len(buffer)) - at > self.limits.head:
            raise WireError(f"a header block of more than {self.limits.head} bytes")
        if end < 0:
            self._searched = max(at, len(buffer) - 1)
            return False
        head = bytes(buffer[at:end])
        self._at = end + 2
        lengths: list[bytes] = []
        if head.startswith(_EVENT):
            # The reply to `connect`: one block without a body, whatever its variables are called, its type at the end.
            types = [part.partition(b"\n")[0] for part in head.rsplit(b"\nContent-Type: ", 1)[1:]]
        else:
            types = _TYPE_LINE.findall(head)
            lengths = _LENGTH_LINE.findall(head)
        if not types or not types[0]:
            raise WireError(f"a frame without a Content-Type: {head[:80]!r}")
        if len(lengths) > 1:
            raise WireError(f"a frame with {len(lengths)} Content-Lengths: {head[:80]!r}")
        self._head = head
        self._type = types[0].decode("utf-8", "replace")
        self._body = self._bounded(lengths[0]) if lengths else 0
        return True

    def _bounded(self, digits: bytes | bytearray) -> int:
        length = int(digits) if len(digits) <= _MOST_DIGITS and digits.isdigit() else -1
        if not 0 <= length <= self.limits.body:
            raise WireError(f"a Content-Length of {bytes(digits[:40])!r}: no number up to {self.limits.body}")
        return length
