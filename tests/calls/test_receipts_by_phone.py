"""Receipts asked for by telephone: what is sent says so, for the one who sends alone; when it is heard, he is told."""

from __future__ import annotations

import pytest
from calls import play_book
from calls.book import IN, LEAVE, RECORD
from support.options import options_of
from support.rig import Rig

from esl_vm.model.call import Call
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller
from esl_vm.notify.receipts import Receipting, receipt_jobs
from esl_vm.recordings.scheduled import deliver_due

ALICE, BRUNO = MailboxId("1001"), MailboxId("1002")
SEND = IN + "w:vm-opts d:3 w:vm-leavemsg d:5 w:vm-extension d:1002# " + RECORD
LATER = IN + "w:vm-opts d:3 w:vm-leavemsg d:8 w:vm-extension d:1002# w:vm-star-cancel d:2 " + RECORD
LISTEN = "w:vm-password d:4821# w:vm-opts d:1 w:<sound> w:vm-delete d:# end:15"


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path, now=play_book.NOON)
    for box in (ALICE, BRUNO):
        rig.add_mailbox(box, "", options_of({}))
        rig.set_pin(box, "4821")
    return rig


def ring(rig, caller, script, number="*97", **variables):
    rig.ring(Call(f"c{script}", Caller(caller), number, {"domain_name": "default", **variables}), script)
    assert rig.problems == [], rig.transcript


def told(rig):
    """What the notifier makes of all that happened, twice: that is once."""
    carry = Receipting(rig.real.mailboxes).carry
    for event in [*rig.real.events.tail(50, box=BRUNO)] * 2:
        for job in receipt_jobs(event, rig.clock.now()):
            carry(job)
    return rig.real.mailboxes.receipts(ALICE)


@pytest.mark.parametrize(
    ("keys", "asked"), [("d:5 w:activated ", True), ("d:5 w:activated d:5 w:de-activated ", False)]
)
def test_what_is_sent_says_who_wants_to_know(rig, keys, asked):
    ring(rig, "1001", SEND + keys + "d:1 w:vm-msgsaved hang")
    [message] = rig.messages(BRUNO, Folder.NEW)
    assert message.receipt == ("1001@default" if asked else "")
    assert [(one.id, one.to, one.heard) for one in told(rig)] == ([(message.id, BRUNO, 0.0)] if asked else [])


def test_the_sender_is_told_when_it_is_first_heard_and_not_again(rig):
    ring(rig, "1001", SEND + "d:5 w:activated d:1 w:vm-msgsaved hang")
    told(rig)
    rig.clock.pass_time(3600)
    ring(rig, "1002", LISTEN)
    [first] = told(rig)
    assert 3600 < first.heard - first.sent < 3700
    rig.clock.pass_time(3600)
    ring(rig, "1002", LISTEN)
    assert told(rig) == [first]
    [event] = [one for one in rig.real.events.tail(50, box=ALICE) if one.what == "receipt"]
    assert (event.message_id, event.details["heard_by"]) == (first.id, "1002@default")
    assert float(event.details["heard_at"]) == pytest.approx(first.heard, abs=0.001)


@pytest.mark.parametrize("closed", [False, True])
def test_one_that_arrives_later_has_it_too_and_one_that_comes_back_has_not(rig, closed):
    ring(rig, "1001", LATER + "d:5 w:activated d:1 w:vm-msgsaved hang")
    rig.real.registry.change(BRUNO, {"announce_only": "yes" if closed else "no"})
    rig.clock.pass_time(86400)
    deliver_due(rig.real.mailboxes, rig.audio)
    got = [(one.origin, one.receipt) for one in rig.messages(ALICE if closed else BRUNO, Folder.NEW)]
    assert got == [("returned", "") if closed else ("send", "1001@default")]
    assert len(told(rig)) == (not closed)


def test_a_caller_from_outside_can_not_ask(rig):
    ring(rig, "5145550100", RECORD + "d:5 w:vm-sorry d:1 w:vm-msgsaved hang", "1002", **LEAVE)
    [message] = rig.messages(BRUNO, Folder.NEW)
    assert message.receipt == ""


def test_what_is_forwarded_on_tells_nobody(rig):
    ring(rig, "1001", SEND + "d:5 w:activated d:1 w:vm-msgsaved hang")
    ring(
        rig,
        "1002",
        "w:vm-password d:4821# w:vm-opts d:1 w:vm-toforward d:8 w:vm-extension d:1001# w:vm-forwardoptions d:2 w:vm-msgforwarded hang",
    )
    [message] = rig.messages(ALICE, Folder.NEW)
    assert message.receipt == ""
