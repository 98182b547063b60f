"""Keys that watch a mailbox: told once of what changed, answered when a telephone subscribes."""

import re

import pytest
from notify_cast import ALICE, BOB, NOON, WrittenSwitch
from support.hostile_names import hostile_callers

from esl_vm.model.mailbox import MailboxId
from esl_vm.notify.lamp_counts import LampCounts
from esl_vm.notify.lamp_node import Domains, LampNode
from esl_vm.notify.presence import Presence
from esl_vm.notify.summary import Summary

HOST = "pbx.example.com"


class Keys:
    """The keys of one node."""

    def __init__(self):
        self.switch, self.counts = WrittenSwitch(), LampCounts()
        self.presence = Presence(self.switch, LampNode(Domains({"default": (HOST,)})), self.counts)

    def has(self, box, new, extensions=()):
        self.counts.changed(box, Summary(new), extensions)
        self.presence.show(box)

    def told(self):
        """Whom FreeSWITCH was told of, and whether the key is lit."""
        fired = [headers for name, _, headers in self.switch.fired if name == "PRESENCE_IN"]
        self.switch.forget()
        assert all(headers["proto"] == "voicemail" for headers in fired)
        return [(headers["from"], headers.get("answer-state") == "confirmed") for headers in fired]


@pytest.fixture
def keys():
    return Keys()


def test_each_change_is_told_once(keys):
    keys.has(ALICE, 0)
    keys.has(ALICE, 0)
    assert keys.told() == [(f"1001@{HOST}", False)]
    keys.has(ALICE, 2)
    keys.has(ALICE, 2)
    keys.has(ALICE, 0)
    assert keys.told() == [(f"1001@{HOST}", True), (f"1001@{HOST}", False)]


def test_a_key_shows_its_mailbox_and_not_those_that_its_telephone_watches(keys):
    keys.has(BOB, 0)
    keys.has(ALICE, 1, extensions=("1002",))
    keys.presence.show(BOB)
    assert keys.told() == [(f"1002@{HOST}", False), (f"1001@{HOST}", True)]


def test_what_is_no_mailbox_is_not_told_and_one_that_was_removed_goes_dark(keys):
    keys.presence.show(MailboxId("9999"))
    assert keys.told() == []
    keys.has(ALICE, 1)
    keys.counts.remove(ALICE)
    keys.presence.show(ALICE)
    keys.presence.show(ALICE)
    assert keys.told() == [(f"1001@{HOST}", True), (f"1001@{HOST}", False)]


def test_with_freeswitch_away_it_is_told_when_it_is_back(keys):
    keys.switch.connected = False
    keys.has(ALICE, 1)
    keys.switch.connected = True
    keys.presence.show(ALICE)
    assert keys.told() == [(f"1001@{HOST}", True)]
    keys.presence.forget()
    keys.presence.show(ALICE)
    assert keys.told() == [(f"1001@{HOST}", True)]


def test_a_telephone_that_subscribes_is_answered(keys):
    keys.has(ALICE, 1)
    keys.told()
    for number in ("1001", "9999"):
        account = keys.presence.asked({"proto": "voicemail", "to": f"voicemail+{number}@{HOST}"})
        assert keys.presence.answer(account, NOON)
    assert keys.told() == [(f"1001@{HOST}", True), (f"9999@{HOST}", False)]


@pytest.mark.parametrize("to", ["1001@pbx.example.com", "park+1001@pbx.example.com", "voicemail+", "voicemail+@", ""])
def test_a_probe_for_something_else_is_left_to_others(keys, to):
    assert keys.presence.asked({"to": to}) is None


def test_what_a_hostile_telephone_subscribes_to_is_not_told_to_freeswitch(keys):
    keys.has(ALICE, 1)
    keys.told()
    for caller in hostile_callers():
        for to in (
            f"voicemail+{caller.number}@{HOST}",
            f"voicemail+1001@{caller.name}",
            f"voicemail+{caller.name}@{HOST}",
        ):
            account = keys.presence.asked({"proto": "voicemail", "to": to})
            if account is not None:
                keys.presence.answer(account, NOON)
    for told, _ in keys.told():
        assert re.fullmatch(r"[A-Za-z0-9_.+-]+@[A-Za-z0-9._-]+", told)
    for to in ('voicemail+1001@x"/><y', "voicemail+1001@%", "voicemail+<1001>@pbx"):
        assert keys.presence.asked({"to": to}) is None
