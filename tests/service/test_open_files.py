"""A worker may open as many files as its calls need, as far as the system lets it."""

import subprocess
import sys

import pytest

TRY = """
import logging, resource, sys
from esl_vm.service.open_files import allow_open_files
logging.basicConfig(format="%(levelname)s %(message)s")
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(allow_open_files(wanted), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def tried(soft, hard, wanted):
    """What it says, and the two limits then; and its log."""
    words = [sys.executable, "-c", TRY, *map(str, (soft, hard, wanted))]
    run = subprocess.run(words, capture_output=True, text=True, check=True, timeout=100)
    return tuple(map(int, run.stdout.split())), run.stderr


@pytest.mark.parametrize(
    ("limits", "now"),
    [
        ((256, 1024, 800), (800, 800, 1024)),
        ((256, 1024, 1024), (1024, 1024, 1024)),
        ((1000, 1024, 800), (1000, 1000, 1024)),
    ],
)
def test_what_is_wanted_is_allowed(limits, now):
    assert tried(*limits) == (now, "")


def test_what_the_system_does_not_allow_is_told():
    now, told = tried(256, 512, 800)
    assert now == (512, 512, 512)
    assert told.startswith("WARNING only 512 files may be open at once, 800 are wanted")
    assert "LimitNOFILE" in told
