"""Any mix of steps comes to what a simple model says: one after another, and from four processes at once."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from mailbox_model import FOLDERS, MailboxModel
from store_case import ALICE, Case, message
from support.clocks import Clock
from support.in_process_api import Api

from esl_vm.model.errors import NoSuchMessageError
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Folder
from esl_vm.model.store import Delivery

KEPT_FOLDERS = [folder for folder in FOLDERS if folder is not Folder.TRASH]
FULL_AT = st.sampled_from([0, 2, 3, 9999, 9999])


def machine(url: str, trash: int):
    class Mailbox(RuleBasedStateMachine):
        ids = Bundle("ids")

        def __init__(self):
            super().__init__()
            self.case = Case(url, clock=Clock())
            self.case.store.link.run(None, lambda c: c.flushall())
            self.case.with_mailbox(trash_days=str(trash))
            self.model = MailboxModel(trash)
            self.number = 0
            self.api = Api(self.case.store)

        @property
        def now(self) -> int:
            return round(self.case.clock.now() * 1000)

        @rule(seconds=st.sampled_from([0.001, 1, 3600, 86400 * 3]))
        def time_passes(self, seconds):
            self.case.clock.passes(seconds=seconds)

        @rule(
            target=ids,
            folder=st.sampled_from([Folder.NEW, Folder.NEW, Folder.WORK]),
            urgent=st.booleans(),
            late=st.integers(0, 5),
        )
        def a_message_comes(self, folder, urgent, late):
            self.number += 1
            message_id = f"m{random.Random(self.number).randrange(1000):03d}-{self.number}"
            place = self.now - late * 500
            left = message(message_id, place / 1000, folder=folder, urgent=urgent, duration_ms=self.number)
            self._deliver(left, place)
            return message_id

        @rule(message_id=ids, folder=st.sampled_from([Folder.NEW, Folder.FAMILY]))
        def it_is_delivered_again(self, message_id, folder):
            self._deliver(message(message_id, self.now / 1000, folder=folder, duration_ms=7), self.now)

        def _deliver(self, left, place):
            expected = self.model.deliver(left.id, left.folder, place, urgent=left.urgent, ms=left.duration_ms)
            assert self.case.mailboxes.deliver(ALICE, left) is expected

        @rule(message_id=ids)
        def it_is_heard(self, message_id):
            self.model.heard(message_id)
            self.case.mailboxes.heard(ALICE, message_id)

        @rule(some=st.lists(ids, max_size=4))
        def some_retire(self, some):
            assert self.case.mailboxes.retire(ALICE, some) == self.model.retire(some, self.now)

        @rule(most=FULL_AT)
        def its_limit_is_changed(self, most):
            self.case.registry.change(ALICE, {"maxmsg": str(most)})
            self.model.maxmsg = most

        @rule(message_id=ids, to=st.sampled_from(KEPT_FOLDERS[:4]))
        def it_is_moved(self, message_id, to):
            try:
                moved = self.case.mailboxes.move(ALICE, message_id, to)
            except NoSuchMessageError:
                moved = None
            assert moved is self.model.move(message_id, to, self.now)

        @rule(message_id=ids)
        def it_is_deleted(self, message_id):
            assert self.case.mailboxes.delete(ALICE, message_id) is self.model.delete(message_id, self.now)

        @rule(message_id=ids)
        def it_is_restored(self, message_id):
            assert self.case.mailboxes.restore(ALICE, message_id) is self.model.restore(message_id)

        def in_a_browser(self, method, message_id, body=None, then=""):
            """What the API says of a message there is; None: there is none."""
            where = self.model.folder_of(message_id)
            path = f"/mailboxes/{ALICE}/messages/{message_id}{then}"
            status, told = self.api.ask(method, path, body)
            assert (status == 404) is (where is None)
            return None if where is None else (status, told)

        @rule(message_id=ids)
        def it_is_heard_in_a_browser(self, message_id):
            if self.in_a_browser("PATCH", message_id, {"heard": True}):
                self.model.heard(message_id)
                self.model.retire([message_id], self.now)

        @rule(message_id=ids, to=st.sampled_from(KEPT_FOLDERS[:4]))
        def it_is_moved_in_a_browser(self, message_id, to):
            was = self.model.folder_of(message_id)
            answer = self.in_a_browser("PATCH", message_id, {"folder": to.value})
            if answer and was is not to:
                moved = self.model.move(message_id, to, self.now)
                assert (answer[0] == 409) is (moved is Delivery.FULL)

        @rule(message_id=ids, action=st.sampled_from(["delete", "restore", "new"]))
        def it_is_changed_among_many_in_a_browser(self, message_id, action):
            body = {"action": action, "ids": [message_id, "never-was"]}
            _, told = self.api.ask("POST", f"/mailboxes/{ALICE}/messages/batch", body)
            results = [entry["result"] for entry in told["results"]]
            where = self.model.folder_of(message_id)
            match action:
                case "delete":
                    done = self.model.delete(message_id, self.now)
                case "restore":
                    done = self.model.restore(message_id)
                case _:
                    moved = self.model.move(message_id, Folder.NEW, self.now)
                    done = moved is Delivery.DONE
            expected = "gone" if where is None else "done" if done else "already"
            if action == "new" and moved is Delivery.FULL:
                expected = "full"
            assert results == [expected, "gone"]

        @rule(folder=st.sampled_from(FOLDERS), most=st.integers(1, 3))
        def it_is_listed_in_a_browser(self, folder, most):
            orders = {}
            for order in ("newest", "oldest"):
                seen, cursor = [], {}
                while True:
                    path = f"/mailboxes/{ALICE}/messages"
                    _, told = self.api.ask("GET", path, folder=folder.value, order=order, limit=most, **cursor)
                    seen += [one["id"] for one in told["messages"]]
                    if told["next"] is None:
                        break
                    cursor = {"cursor": told["next"]}
                orders[order] = seen
            assert orders["newest"] == orders["oldest"][::-1]
            assert sorted(orders["newest"]) == sorted(self.model.lie(folder))

        @rule()
        def the_trash_is_emptied(self):
            assert sum(p.erased for p in self.case.store.housekeeping.purge()) == len(self.model.purge(self.now))

        @rule(target=ids)
        def an_id_nobody_knows(self):
            return multiple("nobody-knows")

        @invariant()
        def all_is_the_same(self):
            for folder in FOLDERS:
                assert self.case.lie(folder) == self.model.lie(folder)
            box = self.case.mailboxes.open(ALICE)
            assert box.counts.folders == {folder: self.model.count(folder) for folder in FOLDERS}
            assert box.counts.urgent == self.model.count(Folder.NEW, urgent=True)
            assert box.counts.urgent_old == self.model.count(Folder.OLD, urgent=True)
            assert box.sound_ms == self.model.sound_ms()

        def teardown(self):
            self.case.store.close()

    return Mailbox


@pytest.mark.parametrize("trash", [14, 0])
def test_any_steps_one_after_another(real_redis, trash):
    run_state_machine_as_test(
        machine(real_redis.url, trash),
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


STEPS = 500
BUSY = """
import random, sys
sys.path[:0] = {paths!r}
from store_case import ALICE, Case, message
from support.clocks import WallClock
from esl_vm.model.errors import NoSuchMessageError
from esl_vm.model.mailbox import Folder
import time
who, steps = int(sys.argv[2]), int(sys.argv[3])
dice = random.Random(who)
case = Case(sys.argv[1], clock=WallClock())
folders = [Folder.NEW, Folder.OLD, Folder.WORK]
known = [f"m{{n}}" for n in range(12)]
for step in range(steps):
    one = dice.choice(known)
    try:
        match dice.randrange(7):
            case 0 | 1:
                case.mailboxes.deliver(ALICE, message(one, time.time(), urgent=one in known[:4]))
            case 2:
                case.mailboxes.heard(ALICE, one)
            case 3:
                case.mailboxes.retire(ALICE, dice.sample(known, 3))
            case 4:
                case.mailboxes.move(ALICE, one, dice.choice(folders))
            case 5:
                case.mailboxes.delete(ALICE, one)
            case 6:
                case.mailboxes.restore(ALICE, one)
    except NoSuchMessageError:
        pass
"""


def test_two_thousand_steps_from_four_processes_are_what_the_stream_says_they_were(real, real_redis):
    real.with_mailbox()
    here = Path(__file__).parent
    program = BUSY.format(paths=[str(here), str(here.parent)])
    command = [sys.executable, "-c", program, real_redis.url]
    busy = [subprocess.Popen([*command, str(who), str(STEPS)]) for who in range(4)]
    assert [process.wait(100) for process in busy] == [0] * 4

    model = MailboxModel()
    events = real.store.events.tail(100_000, box=ALICE)[1:]
    assert len(events) > 500
    for event in events:
        replay(model, event)
        told = (event.counts.new, event.counts.old, event.counts.urgent, event.counts.urgent_old)
        assert told == (
            model.count(Folder.NEW),
            model.count(Folder.OLD),
            model.count(Folder.NEW, urgent=True),
            model.count(Folder.OLD, urgent=True),
        )
    for folder in FOLDERS:
        assert real.lie(folder) == model.lie(folder)
    for message_id, kept in model.messages.items():
        assert real.mailboxes.message(ALICE, message_id).heard is kept.heard
    assert real.mailboxes.open(ALICE).sound_ms == model.sound_ms()


def replay(model: MailboxModel, event) -> None:
    """Do to the model what an event says was done; each must be possible."""
    now = round(event.at * 1000)
    match event.what:
        case EventType.DELIVERED:
            told = event.details
            place = round(told["received"] * 1000)
            left = model.deliver(
                event.message_id, Folder(told["folder"]), place, urgent="urgent" in told, ms=told["duration_ms"]
            )
            assert left is Delivery.DONE
        case EventType.NEARLY_FULL:
            held, most = int(event.details["held"]), int(event.details["most"])
            if event.details["of"] == "messages":
                assert held == model.count(Folder(event.details["folder"]))
                assert (held - 1) / most < 0.8 <= held / most
            else:
                assert held == model.sound_ms() // 1000
        case EventType.HEARD:
            assert not model.messages[event.message_id].heard
            model.heard(event.message_id)
        case EventType.RETIRED:
            ids = event.details["messages"].split()
            assert model.retire(ids, now) == len(ids)
        case EventType.MOVED:
            assert model.messages[event.message_id].folder == event.details["from"]
            model.move(event.message_id, Folder(event.details["to"]), now)
        case EventType.DELETED:
            assert model.delete(event.message_id, now)
        case EventType.RESTORED:
            assert model.restore(event.message_id)
        case other:
            raise AssertionError(other)
