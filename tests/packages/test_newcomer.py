"""README's "Try it", as it stands, on the smallest Debians with Python, make and git; how long the first `make run` takes is printed.

ESL_VM_RECORD=1 makes docs/images/*.svg of what is seen.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from docs_check.pages import indented, without_note
from support import debian as debians
from support.debian import Debian, bootstrapped, output_of
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
WEB = "http://127.0.0.1:8088/"
pytestmark = debians.pytestmark


def is_free(port):
    with socket.socket() as taken:
        return taken.connect_ex(("127.0.0.1", port)) != 0


def pictures(debian, run, leave):
    """What is seen, for the pages."""
    debian.run("rm -rf voicemail/.venv voicemail/var")
    assert record(debian, "first-start", run, f"exec {run}", WEB) == 0
    wait_until(lambda: is_free(8084))  # its terminal is gone
    debian.start(f"cd voicemail; exec {run}", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: not is_free(8084))
    short = leave.replace(".venv/bin/esl-vm --data-dir var", "esl-vm")
    assert record(debian, "phone", short, f"exec {leave} --keys '# # 1'") == 0
    assert record(debian, "doctor", "esl-vm doctor", "exec .venv/bin/esl-vm --data-dir var doctor") in {0, 1, 3}


def record(debian, name, shown, line, until=""):
    """A picture of what a line shows."""
    within = debian.command(f"cd voicemail; export COLUMNS=112 TERM=xterm-256color; {line}")
    until = ["--until", until] if until else []
    command = [
        sys.executable,
        ROOT / "scripts/record-terminal",
        ROOT / f"docs/images/{name}.svg",
        shown,
        *until,
        "--",
        *within,
    ]
    return subprocess.call(command, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_newcomer_has_a_voicemail_that_answers(suite, tmp_path):
    if not (is_free(8084) and is_free(8088)):
        pytest.skip("something listens on 8084 or 8088")
    base = bootstrapped(tmp_path, suite, "python3", "make", "git")
    debian = Debian(tmp_path / "newcomer", base)
    output_of("git", "clone", "--quiet", "--no-hardlinks", ROOT, debian.root / "root/voicemail")
    run, leave, hear = [without_note(line) for line in indented("README.md", "Try it")]
    log = tmp_path / "log"
    try:
        debian.wake()
        begun = time.monotonic()
        service = debian.start(f"cd voicemail; exec {run}", stdout=log.open("w"), stderr=subprocess.STDOUT)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("support.waiting.PATIENCE_S", 1500.0)
            wait_until(lambda: "takes calls on 127.0.0.1:8084" in log.read_text() or service.poll() is not None)
        took = time.monotonic() - begun
        assert service.poll() is None, log.read_text()
        print(f"{suite}: the first `make run` took {took:.0f} s")
        assert b"<form" in urllib.request.urlopen(WEB, timeout=60).read()
        for line, keys in ((leave, "# # 1"), (hear, "1234# 1 #")):
            debian.run(f"cd voicemail; {line} --keys '{keys}'")
        assert "the call is over" in debian.run("cd voicemail; make demo")
        if os.environ.get("ESL_VM_RECORD"):
            debian.close()
            debian.wake()
            pictures(debian, run, leave)
    finally:
        debian.close()
