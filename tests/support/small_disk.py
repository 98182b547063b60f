"""A file system of a few megabytes, to be filled, emptied of inodes, or found broken."""

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.waiting import wait_until

FILLER, INODES = "filler", "inodes"


@contextmanager
def small_disk(folder, megabytes=48, inodes=2000):
    """Mounts one on a new folder; skips where that may not be done."""
    _wants("mount")
    folder.mkdir()
    options = f"size={megabytes}m,nr_inodes={inodes},mode=755"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def _wants(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"no file system can be made and mounted here without {' and '.join(missing)}")


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

    def mend(self, trouble):
        """Have it end. One that was read-only is repaired and mounted anew, when nobody has a file open on it any more."""
        if trouble == "full":
            (self.folder / FILLER).unlink()
        elif trouble == "no inodes":
            for path in (self.folder / INODES).iterdir():
                path.unlink()
        else:
            wait_until(self._unmounted, f"no file being open on {self.folder} any more")
            # A copy: while another mount namespace (any `ip netns exec`) still has the broken one, it is that again.
            mended = self._image.with_suffix(".mended")
            subprocess.run(["cp", "--sparse=always", self._image, mended], check=True)
            self._image = mended
            subprocess.run(["e2fsck", "-fy", self._image], capture_output=True, check=False)
            assert self.mount()

    def _unmounted(self):
        return not subprocess.run(["umount", self.folder], capture_output=True, check=False).returncode


@contextmanager
def loop_disk(folder, megabytes=160, inodes=1000):
    """A `LoopDisk` on a new folder; skips where it can't be made."""
    folder.mkdir(parents=True)
    image = folder.with_name(f"{folder.name}.ext4")
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    _wants("mount", "mkfs.ext4", "e2fsck")
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-N", str(inodes), image], capture_output=True, check=False)
    disk = LoopDisk(image, folder)
    if not disk.mount():
        pytest.skip("no file system can be mounted here (that needs root and loop devices)")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", folder], capture_output=True, check=True)
