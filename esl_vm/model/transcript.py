"""What is said in a message, in writing: by whom it was made, how sure that is, and when each piece of it is heard."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING

from esl_vm.model.message import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_TEXT = 20_000
"""Letters of a whole transcript; what is beyond is left out. Twenty minutes of quick speech."""
LONGEST_SEGMENT = 1000
MOST_SEGMENTS = 2000


class TranscriptState(StrEnum):
    """What became of it.

    `no-speech`: nobody says anything. `unsure`: its engine was less sure of the words than is wanted. `too-long`: longer than
    is transcribed. `failed`: given up.
    """

    DONE = "done"
    NO_SPEECH = "no-speech"
    UNSURE = "unsure"
    TOO_LONG = "too-long"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a transcript, and from when to when it is heard, milliseconds from the sound's start."""

    start_ms: int
    end_ms: int
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "start_ms", max(0, self.start_ms))
        object.__setattr__(self, "end_ms", max(self.start_ms, self.end_ms))
        object.__setattr__(self, "text", one_line(self.text, LONGEST_SEGMENT))


@dataclass(frozen=True, slots=True)
class Transcript:
    """A message's transcript. It says what a caller said, so it is as private as the sound.

    Args:
        state: see there; only one that is `done` has words.
        language: `fr`, `en`, … as the engine understood it; `` = not told.
        engine: what made it, for people: `faster-whisper base`.
        confidence: how sure the engine is, 0 to 1; 0 = not told.
        segments: in the order in which they are heard; empty ones are left out, as is what is beyond LONGEST_TEXT.
        sealed: the segments as they are stored where there is a key, base64 (model/sealing.py); then there are none here.
    """

    state: TranscriptState = TranscriptState.DONE
    language: str = ""
    engine: str = ""
    confidence: float = 0.0
    segments: tuple[Segment, ...] = ()
    sealed: str = ""

    def __post_init__(self) -> None:
        worded = [one for one in self.segments[:MOST_SEGMENTS] if one.text]
        ends = accumulate(len(one.text) + 1 for one in worded)
        fitting = sum(1 for _ in takewhile(lambda end: end <= LONGEST_TEXT, ends))
        object.__setattr__(self, "segments", tuple(worded[:fitting]))
        object.__setattr__(self, "language", one_line(self.language, 16))
        object.__setattr__(self, "engine", one_line(self.engine, 120))
        object.__setattr__(self, "confidence", round(min(1.0, max(0.0, self.confidence)), 3))

    @property
    def text(self) -> str:
        """All its words in one line."""
        return " ".join(one.text for one in self.segments)

    def stored(self) -> str:
        """As it lies in the store, JSON; the state is first."""
        return json.dumps(
            {
                "state": self.state.value,
                "language": self.language,
                "engine": self.engine,
                "confidence": self.confidence,
                "segments": [(one.start_ms, one.end_ms, one.text) for one in self.segments],
                **({"sealed": self.sealed} if self.sealed else {}),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def of(cls, stored: str) -> Transcript | None:
        """The other way of `stored`; None for ``, and for what is none (written by hand, or by a later version)."""
        try:
            parsed = json.loads(stored)
            return cls(
                TranscriptState(parsed["state"]),
                str(parsed["language"]),
                str(parsed["engine"]),
                float(parsed["confidence"]),
                cls.segments_of(parsed["segments"]),
                str(parsed.get("sealed", "")),
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None

    def words(self) -> str:
        """Its segments as JSON: what is sealed where there is a key."""
        return json.dumps([(one.start_ms, one.end_ms, one.text) for one in self.segments], ensure_ascii=False)

    @staticmethod
    def segments_of(parsed: Iterable[tuple[int, int, str]]) -> tuple[Segment, ...]:
        """Segments from what JSON has of them; raises ValueError, TypeError, OverflowError."""
        return tuple(Segment(int(start), int(end), str(words)) for start, end, words in parsed)


#: Combining marks: what is left of accents when letters are taken apart.
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_SPELT = (("œ", "oe"), ("Œ", "oe"), ("æ", "ae"), ("Æ", "ae"), ("’", "'"))


def folded(text: str) -> str:
    """A text as it is searched: without accents and ligatures, in small letters."""
    if text.isascii():
        return text.lower()
    for letter, spelt in _SPELT:
        text = text.replace(letter, spelt)  # a tenth of what str.translate takes
    return _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold()


def passage(text: str, words: str, before: int = 60, after: int = 100) -> tuple[str, str, str]:
    """Where words stand in a text, as it is searched: what is before them, they themselves, what is after.

    Args:
        text: where they are looked for; where they don't stand, its beginning is returned as what is after them.
        words: accents, ligatures and capitals don't count.
        before: so many letters before them, at most.
        after: so many after them.
    """
    letters = [folded(letter) for letter in text]  # two for a ligature, none for an accent of its own
    places = [place for place, letter in enumerate(letters) for _ in letter]
    wanted = folded(" ".join(words.split()))
    found = "".join(letters).find(wanted) if wanted else -1
    start, end = (places[found], places[found + len(wanted) - 1] + 1) if found >= 0 else (0, 0)
    while 0 < end < len(text) and not letters[end]:
        end += 1
    begin, stop = max(0, start - before), end + after
    lead, rest = "…" if begin else "", "…" if stop < len(text) else ""
    return lead + text[begin:start], text[start:end], text[end:stop] + rest
