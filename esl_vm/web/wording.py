"""What pages say, in Canadian French and English: the catalogue's words, and times, lengths, callers as people write them.

The catalogue is `words/fr.toml` and `words/en.toml`. Times are those of the mailbox's own zone, as its telephone says them.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.dates import DAYS, MONTHS
from esl_vm.model.times import zone_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esl_vm.model.message import Caller

_HERE = Path(__file__).parent / "words"
_JUST_NOW_S = 60
_OF_SOUNDS = (
    "no-sound",
    "too-long",
    "too-large",
    "too-slow",
    "recipients",
    "full",
    "sound-missing",
    "forbidden",
    "away",
)
_WEEK = 7
_NORTH_AMERICAN = re.compile(r"(\+?1)?([2-9][0-9]{2})([2-9][0-9]{2})([0-9]{4})")
_EXTENSION = re.compile(r"[0-9]{1,6}")


@cache
def words(language: str) -> dict[str, str]:
    """The catalogue of a language: each key with its text."""
    return {
        key: str(text) for key, text in tomllib.loads((_HERE / f"{language}.toml").read_text(encoding="utf-8")).items()
    }


class Wording:
    """The words of one language, for somebody in one time zone at one moment.

    Args:
        language: `fr` or `en`. zone: of the times told. now: epoch seconds.
    """

    def __init__(self, language: str, zone: str, now: float) -> None:
        self.language = language
        self._words = words(language)
        self._zone = zone_of(zone)
        self._now = datetime.fromtimestamp(now, self._zone)

    def __call__(self, key: str, **given: object) -> str:
        """The text of a key; raises KeyError for one that the catalogue has not."""
        return self._words[key].format(**given)

    def has(self, key: str) -> bool:
        """Whether the catalogue has that key."""
        return key in self._words

    def counted(self, key: str, n: int, **given: str) -> str:
        """The text for so many: in French none and one are singular, in English one is. given: what else stands in it."""
        one = n in {0, 1} if self.language == "fr" else n == 1
        return self._words[f"{key}.{'one' if one else 'many'}"].format(n=n, **given)

    def labels(self, names: Iterable[str]) -> str:
        """What a form's fields are called; what has no label, as it is: an option, a number."""
        return ", ".join(self._words.get(f"admin.{name}", name) for name in names)

    @property
    def problems(self) -> dict[str, str]:
        """What is said where a sound was sent by a script, by the problem's type; `where`: what is to be corrected."""
        sentences = {kind: f"{self(f'problem.{kind}')}. {self(f'problem.{kind}.help')}" for kind in _OF_SOUNDS}
        return {**sentences, "where": self._words["problem.where"]}

    def _local(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, self._zone)

    def clock(self, seconds: float) -> str:
        """`9 h 52`, `14 h`; `9:52 a.m.`."""
        return self._clock(self._local(seconds))

    def _clock(self, at: datetime) -> str:
        if self.language == "fr":
            return f"{at.hour}\u00a0h" + (f"\u00a0{at.minute:02d}" if at.minute else "")
        return f"{at.hour % 12 or 12}:{at.minute:02d}\u00a0{'a.m.' if at.hour < 12 else 'p.m.'}"

    def when(self, seconds: float) -> str:
        """`à l’instant`, `9 h 52`, `hier, 16 h 40`, `lundi, 14 h 30`, `3 novembre 2026, 14 h`."""
        at = self._local(seconds)
        age = self._now - at
        days = (self._now.date() - at.date()).days
        if timedelta(0) <= age < timedelta(seconds=_JUST_NOW_S):
            return self("now")
        if days == 0:
            return self._clock(at)
        if days == 1:
            return f"{self('yesterday').lower()}, {self._clock(at)}"
        if 1 < days < _WEEK:
            return f"{DAYS[self.language][at.weekday()]}, {self._clock(at)}"
        return f"{self._date(at.date())}, {self._clock(at)}"

    def iso(self, seconds: float) -> str:
        """ISO 8601 with its offset, to the second."""
        return self._local(int(seconds)).isoformat()

    def exact(self, seconds: float) -> str:
        """All of it, with the zone: `mardi 3 novembre 2026, 14 h 05 (EST)`."""
        at = self._local(seconds)
        weekday = DAYS[self.language][at.weekday()]
        between = " " if self.language == "fr" else ", "
        return f"{weekday}{between}{self._date(at.date())}, {self._clock(at)} ({at.tzname()})"

    def day(self, seconds: float) -> str:
        """A heading over messages of one day: `Aujourd’hui`, `Hier`, `Lundi 23 novembre`."""
        at = self._local(seconds).date()
        days = (self._now.date() - at).days
        if days in {0, 1}:
            return self("yesterday" if days else "today")
        weekday, month = DAYS[self.language][at.weekday()], MONTHS[self.language][at.month - 1]
        year = "" if at.year == self._now.year else str(at.year)
        if self.language == "fr":
            return f"{weekday.capitalize()} {_ordinal(at)} {month} {year}".rstrip()
        return f"{weekday}, {month} {at.day}{', ' + year if year else ''}"

    def _date(self, day: date) -> str:
        month = MONTHS[self.language][day.month - 1]
        return f"{_ordinal(day)} {month} {day.year}" if self.language == "fr" else f"{month} {day.day}, {day.year}"

    def field(self, seconds: float) -> str:
        """A moment as an input of type datetime-local has it; `` for none."""
        return self._local(seconds).strftime("%Y-%m-%dT%H:%M") if seconds else ""

    def moment(self, text: str) -> int:
        """Epoch seconds of what such an input sent, 0 for nothing; raises ValueError."""
        return int(datetime.fromisoformat(text).replace(tzinfo=self._zone).timestamp()) if text else 0

    def length(self, milliseconds: int) -> str:
        """`0:34`, `1:02:05`; never less than a second."""
        seconds = max(1, round(milliseconds / 1000))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"

    def caller(self, caller: Caller) -> str:
        """His name, else his number as the country writes it, else that it is withheld."""
        if caller.name and caller.name != caller.number:
            return caller.name
        if _EXTENSION.fullmatch(caller.number):
            return self("extension", number=caller.number)
        return self.number(caller.number) or self("hidden_number")

    def number(self, number: str) -> str:
        """`514 555-0142` for a number of North America; any other as it is."""
        found = _NORTH_AMERICAN.fullmatch(number)
        return f"{found[2]}\u00a0{found[3]}\u2011{found[4]}" if found else number


def _ordinal(day: date) -> str:
    return "1er" if day.day == 1 else str(day.day)
