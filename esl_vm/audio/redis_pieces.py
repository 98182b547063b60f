"""Large sounds on their way to Redis and back: a piece a call, so that no call takes longer than one may.

A call is given two seconds. A sound of many minutes over a slow way took longer, and failed each time it was tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")
#: Bytes of a piece: a minute of speech. What is not longer is one command.
PIECE = 1 << 20
_UNFINISHED_S = 3600


class RedisLink(Protocol):
    """The way to Redis: bounds how long a call takes, and translates what goes wrong."""

    def run(self, partition: int | str | None, work: Callable[[Any], T]) -> T:
        """Do something with redis-py's client (which does not decode answers); raises StoreDownError."""
        ...

    def pipe(self, partition: int | str | None, commands: Iterable[Sequence[Any]]) -> list[Any]:
        """Run commands in one round trip; returns their answers; raises StoreDownError."""
        ...

    def announce(self, key: str, *command: Any) -> Any:
        """Run a command that writes a key, as safely as what is announced to a caller; raises StoreDownError."""
        ...

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Those of these keys that are not there; raises StoreDownError."""
        ...


def part_of(key: str) -> str:
    """Where the pieces of what is to lie under a key are put together: on the same master of a Cluster."""
    return f"{key}:part" if "{" in key else f"{{{key}}}:part"


def bring(link: RedisLink, key: str, content: bytes) -> None:
    """Put a string together piece by piece, beside its key; it expires if nothing comes of it. Raises StoreDownError."""
    part = part_of(key)
    link.run(key, lambda client: client.unlink(part))
    for start in range(0, len(content), PIECE):
        piece = content[start : start + PIECE]
        link.pipe(key, [("SETRANGE", part, start, piece), ("EXPIRE", part, _UNFINISHED_S)])


def fetch(ask: Callable[[int, int], bytes | None]) -> bytes | None:
    """A string piece by piece, None if there is none. ask: its bytes from there to there, both counted."""
    pieces = [ask(0, PIECE - 1) or b""]
    while len(pieces[-1]) == PIECE:
        start = PIECE * len(pieces)
        pieces.append(ask(start, start + PIECE - 1) or b"")
    return b"".join(pieces) or None
