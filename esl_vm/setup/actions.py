"""The single changes that setup makes. Each says what it will do, does it, and can be done again after a crash."""

from __future__ import annotations

import difflib
import grp
import os
import pwd
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import VoicemailError
from esl_vm.setup.folder import existing
from esl_vm.setup.journal import Journal, digest
from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from esl_vm.esl.inbound import EventSocketSwitch


class SetupError(VoicemailError):
    """A step could not be done. What was done before it is in the journal: `esl-vm setup` again goes on, --undo puts back."""


@dataclass(frozen=True, slots=True)
class World:
    """What actions work on.

    Args:
        journal: what they write down first. run: runs a program, raises SetupError where it fails.
        switch: FreeSWITCH; None where it is not asked.
        passed: called by a name at each point at which a crash must do no harm.
    """

    journal: Journal
    run: Callable[[Sequence[str]], None]
    switch: EventSocketSwitch | None = None
    passed: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class WriteFile:
    """A file as it is to be.

    Args:
        path: where, links followed. content: all of it.
        before: what is in it now, None: it is not there.
        mode, uid, gid: whose it is to be.
        secret: its content is not shown.
    """

    path: Path
    content: bytes = field(repr=False)
    before: bytes | None = field(repr=False)
    mode: int = 0o644
    uid: int = -1
    gid: int = -1
    secret: bool = False

    def lines(self) -> Iterator[str]:
        """The difference."""
        if self.secret:
            yield f"write {self.path}: the password, mode {self.mode:o}"
            return
        yield f"{'write' if self.before is None else 'change'} {self.path}"
        if self.before is not None:
            old, new = (text.decode("utf-8", "replace").splitlines() for text in (self.before, self.content))
            for line in list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]:
                if not line.startswith("@@"):
                    yield f"    {line.expandtabs(4)}"

    def do(self, world: World) -> None:
        """Put it in place in one step, what was there written down before."""
        now = existing(self.path).content if os.path.lexists(self.path) else None
        if now != self.before:
            raise SetupError(f"{self.path} was changed meanwhile; nothing was done to it: run `esl-vm setup` again")
        entry: dict[str, Any] = {
            "do": "file",
            "path": str(self.path),
            "before": digest(now),
            "after": digest(self.content),
        }
        if now is not None:
            found = self.path.stat()
            entry |= {"mode": stat.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid}
        world.journal.write(entry, now)
        world.passed(f"journal {self.path}")
        put(self.path, self.content, self.mode, self.uid, self.gid)
        world.passed(f"file {self.path}")


def put(path: Path, content: bytes, mode: int, uid: int, gid: int) -> None:
    """A file as a whole or not at all, whoever's it is to be; raises OSError."""
    with disk.unfinished(path.parent, path.name, 0o600) as (handle, part):
        disk.write_all(handle, content)
        if (uid, gid) != (-1, -1) and (os.geteuid() == 0 or uid != os.geteuid()):
            os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)
        os.fsync(handle)
        part.rename(path)
    disk.sync_folder(path.parent)


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """A folder that is not there."""

    path: Path
    mode: int
    uid: int = -1
    gid: int = -1

    def lines(self) -> Iterator[str]:
        """What it will do."""
        yield f"make the folder {self.path}, mode {self.mode:o}"

    def do(self, world: World) -> None:
        """Make it."""
        world.journal.write({"do": "folder", "path": str(self.path)})
        world.passed(f"journal {self.path}")
        self.path.mkdir(0o700, exist_ok=True)
        os.chown(self.path, self.uid, self.gid)
        self.path.chmod(self.mode)
        disk.sync_folder(self.path.parent)
        world.passed(f"folder {self.path}")


@dataclass(frozen=True, slots=True)
class ShareFolder:
    """A folder that gets a group, and a mode in which that group may use it."""

    path: Path
    gid: int
    mode: int

    def lines(self) -> Iterator[str]:
        """What it will do."""
        yield f"{self.path}: group {group_name(self.gid)}, mode {self.mode:o}"

    def do(self, world: World) -> None:
        """Share it."""
        found = self.path.stat()
        was = {"gid": found.st_gid, "mode": stat.S_IMODE(found.st_mode)}
        world.journal.write(
            {"do": "share", "path": str(self.path), "was": was, "is": {"gid": self.gid, "mode": self.mode}}
        )
        world.passed(f"journal {self.path}")
        os.chown(self.path, -1, self.gid)
        self.path.chmod(self.mode)
        world.passed(f"share {self.path}")


@dataclass(frozen=True, slots=True)
class JoinGroup:
    """A user who comes into a group."""

    user: str
    group: str

    def lines(self) -> Iterator[str]:
        """What it will do."""
        yield f"gpasswd -a {self.user} {self.group}"

    def do(self, world: World) -> None:
        """Have gpasswd do it."""
        world.journal.write({"do": "group", "user": self.user, "group": self.group})
        world.passed(f"journal group {self.group}")
        world.run(["gpasswd", "-a", self.user, self.group])
        world.passed(f"group {self.group}")


@dataclass(frozen=True, slots=True)
class Tell:
    """An api command to FreeSWITCH.

    Args:
        command: it. undone_by: what undoes it, `` = nothing needs to.
    """

    command: str
    undone_by: str = ""

    def lines(self) -> Iterator[str]:
        """What it will do."""
        yield f"fs_cli -x '{self.command}'"

    def do(self, world: World) -> None:
        """Tell FreeSWITCH."""
        world.journal.write({"do": "tell", "command": self.command, "undone_by": self.undone_by})
        world.passed(f"journal {self.command}")
        if world.switch is not None:
            answer = world.switch.api(self.command).strip()
            if not answer.startswith("+OK"):
                raise SetupError(f"FreeSWITCH says to {self.command}: {answer or 'nothing'}")
        world.passed(f"tell {self.command}")


@dataclass(frozen=True, slots=True)
class Call:
    """Something that a function does, which may write down by itself how it is undone.

    Args:
        said: what it will do, line by line. work: does it.
    """

    said: tuple[str, ...]
    work: Callable[[World], None]

    def lines(self) -> Iterator[str]:
        """What it will do."""
        yield from self.said

    def do(self, world: World) -> None:
        """Do it."""
        self.work(world)


Action = WriteFile | MakeFolder | ShareFolder | JoinGroup | Tell | Call
"""A change: `lines` say what it will do, `do` does it and raises SetupError, OSError, VoicemailError."""


def group_name(gid: int) -> str:
    """A group's name, its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def user_name(uid: int) -> str:
    """A user's name, his number where he has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def in_group(user: str, gid: int) -> bool:
    """Whether the system's files have a user in a group."""
    try:
        return gid in os.getgrouplist(user, pwd.getpwnam(user).pw_gid)
    except KeyError:
        return False
