"""Several tenants on one service: no call reaches another's mailbox by what a caller dials, or calls himself."""

import logging

import pytest
from calls import play_book
from support.rig import NodeRig, Rig

from esl_vm.model.call import Call
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller
from esl_vm.model.options import MailboxOptions

OURS, THEIRS = MailboxId("1001"), MailboxId("1001", "tenantb")
SPEAKS = "w:beep talk s:3 d:# quiet w:vm-review d:1 end:20"


@pytest.fixture(params=[Rig, NodeRig], ids=["line", "node"])
def rig(request, tmp_path):
    rig = request.param(tmp_path, now=play_book.NOON)
    for box in (OURS, THEIRS, MailboxId("1002")):
        rig.add_mailbox(box, "", MailboxOptions())
        rig.set_pin(box, "4821")
    return rig


def ring(rig, number: str, does: str, caller: str = "5145550100", **variables: str) -> None:
    rig.ring(Call("c1", Caller(caller), number, variables), does)


def left(rig) -> dict[str, int]:
    boxes = (OURS, THEIRS, MailboxId("1002"))
    return {str(box): len(rig.messages(box, Folder.NEW)) for box in boxes if rig.messages(box, Folder.NEW)}


@pytest.mark.parametrize("domain", ["vm_domain", "domain_name"])
@pytest.mark.parametrize("number", ["1001@tenantb", "1001&1002", "1002&1001@tenantb"])
def test_at_and_ampersand_in_a_dialled_number_are_text(rig, number, domain):
    ring(rig, number, "w:ss-noservice end:20", **{domain: "default"})
    assert rig.problems == []
    ring(rig, f"*{number}", "w:ss-noservice end:20", vm_mailbox=number, **{domain: "default"})  # the plan hands $1 on
    assert rig.problems == []
    assert left(rig) == {}


@pytest.mark.parametrize("vm_mailbox", [{}, {"vm_mailbox": "1001@tenantb"}])
def test_and_in_a_callers_number(rig, vm_mailbox):
    ring(rig, "*97", "w:vm-login hang", caller="1001@tenantb", vm_domain="default", vm_skip_pin="true", **vm_mailbox)
    assert rig.problems == []
    assert "vm-opts" not in rig.heard


def test_the_dialplan_may_name_a_domain_and_a_list(rig):
    ring(rig, "5145550111", SPEAKS, vm_mailbox="1002&1001@tenantb", vm_domain="default", vm_action="leave")
    rig.sweep()
    assert left(rig) == {"1002@default": 1, "1001@tenantb": 1}


@pytest.mark.parametrize("number", ["1001", "*97", "*98", "*411"])
def test_a_call_without_a_domain_is_refused_and_named_where_there_are_several(rig, number, caplog):
    with caplog.at_level(logging.ERROR):
        ring(rig, number, "w:im-sorry end:20", caller="1001")
    assert rig.problems == []
    assert left(rig) == {}
    assert rig.status == "FAILED"
    assert "call c1: neither vm_domain nor domain_name" in caplog.text.replace(rig.talk.phone.call.uuid, "c1")


def test_an_unknown_domain_is_refused_and_named(rig, caplog):
    ring(rig, "1001", "w:ss-noservice end:20", domain_name="tenantc")
    assert rig.problems == []
    assert "no mailbox" in caplog.text
    assert "tenantc" in caplog.text


def test_an_outgoing_leg_that_is_sent_to_voicemail_is_of_the_domain_it_rang_in(rig):
    ring(rig, "1001", SPEAKS, direction="outbound", dialed_domain="tenantb")
    assert left(rig) == {"1001@tenantb": 1}


def test_an_incoming_one_is_not(rig):
    ring(rig, "1001", "w:im-sorry end:20", direction="inbound", dialed_domain="tenantb")
    assert left(rig) == {}


def test_with_one_domain_a_call_need_not_name_it(tmp_path):
    rig = Rig(tmp_path, now=play_book.NOON)
    rig.add_mailbox(OURS, "", MailboxOptions())
    ring(rig, "1001", SPEAKS)
    assert len(rig.messages(OURS, Folder.NEW)) == 1
