"""Telephones that registered anew and for which mod_sofia asks nothing.

By default (send-message-query-on-register first-only) mod_sofia asks for a registering telephone's lamp only if it did
not ask for that user within 30 seconds (sofia_reg.c, debounce_check), so one that was restarted may stay dark until the
next message. Its registration's Call-ID is new, which tells it from one that only refreshes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The event that mod_sofia fires for every registration.
REGISTER = "CUSTOM sofia::register"
#: Those for one that ends, by the telephone or by its time.
ENDED = ("CUSTOM sofia::unregister", "CUSTOM sofia::expire")


class NewRegistrations:
    """Registrations that wait whether mod_sofia asks for them.

    Args:
        grace_s: how long it may take to ask, seconds. most: how many registrations are remembered.
    """

    def __init__(self, grace_s: float = 1.0, most: int = 50_000) -> None:
        self._grace_s = grace_s
        self._most = most
        self._known: OrderedDict[str, None] = OrderedDict()
        self._waiting: OrderedDict[str, tuple[float, dict[str, str]]] = OrderedDict()
        self._lock = threading.Lock()

    def registered(self, event: Mapping[str, str], now: float) -> None:
        """A telephone registered; one whose Call-ID is known only refreshes."""
        call_id = event.get("call-id", "")
        account = event.get("mwi-account") or event.get("from-user", "")
        if "@" not in account:
            account = f"{account}@{event.get('from-host', '')}"
        with self._lock:
            if call_id and self._is_new(call_id):
                query = {"Message-Account": f"sip:{account.removeprefix('sip:')}", "VM-Call-ID": call_id}
                if event.get("profile-name"):
                    query["VM-Sofia-Profile"] = event["profile-name"]
                self._waiting[call_id] = (now + self._grace_s, query)

    def asked(self, call_id: str) -> None:
        """mod_sofia asked for that registration: it need not be told again."""
        with self._lock:
            self._waiting.pop(call_id, None)
            self._is_new(call_id)

    def forget(self, call_id: str) -> None:
        """That registration ended."""
        with self._lock:
            self._known.pop(call_id, None)
            self._waiting.pop(call_id, None)

    def due(self, now: float) -> tuple[list[dict[str, str]], float | None]:
        """What mod_sofia would have asked for those whose time is over; when the next one's is, None if none waits."""
        due: list[dict[str, str]] = []
        with self._lock:
            while self._waiting:
                at, query = next(iter(self._waiting.values()))
                if at > now:
                    return due, at
                self._waiting.popitem(last=False)
                due.append(query)
        return due, None

    def _is_new(self, call_id: str) -> bool:
        """Whether it was never seen; from now on it was."""
        new = call_id not in self._known
        self._known[call_id] = None
        self._known.move_to_end(call_id)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return new
