"""A service that runs for real, looked at from outside."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest


def children_of(pid):
    """Pids, in the order in which they were started; numbers begin anew some day."""
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def command_of(pid):
    """A process's command line; `` of one that has just ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


class Service:
    """`esl-vm serve` on a Redis of its own, two workers, its status pages on a free port; killed by its pid."""

    def __init__(self, folder, *words, settings="", web=False):
        self.data = folder / "data"
        self.log = folder / "log"
        command = [sys.executable, "-m", "esl_vm", "--config", folder / "esl-vm.toml", "--data-dir", self.data]
        (folder / "esl-vm.toml").write_text(f'service.log_format = "json"\nservice.node = "node-1"\n{settings}')
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "serve", "--demo", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", *(["--web", "127.0.0.1:0"] if web else []), *words],
                stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, text=True,
            )  # fmt: skip
        self.address = self._says(r"takes calls on (\S+)")
        self.status = self._says(r"status\s+(http://[^/]+)/metrics")
        self.web = self._says(r"web\s+(http://[^/]+)/") if web else ""

    def _says(self, pattern):
        for line in self.process.stdout:
            if found := re.search(pattern, line):
                return found[1]
        pytest.fail(f"it ended: {self.log.read_text()}")

    def get(self, path):
        """Status and text of a page."""
        try:
            with urllib.request.urlopen(self.status + path, timeout=100) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def run(self, *words, code=0):
        """Run a command on its data; returns what it printed."""
        ran = subprocess.run(
            [sys.executable, "-m", "esl_vm", "--data-dir", self.data, *words],
            capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert code is None or ran.returncode == code, ran.stderr + ran.stdout
        return ran.stdout

    def ring(self, number, keys, sender="1001", code=0):
        """A call from a telephone without a telephone."""
        return self.run("phone", number, "--from", sender, "--keys", keys, "--service", self.address, code=code)

    def workers(self):
        """Their pids: a fork's command is its parent's; the keeper and Redis are none."""
        own = command_of(self.process.pid)
        return sorted(pid for pid in children_of(self.process.pid) if command_of(pid) == own)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(100)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process.stdout.close()
