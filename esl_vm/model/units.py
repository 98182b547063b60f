"""Lengths of time whose units are never taken for one another where both occur."""

from __future__ import annotations

from typing import NewType

Seconds = NewType("Seconds", int)
Milliseconds = NewType("Milliseconds", int)


def in_ms(seconds: Seconds) -> Milliseconds:
    """Seconds in milliseconds."""
    return Milliseconds(seconds * 1000)
