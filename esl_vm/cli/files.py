"""Files that commands write: for their owner only, whole or not at all, and never through somebody else's link."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from esl_vm.model.errors import InvalidValueError
from esl_vm.sound import disk

_DEVICES = ("/dev/", "/proc/")


def write_file(source: Path, target: str) -> None:
    """Copy a file to where a person wants it, replacing what is there only once it is whole; `-` = standard output.

    What is replaced may be a link: it is the link, not the file that it leads to. A pipe or a device takes the bytes.

    Raises:
        OSError: it can't be written there. InvalidValueError: it is a pipe of somebody else, or a link to one.
    """
    if target == "-":
        with source.open("rb") as sound:
            shutil.copyfileobj(sound, sys.stdout.buffer)
        return
    path = Path(target)
    if path.exists() and not path.is_file():
        with source.open("rb") as sound, os.fdopen(_open_pipe(path), "wb") as out:
            shutil.copyfileobj(sound, out)
        return
    with disk.unfinished(path.parent, path.name, 0o600) as (fd, part):
        with source.open("rb") as sound, os.fdopen(fd, "wb", closefd=False) as out:
            shutil.copyfileobj(sound, out)
        part.replace(path)


def write_text(text: str, target: str) -> None:
    """As `write_file`, a text in UTF-8."""
    with tempfile.TemporaryDirectory(prefix="esl-vm-text-") as folder:
        source = Path(folder) / "text"
        source.write_text(text, "utf-8", "backslashreplace")
        write_file(source, target)


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet; raises InvalidValueError where something is, be it a link to nowhere, OSError."""
    with open_new(path) as file:
        file.write(content)


def open_new(path: Path) -> BinaryIO:
    """As `write_new`: the file, to be written."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise InvalidValueError(f"{path} is there already") from None
    return os.fdopen(handle, "wb")


def _open_pipe(path: Path) -> int:
    linked = 0 if str(path).startswith(_DEVICES) else os.O_NOFOLLOW  # /dev/stdout is a link
    handle = os.open(path, os.O_WRONLY | linked | os.O_CLOEXEC)
    found = os.fstat(handle)
    if stat.S_ISFIFO(found.st_mode) and found.st_uid not in {os.geteuid(), 0}:
        os.close(handle)
        raise InvalidValueError(f"{path} is a pipe of somebody else")
    return handle
