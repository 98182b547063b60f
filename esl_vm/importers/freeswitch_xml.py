"""FreeSWITCH's configuration as XML files, read as `switch_xml.c` does.

The files of a folder one after the other, X-PRE-PROCESS lines carried out (`include` relative to the file, `set`; `exec`
never), `$${…}` replaced.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from esl_vm.importers.bounds import most_of
from esl_vm.importers.plan import Findings, ImportSourceError, Kind
from esl_vm.model.encoding import decode_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PROCESS = "<x-pre-process"
_PAIR = re.compile(r"(?<![A-Za-z-])([A-Za-z-]++)[ \t]*+=[ \t]*+\"([^\"]*)\"")
_VARIABLE = re.compile(r"\$\$\{([^{}]*)\}")
_BARE_AMPERSAND = re.compile(r"&(?!(amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")
_DEEPEST = 50
_MOST_FILES = 100_000
_LARGEST = 64 * 2**20


class FreeswitchXml:
    """Files of a configuration.

    Args:
        path: the folder (its `*.xml`) or one file. A `vars.xml` beside the folder is read for its variables.
        findings: told what was passed over.
        variables: those that FreeSWITCH has before it reads its files (`local_ip_v4` …).

    Attributes:
        trees: of each file that could be read.

    Raises:
        ImportSourceError: there is no such folder or file, or no XML in it.
    """

    def __init__(self, path: Path, findings: Findings, variables: Mapping[str, str] | None = None) -> None:
        self._findings = findings
        self._variables = dict(variables or {})
        self._files = 0
        self._known: set[Path] = set()
        self._most = most_of(0)
        self._made = 0
        try:
            path = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise ImportSourceError(f"can't read the directory {path}: {type(error).__name__}") from None
        files = sorted(path.glob("*.xml")) if path.is_dir() else [path]
        if not files:
            raise ImportSourceError(f"no *.xml in the directory {path}")
        self._root = path if path.is_dir() else path.parent
        beside = self._root.parent / "vars.xml"
        if beside.is_file():
            self._fragment(beside, [])
        self.trees = [tree for file in files if (tree := self._parsed(file))]

    def _parsed(self, file: Path) -> ET.Element | None:
        text = self._fragment(file, [])
        return None if text is None else self._parse(text, file)

    def _parse(self, text: str, file: Path) -> ET.Element | None:
        # FreeSWITCH takes a bare & and -- in a comment; an XML parser does not
        plain = _BARE_AMPERSAND.sub("&amp;", _without_comments(text))
        if re.search(r"<!(DOCTYPE|ENTITY)", plain, re.IGNORECASE):
            why = "passed over: it has a DOCTYPE or an ENTITY"
            self._findings.item(Kind.CONFIGURATION_UNREADABLE, self._shown(file), why)
            return None
        try:
            # no document type, so no entities: nothing in the text can reach a file or grow
            return ET.fromstring(f"<x>{plain}</x>")  # noqa: S314
        except (ET.ParseError, ValueError, RecursionError) as error:
            why = f"not well-formed, passed over: {error}"
            self._findings.item(Kind.CONFIGURATION_UNREADABLE, self._shown(file), why)
            return None

    def _fragment(self, file: Path, above: list[Path]) -> str | None:
        """A file's text with everything carried out and included; None if it is to be passed over."""
        try:
            real = file.resolve(strict=True)
            if real in above or len(above) >= _DEEPEST or self._files >= _MOST_FILES:
                why = "includes itself" if real in above else "included too deep, or too many files"
                self._findings.item(Kind.INCLUDE_NOT_READ, self._shown(file), why)
                return None
            sensible = real.is_file() and real.stat().st_size <= _LARGEST
            data = real.read_bytes() if sensible else b""
        except (OSError, RuntimeError) as error:
            self._findings.item(Kind.CONFIGURATION_UNREADABLE, self._shown(file), type(error).__name__)
            return None
        if not sensible:
            self._findings.item(Kind.CONFIGURATION_UNREADABLE, self._shown(file), "not a plain file of sensible size")
            return None
        self._files += 1
        if real not in self._known:
            self._known.add(real)
            self._most += most_of(len(data)) - most_of(0)
        lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        return "\n".join(self._line(decode_text(line.rstrip(b"\r")), real, [*above, real]) for line in lines)

    def _line(self, line: str, file: Path, above: list[Path]) -> str:
        # wrapping tags are passed over with whatever else stands in their line, as FreeSWITCH does
        if "<include>" in line or "</include>" in line or "<?" in line:
            return ""
        self._make(len(line))
        line = _VARIABLE.sub(self._value, line)
        line = "".join(c if c in "\t\r" or c.isprintable() or c == " " else " " for c in line)
        begin = line.lower().find(_PROCESS)
        end = line.find(">", begin)
        if begin < 0 or end < 0:
            return line
        pairs = {name.lower(): _unescape(value) for name, value in _PAIR.findall(line[begin + len(_PROCESS) : end])}
        command, data = pairs.get("cmd", "").lower(), pairs.get("data", "")
        if command == "set":
            name, _sign, value = data.partition("=")
            self._variables[name.strip()] = value.strip()
        elif command == "include":
            return self._include(data, file, above)
        else:
            why = f"X-PRE-PROCESS {command} is never run"
            self._findings.item(Kind.INCLUDE_NOT_READ, self._shown(file), why)
        return ""

    def _value(self, match: re.Match[str]) -> str:
        value = _escape(self._variables.get(match[1], match[0]))
        self._make(len(value))
        return value

    def _make(self, letters: int) -> None:
        """Count what the files become; variables of variables, and files included again and again, grow without end."""
        self._made += letters
        if self._made > self._most:
            raise ImportSourceError(
                f"{self._root} swells to more than {self._most >> 20} MB: variables or includes without end"
            )

    def _include(self, pattern: str, file: Path, above: list[Path]) -> str:
        folder = file.parent
        inside = pattern.removeprefix("$${conf_dir}/directory/") if pattern.startswith("$${conf_dir}") else pattern
        if inside != pattern:
            folder = self._root
        pieces = []
        try:
            found = sorted(islice(folder.glob(inside.replace("**", "*")), _MOST_FILES))  # glob(3) knows no **
        except (OSError, ValueError, NotImplementedError, IndexError):
            why = f"can't be read here: {pattern}"
            self._findings.item(Kind.INCLUDE_NOT_READ, self._shown(file), why)
            return ""
        for one in found:
            if not one.resolve().is_relative_to(self._root):
                why = f"{one.name} leads outside the directory"
                self._findings.item(Kind.INCLUDE_NOT_READ, self._shown(file), why)
                continue
            text = self._fragment(one, above)
            self._make(len(text or ""))
            # a fragment that is broken must not take all the others with it
            if text is not None and self._parse(text, one) is not None:
                pieces.append(text)
        return "\n".join(pieces)

    def _shown(self, file: Path) -> str:
        return str(file.relative_to(self._root.parent)) if file.is_relative_to(self._root.parent) else file.name


def _without_comments(text: str) -> str:
    pieces = []
    place = 0
    while (begin := text.find("<!--", place)) >= 0 and (end := text.find("-->", begin + 4)) >= 0:
        pieces.append(text[place:begin])
        place = end + 3
    return "".join([*pieces, text[place:]])


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&quot;", '"').replace("&gt;", ">").replace("&amp;", "&")
