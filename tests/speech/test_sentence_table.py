"""docs/sentences.md: the lengths of what is said, as the code says it and the installed prompts last."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/sentences-table"
NO_PROMPTS = 2


def test_the_page_of_sentences_is_as_the_code_is():
    ran = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    if ran.returncode == NO_PROMPTS:
        pytest.skip(ran.stderr.strip())
    assert ran.returncode == 0, ran.stderr
