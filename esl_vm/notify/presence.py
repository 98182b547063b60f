"""A mailbox on a key of a telephone: the key that watches `voicemail+1001` is lit while 1001 has new messages.

mod_sofia makes of such a SUBSCRIBE (events `dialog`, `presence`) one of the protocol `voicemail`, and asks for its state with
a PRESENCE_PROBE, as it does for mod_fifo's queues; PRESENCE_IN of that protocol reaches all that watch, on every profile
(sofia_presence.c, sofia_presence_handle_sip_i_subscribe and actual_sofia_presence_event_handler).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from esl_vm.model.mailbox import MailboxId
from esl_vm.notify.lamp_node import HOST
from esl_vm.notify.summary import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.notify.lamp_counts import LampCounts
    from esl_vm.notify.lamp_node import LampNode

PROTOCOL = "voicemail"
PROBE = "PRESENCE_PROBE"
_PREFIX = f"{PROTOCOL}+"


class Presence:
    """The keys of one node's telephones. It tells FreeSWITCH what changed, once; a telephone that subscribes asks.

    Args:
        switch, node, counts: this node's FreeSWITCH, what it serves, the counts.
    """

    def __init__(self, switch: EventSocketSwitch, node: LampNode, counts: LampCounts) -> None:
        self._switch, self._node, self._counts = switch, node, counts
        self._told: dict[MailboxId, int] = {}
        self._lock = threading.Lock()

    def show(self, box: MailboxId) -> None:
        """Tell what a mailbox's keys have to show, unless FreeSWITCH was told that already."""
        new = self._counts.new(box)
        with self._lock:
            if self._told.get(box) == new or (new is None and box not in self._told):
                return
            self._told[box] = new or 0
        told = [self._fire(account, new or 0) for account in self._node.accounts(box, self._counts)]
        if new is None or not all(told):
            with self._lock:
                self._told.pop(box, None)

    def forget(self) -> None:
        """FreeSWITCH is there anew, and was told nothing."""
        with self._lock:
            self._told.clear()

    def asked(self, probe: Mapping[str, str]) -> Account | None:
        """The account a probe asks for; None: it is about no mailbox that there can be.

        mod_sofia writes it into XML as it is: what a hostile telephone subscribes to is no number or no host.
        """
        named = probe.get("to", "")
        account = Account.parse(named.removeprefix(_PREFIX)) if named.startswith(_PREFIX) else None
        if account is None or not HOST.fullmatch(account.host) or MailboxId.of(account.user, "any") is None:
            return None
        return account

    def answer(self, account: Account, now: float) -> bool:
        """Tell those that watch an account what it shows at that time (epoch seconds); nobody's mailbox has nothing new."""
        box = self._node.lamp(account, self._counts)
        new = self._counts.new(box) if box is not None else None
        self._node.learn(account.host if new is not None else "", "", now)
        return self._fire(account, new or 0)

    def _fire(self, account: Account, new: int) -> bool:
        """A dialog that is confirmed lights the key; none puts it out.

        Dark has no `unique-id`: with that of a dialog that has ended mod_sofia shows the account's own call, so that a key
        would stay lit where its owner deletes the last message by telephone.
        """
        headers = {
            "proto": PROTOCOL,
            "login": str(account),
            "from": str(account),
            "rpid": "unknown",
            "force-status": f"{new} new" if new else "Idle",
            "status": f"Active ({new} new)" if new else "Idle",
            "event_type": "presence",
            "alt_event_type": "dialog",
            "event_count": "0",
        }
        if new:
            lit = {
                "channel-state": "CS_ROUTING",
                "unique-id": f"{_PREFIX}{account}",
                "answer-state": "confirmed",
                "presence-call-direction": "inbound",
            }
            headers |= lit
        return self._switch.fire("PRESENCE_IN", headers)
