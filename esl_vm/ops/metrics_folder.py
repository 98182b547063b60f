"""Where the processes of one service keep what they count. Knows nothing of prometheus_client, which must not be
imported before the folder is named to it.
"""  # noqa: D205 - one thought

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client looks for the folder's name, when it is imported."""
MOST_DEAD = 100
"""Processes that are gone whose counts are kept."""


def prepare(parent: Path) -> Path:
    """An empty folder named by this process; those of services that are gone are removed. Raises OSError."""
    parent.mkdir(parents=True, exist_ok=True)
    for old in parent.iterdir():
        if old.name.isdigit() and (int(old.name) == os.getpid() or not lives(int(old.name))):
            shutil.rmtree(old, ignore_errors=True)
    folder = parent / str(os.getpid())
    folder.mkdir()
    return folder


def dead_processes(folder: Path) -> set[int]:
    """The processes that left a figure of the moment (calls being held) behind, and are gone."""
    found = (re.fullmatch(r"gauge_live\w*_(\d+)\.db", path.name) for path in folder.glob("gauge_live*.db"))
    return {int(match[1]) for match in found if match and not lives(int(match[1]))}


def prune(folder: Path, most: int = MOST_DEAD) -> int:
    """Remove what all but the latest dead processes counted; returns how many processes that were.

    A worker that dies again and again would fill the disk. Their counts go: Prometheus takes that for a restart.
    """
    files: dict[int, list[Path]] = {}
    for path in folder.glob("*.db"):
        number = path.stem.rpartition("_")[2]
        if number.isdigit():
            files.setdefault(int(number), []).append(path)
    if len(files) <= most:
        return 0
    dead = {pid: max(path.stat().st_mtime for path in paths) for pid, paths in files.items() if not lives(pid)}
    forgotten = sorted(dead, key=lambda pid: (dead[pid], pid))[: max(0, len(dead) - most)]
    for pid in forgotten:
        for path in files[pid]:
            path.unlink(missing_ok=True)
    return len(forgotten)


def lives(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
