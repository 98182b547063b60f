"""The state of a node at one moment: what /metrics, /readyz, `esl-vm top` and the cluster's list of nodes tell of it."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from esl_vm.model.errors import SpoolError, StoreDownError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.cluster import ClusterState
    from esl_vm.notify.service import NotifyService
    from esl_vm.ops.metrics import Metrics
    from esl_vm.ops.node import Node

_CACHE_LOOK_S = 60.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a node is like.

    Args:
        node: its name. at: epoch seconds.
        takes: recordings in the spool by state. oldest_take_s: age of the oldest that waits to be delivered.
        spool_wrong: why the spool can't be used, `` if it can. spool_free: bytes free on its disk.
        cache_bytes, cache_files: size of the cache of sounds.
        cluster: what the cluster shares; None where Redis is away. redis_wrong: why it is.
        lamp_wait_s: for how long the oldest change waits for its lamp, seconds.
        clock_skew_s: how far this host's clock is ahead of Redis', seconds.
        freeswitch_up: whether the event socket to FreeSWITCH is connected; None where there is none.
        workers, calls: processes that take calls, calls being held.
        differing: in what this node does not agree with the others of its installation.
    """

    node: str
    at: float
    takes: dict[str, int] = field(default_factory=dict)
    oldest_take_s: float = 0.0
    spool_wrong: str = ""
    spool_free: int = 0
    cache_bytes: int = 0
    cache_files: int = 0
    cluster: ClusterState | None = None
    redis_wrong: str = ""
    lamp_wait_s: float = 0.0
    freeswitch_up: bool | None = None
    workers: int = 0
    calls: int = 0
    differing: tuple[str, ...] = ()
    clock_skew_s: float = 0.0

    @property
    def not_ready(self) -> list[str]:
        """Why this node can't do all that is asked of it; nothing if it can."""
        why = []
        if self.cluster is None:
            why.append(f"redis: {self.redis_wrong}")
        elif self.cluster.refuses:
            why.append(f"redis: {self.cluster.refuses}")
        if self.spool_wrong:
            why.append(f"spool: {self.spool_wrong}")
        if not self.workers:
            why.append("workers: none takes calls")
        why += [f"settings: {one}" for one in self.differing]
        return why


class Looker:
    """Takes snapshots, one for all who ask within a moment: asking often costs nothing.

    Args:
        node: the stores. metrics: of all its processes.
        notifier, switch: where this process has them.
        differing: in what this node does not agree with the others; looked at anew each time.
        fresh_s: seconds for which a snapshot is good. clock: seconds, monotonic.
    """

    def __init__(
        self,
        node: Node,
        metrics: Metrics,
        notifier: NotifyService | None = None,
        switch: EventSocketSwitch | None = None,
        differing: Sequence[str] = (),
        *,
        fresh_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._node = node
        self._metrics = metrics
        self._notifier = notifier
        self._switch = switch
        self._differing = differing
        self._fresh_s = fresh_s
        self._clock = clock
        self._last: tuple[float, Snapshot] | None = None
        self._cache: tuple[float, int, int] | None = None

    def look(self) -> Snapshot:
        """How the node is now, or was a moment ago; raises nothing."""
        now = self._clock()
        if self._last is None or now - self._last[0] >= self._fresh_s:
            self._last = (now, self._take(now))
        return self._last[1]

    def _take(self, now: float) -> Snapshot:
        node = self._node
        takes: dict[str, int] = {}
        oldest = 0.0
        spool_wrong = ""
        free = 0
        try:
            for take in node.spool.takes():
                takes[take.state] = takes.get(take.state, 0) + 1
                if take.state not in {"recording", "aside"}:
                    oldest = max(oldest, float(take.age_s))
            node.spool.folder.make_ready()
            free = shutil.disk_usage(node.spool.folder.takes).free
        except (SpoolError, OSError) as wrong:
            spool_wrong = str(wrong)
        redis_wrong = ""
        state = None
        try:
            state = node.store.cluster.state()
        except StoreDownError as wrong:
            redis_wrong = str(wrong)
        _, cache_bytes, cache_files = self._cache_size(now)
        return Snapshot(
            node=node.settings.service.node,
            at=node.clock.now(),
            takes=takes,
            oldest_take_s=oldest,
            spool_wrong=spool_wrong,
            spool_free=free,
            cache_bytes=cache_bytes,
            cache_files=cache_files,
            cluster=state,
            redis_wrong=redis_wrong,
            lamp_wait_s=self._notifier.lamp_wait_s if self._notifier else 0.0,
            freeswitch_up=self._switch.connected if self._switch else None,
            workers=int(self._metrics.value("esl_vm_workers")),
            calls=int(self._metrics.value("esl_vm_calls_running")),
            differing=tuple(self._differing),
            clock_skew_s=node.clock.skew,
        )

    def _cache_size(self, now: float) -> tuple[float, int, int]:
        """When it was looked at, its bytes and files; thousands of files are not counted at every scrape."""
        if self._cache is None or now - self._cache[0] >= _CACHE_LOOK_S:
            size = files = 0
            for path in _files(self._node.cache.folder):
                with contextlib.suppress(OSError):  # thrown away meanwhile
                    size += path.stat().st_size
                    files += 1
            self._cache = (now, size, files)
        return self._cache


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.glob("*/*") if not path.name.startswith("."))
