r"""Rows out of a plain dump by pg_dump, COPY or INSERT, line by line, without a PostgreSQL.

Columns go by their names. psql's own lines (`\restrict`) are passed over; the dump's encoding is what it says itself.
"""

from __future__ import annotations

import gzip
import re
import zlib
from typing import TYPE_CHECKING, BinaryIO

from esl_vm.importers.bounds import BoundedLines, most_of
from esl_vm.importers.plan import Findings, ImportSourceError, Kind
from esl_vm.model.encoding import decode_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Row = dict[str, str | None]
Lines = BoundedLines[bytes]

_NAME = rb'(?:(?:"[^"]*"|[A-Za-z_][A-Za-z0-9_$]*)\s*\.\s*)*"?([A-Za-z_][A-Za-z0-9_$]*)"?'
_COPY = re.compile(rb"COPY\s+" + _NAME + rb"\s*\(([^)]*)\)\s+FROM\s+stdin", re.IGNORECASE)
_INSERT = re.compile(
    rb"INSERT\s+INTO\s+" + _NAME + rb"\s*(?:\(([^)]*)\)\s*)?(?:OVERRIDING\s+\w+\s+VALUE\s+)?VALUES\s*", re.IGNORECASE
)
_CREATE = re.compile(rb"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?" + _NAME + rb"\s*\(", re.IGNORECASE)
_ENCODING = re.compile(rb"SET\s+client_encoding\s*(?:=|TO)\s*'([^']+)'", re.IGNORECASE)
_STRINGS = re.compile(rb"SET\s+standard_conforming_strings\s*(?:=|TO)\s*'?off", re.IGNORECASE)
_VALUE = re.compile(rb"\s*(?:([eE])?'((?:[^'\\]++|''|\\.)*+)'|([^\s',()]+))(?:::[A-Za-z_ ]+(?:\[\])?)?\s*", re.DOTALL)
_PLAIN = re.compile(rb"\s*'((?:[^']++|'')*+)'(?:::[A-Za-z_ ]+(?:\[\])?)?\s*", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_CODECS = {"utf8": "utf-8", "unicode": "utf-8", "sqlascii": "", "win1252": "cp1252", "win1250": "cp1250"}
_LARGEST_STATEMENT = 256 << 20
_KNOWN_CODECS = re.compile(
    r"(iso8859_?\d+|cp\d+|koi8_?[ru]|euc_?(jp|kr|cn)|s?jis|shift_?jis\w*|gbk|gb18030|big5|johab|uhc|utf-?8)?"
)


class PostgresDump:
    """A plain dump, or one compressed by gzip.

    Args:
        path: the file. tables: the tables whose rows are wanted. findings: told about rows that can't be read.
    """

    def __init__(self, path: Path, tables: set[str], findings: Findings) -> None:
        self._path = path
        self._tables = tables
        self._findings = findings
        self._columns: dict[str, list[str]] = {}
        self._codec = ""
        self._escapes = False

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Table and row, in the order of the dump; raises ImportSourceError."""
        try:
            with self._opened() as opened:
                # a plain dump is as large as it is; only a compressed one can swell
                most = most_of(self._path.stat().st_size) if isinstance(opened, gzip.GzipFile) else None
                yield from self._read(BoundedLines(opened.readline, str(self._path), most))
        except (OSError, EOFError, zlib.error) as error:
            raise ImportSourceError(f"can't read {self._path}: {error}") from None

    def _opened(self) -> BinaryIO | gzip.GzipFile:
        with self._path.open("rb") as opened:
            head = opened.read(5)
        if head == b"PGDMP":
            raise ImportSourceError(
                f"{self._path} is in pg_dump's own format: make it plain (pg_restore -f out.sql {self._path})"
            )
        return gzip.open(self._path, "rb") if head[:2] == b"\x1f\x8b" else self._path.open("rb")

    def _read(self, lines: Lines) -> Iterator[tuple[str, Row]]:
        for line in lines:
            start = line.lstrip()[:12].upper()
            if start.startswith(b"COPY "):
                if match := _COPY.match(line.lstrip()):
                    yield from self._copy(match, lines)
            elif start.startswith(b"INSERT "):
                yield from self._insert(_statement(line, lines, self._conforming), line)
            elif start.startswith(b"CREATE TABLE"):
                self._create(_statement(line, lines, self._conforming))
            elif start.startswith(b"SET "):
                if match := _ENCODING.match(line.lstrip()):
                    name = match[1].decode("ascii", "replace").lower()
                    plain = re.sub("[^a-z0-9]", "", name)
                    codec = _CODECS.get(plain, re.sub("^latin", "iso8859_", plain) if "latin" in plain else plain)
                    self._codec = codec if _KNOWN_CODECS.fullmatch(codec) else ""  # Python has others, of no database
                self._escapes = self._escapes or bool(_STRINGS.match(line.lstrip()))

    def _conforming(self) -> bool:
        return not self._escapes

    def _copy(self, match: re.Match[bytes], lines: Lines) -> Iterator[tuple[str, Row]]:
        table, columns = match[1].decode().lower(), _names(match[2])
        number = 0
        for data in lines:
            text = data.rstrip(b"\r\n") if data.endswith(b"\r\n") else data.rstrip(b"\n")
            if text == b"\\.":
                return
            number += 1
            if table not in self._tables:
                continue
            values = [None if value == b"\\N" else self._text(_unescape(value)) for value in text.split(b"\t")]
            row = self._row(table, columns, values, f"{table} row {number}")
            if row is not None:
                yield table, row
        self._findings.item(Kind.ROW_UNREADABLE, table, "the dump ends in the middle of this table")

    def _insert(self, statement: bytes, line: bytes) -> Iterator[tuple[str, Row]]:
        match = _INSERT.match(statement.lstrip())
        if not match:
            return
        table = match[1].decode().lower()
        if table not in self._tables:
            return
        columns = _names(match[2]) if match[2] else self._columns.get(table, [])
        where = f"{table}: {line[:80].decode('ascii', 'replace').strip()}"
        try:
            tuples = list(_tuples(statement.lstrip()[match.end() :], escapes=self._escapes))
        except ValueError:
            self._findings.item(Kind.ROW_UNREADABLE, where, "an INSERT that can't be read", lost=_a_message(table))
            return
        for values in tuples:
            texts = [None if value is None else self._text(value) for value in values]
            row = self._row(table, columns, texts, where)
            if row is not None:
                yield table, row

    def _row(self, table: str, columns: list[str], values: list[str | None], where: str) -> Row | None:
        if len(values) != len(columns):
            why = f"{len(values)} values for {len(columns)} columns"
            self._findings.item(Kind.ROW_UNREADABLE, where, why, lost=_a_message(table))
            return None
        return dict(zip(columns, values, strict=True))

    def _create(self, statement: bytes) -> None:
        match = _CREATE.match(statement.lstrip())
        if match:
            body = statement.lstrip()[match.end() :]
            names = [re.match(rb'\s*"?([A-Za-z_][A-Za-z0-9_$]*)"?', part) for part in body.split(b",\n")]
            self._columns[match[1].decode().lower()] = [name[1].decode().lower() for name in names if name]

    def _text(self, value: bytes) -> str:
        if self._codec and self._codec != "utf-8":
            try:
                return value.decode(self._codec)
            except (UnicodeDecodeError, LookupError):
                return decode_text(value)
        return decode_text(value)


def _a_message(table: str) -> int:
    return int(table == "v_voicemail_messages")


def _names(text: bytes) -> list[str]:
    return [name.strip().strip(b'"').decode("utf-8", "replace").lower() for name in text.split(b",")]


def _statement(line: bytes, lines: Lines, conforming: Callable[[], bool]) -> bytes:
    """A statement to its end: a line that ends in `;` outside of a string."""
    pieces = [line]
    size = len(line)
    inside = _odd_quotes(line, conforming=conforming())
    while inside or not pieces[-1].rstrip().endswith(b";"):
        more = lines.readline()
        if size > _LARGEST_STATEMENT:
            raise ImportSourceError(
                f"a statement of more than {_LARGEST_STATEMENT >> 20} MB: dump the tables with COPY"
            )
        if not more:
            break
        pieces.append(more)
        size += len(more)
        inside ^= _odd_quotes(more, conforming=conforming())
    return b"".join(pieces)


def _odd_quotes(line: bytes, *, conforming: bool) -> bool:
    if not conforming:
        line = re.sub(rb"\\.", b"", line, flags=re.DOTALL)
    return line.count(b"'") % 2 == 1


def _tuples(text: bytes, *, escapes: bool) -> Iterator[list[bytes | None]]:
    """The tuples of an INSERT; raises ValueError where it isn't one."""
    place = 0
    while place < len(text):
        place = _skip(text, place, b",")
        if text[place : place + 1] in {b";", b""}:
            return
        if text[place : place + 1] != b"(":
            raise ValueError(place)
        place += 1
        values: list[bytes | None] = []
        while True:
            match = None if escapes else _PLAIN.match(text, place)
            if match:
                values.append(match[1].replace(b"''", b"'"))
            elif match := _VALUE.match(text, place):
                values.append(_value(match, escapes=escapes))
            else:
                raise ValueError(place)
            place = match.end()
            closing = text[place : place + 1]
            place += 1
            if closing == b")":
                break
            if closing != b",":
                raise ValueError(place)
        yield values


def _value(match: re.Match[bytes], *, escapes: bool) -> bytes | None:
    if match[2] is None:
        word: bytes = match[3]
        return None if word.upper() == b"NULL" else word
    text: bytes = match[2].replace(b"''", b"'")
    return _unescape(text) if match[1] or escapes else text


def _skip(text: bytes, place: int, also: bytes) -> int:
    while place < len(text) and text[place : place + 1] in b" \t\r\n" + also:
        place += 1
    return place


def _unescape(value: bytes) -> bytes:
    """COPY's and E'' strings' backslashes."""
    if b"\\" not in value:
        return value

    def letter(match: re.Match[bytes]) -> bytes:
        word: bytes = match[1]
        if word[:1].isdigit() and word[0] < ord("8"):
            return bytes([int(word, 8) & 0xFF])
        if word[:1] == b"x" and len(word) > 1:
            return bytes([int(word[1:], 16)])
        return _LETTERS.get(word, word)

    return _ESCAPE.sub(letter, value)
