"""The line of a caller with a real telephone: what the caller's script, written for the simulated line, needs to know.

What starts to be heard is known from FreeSWITCH's own events: a `playback` names its files, and each begins when those
before it are over. Afterwards `evidence` holds all of it to what the telephone heard.
"""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from live.event_socket import members_of
from live.evidence import LATE_S, Evidence, Played, evidence_of
from live.rtp import FRAME_S, Sends, holes, recording_of
from live.sip_phone import SipPhone
from live.telephone_sound import as_played

from esl_vm.sim.line import Happening, Heard, Mark
from esl_vm.sim.prompts import Prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from live.loop import Loop

    from esl_vm.esl.wire import Frame

LEAD_IN_S = 0.25
"""The silence before the first file of a `file_string` (mod_dptools.c: next_file)."""
NEARLY_S = 0.1
"""A sound that ends that much before its time was not cut."""


class LiveLine:
    """One call on a real line; made and used in the loop's thread, looked at after `over` is set.

    Args:
        loop: its clock. sip_port: FreeSWITCH's.
        dialled: the number. number, name, domain: who calls, to which domain. voice: what the caller says. sends: what it is sent as.

    Attributes:
        sounds, timeline, on_change, ended, prompts, heard: as the simulated line's (esl_vm.sim.line).
        played: the playbacks.
        variables: those of the channel at its end.
        uuid: the channel's. ran: the applications that were run, each with its argument and when it began.
        over: set when FreeSWITCH told the end of the call.
    """

    def __init__(
        self,
        loop: Loop,
        sip_port: int,
        dialled: str,
        *,
        number: str,
        name: str,
        domain: str,
        voice: np.ndarray,
        sends: Sends | None = None,
    ) -> None:
        self.dialled = dialled
        self.sounds: list[Heard] = []
        self.timeline: list[Heard | Mark] = []
        self.played: list[Played] = []
        self.on_change: list[Callable[[], None]] = []
        self.on_answer: list[Callable[[], None]] = []
        self.ended: Happening | None = None
        self.why_ended = ""
        self.prompts = Prompts()
        self.variables: Frame | None = None
        self.uuid = ""
        self.ran: list[tuple[float, str, str]] = []
        self.over = threading.Event()
        self.started_at = loop.now()
        self.phone = SipPhone(
            loop,
            sip_port,
            number=number,
            name=name,
            domain=domain,
            voice=voice,
            pressed=self._pressed,
            answered=self._answered,
            ended=self._ended,
            sends=sends or Sends(),
        )
        self._loop = loop
        self._key_at = 0.0
        self._running: dict[str, Played] = {}
        self._sounding: Heard | None = None
        self._quiet_since = self.started_at

    # What the caller's script looks at and does

    @property
    def heard(self) -> list[str]:
        """The names of what was heard."""
        return [sound.name for sound in self.sounds]

    @property
    def missing(self) -> list[str]:
        """The files that were to be played and are not there."""
        return [one.detail for one in self.timeline if isinstance(one, Mark) and one.what is Happening.MISSING]

    @property
    def quiet_since(self) -> float | None:
        """Since when nothing is heard; None while a sound plays."""
        return None if self._sounding else self._quiet_since

    def dial(self, headers: Mapping[str, str]) -> None:
        """Begin the call, with headers of one's own besides."""
        self.phone.call(self.dialled, headers)

    def press(self, keys: str) -> float:
        """Dial keys; returns when that is over."""
        return self.phone.sound.dial(keys)

    def talk(self) -> None:
        """Begin to talk."""
        self._mark(Happening.TALK)
        self.phone.sound.talk()

    def quiet(self) -> None:
        """Stop talking."""
        self._mark(Happening.QUIET)
        self.phone.sound.quiet()

    def hang_up(self) -> None:
        """Hang up."""
        self.phone.hang_up()

    # What happens

    def event(self, name: str, frame: Frame) -> None:
        """Take an event of this call's channel. It happened when FreeSWITCH says so: whoever tests may be busy."""
        at = int(frame.get("Event-Date-Timestamp") or 0) / 1e6
        self.uuid = self.uuid or frame.get("Unique-ID") or ""
        match name:
            case "CHANNEL_EXECUTE":
                self._execute(frame, at)
            case "CHANNEL_EXECUTE_COMPLETE":
                self._complete(frame.get("Application-UUID") or "", at)
            case "CHANNEL_HANGUP_COMPLETE":
                self.variables = frame
                self._loop.call_later(0.0, self._end_told)

    def variable(self, name: str) -> str:
        """A channel variable at the end of the call, `` if it was not set."""
        return (self.variables.get(f"variable_{name}") or "") if self.variables else ""

    @property
    def sent_to(self) -> str:
        """The extension a service sent the call to, `` if it did not."""
        reached = (self.variables.get("Caller-Destination-Number") or "") if self.variables else ""
        return reached if reached != self.dialled else ""

    def transcript(self) -> str:
        """The call as text, a line for each thing that happened, with seconds from its start."""
        return "\n".join(f"{entry.at - self.started_at:9.3f} {_words(entry)}" for entry in self.timeline)

    # What was heard

    def recording(self) -> np.ndarray:
        """All that was heard, from `started_at` on."""
        packets = self.phone.sound.arrived
        return recording_of(packets, self.started_at, packets[-1].at + 0.1 if packets else self.started_at)

    def evidence(self) -> list[Evidence]:
        """Each sound that was played, held to what was heard."""
        return [one for played in self.played for one in evidence_of(played, self.phone.sound.arrived)]

    @property
    def holes(self) -> int:
        """How often FreeSWITCH left out a frame."""
        return holes(self.phone.sound.arrived)

    def _execute(self, frame: Frame, at: float) -> None:
        application, argument = frame.get("Application") or "", frame.get("Application-Data") or ""
        self.ran.append((at, application, argument))
        if application == "playback":
            files = members_of(argument, frame.get("variable_playback_delimiter") or "")
            lead_in = LEAD_IN_S if argument.startswith("file_string://") else 0.0
            self._play(at, frame.get("Application-UUID") or "", files, lead_in)
        elif application == "record":
            self._mark(Happening.RECORD, argument)

    def _play(self, at: float, uuid: str, members: list[str], lead_in: float) -> None:
        played = Played(at, self._key_at)
        self.played.append(played)
        self._running[uuid] = played
        at += lead_in
        for member in members:
            found = self.prompts.find(member)
            if found is None:
                self._mark(Happening.MISSING, member)
                continue
            seconds = found.seconds - found.start / found.rate
            if found.name:
                heard = Heard(at, found.path, found.name, found.language, seconds)
                if found.path not in played.files and Path(found.path).is_file():
                    played.files[found.path] = as_played(Path(found.path))  # a take is gone once it is settled
                starts = self._loop.call_at(at, lambda heard=heard: self._starts(played, heard))  # type: ignore[misc]
                ends = self._loop.call_at(at + seconds, lambda heard=heard: self._silent(heard))  # type: ignore[misc]
                played.timers += [starts, ends]
            # Each file of a list has its last frame filled up; a file_string does without.
            at += seconds if lead_in else math.ceil(seconds / FRAME_S - 0.01) * FRAME_S

    def _starts(self, played: Played, heard: Heard) -> None:
        played.sounds.append(heard)
        self.sounds.append(heard)
        self.timeline.append(heard)
        self._sounding = heard
        self._changed()

    def _silent(self, heard: Heard) -> None:
        heard.played = heard.length
        if self._sounding is heard:
            self._sounding = None
            self._quiet_since = self._loop.now()
            self._changed()

    def _complete(self, uuid: str, at: float) -> None:
        played = self._running.pop(uuid, None)
        if played is None:
            return
        played.ended = at
        cut = any(timer.pending and timer.at > at + NEARLY_S for timer in played.timers)
        for timer in played.timers:
            self._loop.cancel(timer)
        for sound in played.sounds:
            if cut and sound.at + sound.length + LATE_S > at:
                sound.cut = True
                sound.played = at - sound.at
        if played.sounds and self._sounding is played.sounds[-1]:
            self._sounding = None
            self._quiet_since = at
        self._changed()

    def _pressed(self, key: str) -> None:
        self._key_at = self._loop.now()
        self._mark(Happening.KEY, key)

    def _answered(self) -> None:
        for tell in self.on_answer:
            tell()

    def _ended(self, why: str) -> None:
        self.why_ended = why
        self.ended = Happening.ENDED if why else Happening.HANG_UP
        self._mark(self.ended, why)
        self._changed()

    def _end_told(self) -> None:
        if not self.ended:  # FreeSWITCH's BYE is still on its way
            self._loop.call_later(0.02, self._end_told)
            return
        for uuid in tuple(self._running):
            self._complete(uuid, self._loop.now())
        self.phone.close()
        self.over.set()

    def _mark(self, what: Happening, detail: str = "") -> None:
        self.timeline.append(Mark(self._loop.now(), what, detail))

    def _changed(self) -> None:
        for tell in tuple(self.on_change):
            tell()


def _words(entry: Heard | Mark) -> str:
    if isinstance(entry, Mark):
        sign = ">" if entry.what is Happening.KEY else "~"
        return f"{sign} {entry.what.value} {entry.detail}"
    cut = f" cut after {entry.played:.2f} s" if entry.cut else ""
    return f"< {entry.name:<26} [{entry.language or '-'} {entry.length:.2f} s]{cut}"
