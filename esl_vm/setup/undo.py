"""Puts back, from the journal and byte for byte, what setup found. What was changed since is left, and named."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import SwitchDownError
from esl_vm.setup.actions import World, put
from esl_vm.setup.folder import existing
from esl_vm.setup.journal import digest
from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(slots=True)
class Undone:
    """What came of it.

    Args:
        done: what was put back, a line each. left: what was not, and why.
    """

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def planned(world: World) -> Iterator[str]:
    """What would be put back, a line each."""
    told = set()
    for entry in reversed(world.journal.entries()):
        line = {
            "file": lambda one: f"put back {one['path']}" if one["before"] else f"remove {one['path']}",
            "folder": lambda one: f"remove the folder {one['path']} if it is empty",
            "share": lambda one: f"{one['path']}: group and mode as they were",
            "group": lambda one: f"gpasswd -d {one['user']} {one['group']}",
            "tell": lambda one: f"fs_cli -x '{one['undone_by']}'" if one["undone_by"] else "",
            "mailbox": lambda one: f"remove the mailbox {one['box']} if it is unused",
        }[entry["do"]](entry)
        if line and line not in told:
            told.add(line)
            yield line


def undo(world: World, remove_mailbox: Callable[[str], str]) -> Undone:
    """Put back what the journal has, latest first; it is forgotten when nothing is left.

    Args:
        world: journal, FreeSWITCH, programs.
        remove_mailbox: removes one that nobody has used yet; says why it was left, `` where it is gone.

    Raises:
        OSError, SetupError: something can't be put back; nothing after it was tried, and it can be run again.
    """
    undone = Undone()
    tells: dict[str, None] = {}
    for entry in reversed(world.journal.entries()):
        match entry["do"]:
            case "file":
                _file(world, entry, undone)
            case "folder":
                _folder(Path(entry["path"]), undone)
            case "share":
                _share(entry, undone)
            case "group":
                _group(world, entry, undone)
            case "tell" if entry["undone_by"]:
                tells[entry["undone_by"]] = None
            case "mailbox":
                why = remove_mailbox(entry["box"])
                (undone.left if why else undone.done).append(f"mailbox {entry['box']}" + (f": {why}" if why else ""))
        world.passed(f"undo {entry['do']}")
    # FreeSWITCH reads its files when all of them are back.
    for command in sorted(tells, key=lambda command: command != "reloadxml"):
        _tell(world, command, undone)
    if not undone.left:
        world.journal.forget()
    return undone


def _file(world: World, entry: dict[str, Any], undone: Undone) -> None:
    path = Path(entry["path"])
    now = existing(path).content if os.path.lexists(path) else None
    if digest(now) == entry["before"]:
        return
    if digest(now) != entry["after"]:
        kept = f"; as it was before: {world.journal.folder / entry['backup']}" if entry["before"] else ""
        undone.left.append(f"{path} was changed since, and is left as it is{kept}")
        return
    if entry["before"]:
        put(path, world.journal.backup(entry), entry["mode"], entry["uid"], entry["gid"])
        undone.done.append(f"put back {path}")
    else:
        disk.remove(path)
        disk.sync_folder(path.parent)
        undone.done.append(f"removed {path}")


def _folder(path: Path, undone: Undone) -> None:
    if path.is_dir():
        with contextlib.suppress(OSError):  # somebody uses it
            path.rmdir()
            undone.done.append(f"removed the folder {path}")


def _share(entry: dict[str, Any], undone: Undone) -> None:
    path = Path(entry["path"])
    if not path.is_dir():
        return
    found = path.stat()
    if {"gid": found.st_gid, "mode": stat.S_IMODE(found.st_mode)} == entry["is"]:
        os.chown(path, -1, entry["was"]["gid"])
        path.chmod(entry["was"]["mode"])
        undone.done.append(f"{path}: group and mode as they were")


def _group(world: World, entry: dict[str, Any], undone: Undone) -> None:
    with contextlib.suppress(KeyError):
        pwd.getpwnam(entry["user"])
        if entry["user"] in grp.getgrnam(entry["group"]).gr_mem:
            world.run(["gpasswd", "-d", entry["user"], entry["group"]])
            undone.done.append(f"{entry['user']} is no longer in the group {entry['group']}")


def _tell(world: World, command: str, undone: Undone) -> None:
    answer = "FreeSWITCH does not answer"
    with contextlib.suppress(SwitchDownError):
        answer = world.switch.api(command).strip() if world.switch is not None else answer
    told = answer.startswith("+OK")
    undone.done.append(f"told FreeSWITCH: {command}" if told else f"tell it yourself: fs_cli -x '{command}' ({answer})")
