"""Who gets into a mailbox: its owner, from his own telephone with the first PIN, from elsewhere with one he chose."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from calls import play_book
from calls.book import Box
from support.options import options_of
from support.real_rig import RealRig
from support.rig import NodeRig, Rig

from esl_vm.model.call import Call
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller
from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinCheck, PinRules

ALICE = MailboxId("1001")
STRANGER = "5145559999"
STAR = "w:vm-theperson d:* w:vm-password "
IN, REFUSED = "vm-opts", "vm-incorrect"
KEY = {"vm_action": "login", "vm_mailbox": "1001"}


@pytest.fixture(params=[Rig, NodeRig], ids=["line", "node"])
def rig(request, tmp_path):
    return request.param(tmp_path, now=play_book.NOON)


def furnish(rig, *boxes: Box) -> None:
    for box in boxes or (Box(pin="1234", pin_initial=True),):
        rig.add_mailbox(MailboxId(box.number), box.name, options_of(box.options))
        rig.set_pin(MailboxId(box.number), box.pin, initial=box.pin_initial)


def ring(rig, number: str, does: str, caller: str = "1001", **variables: str) -> None:
    rig.ring(Call("c1", Caller(caller), number, {"domain_name": "default", **variables}), does)


def authenticated(user: str, realm: str = "pbx.example", sender: str = "") -> dict[str, str]:
    """What FreeSWITCH tells of a telephone whose password it checked."""
    return {"sip_auth_username": user, "sip_auth_realm": realm, "sip_from_user": sender or user, "sip_from_host": realm}


class TestTheFirstPin:
    def test_opens_from_the_own_telephone(self, rig):
        furnish(rig)
        ring(rig, "*97", "w:vm-password d:1234# w:vm-opts d:# end:20")
        assert IN in rig.heard
        assert rig.status == "SUCCESS"

    def test_opens_from_the_authenticated_telephone_with_star_98_and_in_the_greeting(self, rig):
        furnish(rig)
        ring(rig, "*98", "w:vm-login d:1001# w:vm-password d:1234# w:vm-opts d:# end:20", **authenticated("1001"))
        assert IN in rig.heard
        ring(rig, "1001", STAR + "d:1234# w:vm-opts d:# end:20", **authenticated("1001"))
        assert IN in rig.heard

    @pytest.mark.parametrize(
        ("number", "does"),
        [
            ("1001", STAR + "d:1234# w:vm-incorrect d:1234# w:vm-incorrect d:1234# end:20"),
            ("*98", "w:vm-login d:1001# w:vm-password d:1234# w:vm-incorrect-mailbox hang"),
        ],
        ids=["star-in-the-greeting", "star-98"],
    )
    @pytest.mark.parametrize("pin", ["1234", ""], ids=["first-pin", "no-pin"])
    def test_opens_nothing_from_outside_and_sounds_like_a_wrong_one(self, rig, number, does, pin):
        furnish(rig, Box(pin=pin, pin_initial=bool(pin)))
        ring(rig, number, does, caller=STRANGER)
        assert rig.problems == []
        assert IN not in rig.heard
        failed = [event for event in rig.real.events.tail(99, box=ALICE) if event.what.value == "login-failed"]
        assert failed[0].details["why"] == ("initial PIN" if pin else "no PIN")
        assert failed[0].details["outside"] == "yes"

    def test_opens_from_outside_where_the_settings_say_so(self, tmp_path):
        rig = Rig(tmp_path, now=play_book.NOON, pin_rules=PinRules(initial_from_outside=True))
        furnish(rig, Box(pin="1234", pin_initial=True), Box("1002", "Bruno", ""))
        ring(rig, "1001", STAR + "d:1234# w:vm-opts d:# end:20", caller=STRANGER)
        assert IN in rig.heard
        ring(rig, "*98", "w:vm-login d:1002# w:vm-opts d:# end:20", caller=STRANGER)
        assert IN in rig.heard

    def test_one_that_the_owner_chose_opens_from_everywhere(self, rig):
        furnish(rig)
        does = "w:vm-password d:1234# w:vm-opts d:0 w:vm-options d:5 w:vm-newpassword d:7391# w:vm-reenterpassword d:7391# "
        ring(rig, "*97", does + "w:vm-passchanged d:# end:30")
        ring(rig, "1001", STAR + "d:7391# w:vm-opts d:# end:20", caller=STRANGER)
        assert IN in rig.heard


class TestTheOwnTelephone:
    def test_is_the_authenticated_user_whatever_the_from_header_says(self, rig):
        """1002, authenticated as 1002, sends From 1001: the plan takes the mailbox from From, and asks for no PIN there."""
        furnish(rig, Box(), Box("1002", "Bruno", "7319"))
        forged = authenticated("1002", sender="1001")
        ring(rig, "*97", "w:vm-password hang", vm_mailbox="1001", vm_skip_pin="true", **forged)
        assert "vm-password" in rig.heard
        assert IN not in rig.heard
        ring(rig, "*97", "w:vm-opts d:# end:20", vm_skip_pin="true", **forged)  # no vm_mailbox: 1002's own
        assert rig.talk.box == MailboxId("1002")

    def test_first_pin_does_not_open_for_a_forged_from(self, rig):
        furnish(rig, Box(pin="1234", pin_initial=True))
        does = "w:vm-password d:1234# w:vm-incorrect hang"
        ring(rig, "*97", does, vm_mailbox="1001", **authenticated("1002", sender="1001"))
        assert IN not in rig.heard

    def test_a_forged_host_opens_no_other_tenants_mailbox(self, rig):
        rig.add_mailbox(MailboxId("1001", "b.example"), "Berta", MailboxOptions())
        forged = {"sip_auth_username": "1001", "sip_auth_realm": "a.example", "sip_from_host": "b.example"}
        does = "w:vm-password hang"
        ring(rig, "*97", does, vm_mailbox="1001", vm_domain="b.example", vm_skip_pin="true", **forged)
        assert IN not in rig.heard

    def test_an_account_of_the_mailbox_is_its_own_too(self, rig):
        furnish(rig)
        rig.real.registry.change(ALICE, {"extensions": "alice,alice-mobile@pbx.example"})
        for account in ("alice", "alice-mobile"):
            ring(rig, "*98", "w:vm-login d:1001# w:vm-password d:1234# w:vm-opts d:# end:20", **authenticated(account))
            assert IN in rig.heard

    def test_a_mailbox_that_the_dialplan_chose_itself_is_the_telephones_own(self, rig):
        furnish(rig)
        ring(
            rig,
            "*97",
            "w:vm-opts d:# end:20",
            caller="lobby",
            vm_mailbox="1001",
            vm_skip_pin="1",
            **authenticated("lobby"),
        )
        assert IN in rig.heard

    def test_what_an_outgoing_leg_logged_in_with_elsewhere_proves_nothing(self, rig):
        furnish(rig)
        does = "w:vm-login d:1001# w:vm-password d:1234# w:vm-incorrect-mailbox hang"
        ring(rig, "*98", does, caller=STRANGER, direction="outbound", **authenticated("1001"))
        assert IN not in rig.heard

    @pytest.mark.parametrize("own", ["true", "false"])
    def test_the_dialplan_has_the_last_word(self, rig, own):
        furnish(rig)
        after = "vm-opts" if own == "true" else "vm-incorrect"
        ring(rig, "*97", f"w:vm-password d:1234# w:{after} hang", vm_own_telephone=own)
        assert rig.problems == []


class TestAKeyThatWatchesAMailbox:
    def test_opens_with_a_first_pin_on_the_mailboxs_own_telephone_alone(self, rig):
        furnish(rig)
        ring(rig, "voicemail+1001", "w:vm-password d:1234# w:vm-opts d:# end:20", **KEY, **authenticated("1001"))
        assert IN in rig.heard
        does = "w:vm-password d:1234# w:vm-incorrect hang"
        ring(rig, "voicemail+1001", does, "1002", **KEY, **authenticated("1002"))
        assert IN not in rig.heard

    def test_opens_no_mailbox_without_a_pin_elsewhere(self, rig):
        furnish(rig, Box(pin=""))
        skips = {**KEY, "vm_skip_pin": "true"}
        ring(rig, "voicemail+1001", "w:vm-password hang", "1002", **skips, **authenticated("1002"))
        assert IN not in rig.heard
        ring(rig, "voicemail+1001", "w:vm-opts d:# end:20", **KEY, **authenticated("1001"))
        assert IN in rig.heard

    def test_of_another_tenant_opens_nothing(self, rig):
        furnish(rig)
        rig.add_mailbox(MailboxId("1001", "b.example"), "Berta", MailboxOptions())
        named = {"vm_action": "login", "vm_mailbox": "1001@b.example"}
        ring(rig, "voicemail+1001@b.example", "w:vm-login hang", **named)  # `@` in what was dialled is text
        assert IN not in rig.heard


class TestStarInTheGreeting:
    @pytest.mark.parametrize("by", ["mailbox", "service"])
    def test_can_be_switched_off(self, tmp_path, by):
        defaults = MailboxOptions(greeting_login=by == "mailbox")
        rig = NodeRig(tmp_path, now=play_book.NOON, defaults=defaults)
        furnish(rig, Box(options={"greeting_login": "no"}))
        ring(rig, "1001", "w:vm-theperson d:* w:beep talk s:3 d:# quiet w:vm-review d:1 end:20", caller=STRANGER)
        assert "vm-password" not in rig.heard
        assert rig.status == "SUCCESS"


class TestGuessing:
    def guess(self, rig, calls: int) -> None:
        """A stranger's calls, three guesses in each."""
        for _ in range(calls):
            ring(rig, "1001", STAR + "d:1111# w:vm-password d:2222# w:vm-password d:3333# end:60", caller=STRANGER)

    def test_locks_others_out_and_not_the_owner_at_his_telephone(self, rig):
        furnish(rig, Box())
        self.guess(rig, 4)
        assert rig.heard[-3:] == ["vm-incorrect", "please-try-call-later", "vm-goodbye"]
        assert rig.real.registry.locked_for(ALICE, outside=True) > 0
        assert rig.real.registry.locked_for(ALICE, outside=False) == 0
        ring(rig, "*97", "w:vm-password d:4821# w:vm-opts d:# end:20")
        assert IN in rig.heard
        assert rig.real.pins.check(ALICE, "4821", outside=True) is PinCheck.LOCKED
        happened = [event.what.value for event in rig.real.events.tail(99, box=ALICE)]
        assert happened.count("login-failed") == 10
        assert happened.count("locked") == 1

    def test_by_ten_calls_at_once_keeps_no_owner_out_and_is_counted_exactly(self, tmp_path, empty_redis):
        rigs = [RealRig(tmp_path / str(number), empty_redis.url, now=play_book.NOON) for number in range(11)]
        owner, *strangers = rigs
        furnish(owner, Box())
        begins = Barrier(len(rigs))

        def owner_calls() -> None:
            begins.wait(100)
            for _ in range(3):
                ring(owner, "*97", "w:vm-password d:1111# w:vm-password d:4821# w:vm-opts d:# end:20")
                assert IN in owner.heard

        def stranger_calls(rig) -> None:
            begins.wait(100)
            self.guess(rig, 1)
            assert IN not in rig.heard

        with ThreadPoolExecutor(len(rigs)) as pool:
            calls = [pool.submit(owner_calls), *(pool.submit(stranger_calls, rig) for rig in strangers)]
        for call in calls:
            call.result()
        failed = [event for event in owner.real.events.tail(999, box=ALICE) if event.what.value == "login-failed"]
        assert sum(event.details.get("outside") == "yes" for event in failed) == PinRules().failures
        assert sum("outside" not in event.details for event in failed) == 3
        locked = [event for event in owner.real.events.tail(999, box=ALICE) if event.what.value == "locked"]
        assert [event.details["outside"] for event in locked] == ["yes"]
        for rig in rigs:
            rig.close()

    def test_gets_slower_and_no_key_is_lost_meanwhile(self, rig):
        furnish(rig, Box())
        self.guess(rig, 1)
        began = rig.clock.now()
        self.guess(rig, 1)
        quick = rig.clock.now() - began
        began = rig.clock.now()
        self.guess(rig, 1)
        assert rig.clock.now() - began - quick == pytest.approx(2 + 4 + 4 - 1, abs=1.0)  # after 6, 7, 8; after 5 before
        ring(rig, "1001", STAR + "d:4821#1# w:vm-goodbye end:30", caller=STRANGER)  # the owner, who dials ahead
        assert rig.status == "SUCCESS"

    def test_of_a_mailbox_that_is_not_there_sounds_and_lasts_the_same(self, rig):
        furnish(rig, Box())

        def seconds_and_heard(number):
            began = rig.clock.now()
            heard = []
            for _ in range(6):
                does = f"w:vm-login d:{number}# w:vm-password d:1111# w:vm-incorrect-mailbox d:{number}# "
                ring(rig, "*98", does + "w:vm-password d:2222# end:60", caller=STRANGER)
                heard += rig.heard
            return round(rig.clock.now() - began, 1), heard

        assert seconds_and_heard("1001") == seconds_and_heard("7777")


class TestAgeAndReuse:
    RULES = PinRules(max_age_days=30, remember=2)
    NEW = "w:vm-newpassword d:{0}# w:vm-reenterpassword d:{0}# w:vm-passchanged w:vm-opts d:# end:20"

    @pytest.fixture
    def rig(self, tmp_path):
        rig = NodeRig(tmp_path, now=play_book.NOON, pin_rules=self.RULES)
        furnish(rig, Box())
        return rig

    def test_a_pin_that_is_too_old_must_be_changed_to_another_one(self, rig):
        ring(rig, "*97", "w:vm-password d:4821# w:vm-opts d:# end:20")
        assert "vm-newpassword" not in rig.heard
        rig.clock.pass_time(31 * 86400)
        same = "w:vm-password d:4821# w:vm-newpassword d:4821# w:vm-invalid-password "
        ring(rig, "*97", same + self.NEW.format("7391"))
        assert rig.problems == []
        ring(rig, "1001", STAR + "d:7391# w:vm-opts d:# end:20", caller=STRANGER)
        assert "vm-newpassword" not in rig.heard

    def test_one_that_is_not_changed_lets_nobody_in(self, rig):
        rig.clock.pass_time(31 * 86400)
        ring(rig, "*97", "w:vm-password d:4821# w:vm-newpassword d:1111# d:1111# d:1111# end:90")
        assert IN not in rig.heard

    def test_former_ones_may_not_be_chosen_again_and_their_hashes_stay_in_redis(self, rig):
        pins = rig.real.pins
        for pin in ("7391", "8362", "9036"):
            assert not pins.used_before(ALICE, pin)
            pins.change(ALICE, pin)
        assert [pins.used_before(ALICE, pin) for pin in ("9036", "8362", "7391", "4821")] == [True, True, True, False]
        refusals = [pins.refusal(ALICE, pin) for pin in ("9036", "4821", "1234")]
        assert refusals == ["it was used before", "", "it is the default PIN"]
        assert not {"pin_former", "pin_changed", "pin"} & set(rig.real.registry.fields(ALICE))
