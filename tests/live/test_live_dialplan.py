"""The dialplan files in a real FreeSWITCH with the real service behind them: telephones that ring, services that are gone."""

import pytest
from calls.book import BRUNO, Box
from live.live_node import REFUSALS
from live.live_rig import ALIKE, LiveRig, furnish
from live.scenes import Scene

from esl_vm.model.mailbox import Folder, MailboxId

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

ALICE = MailboxId("1001")
LEAVES = "w:beep talk s:3 d:# quiet w:vm-review d:1 end:20"


ALICES = (Box(),)


def rings(script, caller="0612345678", dials="1001", boxes=ALICES, **call):
    """Someone dials with those boxes there; `telephone` names what happens at the telephone that is called."""

    def act(node, folder):
        rig = LiveRig(node, folder)
        furnish(rig, *boxes)
        name = call.pop("telephone", "away")
        telephone = node.telephones.get(name) or getattr(node, name)
        rig.dials(dials, script, caller, telephone=telephone, **call)
        return rig

    return act


def once(name, act, seconds=40.0):
    return pytest.mark.parametrize("scene", [Scene(name, act, seconds)], ids=[name])


@once("rings_unanswered", rings(LEAVES))
def test_a_telephone_that_nobody_answers_goes_to_its_voicemail(played, live_node):
    assert played.problems == [], played.transcript
    assert {"vm-theperson", "vm-isunavail", "vm-msgsaved"} <= set(played.heard)
    assert live_node.away.rung, "it rang first"
    # For 2 s, as vm_ring_seconds is here; FreeSWITCH counts the seconds of the clock.
    assert played.line.sounds[0].at - played.line.started_at > 1
    assert len(played.messages(ALICE, Folder.NEW)) == 1


@once("rings_longer", rings(LEAVES, dials="1002", boxes=(Box(), BRUNO)))
def test_a_telephone_rings_as_long_as_the_directory_says_of_its_user(played):
    assert played.problems == [], played.transcript
    # For 5 s, where others ring for 2.
    assert played.line.sounds[0].at - played.line.started_at > 3.5
    assert len(played.messages(MailboxId("1002"), Folder.NEW)) == 1


@once(
    "key",
    rings("w:vm-password d:4821# w:vm-opts d:# end:20", caller="1002", dials="voicemail+1001", boxes=(Box(), BRUNO)),
)
def test_a_key_that_watches_a_mailbox_opens_it_with_its_pin(played):
    assert played.problems == [], played.transcript
    assert {"vm-password", "vm-opts"} <= set(played.heard), played.transcript
    assert "vm-login" not in played.heard


@once("busy", rings(LEAVES, telephone="busy"))
def test_a_telephone_that_is_busy_goes_to_its_voicemail_at_once(played):
    assert played.problems == [], played.transcript
    assert "vm-isonphone" in played.heard
    assert played.line.sounds[0].at - played.line.started_at < 1.5
    assert len(played.messages(ALICE, Folder.NEW)) == 1


@once("early_media", rings(LEAVES, telephone="early media"))
def test_a_telephone_that_rings_with_a_sound_of_its_own_goes_to_its_voicemail(played):
    assert played.problems == [], played.transcript
    assert {"vm-isunavail", "vm-msgsaved"} <= set(played.heard)
    assert len(played.messages(ALICE, Folder.NEW)) == 1


@once("busy_after_early_media", rings(LEAVES, telephone="busy after early media"))
def test_a_telephone_that_is_busy_after_a_sound_of_its_own_has_the_busy_greeting(played):
    assert played.problems == [], played.transcript
    assert "vm-isonphone" in played.heard
    assert len(played.messages(ALICE, Folder.NEW)) == 1


@pytest.mark.parametrize(
    "scene",
    [Scene(f"refused_{status[:3]}", rings(LEAVES, telephone=status), 40.0) for status in REFUSALS],
    ids=list(REFUSALS),
)
def test_whatever_a_telephone_answers_its_caller_can_leave_a_message(played):
    assert played.problems == [], played.transcript
    assert {"vm-isunavail", "vm-msgsaved"} <= set(played.heard)
    assert len(played.messages(ALICE, Folder.NEW)) == 1


@once("answered", rings("end:10", telephone="answering"))
def test_a_telephone_that_is_answered_has_no_voicemail(played):
    assert played.problems == [], played.transcript
    assert played.heard == []
    assert played.status == ""


@once("direct", rings(LEAVES, dials="*1001"))
def test_a_star_before_the_number_leaves_a_message_without_ringing(played):
    assert played.problems == [], played.transcript
    assert "vm-isunavail" not in played.heard
    assert len(played.messages(ALICE, Folder.NEW)) == 1


@once("second_service", rings("w:vm-password d:4821# w:vm-opts d:# end:15", "1001", "*97", context="second"))
def test_when_the_first_service_is_down_the_second_takes_the_call(played):
    assert played.problems == [], played.transcript
    assert played.status == "SUCCESS"
    assert played.line.sounds[0].at - played.line.started_at < 2


@once("no_service", rings("w:im-sorry w:please-try-call-later w:<tone> end:20", "1001", "*97", context="nobody"))
def test_when_no_service_answers_the_caller_hears_an_apology(played, evidence_of):
    assert played.problems == [], played.transcript
    assert played.heard == ["im-sorry", "please-try-call-later", "<tone>"]
    evidence = evidence_of(played.line)
    assert len(evidence) == 2
    assert all(one.score > ALIKE for one in evidence)
    assert played.status == "NONE"
    assert "NORMAL_TEMPORARY_FAILURE" in played.line.why_ended


@once(
    "directory_then_voicemail",
    rings("w:dir-pls-enter d:738 w:dir-instr d:1 " + LEAVES, dials="*411", boxes=(Box(), BRUNO)),
    60,
)
def test_who_was_found_in_the_directory_and_does_not_answer_gets_a_message(played):
    # Two services hold the call one after the other; FreeSWITCH lets the first one's end disturb the second.
    assert played.problems == [], played.transcript
    assert {"vm-theperson", "vm-isunavail", "vm-msgsaved"} <= set(played.heard)
    assert {"vm-intro-short", "vm-intro"} & set(played.heard)  # the short request needs the prepared prompts
    assert "im-sorry" not in played.heard
    assert len(played.messages(MailboxId("1002"), Folder.NEW)) == 1
    assert played.status == "SUCCESS"


@once(
    "operator_busy", rings("w:vm-theperson d:0 " + LEAVES, boxes=(Box(), BRUNO), telephone="busy", vm_operator="1002")
)
def test_an_operator_who_is_busy_has_a_voicemail_too(played):
    assert played.problems == [], played.transcript
    assert played.heard.count("vm-theperson") == 2
    assert "vm-isonphone" in played.heard
    assert len(played.messages(MailboxId("1002"), Folder.NEW)) == 1
    assert played.messages(ALICE, Folder.NEW) == []


@once("no_mailbox_known", rings("end:20", dials="7777", vm_answer="known"))
def test_a_number_without_a_mailbox_is_refused_where_the_dialplan_wants_that(played):
    assert played.line.why_ended.startswith("SIP/2.0 404"), played.transcript
    assert played.heard == []
    assert (played.status, played.line.variable("vm_cause")) == ("FAILED", "unknown")


@once("early_greeting", rings(LEAVES, vm_answer="tone"))
def test_a_greeting_in_early_media_is_answered_at_the_tone(played):
    assert played.problems == [], played.transcript
    assert {"vm-theperson", "vm-msgsaved"} <= set(played.heard)
    ran = [(name, data) for _, name, data in played.line.ran if name in {"answer", "playback", "record"}]
    answered = ran.index(("answer", ""))
    assert "vm-theperson" in ran[answered - 1][1]
    assert "beep" in ran[answered + 1][1]
    assert len(played.messages(ALICE, Folder.NEW)) == 1
