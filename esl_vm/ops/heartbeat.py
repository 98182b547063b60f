"""What keeps a node in the cluster's list: it reports every few seconds that it is alive, and its state."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import gevent

from esl_vm import __version__
from esl_vm.model.agreement import FIELD
from esl_vm.model.errors import StoreDownError
from esl_vm.store.store import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.ops.metrics import Metrics
    from esl_vm.ops.snapshot import Snapshot
    from esl_vm.store.cluster import Cluster

log = logging.getLogger(__name__)

BEAT_S = 5.0


class Heartbeat:
    """Tells until it is stopped.

    Args:
        nodes: where. look: how the node is. metrics: what it has counted. listens: where calls are taken.
        agree: what the nodes must have in common (model/agreement.py). clock: seconds since 1970.
    """

    def __init__(
        self,
        nodes: Cluster,
        look: Callable[[], Snapshot],
        metrics: Metrics,
        *,
        listens: str,
        agree: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._nodes = nodes
        self._look = look
        self._metrics = metrics
        self._fixed = {"listen": listens, "started": f"{clock():.3f}", **({FIELD: agree} if agree else {})}
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin: the first time before this returns, so that at a reload the list has this process before the former leaves."""
        self._try()
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Stop, and leave the list."""
        if self._greenlet is not None:
            self._greenlet.kill()
        try:
            self._nodes.leave(self._look().node, self._fixed["started"])
        except StoreDownError as away:
            log.info("this node stays in the cluster's list until its entry expires: %s", away)

    def beat(self) -> None:
        """Tell once; raises StoreDownError."""
        state = self._look()
        freeswitch = {None: "none", True: "up", False: "down"}[state.freeswitch_up]
        self._nodes.report(
            state.node,
            __version__,
            SCHEMA,
            {
                **self._fixed,
                "workers": str(state.workers),
                "calls": str(state.calls),
                "calls_total": f"{self._metrics.value('esl_vm_calls_total'):.0f}",
                "calls_failed": f"{self._metrics.value('esl_vm_calls_total', {'end': 'failed'}):.0f}",
                "spool_waiting": str(sum(n for name, n in state.takes.items() if name not in {"recording", "aside"})),
                "spool_aside": str(state.takes.get("aside", 0)),
                "spool_oldest_s": f"{state.oldest_take_s:.0f}",
                "lamp_wait_s": f"{state.lamp_wait_s:.1f}",
                "clock_skew_s": f"{state.clock_skew_s:.1f}",
                "freeswitch": freeswitch,
                "ready": "; ".join(state.not_ready) or "yes",
            },
        )

    def _run(self) -> None:
        while True:
            gevent.sleep(BEAT_S)
            self._try()

    def _try(self) -> None:
        try:
            self.beat()
        except StoreDownError as away:
            log.debug("not reported: %s", away)
        except Exception:  # the outermost handler: the next beat may succeed
            log.exception("telling that this node is alive")
