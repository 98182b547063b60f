"""What a node reports to administrators elsewhere: what doctor finds here, what lies in its spool; and what they ask of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from esl_vm.model.actor import acting
from esl_vm.model.errors import InvalidValueError, SpoolError, StoreDownError
from esl_vm.model.findings import Finding, HeldTake, Level, NodeReport, Order, OrderKind
from esl_vm.ops.callers import answer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.ops.node import Node

log = logging.getLogger(__name__)

PAUSE_S = 2.0
_LOOK_EVERY_S, _TELL_EVERY_S = 600.0, 10.0
_MOST_TAKES = 100


class Reporter:
    """Tells it every ten seconds; makes doctor's checks every ten minutes, and when it is asked to.

    Args:
        node: the stores. switch: its FreeSWITCH, if it has one.
        clock: seconds, monotonic.
    """

    def __init__(self, node: Node, switch: EventSocketSwitch | None, clock: Callable[[], float]) -> None:
        self._node, self._switch, self._clock = node, switch, clock
        self._name = node.settings.service.node
        self._found: tuple[Finding, ...] = ()
        self._at = 0.0
        self._look_at = clock() + _LOOK_EVERY_S / 20  # once all processes are there
        self._tell_at = 0.0

    def step(self) -> None:
        """Do what was asked, look and tell where it is time to; raises StoreDownError."""
        orders = self._node.store.cluster.orders(self._name)
        for order in orders:
            self._do(order)
        now = self._clock()
        if now >= self._look_at or any(order.kind is OrderKind.LOOK for order in orders):
            self._look_at = now + _LOOK_EVERY_S
            self._look()
        elif not orders and now < self._tell_at:
            return
        self._tell_at = self._clock() + _TELL_EVERY_S
        self._node.store.cluster.publish_report(NodeReport(self._name, self._at, self._found, self._takes()))

    def _do(self, order: Order) -> None:
        try:
            with acting(order.by):
                match order.kind:
                    case OrderKind.SETTLE:
                        self._node.sweeper.settle(order.take)
                    case OrderKind.DISCARD:
                        self._node.sweeper.discard(order.take)
                    case OrderKind.LOOK:
                        pass
                    case OrderKind.FIND_CALLER | OrderKind.ERASE_CALLER:
                        self._node.store.cluster.answer(order, answer_of(self._node, order))
        except (InvalidValueError, SpoolError, StoreDownError) as wrong:
            log.warning("%s of the take %s, for %s: %s", order.kind, order.take or "-", order.by, wrong)

    def _look(self) -> None:
        from esl_vm.ops.examine import look_around, look_at_stores, look_at_switch
        from esl_vm.ops.ownership import check_owners

        node = self._node
        found = [*look_at_stores(node), *look_at_switch(node, self._switch), *look_around(node.settings)]
        found += check_owners(node.settings)
        wrong = [one for one in found if one.level is not Level.OK]
        self._found = tuple(sorted(wrong, key=lambda one: one.level is not Level.ERROR))
        self._at = node.clock.now()

    def _takes(self) -> tuple[HeldTake, ...]:
        """Those that nobody is at work on, first those that are in quarantine."""
        try:
            takes = [take for take in self._node.spool.takes() if take.state != "recording"]
        except SpoolError as wrong:
            log.debug("the spool is not reported: %s", wrong)
            return ()
        takes.sort(key=lambda take: take.state not in {"aside", "stray"})
        return tuple(
            HeldTake(take.id, take.kind, take.boxes, take.state, take.age_s, take.size, take.reason)
            for take in takes[:_MOST_TAKES]
        )
