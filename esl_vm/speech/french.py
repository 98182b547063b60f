"""What is said in French: French word order, genders and clock, with the prompts that June recorded.

Where Comedian Mail's sentence is French, it is kept prompt by prompt; where it is English in French words, it is not
(`speech/differences.py` lists every case). Singular and plural of "nouveau", "ancien", "urgent", "message", "heure"
and "minute" sound alike, so that one recording serves both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.speech.spoken import TRASH, URGENT, Voice, folder_prompt, is_recent, millions
from esl_vm.speech.utterance import Pause

if TYPE_CHECKING:
    from datetime import datetime

    from esl_vm.speech.utterance import Utterance

_BREATH = (Pause(250),)

_ADJECTIVES = frozenset({"new", "old"})  # these stand before "messages"; the other folders have names of their own


class French(Voice):
    """French as it is spoken in Quebec: twenty-four-hour clock, "une heure", "le premier", "messages urgents"."""

    language = "fr"
    _hours = "digits/oclock"
    _seconds = ("seconds", "seconds")  # June's `second` is "deuxième"; "seconde" and "secondes" sound alike

    def number(self, n: int, feminine: bool = False) -> Utterance:
        """A cardinal number, -999,999,999 to 999,999,999; feminine: "une", "vingt et une"."""
        return self.prompt(*_number(n, feminine=feminine))

    def counts(self, urgent: int, new: int, old: int) -> Utterance:
        """How many messages wait: "vous avez 2 messages urgents, 3 nouveaux et 1 ancien message", "aucun message"."""
        parts = []
        if urgent:
            parts.append([*_number(urgent), _noun(urgent), "vm-Urgent"])
        if new:
            parts.append([*_number(new), "vm-INBOX", *([] if old else [_noun(new)])])
        if old:
            parts.append([*_number(old), "vm-Old", _noun(old)])
        if not parts:
            return self.prompt("vm-no", "vm-message")
        said = self.prompt("vm-youhave", *parts[0])
        for part in parts[1:-1]:
            said += _BREATH + self.prompt(*part)
        return said + self.prompt("vm-and", *parts[-1]) if len(parts) > 1 else said

    def folder_messages(self, name: str) -> Utterance:
        """A folder as one names it: "nouveaux messages", "messages urgents", "travail", "dossier 5"."""
        if name == TRASH:
            return self.prompt("vm-messages")
        prompt = folder_prompt(name)
        if name == URGENT:
            return self.prompt("vm-messages", prompt)
        return self.prompt(prompt, "vm-messages") if name in _ADJECTIVES else self.prompt(prompt)

    def no_messages(self, name: str) -> Utterance:
        """That a folder is empty: "aucun nouveau message", "aucun message urgent", "aucun message conservé dans travail"."""
        if name == TRASH:
            return self.prompt("vm-no", "vm-message")
        prompt = folder_prompt(name)
        if name in _ADJECTIVES:
            return self.prompt("vm-no", prompt, "vm-message")
        return self.prompt("vm-no", "vm-message", *(() if name == URGENT else ("vm-savedto",)), prompt)

    def full(self, name: str, count: int) -> Utterance:
        """That a folder takes no more: "désolé, vous avez 100 messages conservés dans travail"; no recording says "plein"."""
        return self.prompt("im-sorry", "vm-youhave", *_number(count), *_counted(name, count))

    def listen_to(self, name: str, *, full: bool = False, count: int = 0) -> Utterance:
        """What 1 does: "1 pour écouter vos nouveaux messages", "1 pour écouter vos messages conservés dans travail".

        In the menu as in the help: "1 pour", as short as it is, is not French before "nouveaux messages". With a count
        it is: "1 pour 1 nouveau message", "1 pour 2 messages urgents".
        """
        del full
        if count:
            return self.prompt("vm-onefor", *_number(count), *_counted(name, count))
        plain = name in {URGENT, TRASH} or name in _ADJECTIVES
        return self.prompt("vm-onefor-full", *(() if plain else ("vm-messages", "vm-savedto"))) + self.folder_messages(
            name
        )

    def place(self, number: int, total: int, *, urgent: bool = False) -> Utterance:
        """A message's place in its folder, from 1: "premier message", "message 2", "message urgent 2", "dernier message"."""
        adjective = ("vm-Urgent",) if urgent else ()
        if number == 1:
            return self.prompt("vm-first", "vm-message", *adjective)
        if number == total:
            return self.prompt("vm-last", "vm-message", *adjective)
        return self.prompt("vm-message", *adjective, *_number(number))

    def _old(self, age: Utterance, brief: bool) -> Utterance:
        """How long ago: "reçu il y a cinq minutes"."""
        return self.prompt(*(() if brief else ("vm-received",)), "vm-ago") + age

    def _date(self, at: datetime, now: datetime, weekday: str) -> list[str]:
        day = ["digits/h-1"] if at.day == 1 else _number(at.day)
        return [weekday, *day, f"digits/mon-{at.month - 1}", *([] if is_recent(at, now) else _number(at.year))]

    def _time(self, at: datetime) -> list[str]:
        """The hour of day: "zéro heure", "une heure", "douze heures", "vingt et une heures une"; no pack has "minuit" or "midi"."""
        hour = [*_number(at.hour, feminine=True), "digits/oclock"]
        return hour + (_number(at.minute, feminine=True) if at.minute else [])


def _noun(n: int) -> str:
    return "vm-message" if n == 1 else "vm-messages"


def _counted(name: str, n: int) -> list[str]:
    """Messages of a folder, after their number: "nouveaux messages", "messages urgents", "messages conservés dans travail"."""
    if name == TRASH:
        return [_noun(n)]
    prompt = folder_prompt(name)
    if name in _ADJECTIVES:
        return [prompt, _noun(n)]
    return [_noun(n), *(() if name == URGENT else ("vm-savedto",)), prompt]


def _number(n: int, *, feminine: bool = False) -> list[str]:
    if n < 0:
        return ["digits/minus", *_number(-n, feminine=feminine)]
    if n == 0:
        return ["digits/0"]
    names: list[str] = []
    million, thousand, rest = millions(n)
    if million:
        names += [*_hundreds(million), "digits/million"]
    if thousand:
        names += [*(_hundreds(thousand) if thousand > 1 else []), "digits/thousand"]
    return names + _hundreds(rest, feminine=feminine)


def _hundreds(n: int, *, feminine: bool = False) -> list[str]:
    hundreds, tens = divmod(n, 100)
    names = [f"digits/{hundreds}"] if hundreds > 1 else []
    if hundreds:
        names.append("digits/hundred")
    return names + (_tens(tens, "digits/1F" if feminine else "digits/1") if tens else [])


def _tens(n: int, one: str) -> list[str]:
    """1 to 99: "soixante et onze", "quatre-vingt-un"; `one` is the word for a final one."""
    if n <= 20:
        return [one if n == 1 else f"digits/{n}"]
    base = n - n % 10
    if base in {70, 90}:
        base -= 10
    rest = n - base
    joint = ["digits/et"] if rest in {1, 11} and base < 80 else []
    return [f"digits/{base}", *joint, *(_tens(rest, one) if rest else [])]
