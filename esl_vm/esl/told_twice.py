"""Keys that reach FreeSWITCH two ways: as RFC 2833 events, and beside them by SIP INFO or as a tone in the sound.

Each way makes a DTMF event of its own, with another `DTMF-Source`, 40 to 100 ms apart (seen on FreeSWITCH 1.11). Counted twice,
no PIN is ever right.
"""

from __future__ import annotations

import math

# Seconds within which the same key from another source is the same press. Nobody presses a key twice so quickly that one
# source tells the first press and another the second.
TWICE_S = 0.2


class ToldTwice:
    """Finds out which key was told before."""

    __slots__ = ("_at", "_key", "_source")

    def __init__(self) -> None:
        self._key = ""
        self._source = b""
        self._at = -math.inf

    def is_repeat(self, key: str, source: bytes, at: float) -> bool:
        """Whether that was told before, by another source; times are of one clock, in seconds."""
        if key == self._key and source != self._source and at - self._at < TWICE_S:
            return True
        self._key, self._source, self._at = key, source, at
        return False
