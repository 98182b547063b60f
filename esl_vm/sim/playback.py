"""Sounds being played on a line, one after the other, with their position in samples."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from esl_vm.sim.line import Heard, Line
    from esl_vm.sim.prompts import Playable
    from esl_vm.sim.schedule import Timer


class Stopped(Enum):
    """What ended a playback or a recording."""

    DONE = "played to its end"
    MISSING = "nothing of it is there"
    KEY = "a key"
    BREAK = "stopped by the one who answered"
    SILENCE = "silence"
    LIMIT = "the time limit"
    HANG_UP = "the call is over"


@dataclass(frozen=True, slots=True)
class PlayEnd:
    """How a playback ended.

    Args:
        reason: what ended it. key: the key that did, `` otherwise.
        position: the sample of the last file at which it ended, in that file's own rate.
        rate: that rate. seconds: how long sound was sent, pauses left out.
    """

    reason: Stopped
    key: str = ""
    position: int = 0
    rate: int = 8000
    seconds: float = 0.0


class Playback:
    """Sounds being played; made by `Line.start_play`.

    Attributes:
        terminators: the keys that end it.
        names: what it plays, by the prompts' names.
    """

    def __init__(
        self,
        line: Line,
        playables: Sequence[Playable],
        terminators: frozenset[str],
        on_done: Callable[[PlayEnd], None],
    ) -> None:
        self.terminators = terminators
        self.names = frozenset(playable.name for playable in playables)
        self._line = line
        self._left = list(playables)
        self._on_done = on_done
        self._now: Playable | None = None
        self._heard: Heard | None = None
        self._began = 0.0
        self._position = 0
        self._seconds = 0.0
        self._timer: Timer | None = None
        self._over = False

    @property
    def position(self) -> int:
        """The sample of the file that plays, in the file's own rate."""
        if self._now is None:
            return 0
        return min(self._position + round(self._run_for() * self._now.rate), self._length)

    def begin(self) -> None:
        """Play the first one; a playback of nothing ends at once, but not before this returns."""
        if self._left:
            self._next()
        else:
            self._timer = self._line.schedule.call_later(0, lambda: self.end(Stopped.MISSING))

    def skip(self) -> None:
        """End the sound that plays; the next one begins, if there is one."""
        if self._left:
            self.suspend(for_good=True)
            self._next()
        else:
            self.end(Stopped.BREAK)

    @property
    def _length(self) -> int:
        return round(self._now.seconds * self._now.rate) if self._now else 0

    def _run_for(self) -> float:
        return self._line.schedule.now() - self._began if self._timer else 0.0

    def _next(self) -> None:
        if not self._left:
            self.end(Stopped.DONE)
            return
        self._now = self._left.pop(0)
        self._position = min(self._now.start, self._length)
        self._began = self._line.schedule.now()
        self._timer = self._line.schedule.call_later(self._left_of_it(), self._ended)
        self._heard = self._line.started(self._now)

    def _left_of_it(self) -> float:
        return (self._length - self._position) / self._now.rate if self._now else 0.0

    def _ended(self) -> None:
        self.suspend()
        self._next()

    def resume(self) -> None:
        """The application that interrupted this one is over."""
        if self._heard is None or self._over:
            return
        self._began = self._line.schedule.now()
        self._timer = self._line.schedule.call_later(self._left_of_it(), self._ended)
        self._line.sounding(self._heard)

    def suspend(self, *, for_good: bool = False) -> None:
        """Another application interrupts this one: stop the sound where it is, keeping the position."""
        if for_good and self._heard is not None and self.position < self._length:
            self._heard.cut = True
        if self._heard is None or self._timer is None:
            return
        ran, self._position = self._run_for(), self.position
        self._line.schedule.cancel(self._timer)
        self._timer = None
        self._heard.played += ran
        self._seconds += ran
        self._line.silent(self._heard)

    def end(self, reason: Stopped, key: str = "") -> None:
        """End it, by a key that was pressed or otherwise."""
        if self._over:
            return
        self._over = True
        self.suspend(for_good=True)
        self._line.schedule.cancel(self._timer)
        self._line.over(self)
        rate = self._now.rate if self._now else 8000
        self._on_done(PlayEnd(reason, key, self._position, rate, self._seconds))
