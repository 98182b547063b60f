"""Hosts of their own: a network namespace and a copy-on-write root each, on which a page's commands change nothing else."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.partitions import NoNamespacesError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LONGEST_S = 300


def _run(*words: object) -> None:
    try:
        subprocess.run([str(word) for word in words], check=True, capture_output=True)
    except (subprocess.CalledProcessError, FileNotFoundError) as wrong:
        raise NoNamespacesError(f"{words[0]}: {getattr(wrong, 'stderr', b'').decode() or wrong}") from wrong


class Host:
    """One host.

    Args:
        name, address: its own. root: its file system. where: the folder of the project's copy, in which commands run.
    """

    def __init__(self, name: str, address: str, root: Path) -> None:
        self.name, self.address, self.root = name, address, root
        self.where = "/root/voicemail"

    def run(self, line: str, user: str = "root", *, online: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a line of a page in bash; online: with this machine's network, for what fetches packages."""
        within = [] if online else ["ip", "netns", "exec", self.name]
        as_user = [] if user == "root" else ["runuser", "-u", user, "--"]
        words = [
            *within,
            "chroot",
            str(self.root),
            *as_user,
            "bash",
            "-c",
            f"cd {self.where} 2>/dev/null || cd /\n{line}",
        ]
        environment = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        for kept in ("PIP_INDEX_URL", "PIP_CONFIG_FILE", "http_proxy", "https_proxy"):
            if kept in os.environ:
                environment[kept] = os.environ[kept]
        return subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )

    def write(self, path: str, text: str, owner: str = "root", mode: int = 0o644) -> None:
        """A file that the page has one write."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
        if owner != "root":
            assert not self.run(f"chown {owner} {path}").returncode


@contextlib.contextmanager
def hosts(count: int, folder: Path) -> Iterator[list[Host]]:
    """So many hosts, 10.0.0.1 and on, in one network; raises NoNamespacesError where they can't be made."""
    if os.geteuid():
        raise NoNamespacesError("hosts of their own need root")
    tag = f"docs{os.getpid()}"
    made: list[Host] = []
    with contextlib.ExitStack() as stack:
        _run("mount", "-t", "tmpfs", "-o", "size=8g", "tmpfs", folder)
        stack.callback(_run, "umount", "-l", folder)
        hub = f"{tag}hub"
        _run("ip", "netns", "add", hub)
        stack.callback(_run, "ip", "netns", "delete", hub)
        _run("ip", "-n", hub, "link", "add", "bridge", "type", "bridge")
        _run("ip", "-n", hub, "link", "set", "bridge", "up")
        for number in range(1, count + 1):
            name, own = f"{tag}n{number}", folder / f"n{number}"
            for part in ("upper", "work", "root"):
                (own / part).mkdir(parents=True)
            root = own / "root"
            _run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={own}/upper,workdir={own}/work", root)
            stack.callback(_run, "umount", "-l", root)
            for kind, place in (("proc", "proc"), ("devtmpfs", "dev")):
                _run("mount", "-t", kind, kind, root / place)
                stack.callback(_run, "umount", "-l", root / place)
            for place in ("run", "tmp"):
                _run("mount", "-t", "tmpfs", "tmpfs", root / place)
                stack.callback(_run, "umount", "-l", root / place)
            (root / "tmp").chmod(0o1777)
            _run("ip", "netns", "add", name)
            stack.callback(_run, "ip", "netns", "delete", name)
            _run("ip", "-n", name, "link", "set", "lo", "up")
            _run("ip", "-n", hub, "link", "add", f"n{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            _run("ip", "-n", hub, "link", "set", f"n{number}", "master", "bridge", "up")
            host = Host(name, f"10.0.0.{number}", root)
            _run("ip", "-n", name, "address", "add", f"{host.address}/24", "dev", "eth0")
            _run("ip", "-n", name, "link", "set", "eth0", "up")
            stack.callback(_end_all, root)
            project = root / host.where.lstrip("/")
            shutil.copytree(
                ROOT, project, ignore=shutil.ignore_patterns(".venv", ".git", "var", "__pycache__", "*.egg-info")
            )
            systemctl = root / "usr/local/bin/systemctl"
            systemctl.unlink(missing_ok=True)
            shutil.copy(Path(__file__).with_name("systemctl.py"), systemctl)
            systemctl.chmod(0o755)
            made.append(host)
        yield made


def _end_all(root: Path) -> None:
    """End what still runs in a root, so that it can be taken away."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "root").resolve() == root.resolve():
                    os.kill(int(entry.name), signal.SIGKILL)
