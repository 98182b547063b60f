"""The callers' guide says what the menus do."""

import subprocess
import sys
from pathlib import Path

from esl_vm.dialogue import menus

ROOT = Path(__file__).parents[2]


def test_the_key_tables_of_the_guide_are_those_of_the_menus():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/key-tables", "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_key_of_every_menu_has_words():
    for menu, words in menus.GUIDE.items():
        assert set(words) == {choice.value for choice in menu}
