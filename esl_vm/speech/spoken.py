"""What every language says in the same way: prompts by name, characters one by one, the names of folders."""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from datetime import datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.speech.utterance import Pause, Prompt

if TYPE_CHECKING:
    from esl_vm.speech.utterance import Utterance

URGENT = "urgent"

FOLDER_PROMPTS = {
    "new": "vm-INBOX",
    "old": "vm-Old",
    "work": "vm-Work",
    "family": "vm-Family",
    "friends": "vm-Friends",
    "cust1": "vm-Cust1",
    "cust2": "vm-Cust2",
    "cust3": "vm-Cust3",
    "cust4": "vm-Cust4",
    "cust5": "vm-Cust5",
    URGENT: "vm-Urgent",
}

CHARACTER_PROMPTS = {
    **{digit: f"digits/{digit}" for digit in "0123456789"},
    **{letter: f"letters/{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"},
    "*": "digits/star",
    "#": "digits/pound",
    "+": "letters/plus",
    "-": "letters/dash",
    ".": "letters/dot",
    "@": "letters/at",
    "_": "letters/ascii95",
}

_DIALLED = frozenset("0123456789+*#")
# Letters that Unicode does not take apart into a plain one and its accent.
_LIGATURES = str.maketrans(
    {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)

_SHORTEST_NUMBER = 7
"""Digits of what is no extension."""
_BETWEEN_GROUPS = (Pause(250),)

# Comedian Mail's limits, in seconds before the beginning of today (Asterisk's say.c, format `q`).
MONTH_S = 2_628_000
_HALF_YEAR_S = 15_768_000
# How long ago, in minutes: in hours from the first on, not at all from the second.
_IN_HOURS_FROM, _DAY_MINUTES = 120, 24 * 60


@lru_cache(maxsize=1024)  # a menu says the same at every step of every call
def _prompts(language: str, names: tuple[str, ...]) -> Utterance:
    return tuple(Prompt(name, language) for name in names)


class Voice(ABC):
    """What can be said in one language. Each method returns a value to play; none plays.

    A folder's name is the value of a `Folder`, or `urgent` for New's urgent messages; any other raises
    InvalidValueError. Prompts go by their Asterisk names; what is not in that pack is listed in `speech/packs.py`.

    Attributes:
        language: `fr` or `en`.
    """

    language: str
    _seconds = ("second", "seconds")
    _hours = "hours"
    _from_number: tuple[str, ...] = ("vm-from-phonenumber",)
    _from_extension: tuple[str, ...] = ("vm-from-extension",)

    def prompt(self, *names: str) -> Utterance:
        """The prompts of these names, one after another."""
        return _prompts(self.language, names)

    def digits(self, text: str) -> Utterance:
        """A text character by character: digits, letters (É as E), `+ * # - . @ _`; others are left out.

        A telephone number is said in groups, as one says it: 514 555 0180.
        """
        groups = _groups(text) or [_without_accents(text)]
        said = self.prompt(*(CHARACTER_PROMPTS[c] for c in groups[0] if c in CHARACTER_PROMPTS))
        for group in groups[1:]:
            said += _BETWEEN_GROUPS + self.prompt(*(CHARACTER_PROMPTS[c] for c in group))
        return said

    def phone_number(self, text: str, *, brief: bool = False) -> Utterance:
        """Whom a message is from: "from 5 1 4…"; without a digit to say, "from an unknown caller".

        brief: in French "de 5 1 4…" instead of "du numéro de téléphone 5 1 4…".
        """
        number = "".join(c for c in text if c in _DIALLED)
        if not any(c.isdecimal() for c in number):
            return self.prompt("vm-unknown-caller")
        return self.prompt(*(("vm-from",) if brief else self._from_number)) + self.digits(number)

    def extension(self, number: str) -> Utterance:
        """Which colleague a message is from: "from extension 1 0 0 2"."""
        return self.prompt(*self._from_extension) + self.digits(number)

    def folder(self, name: str) -> Utterance:
        """A folder's name alone, as an adjective or a label: a Folder's value, or `urgent`.

        Raises:
            InvalidValueError: that folder is never spoken of (the trash), or is none.
        """
        return self.prompt(folder_prompt(name))

    def urgent(self) -> Utterance:
        """The word "urgent"."""
        return self.prompt("vm-Urgent")

    def duration(self, ms: int) -> Utterance:
        """How long a message is, of so many milliseconds: whole minutes; below one minute, whole seconds (at least 1)."""
        minutes, seconds = ms // 60_000, max(ms // 1000, 1 if ms > 0 else 0)
        units = ("minute", "vm-minutes") if minutes else self._seconds
        count = minutes or seconds
        spoken = self.number(count, feminine=True)
        return self.prompt("vm-duration") + spoken + self.prompt(units[count != 1])

    def received(self, at: datetime, now: datetime, *, brief: bool = False) -> Utterance:
        """When a message came; both aware, in the mailbox's time zone: "received yesterday at 5 thirty p.m.".

        brief: without "received" and "today".
        """
        said = [] if brief else ["vm-received"]
        if not brief or at.date() != now.date():
            said += self._day(at, now)
        return self.prompt(*said, "digits/at", *self._time(at))

    def moment(self, at: datetime, now: datetime) -> Utterance:
        """When something will happen; both aware, in the mailbox's time zone: "tomorrow at eight o'clock a.m."."""
        days = (at.date() - now.date()).days
        weekday = f"digits/day-{at.isoweekday() % 7}"
        day = {0: ["digits/today"], 1: ["digits/tomorrow"]}.get(days, [weekday])
        return self.prompt(*(day if days < 7 else self._date(at, now, weekday)), "digits/at", *self._time(at))

    def age(self, at: datetime, now: datetime, *, brief: bool = False) -> Utterance:
        """How long ago a message came: "five minutes old", from two hours on in hours; when it came, once it is a day old.

        brief: without "received".
        """
        minutes = max(1, round((now - at).total_seconds() / 60))
        if minutes >= _DAY_MINUTES:
            return self.received(at, now, brief=brief)
        if minutes < _IN_HOURS_FROM:
            return self._old(
                self.number(minutes, feminine=True) + self.prompt(("minute", "vm-minutes")[minutes != 1]), brief
            )
        return self._old(self.number(minutes // 60, feminine=True) + self.prompt(self._hours), brief)

    def _old(self, age: Utterance, brief: bool) -> Utterance:
        """That a message is so old: in French "received x ago"; English has no recording of "ago"."""
        del brief
        return age + self.prompt("vm-Old")

    def _day(self, at: datetime, now: datetime) -> list[str]:
        """Today, yesterday, the weekday within six days, else the date."""
        days = (now.date() - at.date()).days
        if days in {0, 1}:
            return ["digits/yesterday" if days else "digits/today"]
        weekday = f"digits/day-{at.isoweekday() % 7}"
        return [weekday] if 2 <= days <= 6 else self._date(at, now, weekday)

    @abstractmethod
    def _date(self, at: datetime, now: datetime, weekday: str) -> list[str]:
        """A day that is not within the last week, whose weekday is that prompt; its year only where it is half a year or more ago."""

    @abstractmethod
    def _time(self, at: datetime) -> list[str]:
        """The hour of day."""

    @abstractmethod
    def number(self, n: int, feminine: bool = False) -> Utterance:
        """A cardinal number, -999,999,999 to 999,999,999; feminine: it counts something feminine (`une heure`)."""

    @abstractmethod
    def counts(self, urgent: int, new: int, old: int) -> Utterance:
        """How many messages wait: "you have 2 urgent and 3 new and 1 old message", "no messages".

        `urgent` and `new` have no message in common.
        """

    @abstractmethod
    def folder_messages(self, name: str) -> Utterance:
        """A folder as one names it: "new messages", "work messages", in French "travail"."""

    @abstractmethod
    def no_messages(self, name: str) -> Utterance:
        """That a folder is empty: "you have no new messages"."""

    @abstractmethod
    def full(self, name: str, count: int) -> Utterance:
        """That a folder takes no more, by what it holds: "sorry, you have 100 work messages"."""

    @abstractmethod
    def listen_to(self, name: str, *, full: bool = False, count: int = 0) -> Utterance:
        """What 1 does: "press 1 for new messages"; full: in the longer words of the help, where the language has shorter ones."""

    @abstractmethod
    def place(self, number: int, total: int, *, urgent: bool = False) -> Utterance:
        """A message's place in its folder, from 1: "first message", "message 2", "last message", "first urgent message"."""


def _groups(text: str) -> list[str]:
    """A telephone number in its groups: North American ones as they are written, others three by three; else none."""
    plus, number = text[:1] == "+", text.removeprefix("+")
    if len(number) < _SHORTEST_NUMBER or not (number.isascii() and number.isdecimal()):
        return []
    first = {7: [3], 10: [3, 3], 11: [1, 3, 3]}.get(len(number), []) if len(number) != 11 or number[0] == "1" else []
    groups, at = [], 0
    for length in first or [3] * ((len(number) - 1) // 3):
        groups.append(number[at : at + length])
        at += length
    groups.append(number[at:])
    return [f"+{groups[0]}", *groups[1:]] if plus else groups


def _without_accents(text: str) -> str:
    """A text in small letters, each as its plain one: É is E, ç is C, œ is O E."""
    return unicodedata.normalize("NFD", text.lower().translate(_LIGATURES))


def age_s(at: datetime, now: datetime) -> float:
    """Seconds from a moment to the beginning of today, by the calendar; below 0: today, or to come."""
    return (datetime.combine(now.date(), time()) - at.replace(tzinfo=None)).total_seconds()


def is_recent(at: datetime, now: datetime) -> bool:
    """Whether a moment before today needs no year: it is less than half a year ago."""
    return 0 <= age_s(at, now) < _HALF_YEAR_S


def primary_language(tag: str) -> str:
    """The language of a tag: `fr` of `fr_CA`, `fr-CA`, `FR`."""
    return re.split(r"[-_.@]", tag.strip().lower(), maxsplit=1)[0]


TRASH = "trash"


def folder_prompts(name: str) -> tuple[str, ...]:
    """The prompt of a folder's name; none for the trash, whose messages are just messages. Raises InvalidValueError."""
    return () if name == TRASH else (folder_prompt(name),)


def folder_prompt(name: str) -> str:
    """The prompt of a folder's name; raises InvalidValueError."""
    try:
        return FOLDER_PROMPTS[name]
    except KeyError:
        raise InvalidValueError(f"not a folder that is spoken of: {name!r}") from None


def millions(n: int) -> tuple[int, int, int]:
    """A number from 0 to 999,999,999 as its millions, thousands and the rest, each 0 to 999.

    Raises:
        InvalidValueError: it is out of that range.
    """
    if not 0 <= n < 1_000_000_000:
        raise InvalidValueError(f"not a number that can be spoken: {n}")
    return n // 1_000_000, n // 1000 % 1000, n % 1000
