"""Man pages, completion and the settings file that are handed out say what the command line and the settings are."""

import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.waiting import wait_until

from esl_vm.cli.main import build_parser
from esl_vm.cli.settings_file import load_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("share")
    subprocess.run([sys.executable, ROOT / "packaging/command-docs", folder], check=True)
    return folder


def every_command(parser, words=()):
    yield words, parser
    for name, its in parser.commands.items():
        yield from every_command(its, (*words, name))


def options_of(parser):
    """Those that its help shows."""
    return set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", parser.format_help(), re.MULTILINE))


COMMANDS = dict(every_command(build_parser()))
#: What is typed, and what is offered of it: some of it, and none of it.
TYPED = {
    "esl-vm ": ({"serve", "mailbox", "doctor"}, {"add", "--redis"}),
    "esl-vm mail": ({"mail", "mailbox"}, {"message"}),
    "esl-vm --redis mailbox mailbox ad": ({"add"}, {"apply"}),
    "esl-vm mailbox add 1001 --na": ({"--name"}, {"--config"}),
    "esl-vm message list --folder f": ({"family", "friends"}, {"new", "--folder"}),
    "esl-vm message move x y ": ({"work", "cust5"}, {"trash"}),
    "esl-vm greeting remove 1001 u": ({"unavailable"}, {"busy"}),
    "esl-vm --config /etc/deb": ({"/etc/debian_version"}, {"mailbox"}),
}


def completes(shell, made, line):
    """What a shell offers for a line."""
    words = line.split(" ")
    if shell == "fish":
        run = f"source {made}/fish/vendor_completions.d/esl-vm.fish; complete -C '{line}'"
        return {told.split("\t")[0] for told in told_by("fish", "-c", run)}
    if shell == "zsh":
        run = (
            "_describe() { for one in $offers; print -- ${one%%:*} }; _files() { print -l -- $words[CURRENT]*(N) }; "
            f"compadd() {{ shift; print -l -- $@ }}; words=({' '.join(map(repr, words))}); CURRENT={len(words)}; "
            f"source {made}/zsh/site-functions/_esl-vm"
        )
        return {one for one in told_by("zsh", "-fc", run) if one.startswith(words[-1])}
    run = (
        f"source {made}/bash-completion/completions/esl-vm; COMP_WORDS=({' '.join(map(repr, words))}); "
        f"COMP_CWORD={len(words) - 1}; _esl_vm; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    return set(told_by("bash", "-c", run))


def told_by(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_offers_what_may_come_next(made, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    for line, (some, none) in TYPED.items():
        offered = completes(shell, made, line)
        assert some <= offered, line
        assert not none & offered, line


#: How each shell is begun so that it knows the completion, shows `ready>`, and prints what `esl-vm` is called with.
BEGUN = {
    "bash": (
        """source {made}/bash-completion/completions/esl-vm
        esl-vm() {{ echo "called: $*"; }}
        PS1='rea''dy>'
        """,
        ["bash", "--noprofile", "--rcfile", "{file}", "-i"],
    ),
    "zsh": (
        """fpath=({made}/zsh/site-functions $fpath)
        autoload -Uz compinit && compinit -u -D
        esl-vm() {{ echo "called: $*" }}
        PS1='rea''dy>'
        """,
        ["zsh", "-i"],
    ),
    "fish": (
        """source {made}/fish/vendor_completions.d/esl-vm.fish
        function esl-vm; echo called: $argv; end
        function fish_prompt; echo -n rea'dy>'; end
        """,
        ["fish", "--no-config", "--init-command", "source {file}"],
    ),
}


@pytest.mark.parametrize("shell", BEGUN)
def test_the_tab_key_completes_in_a_shell_on_a_terminal(made, shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    text, words = BEGUN[shell]
    file = tmp_path / ".zshrc"
    file.write_text(text.format(made=made))
    ours, its = pty.openpty()
    begun = subprocess.Popen(
        ["setsid", "--ctty", *(word.format(file=file) for word in words)], stdin=its, stdout=its, stderr=its,
        env={**os.environ, "TERM": "dumb", "HOME": str(tmp_path), "ZDOTDIR": str(tmp_path)},
    )  # fmt: skip
    os.close(its)
    shown = b""
    os.set_blocking(ours, False)

    def shows(what):
        nonlocal shown
        with contextlib.suppress(BlockingIOError):
            shown += os.read(ours, 65536)
        return what in shown

    try:
        wait_until(lambda: shows(b"ready>"), f"{shell} begins")
        os.write(ours, b"esl-vm mailbo\tren\t1001 1002\r")
        wait_until(lambda: shows(b"called: mailbox rename 1001 1002"), f"{shell} completes")
    finally:
        begun.kill()
        begun.wait()
        os.close(ours)


def test_bash_offers_each_command_and_each_option(made):
    for words, parser in COMMANDS.items():
        line = " ".join(("esl-vm", *words))
        assert set(parser.commands) <= completes("bash", made, f"{line} ")
        assert options_of(parser) == completes("bash", made, f"{line} --")


def test_the_page_of_the_command_has_each_command_and_each_option(made):
    page = (made / "man/man1/esl-vm.1").read_text().replace("\\-", "-")
    for words, parser in COMMANDS.items():
        if words and not parser.commands:
            part = page.partition(f'.SS "esl-vm {" ".join(words)}')[2].partition("\n.S")[0]
            assert part, words
            named = set(re.findall(r"\\fB(--[\w-]+)\\fR", part))
            assert named == options_of(parser) - options_of(build_parser()), words


@pytest.mark.parametrize("page", ["man1/esl-vm.1", "man5/esl-vm.toml.5"])
def test_troff_has_nothing_to_say_against_a_page(made, page):
    if shutil.which("groff") is None:
        pytest.skip("no groff here")
    command = ["groff", "-ww", "-man", "-Tutf8", "-Kutf8", "-z", made / "man" / page]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stderr == ""


def test_the_settings_file_sets_nothing_and_shows_every_default(made, tmp_path):
    file, nothing = made / "esl-vm.toml", tmp_path / "nothing.toml"
    nothing.write_text("")
    assert load_settings(file, {}) == load_settings(nothing, {})
    shown = re.sub(r"^#(?! )", "", file.read_text(), flags=re.MULTILINE)
    (tmp_path / "all.toml").write_text(shown)
    assert load_settings(tmp_path / "all.toml", {}) == load_settings(nothing, {})
    page = (made / "man/man5/esl-vm.toml.5").read_text().replace("\\-", "-")
    for section, settings in tomllib.loads(shown).items():
        for name in settings if isinstance(settings, dict) else [section]:
            assert f"\\fB{name}\\fR" in page, name
            assert re.search(rf"^# .+\n#{name} = ", file.read_text(), re.MULTILINE), name
