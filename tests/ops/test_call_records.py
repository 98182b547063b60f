"""A call's record, written while it goes on; and what is counted of it."""

import json
import logging
from pathlib import Path

import pytest
from seeing import a_counted_call, a_record, a_snapshot
from support.clocks import Clock

from esl_vm.model.call import Call, Ended, Listened, Recorded
from esl_vm.ops import call_records, logs
from esl_vm.ops.call_records import CallRecord, MeasuredPhone
from esl_vm.ops.metrics import Metrics
from esl_vm.speech.utterance import Prompt, Sound

HELLO = (Prompt("vm-intro", "fr"),)


class Line:
    """A telephone whose every action takes a second; presses the keys it was given."""

    def __init__(self, clock, keys):
        self.call = Call("u-1")
        self._clock = clock
        self._keys = list(keys)
        self.told = {}

    def answer(self):
        self._clock.at += 1

    def play(self, utterance, keys):
        self._clock.at += 1
        return self._keys.pop(0) if keys else None

    def unread(self, key):
        self._keys.insert(0, key)

    def wait_key(self, milliseconds, keys):
        self._clock.at += 1
        return self._keys.pop(0)

    def listen(self, sound, start_ms, keys):
        self._clock.at += 1
        return Listened(self._keys.pop(0), 500)

    def can_record(self, path):
        return True

    def record(self, path, *, max_s, silence_s, threshold, keys, then=None, then_ms=0, following=None):
        self._clock.at += 1
        return Recorded(1000, Ended.KEY, self._keys.pop(0))

    def set_variables(self, variables):
        self.told |= variables

    def transfer(self, extension, context=""):
        self.told["to"] = extension


@pytest.fixture
def clock():
    return Clock(100.0)


@pytest.fixture
def line(clock):
    def make(*keys):
        record = CallRecord(Call("u-1"), began=clock.at)
        return MeasuredPhone(Line(clock, keys), record, clock), record

    return make


def test_the_first_sound_is_timed_once(line, clock):
    phone, record = line("1", "2")
    phone.answer()
    clock.at += 0.25
    phone.play((), "")  # nothing to say is no sound
    phone.play(HELLO, "12")
    phone.play(HELLO, "12")
    assert record.first_sound_s == pytest.approx(2.25)
    assert record.applications == 2


def test_what_a_caller_waits_for_after_a_key_is_timed(line, clock):
    phone, record = line("1", "2", "3", "4")
    phone.play(HELLO, "1")
    clock.at += 0.5  # Redis
    phone.listen(Sound("/a.wav", "message"), 0, "2")
    clock.at += 0.125
    phone.record(Path("/a.wav"), max_s=0, silence_s=0, threshold=0, keys="3")
    clock.at += 0.0625
    phone.play(HELLO, "4")
    clock.at += 0.25
    phone.transfer("200")
    assert record.answers_s == pytest.approx([0.5, 0.125, 0.0625, 0.25])
    assert (record.applications, record.recordings) == (4, 1)


def test_the_wait_for_more_digits_is_nobodys_fault(line, clock):
    phone, record = line("1", "2", None)
    phone.play(HELLO, "12")
    phone.wait_key(3000, "12")
    phone.wait_key(3000, "12")  # three seconds of silence
    clock.at += 1
    phone.play(HELLO, "")
    assert record.answers_s == []


def test_only_the_last_key_of_several_digits_is_timed(line, clock):
    phone, record = line("1", "2")
    phone.play(HELLO, "12")
    clock.at += 5
    phone.wait_key(3000, "12")
    clock.at += 0.5
    phone.play(HELLO, "")
    assert record.answers_s == pytest.approx([0.5])


def test_what_the_dialplan_is_told_is_told_here_too(line):
    phone, record = line()
    phone.set_variables({"vm_status": "USEREXIT", "vm_cause": "left", "vm_message_id": "m-1"})
    phone.set_variables({"other": "x"})
    assert (record.status, record.cause, record.message_id) == ("USEREXIT", "left", "m-1")


def test_why_a_call_failed_is_in_its_line(caplog):
    caplog.set_level(logging.INFO)
    call_records.log_call(
        a_record(status="FAILED", cause="full").as_logged(seconds=3, applications=1, keys=0, end="completed")
    )
    assert caplog.messages == ["call u-1 check from 1001 to *97: 3.0 s, 1 applications, 0 keys, FAILED full, completed"]


def test_a_record_is_a_sentence_for_people_and_fields_for_machines(caplog):
    caplog.set_level(logging.INFO)
    told = a_record(status="SUCCESS", answers_s=[0.01, 0.2]).as_logged(
        seconds=12.34, applications=7, keys=9, end="completed"
    )
    call_records.log_call(told)
    assert caplog.messages == ["call u-1 check from 1001 to *97: 12.3 s, 7 applications, 9 keys, SUCCESS, completed"]
    [line] = [logs.formatter("json").format(record) for record in caplog.records]
    assert json.loads(line) | told == json.loads(line)
    assert told["slowest_answer_s"] == 0.2


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        ("completed", "completed"),
        ("failed", "failed"),
        ("cut short", "cut short"),
        ("refused", "refused"),
        ("transferred", "transferred"),
        ("taken", "taken"),
        ("hung up: NORMAL_CLEARING", "hung up"),
        ("the connection broke: [Errno 104]", "hung up"),
    ],
)
def test_ends_are_few_however_many_causes_there_are(end, kind):
    metrics = Metrics()
    a_counted_call(metrics, end)
    assert metrics.value("esl_vm_calls_total", {"end": kind}) == 1
    assert metrics.value("esl_vm_calls_total") == 1


def test_what_was_counted_is_what_is_shown():
    metrics = Metrics()
    a_counted_call(metrics)
    assert metrics.value("esl_vm_key_seconds_count") == 2
    assert metrics.value("esl_vm_key_seconds_sum") == pytest.approx(0.062)
    assert metrics.value("esl_vm_redis_errors_total") == 1
    text = metrics.exposition(lambda: a_snapshot(oldest_take_s=90.0)).decode()
    assert 'esl_vm_spool_takes{state="waiting"} 2.0' in text
    assert "esl_vm_spool_oldest_seconds 90.0" in text
    assert 'esl_vm_outbox_jobs{queue="dead"} 1.0' in text
    assert metrics.exposition(a_snapshot).decode().count("esl_vm_info{") == 1  # a second look adds nothing


def test_what_redis_knows_is_not_made_up_while_it_is_away():
    text = Metrics().exposition(lambda: a_snapshot(cluster=None, freeswitch_up=None)).decode()
    assert "esl_vm_redis_up 0.0" in text
    for name in ("esl_vm_locked_mailboxes", "esl_vm_outbox_jobs", "esl_vm_nodes", "esl_vm_freeswitch_up"):
        assert f"{name} " not in text
        assert f"{name}{{" not in text
