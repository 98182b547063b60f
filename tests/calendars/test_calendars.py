"""Calendars: read from files and addresses within bounds, kept when they can't be, and what is in them."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from support.clocks import Clock
from support.neighbour import Manner
from support.web_neighbour import WebNeighbour

from esl_vm.calendars.folder import CalendarFolder
from esl_vm.calendars.reading import CalendarReader
from esl_vm.model.calendars import Calendar
from esl_vm.model.settings import CalendarSettings

TORONTO = ZoneInfo("America/Toronto")
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
EMPTY = {"days": ["2026-12-25"], "spans": []}


def ical(*events: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20260101T000000Z", *event.split(), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


@pytest.fixture
def events_of():
    pytest.importorskip("recurring_ical_events", reason="esl-vm[calendars] is not installed")
    from esl_vm.calendars.dates import events_of

    return lambda *events: events_of(ical(*events), TORONTO, NOW)


def epoch(text: str, zone: ZoneInfo = TORONTO) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def test_whole_days_are_days_and_the_end_is_the_day_after(events_of):
    days, spans = events_of("DTSTART;VALUE=DATE:20261224 DTEND;VALUE=DATE:20261227", "DTSTART;VALUE=DATE:20270101")
    assert days == ["2026-12-24", "2026-12-25", "2026-12-26", "2027-01-01"]
    assert spans == []


def test_times_are_times_of_their_zone_and_what_touches_is_one(events_of):
    days, spans = events_of(
        "DTSTART;TZID=Europe/Paris:20261201T090000 DTEND;TZID=Europe/Paris:20261201T100000",
        "DTSTART:20261130T090000 DURATION:PT2H",
        "DTSTART:20261130T110000 DTEND:20261130T120000",
        "DTSTART:20261202T080000Z DTEND:20261202T090000Z",
    )
    assert days == []
    assert spans == [
        (epoch("2026-11-30T09:00"), epoch("2026-11-30T12:00")),
        (epoch("2026-12-01T09:00", ZoneInfo("Europe/Paris")), epoch("2026-12-01T10:00", ZoneInfo("Europe/Paris"))),
        (epoch("2026-12-02T08:00", UTC), epoch("2026-12-02T09:00", UTC)),
    ]


def test_recurrences_keep_their_exceptions_and_their_hour_over_the_change_of_clocks(events_of):
    _, spans = events_of(
        "DTSTART;TZID=America/Toronto:20270312T120000 DTEND;TZID=America/Toronto:20270312T130000 "
        "RRULE:FREQ=DAILY;COUNT=4 EXDATE;TZID=America/Toronto:20270313T120000"
    )
    assert spans == [(epoch(f"2027-03-{day}T12:00"), epoch(f"2027-03-{day}T13:00")) for day in (12, 14, 15)]


def test_what_is_free_or_cancelled_does_not_count_but_a_free_holiday_does(events_of):
    days, spans = events_of(
        "DTSTART:20261201T090000Z DTEND:20261201T100000Z TRANSP:TRANSPARENT",
        "DTSTART:20261202T090000Z DTEND:20261202T100000Z STATUS:CANCELLED",
        "DTSTART;VALUE=DATE:20261225 TRANSP:TRANSPARENT",
        "DTSTART;VALUE=DATE:20261226 STATUS:CANCELLED",
    )
    assert (days, spans) == (["2026-12-25"], [])


def test_an_event_that_began_long_ago_and_goes_on_counts(events_of):
    days, _ = events_of("DTSTART;VALUE=DATE:20260101 DTEND;VALUE=DATE:20991231")
    assert {"2026-11-28", "2027-06-01"} <= set(days)
    assert len(days) < 1000


def test_holidays_of_canada_and_quebec():
    pytest.importorskip("holidays", reason="esl-vm[calendars] is not installed")
    from esl_vm.calendars.dates import holidays_of

    quebec, canada = holidays_of("ca-qc", [2026, 2027]), holidays_of("ca", [2026, 2027])
    assert {"2026-05-18", "2026-06-24", "2026-07-01", "2026-10-12", "2027-01-01", "2027-06-24"} <= set(quebec)
    assert "2026-06-24" not in canada
    assert {"2026-07-01", "2026-12-25"} <= set(canada)
    with pytest.raises(LookupError):
        holidays_of("zz", [2026])


class Reading:
    """A reader whose bytes become dates here, not in a process of its own."""

    def __init__(self, folder, *sources, **settings):
        self.folder = CalendarFolder(folder / "calendars")
        self.clock = Clock(NOW.timestamp())
        wanted = CalendarSettings(sources=sources, holidays=())
        self.timeout_s = settings.get("timeout_s", wanted.timeout_s)
        wanted = replace(wanted, **settings)
        self.reader = CalendarReader(wanted, self.folder, self.clock, "America/Toronto", self._dates)
        self.contents = []

    def _dates(self, kind, what, content, timeout_s):
        assert (kind, what, timeout_s) == ("icalendar", "America/Toronto", self.timeout_s)
        self.contents.append(content)
        return EMPTY

    def read(self, name="office") -> Calendar:
        self.reader.read_all()
        return self.folder.get(name)


def test_a_file_is_read_and_what_can_not_be_read_since_stays(tmp_path):
    path = tmp_path / "office.ics"
    reading = Reading(tmp_path, f"office={path}")
    never = reading.read()
    assert (never.read, never.days, never.problem) == (0, frozenset(), "there is no such file")
    path.write_bytes(b"a calendar")
    good = reading.read()
    assert (good.days, good.problem, good.read) == (frozenset({"2026-12-25"}), "", NOW.timestamp())
    path.unlink()
    reading.clock.passes(3600)
    after = reading.read()
    assert (after.days, after.read, after.problem) == (good.days, good.read, "there is no such file")
    assert reading.folder.covers("office", datetime(2026, 12, 25, 9, tzinfo=TORONTO))


def test_a_calendar_that_the_settings_name_no_more_is_forgotten(tmp_path):
    path = tmp_path / "office.ics"
    path.write_bytes(b"a calendar")
    assert Reading(tmp_path, f"office={path}").read().name == "office"
    again = Reading(tmp_path, f"other={path}")
    assert again.read("other").name == "other"
    assert again.folder.get("office") is None
    assert [calendar.name for calendar in again.folder.all()] == ["other"]


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "office.ics"
    path.write_bytes(b"x" * 2049)
    reading = Reading(tmp_path, f"office={path}", largest_kb=2)
    assert reading.read().problem == "it has more than 2 KB"
    assert reading.contents == []


def test_an_address_is_fetched_where_private_ones_are_allowed(tmp_path):
    with WebNeighbour() as server:
        shut = Reading(tmp_path, f"office={server.url}?token=s3cret")
        assert shut.read().problem == "127.0.0.1 is 127.0.0.1, a private address (calendars.private)"
        assert server.heads == []
        good = Reading(tmp_path, f"office={server.url}?token=s3cret", private=True)
        calendar = good.read()
    assert (calendar.problem, good.contents) == ("", [b"ok"])
    assert server.heads[0].startswith(b"GET /hook?token=s3cret HTTP/1.1")
    assert "s3cret" not in repr(calendar)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answers 404"),
        (b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", "is no web address"),
        (b"HTTP/1.1 302 Found\r\nLocation: /hook\r\nContent-Length: 0\r\n\r\n", "sent on more than 3 times"),
        (b"nonsense\r\n\r\n", "nonsense"),
    ],
)
def test_answers_that_are_no_calendar_are_problems(tmp_path, answer, problem):
    with WebNeighbour({"answer": answer}) as server:
        reading = Reading(tmp_path, f"office={server.url}", private=True)
        assert problem in reading.read().problem
    assert reading.contents == []


def test_a_server_that_never_answers_is_given_up(tmp_path):
    with WebNeighbour({"answer": Manner.HANG}) as server:
        assert (
            "no answer within 1 s"
            in Reading(tmp_path, f"office={server.url}", private=True, timeout_s=1).read().problem
        )


@pytest.fixture
def real(tmp_path):
    """A reader with its process, and the file it reads."""
    pytest.importorskip("recurring_ical_events", reason="esl-vm[calendars] is not installed")
    path = tmp_path / "office.ics"
    folder = CalendarFolder(tmp_path / "calendars")

    def read(content: bytes, **settings) -> Calendar:
        path.write_bytes(content)
        wanted = replace(CalendarSettings(sources=(f"office={path}",), holidays=("ca-qc",), timeout_s=120), **settings)
        CalendarReader(wanted, folder, Clock(NOW.timestamp()), "America/Toronto").read_all()
        assert json.loads((tmp_path / "calendars" / "office.json").read_text())["name"] == "office"
        return folder.get("office")

    return read, folder


def test_the_process_reads_what_is_good_and_says_what_is_not(real):
    read, folder = real
    today = date.today()
    good = read(ical(f"DTSTART;VALUE=DATE:{today:%Y%m%d}"))
    assert (good.days, good.problem) == (frozenset({today.isoformat()}), "")
    holidays = folder.get("ca-qc")
    assert f"{today.year}-06-24" in holidays.days
    assert (holidays.source, holidays.problem) == ("public holidays", "")
    bad = read(b"this is no calendar")
    assert bad.days == good.days
    assert bad.problem


def test_a_calendar_that_takes_for_ever_is_given_up(real):
    read, _ = real
    endless = ical("DTSTART:20200101T000000Z DTEND:20200101T000001Z RRULE:FREQ=SECONDLY")
    assert read(endless, holidays=(), timeout_s=1).problem == "it takes more than 1 s to read"


def test_a_file_that_was_spoilt_is_as_none(tmp_path):
    folder = CalendarFolder(tmp_path)
    folder.put(Calendar("office", days=frozenset({"2026-12-25"})))
    assert folder.covers("office", datetime(2026, 12, 25, tzinfo=UTC))
    (tmp_path / "broken.json").write_text('{"name": ')
    (tmp_path / "strange.json").write_text("[]")
    assert [calendar.name for calendar in folder.all()] == ["office"]
    assert not folder.covers("broken", NOW)
    assert not folder.covers("absent", NOW)
