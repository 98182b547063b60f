"""The message lamps of one node's telephones: MESSAGE_WAITING to mod_sofia, and the answers to its MESSAGE_QUERY.

Each node has its own Lamps, since mod_sofia serves only telephones registered on its own host (sofia_presence.c selects
by hostname). The headers are those of mod_voicemail; mod_sofia sends every `MWI-` header, in this order and without the
prefix, as a line of the NOTIFY's body (RFC 3842).
"""

from __future__ import annotations

import heapq
import logging
import threading
from typing import TYPE_CHECKING

from esl_vm.model.events import EventType
from esl_vm.notify.new_registrations import NewRegistrations
from esl_vm.notify.summary import Account, Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.notify.lamp_counts import LampCounts
    from esl_vm.notify.lamp_node import LampNode
    from esl_vm.notify.presence import Presence
    from esl_vm.ports import Clock

log = logging.getLogger(__name__)

#: mod_voicemail's Update-Reason for what happened; what is not here says UNKNOWN.
REASONS = {
    EventType.DELIVERED: "NEW",
    EventType.RESTORED: "NEW",
    EventType.HEARD: "READ",
    EventType.RETIRED: "SAVE",
    EventType.MOVED: "SAVE",
    EventType.DELETED: "DELETE",
    EventType.BOX_REMOVED: "PURGE",
}
_CHANGES = {EventType.DELIVERED, EventType.RESTORED, EventType.RETIRED, EventType.MOVED, EventType.DELETED}


class Lamps:
    """Fires what the counts show. Passive: `fire_due` does the work, when the time has come that it last returned.

    Args:
        switch, node, counts, clock: this node's FreeSWITCH, what it serves, the counts, the time.
        coalesce_s: changes of one lamp within so many seconds make one event.
        per_second: most lamps fired in a second where many are resent; a change meanwhile need not wait for them.
        observe: told, when a change has reached its lamp, how many seconds after it.
        presence: the keys that watch mailboxes; None: there are none.
    """

    def __init__(
        self,
        switch: EventSocketSwitch,
        node: LampNode,
        counts: LampCounts,
        clock: Clock,
        *,
        coalesce_s: float = 0.2,
        per_second: int = 500,
        observe: Callable[[float], None] | None = None,
        presence: Presence | None = None,
    ) -> None:
        self._switch = switch
        self._node = node
        self._counts = counts
        self._clock = clock
        self._coalesce_s = coalesce_s
        self._per_second = per_second
        self._observe = observe
        self._presence = presence
        self._since: dict[MailboxId, float] = {}  # changes no telephone was told of yet
        # What changed goes before what is only sent again, however much of that is overdue.
        self._changes: list[tuple[float, int, MailboxId]] = []
        self._resends: list[tuple[float, int, MailboxId]] = []
        self._due: dict[MailboxId, tuple[float, str]] = {}
        self._shown: dict[MailboxId, Summary] = {}
        self._new_registrations = NewRegistrations()
        self._count = 0
        self._lock = threading.Lock()

    @property
    def waiting_s(self) -> float:
        """For how long the oldest change waits to be told, seconds; 0 if none does."""
        with self._lock:
            return max(0.0, self._clock.now() - min(self._since.values())) if self._since else 0.0

    def changed(self, lamps: Iterable[MailboxId], what: EventType | None = None, at: float | None = None) -> None:
        """Something happened to these lamps' mailboxes: fire them in a moment, unless they show that already.

        A message that came, went or moved is always fired, even if the counts are the same in the end.

        Args:
            lamps: which ones.
            what: what happened.
            at: when, epoch seconds; None: now.
        """
        reason = REASONS.get(what, "UNKNOWN") if what else "UNKNOWN"
        for lamp in lamps:
            if what in _CHANGES or self._shown.get(lamp) != self._counts.lamp(lamp):
                with self._lock:
                    self._since.setdefault(lamp, self._clock.now() if at is None else at)
                self._put(self._changes, lamp, self._clock.now() + self._coalesce_s, reason)

    def resend(self, lamps: Iterable[MailboxId]) -> None:
        """Fire these lamps again in any case, in this order, no more of them in a second than may be."""
        now = self._clock.now()
        for place, lamp in enumerate(lamps):
            self._put(self._resends, lamp, now + place / self._per_second, "UNKNOWN")

    def reconnected(self) -> None:
        """FreeSWITCH is there (again): everything is fired, first what changed while it was away."""
        if self._presence is not None:
            self._presence.forget()
        lamps = self._counts.lamps()
        with self._lock:
            shown, self._shown = self._shown, {}
        gone = [lamp for lamp in shown if lamp not in self._counts]
        stale = {lamp for lamp in lamps if shown.get(lamp) != self._counts.lamp(lamp)}
        self.resend([*gone, *(lamp for lamp in lamps if lamp in stale), *(lamp for lamp in lamps if lamp not in stale)])

    def fire_due(self) -> float | None:
        """Fire what is due, lamps of new registrations first; returns when more will be (epoch seconds), None if nothing waits.

        With FreeSWITCH away nothing is fired and nothing kept waiting: `reconnected` fires everything anyway.
        """
        new, next_new = self._new_registrations.due(self._clock.now())
        for query in new:
            self.answer(query)
        next_lamp = self._fire_lamps()
        return min((at for at in (next_new, next_lamp) if at is not None), default=None)

    def _fire_lamps(self) -> float | None:
        """Fire the lamps whose time has come; returns when the next one's comes, None if none waits."""
        while True:
            with self._lock:
                now = self._clock.now()
                firsts = [
                    first for queue in (self._changes, self._resends) if (first := self._first(queue)) is not None
                ]
                due = next((lamp for at, lamp in firsts if at <= now), None)
                if due is None:
                    return min((at for at, _ in firsts), default=None)
                reason = self._due.pop(due)[1]
            self._fire(due, reason)

    def _first(self, queue: list[tuple[float, int, MailboxId]]) -> tuple[float, MailboxId] | None:
        """The lamp of a queue whose time comes first; what was fired or moved meanwhile is dropped."""
        while queue and self._due.get(queue[0][2], (None, ""))[0] != queue[0][0]:
            heapq.heappop(queue)
        return (queue[0][0], queue[0][2]) if queue else None

    def answer(self, query: Mapping[str, str]) -> bool:
        """Answer a MESSAGE_QUERY with the lamp of the telephone that registered or subscribed; False if it can't be.

        Carries every `VM-` header of the query back without its prefix (Sofia-Profile, and Call-ID of a registration
        or sub-call-id of a subscription), so that only the telephone that asked is told (mod_voicemail.c,
        actual_message_query_handler). Nobody's mailbox is told "no".
        """
        text = query.get("Message-Account", "").strip()
        account = Account.parse(text)
        if account is None:
            log.warning("FreeSWITCH asks for the lamp of %r, which is no account", text[:80])
            return False
        self._new_registrations.asked(query.get("VM-Call-ID", ""))
        lamp = self._node.lamp(account, self._counts)
        known = lamp is not None and lamp in self._counts
        profile = query.get("VM-Sofia-Profile", "")
        self._node.learn(account.host if known else "", profile, self._clock.now())
        headers = _waiting(text, self._counts.lamp(lamp) if lamp else Summary(), "", counted=known)
        headers |= {name[3:]: value for name, value in query.items() if name[:3].lower() == "vm-"}
        return self._switch.fire("MESSAGE_WAITING", headers)

    def unregistered(self, event: Mapping[str, str]) -> None:
        """A telephone's registration ended: the next one is new, though it have the same Call-ID."""
        self._new_registrations.forget(event.get("call-id", ""))

    def registered(self, event: Mapping[str, str]) -> None:
        """A telephone registered (mod_sofia's sofia::register): see new_registrations.py."""
        self._new_registrations.registered(event, self._clock.now())

    def _put(self, queue: list[tuple[float, int, MailboxId]], lamp: MailboxId, due: float, reason: str) -> None:
        """Fire a lamp at a time, or earlier if it waits already; the reason said is the latest that is known."""
        with self._lock:
            waiting = self._due.get(lamp)
            if waiting:
                reason = reason if reason != "UNKNOWN" else waiting[1]
                due = min(due, waiting[0])
            self._due[lamp] = (due, reason)
            if waiting is None or due != waiting[0] or queue is self._changes:
                self._count += 1
                heapq.heappush(queue, (due, self._count, lamp))

    def _fire(self, lamp: MailboxId, reason: str) -> None:
        """Tell every account that means this lamp, through every profile."""
        summary = self._counts.lamp(lamp)
        reached = True
        for account in self._node.accounts(lamp, self._counts):
            headers = _waiting(str(account), summary, reason, counted=True)
            for profile in self._node.profiles or ("",):
                chosen = {"Sofia-Profile": profile} if profile else {}
                reached = self._switch.fire("MESSAGE_WAITING", headers | chosen) and reached
        if self._presence is not None:
            self._presence.show(lamp)
        with self._lock:
            since = self._since.pop(lamp, None) if reached else None
            if not reached:
                self._shown.pop(lamp, None)
            elif lamp in self._counts:
                self._shown[lamp] = summary
            else:
                self._shown.pop(lamp, None)
        if since is not None and self._observe is not None:
            self._observe(max(0.0, self._clock.now() - since))


def _waiting(account: str, summary: Summary, reason: str, *, counted: bool) -> dict[str, str]:
    """The headers of a MESSAGE_WAITING, in the order in which the NOTIFY's body has them."""
    headers = {"MWI-Messages-Waiting": summary.waiting, "MWI-Message-Account": account}
    if counted:
        headers["MWI-Voice-Message"] = str(summary)
    if reason:
        headers["Update-Reason"] = reason
    return headers
