"""Asterisk's configuration language: sections, templates, includes, comments (main/config.c, as of 2026).

`[x](!)` is a template, `[y](x)` begins with the lines of x, `[y](+)` adds to an earlier section, `key += value`
lengthens the last value of that key, `;` begins a comment unless escaped, `;-- … --;` comments out lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from esl_vm.importers.bounds import most_of
from esl_vm.importers.plan import Findings, ImportSourceError, Kind
from esl_vm.model.encoding import decode_text

if TYPE_CHECKING:
    from pathlib import Path

_DEEPEST = 50
_MOST_FILES = 2000
_MOST_LINES = 500_000
_LARGEST = 16 * 2**20
_HEADER = re.compile(r"\[([^\]]*)\](?:\(([^)]*)\))?")
_ORIGIN = re.compile(r"^;! Filename: \S+ \((/\S+)\)", re.MULTILINE)


@dataclass(slots=True)
class ConfigLine:
    """One setting: key and value without blanks around them, and where it stands (`voicemail.conf:12`)."""

    key: str
    value: str
    where: str


@dataclass(slots=True)
class Section:
    """A section with all its lines, the inherited ones first. A template is no section of its own."""

    name: str
    template: bool = False
    lines: list[ConfigLine] = field(default_factory=list)

    def last(self, key: str) -> str | None:
        """The value of a key; where it stands twice the last one counts, as for Asterisk."""
        found = [line.value for line in self.lines if line.key.lower() == key.lower()]
        return found[-1] if found else None


class AsteriskConfig:
    """A configuration file with all that it includes.

    Args:
        path: the main file; it and its includes are looked for in its folder, and nowhere else.
        findings: told about lines and includes that were passed over.

    Raises:
        ImportSourceError: the main file can't be read.
    """

    def __init__(self, path: Path, findings: Findings) -> None:
        self.sections: list[Section] = []
        self._first: dict[str, Section] = {}  # of each name
        self._plain: dict[str, Section] = {}  # likewise, that is no template
        self._findings = findings
        self._current: Section | None = None
        self._newest: Section | None = None
        self._open: list[Path] = []
        self._files = self._lines = self._made = 0
        try:
            self._root = path.parent.resolve(strict=True)
            self._path = path.resolve(strict=True)
            if not self._path.is_file():
                raise ImportSourceError(f"not a file: {path}")
            text = _read(self._path)
            self._size = len(text)
        except (OSError, RuntimeError) as error:
            raise ImportSourceError(f"can't read {path}: {type(error).__name__}") from None
        former = _ORIGIN.search(text[:2000])
        self._former_root = former[1].rpartition("/")[0] if former else "/etc/asterisk"
        self._file(self._path, text)

    def named(self, name: str) -> Section:
        """The first section of that name (in any case) that is no template; an empty one if there is none."""
        return self._plain.get(name.lower()) or Section(name)

    def _file(self, path: Path, text: str) -> None:
        """Read a file's lines. It begins in the section that was last begun anywhere, and leaves the includer's alone."""
        self._open.append(path)
        outer, self._current = self._current, self._newest
        hidden = 0
        for number, raw in enumerate(text.split("\n"), 1):
            line, hidden = _uncomment(raw.partition("\0")[0], hidden)
            line = line.strip()
            if line:
                self._line(line, f"{path.name}:{number}")
        self._current = outer
        self._open.pop()

    def _line(self, line: str, where: str) -> None:
        if line.startswith("["):
            self._header(line, where)
        elif line.startswith("#"):
            self._directive(line, where)
        elif "=" not in line:
            self._findings.remark("line_ignored", where, "no = in it")
        elif self._current is None:
            self._findings.remark("line_ignored", where, "it stands before the first section")
        else:
            self._setting(self._current, line.removeprefix("\\"), where)

    def _setting(self, section: Section, line: str, where: str) -> None:
        key, _sign, value = line.partition("=")
        if key.endswith("+"):
            key = key[:-1].strip()
            for earlier in reversed(section.lines):
                if earlier.key == key:
                    earlier.value = (earlier.value + value).strip()
                    return
        else:
            value = value.removeprefix(">")
        if key.strip():
            section.lines.append(ConfigLine(key.strip(), value.strip(), where))
        else:
            self._findings.remark("line_ignored", where, "nothing before the =")

    def _header(self, line: str, where: str) -> None:
        match = _HEADER.match(line)
        if not match:
            # what follows would land in the wrong section
            self._findings.remark("line_ignored", where, "a section without ] or ); its lines are passed over")
            self._current = None
            return
        name, modifiers = match[1], match[2]
        section = Section(name)
        for word in (modifiers or "").split(","):
            word = word.strip()
            if word == "!":
                section.template = True
            elif word.startswith("+"):
                earlier = self._plain.get(name.lower()) or self._first.get(name.lower())
                if earlier:
                    earlier.lines.extend(section.lines)
                    self._current = self._newest = earlier
                    return
                self._findings.remark("line_ignored", where, f"(+): there is no section [{name}] before")
            elif word:
                base = self._first.get(word.lower())
                if base and self._lines + len(base.lines) <= _MOST_LINES:
                    self._lines += len(base.lines)
                    section.lines.extend(ConfigLine(line.key, line.value, line.where) for line in base.lines)
                else:
                    why = "inherits too much" if base else f"there is no section or template [{word}] before"
                    self._findings.remark("line_ignored", where, why)
        self.sections.append(section)
        self._first.setdefault(name.lower(), section)
        if not section.template:
            self._plain.setdefault(name.lower(), section)
        self._current = self._newest = section

    def _directive(self, line: str, where: str) -> None:
        word, _blank, argument = line[1:].partition(" ") if " " in line else line[1:].partition("\t")
        word, argument = word.strip().lower(), argument.strip()
        if word == "exec":
            self._findings.item(Kind.INCLUDE_NOT_READ, where, "#exec is never run")
        elif word not in {"include", "tryinclude"} or not argument:
            self._findings.remark("line_ignored", where, "an unknown directive")
        else:
            if argument[0] in '"<' and argument[-1] in '">' and len(argument) > 2:
                argument = argument[1:-1]
            self._include(argument, where, must=word == "include")

    def _include(self, name: str, where: str, *, must: bool) -> None:
        inside = name
        if name.startswith("/"):
            if name.startswith(f"{self._root}/"):
                inside = name[len(str(self._root)) + 1 :]
            elif name.startswith(f"{self._former_root}/"):
                inside = name[len(self._former_root) + 1 :]
            else:
                self._findings.item(Kind.INCLUDE_NOT_READ, where, f"{name} is outside the configuration's folder")
                return
        try:
            found = sorted(islice(self._root.glob(inside.replace("**", "*")), _MOST_FILES + 1))  # glob(3) knows no **
        except (OSError, ValueError, NotImplementedError, IndexError):
            found = []
        if not found and must and not set("*?[") & set(inside):
            self._findings.item(Kind.INCLUDE_NOT_READ, where, f"{name} is not there")
        for file in found:
            self._include_file(file, where)

    def _include_file(self, file: Path, where: str) -> None:
        why = ""
        try:
            real = file.resolve(strict=True)
            if not real.is_relative_to(self._root):
                why = f"{file.name} leads outside the configuration's folder"
            elif real in self._open:
                why = f"{file.name} includes itself"
            elif len(self._open) >= _DEEPEST or self._files >= _MOST_FILES:
                why = f"{file.name}: included too deep, or too many files"
            elif real.is_file():
                self._files += 1
                text = _read(real)
                self._made += len(text)
                if self._made > most_of(self._size):
                    raise ImportSourceError(
                        f"{self._path} includes more than {self._made >> 20} MB: the same files again and again"
                    )
                self._file(real, text)
        except (OSError, RuntimeError) as error:
            why = f"{file.name}: {type(error).__name__}"
        if why:
            self._findings.item(Kind.INCLUDE_NOT_READ, where, why)


def _read(path: Path) -> str:
    """A file's text, each line decoded for itself: such a file has no declared encoding and many hands."""
    if path.stat().st_size > _LARGEST:
        raise ImportSourceError(f"{path.name} is larger than {_LARGEST} bytes")
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    return "\n".join(decode_text(line) for line in data.split(b"\n"))


def _uncomment(line: str, hidden: int) -> tuple[str, int]:
    """A line without its comments; `hidden` is how many block comments are open before and after it."""
    out: list[str] = []
    place = 0
    while place < len(line):
        letter = line[place]
        if letter == ";":
            escaped = place and line[place - 1] == "\\"
            if escaped and not hidden:
                out[-1] = ";"
            elif line.startswith(";--", place) and not line.startswith(";---", place):
                hidden += 1
                place += 3
                continue
            elif hidden and line[max(0, place - 2) : place] == "--":
                hidden -= 1
            elif not hidden:
                break
        elif not hidden:
            out.append(letter)
        place += 1
    return "".join(out), hidden
