"""What runs on a call's channel until it ends or a key ends it, and which key that was.

FreeSWITCH stops an application at a wanted key by itself (`playback_terminators`); which one it was is told by the DTMF event alone.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from esl_vm.model.call import ALL_KEYS
from esl_vm.model.errors import LineError

if TYPE_CHECKING:
    from esl_vm.esl.session import CallSession, Later
    from esl_vm.esl.wire import Frame

log = logging.getLogger(__name__)

# Seconds a key's event may come after the end of the application it ended; seen 1 ms.
LATE_KEY_S = 1.0
# Seconds in which a key that is down is told of again by RTP, several times over.
HELD_S = 0.2
PLAYED = b"\nApplication-Response: FILE%20PLAYED\n"
_NOT_PLAYED = b"\nApplication-Response: PLAYBACK%20ERROR\n"
# What can be played wherever anything can.
_PROBE = "silence_stream://20"


class Applications:
    """Those of one call.

    Args:
        session: the call's event socket, connected.
        latest: what FreeSWITCH said last of the channel: its codec may not be known before the answer.
    """

    def __init__(self, session: CallSession, latest: Frame) -> None:
        self._session = session
        self.latest = latest
        self._stopping: str | None = None  # the keys that stop the next application, as FreeSWITCH knows them
        self._sounded = False  # something was played, so the line can carry it
        self._repeats = 0  # keys told twice before the last application
        self._key_after = -1  # after how many applications the last key was waited for or ended what played

    def run(
        self,
        application: str,
        argument: str,
        keys: str,
        *,
        most_s: float | None = None,
        after_hang_up: bool = False,
        later: Later | None = None,
    ) -> Frame:
        """Run an application that only `keys` end; returns its end."""
        session = self._session
        session.outlast_hold()
        if keys != self._stopping:
            # An api command is done at once and before the execute that follows it, so nothing is waited for.
            session.change({"playback_terminators": _terminators(keys)})
            self._stopping = keys
        self._repeats = session.keys.repeats
        session.begin(application, argument)
        self.latest = ended = session.finish(keys, most_s=most_s, after_hang_up=after_hang_up, later=later)
        if application == "playback":
            if ended.holds(PLAYED):
                self._sounded = True
            elif not self._sounded and ended.holds(_NOT_PLAYED) and argument != _PROBE:
                self._try_line(ended)
                log.error("call %s: PLAYBACK ERROR: %s", self._session.uuid, argument)
            elif argument != _PROBE:
                log.error("call %s: %s: %s", self._session.uuid, ended.last("Application-Response"), argument)
        return ended

    def wait_key(self, seconds: float, keys: str) -> str | None:
        """Wait so many seconds for one of `keys` with no application running; a key that is held down counts from its release."""
        session = self._session
        another = self._key_after == session.executed and seconds > HELD_S
        down = True
        key = None
        while key is None and down:
            key = session.wait_key(session.now() + seconds - (HELD_S if another else 0), keys)
            down = False
            if key is None and another:
                down, key = self._outlast_key(keys)
        if key is not None:
            self._key_after = session.executed
        return key

    def _try_line(self, ended: Frame) -> None:
        """Find out, where the first sound of a call could not be played, whether any can; raises LineError."""
        if not self.run("playback", _PROBE, "").holds(PLAYED):
            codec = ended.get("Channel-Read-Codec-Name") or "unknown"
            raise LineError(f"FreeSWITCH can't play on its line, whose codec is {codec}: it only passes that through")

    def key_that_ended(self, ended: Frame, keys: str) -> str | None:
        """The key that ended the last application, None if none did. Others are dropped."""
        session = self._session
        key = session.keys.take(keys)
        if (
            key is None
            and session.keys.repeats == self._repeats
            and (ended.last("variable_playback_terminator_used") or "-") in keys
        ):
            # The end may be told before the key's event.
            key = session.late_key(session.now() + LATE_KEY_S, keys)
        if key is not None:
            self._key_after = session.executed
        return key

    def _outlast_key(self, keys: str) -> tuple[bool, str | None]:
        """Whether a key is down: the last one, still, or the next, which may be told when it is released; waits for its end.

        Returns:
            That, and the key of `keys` that was told meanwhile.
        """
        down, packets = False, self._key_packets()
        while (key := self._session.wait_key(self._session.now() + HELD_S, keys)) is None:
            before, packets = packets, self._key_packets()
            if packets == before:
                break
            down = True
        return down, key

    def _key_packets(self) -> str:
        """How many packets of keys have come by RTP; while a key is down there are ever more."""
        uuid = self._session.uuid
        return self._session.ask(
            [f"api uuid_set_media_stats {uuid}", f"api uuid_getvar {uuid} rtp_audio_in_dtmf_packet_count"]
        )[1].data

    def ended_by_repeat(self, ended: Frame) -> bool:
        """Whether what ended the last application was a key that was told before, by another way."""
        terminated = bool(ended.last("variable_playback_terminator_used"))
        return terminated and self._session.keys.repeats != self._repeats


def _terminators(keys: str) -> str:
    """`playback_terminators` for these keys."""
    if not keys:
        return "none"
    return "any" if set(keys) == set(ALL_KEYS) else keys
