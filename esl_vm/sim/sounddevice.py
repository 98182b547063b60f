"""The computer's loudspeaker and microphone, through the programs that are there: sox, or ALSA's aplay and arecord."""

from __future__ import annotations

import shutil
import subprocess
from array import array
from pathlib import PurePath
from typing import TYPE_CHECKING

from esl_vm.sim.prompts import TELEPHONE_RATE
from esl_vm.sim.voice import FRAME, CallerVoice, samples_of

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.sim.realtime import RealTime

_READ_SIZE = 65_536
_BROKEN_WITHIN_S = 0.3
"""A player that fails so soon has no device to play on."""


class Loudspeaker:
    """Plays one file at a time; silent where no program or no device is there."""

    def __init__(self) -> None:
        self._sox = shutil.which("play")
        self._alsa = shutil.which("aplay")
        self._running: subprocess.Popen[bytes] | None = None
        self._since = 0.0
        self._deaf = not (self._sox or self._alsa)

    @property
    def playing(self) -> bool:
        """Whether a program plays."""
        return self._running is not None and self._running.poll() is None

    def play(self, path: Path, start_s: float, now: float) -> None:
        """Play a file from a position, instead of what plays."""
        self.stop(now)
        if self._deaf or not path.is_file():
            return
        if self._sox:
            command = [self._sox, "-q", str(path), "trim", f"{start_s:.3f}"]
        elif start_s or not self._alsa:
            return
        else:
            command = [self._alsa, "-q", str(path)]
        self._since = now
        self._running = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self, now: float) -> None:
        """Play nothing."""
        running, self._running = self._running, None
        if running is None:
            return
        if running.poll() is None:
            running.kill()
            running.wait()
        elif running.returncode and now - self._since < _BROKEN_WITHIN_S:
            self._deaf = True


def microphone_command() -> list[str] | None:
    """The program that gives the microphone as raw samples, None where there is none."""
    if arecord := shutil.which("arecord"):
        return [arecord, "-q", "-t", "raw", "-f", "S16_LE", "-r", str(TELEPHONE_RATE), "-c", "1"]
    if sox := shutil.which("rec"):
        form = ["-t", "raw", "-e", "signed-integer", "-b", "16", "-L", "-r", str(TELEPHONE_RATE), "-c", "1"]
        return [sox, "-q", *form, "-"]
    return None


class Microphone:
    """A caller's voice from the microphone (as voice.CallerVoice, for a line): taken while the caller talks.

    Args:
        loop: what waits for the sound. command: the program that gives it, raw, 8000 samples a second, 16 bit, mono.

    Attributes:
        talking: whether it is taken now.
        level: how loud the last of it was, 0 to 32767.
        failed: the program gave nothing; what is recorded is silence.
        program: its name.
    """

    seconds: float | None = None

    def __init__(self, loop: RealTime, command: list[str]) -> None:
        self.talking = False
        self.level = 0
        self.failed = False
        self.program = PurePath(command[0]).name
        self._loud_once = False
        self._loop = loop
        self._command = command
        self._program: subprocess.Popen[bytes] | None = None
        self._taken = array("h")
        self._odd = b""
        self._loud: list[tuple[float, int]] = []

    @property
    def is_dead(self) -> bool:
        """Whether it gave nothing so far, or a second and more of digital silence, as where no device is there."""
        return self.failed or (len(self._taken) >= TELEPHONE_RATE and not self._loud_once)

    def talk(self, at: float) -> None:
        """Begin to take what is said."""
        del at
        if self.talking:
            return
        self.talking = True
        self._taken = array("h")
        self._program = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        if self._program.stdout is not None:
            self._loop.watch(self._program.stdout, self._hear)

    def quiet(self, at: float) -> None:
        """Take no more."""
        del at
        self.talking = False
        self._stop()

    def samples(self, start: float, first: int, last: int) -> array[int]:
        """What was said of samples `first` to `last`, as far as it has come: what is recorded follows it."""
        del start
        return self._taken[first:last]

    def last_loud(self, now: float, threshold: int) -> float | None:
        """Until when, before now, it was last louder than a threshold."""
        del now
        return next((at for at, level in reversed(self._loud) if level >= threshold), None)

    def _stop(self) -> None:
        program, self._program = self._program, None
        if program is not None and program.stdout is not None:
            self._loop.forget(program.stdout)
            program.stdout.close()
            program.kill()
            program.wait()

    def _hear(self) -> None:
        program = self._program
        if program is None or program.stdout is None:
            return
        data = self._odd + program.stdout.read1(_READ_SIZE)  # type: ignore[attr-defined] # a buffered pipe
        if len(data) < 2:
            self.failed = not self._taken
            self._stop()
            return
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        samples = samples_of(data[:whole])
        self._taken += samples
        for at in range(0, len(samples), FRAME):
            frame = samples[at : at + FRAME]
            self.level = sum(map(abs, frame)) // len(frame)
            self._loud_once = self._loud_once or any(frame)
            self._loud.append((self._loop.now(), self.level))
        del self._loud[:-500]


Speaker = CallerVoice | Microphone
"""Whoever speaks on a line."""
