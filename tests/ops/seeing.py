"""A call and a node, to be counted and shown."""

from esl_vm.model.call import Call
from esl_vm.model.cluster import ClusterState
from esl_vm.model.message import Caller
from esl_vm.ops.call_records import CallRecord
from esl_vm.ops.snapshot import Snapshot


def a_record(**more):
    record = CallRecord(Call("u-1", Caller("1001", "Alice"), "*97"), "check", "1001", "node-1")
    for name, value in more.items():
        setattr(record, name, value)
    return record


def a_counted_call(metrics, end="completed", **more):
    """One of everything that is counted."""
    metrics.taking_calls(True)
    metrics.call_began()
    record = a_record(**{"status": "SUCCESS", "first_sound_s": 0.01, "answers_s": [0.002, 0.06]} | more)
    metrics.call_ended(record, seconds=12.0, keys=5, end=end)
    metrics.redis_called(0.001, True)
    metrics.redis_called(2.0, False)
    metrics.lamp_fired(0.2)
    metrics.pin_checked("wrong")
    metrics.sound_asked(True)
    metrics.web_answered("page", 200, 0.004)
    metrics.streams_open(3)
    metrics.signed_in("pin", False)
    return record


def a_snapshot(**more):
    shared = ClusterState(jobs={"mail": 3, "webhook": 0, "dead": 1}, nodes=3)
    fields = {"takes": {"waiting": 2}, "cluster": shared, "freeswitch_up": True, "workers": 2}
    return Snapshot("node-1", 1.0, **{**fields, **more})
