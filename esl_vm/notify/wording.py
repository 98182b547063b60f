"""Dates, lengths and callers as they are written in a mail, in Canadian French and English."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from esl_vm.model.dates import DAYS, MONTHS

LANGUAGES = ("fr", "en")


def language_of(tag: str, default: str) -> str:
    """The language mail is written in for a tag such as `fr_CA`; the default for any other language."""
    short = tag[:2].lower()
    return short if short in LANGUAGES else default


def local_time(at: float, zone: str, default: str) -> datetime:
    """An instant (epoch seconds) on the clock of a zone; of the default one where there is no such zone."""
    try:
        return datetime.fromtimestamp(at, ZoneInfo(zone or default))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return datetime.fromtimestamp(at, ZoneInfo(default))


def date_and_time(moment: datetime, language: str) -> str:
    """`mercredi 18 novembre 2026 à 11 h 06`; `Wednesday, November 18, 2026 at 11:06 a.m.`."""
    day, month = DAYS[language][moment.weekday()], MONTHS[language][moment.month - 1]
    if language == "fr":
        number = "1er" if moment.day == 1 else str(moment.day)
        return f"{day} {number} {month} {moment.year} à {moment.hour}\u00a0h\u00a0{moment.minute:02d}"
    half = "a.m." if moment.hour < 12 else "p.m."
    return f"{day}, {month} {moment.day}, {moment.year} at {moment.hour % 12 or 12}:{moment.minute:02d}\u00a0{half}"


def length(milliseconds: int, language: str) -> str:
    """`1 minute 5 secondes`, to the nearest second, never less than one."""
    minutes, seconds = divmod(max(1, round(milliseconds / 1000)), 60)
    one, many = {"fr": ("seconde", "secondes"), "en": ("second", "seconds")}[language]
    parts = [f"{minutes} {'minute' if minutes == 1 else 'minutes'}"] if minutes else []
    parts += [f"{seconds} {one if seconds == 1 else many}"] if seconds else []
    return " ".join(parts)


def caller(name: str, number: str, language: str) -> str:
    """Name and number, what there is of them, or that the caller is unknown."""
    if name and number and name != number:
        return f"{name} ({number})"
    return name or number or {"fr": "numéro inconnu", "en": "unknown number"}[language]
