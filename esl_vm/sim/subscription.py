"""What an event socket listens to: `event`, `nixevent`, `noevents`, `myevents` and `filter`, as FreeSWITCH answers them."""

from __future__ import annotations

from esl_vm.sim.channel import SOURCES, Headers

MY_EVENTS = frozenset(SOURCES) - {"CHANNEL_DATA", "BACKGROUND_JOB"}
"""What `myevents` turns on, of the events a simulated node tells."""
_KNOWN = frozenset(SOURCES) | {
    "ALL",
    "CHANNEL_CALLSTATE",
    "CHANNEL_CREATE",
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
"""Names that are accepted; those not in SOURCES are never told."""


class Subscription:
    """What one event socket listens to.

    Attributes:
        as_json: events are wanted as JSON, all of them: the last subscription decides.
    """

    def __init__(self) -> None:
        self.as_json = False
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

    def my_events(self, rest: str) -> str:
        """Do `myevents`; returns the text of the reply."""
        if self._mine:
            return "-ERR aready enabled."
        self._mine = True
        self._names |= MY_EVENTS
        self.as_json = rest == "json"
        return "+OK Events Enabled"

    def change(self, word: str, rest: str) -> str:
        """Do `event`, `nixevent` or `noevents`; returns the text of the reply."""
        if word == "noevents":
            had, self._names = bool(self._names), set()
            return "+OK no longer listening for events" if had else "-ERR not listening for events"
        names = rest.split()
        kind = "plain"
        if word == "event" and names and names[0] in {"plain", "json"}:
            kind = names.pop(0)
        known = _KNOWN.intersection(names)
        if not known:
            return "-ERR no keywords supplied"
        if word == "nixevent":
            self._names -= known
            return "+OK events nixed"
        self.as_json = kind == "json"
        self._names |= known
        return f"+OK event listener enabled {kind}"

    def filter(self, rest: str) -> str:
        """Do `filter`; returns the text of the reply."""
        words = rest.split()
        if not words:
            return "-ERR command not found"
        if words[0] == "delete":
            name, value = words[1] if len(words) > 1 else "", words[2] if len(words) > 2 else ""
            self._filters = [
                one for one in self._filters if name != "all" and (one[0] != name or (value and one[1] != value))
            ]
            return f"+OK filter deleted. [{name}][{value}]"
        if len(words) < 2:
            return "-ERR invalid syntax"
        value = " ".join(words[1:])
        self._filters.append((words[0], value))
        return f"+OK filter added. [{words[0]}]=[{value}]"
