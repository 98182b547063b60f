"""Figures that wait a moment and are written together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter

from esl_vm.ops.tally import BulkHistogram, Tally

BUCKETS = (0.1, 0.5, 2.0)


def a_counter():
    return Counter("calls", "Calls", ["end"], registry=CollectorRegistry())


def a_histogram():
    return BulkHistogram("seconds", "Seconds", buckets=BUCKETS, registry=CollectorRegistry())


def samples(metric):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for one in metric.collect()
        for sample in one.samples
        if not sample.name.endswith("_created")
    }


@given(st.lists(st.floats(0, 5) | st.sampled_from(BUCKETS)))
def test_many_values_at_once_are_as_many_one_by_one(values):
    at_once, one_by_one = a_histogram(), a_histogram()
    at_once.observe_all(values)
    for value in values:
        one_by_one.observe(value)
    assert samples(at_once) == pytest.approx(samples(one_by_one))


def test_what_is_counted_is_written_together_a_moment_later():
    woken = []
    tally, calls, seconds = Tally(woken.append), a_counter(), a_histogram()
    for end in ("completed", "failed", "completed"):
        tally.add(calls, end)
    tally.see(seconds, values=[0.2, 0.3])
    tally.see(seconds, values=[])
    assert samples(calls) == {}
    [write] = woken
    write()
    assert samples(calls) == {("calls_total", "completed"): 2, ("calls_total", "failed"): 1}
    assert samples(seconds)["seconds_count",] == 2
    write()
    assert samples(seconds)["seconds_count",] == 2
    tally.add(calls, "failed", amount=3)
    assert len(woken) == 2
    woken[1]()
    assert samples(calls)["calls_total", "failed"] == 4


def test_without_a_later_everything_is_written_at_once():
    tally, calls = Tally(), a_counter()
    tally.add(calls, "completed")
    assert samples(calls) == {("calls_total", "completed"): 1}


def test_what_waits_is_written_when_a_process_stops():
    tally, seconds = Tally(lambda write: None), a_histogram()
    tally.see(seconds, values=[1.0])
    tally.write()
    assert samples(seconds)["seconds_sum",] == 1.0
