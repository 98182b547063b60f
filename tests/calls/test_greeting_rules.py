"""Which greeting is heard: rules by time, calendar and caller, as a table; what is no rule is refused with the reason."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from esl_vm.model.calendars import Calendar
from esl_vm.model.conditions import LONGEST, MOST, calendars_missing, no_calendar
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.fields import checked_field
from esl_vm.model.greeting_choice import fitting, preview
from esl_vm.model.greeting_rules import Circumstances, choose, chosen, parse_rules, rules_text
from esl_vm.model.mailbox import Greeting, Mailbox, MailboxId, StoredGreeting
from esl_vm.model.message import Counts
from esl_vm.model.options import MailboxOptions

TORONTO = ZoneInfo("America/Toronto")


def at(text: str, zone: ZoneInfo = TORONTO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def fits(rule: str, when: str = "2026-11-27T18:30", *, covers=no_calendar, **who: object) -> bool:
    [parsed] = parse_rules(rule)
    return parsed.fits(Circumstances(at(when), **who), covers)


@pytest.mark.parametrize(
    ("conditions", "when", "expected"),
    [
        ("", "2026-11-27T18:30", True),
        ("fri", "2026-11-27T18:30", True),
        ("fri", "2026-11-28T18:30", False),
        ("mon-fri", "2026-11-27T00:00", True),
        ("mon-fri", "2026-11-28T00:00", False),
        ("sat-mon", "2026-11-29T12:00", True),
        ("sat-mon", "2026-12-01T12:00", False),
        ("mon,wed", "2026-12-02T12:00", True),
        ("18:00-20:00", "2026-11-27T18:00", True),
        ("18:00-20:00", "2026-11-27T17:59", False),
        ("18:00-20:00", "2026-11-27T20:00", False),
        ("12:00-13:00,18:00-20:00", "2026-11-27T12:59", True),
        ("18-8", "2026-11-27T07:59", True),
        ("18-8", "2026-11-27T08:00", False),
        ("18:00-24:00", "2026-11-27T23:59", True),
        ("18:00-24:00", "2026-11-28T00:00", False),
        ("fri 18:00-08:00", "2026-11-28T07:00", True),  # the night that began on Friday
        ("fri 18:00-08:00", "2026-11-27T07:00", False),  # the night that began on Thursday
        ("mon 18:00-08:00", "2026-11-29T23:00", False),
        ("sun 18:00-08:00", "2026-11-30T02:00", True),  # over the week's end
    ],
)
def test_a_rule_fits_its_days_and_hours(conditions, when, expected):
    assert fits(f"unavailable-2 {conditions}", when) is expected


def test_hours_are_those_the_clocks_of_the_zone_show():
    rule = parse_rules("unavailable-2 02:15-02:45")[0]
    spring = [datetime.fromtimestamp(moment, TORONTO) for moment in range(1772953200 - 7200, 1772953200 + 7200, 600)]
    assert {one.day for one in spring} == {8}
    assert not any(rule.fits(Circumstances(one), no_calendar) for one in spring), (
        "2:15 to 2:45 is skipped on 8 March 2026"
    )
    twice = parse_rules("unavailable-2 01:15-01:45")[0]
    first = datetime(2026, 11, 1, 1, 30, tzinfo=TORONTO)
    assert first.utcoffset() != first.replace(fold=1).utcoffset()
    assert twice.fits(Circumstances(first), no_calendar)
    assert twice.fits(Circumstances(first.replace(fold=1)), no_calendar)


@pytest.mark.parametrize(
    ("conditions", "number", "expected"),
    [
        ("from:5145550102", "5145550102", True),
        ("from:5145550102", "15145550102", False),
        ("from:514*", "5145550102", True),
        ("from:514*", "6145550102", False),
        ("from:+1514*", "15145550102", True),
        ("from:1514*", "+1 514-555-0102", True),
        ("from:1002,1003", "1003", True),
        ("from:anonymous", "", True),
        ("from:anonymous", "anonymous", True),
        ("from:anonymous", "1002", False),
        ("from:1*", "", False),
    ],
)
def test_a_rule_fits_its_callers(conditions, number, expected):
    assert fits(f"unavailable-2 {conditions}", number=number) is expected


def test_a_rule_fits_its_side_and_its_reason():
    assert fits("unavailable-2 internal", internal=True)
    assert not fits("unavailable-2 internal", internal=False)
    assert fits("unavailable-2 external", internal=False)
    assert not fits("unavailable-2", busy=True)
    assert not fits("busy-2", busy=False)
    assert fits("unavailable-2 both", busy=True)
    assert fits("busy both", busy=False)


def test_a_rule_fits_when_one_of_its_calendars_does():
    asked = []

    def covers(name, when):
        asked.append((name, when))
        return name == "office"

    assert fits("unavailable-2 calendar:ca-qc,office", covers=covers)
    assert asked == [("ca-qc", at("2026-11-27T18:30")), ("office", at("2026-11-27T18:30"))]
    assert not fits("unavailable-2 calendar:ca-qc", covers=covers)
    asked.clear()
    assert not fits("unavailable-2 sat calendar:office", covers=covers)
    assert asked == [], "a calendar is asked where all else fits"


def test_a_calendar_covers_whole_days_in_the_zone_that_asks_and_times_everywhere():
    noon = at("2026-12-25T12:00", UTC).timestamp()
    calendar = Calendar(
        "c", days=frozenset({"2026-12-25"}), spans=((int(noon) - 86400 * 3, int(noon) - 86400 * 3 + 60),)
    )
    assert calendar.covers(at("2026-12-25T00:00"))
    assert calendar.covers(at("2026-12-25T23:59"))
    assert not calendar.covers(at("2026-12-26T00:00"))
    assert not calendar.covers(at("2026-12-25T04:59", UTC).astimezone(TORONTO)), "it is still the 24th in Toronto"
    assert calendar.covers(at("2026-12-22T12:00:30", UTC))
    assert not calendar.covers(at("2026-12-22T12:01", UTC))
    assert not calendar.covers(at("2026-12-22T11:59", UTC))


RULES = "unavailable-3 both calendar:ca-qc,office; unavailable-2 mon-fri,sun 18:00-08:00,12:00-13:00; busy-2 from:+514*,1002 internal; unavailable-4"


def test_rules_are_stored_as_they_are_read():
    assert rules_text(parse_rules(RULES)) == RULES
    assert rules_text(parse_rules(" UNAVAILABLE-2   18-8:30 Mon,Tue,wed ;; busy external ")) == (
        "unavailable-2 mon-wed 18:00-08:30; busy external"
    )
    assert checked_field("greeting_rules", "unavailable-2 sun-mon") == "unavailable-2 mon,sun"
    assert checked_field("greeting_rules", "") == ""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("temporary mon", "temporary"),
        ("unavailable-1 mon", "unavailable-1"),
        ("unavailable-10", "unavailable-10"),
        ("unavailable-2 funday", "funday"),
        ("unavailable-2 mon-funday", "mon-funday"),
        ("unavailable-2 25:00-26:00", "25:00-26:00"),
        ("unavailable-2 18:00-18:00", "18:00-18:00"),
        ("unavailable-2 24:00-08:00", "24:00-08:00"),
        ("unavailable-2 18:00-24:30", "18:00-24:30"),
        ("unavailable-2 18:00", "18:00"),
        ("unavailable-2 mon tue", "two conditions"),
        ("unavailable-2 internal external", "two conditions"),
        ("unavailable-2 from:", "from:"),
        ("unavailable-2 from:*514", "from:*514"),
        ("unavailable-2 calendar:Bad_Name", "calendar:bad_name"),
        ("unavailable-2 " + "x" * LONGEST, str(LONGEST)),
        ("busy;" * (MOST + 1), str(MOST)),
    ],
)
def test_what_is_no_rule_is_refused_with_what_is_wrong(text, named):
    with pytest.raises(InvalidValueError, match=named.replace("*", r"\*")):
        checked_field("greeting_rules", text)


def test_choosing_is_a_rule_without_conditions_and_leaves_the_others():
    rules = parse_rules("unavailable-2 mon; busy-3")
    third = choose(rules, "unavailable-3")
    assert rules_text(third) == "unavailable-2 mon; busy-3; unavailable-3"
    assert (chosen(third, "unavailable"), chosen(third, "busy")) == ("unavailable-3", "busy-3")
    assert rules_text(choose(third, "unavailable-4")) == "unavailable-2 mon; busy-3; unavailable-4"
    assert rules_text(choose(third, "unavailable")) == "unavailable-2 mon; busy-3"
    assert chosen(rules, "unavailable") == "unavailable"


def mailbox(rules: str, *recorded: str, temporary: StoredGreeting | None = None) -> Mailbox:
    greetings = {Greeting(name): StoredGreeting(name) for name in recorded}
    if temporary:
        greetings[Greeting.TEMPORARY] = temporary
    return Mailbox(
        MailboxId("1001"), Counts(), greetings=greetings, options=replace(MailboxOptions(), greeting_rules=rules)
    )


def heard(box: Mailbox, **who: object) -> list[str]:
    return [choice.greeting.value for choice in fitting(box, Circumstances(at("2026-11-27T18:30"), **who), no_calendar)]


def test_the_first_rule_that_fits_and_is_recorded_wins_and_none_is_as_without_rules():
    rules = "unavailable-2 sat; unavailable-3 fri; unavailable-4 18:00-19:00; unavailable-5"
    every = [f"unavailable-{number}" for number in range(2, 10)]
    assert heard(mailbox(rules, "unavailable", *every))[0] == "unavailable-3"
    assert heard(mailbox(rules, "unavailable", "unavailable-2", "unavailable-4"))[0] == "unavailable-4"
    assert heard(mailbox(rules, "unavailable", "unavailable-2")) == ["unavailable"]
    assert heard(mailbox(rules, "unavailable-2", "busy")) == []
    assert heard(mailbox("", "unavailable", *every)) == ["unavailable"]
    assert heard(mailbox("busy-2 from:1002; busy-3", "busy", "busy-2", "busy-3"), busy=True, number="1002") == [
        "busy-2",
        "busy-3",
        "busy",
    ]


def test_a_temporary_greeting_comes_before_all_rules_while_it_is_active():
    now = int(at("2026-11-27T18:30").timestamp())
    active, over = StoredGreeting("t"), StoredGreeting("t", ends=now)
    assert heard(mailbox("unavailable-2", "unavailable-2", temporary=active))[0] == "temporary"
    assert heard(mailbox("unavailable-2", "unavailable-2", temporary=over)) == ["unavailable-2"]


def test_calendars_that_are_asked_and_not_there_are_named():
    box = mailbox("unavailable-2 calendar:office,ca; busy calendar:ca-qc")
    assert calendars_missing(parse_rules(box.options.greeting_rules), ["ca"]) == ["ca-qc", "office"]


@pytest.mark.parametrize(("busy", "led_to"), [(True, "mailbox:1002"), (False, None)])
def test_a_preview_names_what_is_not_recorded_and_where_the_call_is_led_on_to(busy, led_to):
    box = mailbox("unavailable-2 fri; busy-3 both; unavailable-2 sat")
    box = replace(box, options=replace(box.options, exits="busy=mailbox:1002; 9=directory"), greetings={})
    told = preview(box, Circumstances(at("2026-11-27T18:30"), busy), no_calendar, [])
    assert (told.choice, told.led_to) == (None, led_to)
    assert told.unrecorded == [Greeting("busy-3"), Greeting("unavailable-2")]


def test_every_numbered_greeting_knows_its_kind_and_number():
    assert len(Greeting) == 20
    for kind in (Greeting.UNAVAILABLE, Greeting.BUSY):
        for number in range(1, 10):
            one = kind.numbered(number)
            assert (one.kind, one.number) == (kind, number)
            assert one.numbered(1) is kind
    assert Greeting.NAME.kind is Greeting.NAME
