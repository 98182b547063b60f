"""docs/mailboxes.md: every command is run, in the order of the page, and prints what the page says."""

import re
import shlex
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "mailboxes.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
FIRST_ID = "ID=$(esl-vm message list 1001 --json | jq -r '.[0].id')"


class Shell:
    """As much of a shell as the page needs, so that its commands run in this process."""

    def __init__(self, vm, folder):
        self.vm = vm
        self.folder = folder
        self.variables = {}

    def run(self, script):
        """Run lines; returns what they printed: standard output, then standard error of each command."""
        lines = iter(script.splitlines())
        return "".join(self._line(line, lines) for line in lines)

    def _line(self, line, rest):
        if line.startswith("cat > "):
            name, end = re.fullmatch(r"cat > (\S+) <<(\w+)", line).groups()
            body = []
            while (one := next(rest)) != end:
                body.append(one)
            (self.folder / name).write_text("\n".join(body) + "\n", "utf-8")
            return ""
        if line.startswith("cat "):
            return (self.folder / line.removeprefix("cat ")).read_text("utf-8")
        if line == FIRST_ID:
            self.variables["$ID"] = self.vm("message", "list", "1001", "--json").json[0]["id"]
            return ""
        typed, command = re.fullmatch(r"(?:echo (\d+) \| )?esl-vm (.*)", line).groups()
        words = [self.variables.get(word, word) for word in shlex.split(command)]
        ran = self.vm(*words, typed=f"{typed}\n" if typed else "")
        self.ran.append(words[:2])
        return ran.out + ran.err


@pytest.fixture
def shell(vm, tmp_path, tone, monkeypatch):
    for name, seconds in (("note.wav", 2.0), ("holidays.wav", 3.0), ("sales.wav", 1.0), ("closed.wav", 3.0)):
        tone(seconds, name)
    monkeypatch.chdir(tmp_path)
    shell = Shell(vm, tmp_path)
    shell.ran = []
    return shell


def test_every_command_prints_what_the_page_says(shell):
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    assert len(blocks) > 12
    for script, expected in blocks:
        printed = shell.run(script)
        wanted = re.escape(expected).replace("…", ".*?")
        wanted = re.sub(r"(\\ )+\.\*\?|\.\*\?(\\ )+", ".*?", wanted)
        assert re.fullmatch(wanted, printed, re.DOTALL), f"{script}\nprinted\n{printed}"
    assert len(shell.ran) > 30


def test_the_page_has_every_command_about_mailboxes_lists_and_greetings_that_changes_something():
    page = PAGE.read_text("utf-8")
    for command in (
        *(
            f"mailbox {verb}"
            for verb in ["add", "set", "show", "list", "remove", "pin", "unlock", "copy", "rename", "apply", "export"]
        ),
        *(f"list {verb}" for verb in ["add", "remove", "show", "list"]),
        *(f"greeting {verb}" for verb in ["list", "import", "set-dates", "preview", "remove"]),
        *(f"message {verb}" for verb in ["list", "send", "delete", "restore"]),
        "broadcast",
    ):
        assert f"esl-vm {command} " in page or f"esl-vm {command}\n" in page, command
