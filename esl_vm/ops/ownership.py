"""Whose the service's files are. A command that root runs must not leave files that the service can't open."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.settings import Settings

_ROOT = 0


def hand_over(settings: Settings) -> None:
    """Give what root made in the service's folders to each folder's owner; for others than root nothing happens.

    Nothing is followed and nothing with a second name is touched: the folders are an unprivileged user's.
    """
    if os.geteuid() != _ROOT:
        return
    for folder in _folders(settings):
        for name, found, where, owner in _entries(folder):
            plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
            if found.st_uid == _ROOT and (plain or stat.S_ISDIR(found.st_mode) or stat.S_ISSOCK(found.st_mode)):
                group = owner.st_gid if found.st_gid == _ROOT else -1
                os.chown(name, owner.st_uid, group, dir_fd=where, follow_symlinks=False)


def check_owners(settings: Settings) -> Iterator[Finding]:
    """Whether all in the data folder is its owner's; the spool is left out, as FreeSWITCH's user records there."""
    data = Path(settings.data_dir)
    spool = Path(settings.spool.folder)
    strange = [
        (name, found.st_uid, owner.st_uid)
        for name, found, _, owner in _entries(data, without=spool)
        if found.st_uid != owner.st_uid
    ]
    if strange:
        name, is_of, should_be_of = strange[0][0], _user(strange[0][1]), _user(strange[0][2])
        said = (
            f"{len(strange)} files in {data} are not {should_be_of}'s, {name} is {is_of}'s: the service can't use them"
        )
        remedy = (
            f"`chown -R {should_be_of}: {data}`; then run commands as {should_be_of}: `sudo -u {should_be_of} esl-vm …`"
        )
        yield Finding("settings", Level.ERROR, said, remedy)


def _folders(settings: Settings) -> list[Path]:
    folders = [settings.data_dir, settings.spool.folder]
    if settings.audio.store == "folder":
        folders.append(settings.audio.folder)
    return [Path(folder) for folder in folders]


def _entries(folder: Path, without: Path | None = None) -> Iterator[tuple[str, os.stat_result, int, os.stat_result]]:
    """All below a folder that is not root's: name, what it is, the descriptor of where it lies, and the folder itself."""
    try:
        owner = folder.stat()
    except OSError:
        return
    if owner.st_uid == _ROOT:
        return
    for path, folders, files, where in os.fwalk(folder, follow_symlinks=False):
        if without is not None and Path(path) == without.parent and without.name in folders:
            folders.remove(without.name)
        for name in (*folders, *files):
            try:
                found = os.stat(name, dir_fd=where, follow_symlinks=False)
            except OSError:  # gone meanwhile
                continue
            yield name, found, where, owner


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
