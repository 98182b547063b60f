"""Seconds of a caller's life: how much is said in a call until what the caller wants."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calls.book import Box, Msg, PhoneCall
from calls.play_book import call_of, furnish
from support.rig import NodeRig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from esl_vm.esl.sounds import SpokenPrompts
    from esl_vm.sim.heard import Heard

LANGUAGES = ("fr", "en")
_CALLER = "5145550180"
_ONE = (Box(messages=(Msg(_CALLER),)),)
_THREE = (Box(messages=(Msg(_CALLER), Msg(_CALLER), Msg(_CALLER))),)
_LISTEN = "w:vm-password q:0 d:4821# w:vm-opts d:1 "


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that is said until what the caller wants.

    Args:
        what: the row's title.
        before: seconds in version 0.1.0, French and English, measured with the same script; None: it was not to be had.
        does: the caller's script.
        rings: the number called.
        boxes: the mailboxes.
        measured: the seconds, by what was heard.
    """

    what: str
    before: tuple[float, float] | None
    does: str
    measured: Callable[[Sequence[Heard]], float]
    rings: str = "*97"
    boxes: tuple[Box, ...] = _ONE


def _to_body(sounds: Sequence[Heard]) -> float:
    return _said(sounds[: _body(sounds)])


def _to_beep(sounds: Sequence[Heard]) -> float:
    return _said(sounds[: [sound.name for sound in sounds].index("beep")])


def _to_delete(sounds: Sequence[Heard]) -> float:
    names = [sound.name for sound in sounds]
    bodies = [place for place, name in enumerate(names) if name.startswith("<")]
    start = bodies[-1] + 1
    return _said(sounds[start : names.index("vm-delete", start)])


def _body(sounds: Sequence[Heard]) -> int:
    return next(place for place, sound in enumerate(sounds) if sound.name.startswith("<"))


def _said(sounds: Sequence[Heard]) -> float:
    return sum(sound.played for sound in sounds)


WAITS = (
    Wait("`*97` until the first message's own sound", (20.8, 25.6), f"{_LISTEN} w:vm-helpexit hang", _to_body),
    Wait(
        "the same with `autoplay`",
        None,
        "w:vm-password q:0 d:4821# w:vm-helpexit hang",
        _to_body,
        boxes=(Box(messages=(Msg(_CALLER),), options={"autoplay": "yes"}),),
    ),
    Wait("a caller until the tone", (12.8, 12.8), "w:beep hang", _to_beep, rings="1001"),
    Wait('after the only message until "delete"', (5.7, 5.4), f"{_LISTEN} w:vm-helpexit hang", _to_delete),
    Wait(
        'after the second of three messages until "delete"',
        (11.5, 11.1),
        f"{_LISTEN} w:vm-helpexit d:6 w:vm-helpexit hang",
        _to_delete,
        boxes=_THREE,
    ),
)


def seconds_of(wait: Wait, language: str, pack: SpokenPrompts) -> float:
    """How long it takes with a pack of prompts."""
    call = PhoneCall(
        "wait",
        wait.what,
        wait.rings,
        wait.does,
        "",
        boxes=wait.boxes,
        caller="1001" if wait.rings == "*97" else _CALLER,
        variables={"vm_language": language},
    )
    with tempfile.TemporaryDirectory() as folder:
        rig = NodeRig(Path(folder), language=language)
        rig.pack = pack
        try:
            furnish(call, rig, Path(folder) / "before")
            rig.ring(call_of(call), call.does)
            if rig.problems:
                raise RuntimeError(f"{wait.what}: {rig.problems}\n{rig.transcript}")
            return wait.measured(rig.line.sounds)
        finally:
            rig.close()
