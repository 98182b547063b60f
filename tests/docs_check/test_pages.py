"""What `make docs-check` reads from the pages, which takes minutes to follow; and that no page has a command that nobody runs."""

import ast
import subprocess
from pathlib import Path

import pytest

from docs_check.__main__ import TRIALS
from docs_check.followed import ADMINISTRATION, README, SECURITY, Followed
from docs_check.pages import ROOT, blocks, command_lines, in_section, indented

#: Whose commands a test runs, each as it stands.
RUN_BY = {
    "docs/api.md": "tests/web/test_api_page.py::test_every_example_does_what_it_says",
    "docs/containers.md": "tests/packages/test_containers.py::test_the_page_on_containers_is_right",
    "docs/mailboxes.md": "tests/admin/test_mailboxes_page.py::test_every_command_prints_what_the_page_says",
    "docs/packages.md": "tests/packages/test_deb.py::test_the_page_on_packages_is_right",
    "docs/privacy.md": "tests/admin/test_callers.py::test_the_commands_of_the_page_do_what_it_says",
    "docs/redis.md": "tests/store/test_redis_docs.py::test_every_line_prints_what_the_page_says",
    "docs/security.md, Encryption at rest": "tests/sealing/test_at_rest.py::test_the_commands_of_the_page_do_what_it_says",
    "docs/setup.md": "tests/cli/test_setup.py::test_every_command_of_the_page_does_what_it_says",
    "docs/transcription.md, Finding what was said": "tests/cli/test_message_commands.py::test_messages_are_found_by_what_is_said",
    "docs/transcription.md, When": "tests/service/test_transcription.py::test_another_host_may_transcribe",
    "docs/notify.md, Looking into Redis": "tests/notify/test_notify_page.py::test_every_redis_cli_line_shows_what_it_says",
}
#: What runs tests or measures, and is run as such: `make test` can't run itself.
RUN_ITSELF = {"CONTRIBUTING.md", "docs/performance.md"}


class NoHost:
    """A host on which all goes well and nothing is done."""

    where = "/root/voicemail"
    root = Path("/nowhere")

    def __init__(self, number):
        self.address = f"10.0.0.{number}"

    def run(self, *_, **__):
        return subprocess.CompletedProcess([], 0, "", "")

    def write(self, *_):
        pass


class Rehearsed(Followed):
    """Writes down what would be typed."""

    def expect(self, *_):
        pass


@pytest.fixture(scope="module")
def typed():
    """Every line that `make docs-check` types, with its page."""
    followed = Rehearsed()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("docs_check.moving_in.put", lambda *_: None)
        patch.setattr(Path, "write_text", lambda *_: None)
        patch.setattr(Path, "chmod", lambda *_: None)
        for count, follow in TRIALS.values():
            follow(followed, [NoHost(number) for number in range(1, count + 1)])
    return followed.lines


def test_no_page_has_a_command_that_nobody_runs(typed):
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    names = [str(page.relative_to(ROOT)) for page in pages]
    left = [
        f"{page}, {section}: {line}"
        for page in names
        if page not in RUN_ITSELF
        for section, line in command_lines(page)
        if (page, line) not in typed and not RUN_BY.keys() & {page, f"{page}, {section}"}
    ]
    assert left == []


@pytest.mark.parametrize("test", RUN_BY.values())
def test_who_runs_them_is_there(test):
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_what_is_followed_stands_on_a_page(typed):
    """So that nothing is typed that no reader would."""
    assert [line for page, line in typed if page.endswith(".md") and line not in (ROOT / page).read_text()] == []


def test_commands_are_read_from_the_pages_as_they_stand():
    [block, *_] = in_section(SECURITY, "Back up")
    assert block.commands[0] == "esl-vm backup backup/voicemail"
    assert "systemctl enable --now esl-vm" in [
        line for one in in_section(ADMINISTRATION, "3. Start") for line in one.commands
    ]
    assert "esl-vm doctor" in indented(README, "With a FreeSWITCH")


def test_a_block_knows_the_section_it_stands_in():
    assert {block.section for block in blocks(ADMINISTRATION)} >= {"With Sentinel", "With Cluster", "Another password"}
