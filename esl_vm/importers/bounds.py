"""Bounds on what foreign files may cost: a line without an end, a small file that swells when it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, AnyStr, Generic

from esl_vm.importers.plan import ImportSourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_LINE = 96 << 20
"""Bytes or letters: the sound of a message of three quarters of an hour, in a database's hexadecimal."""
SWELLS = 50
"""How many times its size a compressed or preprocessed source may become; `SWELLS_BY` more for a small one."""
SWELLS_BY = 64 << 20


def most_of(size: int) -> int:
    """What a source of so many bytes may become, in bytes."""
    return size * SWELLS + SWELLS_BY


class BoundedLines(Generic[AnyStr]):
    """The lines of an open file.

    Args:
        readline: gives the file's next line, or so much of it. name: for the error's sentence. most: how much all lines may be together; None: no matter.

    Raises:
        ImportSourceError: a line is longer than LONGEST_LINE, or all are more than `most`.
    """

    def __init__(self, readline: Callable[[int], AnyStr], name: str, most: int | None = None) -> None:
        self._readline: Callable[[int], AnyStr] = readline
        self._name = name
        self._most = most
        self._read = 0

    def readline(self) -> AnyStr:
        """The next line with its end, an empty one after the last."""
        line: AnyStr = self._readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise ImportSourceError(f"{self._name} has a line of more than {LONGEST_LINE >> 20} MB: it is no such file")
        self._read += len(line)
        if self._most is not None and self._read > self._most:
            raise ImportSourceError(
                f"{self._name} swells to more than {self._most >> 20} MB when it is read: nothing of it is brought"
            )
        return line

    def __iter__(self) -> Iterator[AnyStr]:
        while line := self.readline():
            yield line
