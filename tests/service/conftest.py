"""Programs started for real, watched line by line."""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import time

import pytest


class Program:
    """A process whose output is waited for, and which is gone when the test is over."""

    def __init__(self, *command, environment=None, cwd=None, pass_fds=()):
        self.process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=cwd,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.process.stdout, selectors.EVENT_READ)
        self._rest = b""
        self._lines = []
        self.output = ""

    def says(self, pattern, within=100.0):
        """Wait for a line that holds the pattern; lines before it are skipped. Returns the match."""
        until = time.monotonic() + within
        while True:
            while self._lines:
                found = re.search(pattern, self._lines.pop(0))
                if found:
                    return found
            left = until - time.monotonic()
            if left <= 0 or not self._read(left):
                pytest.fail(f"never said {pattern!r}; it said:\n{self.output}")

    def _read(self, seconds):
        if not self._selector.select(seconds):
            return False
        data = os.read(self.process.stdout.fileno(), 65536)
        self.output += data.decode(errors="replace")
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines += [line.decode(errors="replace") for line in lines]
        return bool(data)

    def signal(self, number):
        self.process.send_signal(number)

    def ends(self, within=100.0):
        """Wait for its end; returns the exit code."""
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            pytest.fail(f"did not end; it said:\n{self.output}")
        while self._read(0):
            pass
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(100)
        with contextlib.suppress(ProcessLookupError):  # whatever it started belongs to its session
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self._selector.close()


@pytest.fixture
def program():
    """Start programs: `program("-m", "esl_vm", ...)`."""
    yield from _programs()


@pytest.fixture(scope="module")
def shared_program():
    """The same, for programs that several tests of a module use."""
    yield from _programs()


def _programs():
    started = []

    def start(*command, **options):
        started.append(Program(*command, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()
