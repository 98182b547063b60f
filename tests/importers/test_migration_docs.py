"""What docs/migration-*.md tells to type is typed; what it lists is complete."""

import csv
import json
import re
import shlex
from pathlib import Path

import pytest
from import_rig import DATA, wav_bytes

from esl_vm.cli.main import main
from esl_vm.importers.plan import Kind
from esl_vm.store.embedded import Embedded

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = ["asterisk", "mod-voicemail", "fusionpbx"]


def commands(page):
    """The lines `$ esl-vm …` of a page's console blocks."""
    text = (DOCS / f"migration-{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [found[1] for block in blocks for line in block.splitlines() if (found := re.match(r" *\$ (.*)", line))]


def a_copy_of_the_old_system(page, folder):
    """What the page's `sh` lines copy: the test trees under the names the page uses."""
    links = {
        "asterisk": {"etc": "asterisk/etc", "voicemail": "asterisk/spool/voicemail"},
        "mod-voicemail": {
            "db": "mod-voicemail",
            "storage": "mod-voicemail/storage",
            "directory": "mod-voicemail/directory",
        },
        "fusionpbx": {"fusionpbx.sql": "fusionpbx/fusionpbx.sql", "storage": "fusionpbx/storage"},
    }
    old = folder / "old"
    old.mkdir()
    for name, target in links[page].items():
        (old / name).symlink_to(DATA / target)
    if page == "asterisk":
        with (old / "voicemessages.csv").open("w", newline="") as opened:
            table = csv.writer(opened)
            table.writerow(
                ["dir", "msgnum", "callerid", "origtime", "recording", "flag", "mailboxuser", "mailboxcontext"]
            )
            place = "/var/spool/asterisk/voicemail/default/1007/INBOX"
            table.writerow([place, "0", '"Bob" <514>', "1795217407", "\\x" + wav_bytes().hex(), "", "1007", "default"])


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_the_page_does_what_it_says(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ESL_VM_CONFIG", raising=False)
    a_copy_of_the_old_system(page, tmp_path)
    lines = commands(page)
    assert len(lines) >= 6
    said = []
    # the commands join a server that runs: starting one for each of them takes as long as they do
    with Embedded(tmp_path / "rehearsal"):
        for line in lines:
            program, *arguments = shlex.split(line)
            assert program == "esl-vm"
            code = main(arguments)
            printed = capsys.readouterr()
            # 1: came, with the items that the tree is known to have
            assert code == (1 if " import " in line else 0), (line, printed)
            said.append((line, printed.out))
    dry, real, again, boxes, show = (text for _line, text in said[:5])
    assert "would be imported" in dry
    assert dry.splitlines()[1:] == real.splitlines()[1:]
    assert json.loads(again)["messages"]["imported"] == 0
    assert "Marie Lebrun" in boxes
    assert "Marie Lebrun" in show


@pytest.mark.parametrize("page", PAGES)
def test_other_commands_named_in_the_text_exist(page, capsys):
    text = (DOCS / f"migration-{page}.md").read_text(encoding="utf-8")
    named = {" ".join(words) for words in re.findall(r"`esl-vm (?:--data-dir \S+ )?([a-z]+)(?: ([a-z-]+))?", text)}
    for words in named:
        with pytest.raises(SystemExit) as left:
            main([*words.split(), "--help"])
        assert left.value.code == 0, words
        capsys.readouterr()


def test_every_kind_of_item_is_explained():
    text = (DOCS / "migration-report.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)) == sorted(Kind)
