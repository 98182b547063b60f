"""Who calls, for whom, and in which words: languages, names and numbers as telephones write them, domains, dates of greetings."""

import re
import uuid

import pytest
from calls.book import IN, ONE, RECORD, Box, Msg
from live.live_rig import LiveRig, furnish
from live.scenes import Scene
from support.sounds import write_wav
from support.waiting import wait_until

from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.message import Message

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

ALICE = MailboxId("1001")
LEAVES = RECORD + "d:1 end:20"
CALLER = "5145550144"


def rings(script=LEAVES, dials="1001", box=None, number=CALLER, **call):
    def act(node, folder):
        rig = LiveRig(node, folder)
        furnish(rig, box or Box())
        rig.dials(dials, script, number, **call)
        return rig

    return act


def once(name, act):
    return pytest.mark.parametrize("scene", [Scene(name, act)], ids=[name])


def each(prefix, wanted, act_of):
    """A scene for each of several; the test gets what is wanted of it too."""
    scenes = [
        (Scene(f"{prefix}_{number}", act_of(sent)), right) for number, (sent, right) in enumerate(wanted.values())
    ]
    return pytest.mark.parametrize(("scene", "right"), scenes, ids=wanted)


def message_of(rig):
    assert rig.problems == [], rig.transcript
    [message] = rig.messages(ALICE, Folder.NEW)
    return message


# Languages: the service's is French here.

LANGUAGES = {"the mailbox's": ("en", {"en"}), "the service's": ("", {"fr"})}


@each("caller_language", LANGUAGES, lambda language: rings(box=Box(language=language)))
def test_a_caller_hears_the_language_of_the_mailbox(played, right):
    """Not the service's: greeting, request, review and thanks; where the mailbox has none of its own, the service's."""
    message_of(played)
    assert {"vm-theperson", "vm-isunavail", "vm-review", "vm-msgsaved"} <= set(played.heard)
    assert {sound.language for sound in played.line.sounds if sound.language} == right


@once(
    "full_in_english",
    rings(
        "w:vm-mailboxfull d:* w:vm-password hang", box=Box("1001", language="en", messages=ONE, options={"maxmsg": "1"})
    ),
)
def test_what_ends_a_call_is_said_in_the_mailbox_s_language_too(played):
    assert played.problems == [], played.transcript
    assert {sound.language for sound in played.line.sounds if sound.language} == {"en"}


# Names: what telephones and gateways put between the quotes of the From header.


def as_bytes(name, charset):
    """A name as a telephone of that charset sends it."""
    return name.encode(charset).decode("utf-8", "surrogateescape")


NAMES = {
    "UTF-8": ("Zoé Bélanger", "Zoé Bélanger"),
    "Latin-1": (as_bytes("Zoé Bélanger", "latin-1"), "Zoé Bélanger"),
    "cp1252": (as_bytes("Cœur d’Alène €", "cp1252"), "Cœur d’Alène €"),
    "quotes": (r"Zoé \"Zed\" Bélanger", 'Zoé "Zed" Bélanger'),
    "backslash": (r"Zoé \\ Bélanger", "Zoé \\ Bélanger"),
    "quotes in Latin-1": (as_bytes(r"Zo\"é\"", "latin-1"), 'Zo"é"'),
}


@each("caller_name", NAMES, lambda name: rings(name=name))
def test_a_name_is_kept_as_it_was_meant_whatever_charset_and_quotes_it_came_in(played, right):
    """Bytes that are no UTF-8 are Windows-1252 or Latin-1; a quoted-pair (RFC 3261, 25.1) is the letter behind the backslash."""
    assert message_of(played).caller.name == right


@once("by_the_dialplan", rings(effective_caller_id_name="SALES Zoé", effective_caller_id_number="5145550100"))
def test_the_dialplan_may_say_whom_a_message_is_from(played):
    caller = message_of(played).caller
    assert (caller.name, caller.number) == ("SALES Zoé", "5145550100")


# Numbers: RFC 3966 lets people write them in groups.

NUMBERS = {
    "hyphens": ("+1-514-555-0179", "+15145550179"),
    "brackets": ("(514)555-0181", "5145550181"),
    "dots": ("+33.1.42.68.53.00", "+33142685300"),
    "tel": ("tel:+1-514-555-0144", "+15145550144"),
    "tel with a context": ("tel:555-0144;phone-context=+1-514", "5550144"),
    "an extension": ("tel:+1-514-555-0144;ext=12", "+15145550144"),
    "none": ("anonymous", "anonymous"),
}


@each("caller_number", NUMBERS, lambda number: rings(number=number))
def test_a_number_is_kept_without_what_makes_it_easier_to_read(played, right):
    assert message_of(played).caller.number == right


def calls_back(node, folder):
    """Someone whose number comes in groups leaves a message; its owner calls back."""
    rig = LiveRig(node, folder)
    furnish(rig, Box(options={"callback": "yes", "call_patterns": "2XXX"}))
    rig.dials("1001", LEAVES, "2-0.0-0")
    rig.dials("*97", IN + "w:vm-opts d:1 w:vm-repeat d:3 w:vm-tocallback d:2 w:vm-tocallnum d:1 end:20", "1001")
    return rig


@once("calls_back", calls_back)
def test_a_number_that_came_in_groups_can_be_called_back(played):
    assert played.problems == [], played.transcript
    assert played.sent_to == "2000"


def nameless(node, folder):
    """A leg that FreeSWITCH itself called is sent to a voicemail: what it has for its name is none (`Outbound Call`)."""
    rig = LiveRig(node, folder)
    furnish(rig, Box())
    leg = str(uuid.uuid4())

    def shell(_line, what):
        if what == "sent":
            called = f"{{origination_uuid={leg},domain_name={rig.domain}}}loopback/2002/live"
            node.switch.api(f"originate {called} &park()")
            node.switch.api(f"uuid_transfer {leg} *1001 XML live")
        else:
            node.switch.api(f"uuid_kill {leg}")

    rig.dials("2002", "sh:sent s:12 sh:gone s:1 hang", CALLER, shell=shell)
    wait_until(lambda: rig.messages(ALICE, Folder.NEW))
    return rig


@once("nameless", nameless)
def test_a_name_that_freeswitch_made_up_is_nobody_s(played):
    assert message_of(played).caller.name == ""


# Domains


def in_capitals(node, folder):
    rig = LiveRig(node, folder)
    furnish(rig, Box())
    rig.dials("1001", LEAVES, CALLER, host=rig.domain.upper())
    return rig


@once("in_capitals", in_capitals)
def test_a_domain_in_capitals_is_the_same(played):
    """Names of hosts don't depend on capitals (RFC 4343)."""
    message_of(played)
    assert played.line.variable("domain_name") == played.domain.upper()
    assert played.status == "SUCCESS"


@once("nobodys", rings("end:20", dials="2003"))
def test_a_call_of_no_domain_is_refused_and_named_where_there_are_several(played, live_node):
    """It is never guessed whose mailbox 1001 was meant."""
    assert played.problems == [], played.transcript
    assert (played.status, played.line.variable("vm_cause")) == ("FAILED", "domain")
    assert played.heard == ["im-sorry", "please-try-call-later"]
    assert played.messages(ALICE, Folder.NEW) == []
    refusal = re.compile(rf"{played.line.uuid}.*neither vm_domain nor domain_name")
    wait_until(lambda: refusal.search(live_node.service.log.read_text()))


# During a visit


def arrives_meanwhile(node, folder):
    """An urgent message comes while its owner hears another one."""
    rig = LiveRig(node, folder)
    furnish(rig, Box(messages=(Msg(),)))

    def shell(_line, _words):
        rig.put("late", write_wav(folder / "late.wav", 2.0))
        rig.deliver(ALICE, Message("late", received=rig.clock.now(), duration_ms=2000, urgent=True))

    does = "w:vm-opts d:1 w:vm-repeat sh:arrives d:2 w:vm-changeto d:0 w:vm-opts d:1 w:vm-Urgent w:<sound> w:vm-repeat d:# end:20"
    rig.dials("*97", IN + does, "1001", shell=shell)
    return rig


@once("arrives_meanwhile", arrives_meanwhile)
def test_an_urgent_message_that_comes_during_a_visit_can_be_reached(played):
    assert played.problems == [], played.transcript
    assert len(played.messages(ALICE, Folder.OLD)) == 2


# A temporary greeting with dates: over, in force, still to come. In seconds from now.
DATES = {"over": ((-2000, -1000), False), "now": ((-1000, 100000), True), "later": ((100000, 200000), False)}


def dated(dates):
    def act(node, folder):
        """A caller hears what is in force; then its owner opens the options, and records it anew."""
        rig = LiveRig(node, folder)
        furnish(rig, Box())
        rig.put("dated", write_wav(folder / "dated.wav", 2.0))
        rig.dates = tuple(int(rig.clock.now()) + seconds for seconds in dates)
        rig.set_greeting(ALICE, Greeting.TEMPORARY, StoredGreeting("dated", 2000, *rig.dates))
        rig.dials("1001", "w:vm-intro* hang", CALLER)
        rig.to_callers = rig.heard
        anew = "w:vm-options d:4 w:vm-tempgreeting2 d:1 " + RECORD + "d:1 w:vm-msgsaved hang"
        rig.dials("*97", IN + "w:vm-opts d:0 " + anew, "1001")
        return rig

    return act


@each("dated", DATES, dated)
def test_a_temporary_greeting_is_said_to_be_in_force_when_it_is_and_keeps_its_dates(played, right):
    assert played.problems == [], played.transcript
    assert any(name.startswith("<") for name in played.to_callers) is right
    assert ("vm-theperson" in played.to_callers) is not right
    assert ("vm-tmpexists" in played.heard) is right
    stored = played.mailbox(ALICE).greetings[Greeting.TEMPORARY]
    over = played.dates[1] < played.clock.now()
    assert (stored.starts, stored.ends) == ((0, 0) if over else played.dates)
