"""A Debian of its own below a folder, made by debootstrap; its systemd runs where it is booted."""

import contextlib
import fcntl
import os
import pty
import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from support.served import children_of
from support.waiting import wait_until

NEEDED = ("debootstrap", "systemd-nspawn", "nsenter", "dpkg-deb")
#: What a service may open here: a machine may not let a unit have more.
FILES_MOST = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(os.geteuid() != 0, reason="root is needed for a Debian of its own"),
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"one of {', '.join(NEEDED)} is not here"),
]


def output_of(*command, **more):
    ran = subprocess.run(
        command,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **more,
    )
    assert ran.returncode == 0, f"{command}: {ran.stdout}"
    return ran.stdout


def bootstrapped(folder, suite, *packages, foreign=""):
    """A smallest Debian, with these packages and what they depend on; foreign: of that architecture, fetched only.

    ESL_VM_DEBIANS names a folder in which they are kept for the next run.
    """
    root = Path(os.environ.get("ESL_VM_DEBIANS", folder)) / "-".join((suite, foreign, *packages))
    if (root / "var/cache/apt").is_dir():
        return root
    include = [f"--include={','.join(packages)}"] if packages else []
    include += ["--foreign", f"--arch={foreign}"] if foreign else []
    output_of("debootstrap", "--variant=minbase", *include, suite, root)
    if not foreign:
        (root / "etc/apt/apt.conf.d/no-recommends").write_text('APT::Install-Recommends "false";')  # prompts: 40 MB
    return root


class Debian:
    """A copy of one that was made before: booted, or woken for what needs this host's network."""

    def __init__(self, root, base):
        self.root = root
        output_of("cp", "--archive", base, root)
        if CERTIFICATES.exists():  # of an index that this host alone knows
            shutil.copy(CERTIFICATES, root / "root/certificates")
        self._machine = self._leader = None

    def wake(self, *words):
        """Have a process go on in there, into whose surroundings all others are put; one that does nothing, on this host's network."""
        self._alone = Path("/run/lock/esl-vm-debian").open("w")  # noqa: SIM115 - two at once would have one control group
        fcntl.flock(self._alone, fcntl.LOCK_EX)
        self._log = (self.root.parent / "boot").open("w")
        self._machine = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--directory", self.root, *(words or ("--as-pid2", "sleep", "infinity"))],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._leader = wait_until(self._first_process)

    def _first_process(self):
        """Its pid on this host, once it is in there: before, what is put into its surroundings would be on this host.

        The one that prepares all is in there for a moment, too, and then ends; it is no namespace's first.
        """
        assert self._machine.poll() is None, Path(self._log.name).read_text()
        for pid in children_of(self._machine.pid):
            with contextlib.suppress(OSError):
                names = re.search(r"^NSpid:.*\t(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
                if names and names[1] == "1" and Path(f"/proc/{pid}/root").samefile(self.root):
                    return pid
        return None

    def boot(self):
        """Start its systemd, and wait until all is up."""
        limits = self.root / "etc/systemd/system/esl-vm.service.d/limits.conf"
        if FILES_MOST < 65536:
            limits.parent.mkdir(parents=True)
            limits.write_text(f"[Service]\nLimitNOFILE={FILES_MOST}\n")
        self.wake("--boot", "--private-network", "--console=pipe")
        wait_until(lambda: self._finished("systemctl is-system-running").stdout.strip() in {"running", "degraded"})

    def command(self, line):
        """The command on this host that runs a line in there, as root."""
        surroundings = {
            "DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
            "HOME": "/root", "PIP_CERT": "/root/certificates",
        }  # fmt: skip
        words = [f"{name}={value}" for name, value in surroundings.items()]
        namespaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd")
        return [
            "nsenter",
            "--target",
            str(self._leader),
            *namespaces,
            "env",
            "-i",
            *words,
            "sh",
            "-c",
            f"cd /root; {line}",
        ]

    def _finished(self, line):
        return subprocess.run(
            self.command(line),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def run(self, line, code=0):
        """What a line prints."""
        ran = self._finished(line)
        assert ran.returncode == code, f"{line}: {ran.stdout}"
        return ran.stdout

    def start(self, line, **more):
        """A line that goes on."""
        return subprocess.Popen(self.command(line), **more)

    def close(self):
        if self._machine:
            self._machine.terminate()  # twice: it is halted, then ended
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._machine.wait(20)
            self._machine.kill()
            self._machine.wait()
            self._log.close()
            self._alone.close()


class HeldCall:
    """A call from a telephone in there whose keys are pressed by hand."""

    def __init__(self, debian, line):
        self._hand, its = pty.openpty()
        self._screen = (debian.root.parent / "telephone").open("w+")
        self._process = debian.start(line, stdin=its, stdout=self._screen, stderr=subprocess.STDOUT)
        os.close(its)

    def screen(self):
        return Path(self._screen.name).read_text()

    def sees(self, text):
        wait_until(lambda: text in self.screen() or self._process.poll() is not None)
        assert text in self.screen()

    def press(self, key):
        os.write(self._hand, key.encode())

    def is_on(self):
        return self._process.poll() is None

    def ended(self):
        """Its exit code."""
        try:
            return self._process.wait(100)
        finally:
            os.close(self._hand)
            self._screen.close()
