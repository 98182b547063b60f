"""Large sounds on their way to Redis and back: a piece a call, so that no call takes longer than one may.

A call is given two seconds. A sound of many minutes over a slow way took longer, and failed each time it was tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.store.link import Link

#: Bytes of a piece: a minute of speech. What is not longer is one command.
PIECE = 1 << 20
_UNFINISHED_S = 3600


def part_of(key: str) -> str:
    """Where the pieces of what is to lie under a key are put together: on the same master of a Cluster."""
    return f"{key}:part" if "{" in key else f"{{{key}}}:part"


def bring(link: Link, key: str, content: bytes) -> None:
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
