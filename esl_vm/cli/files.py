"""Files that commands write: whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path


def write_file(source: Path, target: str) -> None:
    """Copy a file to where a person wants it, replacing what is there only once it is whole; `-` = standard output.

    Raises:
        OSError: it can't be written there.
    """
    if target == "-":
        with source.open("rb") as sound:
            shutil.copyfileobj(sound, sys.stdout.buffer)
        return
    path = Path(target)
    if path.exists() and not path.is_file():  # a pipe or a device takes the bytes as they come
        with source.open("rb") as sound, path.open("wb") as out:
            shutil.copyfileobj(sound, out)
        return
    handle, half = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with source.open("rb") as sound, os.fdopen(handle, "wb") as out:
            shutil.copyfileobj(sound, out)
            umask = os.umask(0)
            os.umask(umask)
            os.fchmod(out.fileno(), 0o666 & ~umask)
        Path(half).replace(path)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise


def write_text(text: str, target: str) -> None:
    """As `write_file`, a text in UTF-8."""
    with tempfile.TemporaryDirectory(prefix="esl-vm-text-") as folder:
        source = Path(folder) / "text"
        source.write_text(text, "utf-8")
        write_file(source, target)
