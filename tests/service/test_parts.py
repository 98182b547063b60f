"""What the composition root makes of settings, and how it runs what takes a while."""

import os
import subprocess
import sys

import pytest

from esl_vm.cli.settings_file import load_settings
from esl_vm.esl import inbound
from esl_vm.model.errors import SettingsError
from esl_vm.model.jobs import JobKind
from esl_vm.notify import service
from esl_vm.service import notifier as notifiers
from esl_vm.service.wiring import in_thread, open_node

KILLED_IN_MID_WORK = """
from gevent import monkey
monkey.patch_all()
import gevent, os, threading
from gevent.event import Event
from esl_vm.service.wiring import in_thread, open_node

begun, may_end = os.pipe(), os.pipe()
steps = []

def work():
    os.write(begun[1], b"!")
    os.read(may_end[0], 1)
    steps.append("the work is done")
    return "its result"

def call():
    try:
        in_thread(work)
    except gevent.GreenletExit:
        steps.append("the call goes on to settle")
        raise

waiting = gevent.spawn(call)
gevent.os.tp_read(begun[0], 1)
waiting.kill(block=False)
waiting.kill(block=False)
gevent.sleep(0.05)
assert steps == [], steps
os.write(may_end[1], b"!")
waiting.join(100)
assert steps == ["the work is done", "the call goes on to settle"], steps
assert isinstance(waiting.value, gevent.GreenletExit)
assert in_thread(lambda: threading.current_thread() is not threading.main_thread())
try:
    in_thread(lambda: 1 / 0)
except ZeroDivisionError:
    print("fine")
"""


def test_a_call_that_is_killed_waits_for_the_work_it_began_on_its_file():
    ran = subprocess.run(
        [sys.executable, "-c", KILLED_IN_MID_WORK], capture_output=True, text=True, timeout=100, check=False
    )
    assert (ran.stdout, ran.stderr) == ("fine\n", "")


def test_where_no_calls_are_served_work_is_done_at_once():
    assert in_thread(lambda: "done") == "done"
    with pytest.raises(ZeroDivisionError):
        in_thread(lambda: 1 / 0)


@pytest.fixture
def node(tmp_path):
    """A node of these settings, whose Redis is asked nothing."""
    opened = []

    def opened_node(text):
        file = tmp_path / "esl-vm.toml"
        file.write_text(f'data_dir = "{tmp_path}"\n{text}')
        manager = open_node(load_settings(file, {}), "redis://127.0.0.1:1")
        opened.append(manager)
        return manager.__enter__()

    yield opened_node
    for manager in opened:
        manager.__exit__(None, None, None)


def test_mail_and_webhooks_are_tried_for_as_long_as_the_settings_say(node, monkeypatch):
    tried = {}
    monkeypatch.setattr(service, "JobWorker", lambda kind, *_, patience_s, **__: tried.update({kind: patience_s}))
    notifiers.build_notifier(node('[mail]\nhost = "h"\nretry_hours = 3\n[webhook]\nretry_hours = 5\n'), None)
    assert {kind: tried[kind] for kind in (JobKind.MAIL, JobKind.WEBHOOK)} == {
        JobKind.MAIL: 3 * 3600,
        JobKind.WEBHOOK: 5 * 3600,
    }


def test_every_process_reads_the_events_under_a_name_of_its_own(node, monkeypatch):
    here = node('[service]\nnode = "media1"\n')
    asked = []
    monkeypatch.setattr(here.store.events, "shared", lambda *names: asked.append(names))
    notifiers.build_notifier(here, None)
    me = f"media1:{os.getpid()}"
    assert asked == [("plans", me), ("history", me)]


def test_a_freeswitch_that_is_back_is_noticed_within_two_seconds(node, monkeypatch):
    monkeypatch.setattr(inbound, "EventSocketSwitch", lambda wanted: wanted)
    wanted = notifiers.build_switch(node('[notify]\nfreeswitch = "127.0.0.1:8021"\npassword = "secret"\n').settings)
    assert (wanted.host, wanted.port, wanted.retry_most_s) == ("127.0.0.1", 8021, 2.0)


def test_templates_that_can_not_be_filled_in_stop_the_start(node, tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/subject.en.txt").write_text("{{ nonsense }}")
    broken = node(f'[mail]\nhost = "127.0.0.1"\nsender = "vm@example.com"\ntemplates = "{tmp_path / "templates"}"\n')
    with pytest.raises(SettingsError, match=r"subject\.en\.txt"):
        notifiers.build_notifier(broken, None)
