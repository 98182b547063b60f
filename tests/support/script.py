"""What a caller does, written down: `w:vm-password d:1234# w:vm-opts q:2 d:# end:15`.

| word         | what the caller does                                                                     |
|--------------|------------------------------------------------------------------------------------------|
| `w:NAME@SEC` | waits until the prompt NAME starts, at most SEC (60) seconds; `*` stands for any rest    |
| `d:KEYS`     | dials keys, one every 220 ms; each counts when it is released, after 100 ms              |
| `s:SEC`      | lets SEC seconds pass                                                                    |
| `q:SEC`      | waits until the prompts are over and nothing was heard for SEC seconds (at least 0.06)    |
| `q:0`        | waits until the prompt that plays now is over, whether or not another follows               |
| `talk`, `quiet` | begins and stops talking                                                              |
| `hang`       | hangs up                                                                                 |
| `end:SEC`    | waits, at most SEC seconds, until the service ends the call                              |
| `sh:WORDS`   | has something done outside the call by the hook given; blanks are written `_`            |
| `note:WORDS` | nothing: a remark                                                                        |

A name in `<…>` is a sound of a mailbox: `w:<default*` and any other such word wait for whichever comes. `w:` looks at what started since the step before began, or since the last `w:` of
these; so nothing is missed that starts while keys are dialled. A script that ends without `hang` or `end` hangs up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from esl_vm.model.call import ALL_KEYS
from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.sim.line import Line
    from esl_vm.sim.schedule import Schedule, Timer

REACTION_S = 0.16
"""From the start of a prompt until the caller acts on it."""
_PATIENCE_S = 60.0
_SETTLED_S = 0.06
"""A gap between prompts is shorter: what lasts longer is the end of what was to be said."""
_BARE = {"talk", "quiet", "hang", "sh", "note"}


@dataclass(frozen=True, slots=True)
class Step:
    """One word of a script: what, about what, and how many seconds."""

    word: str
    what: str
    text: str = ""
    seconds: float = 0.0


def parse_script(text: str) -> list[Step]:
    """Read a script; raises InvalidValueError naming the word that is none."""
    return [_parse(word) for word in text.split()]


def _parse(word: str) -> Step:
    what, colon, rest = word.partition(":")
    if what in _BARE and (not colon or what in {"sh", "note"}):
        return Step(word, what, rest)
    try:
        if what == "w" and rest:
            name, _, seconds = rest.partition("@")
            return Step(word, "w", name, float(seconds) if seconds else _PATIENCE_S)
        if what == "d" and rest and set(rest) <= set(ALL_KEYS):
            return Step(word, "d", rest)
        if what in {"s", "q", "end"}:
            return Step(word, what, "", float(rest))
    except ValueError:
        pass
    raise InvalidValueError(f"no such step in a caller's script: {word!r}")


class Caller:
    """Someone on a line who follows a script.

    Args:
        line: the caller's line. schedule: the one the line runs on.
        script: the words above; raises InvalidValueError if there is one that is none.
        shell: what `sh:` has done; such a step is passed over without it.

    Attributes:
        problems: what did not come as the script expected it, one sentence each; the script goes on all the same.
        done: whether the script is over.
    """

    def __init__(self, line: Line, schedule: Schedule, script: str, shell: Callable[[str], None] | None = None) -> None:
        self.problems: list[str] = []
        self._line = line
        self._schedule = schedule
        self._steps = parse_script(script)
        self._shell = shell
        self._at = 0
        self._since = 0
        self._sounding = 0
        self._entered: float | None = None
        self._until = 0.0
        self._timer: Timer | None = None
        self._busy = False

    @property
    def done(self) -> bool:
        """Whether the script is over."""
        return self._at >= len(self._steps)

    def start(self) -> None:
        """Begin to follow the script, from now on."""
        self._line.on_change.append(self._look)
        self._timer = self._schedule.call_later(0, self._look)

    def _look(self) -> None:
        """Do whatever can be done now; called whenever something happens on the line, and when a wait is over."""
        if self._busy:
            return
        self._busy = True
        try:
            self._schedule.cancel(self._timer)
            self._timer = None
            wake = self._go_on()
            if wake is not None and wake < math.inf:
                self._timer = self._schedule.call_at(wake, self._look)
        finally:
            self._busy = False

    def _go_on(self) -> float | None:
        """Take steps until one must wait; returns until when, at most (None: the script is over)."""
        while not self.done:
            step = self._steps[self._at]
            if self._line.ended:
                self._over(step)
                return None
            wake = self._try(step)
            if wake is not None:
                return wake
            self._at += 1
            self._entered = None
        if not self._line.ended:
            self._line.hang_up()
        return None

    def _over(self, step: Step) -> None:
        """The call is over before the script is."""
        dialled = step.what == "d" and self._entered is not None
        left = [one.word for one in self._steps[self._at + dialled :] if one.what in {"w", "d"}]
        if left:
            self.problems.append(f"the call ended before {left[0]}")
        self._at = len(self._steps)

    def _try(self, step: Step) -> float | None:
        """Take a step: None when it is taken, else the moment at which to look again."""
        now = self._schedule.now()
        entering = self._entered is None
        if entering:
            self._entered = now
            self._sounding = 0
        entered = self._entered or 0.0
        match step.what:
            case "w":
                return self._hear(step, now, entered)
            case "d":
                if entering:
                    self._since = len(self._line.sounds)
                    self._until = self._line.press(step.text)
                return self._until if now < self._until else None
            case "s":
                return entered + step.seconds if now < entered + step.seconds else None
            case "q":
                return self._be_quiet(step, now)
            case "talk":
                self._line.talk()
            case "quiet":
                self._line.quiet()
            case "hang":
                self._line.hang_up()
            case "end":
                if now < entered + step.seconds:
                    return entered + step.seconds
                self.problems.append(f"the service did not end the call within {step.seconds:g} s")
                self._line.hang_up()
            case "sh":
                if self._shell:
                    self._shell(step.text.replace("_", " "))
            case _:
                pass
        return None

    def _hear(self, step: Step, now: float, entered: float) -> float | None:
        for index in range(self._since, len(self._line.sounds)):
            sound = self._line.sounds[index]
            if self._matches(step.text, sound.name):
                acts = max(sound.at, entered) + REACTION_S
                if now < acts:
                    return acts
                self._since = index + 1
                return None
        if now < entered + step.seconds:
            return entered + step.seconds
        self.problems.append(f"{step.text} was not heard within {step.seconds:g} s")
        return None

    def _matches(self, pattern: str, name: str) -> bool:
        if pattern.startswith("<"):
            return name.startswith("<")
        return fnmatchcase(name, pattern.replace("[", "[[]"))

    def _be_quiet(self, step: Step, now: float) -> float | None:
        since = self._line.quiet_since
        if since is None:
            last = len(self._line.sounds)
            self._sounding = self._sounding or last
            return math.inf if step.seconds or last == self._sounding else None  # its end is told
        over = since + max(step.seconds, _SETTLED_S)
        return over if now < over else None
