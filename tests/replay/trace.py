"""A trace: one call to Comedian Mail on a real Asterisk, with its options, its script, and the spool before and after.

The text format, section by section: a head (SCENARIO, WHAT, LANGUAGE/CALLER/EXTENSION/ARGS, OPTIONS, MAILBOXES,
SCRIPT), SPOOL BEFORE, TIMELINE, SPOOL AFTER, MAILBOX LINES AFTER.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SpooledMessage:
    """A message on Asterisk's disk: its place, its text file's fields, and the length of its sound in seconds."""

    box: str
    folder: str
    place: int
    fields: dict[str, str]
    seconds: float

    @property
    def caller(self) -> tuple[str, str]:
        """Number and name of the caller."""
        text = self.fields.get("callerid", "")
        match = re.fullmatch(r'(?:"?(.*?)"? )?<?([^<>"]*)>?', text)
        if text in {"Unknown", ""} or match is None:
            return "", ""
        return match[2], match[1] or ""


@dataclass(frozen=True)
class Played:
    """A prompt as it was played: seconds from the start, its name, its length, whether a key cut it and when."""

    at: float
    name: str
    length: float
    cut: float | None


@dataclass(frozen=True)
class Spool:
    """What lay on disk: messages in the order of folders and places, greetings with their lengths."""

    messages: tuple[SpooledMessage, ...]
    greetings: dict[tuple[str, str], float]


@dataclass
class Trace:
    """One call."""

    name: str
    what: str = ""
    language: str = "fr"
    caller: tuple[str, str] = ("", "")
    extension: str = ""
    args: str = ""
    options: dict[str, str] = field(default_factory=dict)
    mailboxes: dict[str, str] = field(default_factory=dict)
    script: str = ""
    before: Spool = Spool((), {})
    timeline: tuple[Played, ...] = ()
    marks: tuple[tuple[float, str, str], ...] = ()
    after: Spool = Spool((), {})
    lines_after: dict[str, str] = field(default_factory=dict)


_PROMPT = re.compile(r"\s*([0-9.]+) < (<[^>]*>|\S+)\s*\[\S+ ([0-9.]+) s\](?: cut after ([0-9.]+) s)?")
_MARK = re.compile(r"\s*([0-9.]+) ([>|!@~]) (.*)")
_HEAD = re.compile(r"LANGUAGE\s+(\S+)\s+CALLER (.*?)\s+EXTENSION (\S+)\s+ARGS (.*)")


def _pairs(text: str) -> dict[str, str]:
    """`a=1 b=x|y c=d e` → values may hold blanks: a new pair begins at a word with an equals sign."""
    found: dict[str, str] = {}
    for match in re.finditer(r"([A-Za-z][\w-]*)=((?:(?! [A-Za-z][\w-]*=).)*)", text):
        found[match[1]] = match[2].strip()
    return found


def _boxes(text: str) -> dict[str, str]:
    boxes = {}
    for part in text.split("; "):
        number, arrow, line = part.strip().partition(" => ")
        if arrow:
            boxes[number] = line
    return boxes


def _field(text: str) -> tuple[str, str]:
    """`origtime=1`, or `origtime = 1` as a file that was rewritten has it."""
    name, _, value = text.partition("=")
    return name.strip(), value.strip()


def _spool(lines: list[str]) -> Spool:
    box = folder = ""
    texts: dict[tuple[str, str, str], dict[str, str]] = {}
    sounds: dict[tuple[str, str, str], float] = {}
    greetings: dict[tuple[str, str], float] = {}
    for line in lines:
        indent = len(line) - len(line.lstrip())
        word = line.strip()
        if indent == 2 and "/" in word:
            box, folder = word.split()[0], ""
        elif indent == 4 and (match := re.match(r"(\w+)/", word)):
            folder = match[1]
        elif indent == 4 and (match := re.match(r"(\w+)\.\w+\s+([0-9.]+) s", word)):
            greetings[box, match[1]] = float(match[2])
        elif match := re.match(r"(msg\d+)\.txt\s*(.*)", word):
            fields = dict(_field(p) for p in match[2].split(" | ") if "=" in p)
            texts[box, folder, match[1]] = fields
        elif match := re.match(r"(msg\d+)\.\w+\s+([0-9.]+) s", word):
            sounds[box, folder, match[1]] = float(match[2])
    messages = tuple(
        SpooledMessage(key[0], key[1], int(key[2][3:]), fields, sounds.get(key, float(fields.get("duration") or 0)))
        for key, fields in texts.items()
    )
    return Spool(messages, greetings)


def parse(text: str) -> Trace:
    """Read one trace; raises ValueError where it is not one."""
    sections: dict[str, list[str]] = {"HEAD": []}
    current = "HEAD"
    for line in text.splitlines():
        for title in ("SPOOL BEFORE", "TIMELINE", "SPOOL AFTER", "MAILBOX LINES AFTER"):
            if line.startswith(title):
                current = title
                sections[current] = [line.removeprefix(title)] if title.startswith("MAILBOX") else []
                break
        else:
            sections[current].append(line)
    trace = Trace("")
    for line in sections["HEAD"]:
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        match word:
            case "SCENARIO":
                trace.name = rest
            case "WHAT":
                trace.what = rest
            case "OPTIONS":
                trace.options = _pairs(rest)
            case "MAILBOXES":
                trace.mailboxes = _boxes(rest)
            case "SCRIPT":
                trace.script = rest
            case "LANGUAGE":
                head = _HEAD.match(line)
                if head is None:
                    raise ValueError(f"not a trace's head: {line!r}")
                trace.language, trace.extension, trace.args = head[1], head[3], head[4].strip()
                number, _, name = head[2].strip().partition(' "')
                trace.caller = ("" if number.startswith("(no") else number, name.strip('"'))
    if not trace.name or "TIMELINE" not in sections:
        raise ValueError("not a trace: no SCENARIO or no TIMELINE")
    played, marks = [], []
    for line in sections["TIMELINE"]:
        if match := _PROMPT.match(line):
            cut = float(match[4]) if match[4] else None
            played.append(Played(float(match[1]), match[2], float(match[3]), cut))
        elif match := _MARK.match(line):
            marks.append((float(match[1]), match[2], match[3].strip()))
    trace.timeline, trace.marks = tuple(played), tuple(marks)
    trace.before = _spool(sections.get("SPOOL BEFORE", []))
    trace.after = _spool(sections.get("SPOOL AFTER", []))
    trace.lines_after = _boxes(" ".join(sections.get("MAILBOX LINES AFTER", [])))
    return trace


def read(path: Path) -> Trace:
    """Read a trace file."""
    return parse(path.read_text(encoding="utf-8"))
