"""An owner's name on the keypad: which keys find whom (dial by name).

The letters are those on every telephone: 2 ABC … 7 PQRS, 9 WXYZ. Accents, hyphens, apostrophes and dots don't count:
Émond is 36663, L'Heureux 54387389, Jean-Pierre 532674 3773. A name is found from the beginning of any of its parts
and goes on to its end and from there to its beginning, so a caller finds Marie-Claude St-Onge by her first name
(MARIE, CLAUDE, MARIECLAUDE), her last name (STONGE, SAINTONGE, ONGE), and by ONGEMARIE where there are many.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

FEWEST_KEYS = 3
INDEXED_KEYS = 5
"""How many keys of a run the directory's index holds; what is dialled beyond them is compared with the name itself."""

_KEYS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_LETTERS = str.maketrans(
    {"Œ": "OE", "Æ": "AE", "ẞ": "SS", "Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Þ": "TH", "ı": "I", "’": "'", "ʼ": "'"}
)
_SAINTS = {"ST": ("ST", "SAINT"), "SAINT": ("SAINT", "ST"), "STE": ("STE", "SAINTE"), "SAINTE": ("SAINTE", "STE")}
_PARTICLES = frozenset({"DE", "DU", "DES", "LA", "LE", "LES", "VAN", "VON", "DER", "DEN", "DI", "DA", "DOS", *_SAINTS})


@dataclass(frozen=True, slots=True)
class KeypadName:
    """The keys by which a name is found: each a whole run of keys, of which a caller dials the beginning."""

    first: tuple[str, ...]
    last: tuple[str, ...]

    @property
    def index(self) -> tuple[str, ...]:
        """The beginnings of all runs, for an index; each once, sorted."""
        return tuple(sorted({run[:INDEXED_KEYS] for run in self.first + self.last}))

    def begins(self, keys: str, *, by_first_name: bool) -> bool:
        """Whether the first (else the last) name begins with those keys."""
        return any(run.startswith(keys) for run in (self.first if by_first_name else self.last))


def keypad_name(name: str) -> KeypadName:
    """Which keys find a name.

    Args:
        name: as an administrator wrote it, `Marie-Claude St-Onge` or `St-Onge, Marie-Claude`. The first word, and
            those after it up to a particle (de, la, van, St, …), can be first names; the others and the last word
            last names. A single word is both.
    """
    last_part, comma, first_part = name.partition(",")
    words = _words(f"{first_part} {last_part}" if comma else name)
    first_until, last_from = (len(_words(first_part)),) * 2 if comma else (_first_names_until(words), 1)
    parts = [(part, number) for number, word in enumerate(words) for part in word]
    first: list[str] = []
    last: list[str] = []
    for start, (_, number) in enumerate(parts):
        runs = _runs([part for part, _ in parts[start:] + parts[:start]])
        if number < first_until or len(words) == 1:
            first += runs
        if number >= last_from or len(words) == 1:
            last += runs
    return KeypadName(tuple(dict.fromkeys(first)), tuple(dict.fromkeys(last)))


def _words(name: str) -> list[list[str]]:
    """Words, each in its parts: `Jean-Pierre L'Heureux` gives JEAN PIERRE, L HEUREUX."""
    plain = unicodedata.normalize("NFKD", name.upper().translate(_LETTERS)).upper()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    words = [re.findall(r"[A-Z0-9]+", word) for word in plain.replace(".", ". ").split()]
    return [word for word in words if word]


def _first_names_until(words: list[list[str]]) -> int:
    """The number of the word before which first names end: a particle after the first word, else the last word."""
    for number, word in enumerate(words[1:], 1):
        if word[0] in _PARTICLES:
            return number
    return len(words) - 1


def _runs(parts: list[str]) -> list[str]:
    """The keys of parts in a row; Saint written in every way at the beginning of the run."""
    rest = "".join(parts[1:]).translate(_KEYS)
    return [start.translate(_KEYS) + rest for start in _SAINTS.get(parts[0], (parts[0],))]
