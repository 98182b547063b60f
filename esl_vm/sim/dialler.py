"""A caller who dials words without listening: what `esl-vm phone --keys` does.

The next word is dialled, at full speed, as soon as after the previous one the service starts a prompt, or has been
silent for longer than it waits between digits. The tone before a recording is no prompt. In a recording the caller
speaks first, then a word is dialled, and another if that did not end it. When all words are dialled the caller listens until nothing more comes, and hangs up.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from esl_vm.model.call import ALL_KEYS
from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esl_vm.sim.line import Line
    from esl_vm.sim.recording import Recording
    from esl_vm.sim.schedule import Schedule, Timer

WAITS_S = 2.5
"""So long a silence is a wait: mailboxes and PINs are taken after 2 s without a digit."""
PATIENCE_S = 30.0
"""So long a caller waits for the first sound of a service."""
TONE_S = 2.0
"""How long a caller without a voice speaks: a tone."""
_TONES = {"beep", "<beep>", "<tone>", "<beeperr>"}


def words_of_keys(text: str) -> list[str]:
    """The words of `--keys`; raises InvalidValueError for what no telephone can dial."""
    words = text.split()
    for word in words:
        if not set(word) <= set(ALL_KEYS):
            raise InvalidValueError(f"not keys of a telephone: {word!r}")
    return words


class Dialler:
    """Dials words on a line.

    Args:
        line: the caller's line. schedule: the one it runs on.
        words: what to dial, one after the other.
    """

    def __init__(self, line: Line, schedule: Schedule, words: Iterable[str]) -> None:
        self._line = line
        self._schedule = schedule
        self._words = deque(words)
        self._since = 0
        self._dialling = 0  # keys of the word that are still to be released
        self._speaking: Recording | None = None
        self._may_dial_at: float | None = None  # in a recording: after the voice
        self._silent_from = schedule.now()
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin."""
        self._line.on_key.append(self._released)
        self._line.on_change.append(self._look)
        self._look()

    def _look(self) -> None:
        self._schedule.cancel(self._timer)
        self._timer = None
        if self._line.ended or self._dialling:
            return
        if (recording := self._line.recording) is not None:
            if recording is not self._speaking:
                self._speak(recording)
            elif self._may_dial_at is not None:
                self._next_at(self._may_dial_at)
        elif self._words and self._prompted:
            self._next()
        elif (quiet_since := self._line.quiet_since) is not None:
            patience = WAITS_S if self._line.sounds else PATIENCE_S
            self._next_at(max(quiet_since, self._silent_from) + patience)

    @property
    def _prompted(self) -> bool:
        """Whether a prompt has started since the last word."""
        return any(sound.name and sound.name not in _TONES for sound in self._line.sounds[self._since :])

    def _next_at(self, at: float) -> None:
        if self._schedule.now() >= at:
            self._next()
        else:
            self._timer = self._schedule.call_at(at, self._look)

    def _next(self) -> None:
        """Dial the next word; without one hang up."""
        if not self._words:
            self._line.hang_up()
            return
        word = self._words.popleft()
        self._dialling = len(word)
        self._line.press(word)

    def _released(self, _key: str) -> None:
        if not self._dialling:
            return
        self._dialling -= 1
        if not self._dialling:  # what starts from here on is the answer to the word
            self._since = len(self._line.sounds)
            self._silent_from = self._schedule.now()
            if self._may_dial_at is not None:
                self._may_dial_at = self._silent_from + WAITS_S

    def _speak(self, recording: Recording) -> None:
        self._speaking = recording
        self._may_dial_at = None
        self._line.talk()
        self._schedule.call_later(self._line.voice.seconds or TONE_S, lambda: self._said(recording))

    def _said(self, recording: Recording) -> None:
        if self._line.recording is recording:
            self._line.quiet()
            self._may_dial_at = self._schedule.now()
            self._look()
