"""Reading prompts back as numbers: `20 et 1` is twenty-one, `1 0 0 1` a mailbox, `20 h-1` the twenty-first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.speech.spoken import CHARACTER_PROMPTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHARACTERS = {name: character.upper() for character, name in CHARACTER_PROMPTS.items()}
_VALUES = {f"digits/{n}": n for n in (*range(21), 30, 40, 50, 60, 70, 80, 90)} | {"digits/1F": 1}
_ORDINALS = {f"digits/h-{n}": n for n in (*range(1, 21), 30)}
_AND_ONE = {"digits/1": 1, "digits/1F": 1, "digits/11": 11}
_POWERS = {"digits/thousand": 1000, "digits/million": 1_000_000}
_BEGINNINGS = frozenset({*_VALUES, *_ORDINALS, "digits/hundred", "digits/thousand"})


@dataclass(frozen=True, slots=True)
class Number:
    """A cardinal number, 0 or more; feminine: with the feminine form of one."""

    value: int
    feminine: bool = False

    def spell(self, base: Mapping[str, str], language: str) -> str:
        """In letters; `base` has the words of `0` to `20`, the tens, `hundred`, `thousand`, `million`."""
        if language == "fr":
            return _french(self.value, base, one=base["1F"] if self.feminine else base["1"])
        return _english(self.value, base)


@dataclass(frozen=True, slots=True)
class Ordinal:
    """An ordinal number, 1 to 31."""

    value: int

    def spell(self, base: Mapping[str, str]) -> str:
        """In letters; `base` has the words of `h-1` to `h-20`, `h-30` and of the tens."""
        simple = base.get(f"h-{self.value}")
        if simple is not None:
            return simple
        tens, unit = self.value - self.value % 10, self.value % 10
        return f"{base[str(tens)]}-{base[f'h-{unit}']}"


@dataclass(frozen=True, slots=True)
class Characters:
    """Two or more characters spoken one by one, or a letter or sign by itself."""

    text: str


Token = str | Number | Ordinal | Characters


def read_numbers(names: Sequence[str]) -> list[Token]:
    """The prompts of an utterance with those that make up numbers put together."""
    tokens: list[Token] = []
    place = 0
    while place < len(names):
        end = place
        while end < len(names) and names[end] in _CHARACTERS:
            end += 1
        if end - place > 1 or (end > place and names[place] not in _VALUES):
            tokens.append(Characters("".join(_CHARACTERS[name] for name in names[place:end])))
            place = end
        elif names[place] in _BEGINNINGS:
            token, place = _read_number(names, place)
            tokens.append(token)
        else:
            tokens.append(names[place])
            place += 1
    return tokens


def _read_number(names: Sequence[str], place: int) -> tuple[Number | Ordinal, int]:
    """The longest number that begins there, and where it ends."""
    if names[place] in _ORDINALS:
        return Ordinal(_ORDINALS[names[place]]), place + 1
    total = group = 0
    power = 0  # of the part before: "un million mille" goes on with a smaller one
    room = 99  # the greatest value that may still be added to the group
    start = place
    while place < len(names):
        name = names[place]
        follows = names[place + 1] if place + 1 < len(names) else ""
        if name in _VALUES and (_VALUES[name] <= room and (_VALUES[name] or place == start)):
            group += _VALUES[name]
            room = _room_after(_VALUES[name])
        elif name == "digits/et" and room in {9, 19} and follows in _AND_ONE:
            group += _AND_ONE[follows]
            room = 0
            place += 1
        elif name == "digits/hundred" and group < 10:
            group = max(group, 1) * 100
            room = 99
        elif name in _POWERS and (group or place == start or _POWERS[name] < power):
            power = _POWERS[name]
            total += max(group, 1) * power
            group, room = 0, 99
        elif name in _ORDINALS and place == start + 1 and group in {20, 30} and _ORDINALS[name] < 10:
            return Ordinal(group + _ORDINALS[name]), place + 1
        else:
            break
        place += 1
    return Number(total + group, feminine=names[place - 1] == "digits/1F"), place


def _room_after(value: int) -> int:
    if value < 20:
        return 0
    return 19 if value in {60, 80} else 9


def _english(n: int, base: Mapping[str, str]) -> str:
    for power, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if n >= power:
            rest = f" {_english(n % power, base)}" if n % power else ""
            return f"{_english(n // power, base)} {base[name]}{rest}"
    if n <= 20 or n % 10 == 0:
        return base[str(n)]
    return f"{base[str(n - n % 10)]}-{base[str(n % 10)]}"


def _french(n: int, base: Mapping[str, str], one: str) -> str:
    """In French: "vingt et une", "quatre-vingts", "quatre-vingt-un", "deux cents", "deux cent un"."""
    million, thousand, rest = n // 1_000_000, n // 1000 % 1000, n % 1000
    parts = []
    if million:
        parts.append(f"{_below_1000(million, base, base['1'])} {base['million']}{'s' if million > 1 else ''}")
    if thousand:
        # An invariable "mille" takes the plural's s from what it follows: "quatre-vingt mille", "deux cent mille".
        count = _below_1000(thousand, base, base["1"]).removesuffix("s") if thousand % 100 in {0, 80} else ""
        count = count or _below_1000(thousand, base, base["1"])
        parts.append(base["thousand"] if thousand == 1 else f"{count} {base['thousand']}")
    if rest or not parts:
        parts.append(_below_1000(rest, base, one))
    return " ".join(parts)


def _below_1000(n: int, base: Mapping[str, str], one: str) -> str:
    hundreds, rest = divmod(n, 100)
    if not hundreds:
        return _below_100(rest, base, one)
    count = f"{base[str(hundreds)]} " if hundreds > 1 else ""
    if not rest:
        return f"{count}{base['hundred']}{'s' if hundreds > 1 else ''}"
    return f"{count}{base['hundred']} {_below_100(rest, base, one)}"


def _below_100(n: int, base: Mapping[str, str], one: str) -> str:
    if n == 1:
        return one
    if n <= 20 or (n % 10 == 0):
        return base[str(n)]
    tens = n - n % 10
    if tens in {70, 90}:
        tens -= 10
    rest = n - tens
    if rest in {1, 11} and tens < 80:
        return f"{base[str(tens)]} {base['et']} {one if rest == 1 else base['11']}"
    return f"{base[str(tens)].removesuffix('s')}-{one if rest == 1 else base[str(rest)]}"
