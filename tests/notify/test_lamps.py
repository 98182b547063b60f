"""The lamp of every telephone shows its mailbox: on every node, after every change, and nobody else's."""

from __future__ import annotations

import pytest
from notify_cast import ALICE, BOB, TestClock, WrittenSwitch

from esl_vm.model.events import EventType
from esl_vm.model.mailbox import MailboxId
from esl_vm.notify.lamp_counts import LampCounts
from esl_vm.notify.lamp_node import LEARNT_S, MOST_LEARNT, Domains, LampNode, voicemail_module_loaded
from esl_vm.notify.lamps import Lamps
from esl_vm.notify.new_registrations import NewRegistrations
from esl_vm.notify.summary import Account, Summary

HOST = "pbx.example.com"
DARK = Summary()
DEFAULT_HOSTS = {"default": (HOST,)}


class Desk:
    """A notifier's lamps on one node, with the mailboxes it holds."""

    def __init__(self, domains=None, api=None, **kwargs):
        self.clock = TestClock()
        self.switch = WrittenSwitch(api)
        self.counts = LampCounts()
        self.node = LampNode(domains or Domains(DEFAULT_HOSTS))
        self.lamps = Lamps(self.switch, self.node, self.counts, self.clock, **kwargs)

    def has(self, box, summary=DARK, extensions=()):
        return self.counts.load(box, summary, extensions, self.counts.version(box))

    def now_has(self, box, what, *summary, extensions=()):
        self.lamps.changed(self.counts.changed(box, Summary(*summary), extensions), EventType(what))

    def fires(self, after=0.2):
        self.switch.forget()
        self.clock.later(after)
        self.lamps.fire_due()
        return self.switch.waiting()


@pytest.fixture
def desk():
    desk = Desk()
    desk.has(ALICE)
    desk.has(BOB)
    return desk


def test_a_new_message_lights_the_lamp_of_its_mailbox_only(desk):
    desk.now_has(ALICE, "delivered", 2, 5, 1, 0)
    assert desk.fires() == [(f"1001@{HOST}", "2/5 (1/0)")]


def test_the_headers_are_those_mod_sofia_makes_the_notify_of_in_its_order(desk):
    desk.now_has(ALICE, "delivered", 1)
    desk.fires()
    assert [*desk.switch.fired[0][2].items()] == [
        ("MWI-Messages-Waiting", "yes"),
        ("MWI-Message-Account", f"1001@{HOST}"),
        ("MWI-Voice-Message", "1/0 (0/0)"),
        ("Update-Reason", "NEW"),
    ]


def test_only_old_messages_light_nothing_but_are_told(desk):
    desk.now_has(ALICE, "retired", 0, 3, 0, 0)
    desk.fires()
    [(_, _, headers)] = desk.switch.fired
    assert (headers["MWI-Messages-Waiting"], headers["MWI-Voice-Message"]) == ("no", "0/3 (0/0)")
    assert headers["Update-Reason"] == "SAVE"


def test_several_changes_within_a_moment_give_one_event_with_the_last_counts(desk):
    for new in (1, 2, 3):
        desk.now_has(ALICE, "delivered", new)
        desk.clock.later(0.05)
    assert desk.fires(0.06) == [(f"1001@{HOST}", "3/0 (0/0)")]
    assert desk.fires(10) == []


def test_nothing_is_fired_before_the_moment_is_over_and_the_time_is_told(desk):
    desk.now_has(ALICE, "delivered", 1)
    assert desk.lamps.fire_due() == pytest.approx(desk.clock.now() + 0.2)
    assert desk.switch.fired == []
    desk.fires()
    assert desk.lamps.fire_due() is None


def test_a_message_heard_but_still_new_fires_nothing_once_its_count_was_shown(desk):
    desk.now_has(ALICE, "delivered", 1)
    desk.fires()
    desk.now_has(ALICE, "heard", 1)
    assert desk.fires() == []


def test_a_message_that_came_and_went_within_a_moment_is_told_all_the_same(desk):
    desk.now_has(ALICE, "delivered", 1)
    desk.now_has(ALICE, "deleted", 0)
    assert desk.fires() == [(f"1001@{HOST}", "0/0 (0/0)")]


def test_an_account_that_watches_a_mailbox_shows_the_sum_of_both():
    desk = Desk()
    desk.has(ALICE, Summary(1, 2), extensions=("1002", "1009@other.example.com", "not an extension!"))
    desk.has(BOB, Summary(3, 0, 1))
    desk.now_has(ALICE, "delivered", 2, 2, extensions=("1002", "1009@other.example.com"))
    assert sorted(desk.fires()) == [
        (f"1001@{HOST}", "2/2 (0/0)"),
        (f"1002@{HOST}", "5/2 (1/0)"),
        ("1009@other.example.com", "2/2 (0/0)"),
    ]


def test_an_account_that_watches_no_more_goes_dark():
    desk = Desk()
    desk.lamps.changed(desk.has(ALICE, Summary(1), extensions=("1002",)))
    assert (f"1002@{HOST}", "1/0 (0/0)") in desk.fires()
    desk.now_has(ALICE, "box-changed", 1)
    assert desk.fires() == [(f"1002@{HOST}", "0/0 (0/0)")]


def test_the_lamp_of_a_removed_mailbox_goes_dark(desk):
    desk.now_has(ALICE, "delivered", 1)
    desk.fires()
    desk.lamps.changed(desk.counts.remove(ALICE), EventType.BOX_REMOVED)
    assert desk.fires() == [(f"1001@{HOST}", "0/0 (0/0)")]


def test_a_registration_is_answered_for_that_registration_only(desk):
    desk.now_has(ALICE, "delivered", 2, 5, 1, 0)
    query = {
        "Event-Name": "MESSAGE_QUERY",
        "Message-Account": f"sip:1001@{HOST}",
        "VM-Sofia-Profile": "internal",
        "VM-Call-ID": "abc123@10.0.0.9",
    }
    assert desk.lamps.answer(query)
    assert desk.switch.fired == [
        (
            "MESSAGE_WAITING",
            "",
            {
                "MWI-Messages-Waiting": "yes",
                "MWI-Message-Account": f"sip:1001@{HOST}",
                "MWI-Voice-Message": "2/5 (1/0)",
                "Sofia-Profile": "internal",
                "Call-ID": "abc123@10.0.0.9",
            },
        )
    ]


def test_a_subscription_is_answered_for_that_subscription_only(desk):
    desk.lamps.answer({"Message-Account": f"sip:1001@{HOST}", "VM-sub-call-id": "sub-7"})
    [(_, _, headers)] = desk.switch.fired
    assert headers["sub-call-id"] == "sub-7"
    assert "Call-ID" not in headers


def test_whoever_has_no_mailbox_is_told_no_as_mod_voicemail_does(desk):
    desk.lamps.answer({"Message-Account": f"sip:4999@{HOST}", "VM-Call-ID": "x"})
    [(_, _, headers)] = desk.switch.fired
    assert headers["MWI-Messages-Waiting"] == "no"
    assert "MWI-Voice-Message" not in headers


def registration(call_id, **more):
    """mod_sofia's event of a registration."""
    return {"from-user": "1001", "from-host": HOST, "call-id": call_id, "profile-name": "internal", **more}


def test_a_registration_mod_sofia_does_not_ask_for_is_told_after_a_second_and_once(desk):
    desk.lamps.registered(registration("new-1"))
    assert desk.lamps.fire_due() == desk.clock.now() + 1
    assert desk.switch.fired == []
    assert desk.fires(1) == [(f"sip:1001@{HOST}", "0/0 (0/0)")]
    [(_, _, headers)] = desk.switch.fired
    assert (headers["Call-ID"], headers["Sofia-Profile"]) == ("new-1", "internal")
    desk.lamps.registered(registration("new-1"))
    assert desk.fires(5) == [], "it only refreshes"


def test_a_registration_mod_sofia_asks_for_is_told_once(desk):
    desk.lamps.registered(registration("new-1"))
    desk.lamps.answer({"Message-Account": f"sip:1001@{HOST}", "VM-Call-ID": "new-1"})
    assert len(desk.switch.fired) == 1
    assert desk.fires(5) == []


def test_a_registration_with_an_account_of_its_own_for_the_lamp_shows_that_one(desk):
    desk.now_has(BOB, "delivered", 3)
    desk.fires()
    for call_id, account in (("a", f"1002@{HOST}"), ("b", "1002"), ("c", f"sip:1002@{HOST}")):
        desk.lamps.registered(registration(call_id, **{"mwi-account": account}))
    assert desk.fires(1) == [(f"sip:1002@{HOST}", "3/0 (0/0)")] * 3


def test_only_so_many_registrations_are_remembered(desk):
    newcomers = NewRegistrations(most=2)
    for call_id in ("a", "b", "c", "a"):
        newcomers.registered(registration(call_id), 0)
    assert [query["VM-Call-ID"] for query in newcomers.due(2)[0]] == ["a", "b", "c"]
    newcomers.registered({}, 0)
    assert newcomers.due(9) == ([], None)


@pytest.mark.parametrize("account", ["", "nobody", "sip:@host", "1001@", "a b@c", "1001@h\r\nMWI-Fake: 1"])
def test_a_query_without_an_account_is_answered_with_nothing(desk, account):
    assert not desk.lamps.answer({"Message-Account": account})
    assert desk.switch.fired == []


def test_after_a_reconnect_all_is_sent_again_what_changed_meanwhile_first(desk):
    desk.lamps.reconnected()
    desk.fires()
    desk.switch.connected = False
    desk.now_has(BOB, "delivered", 1)
    assert desk.fires() == []
    desk.switch.connected = True
    desk.lamps.reconnected()
    assert desk.fires(0) == [(f"1002@{HOST}", "1/0 (0/0)")]
    assert desk.fires(1) == [(f"1001@{HOST}", "0/0 (0/0)")]


def test_thousands_of_lamps_are_sent_at_a_pace_and_a_change_need_not_wait_for_them():
    desk = Desk(per_second=100)
    for number in range(2000, 4000):
        desk.has(MailboxId(str(number)))
    desk.lamps.reconnected()
    assert len(desk.fires(1)) == pytest.approx(100, abs=2)
    last = MailboxId("3999")
    desk.now_has(last, "delivered", 1)
    assert (f"3999@{HOST}", "1/0 (0/0)") in desk.fires(0.3)
    assert sum(len(desk.fires(1)) for _ in range(25)) == pytest.approx(2000 - 101 - 30, abs=5)


def test_a_look_at_the_store_that_events_overtook_changes_nothing(desk):
    version = desk.counts.version(ALICE)
    desk.now_has(ALICE, "delivered", 1)
    desk.counts.load(ALICE, Summary(0), (), version)
    assert desk.counts.lamp(ALICE) == Summary(1)
    desk.counts.load(ALICE, Summary(4), (), desk.counts.version(ALICE))
    assert desk.counts.lamp(ALICE) == Summary(4)


def test_a_mailbox_first_heard_of_by_an_event_has_its_lamp_at_once():
    desk = Desk()
    desk.now_has(MailboxId("3000"), "box-added", 0)
    assert desk.fires() == [(f"3000@{HOST}", "0/0 (0/0)")]


class TestWhichTelephones:
    """A mailbox domain, the hosts telephones register with, and the SIP profiles they register through."""

    def test_a_mailbox_in_the_default_domain_is_that_of_any_host_this_node_serves(self):
        desk = Desk(Domains())
        desk.has(ALICE)
        desk.node.look(desk.switch)
        assert desk.node.accounts(ALICE, desk.counts) == [Account("1001", "10.0.0.1"), Account("1001", HOST)]
        assert desk.node.lamp(Account("1001", HOST), desk.counts) == ALICE

    def test_but_not_of_a_host_where_that_number_has_a_mailbox_of_its_own(self):
        desk = Desk(Domains())
        own = MailboxId("1001", HOST)
        desk.has(ALICE)
        desk.has(own)
        desk.node.look(desk.switch)
        assert desk.node.accounts(ALICE, desk.counts) == [Account("1001", "10.0.0.1")]
        assert desk.node.accounts(own, desk.counts) == [Account("1001", HOST)]
        assert desk.node.lamp(Account("1001", HOST), desk.counts) == own

    def test_a_host_is_learnt_from_the_telephone_that_asks(self):
        desk = Desk(Domains())
        desk.has(ALICE)
        desk.lamps.answer({"Message-Account": "sip:1001@192.0.2.7:5060"})
        desk.now_has(ALICE, "delivered", 1)
        assert desk.fires() == [("1001@192.0.2.7", "1/0 (0/0)")]

    def test_one_domain_may_have_several_hosts_and_a_host_belongs_to_one_domain(self):
        desk = Desk(Domains({"acme": ("a.example.com", "b.example.com")}))
        box = MailboxId("1001", "acme")
        desk.has(box)
        desk.now_has(box, "delivered", 1)
        assert desk.fires() == [("1001@a.example.com", "1/0 (0/0)"), ("1001@b.example.com", "1/0 (0/0)")]
        assert desk.node.lamp(Account("1001", "B.example.com"), desk.counts) == box
        assert desk.node.domain("acme") == "a.example.com"
        assert desk.node.domain("elsewhere") == "elsewhere"

    def test_each_database_of_sip_profiles_is_sent_one_event(self):
        two = "<profile><name>{0}</name><state>RUNNING (0)</state></profile>"
        desk = Desk(
            api={
                "sofia xmlstatus": "".join(two.format(name) for name in ("internal", "external", "tls")),
                "sofia xmlstatus profile external": "<db-name>sofia_reg_external</db-name>",
                "sofia xmlstatus profile tls": "<db-name>sofia_reg_internal</db-name>",
            }
        )
        desk.has(ALICE)
        desk.node.look(desk.switch)
        desk.now_has(ALICE, "delivered", 1)
        desk.fires()
        assert [h["Sofia-Profile"] for _, _, h in desk.switch.fired] == ["internal", "external"]

    def test_with_very_many_profiles_freeswitch_chooses(self):
        names = "".join(f"<profile><name>t{n}</name><state>RUNNING</state></profile>" for n in range(30))
        desk = Desk(api={"sofia xmlstatus": names})
        desk.node.look(desk.switch)
        assert desk.node.profiles == ()

    def test_profiles_can_be_named(self):
        desk = Desk(Domains(profiles=("internal",)))
        desk.node.look(desk.switch)
        assert desk.node.profiles == ("internal",)

    def test_a_profile_that_came_up_since_the_last_look_is_noticed(self):
        desk = Desk()
        desk.node.look(desk.switch)
        desk.lamps.answer({"Message-Account": f"sip:1001@{HOST}", "VM-Sofia-Profile": "internal"})
        assert not desk.node.outdated
        desk.lamps.answer({"Message-Account": f"sip:1001@{HOST}", "VM-Sofia-Profile": "late"})
        assert desk.node.outdated
        desk.node.look(desk.switch)
        assert not desk.node.outdated

    @pytest.mark.parametrize("answer", ["", "-ERR no reply", "[]", '{"rows": 7}', '{"rows": ["x"]}', "{"])
    def test_answers_that_are_no_answers_teach_nothing(self, answer):
        desk = Desk(
            Domains(), {"show registrations as json": answer, "sofia xmlstatus": answer, "global_getvar domain": answer}
        )
        desk.node.look(desk.switch)
        assert desk.node.profiles == ()
        assert desk.node.accounts(ALICE, desk.counts) == [Account("1001", "default")]


def test_mod_voicemail_beside_us_is_noticed():
    assert voicemail_module_loaded(WrittenSwitch({"module_exists mod_voicemail": "true\n"}))
    assert not voicemail_module_loaded(WrittenSwitch())


def test_after_a_start_a_new_message_s_lamp_is_next_however_long_the_others_take():
    desk = Desk()
    for number in range(2000, 4000):
        desk.has(MailboxId(str(number)))
    fire, fired_at = desk.switch.fire, {}

    def slowly(name, headers, *more):
        desk.clock.later(0.014)  # 2,000 lamps take 28 s
        if len(desk.switch.fired) == 500:
            desk.now_has(MailboxId("3999"), "delivered", 1)
        fired_at.setdefault((headers["MWI-Message-Account"], headers["MWI-Voice-Message"]), desk.clock.now())
        return fire(name, headers, *more)

    desk.switch.fire = slowly
    desk.lamps.reconnected()
    began = desk.clock.now()
    desk.lamps.fire_due()
    assert fired_at[f"3999@{HOST}", "1/0 (0/0)"] - began < 500 * 0.014 + 0.3


class TestAnybodyMaySubscribe:
    """A SUBSCRIBE needs no password, and names any host."""

    @staticmethod
    def ask(desk, user, host):
        desk.lamps.answer({"Message-Account": f"sip:{user}@{host}", "VM-Sofia-Profile": "internal"})

    def test_a_thousand_hosts_make_no_thousand_events_of_a_message(self):
        desk = Desk(Domains())
        desk.has(ALICE)
        desk.node.look(desk.switch)
        for number in range(1000):
            self.ask(desk, "1001", f"host{number}.example.com")
            self.ask(desk, "nobody", f"none{number}.example.com")
        desk.now_has(ALICE, "delivered", 1)
        assert len(desk.fires()) <= 2 + MOST_LEARNT
        assert not any("none" in account for account, _ in desk.switch.waiting())

    def test_a_host_nobody_asks_by_any_more_is_forgotten(self):
        desk = Desk(Domains())
        desk.has(ALICE)
        desk.node.look(desk.switch)
        self.ask(desk, "1001", "alias.example.com")
        desk.clock.later(LEARNT_S + 1)
        self.ask(desk, "1001", HOST)
        desk.now_has(ALICE, "delivered", 1)
        assert f"1001@{HOST}" in dict(desk.fires())
        assert "1001@alias.example.com" not in dict(desk.switch.waiting())


@pytest.mark.parametrize("domain", ["pbx.test", "PBX.Test"])
def test_a_telephone_that_spells_its_host_in_capitals_has_its_lamp(domain):
    desk = Desk(Domains(), api={"show registrations as json": '{"rows":[{"realm":"PBX.Test"}]}'})
    box = MailboxId("1001", "pbx.test")
    desk.has(box)
    desk.node.look(desk.switch)
    desk.now_has(box, "delivered", 1)
    assert desk.fires() == [("1001@PBX.Test", "1/0 (0/0)")]
    desk.switch.forget()
    desk.lamps.answer({"Message-Account": f"sip:1001@{domain}"})
    assert desk.switch.waiting() == [(f"sip:1001@{domain}", "1/0 (0/0)")]


def test_a_telephone_that_unregistered_and_comes_back_with_the_same_call_id_is_told(desk):
    desk.lamps.registered(registration("same"))
    assert len(desk.fires(2)) == 1
    desk.lamps.registered(registration("same"))
    assert desk.fires(2) == []
    desk.lamps.unregistered({"call-id": "same"})
    desk.lamps.registered(registration("same"))
    assert len(desk.fires(2)) == 1
