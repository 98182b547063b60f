"""What an engine answers, made a transcript: OpenAI's `verbose_json`, its `json`, or plain text."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import TranscriptionError
from esl_vm.model.transcript import Segment, Transcript, TranscriptState

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST_ANSWER = 4_000_000
"""Bytes of an answer; one for two hours of speech has a quarter of that."""
LONGEST_HINT = 600
"""Letters of the names an engine is told: Whisper hears no more than its last 224 pieces of words."""

_LANGUAGES = {"french": "fr", "english": "en"}
# Whisper was taught on subtitles, and where nobody speaks it writes what those say then. Such a piece is most probably no
# speech, as it says itself; one that may be speech is dropped where it is unsure of the words too.
_NO_SPEECH, _MAYBE_NO_SPEECH, _UNSURE = 0.85, 0.6, -0.7


def transcript_of(answer: Any, engine: str, *, asked: str = "") -> Transcript:
    """What an engine's JSON says; `asked`: the language it was told.

    Raises:
        TranscriptionError: it is no such answer.
    """
    try:
        segments = [one for one in answer.get("segments") or [] if not _is_no_speech(one)]
        spoken = str(answer.get("language") or asked).lower()
        language = _LANGUAGES.get(spoken, spoken.partition("-")[0].partition("_")[0])
        if answer.get("segments"):
            pieces = tuple(Segment(_ms(one.get("start")), _ms(one.get("end")), str(one["text"])) for one in segments)
        else:
            pieces = (Segment(0, _ms(answer.get("duration")), str(answer["text"])),)
        return made(engine, language, pieces, [float(one.get("avg_logprob") or 0) for one in segments])
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as wrong:
        raise TranscriptionError(f"its answer is none that is known: {type(wrong).__name__}") from wrong


def transcript_of_text(answer: bytes, engine: str, *, asked: str) -> Transcript:
    """What an engine wrote: JSON as above, or the words alone. Raises TranscriptionError."""
    text = answer.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            return transcript_of(json.loads(text), engine, asked=asked)
        except json.JSONDecodeError as wrong:
            raise TranscriptionError("its answer is broken JSON") from wrong
    return made(engine, asked, tuple(Segment(0, 0, line) for line in text.splitlines()), [])


def made(engine: str, language: str, pieces: tuple[Segment, ...], logarithms: Sequence[float]) -> Transcript:
    """A transcript of these pieces, `no-speech` if there is no word in them; logarithms: of how probable each is."""
    sure = math.exp(sum(logarithms) / len(logarithms)) if any(logarithms) else 0.0
    found = Transcript(TranscriptState.DONE, language, engine, sure, pieces)
    return found if found.text else Transcript(TranscriptState.NO_SPEECH, language, engine)


def hint(names: Sequence[str]) -> str:
    """Names as an engine is told them, the likeliest last; as many of those as fit."""
    text = ", ".join(dict.fromkeys(name for name in reversed(names) if name))[:LONGEST_HINT]
    return ", ".join(reversed(text.split(", ")))


def _is_no_speech(segment: Any) -> bool:
    silent, words = float(segment.get("no_speech_prob") or 0), float(segment.get("avg_logprob") or 0)
    return silent > _NO_SPEECH or (silent > _MAYBE_NO_SPEECH and words < _UNSURE)


def _ms(seconds: Any) -> int:
    return round(float(seconds or 0) * 1000)
