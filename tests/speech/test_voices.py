"""Voices: numbers read back, days of the calendar, languages by their tags, what can't be said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder
from esl_vm.speech.counting import Number, read_numbers
from esl_vm.speech.utterance import Prompt
from esl_vm.speech.voice import LANGUAGES, voice_for
from esl_vm.speech.words import prompt_names, words

FR, EN = voice_for("fr"), voice_for("en")
TORONTO, HALIFAX = ZoneInfo("America/Toronto"), ZoneInfo("America/Halifax")

FRENCH_NUMBERS = {
    0: "zéro",
    1: "un",
    16: "seize",
    17: "dix-sept",
    21: "vingt et un",
    22: "vingt-deux",
    61: "soixante et un",
    70: "soixante-dix",
    71: "soixante et onze",
    72: "soixante-douze",
    80: "quatre-vingts",
    81: "quatre-vingt-un",
    90: "quatre-vingt-dix",
    91: "quatre-vingt-onze",
    99: "quatre-vingt-dix-neuf",
    100: "cent",
    101: "cent un",
    171: "cent soixante et onze",
    200: "deux cents",
    280: "deux cent quatre-vingts",
    1000: "mille",
    1001: "mille un",
    2026: "deux mille vingt-six",
    80_000: "quatre-vingt mille",
    200_000: "deux cent mille",
    1_000_000: "un million",
    2_000_080: "deux millions quatre-vingts",
}
ENGLISH_NUMBERS = {
    0: "zero",
    13: "thirteen",
    21: "twenty-one",
    40: "forty",
    99: "ninety-nine",
    100: "one hundred",
    101: "one hundred one",
    2026: "two thousand twenty-six",
    1_200_000: "one million two hundred thousand",
}


def names(utterance):
    return [part.name for part in utterance if isinstance(part, Prompt)]


def sentence(utterance):
    return words(names(utterance), utterance[0].language)


@pytest.mark.parametrize(("number", "spelled"), FRENCH_NUMBERS.items())
def test_a_number_in_french(number, spelled):
    assert sentence(FR.number(number)) == f"{spelled.capitalize()}."


@pytest.mark.parametrize(("number", "spelled"), ENGLISH_NUMBERS.items())
def test_a_number_in_english(number, spelled):
    assert sentence(EN.number(number)) == f"{spelled.capitalize()}."


@pytest.mark.parametrize(
    ("number", "spelled"),
    {1: "une", 21: "vingt et une", 71: "soixante et onze", 81: "quatre-vingt-une", 91: "quatre-vingt-onze"}.items(),
)
def test_a_number_of_hours_is_feminine_in_french_and_alike_in_english(number, spelled):
    assert sentence(FR.number(number, feminine=True)) == f"{spelled.capitalize()}."
    assert EN.number(number, feminine=True) == EN.number(number)


@example(479_001_000, False)
@given(st.integers(0, 999_999_999), st.booleans())
def test_any_number_spoken_is_that_number_when_read_back(n, feminine):
    for voice in (FR, EN):
        [token] = read_numbers(names(voice.number(n, feminine=feminine)))
        assert isinstance(token, Number)
        assert token.value == n


def test_a_number_below_zero_has_a_minus_and_one_too_great_is_refused():
    assert names(FR.number(-21)) == ["digits/minus", "digits/20", "digits/et", "digits/1"]
    assert names(EN.number(-2)) == ["digits/minus", "digits/2"]
    for voice in (FR, EN):
        with pytest.raises(InvalidValueError, match="1000000000"):
            voice.number(1_000_000_000)


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1)), st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1))
)
def test_every_moment_can_be_said_with_known_prompts(at, now):
    for voice in (FR, EN):
        said = names(voice.received(at.replace(tzinfo=TORONTO), now.replace(tzinfo=TORONTO)))
        assert said[0] == "vm-received"
        assert set(said) <= set(prompt_names(voice.language))


DST = [
    # 8 March 2026: at two in the morning it is three. 1 November 2026: at two in the morning it is one again.
    (TORONTO, "2026-03-08 06:59", "2026-03-08 15:00", "Reçu aujourd'hui à une heure cinquante-neuf."),
    (TORONTO, "2026-03-08 07:00", "2026-03-08 15:00", "Reçu aujourd'hui à trois heures."),
    (TORONTO, "2026-03-08 04:30", "2026-03-09 03:30", "Reçu hier à vingt-trois heures trente."),
    (TORONTO, "2026-03-08 05:00", "2026-03-09 03:59", "Reçu aujourd'hui à zéro heure."),
    (TORONTO, "2026-03-08 05:00", "2026-03-09 04:00", "Reçu hier à zéro heure."),
    (TORONTO, "2026-11-01 05:30", "2026-11-01 20:00", "Reçu aujourd'hui à une heure trente."),
    (TORONTO, "2026-11-01 06:30", "2026-11-01 20:00", "Reçu aujourd'hui à une heure trente."),
    (TORONTO, "2026-11-01 04:00", "2026-11-02 04:59", "Reçu aujourd'hui à zéro heure."),
    (TORONTO, "2026-11-01 04:00", "2026-11-02 05:00", "Reçu hier à zéro heure."),
    (HALIFAX, "2026-03-08 05:59", "2026-03-08 15:00", "Reçu aujourd'hui à une heure cinquante-neuf."),
    (HALIFAX, "2026-03-08 06:00", "2026-03-08 15:00", "Reçu aujourd'hui à trois heures."),
    (HALIFAX, "2026-11-01 05:30", "2026-11-02 03:30", "Reçu aujourd'hui à une heure trente."),
    (HALIFAX, "2026-11-01 03:30", "2026-11-02 04:00", "Reçu hier à zéro heure trente."),
]


@pytest.mark.parametrize(("zone", "at", "now", "said"), DST)
def test_days_of_23_and_25_hours(zone, at, now, said):
    moments = [datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(zone) for text in (at, now)]
    assert sentence(FR.received(*moments)) == said


def test_weekdays_reach_back_six_days_and_are_right_on_each_of_them():
    now = datetime(2026, 11, 22, 12, tzinfo=TORONTO)  # a Sunday
    said = [sentence(EN.received(now - timedelta(days=days), now)).split()[1] for days in range(2, 8)]
    assert said == ["Friday", "Thursday", "Wednesday", "Tuesday", "Monday", "Sunday"]
    assert len(names(EN.received(now - timedelta(days=6), now))) + 2 == len(
        names(EN.received(now - timedelta(days=7), now))
    )


def test_a_clock_that_is_a_day_ahead_gets_a_whole_date_not_a_wrong_word():
    now = datetime(2026, 11, 22, 23, 59, tzinfo=TORONTO)
    ahead = datetime(2026, 11, 23, 0, 1, tzinfo=TORONTO)
    assert sentence(FR.received(ahead, now)) == "Reçu lundi vingt-trois novembre deux mille vingt-six à zéro heure une."
    assert (
        sentence(EN.received(ahead, now))
        == "Received November twenty-third two thousand twenty-six at twelve oh one a.m."
    )


@pytest.mark.parametrize("tag", ["fr", "FR", "fr_CA", "fr-CA", "fr-ca.UTF-8", " fr "])
def test_any_french_is_french(tag):
    assert voice_for(tag, default="en") is FR


def test_an_unknown_language_is_the_default_and_an_unknown_default_is_english():
    assert voice_for("de", default="fr") is FR
    assert voice_for("", default="fr_CA") is FR
    assert voice_for("de") is EN
    assert voice_for("de", default="nl") is EN


@pytest.mark.parametrize("voice", [FR, EN], ids=LANGUAGES)
def test_every_folder_but_the_trash_has_a_name(voice):
    for folder in (*Folder, "urgent"):
        assert voice.folder_messages(folder)
        assert voice.no_messages(folder)
        assert voice.listen_to(folder)
        if folder is not Folder.TRASH:
            assert voice.folder(folder)
    with pytest.raises(InvalidValueError, match="trash"):
        voice.folder(Folder.TRASH)


def test_a_full_folder_is_told_by_what_it_holds():
    assert names(FR.full("work", 100)) == [
        "im-sorry", "vm-youhave", "digits/hundred", "vm-messages", "vm-savedto", "vm-Work",
    ]  # fmt: skip
    assert names(FR.full("old", 2)) == ["im-sorry", "vm-youhave", "digits/2", "vm-Old", "vm-messages"]
    assert names(EN.full("work", 20)) == ["im-sorry", "vm-youhave", "digits/20", "vm-Work", "vm-messages"]
    assert names(EN.full("new", 1)) == ["im-sorry", "vm-youhave", "digits/1", "vm-INBOX", "vm-message"]


def test_what_lies_in_the_trash_is_just_messages():
    assert names(FR.folder_messages("trash")) == names(EN.folder_messages("trash")) == ["vm-messages"]
    assert names(FR.no_messages("trash")) == ["vm-no", "vm-message"]
    assert names(EN.no_messages("trash")) == ["vm-youhave", "vm-no", "vm-messages"]
    assert names(FR.listen_to("trash", full=True)) == ["vm-onefor-full", "vm-messages"]


def test_characters_that_have_no_prompt_are_left_out():
    assert names(EN.digits("Ж1!\n2 ;")) == ["digits/1", "digits/2"]
    assert EN.digits("") == ()
    assert names(EN.digits("*#+a.-_@")) == [
        "digits/star",
        "digits/pound",
        "letters/plus",
        "letters/a",
        "letters/dot",
        "letters/dash",
        "letters/ascii95",
        "letters/at",
    ]


def test_a_name_is_spelled_with_its_accented_letters():
    assert sentence(FR.digits("Bélanger")) == "BELANGER."
    assert sentence(FR.digits("Noëlle Lefrançois-Œuvrard")) == "NOELLELEFRANCOIS-OEUVRARD."
    assert sentence(EN.digits("Łukasz Bjørn Weiß")) == "LUKASZBJORNWEISS."
    assert names(FR.digits("E\u0301")) == ["letters/e"]


def test_a_caller_with_letters_only_is_unknown():
    assert names(FR.phone_number("*#+")) == ["vm-unknown-caller"]
    assert names(FR.phone_number("١٢٣")) == ["vm-unknown-caller"]
    assert names(FR.urgent()) == ["vm-Urgent"]


@pytest.mark.parametrize(
    ("seconds", "french", "english"),
    [
        (-30, "Reçu il y a une minute.", "One minute old."),
        (20, "Reçu il y a une minute.", "One minute old."),
        (89, "Reçu il y a une minute.", "One minute old."),
        (300, "Reçu il y a cinq minutes.", "Five minutes old."),
        (21 * 60, "Reçu il y a vingt et une minutes.", "Twenty-one minutes old."),
        (119 * 60, "Reçu il y a cent dix-neuf minutes.", "One hundred nineteen minutes old."),
        (120 * 60, "Reçu il y a deux heures.", "Two hours old."),
        (1319 * 60, "Reçu il y a vingt et une heures.", "Twenty-one hours old."),
    ],
)
def test_how_long_ago_a_message_came(seconds, french, english):
    now = datetime(2026, 11, 27, 18, 0, tzinfo=TORONTO)
    at = now - timedelta(seconds=seconds)
    assert (sentence(FR.age(at, now)), sentence(EN.age(at, now))) == (french, english)
    assert sentence(FR.age(at, now, brief=True)) == french.replace("Reçu il", "Il")
    assert FR.age(now - timedelta(days=1), now, brief=True) == FR.received(now - timedelta(days=1), now, brief=True)
