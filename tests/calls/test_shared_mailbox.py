"""A mailbox of several owners on the telephone: what is written down names the one whose PIN it was."""

from dataclasses import replace

import pytest
from calls import play_book
from calls.book import SHARED, PhoneCall
from support.rig import Rig

from esl_vm.model.actor import acting, phone
from esl_vm.model.call import Call
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller
from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinRules

ALICE = MailboxId("1001")
HANDLE = "w:vm-opts d:1 w:vm-delete d:3 w:vm-starmain d:9 w:spy-agent w:vm-delete d:# end:20"


@pytest.fixture
def rig(tmp_path):
    return furnished(tmp_path)


def furnished(folder, box=SHARED, **world) -> Rig:
    rig = Rig(folder, now=play_book.NOON, **world)
    play_book.furnish(PhoneCall("", "", "", "", "", boxes=(box,)), rig, folder / "before")
    return rig


def ring(rig: Rig, does: str, **variables: str) -> None:
    with acting(phone("1001", "c1")):
        rig.ring(Call("c1", Caller("1001"), "*97", {"domain_name": "default", **variables}), does)


def done_by(rig: Rig, what: str) -> list[str]:
    return [event.details["by"] for event in rig.real.events.tail(50, box=ALICE) if event.what == what]


@pytest.mark.parametrize(("pin", "name"), [("8305", "Bruno Petit"), ("7392", "Carla Grand"), ("4821", "Alice Martin")])
def test_what_an_owner_does_is_done_by_him(rig, pin, name):
    ring(rig, f"w:vm-password d:{pin}# {HANDLE}")
    assert done_by(rig, "handled") == done_by(rig, "heard") == [f"phone 1001 c1 as {name}"]
    (message,) = rig.messages(ALICE, Folder.OLD)
    assert message.handled_by == f"1001 {name}"
    (login,) = [event for event in rig.real.events.tail(50, box=ALICE) if event.what == "login"]
    assert login.details["owner"] == name


def test_of_one_owner_alone_nothing_more_is_said(tmp_path):
    rig = furnished(tmp_path, replace(SHARED, owners=()))
    ring(rig, f"w:vm-password d:4821# {HANDLE}")
    assert done_by(rig, "handled") == ["phone 1001 c1"]
    assert rig.messages(ALICE, Folder.OLD)[0].handled_by == "1001 Alice Martin"


def test_where_no_pin_is_asked_nobody_knows_which_owner_it_is(rig):
    ring(rig, HANDLE, vm_skip_pin="true")
    assert done_by(rig, "handled") == ["phone 1001 c1"]


def test_one_who_is_removed_meanwhile_is_not_let_in(rig):
    pins, whose = rig.world.pins, rig.real.pins.whose

    def removed(*args, **named):
        found = whose(*args, **named)
        rig.real.pins.remove_owner(ALICE, found[1])
        return found

    rig.real.pins.whose = removed
    assert pins.whose is not whose
    ring(rig, "w:vm-password d:8305# end:20")
    assert "vm-opts" not in rig.heard
    assert rig.status == "FAILED"


def test_an_owners_first_pin_and_an_old_one_are_changed_before_anything_else(tmp_path):
    forced = replace(SHARED, greetings=("name", "unavailable", "busy"), options={"force_name": "yes"})
    rig = furnished(tmp_path, forced, pin_rules=PinRules(), defaults=MailboxOptions())
    rig.real.pins.change(ALICE, "8305", initial=True, owner=2)
    ring(rig, "w:vm-password d:8305# w:vm-newpassword d:6028# w:vm-reenterpassword d:6028# w:vm-opts d:# end:30")
    assert rig.real.pins.whose(ALICE, "6028")[1] == 2
    ring(rig, "w:vm-password d:4821# w:vm-opts d:# end:20")  # the first owner chose his long ago
    assert "vm-newpassword" not in rig.heard
