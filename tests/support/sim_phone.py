"""A telephone for dialogues alone: ports.Phone on a simulated line, in virtual time, with no gevent and no FreeSWITCH.

clock = VirtualClock()
phone = SimPhone(Line(clock), clock, call=Call(destination="*97"))
Caller(phone.line, clock, "w:vm-password d:1234# w:vm-opts d:# end:15").start()
check_own_mailbox(phone, ...)      # an ordinary function call; minutes pass in no time
assert phone.line.heard == ["vm-password", ..., "vm-goodbye"]
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from esl_vm.model.call import Call, Ended, Listened, Recorded
from esl_vm.model.errors import CallerGoneError
from esl_vm.sim.line import Happening
from esl_vm.sim.playback import PlayEnd, Stopped
from esl_vm.sim.prompts import measure
from esl_vm.speech.packs import NominalPack
from esl_vm.speech.utterance import Pause, Prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from support.virtual_clock import VirtualClock

    from esl_vm.esl.sounds import SpokenPrompts
    from esl_vm.sim.line import Line
    from esl_vm.sim.recording import RecordEnd
    from esl_vm.speech.utterance import Sound, Utterance

_ENDED = {Stopped.KEY: Ended.KEY, Stopped.SILENCE: Ended.SILENCE, Stopped.LIMIT: Ended.LIMIT}


class SimPhone:
    """The line of a simulated caller, as a dialogue sees it (ports.Phone).

    Each method lets virtual time pass until what it waits for has happened. It raises CallerGoneError when the caller
    has hung up, also after `transfer`, and StuckError where a real caller would wait for ever.

    Args:
        line: the caller's line; a script (`Caller`) or a test presses its keys.
        clock: the clock the line runs on.
        pack: which files speak a prompt; nominal ones unless given.
        call: what is known of the call.

    Attributes:
        answered: whether the call was answered.
        variables: the channel variables set by the dialogue.
        transferred: where the caller was sent: (extension, context); None if nowhere.
    """

    def __init__(
        self, line: Line, clock: VirtualClock, pack: SpokenPrompts | None = None, call: Call | None = None
    ) -> None:
        self.line = line
        self.clock = clock
        self.answered = bool(call and call.answered)
        self.variables: dict[str, str] = {}
        self.transferred: tuple[str, str] | None = None
        self._pack = pack or NominalPack()
        self._call = call or Call()
        self._keys: deque[str] = deque()
        line.on_key.append(self._keys.append)

    @property
    def call(self) -> Call:
        """What is known of the call."""
        return self._call

    def answer(self) -> None:
        """Answer the call; nothing happens if it is answered."""
        self._check()
        self.answered = True

    def play(self, utterance: Utterance, keys: str) -> str | None:
        """Play until its end or one of `keys`; see ports.Phone."""
        self._check()
        if (key := self._take(keys)) is not None:
            return key
        members = [member for part in utterance for member in self._members(part)]
        if members:
            self._play(members, keys)
        return self._take(keys)

    def unread(self, key: str) -> None:
        """Put a key back at the head of the queue."""
        self._keys.appendleft(key)

    def wait_key(self, milliseconds: int, keys: str) -> str | None:
        """Wait for one of `keys` in silence; see ports.Phone."""
        self._check()
        over: list[bool] = []
        end = self.clock.call_later(milliseconds / 1000, lambda: over.append(True))
        try:
            while True:
                if (key := self._take(keys)) is not None:
                    return key
                if over:
                    return None
                self.clock.run_until(lambda: bool(over or self._keys or self.line.ended))
                self._check()
        finally:
            self.clock.cancel(end)

    def listen(self, sound: Sound, start_ms: int, keys: str) -> Listened:
        """Play a sound from a position, and tell where it ended; see ports.Phone."""
        self._check()
        if (key := self._take(keys)) is not None:
            return Listened(key, start_ms)
        measured = measure(sound.path)
        rate = measured[1] if measured else 8000
        end = self._play([f"{sound.path}@@{start_ms * rate // 1000}" if start_ms else sound.path], keys)
        position_ms = start_ms if end.reason is Stopped.MISSING else end.position * 1000 // end.rate
        failed = end.reason is Stopped.MISSING or (measured is not None and not measured[0])
        return Listened(self._take(keys), position_ms, failed=failed)

    def can_record(self, path: Path) -> bool:
        """Whether the folder of a recording is there."""
        return path.parent.is_dir()

    def record(
        self,
        path: Path,
        *,
        max_s: int,
        silence_s: int,
        threshold: int,
        keys: str,
        then: Mapping[str, str] | None = None,
        then_ms: int = 0,
        following: Callable[[], Path] | None = None,
    ) -> Recorded:
        """Record to a file; see ports.Phone."""
        self._check()
        self._keys.clear()
        ends: list[RecordEnd] = []
        try:
            self.line.start_record(
                path,
                limit_s=max_s,
                threshold=threshold,
                silence_s=silence_s,
                terminators=keys,
                on_done=ends.append,
            )
        except OSError as error:
            self.line.end()  # as FreeSWITCH hangs up a call that can't be recorded
            raise CallerGoneError from error
        later = self.clock.call_later(then_ms / 1000, lambda: self.variables.update(then or {}))
        try:
            self.clock.run_until(lambda: bool(ends))
        finally:
            self.clock.cancel(later)
        self._check()
        self._keys.clear()
        [end] = ends
        return Recorded(end.milliseconds, _ENDED[end.reason], end.key)

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set channel variables."""
        self._check()
        self.variables.update(variables)

    def transfer(self, extension: str, context: str = "") -> None:
        """Send the caller on; the conversation is over."""
        self._check()
        self.transferred = (extension, context)
        self.line.end()

    def hang_up(self) -> None:
        """End the call from the service's side, as the dialplan's end would; nothing happens if it is over."""
        self.line.end()

    def _check(self) -> None:
        if self.line.ended is Happening.HANG_UP:
            raise CallerGoneError("the caller hung up")
        if self.line.ended:
            raise CallerGoneError("the call was sent on or ended")

    def _take(self, keys: str) -> str | None:
        """The first of the queue that is wanted; those before it are dropped. With none wanted all stay."""
        while keys and self._keys:
            key = self._keys.popleft()
            if key in keys:
                return key
        return None

    def _members(self, part: Prompt | Sound | Pause) -> tuple[str, ...]:
        if isinstance(part, Prompt):
            return self._pack.files(part)
        if isinstance(part, Pause):
            return (f"silence_stream://{part.ms}",)
        return (part.path,)

    def _play(self, members: list[str], keys: str) -> PlayEnd:
        ends: list[PlayEnd] = []
        self.line.start_play(members, keys, ends.append)
        self.clock.run_until(lambda: bool(ends))
        self._check()
        return ends[0]
