"""A file system of a few megabytes, to be filled."""

import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def small_disk(folder, megabytes=48, inodes=2000):
    """Mounts one on a new folder; skips where that may not be done."""
    folder.mkdir()
    options = f"size={megabytes}m,nr_inodes={inodes},mode=755"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    """Take all its bytes."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        size = 1 << 20
        while size:
            try:
                filler.write(bytes(size))
            except OSError:
                size //= 2


def take_inodes(folder):
    """Take all its inodes."""
    (folder / "inodes").mkdir()
    number = 0
    while True:
        try:
            (folder / "inodes" / str(number)).touch()
        except OSError:
            return
        number += 1
