"""A node's desk for each test, and a disk that forgets at a power cut but is quick."""

import os
import tempfile
from pathlib import Path

import pytest
from spool_cast import Desk


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture
def quick_disk(tmp_path):
    """A folder in memory where the machine has one: a killed process loses nothing there either."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="spool-") as folder:
        yield Path(folder)
