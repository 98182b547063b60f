"""Where the processes of one service keep their metrics: memory that they share, and no file, so that no full disk and no
broken one can reach it, nor a process through it.
"""  # noqa: D205 - one thought

from __future__ import annotations

import marshal
import mmap
import os
import struct
from pathlib import Path

Samples = dict[tuple[str, str, tuple[tuple[str, str], ...]], float]
"""Values by the metric's name, the sample's name and its labels."""

MOST_SLOTS = 64
"""Slots after which those of processes that are gone are added up into one: each reload makes new ones."""
_HALF = 1 << 20
_HEAD = struct.Struct("=QQQ")  # which half holds, its length, the process that wrote it


class MetricsSlot:
    """The metrics of one process. Who is started in its stead goes on from what its predecessor had counted.

    Written by one process, read by many without a lock: what is written goes into the half that does not hold, and only
    then holds, so that a process killed at any moment leaves whole metrics.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _HEAD.size + 2 * _HALF)  # pages never written cost nothing

    def write(self, counters: Samples, gauges: Samples) -> bool:
        """Put metrics in place of what was there; False: they are too many, and what was there stays.

        Args:
            counters: what only rises: it stays when the process is gone.
            gauges: what is so at the moment: gone with the process.
        """
        data = marshal.dumps((counters, gauges))
        if len(data) > _HALF:
            return False
        half = 1 - _HEAD.unpack_from(self._memory)[0]
        start = _HEAD.size + half * _HALF
        self._memory[start : start + len(data)] = data
        _HEAD.pack_into(self._memory, 0, half, len(data), os.getpid())
        return True

    def read(self) -> tuple[Samples, Samples]:
        """What the process counted, and its gauges; none of these if it is gone."""
        half, length, _ = _HEAD.unpack_from(self._memory)
        if not length:
            return {}, {}
        start = _HEAD.size + half * _HALF
        counters, gauges = marshal.loads(self._memory[start : start + length])  # noqa: S302 - nobody else can write there
        return counters, {} if self.abandoned else gauges

    @property
    def abandoned(self) -> bool:
        """Whether a process wrote here, and is gone."""
        _, _, pid = _HEAD.unpack_from(self._memory)
        return bool(pid) and not Path(f"/proc/{pid}").exists()


class MetricsMemory:
    """The slots of all processes of a service. Its supervisor makes them before it forks who writes and who reads."""

    def __init__(self) -> None:
        self._slots: list[MetricsSlot] = []
        self._gone: Samples = {}

    def slot(self) -> MetricsSlot:
        """Another one. What processes that are gone have counted is kept, their slots are not for ever."""
        if len(self._slots) >= MOST_SLOTS:  # the former processes of a reload that fails are started again in theirs
            for slot in [slot for slot in self._slots if slot.abandoned]:
                add(self._gone, slot.read()[0])
                self._slots.remove(slot)
        self._slots.append(MetricsSlot())
        return self._slots[-1]

    def total(self) -> Samples:
        """All processes added up."""
        total = dict(self._gone)
        for slot in self._slots:
            for samples in slot.read():
                add(total, samples)
        return total


def add(total: Samples, more: Samples) -> None:
    """Add samples to others, in place."""
    for key, value in more.items():
        total[key] = total.get(key, 0.0) + value
