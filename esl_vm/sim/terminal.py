"""The telephone in a terminal: a simulated node with one caller, rung at a service over TCP, in real time.

Each prompt's words appear as they are spoken; keys come from the keyboard or from a list of words; recordings take a
sound file, the microphone, or a tone.
"""

from __future__ import annotations

import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from esl_vm.model.call import ALL_KEYS, Cause, Status
from esl_vm.model.errors import InvalidValueError
from esl_vm.sim.dialler import TONE_S, Dialler, words_of_keys
from esl_vm.sim.heard import Happening, Heard, Mark
from esl_vm.sim.keyboard import keyboard
from esl_vm.sim.node import Incoming, SimNode
from esl_vm.sim.orders import Holder
from esl_vm.sim.realtime import RealTime
from esl_vm.sim.screen import Screen
from esl_vm.sim.sounddevice import Loudspeaker, Microphone, microphone_command
from esl_vm.sim.tcp import call_over_tcp
from esl_vm.sim.voice import CallerVoice, load_voice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from esl_vm.sim.eventsocket import EventSocket
    from esl_vm.sim.playback import Playback
    from esl_vm.sim.recording import Recording
    from esl_vm.sim.sounddevice import Speaker
    from esl_vm.sim.tcp import TcpTransport

_NUMBER = re.compile(r"[0-9A-Za-z*#+_.@-]{1,64}")
_REFRESH_S = 0.1
_LET_GO_S = 3.0
"""How long a service may take to close after the call is over."""
_ASKS_PIN = {"vm-password", "vm-newpassword", "vm-reenterpassword", "vm-incorrect"}
_ASKS_NOTHING = {"vm-goodbye", "please-try-call-later"}
_WHY = {
    Cause.UNKNOWN: "there is no such mailbox: `esl-vm mailbox list` shows those there are, `mailbox add` makes one",
    Cause.PIN: "the PIN was wrong, or is locked: `esl-vm mailbox unlock`, `esl-vm mailbox pin`",
    Cause.SILENT: "nothing was dialled or said when it was asked for",
    Cause.FULL: "the mailbox is full: `esl-vm mailbox show`",
    Cause.TOO_SHORT: "what was recorded was too short",
    Cause.DOMAIN: "it does not say which domain's mailbox: --variable domain_name=DOMAIN",
    Cause.AWAY: "Redis or the spool can't be used: `esl-vm doctor`",
    Cause.REFUSED: "the service takes no more calls, or none from here (service.max_calls, service.allow)",
}


def run_phone(
    number: str,
    *,
    words: Callable[[Sequence[str], str], str],
    service: tuple[str, int] = ("127.0.0.1", 8084),
    caller: str = "1001",
    name: str = "",
    keys: str | None = None,
    voice: Path | None = None,
    variables: Mapping[str, str] | None = None,
    mute: bool = False,
    colours: bool = True,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
) -> int:
    """Ring a number at a service, and be its caller until the call is over.

    Args:
        number: what is dialled: `*97`, a mailbox's number.
        words: what prompts say, as a sentence in a language; for the screen.
        service: where the service listens.
        caller: the number that calls.
        name: the name it shows; the number unless given.
        keys: words to dial (see dialler.py); None: from the keyboard, where `stdin` is a terminal.
        voice: a sound file that is said in recordings.
        variables: channel variables, as the dialplan would set them.
        mute: play nothing on the computer's loudspeaker.
        colours: whether a terminal may be shown colours.
        stdin: the keyboard; the process's own unless given.
        stdout: the screen; the process's own unless given.

    Returns:
        0 if the call ended normally, by either side; 1 if no service took it, it broke, or what it was for failed.

    Raises:
        InvalidValueError: the number, the keys or the voice are not such.
    """
    if not _NUMBER.fullmatch(number):
        raise InvalidValueError(f"not a number to dial: {number!r}")
    screen = Screen(stdout or sys.stdout, words, colours=colours)
    typed = stdin or sys.stdin
    by_hand = keys is None and typed.isatty()
    dialled = None if keys is None else words_of_keys(keys)
    incoming = Incoming(number, caller, name or caller, dict(variables or {}))
    with RealTime() as loop:
        speaker = _speaker(loop, voice, by_hand=by_hand)
        node = SimNode(loop, service=f"{service[0]}:{service[1]}")
        try:
            call, socket, transport = call_over_tcp(loop, node, [service], incoming, speaker)
        except OSError as error:
            screen.line(screen.signs.phone, f"no service answers on {service[0]}:{service[1]}: {error}", alarm=True)
            return 1
        phone = _Phone(loop, socket, transport, screen, None if mute or not by_hand else Loudspeaker())
        screen.line(screen.signs.phone, f"{caller} calls {number} at {service[0]}:{service[1]}", dim=True)
        if by_hand:
            screen.line(" ", "keys 0-9 * #; Ctrl-C hangs up", dim=True)
            if voice is None and isinstance(speaker, CallerVoice):
                said = f"no program for the microphone (arecord, or sox): {TONE_S:.0f} s of tone are recorded"
                screen.line(" ", f"{said}; --voice FILE.wav says something else", dim=True)
        elif dialled is None:
            screen.line(" ", "no terminal is here to dial from: --keys gives what is to be dialled", dim=True)
        if dialled is not None:
            Dialler(call.line, loop, dialled).start()
        with keyboard(loop, typed if by_hand else None, phone.typed):
            return phone.hold()


def _speaker(loop: RealTime, voice: Path | None, *, by_hand: bool) -> Speaker:
    if voice is not None:
        try:
            return CallerVoice(load_voice(voice))
        except (OSError, ValueError) as error:
            raise InvalidValueError(f"no voice in {voice}: {error}") from error
    command = microphone_command() if by_hand else None
    return Microphone(loop, command) if command else CallerVoice()


class _Phone:
    """The caller's side of the one call: what is shown, and what the keyboard does."""

    def __init__(
        self,
        loop: RealTime,
        socket: EventSocket,
        transport: TcpTransport,
        screen: Screen,
        loudspeaker: Loudspeaker | None,
    ) -> None:
        self._loop = loop
        self._socket = socket
        self._call = socket.call
        self._line = socket.call.line
        self._transport = transport
        self._screen = screen
        self._loudspeaker = loudspeaker
        self._seen = 0
        self._saying: list[Heard] = []
        self._playback: Playback | None = None
        self._recording: Recording | None = None
        self._secret = True  # until it is known what is asked for: somebody may be quicker than the service
        self._keys = ""
        self._complained = False
        self._interrupted = False
        self._line.on_change.append(self._look)

    def typed(self, text: str) -> None:
        """Keys were typed; others than a telephone's are ignored. Ctrl-C, Ctrl-D and the end of input hang up."""
        if not text or "\x03" in text or "\x04" in text:
            self._line.hang_up()
        for key in text:
            if key in ALL_KEYS:
                self._line.press(key)

    def hold(self) -> int:
        """Hold the call until it is over; returns the exit status."""
        refresh = self._loop.call_later(_REFRESH_S, self._refresh)
        with self._loop.on_signal(signal.SIGINT, self._interrupt):
            self._loop.run_until(lambda: self._is_over)
            self._loop.cancel(refresh)
            taken = self._call.holder is not Holder.NOBODY
            self._line.hang_up()
            with suppress(KeyboardInterrupt):
                self._loop.run_until(lambda: self._transport.closed, _LET_GO_S)
        return self._sum_up(taken=taken or self._interrupted)

    def _interrupt(self) -> None:
        """Ctrl-C: the caller hangs up."""
        self._interrupted = True

    @property
    def _is_over(self) -> bool:
        """Whether nothing more can come: the caller hangs up, the call has ended, or nobody ever took it."""
        over = self._line.ended is not None or self._call.holder is Holder.NOBODY
        return self._interrupted or (self._transport.closed and over)

    def _sum_up(self, *, taken: bool) -> int:
        self._end_sentence()
        self._show_keys()
        screen, cause = self._screen, self._call.channel.cause
        self._hush()
        if not taken:
            screen.line(screen.signs.phone, "the service closed without taking the call", alarm=True)
            return 1
        if self._socket.abandoned:
            why = f": {self._transport.broken}" if self._transport.broken else ""
            screen.line(
                screen.signs.phone, f"the service closed the connection in the middle of the call{why}", alarm=True
            )
            return 1
        how = "you hung up" if self._line.ended is Happening.HANG_UP else "the call is over"
        if self._call.transferred:
            how = f"sent on to {self._call.transferred[0]}"
        seconds = round(self._loop.now() - self._line.started_at)
        variables = self._call.channel.variables
        status, why = variables.get("vm_status", ""), variables.get("vm_cause", "")
        how += "".join(f", {word}" for word in (status, why) if word)
        normal = bool(self._call.transferred) or cause in {"NORMAL_CLEARING", "ORIGINATOR_CANCEL"}
        if not normal:
            how += f" ({cause})"
        good = normal and status != Status.FAILED
        screen.line(screen.signs.phone, f"{how} after {seconds // 60}:{seconds % 60:02d}", dim=good, alarm=not good)
        if status == Status.FAILED and (remedy := self._remedy(why)):
            screen.line(" ", remedy)
        return 0 if good else 1

    def _remedy(self, why: str) -> str:
        """What to do about a call that failed; `` where there is nothing to say."""
        if self._call.channel.call.destination == "*97" and "vm-login" in self._line.heard:
            why = Cause.UNKNOWN  # a number is asked for where the caller's own is no mailbox
        return _WHY.get(Cause(why), "") if why in set(Cause) else ""

    def _look(self) -> None:
        """Something happened on the line: show it."""
        line = self._line
        if self._playback is not None and line.playing is not self._playback:
            self._end_sentence()
        for entry in line.timeline[self._seen :]:
            self._seen += 1
            if isinstance(entry, Heard):
                self._heard(entry)
            else:
                self._happened(entry)
        if line.recording is not None and line.recording is not self._recording:
            self._start_recording(line.recording)
        elif self._recording is not None and line.recording is None:
            self._recording = None
            line.quiet()
        if line.quiet_since is not None:
            self._hush()

    def _heard(self, sound: Heard) -> None:
        self._playback = self._line.playing
        names = (self._playback.names if self._playback else {sound.name}) - {""}
        if names & _ASKS_PIN:
            self._secret = True
        elif not names <= _ASKS_NOTHING:
            self._secret = False
        if not sound.name:
            return
        self._show_keys()
        self._saying.append(sound)
        lines = self._screen.sentence(self._saying)
        for sign, text in lines[:-1]:
            self._screen.line(sign, text)
        if len(lines) > 1:
            self._saying = [sound]
        if lines:
            sign, text = lines[-1]
            self._screen.living(sign, text.removesuffix("."))
        if self._loudspeaker is not None:
            start = sound.length and max(0.0, self._whole(sound) - sound.length)
            self._loudspeaker.play(Path(sound.path), start, self._loop.now())

    def _whole(self, sound: Heard) -> float:
        found = self._line.prompts.find(sound.path)
        return found.seconds if found else sound.length

    def _happened(self, mark: Mark) -> None:
        screen = self._screen
        match mark.what:
            case Happening.KEY:
                self._end_sentence()
                self._keys += screen.signs.bullet if self._secret and mark.detail not in "*#" else mark.detail
                screen.living(screen.signs.key, self._keys)
            case Happening.RECORDED:
                self._show_keys()
                screen.line(screen.signs.record, f"recorded {int(mark.detail.split()[0]) / 1000:.1f} s")
            case Happening.MISSING:
                screen.line(screen.signs.says, f"[{Path(mark.detail).name}: no such sound]", alarm=True)
            case _:
                pass

    def _start_recording(self, recording: Recording) -> None:
        self._recording = recording
        self._end_sentence()
        self._show_keys()
        if not self._line.voice.talking:
            self._line.talk()
            if isinstance(self._line.voice, CallerVoice):
                seconds = self._line.voice.seconds or TONE_S
                self._loop.call_later(seconds, lambda: self._said(recording))

    def _said(self, recording: Recording) -> None:
        if self._recording is recording:
            self._line.quiet()

    def _refresh(self) -> None:
        if self._recording is not None:
            screen, seconds = self._screen, self._recording.seconds
            microphone = self._line.voice
            level = screen.level(microphone.level) if isinstance(microphone, Microphone) else ""
            if isinstance(microphone, Microphone) and microphone.is_dead and not self._complained:
                self._complained = True
                said = f"the microphone gives nothing ({microphone.program}): silence is recorded"
                screen.line(screen.signs.record, f"{said}; --voice FILE.wav says something", alarm=True)
            text = f"recording {int(seconds) // 60}:{int(seconds) % 60:02d} {level}"
            screen.living(screen.signs.record, text.rstrip(), alarm=True)
        self._loop.call_later(_REFRESH_S, self._refresh)

    def _end_sentence(self) -> None:
        for sign, text in self._screen.sentence(self._saying):
            cut = f" {self._screen.signs.cut}" if self._saying[-1].cut else ""
            self._screen.line(sign, text + cut)
        self._saying = []
        self._playback = None

    def _show_keys(self) -> None:
        if self._keys:
            self._screen.line(self._screen.signs.key, self._keys)
            self._keys = ""

    def _hush(self) -> None:
        if self._loudspeaker is not None:
            self._loudspeaker.stop(self._loop.now())
