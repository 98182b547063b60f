"""What was said to be played, held to what the telephone heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from live.likeness import likeness
from live.rtp import sound_of
from live.telephone_sound import FRAME, RATE

if TYPE_CHECKING:
    import numpy as np
    from live.rtp import Arrived

    from esl_vm.sim.line import Heard
    from esl_vm.sim.schedule import Timer

PROMPT_S = 0.4
"""A playback that begins within so long of a key is the answer to it."""
BESIDE_S = 0.2
"""A sound is looked for so long before and after where it should be."""
LATE_S = 0.1
"""FreeSWITCH's sound is heard a frame or two after its events."""
ENOUGH_S = 0.5
"""Less than that of a sound that was cut says nothing."""


@dataclass
class Played:
    """One `playback`.

    Args:
        at, ended: when it began and ended, seconds since 1970. key_at: the last key before it, 0 if there was none.
        sounds: those that began. timers: for those to come. files: what is in them.
    """

    at: float
    key_at: float = 0.0
    sounds: list[Heard] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    ended: float = 0.0
    files: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """A sound that was said to be played, and what the telephone heard of it.

    Args:
        heard: the sound. seconds: how much of it was compared, all of it unless it was cut.
        score: how alike, 1 = the same. at: when its first sample was heard, seconds since 1970.
        after_key_s: if it is the first sound after a key, the seconds from the key's release to that sample; else 0.
        listed: whether there were more files than one.
    """

    heard: Heard
    seconds: float
    score: float
    at: float
    after_key_s: float
    listed: bool


def evidence_of(played: Played, arrived: list[Arrived]) -> list[Evidence]:
    """Each sound that was played whole, or long enough, held to what arrived.

    Time stamps and jitter don't matter here: the playback's sounds are counted from its first packet.
    """
    packets = [one for one in arrived if played.at - 0.2 < one.at < played.ended + 0.5]
    heard = sound_of(packets)
    begin = next((place for place, one in enumerate(packets) if one.at >= played.at - 0.01), 0) * FRAME
    found = []
    for place, sound in enumerate(played.sounds):
        seconds = min(sound.length, sound.played - LATE_S) if sound.cut else sound.length
        if sound.path not in played.files or (sound.cut and seconds < ENOUGH_S):
            continue  # a tone, or too little of it
        reference = played.files[sound.path][-round(sound.length * RATE) :][: round(seconds * RATE)]
        first = max(0, begin + round((sound.at - played.at - BESIDE_S) * RATE))
        like = likeness(reference, heard[first : first + len(reference) + round(2 * BESIDE_S * RATE)])
        frame, rest = divmod(first + like.at, FRAME)
        at = packets[frame].at + rest / RATE if frame < len(packets) else 0.0
        answer = not place and 0 < played.at - played.key_at < PROMPT_S
        after_key_s = at - played.key_at if answer else 0.0
        found.append(Evidence(sound, seconds, like.score, at, after_key_s, listed=len(played.sounds) > 1))
    return found
