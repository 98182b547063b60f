"""The caller's line on a real FreeSWITCH: ports.Phone over a call's event socket."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from esl_vm.esl.applications import PLAYED, Applications
from esl_vm.esl.channel_data import call_of
from esl_vm.esl.codec import Codec, changes, rate_of
from esl_vm.esl.commands import assign, command
from esl_vm.esl.session import Later
from esl_vm.esl.sounds import USUAL_RATE, offset_path, playlists, safe_path, wave_of
from esl_vm.model.call import Ended, Listened, Recorded
from esl_vm.model.errors import CallerGoneError, SpoolError, UnsafeArgumentError
from esl_vm.model.units import Milliseconds, Seconds
from esl_vm.speech.utterance import Pause

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from esl_vm.esl.elsewhere import Elsewhere
    from esl_vm.esl.recording_folders import RecordingFolders
    from esl_vm.esl.session import CallSession
    from esl_vm.esl.sounds import SpokenPrompts
    from esl_vm.esl.wire import Frame
    from esl_vm.model.call import Call
    from esl_vm.speech.utterance import Sound, Utterance

# Seconds from an execute to the application's start: FreeSWITCH looks at its queue that often.
TICK_S = 0.02
# Before the first sound of a call that we answered: many a telephone needs so long until it is heard.
FIRST_PAUSE = Pause(250)
_EXTENSION = re.compile(r"[0-9A-Za-z*#+][0-9A-Za-z*#+_.@-]{0,127}")
_CONTEXT = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.@-]{0,127}")
# For recordings (switch_ivr_record_file): they are written as they are made, and where a telephone sends nothing or only
# comfort noise while nobody talks, the pause is as long as it was.
_RECORDING = {"enable_file_write_buffering": "false", "record_fill_cng": "true"}


class EslPhone:
    """ports.Phone on a call's event socket; see there for what each method does.

    One utterance is one `playback`: every application costs the caller 20 ms. FreeSWITCH stops it at a wanted key by
    itself (`playback_terminators`); which key it was is told by the DTMF event alone.

    Args:
        session: the call's event socket, connected.
        frame: the reply to `connect`.
        pack: where the prompts lie.
        elsewhere: what is played instead where FreeSWITCH does not see the pack; None: it always does.
        folders: what was seen of the folders to record into; None: FreeSWITCH can write where it can enter.
    """

    def __init__(
        self,
        session: CallSession,
        frame: Frame,
        pack: SpokenPrompts,
        elsewhere: Elsewhere | None = None,
        folders: RecordingFolders | None = None,
    ) -> None:
        self._session = session
        self._pack = pack
        self._elsewhere = elsewhere  # until it is known whether this FreeSWITCH sees the pack
        self._call = call_of(frame)
        self._answered = self._call.answered
        self._just_answered = False
        self._applications = Applications(session, frame)
        self._seen_folders: set[Path] = set()
        self._folders = folders
        self._switch = frame.get("Core-UUID") or self._call.node

    @property
    def call(self) -> Call:
        """What is known of the call."""
        return self._call

    def answer(self) -> None:
        """Answer the call. Nobody waits for it: what is played next is played after it."""
        if self._answered:
            self._session.flush()
        else:
            self._answered = True
            self._just_answered = True
            self._session.begin("answer")

    def play(self, utterance: Utterance, keys: str) -> str | None:
        """Play until the end or one of `keys`; a prompt FreeSWITCH does not find is logged and left out."""
        session = self._session
        pack = self._pack_here()
        lists = playlists(utterance, pack)
        session.poll()
        if keys:
            key = session.keys.take(keys)
            if key is not None:
                return key
        if self._just_answered and lists:
            self._just_answered = False
            lists = playlists((FIRST_PAUSE, *utterance), pack)
        for playlist in lists:
            while True:
                ended = self._applications.run("playback", playlist, keys)
                if keys and (key := self._applications.key_that_ended(ended, keys)) is not None:
                    return key
                if not self._applications.ended_by_repeat(ended):
                    break
        return None

    def unread(self, key: str) -> None:
        """Put a key back at the head of the queue."""
        self._session.keys.appendleft(key)

    def wait_key(self, milliseconds: Milliseconds, keys: str) -> str | None:
        """Wait for one of `keys` with no application running: the call is parked meanwhile."""
        return self._applications.wait_key(milliseconds / 1000, keys)

    def listen(self, sound: Sound, start_ms: int, keys: str) -> Listened:
        """Play a sound from a position, to the millisecond (`file@@SAMPLES` and `playback_last_offset_pos`)."""
        session = self._session
        session.poll()
        key = session.keys.take(keys) if keys else None
        start_ms = max(0, start_ms)
        if key is not None:
            return Listened(key, start_ms)
        wave = wave_of(sound.path)
        if wave is not None and start_ms >= wave.ms:
            return Listened(None, wave.ms, failed=not wave.ms)
        start = start_ms * (wave.rate if wave else USUAL_RATE) // 1000
        ended = self._applications.run("playback", offset_path(sound.path, start), keys)
        key = self._applications.key_that_ended(ended, keys) if keys else None
        if not ended.holds(PLAYED):
            return Listened(key, start_ms, failed=True)
        if key is None and wave is not None and not self._applications.ended_by_repeat(ended):
            return Listened(None, wave.ms)
        # The offset counts the file's own samples, what was played since is added in the line's (switch_ivr_play_say.c).
        played = max(0, _number(ended, "variable_playback_last_offset_pos") - start)
        position_ms = start_ms + played * 1000 // rate_of(ended, "Channel-Write-Codec-Rate")
        if key is None and self._applications.ended_by_repeat(ended):
            return self.listen(sound, position_ms, keys)
        return Listened(key, position_ms)

    def can_record(self, path: Path) -> bool:
        """Whether this host and the call's FreeSWITCH both have the folder a recording would lie in, and can write there.

        FreeSWITCH hangs up a call that is to be recorded into a folder it does not have (seen on FreeSWITCH 1.11), that
        its user may not enter (the dot behind the folder's name is found only by one who may), or not write into. It is asked
        once a call and folder, with one round trip; in the same it is told to write what is said as it is said. Otherwise it
        keeps up to 64 KiB in memory, the last 4.1 s, and takes them with it when it dies.
        """
        folder = path.parent
        if folder not in self._seen_folders:
            if not folder.is_dir():
                return False
            self._session.change(_RECORDING)
            self._session.hold(command("event plain CODEC"))
            if self._session.ask([f"api file_exists {safe_path(str(folder))}/."])[0].data.strip() != "true":
                return False
            if self._folders is not None and not self._folders.seen(self._switch, folder):
                self._applications.run("pre_answer", "", "")  # after the answer that was asked for: a probe needs media
                if not self._folders.try_one(self._session, self._call.uuid, self._switch, folder):
                    return False
            self._seen_folders.add(folder)
        return True

    def record(
        self,
        path: Path,
        *,
        max_s: Seconds,
        silence_s: Seconds,
        threshold: int,
        keys: str,
        then: Mapping[str, str] | None = None,
        then_ms: Milliseconds = Milliseconds(0),
        following: Callable[[], Path] | None = None,
    ) -> Recorded:
        """Record to a file of the call's FreeSWITCH; see ports.Phone. Whether that is this host's, the spool finds out.

        The threshold is voicemail.conf's `silencethreshold`: the mean of the samples' absolute values (0 to 32767)
        below which a frame is silence (Asterisk's dsp.c). FreeSWITCH compares the same mean, times the line's sample
        rate over 8000 (switch_ivr_play_say.c); so on a line of 8 kHz it is the same number. The rate is the one that the
        last application's end told, the tone's: the codec may be negotiated with the answer, and change later.

        Where it changes while this runs, FreeSWITCH would go on writing what comes as if the rate were that of the
        beginning, and filling gaps with frames of the former size (seen on FreeSWITCH 1.11). So it is ended, and goes on in
        the file that `following` names; the caller loses the 40 ms between.

        Raises:
            SpoolError: the folder is not there, here or on the call's FreeSWITCH; nothing was recorded.
            CallerGoneError: the caller hung up; the file is whole.
        """
        session = self._session
        if not self.can_record(path):
            raise SpoolError(f"the folder {path.parent} is missing, here or on {self._call.node}")
        line = Codec.read_by(self._applications.latest)
        told = [line]
        if following is not None:
            session.codec_told = lambda frame: changes(told, frame)
        session.poll()
        session.keys.clear()
        began, ms = session.now(), 0
        try:
            while True:
                line, passed = told[-1], session.now() - began
                # FreeSWITCH's own limit counts in whole seconds and comes up to one late; ours is exact, its is the fallback.
                argument = f"{_quoted(str(path))} {math.ceil(max_s - passed) + 1 if max_s > 0 else 0}"
                if silence_s > 0:
                    argument += f" {max(0, threshold) * line.rate // USUAL_RATE} {line.silence(silence_s)}"
                later_s = then_ms / 1000 + TICK_S - passed
                later = Later(later_s, *assign(self._call.uuid, then)) if then and later_s > 0 else None
                most_s = max(0.0, max_s + TICK_S - passed) if max_s > 0 else None
                ended = self._applications.run("record", argument, keys, most_s=most_s, after_hang_up=True, later=later)
                ms += _number(ended, "variable_record_ms")
                key = self._applications.key_that_ended(ended, keys) if keys else None
                if key is None and self._applications.ended_by_repeat(ended):
                    key = ended.last("variable_playback_terminator_used")
                silent = ended.last("variable_silence_hits_exhausted") == "true"
                over = max_s > 0 and session.now() - began >= max_s
                if key is not None or silent or over or following is None or line is told[-1]:
                    break
                path = following()
        except CallerGoneError:
            if self._folders is not None:
                self._folders.ended(session.gone, self._call.uuid, self._switch, path)
            raise
        finally:
            session.codec_told = None
        why = Ended.KEY if key is not None else Ended.SILENCE if silent else Ended.LIMIT
        return Recorded(ms, why, key or "")

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set channel variables (an empty value unsets), ahead of whatever is done with the call next.

        By `uuid_setvar`, which FreeSWITCH does at once; an application `set` is queued for the next 20 ms tick.

        Raises:
            CallerGoneError: the caller is gone. UnsafeArgumentError: a name that is none, a value of several lines or that
                would be expanded; none is set.
        """
        self._session.check()
        self._session.hold(*assign(self._call.uuid, variables))

    def transfer(self, extension: str, context: str = "") -> None:
        """Send the caller on; raises UnsafeArgumentError for what is no extension."""
        if not _EXTENSION.fullmatch(extension) or (context and not _CONTEXT.fullmatch(context)):
            raise UnsafeArgumentError(f"not an extension: {extension!r} {context!r}")
        self._session.poll()
        # Where the dialplan set socket_resume, the end of our socket would pull the call back from where it was sent
        # (seen on FreeSWITCH 1.11: what it hears there stops).
        self._session.put_back(socket_resume="false")
        self._session.transfer(f"{extension} XML {context}" if context else extension)

    def _pack_here(self) -> SpokenPrompts:
        """The prompts that this call's FreeSWITCH can play; looked at with the first of them."""
        if self._elsewhere is not None:
            if not self._elsewhere.is_here(self._session, self._call.node):
                self._pack = self._elsewhere.pack
            self._elsewhere = None
        return self._pack


def _number(frame: Frame, name: str) -> int:
    """A header that is a count, 0 if it isn't there."""
    text = frame.last(name) or ""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def _quoted(path: str) -> str:
    """A path as one of several arguments; raises UnsafeArgumentError."""
    return f"'{safe_path(path)}'" if " " in path else safe_path(path)
