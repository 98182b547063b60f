"""What `make docs-check` reads from the pages; it follows them on hosts of their own, which takes minutes."""

from docs_check import pages
from docs_check.__main__ import ADMINISTRATION, README, SECURITY, in_section


def test_commands_are_read_from_the_pages_as_they_stand():
    [block, *_] = in_section(SECURITY, "Back up")
    assert block.commands[0] == "esl-vm backup backup/voicemail"
    assert "systemctl enable --now esl-vm" in [
        line for one in in_section(ADMINISTRATION, "3. Start") for line in one.commands
    ]
    assert "esl-vm doctor" in pages.indented(README, "With a FreeSWITCH")


def test_a_block_knows_the_section_it_stands_in():
    assert {block.section for block in pages.blocks(ADMINISTRATION)} >= {
        "With Sentinel",
        "With Cluster",
        "Another password",
    }
