"""msgNNNN.txt: what Asterisk writes beside each message."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from esl_vm.importers.texts import epoch
from esl_vm.model.encoding import decode_text
from esl_vm.model.message import CallDetails, Caller
from esl_vm.model.transcript import Transcript

_KEY = re.compile(rb"^[ \t]*([a-z_]+)[ \t]*=[ \t]?")
_AFTER_CALLER = (b"origdate", b"origtime", b"category", b"msg_id", b"flag", b"duration")
_PERSON = re.compile(r'"(.*)"\s*<(.*)>', re.DOTALL)
_BARE = re.compile(r"([^\"<]*)<(.*)>", re.DOTALL)
_NUMBER = re.compile(r"[+(]?[0-9*#][0-9*#() .-]*")
_UNKNOWN = {"", "unknown", "<unknown>"}
OURS = "esl-vm"
"""The channel of an exported message whose call is not known."""
_WRITTEN = "; esl-vm transcript: "
_PIECE = 1900
"""Letters of a transcript in a line: Asterisk reads 8,191 bytes of one, and passes over a comment."""


@dataclass(frozen=True, slots=True)
class MessageText:
    """A message's text file.

    Args:
        caller: as it came. raw_caller: the same, undecoded. received: epoch seconds, None if nothing says so.
        msg_id: Asterisk's id, the same for every copy of a message; `` in old versions.
        flag: `Urgent`, `PRIORITY` or ``; None if there is no such line.
        channel: the caller's channel. call: that, where it is Asterisk's, the extension dialled, and whom it was diverted from.
        transcript: what an export of ours has put into it.
    """

    caller: Caller = field(default_factory=Caller)
    raw_caller: str = ""
    received: float | None = None
    msg_id: str = ""
    flag: str | None = None
    channel: str = ""
    call: CallDetails = field(default_factory=CallDetails)
    transcript: Transcript | None = field(default=None, repr=False)


def written_lines(transcript: Transcript | None) -> str:
    """What an export adds to a text file: the message's transcript, in lines that Asterisk passes over."""
    stored = transcript.stored() if transcript else ""
    return "".join(f"{_WRITTEN}{stored[start : start + _PIECE]}\n" for start in range(0, len(stored), _PIECE))


def read_text(data: bytes) -> MessageText:
    """Read a text file; what is missing or broken in it is left unknown.

    A caller's name may go over several lines that look like settings: it ends at the last `origdate`, which Asterisk
    itself writes after it (or, if there is none, where the next of its own lines begins).
    """
    values: dict[bytes, bytes] = {}
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    keys = [match[1] if (match := _KEY.match(line)) else b"" for line in lines]
    start = keys.index(b"callerid") if b"callerid" in keys else -1
    end = _end_of_caller(keys, start)
    for number, line in enumerate(lines):
        if number == start:
            joined = b"\n".join(lines[start:end])
            values[b"callerid"] = joined[joined.index(b"=") + 1 :]
        elif not start < number < end and (key := keys[number]):
            values[key] = line[line.index(b"=") + 1 :]
    raw = values.get(b"callerid", b"")
    word = {key: decode_text(value).strip() for key, value in values.items()}
    return MessageText(
        caller=read_caller(decode_text(raw)),
        raw_caller=raw.strip().decode("latin-1"),
        received=_received(word),
        msg_id=word.get(b"msg_id", ""),
        flag=word.get(b"flag"),
        channel=word.get(b"callerchan", ""),
        call=_call(word),
        transcript=_transcript(lines[end:]),
    )


def _transcript(lines: list[bytes]) -> Transcript | None:
    prefix = _WRITTEN.encode()
    stored = b"".join(line.removeprefix(prefix).rstrip(b"\r") for line in lines if line.startswith(prefix))
    return Transcript.of(stored.decode("utf-8", "replace")) if stored else None


def _call(word: dict[bytes, str]) -> CallDetails:
    channel = word.get(b"callerchan", "")
    if channel in {"", OURS}:
        return CallDetails()
    dialled, diverted_from = (
        Caller(word.get(key, "")).dialable for key in (b"exten", b"rdnis")
    )  # `s`, `unknown`: none
    return CallDetails("", channel, dialled, diverted_from)


def _end_of_caller(keys: list[bytes], start: int) -> int:
    if start < 0:
        return 0
    later = keys[start + 1 :]
    if b"origdate" in later:
        return len(keys) - 1 - keys[::-1].index(b"origdate")
    return next((start + 1 + n for n, key in enumerate(later) if key in _AFTER_CALLER), len(keys))


def _received(word: dict[bytes, str]) -> float | None:
    """When it came: origtime, else the time in msg_id, else origdate if it is in UTC."""
    found = epoch(word.get(b"origtime")) or epoch(word.get(b"msg_id", "").partition("-")[0])
    if found is None and " UTC " in (date := word.get(b"origdate", "")):
        for form in ("%a %b %d %I:%M:%S %p UTC %Y", "%a %b %d %H:%M:%S UTC %Y"):
            try:
                return epoch(datetime.strptime(date, form).replace(tzinfo=UTC).timestamp())
            except (ValueError, OverflowError):
                continue
    return found


def read_caller(text: str) -> Caller:
    """A caller as Asterisk merges name and number: `"Name" <number>`, a bare number, a bare name, or `Unknown`."""
    text = text.strip()
    if text.lower() in _UNKNOWN:
        return Caller()
    if match := _PERSON.fullmatch(text):
        name, number = re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL), match[2]
    elif match := _BARE.fullmatch(text):
        name, number = match[1], match[2]
    elif _NUMBER.fullmatch(bare := text.strip('"')):
        name, number = "", bare
    else:
        name, number = re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL), ""
    number = "" if number.strip().lower() in _UNKNOWN else number
    return Caller(number=number, name=name)
