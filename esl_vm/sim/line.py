"""The media of one call, without sockets: what is played, recorded and dialled on it, in the order of a schedule.

A line plays and records for whoever answers the call (`SimPhone`, or the simulated node for a service) and lets a
caller press keys, talk and hang up. It keeps everything that was heard. Nothing here waits: `start_play` and
`start_record` return at once and tell the end by a callback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.sim.heard import Happening, Heard, Mark
from esl_vm.sim.playback import Playback, PlayEnd, Stopped
from esl_vm.sim.prompts import Prompts
from esl_vm.sim.recording import RecordEnd, Recording
from esl_vm.sim.voice import CallerVoice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from esl_vm.sim.prompts import Playable
    from esl_vm.sim.schedule import Schedule
    from esl_vm.sim.sounddevice import Speaker

__all__ = ["Happening", "Heard", "Line", "Mark", "PlayEnd", "RecordEnd"]

KEY_S = 0.1
"""How long a key is held; it counts when it is released."""
KEY_SPACING_S = 0.22
"""From one key to the next when several are dialled."""


class Line:
    """One caller's line.

    Args:
        schedule: what time it is, and when things happen.
        prompts: how long what is played is.
        voice: what the caller says while talking; a tone unless given.

    Attributes:
        timeline: everything that happened, in order.
        on_key: called with each key as it is released, before it stops anything.
        on_ending: called when the call is over, before what runs is stopped.
        on_change: called after a sound or a recording started or ended, a key, the end of the call: for those who
            watch.
        on_ended: called when the call is over, after what ran was stopped.
        keys_until: the moment at which the last key dialled so far is released and its pause over.
    """

    def __init__(self, schedule: Schedule, prompts: Prompts | None = None, voice: Speaker | None = None) -> None:
        self.schedule = schedule
        self.prompts = prompts or Prompts()
        self.voice: Speaker = voice or CallerVoice()
        self.started_at = schedule.now()
        self.timeline: list[Heard | Mark] = []
        self.sounds: list[Heard] = []
        self.on_key: list[Callable[[str], None]] = []
        self.on_change: list[Callable[[], None]] = []
        self.on_ending: list[Callable[[], None]] = []
        self.on_ended: list[Callable[[], None]] = []
        self.ended: Happening | None = None
        self.keys_until = 0.0
        self._running: list[Playback | Recording] = []
        self._sounding: Heard | None = None
        self._quiet_since = self.started_at

    # What is known of it

    @property
    def heard(self) -> list[str]:
        """The names of what was heard, pauses left out: `vm-youhave`, `digits/2`, `<0199ab>`."""
        return [sound.name for sound in self.sounds if sound.name]

    @property
    def quiet_since(self) -> float | None:
        """Since when nothing is heard; None while a sound plays. Pauses and recordings are quiet."""
        return None if self._sounding else self._quiet_since

    @property
    def recording(self) -> Recording | None:
        """The recording that runs, None if none does."""
        top = self._running[-1] if self._running else None
        return top if isinstance(top, Recording) else None

    @property
    def playing(self) -> Playback | None:
        """The playback that runs, None if none does."""
        top = self._running[-1] if self._running else None
        return top if isinstance(top, Playback) else None

    # For the one who answered

    def start_play(
        self, members: Sequence[str], terminators: Iterable[str], on_done: Callable[[PlayEnd], None]
    ) -> Playback:
        """Play files one after the other until one of the keys `terminators` is pressed.

        Members are paths, `PATH@@SAMPLES` (from there on) or `silence_stream://MS`. What is not there is skipped and
        marked. What ran before is interrupted and goes on afterwards, as FreeSWITCH nests applications.
        """
        there: list[Playable] = []
        for member in members:
            found = self.prompts.find(member)
            if found is None:
                self._mark(Happening.MISSING, member)
            else:
                there.append(found)
        playback = Playback(self, there, frozenset(terminators), on_done)
        self._push(playback)
        return playback

    def start_record(
        self,
        path: Path,
        *,
        limit_s: float,
        threshold: int,
        silence_s: float,
        terminators: Iterable[str],
        on_done: Callable[[RecordEnd], None],
    ) -> Recording:
        """Record what the caller says to a WAV file (8 kHz, mono, 16 bit), which is there from the start.

        It ends by one of the keys, after `silence_s` seconds below `threshold` (0: never), after `limit_s` seconds
        (0: no limit), or when the call ends. Raises OSError if the file can't be made.
        """
        recording = Recording(
            self,
            path,
            limit_s=limit_s,
            threshold=threshold,
            silence_s=silence_s,
            terminators=frozenset(terminators),
            on_done=on_done,
        )
        self._mark(Happening.RECORD, str(path))
        self._push(recording)
        self.changed()
        return recording

    def end(self) -> None:
        """Hang up from the service's side."""
        self._finish(Happening.ENDED)

    # For the caller

    def press(self, keys: str) -> float:
        """Dial keys, after those that are still being dialled; returns when that is over."""
        at = max(self.schedule.now(), self.keys_until)
        for key in keys:
            self.schedule.call_at(at + KEY_S, lambda key=key: self.key_released(key))  # type: ignore[misc]
            at += KEY_SPACING_S
        self.keys_until = at
        return at

    def key_released(self, key: str) -> None:
        """A key is released: now it counts."""
        if self.ended:
            return
        self._mark(Happening.KEY, key)
        top = self._running[-1] if self._running else None
        for tell in tuple(self.on_key):
            tell(key)
        if top is not None and self._running and self._running[-1] is top and key in top.terminators:
            top.end(Stopped.KEY, key)
        self.changed()

    def talk(self) -> None:
        """Begin to talk (the voice, from its start)."""
        if not self.voice.talking:
            self.voice.talk(self.schedule.now())
            self._mark(Happening.TALK)

    def quiet(self) -> None:
        """Stop talking."""
        if self.voice.talking:
            self.voice.quiet(self.schedule.now())
            self._mark(Happening.QUIET)

    def hang_up(self) -> None:
        """Hang up from the caller's side."""
        self._finish(Happening.HANG_UP)

    # For playbacks and recordings

    def started(self, playable: Playable) -> Heard:
        """A playback came to its next sound."""
        whole = playable.seconds - playable.start / playable.rate
        heard = Heard(self.schedule.now(), playable.path, playable.name, playable.language, max(0.0, whole))
        self.timeline.append(heard)
        self.sounds.append(heard)
        self.sounding(heard)
        return heard

    def sounding(self, heard: Heard) -> None:
        """A sound is heard (again)."""
        if heard.name:
            self._sounding = heard
        self.changed()

    def silent(self, heard: Heard) -> None:
        """A sound is over, or paused."""
        if self._sounding is heard:
            self._sounding = None
            self._quiet_since = self.schedule.now()
            self.changed()

    def recorded(self, milliseconds: int) -> None:
        """A recording is over."""
        self._mark(Happening.RECORDED, f"{milliseconds} ms")

    def over(self, activity: Playback | Recording) -> None:
        """A playback or recording ended; what it had interrupted goes on."""
        was_top = self._running[-1] is activity
        self._running.remove(activity)
        if was_top and self._running and not self.ended:
            self._running[-1].resume()
        if isinstance(activity, Recording):
            self.changed()

    def changed(self) -> None:
        """Tell those who watch."""
        for tell in tuple(self.on_change):
            tell()

    def _push(self, activity: Playback | Recording) -> None:
        if self._running:
            self._running[-1].suspend()
        self._running.append(activity)
        activity.begin()

    def _finish(self, how: Happening) -> None:
        if self.ended:
            return
        self.ended = how
        self._mark(how)
        for tell in tuple(self.on_ending):
            tell()
        while self._running:
            self._running[-1].end(Stopped.HANG_UP)
        for tell in tuple(self.on_ended):
            tell()
        self.changed()

    def _mark(self, what: Happening, detail: str = "") -> None:
        self.timeline.append(Mark(self.schedule.now(), what, detail))
