"""The metrics for Prometheus: what is counted, and how the processes of a node are added up.

Every process counts for itself, and every half second puts what it counted into memory that all of them share
(ops/metrics_memory.py), so that counting waits for nobody and a worker that dies takes next to nothing with it; the
background process adds up when it is asked. Why so is in docs/decisions/0007-metrics.md.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from esl_vm import __version__
from esl_vm.ops import logs
from esl_vm.ops.metrics_memory import add

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from esl_vm.ops.call_records import CallRecord
    from esl_vm.ops.metrics_memory import MetricsMemory, MetricsSlot, Samples
    from esl_vm.ops.snapshot import Snapshot

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
_SOUND = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0)
_CALL = (1, 5, 15, 30, 60, 120, 300, 600, 1800)
_LAMP = (0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 900)
_ENDS = frozenset({"completed", "failed", "cut short", "refused", "transferred", "taken"})

log = logging.getLogger(__name__)

WRITE_S = 0.5
"""How often a process writes what it counted, seconds: what is lost of it when the process is killed."""


class Metrics:
    """What the processes of a service count.

    Args:
        slot: where this process writes what it counted, after what its predecessor had; None: nowhere.
        memory: all processes' slots, of which this is one; None: only this process is (tests, `esl-vm notify`).
        later: runs what it is given after `WRITE_S`, once; None: it is written at once.
    """

    def __init__(
        self,
        slot: MetricsSlot | None = None,
        memory: MetricsMemory | None = None,
        later: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._slot = slot
        self._memory = memory
        self._later = later
        self._waiting = False
        self._before: Samples = slot.read()[0] if slot else {}
        self._registry = CollectorRegistry()
        counter = partial(Counter, registry=self._registry)
        gauge = partial(Gauge, registry=self._registry)
        histogram = partial(Histogram, registry=self._registry)
        self._calls = counter("esl_vm_calls", "Calls that ended", ["action", "status", "end"])
        self._running = gauge("esl_vm_calls_running", "Calls being held")
        self._workers = gauge("esl_vm_workers", "Processes that take calls")
        self._seconds = histogram("esl_vm_call_seconds", "How long calls lasted", ["action"], buckets=_CALL)
        self._first_sound = histogram(
            "esl_vm_first_sound_seconds",
            "From FreeSWITCH's connection to the first sound's command",
            ["action"],
            buckets=_SOUND,
        )
        self._key = histogram(
            "esl_vm_key_seconds", "From a caller's key to the command that answers it", buckets=_QUICK
        )
        self._keys = counter("esl_vm_keys", "Keys callers pressed")
        self._redis = histogram("esl_vm_redis_seconds", "How long a call to Redis took", buckets=_QUICK)
        self._redis_errors = counter("esl_vm_redis_errors", "Calls to Redis that failed")
        self._lamp = histogram(
            "esl_vm_lamp_lag_seconds", "From a change in a mailbox to its lamp's event in FreeSWITCH", buckets=_LAMP
        )
        self._pins = counter("esl_vm_pin_checks", "PINs typed", ["result"])
        self._outgoing = counter("esl_vm_outgoing_calls", "Callers sent on to a number, or refused it", ["result"])
        for result in ("placed", "refused"):  # there from the start: an alert sees the first one rise
            self._outgoing.labels(result)
        self._web = counter("esl_vm_web_answers", "Requests to the pages and the API, answered", ["kind", "status"])
        self._web_seconds = histogram(
            "esl_vm_web_seconds", "From a request to the head of its answer", ["kind"], buckets=_QUICK
        )
        self._streams = gauge("esl_vm_web_streams", "Event streams that are open")
        self._sign_ins = counter("esl_vm_web_sign_ins", "Sign-ins to the pages and the API", ["way", "result"])
        self._cache = counter("esl_vm_audio_cache_requests", "Sounds asked of the node's cache", ["result"])
        self._log_lines = counter("esl_vm_log_lines_dropped", "Lines of the log nobody took")
        self._log_lines_known = logs.dropped()

    def taking_calls(self, yes: bool) -> None:
        """Whether this process takes calls now."""
        self._workers.set(1 if yes else 0)
        self._counted()

    def call_began(self) -> None:
        """A call has come."""
        self._running.inc()
        self._counted()

    def call_ended(self, record: CallRecord, *, seconds: float, keys: int, end: str) -> None:
        """A call that began is over; see CallRecord.as_logged."""
        self._running.dec()
        self.call_counted(record.action, record.status, end)
        self._seconds.labels(record.action).observe(seconds)
        self._keys.inc(keys)
        if record.first_sound_s is not None:
            self._first_sound.labels(record.action).observe(record.first_sound_s)
        for answer in record.answers_s:
            self._key.observe(answer)

    def call_counted(self, action: str, status: str, end: str) -> None:
        """Count a call; every way for a caller to be gone counts as `hung up`, whatever the cause."""
        self._calls.labels(action, status or "none", end if end in _ENDS else "hung up").inc()
        self._counted()

    def redis_called(self, seconds: float, worked: bool) -> None:
        """A call to Redis took so long; what Link's `observe` is told."""
        self._redis.observe(seconds)
        if not worked:
            self._redis_errors.inc()
        self._counted()

    def lamp_fired(self, lag_s: float) -> None:
        """A lamp was set, so many seconds after the change."""
        self._lamp.observe(lag_s)
        self._counted()

    def pin_checked(self, result: str) -> None:
        """A PIN was typed: `right`, `wrong` or `locked`."""
        self._pins.labels(result).inc()
        self._counted()

    def call_placed(self, placed: bool) -> None:
        """A caller was sent on to a number (3 2, 3 4, 0), or was refused it."""
        self._outgoing.labels("placed" if placed else "refused").inc()
        self._counted()

    def sound_asked(self, hit: bool) -> None:
        """A sound was asked of the cache, and was there or not."""
        self._cache.labels("hit" if hit else "miss").inc()
        self._counted()

    def web_answered(self, kind: str, status: int, seconds: float) -> None:
        """A request to the pages or the API was answered; kind: `page`, `api`, `sound`, `events` or `static`."""
        self._web.labels(kind, f"{status // 100}xx").inc()
        self._web_seconds.labels(kind).observe(seconds)
        self._counted()

    def streams_open(self, number: int) -> None:
        """So many event streams are open in this process."""
        self._streams.set(number)
        self._counted()

    def signed_in(self, way: str, worked: bool) -> None:
        """Somebody signed in through the web, or did not; way: `pin`, `link`, `oidc` or `mail`."""
        self._sign_ins.labels(way, "right" if worked else "wrong").inc()
        self._counted()

    def write(self) -> None:
        """Write what was counted to where all processes see it."""
        self._waiting = False
        dropped = logs.dropped()
        self._log_lines.inc(dropped - self._log_lines_known)
        self._log_lines_known = dropped
        if self._slot is None:
            return
        counters: Samples = dict(self._before)
        gauges: Samples = {}
        for metric in self._registry.collect():
            add(gauges if metric.type == "gauge" else counters, _samples(metric))
        if not self._slot.write(counters, gauges):
            log.warning("more metrics than there is room for; they are not counted")

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """A sample's value in all processes together, 0 if there is none; labels that are not named are added up."""
        wanted = (labels or {}).items()
        return sum(value for (_, found, has), value in self._total().items() if found == name and wanted <= set(has))

    def exposition(self, look: Callable[[], Snapshot] | None = None) -> bytes:
        """Everything in Prometheus' text format, the node's state included."""
        registry = CollectorRegistry()
        registry.register(_Collected([*self._families(), *(_state(look()) if look else ())]))
        return generate_latest(registry)

    def _families(self) -> Iterator[Metric]:
        """What all processes counted, described as this process describes it."""
        total = self._total()
        for known in self._registry.collect():
            metric = Metric(known.name, known.documentation, known.type)
            for (of, name, labels), value in total.items():
                if of == known.name:
                    metric.add_sample(name, dict(labels), value)
            yield metric

    def _counted(self) -> None:
        if self._later is None:
            self.write()
        elif not self._waiting:
            self._waiting = True
            self._later(self.write)

    def _total(self) -> Samples:
        if self._memory is not None:
            self.write()
            return self._memory.total()
        total: Samples = {}
        for metric in self._registry.collect():
            add(total, _samples(metric))
        return total


def _samples(metric: Metric) -> Samples:
    """A metric's samples, but for when it was made: that says nothing of a service of many processes."""
    return {
        (metric.name, sample.name, tuple(sample.labels.items())): sample.value
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


class _Collected(Collector):
    """Metrics that are collected already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def _state(state: Snapshot) -> Iterator[Metric]:
    """The node's state as gauges."""
    info = GaugeMetricFamily("esl_vm_info", "The service and its version", labels=["version", "node"])
    info.add_metric([__version__, state.node], 1)
    yield info
    yield _gauge("esl_vm_redis_up", "Whether Redis answers", state.cluster is not None)
    yield _gauges("esl_vm_spool_takes", "Recordings in the spool", "state", state.takes)
    yield _gauge("esl_vm_spool_oldest_seconds", "Age of the oldest recording that waits", state.oldest_take_s)
    yield _gauge("esl_vm_spool_free_bytes", "Free on the spool's disk", state.spool_free)
    yield _gauge("esl_vm_audio_cache_bytes", "Size of the node's cache of sounds", state.cache_bytes)
    yield _gauge("esl_vm_audio_cache_files", "Sounds in it", state.cache_files)
    yield _gauge("esl_vm_lamp_waiting_seconds", "For how long the oldest change waits for its lamp", state.lamp_wait_s)
    yield _gauge("esl_vm_clock_skew_seconds", "How far the host's clock is ahead of Redis'", state.clock_skew_s)
    if state.freeswitch_up is not None:
        yield _gauge("esl_vm_freeswitch_up", "Whether FreeSWITCH's event socket is connected", state.freeswitch_up)
    if (shared := state.cluster) is not None:
        yield _gauge("esl_vm_locked_mailboxes", "Mailboxes whose PIN is locked, in the cluster", shared.locked)
        yield _gauges("esl_vm_outbox_jobs", "Mails, webhook calls and transcripts of the cluster", "queue", shared.jobs)
        yield _gauge("esl_vm_outbox_overdue_seconds", "How late the job is that is due longest", shared.overdue_s)
        yield _gauge("esl_vm_nodes", "Nodes of the cluster that are alive", shared.nodes)


def _gauge(name: str, doc: str, value: float) -> Metric:
    return GaugeMetricFamily(name, doc, float(value))


def _gauges(name: str, doc: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, doc, labels=[label])
    for word, value in sorted(values.items()):
        family.add_metric([word], value)
    return family
