"""A file system of a few megabytes, to be filled, emptied of inodes, or found broken."""

import contextlib
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

FILLER, INODES = "filler", "inodes"


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
    with (folder / FILLER).open("wb", buffering=0) as filler:
        size = 1 << 20
        while size:
            try:
                filler.write(bytes(size))
            except OSError:
                size //= 2


def take_inodes(folder):
    """Take all its inodes."""
    (folder / INODES).mkdir()
    number = 0
    while True:
        try:
            (folder / INODES / str(number)).touch()
        except OSError:
            return
        number += 1


class LoopDisk:
    """An ext4 in a file, mounted on a folder, as `loop_disk` yields it; its troubles come while files are open on it.

    A tmpfs can't become read-only while somebody writes. An ext4 does, when it finds itself broken (`errors=remount-ro`).
    """

    TROUBLES = ("full", "no inodes", "read-only")

    def __init__(self, image, folder):
        self._image = image
        self.folder = folder

    def mount(self):
        """Mount it; whether that may be done here."""
        words = ["mount", "-o", "loop,errors=remount-ro", self._image, self.folder]
        return not subprocess.run(words, capture_output=True, check=False).returncode

    def spoil(self, trouble):
        """Have one of the troubles begin."""
        if trouble == "full":
            fill(self.folder)
        elif trouble == "no inodes":
            take_inodes(self.folder)
        else:
            number = self.folder.stat().st_dev & 0xFF
            Path(f"/sys/fs/ext4/loop{number}/trigger_fs_error").write_text("found broken by a test")

    def mend(self, trouble, seconds=20):
        """Have it end. One that was read-only is repaired and mounted anew, when nobody has a file open on it any more."""
        if trouble == "full":
            (self.folder / FILLER).unlink()
        elif trouble == "no inodes":
            for path in (self.folder / INODES).iterdir():
                path.unlink()
        else:
            deadline = time.monotonic() + seconds
            while subprocess.run(["umount", self.folder], capture_output=True, check=False).returncode:
                if time.monotonic() > deadline:
                    told = subprocess.run(["fuser", "-vm", self.folder], capture_output=True, text=True, check=False)
                    raise AssertionError(f"a file is still open on {self.folder}: {told.stderr}{told.stdout}")
                time.sleep(0.1)
            # A copy: while another mount namespace (any `ip netns exec`) still has the broken one, it is that again.
            mended = self._image.with_suffix(".mended")
            subprocess.run(["cp", "--sparse=always", self._image, mended], check=True)
            self._image = mended
            subprocess.run(["e2fsck", "-fy", self._image], capture_output=True, check=False)
            assert self.mount()


@contextmanager
def loop_disk(folder, megabytes=160, inodes=1000):
    """A `LoopDisk` on a new folder; skips where it can't be made."""
    folder.mkdir(parents=True)
    image = folder.with_name(f"{folder.name}.ext4")
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    disk = LoopDisk(image, folder)
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-N", str(inodes), image], capture_output=True, check=False)
        if disk.mount():
            try:
                yield disk
            finally:
                subprocess.run(["umount", "-l", folder], capture_output=True, check=True)
            return
    pytest.skip("no file system can be made and mounted here (that needs root, mkfs.ext4 and loop devices)")
