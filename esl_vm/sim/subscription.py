"""What an event socket listens to: `event`, `nixevent` and `filter`, as FreeSWITCH answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esl_vm.sim.channel import Headers

TOLD = frozenset(
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
"""The events a simulated node tells."""
_KNOWN = TOLD | {
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
"""Names that are accepted; the others are never told."""


class Subscription:
    """What one event socket listens to."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._filters: list[tuple[str, str]] = []

    def wants(self, name: str, headers: Headers) -> bool:
        """Whether an event is to be sent: other calls' are, too, unless a filter keeps them away."""
        if name not in self._names and "ALL" not in self._names:
            return False
        return not self._filters or any(dict(headers).get(key) == value for key, value in self._filters)

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
