"""What an event socket listens to: `event`, `nixevent`, `myevents` and `filter`, as FreeSWITCH answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esl_vm.sim.channel import Headers

MY_EVENTS = frozenset(
    {
        "CHANNEL_ANSWER",
        "CHANNEL_EXECUTE",
        "CHANNEL_EXECUTE_COMPLETE",
        "CHANNEL_HANGUP",
        "CHANNEL_HANGUP_COMPLETE",
        "CHANNEL_HOLD",
        "CHANNEL_PARK",
        "CHANNEL_PROGRESS_MEDIA",
        "CHANNEL_STATE",
        "CHANNEL_UNHOLD",
        "CHANNEL_UNPARK",
        "DTMF",
    }
)
"""What `myevents` turns on, of the events a simulated node tells."""
_KNOWN = MY_EVENTS | {
    "ALL",
    "CHANNEL_CALLSTATE",
    "CHANNEL_CREATE",
    "CHANNEL_DATA",
    "CHANNEL_DESTROY",
    "CHANNEL_BRIDGE",
    "CHANNEL_UNBRIDGE",
    "CODEC",
    "CUSTOM",
    "HEARTBEAT",
    "MESSAGE_QUERY",
    "MESSAGE_WAITING",
    "PLAYBACK_START",
    "PLAYBACK_STOP",
    "RECORD_START",
    "RECORD_STOP",
}
"""Names that are accepted; those not in MY_EVENTS are never told."""


class Subscription:
    """What one event socket listens to."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._mine = False
        self._filters: list[tuple[str, str]] = []

    def wants(self, name: str, headers: Headers, *, own: bool) -> bool:
        """Whether an event is to be sent; `own`: it is about the socket's own call, or about none.

        Without `myevents` other calls' events are sent, too, unless a filter keeps them away.
        """
        if name not in self._names and "ALL" not in self._names:
            return False
        if self._mine and not own:
            return False
        return not self._filters or any(dict(headers).get(key) == value for key, value in self._filters)

    def my_events(self) -> str:
        """Do `myevents`; returns the text of the reply."""
        if self._mine:
            return "-ERR aready enabled."
        self._mine = True
        self._names |= MY_EVENTS
        return "+OK Events Enabled"

    def change(self, word: str, rest: str) -> str:
        """Do `event` or `nixevent`; returns the text of the reply."""
        names = rest.split()
        known = _KNOWN.intersection(names)
        if not known:
            return "-ERR no keywords supplied"
        if word == "nixevent":
            self._names -= known
            return "+OK events nixed"
        self._names |= known
        return "+OK event listener enabled plain"

    def filter(self, rest: str) -> str:
        """Do `filter`; returns the text of the reply."""
        words = rest.split()
        if not words:
            return "-ERR command not found"
        if len(words) < 2:
            return "-ERR invalid syntax"
        value = " ".join(words[1:])
        self._filters.append((words[0], value))
        return f"+OK filter added. [{words[0]}]=[{value}]"
