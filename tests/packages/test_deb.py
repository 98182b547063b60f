"""The Debian package in a bookworm made for it: the page on packages followed, the service under its unit's restrictions, nothing left."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs_check.pages import in_section
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
NEEDED = ("debootstrap", "dpkg-deb", "unshare")
PAGE = "docs/packages.md"
#: What the unit says, done by hand: no systemd runs in here.
RESTRICTED = """
mount --rbind "$1" "$1" && mount -o remount,bind,ro "$1"
mount --bind "$1/var/lib/esl-vm" "$1/var/lib/esl-vm" && mount -o remount,bind,rw "$1/var/lib/esl-vm"
for hidden in tmp home root; do mount -t tmpfs tmpfs "$1/$hidden"; done
exec chroot "$1" setpriv --reuid esl-vm --regid voicemail --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \\
    sh -c 'umask 0007; exec /usr/bin/esl-vm serve'
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="root is needed for a Debian of its own"),
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"one of {', '.join(NEEDED)} is not here"),
]


@pytest.fixture(scope="module")
def package():
    """ESL_VM_DEB names one that was built before."""
    if named := os.environ.get("ESL_VM_DEB"):
        return Path(named)
    for build in (["make-dist"], ["make-deb", f"bookworm-{told_by('dpkg', '--print-architecture').strip()}"]):
        subprocess.run([sys.executable, ROOT / "packaging" / build[0], *build[1:]], check=True)
    return next((ROOT / "dist").glob("*~deb12_*.deb"))


def told_by(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


class Debian:
    """One of its own, below a folder."""

    def __init__(self, root):
        self.root = root
        told_by("debootstrap", "--variant=minbase", "bookworm", root, "http://deb.debian.org/debian")
        (root / "etc/apt/apt.conf.d/no-recommends").write_text('APT::Install-Recommends "false";')  # prompts: 40 MB
        # As in every image for containers: no package starts what it brings.
        (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (root / "usr/sbin/policy-rc.d").chmod(0o755)
        for name in ("proc", "dev"):
            told_by("mount", "--bind", f"/{name}", root / name)

    def run(self, line):
        """What a line prints."""
        surroundings = {
            "DEBIAN_FRONTEND": "noninteractive",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
        }
        ran = subprocess.run(
            ["chroot", self.root, "sh", "-c", f"cd /root; {line}"],
            env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, f"{line}: {ran.stdout}"
        return ran.stdout

    def close(self):
        for name in ("proc", "dev"):
            subprocess.run(["umount", self.root / name], check=False)


@pytest.fixture
def debian(tmp_path):
    debian = Debian(tmp_path / "bookworm")
    yield debian
    debian.close()


def everything(debian):
    """All files below /etc, /usr, /var/lib and /run that are no package manager's own."""
    own = (
        "/run/adduser",
        "/var/lib/dpkg/",
        "/var/lib/apt/",
        "/var/cache/",
        "__pycache__",
        "/var/lib/systemd/deb-systemd-helper",
    )
    found = debian.run("find /etc /usr /var/lib /run -xdev").splitlines()
    return {name for name in found if not any(part in name for part in own)}


def users(debian):
    return {line.partition(":")[0] for line in debian.run("cat /etc/passwd /etc/group").splitlines()}


def test_the_page_on_packages_is_right(package, debian):
    installs, tries = (block.commands for block in in_section(PAGE, "Installing"))
    [removes] = (block.commands for block in in_section(PAGE, "Removing"))
    debian.run("apt-get update; apt-get install --yes python3 adduser init-system-helpers")
    debian.run("useradd --system freeswitch")
    shutil.copy(package, debian.root / "root")
    before = everything(debian)
    for line in installs:
        debian.run(line)
    assert "voicemail" in debian.run("id freeswitch")
    assert debian.run("stat -c '%U %G %a' /var/lib/esl-vm /etc/esl-vm /etc/esl-vm.toml").splitlines() == [
        "esl-vm voicemail 2770",
        "esl-vm root 700",
        "esl-vm root 600",
    ]
    log = (debian.root.parent / "log").open("w+")
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", RESTRICTED, "sh", debian.root]
    service = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: "takes calls on" in Path(log.name).read_text() or service.poll() is not None)
        told = [debian.run(line) for line in tries]
        assert "1002" in told[-1], Path(log.name).read_text()
    finally:
        service.terminate()
        assert service.wait(100) == 0, Path(log.name).read_text()
    assert "Traceback" not in Path(log.name).read_text()
    # Where nobody can be asked the messages stay, and are there again when the package is.
    assert "still in /var/lib/esl-vm" in debian.run("apt-get purge --yes esl-vm")
    assert "esl-vm" in users(debian)
    debian.run(installs[0])
    assert (debian.root / "var/lib/esl-vm/redis").is_dir()
    for line in removes:
        debian.run(line)
    assert everything(debian) - before == set()
    assert "esl-vm" not in users(debian)
