"""The figures for Prometheus: what is counted, and how the processes of a node are added up.

Every process counts for itself in files of one folder (prometheus_client's multiprocess mode), so that counting waits
for nobody and a worker that dies takes nothing with it; the steward adds the files up when it is asked. Why so is in
docs/decisions/0007-metrics.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from esl_vm import __version__
from esl_vm.ops.metrics_folder import dead_processes, prune
from esl_vm.ops.tally import BulkHistogram, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from prometheus_client.core import Metric

    from esl_vm.ops.snapshot import Snapshot
    from esl_vm.ops.stories import Story

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
_SOUND = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0)
_CALL = (1, 5, 15, 30, 60, 120, 300, 600, 1800)
_LAMP = (0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 900)
_FINISHED = frozenset({"completed", "failed", "cut short", "refused"})


class Metrics:
    """What the processes of a service count.

    Args:
        folder: where the processes' files are added up from; None: only this process is (tests).
        later: see Tally.
    """

    def __init__(self, folder: Path | None = None, later: Callable[[Callable[[], None]], object] | None = None) -> None:
        self._folder = folder
        self._tally = Tally(later)
        self._registry = registry = CollectorRegistry()
        self._calls = Counter("esl_vm_calls", "Calls that ended", ["action", "status", "end"], registry=registry)
        self._running = Gauge(
            "esl_vm_calls_running", "Calls being held", registry=registry, multiprocess_mode="livesum"
        )
        self._workers = Gauge(
            "esl_vm_workers", "Processes that take calls", registry=registry, multiprocess_mode="livesum"
        )
        self._seconds = BulkHistogram(
            "esl_vm_call_seconds", "How long calls lasted", ["action"], buckets=_CALL, registry=registry
        )
        self._first_sound = BulkHistogram(
            "esl_vm_first_sound_seconds",
            "From FreeSWITCH's connection to the first sound's command",
            ["action"],
            buckets=_SOUND,
            registry=registry,
        )
        self._key = BulkHistogram(
            "esl_vm_key_seconds",
            "From a caller's key to the command that answers it",
            buckets=_QUICK,
            registry=registry,
        )
        self._keys = Counter("esl_vm_keys", "Keys callers pressed", registry=registry)
        self._redis = BulkHistogram(
            "esl_vm_redis_seconds", "How long a call to Redis took", buckets=_QUICK, registry=registry
        )
        self._redis_errors = Counter("esl_vm_redis_errors", "Calls to Redis that failed", registry=registry)
        self._lamp = BulkHistogram(
            "esl_vm_lamp_lag_seconds",
            "From a change in a mailbox to its lamp's event in FreeSWITCH",
            buckets=_LAMP,
            registry=registry,
        )
        self._pins = Counter("esl_vm_pin_checks", "PINs typed", ["result"], registry=registry)
        self._cache = Counter(
            "esl_vm_audio_cache_requests", "Sounds asked of the node's cache", ["result"], registry=registry
        )

    def taking_calls(self, yes: bool) -> None:
        """Whether this process takes calls now."""
        self._workers.set(1 if yes else 0)

    def write(self) -> None:
        """Write what was counted and waits for that."""
        self._tally.write()

    def call_began(self) -> None:
        """A call has come."""
        self._tally.add(self._running)

    def call_ended(self, story: Story, *, seconds: float, keys: int, end: str) -> None:
        """A call that began is over; see Story.told."""
        self._tally.add(self._running, amount=-1)
        self.call_counted(story.action, story.status, end)
        see = self._tally.see
        see(self._seconds, story.action, values=(seconds,))
        self._tally.add(self._keys, amount=keys)
        if story.first_sound_s is not None:
            see(self._first_sound, story.action, values=(story.first_sound_s,))
        see(self._key, values=story.answers_s)

    def call_counted(self, action: str, status: str, end: str) -> None:
        """Count a call; every way for a caller to be gone counts as `hung up`, whatever the cause."""
        kind = end if end in _FINISHED else "transferred" if end == "transferred" else "hung up"
        self._tally.add(self._calls, action, status or "none", kind)

    def redis_called(self, seconds: float, worked: bool) -> None:
        """A call to Redis took so long; what Link's `observe` is told."""
        self._tally.see(self._redis, values=(seconds,))
        if not worked:
            self._tally.add(self._redis_errors)

    def lamp_fired(self, lag_s: float) -> None:
        """A lamp was told, so many seconds after the change."""
        self._tally.see(self._lamp, values=(lag_s,))

    def pin_checked(self, result: str) -> None:
        """A PIN was typed: `right`, `wrong` or `locked`."""
        self._tally.add(self._pins, result)

    def sound_asked(self, hit: bool) -> None:
        """A sound was asked of the cache, and was there or not."""
        self._tally.add(self._cache, "hit" if hit else "miss")

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """A sample's value in all processes together, 0 if there is none; labels that are not named are added up."""
        wanted = labels or {}
        registry = self._all()
        return sum(
            sample.value
            for metric in registry.collect()
            for sample in metric.samples
            if sample.name == name and all(sample.labels.get(key) == word for key, word in wanted.items())
        )

    def exposition(self, look: Callable[[], Snapshot] | None = None) -> bytes:
        """Everything in Prometheus' text format, the node's state included."""
        registry = self._all()
        if look is not None:
            registry.register(_State(look()))
        return generate_latest(registry)

    def _all(self) -> CollectorRegistry:
        if self._folder is None:
            return _Together(self._registry)
        for pid in dead_processes(self._folder):  # what they counted stays, what they were doing does not
            mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]
        prune(self._folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]
        return registry


class _Together(CollectorRegistry):
    """A registry of one process, to which more can be added without changing it."""

    def __init__(self, own: CollectorRegistry) -> None:
        super().__init__()
        self._own = own

    def collect(self) -> Iterator[Metric]:
        yield from self._own.collect()
        yield from super().collect()


class _State:
    """The node's state as gauges."""

    def __init__(self, state: Snapshot) -> None:
        self._state = state

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        state = self._state
        info = GaugeMetricFamily("esl_vm_info", "The service and its version", labels=["version", "node"])
        info.add_metric([__version__, state.node], 1)
        yield info
        yield _gauge("esl_vm_redis_up", "Whether Redis answers", state.redis_up)
        takes = GaugeMetricFamily("esl_vm_spool_takes", "Recordings in the spool", labels=["state"])
        for name, number in sorted(state.takes.items()):
            takes.add_metric([name], number)
        yield takes
        yield _gauge("esl_vm_spool_oldest_seconds", "Age of the oldest recording that waits", state.oldest_take_s)
        yield _gauge("esl_vm_spool_free_bytes", "Free on the spool's disk", state.spool_free)
        yield _gauge("esl_vm_audio_cache_bytes", "Size of the node's cache of sounds", state.cache_bytes)
        yield _gauge("esl_vm_audio_cache_files", "Sounds in it", state.cache_files)
        yield _gauge(
            "esl_vm_lamp_waiting_seconds", "For how long the oldest change waits for its lamp", state.lamp_wait_s
        )
        if state.freeswitch_up is not None:
            yield _gauge("esl_vm_freeswitch_up", "Whether FreeSWITCH's event socket is connected", state.freeswitch_up)
        if state.redis_up:
            yield _gauge("esl_vm_locked_mailboxes", "Mailboxes whose PIN is locked, in the cluster", state.locked)
            jobs = GaugeMetricFamily("esl_vm_outbox_jobs", "Mail and webhook calls of the cluster", labels=["queue"])
            for name, number in sorted(state.jobs.items()):
                jobs.add_metric([name], number)
            yield jobs
            yield _gauge("esl_vm_outbox_overdue_seconds", "How late the job is that is due longest", state.overdue_s)
            yield _gauge("esl_vm_nodes", "Nodes of the cluster that are alive", state.nodes)


def _gauge(name: str, doc: str, value: float) -> Metric:
    return GaugeMetricFamily(name, doc, float(value))
