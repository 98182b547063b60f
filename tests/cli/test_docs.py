"""The pages say what the code does."""

import dataclasses
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from esl_vm.cli.main import build_parser
from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinRules
from esl_vm.model.settings_check import settings_from
from esl_vm.model.waits import Waits

ROOT = Path(__file__).parents[2]
OPTIONS = (ROOT / "docs/options.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \| [^|]*\|$", OPTIONS, re.MULTILINE))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_readme_has_at_most_a_hundred_lines():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 100


@pytest.mark.parametrize("option", dataclasses.fields(MailboxOptions), ids=lambda option: option.name)
def test_every_mailbox_option_is_described_with_its_default(option):
    default = option.default
    word = {True: "yes", False: "no"}[default] if isinstance(default, bool) else str(default) or "none"
    assert ROWS[option.name] == word


@pytest.mark.parametrize("kind", [Waits, PinRules])
def test_every_wait_and_pin_rule_is_described_with_its_default(kind):
    for setting in dataclasses.fields(kind):
        assert ROWS[setting.name] == str(setting.default).lower(), setting.name


def test_the_tables_of_settings_are_as_the_code_is():
    ran = subprocess.run(
        [sys.executable, ROOT / "scripts/options-tables", "--check"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_the_example_settings_are_accepted():
    [example] = re.findall(r"```toml\n(.*?)```", OPTIONS, re.DOTALL)
    assert settings_from(tomllib.loads(example)).service.workers == 2


def commands_in(page):
    """Every `esl-vm …` line of a page's code, its words as the shell would make them."""
    import shlex

    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^\s*(?:\S*/)?esl-vm ([^\n]*)$", text, re.MULTILINE)
    for line in blocks:
        line = re.split(r"\s{3,}|\s+[#;|>]\s?|\s+->", line)[0]
        try:
            yield shlex.split(line.replace("…", ""))
        except ValueError:
            pytest.fail(f"{page.name}: can't be read as a command: {line}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_pages_can_be_parsed(page, capsys):
    for words in commands_in(page):
        try:
            build_parser().parse_args(words)
        except SystemExit as left:
            if left.code:
                pytest.fail(f"{page.name}: esl-vm {' '.join(words)}: {capsys.readouterr().err}")
