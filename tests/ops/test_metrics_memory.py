"""What the processes of a service count together, through deaths, reloads and full disks."""

import os
import signal
from contextlib import contextmanager

from seeing import a_counted_call, a_snapshot

from esl_vm.ops.metrics import Metrics
from esl_vm.ops.metrics_memory import MetricsMemory

CALLS = ("esl_vm_calls", "esl_vm_calls_total", (("action", "check"),))


@contextmanager
def process(work):
    """A child that does it and then lives until it is killed here."""
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        work()
        os.write(tell, b".")
        while True:
            signal.pause()
    os.close(tell)
    os.read(told, 1)
    os.close(told)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def holds_a_call(slot):
    def work():
        metrics = Metrics(slot)
        a_counted_call(metrics)
        metrics.call_began()

    return work


def test_what_a_dead_process_counted_stays_and_what_it_held_does_not():
    memory = MetricsMemory()
    first, second = memory.slot(), memory.slot()
    background = Metrics(memory.slot(), memory)
    with process(holds_a_call(first)), process(holds_a_call(second)):
        assert background.value("esl_vm_calls_total", {"action": "check"}) == 2
        assert background.value("esl_vm_calls_running") == 2
        assert background.value("esl_vm_key_seconds_count") == 4
    assert background.value("esl_vm_calls_total") == 2
    assert background.value("esl_vm_calls_running") == 0
    assert background.value("esl_vm_workers") == 0
    with process(holds_a_call(first)):  # started again in its place
        assert background.value("esl_vm_calls_total") == 3
        assert background.value("esl_vm_calls_running") == 1
    text = background.exposition(a_snapshot).decode()
    assert 'esl_vm_calls_total{action="check",end="completed",status="SUCCESS"} 3.0' in text
    assert 'esl_vm_key_seconds_bucket{le="+Inf"} 6.0' in text
    assert "_created" not in text


def test_reloads_without_end_lose_no_metric_and_keep_few_slots(monkeypatch):
    monkeypatch.setattr("esl_vm.ops.metrics_memory.MOST_SLOTS", 4)
    memory = MetricsMemory()
    for _ in range(24):
        with process(holds_a_call(memory.slot())):
            pass
    background = Metrics(memory.slot(), memory)
    assert background.value("esl_vm_calls_total") == 24


def test_a_slot_holds_whole_metrics_or_those_before():
    slot = MetricsMemory().slot()
    assert slot.read() == ({}, {})
    assert slot.write({CALLS: 1.0}, {})
    assert not slot.write({(*CALLS[:2], (("action", f"{n:01000}"),)): 1.0 for n in range(2000)}, {})
    assert slot.read() == ({CALLS: 1.0}, {})
