"""A caller's words being recorded to a WAV file: 8 kHz, mono, 16 bit."""

from __future__ import annotations

import contextlib
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.sim.playback import Stopped
from esl_vm.sim.prompts import TELEPHONE_RATE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from esl_vm.sim.line import Line
    from esl_vm.sim.schedule import Timer

_HEADER = 44  # bytes of a file without a sample
_FLUSH_S = 1.0
"""How often what was said is written to the file: what a crash finds of it."""


@dataclass(frozen=True, slots=True)
class RecordEnd:
    """How a recording ended.

    Args:
        reason: what ended it. key: the key that did, `` otherwise.
        samples: what the file holds, at 8000 a second. size: the file in bytes.
    """

    reason: Stopped
    key: str
    samples: int
    size: int

    @property
    def milliseconds(self) -> int:
        """Its length."""
        return self.samples * 1000 // TELEPHONE_RATE


class Recording:
    """A recording that runs; made by `Line.start_record`. An application nested in it leaves a gap in it.

    Attributes:
        terminators: the keys that end it.
        path: the file.
    """

    def __init__(
        self,
        line: Line,
        path: Path,
        *,
        limit_s: float,
        threshold: int,
        silence_s: float,
        terminators: frozenset[str],
        on_done: Callable[[RecordEnd], None],
    ) -> None:
        self.terminators = terminators
        self.path = path
        self._line = line
        self._limit_s = limit_s
        self._threshold = threshold
        self._silence_s = silence_s
        self._on_done = on_done
        self._raw = path.open("wb")
        self._file = wave.open(self._raw, "wb")  # noqa: SIM115 - closed when the recording ends
        self._file.setparams((1, 2, TELEPHONE_RATE, 0, "NONE", "not compressed"))
        self._file.writeframes(b"")
        self._started = 0.0
        self._written = 0
        self._before = 0
        self._timers: list[Timer] = []
        self._over = False
        self._refused = False  # whether the disk took no more

    @property
    def seconds(self) -> float:
        """How much was recorded so far."""
        running = self._line.schedule.now() - self._started if self._timers else 0.0
        return self._before / TELEPHONE_RATE + running

    def begin(self) -> None:
        """Start recording."""
        self.resume()

    def resume(self) -> None:
        """Start, or go on after an application that interrupted this one."""
        schedule = self._line.schedule
        self._started = schedule.now()
        self._written = 0
        self._timers = [schedule.call_later(_FLUSH_S, self._flush)]
        if self._limit_s:
            left = self._limit_s - self._before / TELEPHONE_RATE
            self._timers.append(schedule.call_later(left, lambda: self.end(Stopped.LIMIT)))
        if self._silence_s:
            self._timers.append(schedule.call_later(self._silence_s, self._listen_for_silence))

    def suspend(self) -> None:
        """Another application interrupts this one: what is said meanwhile is not recorded."""
        self._write(last=True)
        self._before += self._written
        self._drop_timers()

    def _flush(self) -> None:
        if not self._write():  # a disk that takes no more: FreeSWITCH ends the recording
            self.end(Stopped.LIMIT)
            return
        self._timers[0] = self._line.schedule.call_later(_FLUSH_S, self._flush)

    def _listen_for_silence(self) -> None:
        now = self._line.schedule.now()
        loud = self._line.voice.last_loud(now, self._threshold)
        left = max(self._started, loud or 0.0) + self._silence_s - now
        if left > 1e-6:
            self._timers.append(self._line.schedule.call_later(left, self._listen_for_silence))
        else:
            self.end(Stopped.SILENCE)

    def _write(self, *, last: bool = False) -> bool:
        """Write what was said since the last time; whether the disk took it."""
        upto = round((self._line.schedule.now() - self._started) * TELEPHONE_RATE)
        if upto > self._written:
            samples = self._line.voice.samples(self._started, self._written, upto)
            if last:  # a microphone is late with the last of it
                samples.extend([0] * (upto - self._written - len(samples)))
            self._written += len(samples)
            try:
                self._file.writeframes(samples.tobytes())
                self._raw.flush()
            except OSError:
                self._refused = True
                self._written = max(0, (self.path.stat().st_size - _HEADER) // 2 - self._before)
                return False
        return True

    def _drop_timers(self) -> None:
        for timer in self._timers:
            self._line.schedule.cancel(timer)
        self._timers = []

    def end(self, reason: Stopped, key: str = "") -> None:
        """End it, by a key that was pressed or otherwise."""
        if self._over:
            return
        self._over = True
        if self._timers and not self._refused:
            self._write(last=True)
        self._drop_timers()
        for file in (self._file, self._raw):
            with contextlib.suppress(OSError):
                file.close()
        samples = self._before + self._written
        self._line.recorded(samples * 1000 // TELEPHONE_RATE)
        self._line.over(self)
        self._on_done(RecordEnd(reason, key, samples, self.path.stat().st_size if self.path.exists() else 0))
