"""Processes of this host, by the ports they listen on: FreeSWITCH's user, and the service that is to be told."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
_LISTENING = "0A"


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that listens: whose it is, and its inode."""

    uid: int
    inode: str


def listeners(port: int, proc: Path = PROC) -> list[Listener]:
    """Who listens on a port of this host, over IPv4 or IPv6."""
    found = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (proc / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    found.append(Listener(int(fields[7]), fields[9]))
    return found


def holders(inode: str, proc: Path = PROC) -> Iterator[int]:
    """Processes that have a socket open, as far as one may look."""
    for folder in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(handle.readlink()) == f"socket:[{inode}]" for handle in (folder / "fd").iterdir()):
                yield int(folder.name)


def groups(pid: int, proc: Path = PROC) -> set[int]:
    """The groups that a process is in now."""
    status = (proc / str(pid) / "status").read_text()
    lines = re.findall(r"^(?:Gid|Groups):(.*)$", status, re.MULTILINE)
    return {int(number) for line in lines for number in line.split()}


def fixed_group(pid: int, proc: Path = PROC) -> int | None:
    """The only group of a FreeSWITCH that is started with `-g`: it takes none of its user's others (switch_core.c)."""
    words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    found = re.search(r"^Gid:\s+\d+\s+(\d+)", (proc / str(pid) / "status").read_text(), re.MULTILINE)
    return int(found[1]) if b"-g" in words and found else None


def top_of(pids: list[int], proc: Path = PROC) -> int | None:
    """The one among processes that share a socket whose parent is none of them; None where there is not just one."""
    parents = {}
    for pid in pids:
        with contextlib.suppress(OSError, IndexError, ValueError):
            parents[pid] = int((proc / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    tops = [pid for pid, parent in parents.items() if parent not in parents]
    return tops[0] if len(tops) == 1 else None


def is_ours(pid: int, proc: Path = PROC) -> bool:
    """Whether a process is `esl-vm serve`, by its command line."""
    with contextlib.suppress(OSError):
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
        return b"serve" in words and any(b"esl-vm" in word or b"esl_vm" in word for word in words)
    return False
