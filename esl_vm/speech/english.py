"""What is said in English, with the prompts and in the order of Comedian Mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.speech.spoken import MONTH_S, Voice, age_s, folder_prompts, is_recent, millions

if TYPE_CHECKING:
    from datetime import datetime

    from esl_vm.speech.utterance import Utterance


class English(Voice):
    """English as Comedian Mail speaks it: twelve-hour clock, ordinal days, "you have"."""

    language = "en"
    _from_number = ("vm-from",)  # Allison's `vm-from-phonenumber` is "message from phone number"
    _from_extension = ("vm-from", "dir-multi3")

    def number(self, n: int, feminine: bool = False) -> Utterance:
        """A cardinal number, -999,999,999 to 999,999,999. English has no genders."""
        del feminine
        return self.prompt(*_number(n))

    def counts(self, urgent: int, new: int, old: int) -> Utterance:
        """How many messages wait; the noun agrees with the last number: "3 new and 1 old message"."""
        kinds = [(n, name) for n, name in ((urgent, "vm-Urgent"), (new, "vm-INBOX"), (old, "vm-Old")) if n]
        if not kinds:
            return self.prompt("vm-youhave", "vm-no", "vm-messages")
        names = ["vm-youhave"]
        for place, (n, name) in enumerate(kinds):
            names += ["vm-and"] * (place > 0) + [*_number(n), name]
        return self.prompt(*names, "vm-message" if kinds[-1][0] == 1 else "vm-messages")

    def folder_messages(self, name: str) -> Utterance:
        """A folder as one names it: "new messages", "work messages"."""
        return self.prompt(*folder_prompts(name), "vm-messages")

    def no_messages(self, name: str) -> Utterance:
        """That a folder is empty: "you have no new messages"."""
        return self.prompt("vm-youhave", "vm-no", *folder_prompts(name), "vm-messages")

    def full(self, name: str, count: int) -> Utterance:
        """That a folder takes no more: "sorry, you have 100 work messages"; no recording says that a folder is full."""
        noun = "vm-message" if count == 1 else "vm-messages"
        return self.prompt("im-sorry", "vm-youhave", *_number(count), *folder_prompts(name), noun)

    def listen_to(self, name: str, *, full: bool = False, count: int = 0) -> Utterance:
        """What 1 does: "press 1 for new messages", "press 1 for 2 new messages"; full: "press one to listen to new messages"."""
        if count:
            noun = "vm-message" if count == 1 else "vm-messages"
            return self.prompt("vm-onefor", *_number(count), *folder_prompts(name), noun)
        return self.prompt("vm-onefor-full" if full else "vm-onefor") + self.folder_messages(name)

    def place(self, number: int, total: int, *, urgent: bool = False) -> Utterance:
        """A message's place in its folder, from 1: "first message", "message 2", "last urgent message"."""
        adjective = ("vm-Urgent",) if urgent else ()
        if number == 1:
            return self.prompt("vm-first", *adjective, "vm-message")
        if number == total:
            return self.prompt("vm-last", *adjective, "vm-message")
        return self.prompt(*adjective, "vm-message", *_number(number))

    def _date(self, at: datetime, now: datetime, weekday: str) -> list[str]:
        date = [f"digits/mon-{at.month - 1}", *_ordinal(at.day)]
        if not is_recent(at, now):
            return date + _number(at.year)
        return [weekday, *date] if age_s(at, now) < MONTH_S else date

    def _time(self, at: datetime) -> list[str]:
        if at.minute == 0:
            minutes = ["digits/oclock"]
        elif at.minute < 10:
            minutes = ["digits/oh", f"digits/{at.minute}"]
        else:
            minutes = _number(at.minute)
        return [f"digits/{at.hour % 12 or 12}", *minutes, "digits/a-m" if at.hour < 12 else "digits/p-m"]


def _number(n: int) -> list[str]:
    if n < 0:
        return ["digits/minus", *_number(-n)]
    if n == 0:
        return ["digits/0"]
    names = []
    million, thousand, rest = millions(n)
    if million:
        names += [*_hundreds(million), "digits/million"]
    if thousand:
        names += [*_hundreds(thousand), "digits/thousand"]
    return names + _hundreds(rest)


def _hundreds(n: int) -> list[str]:
    names = [f"digits/{n // 100}", "digits/hundred"] if n >= 100 else []
    tens = n % 100
    if 0 < tens <= 20:
        return [*names, f"digits/{tens}"]
    return names + [f"digits/{part}" for part in (tens - tens % 10, tens % 10) if part]


def _ordinal(n: int) -> list[str]:
    """The day of a month, 1 to 31: `h-3`, `20 h-3`, `h-30`."""
    if n <= 20 or n % 10 == 0:
        return [f"digits/h-{n}"]
    return [f"digits/{n - n % 10}", f"digits/h-{n % 10}"]
