"""Mends the append-only files of an embedded Redis after a power cut: what is no command is cut out, the rest is kept.

Run as a file by its keeper, standard library only. `redis-check-aof --fix` cuts all that follows the damage; here what can be
read behind it stays, since it was announced as kept: commands whole, transactions whole. The files as they were are kept beside
(`damaged-TIME`). A damaged base file (an RDB) can't be mended.

    embedded_mend.py FOLDER        prints a line for each damage; exit code 0 = something was mended
"""

from __future__ import annotations

import mmap
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    Span = tuple[int, int]

_HEAD = re.compile(rb"\*([1-9][0-9]{0,6})\r\n")
_LENGTH = re.compile(rb"\$(0|[1-9][0-9]{0,9})\r\n")
_BEGINS = re.compile(rb"\*[1-9][0-9]{0,6}\r\n\$[0-9]{1,3}\r\n[A-Za-z]")
_NOTE = re.compile(rb"#[^\r\n]{0,1000}\r\n")
#: What no data of ours needs, and what nobody's recording shall say by chance where commands are looked for.
_NEVER = {
    b"FLUSHALL",
    b"FLUSHDB",
    b"SWAPDB",
    b"EVAL",
    b"EVALSHA",
    b"FUNCTION",
    b"SCRIPT",
    b"CONFIG",
    b"DEBUG",
    b"MODULE",
}


def command_at(data: mmap.mmap | bytes, at: int) -> tuple[int, bytes] | None:
    """The command that begins there: where it ends, and its name; None if none does, or it is not whole."""
    if note := _NOTE.match(data, at):
        return note.end(), b"#"
    head = _HEAD.match(data, at)
    if head is None:
        return None
    place, name = head.end(), b""
    for number in range(int(head[1])):
        length = _LENGTH.match(data, place)
        if length is None:
            return None
        end = length.end() + int(length[1])
        if data[end : end + 2] != b"\r\n":
            return None
        if number == 0:
            name = bytes(data[length.end() : end]).upper()
        place = end + 2
    return place, name


def next_command(data: mmap.mmap | bytes, at: int) -> int:
    """Where the next command begins that is whole and may stand here; the end of the data if none does."""
    for found in _BEGINS.finditer(data, at):
        command = command_at(data, found.start())
        if command is not None and command[1] not in _NEVER:
            return found.start()
    return len(data)


def spans(data: mmap.mmap | bytes) -> Iterator[Span]:
    """What can be kept, in order: from where to where."""
    begin = at = 0
    transaction = -1  # where the one that is open began
    orphans = False  # behind a damage: what comes may be the rest of a transaction that it tore
    while at < len(data):
        command = command_at(data, at)
        if command is None:
            if begin < (whole := transaction if transaction >= 0 else at):
                yield begin, whole
            begin = at = next_command(data, at + 1)
            transaction, orphans = -1, True
            continue
        end, name = command
        if name == b"MULTI":
            transaction, orphans = at, False
        elif name == b"EXEC":
            if transaction < 0 and orphans:
                begin = end
            transaction, orphans = -1, False
        at = end
    if begin < (whole := transaction if transaction >= 0 else at):
        yield begin, whole


def mend(folder: Path, now: float) -> list[str]:
    """Mend what is damaged of the files that the manifest names; a sentence for each. Raises OSError."""
    sentences = []
    store = folder / "appendonlydir"
    manifest = (store / "appendonly.aof.manifest").read_text("utf-8", "replace")
    kept = folder / time.strftime("damaged-%Y%m%dT%H%M%SZ", time.gmtime(now))
    for name in re.findall(r"^file (\S+) seq \d+ type i", manifest, re.MULTILINE):
        path = store / name
        if not path.is_file() or not path.stat().st_size:
            continue
        with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            whole = list(spans(data))
            left = sum(end - begin for begin, end in whole)
            if left == len(data):
                continue
            mended = path.with_name(f"{name}.mended")
            with mended.open("wb") as written:
                os.fchmod(written.fileno(), path.stat().st_mode & 0o777)
                for begin, end in whole:
                    written.write(data[begin:end])
                written.flush()
                os.fsync(written.fileno())
            first = whole[0][1] if whole and whole[0][0] == 0 else 0
            sentences.append(
                f"{name} was damaged from byte {first} on: {len(data) - left} of {len(data)} bytes were cut; the file as it "
                f"was is in {kept}"
            )
        kept.mkdir(mode=0o700, exist_ok=True)
        shutil.copy2(path, kept / name)
        mended.replace(path)
    return sentences


if __name__ == "__main__":
    lines = mend(Path(sys.argv[1]), time.time())
    for line in lines:
        print(f"mended: {line}", flush=True)
    sys.exit(0 if lines else 1)
