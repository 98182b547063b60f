"""Comedian Mail, key for key: all traces, and each difference in docs/differences.md."""

import re
from pathlib import Path

import pytest
from replay import differences
from replay.report import replay, replay_files, summary
from replay.trace import parse, read

ROOT = Path(__file__).parents[2]
TRACES = sorted((ROOT / "tests/data/traces").glob("*.txt"))


def test_there_are_traces():
    assert len(TRACES) == 344


@pytest.mark.parametrize("part", range(8))
def test_all_traces_agree_or_differ_by_an_entry(part):
    """In parts: workers share them, and a slow machine has its time for each."""
    verdicts = replay_files(TRACES[part::8])
    print(summary(verdicts))
    assert [line for verdict in verdicts for line in verdict.unexplained] == []
    assert sum(1 for verdict in verdicts if not verdict.entries) >= 8


def test_every_entry_that_explains_a_difference_is_described():
    described = set(re.findall(r"^## `([a-z0-9-]+)`", (ROOT / "docs/differences.md").read_text(), re.MULTILINE))
    source = Path(differences.__file__).read_text()
    used = set(re.findall(r'Found\(\s*"([a-z0-9-]+)"', source)) | set(re.findall(r'return "([a-z0-9-]+)" if', source))
    assert used <= described, used - described


def test_a_wrong_prompt_is_noticed(tmp_path):
    text = (ROOT / "tests/data/traces/en-login-97-ok-empty.txt").read_text()
    verdict = replay(parse(text.replace("< vm-opts ", "< vm-advopts ", 1)), tmp_path)
    assert verdict.unexplained


def test_a_message_in_another_folder_is_noticed(tmp_path):
    text = (ROOT / "tests/data/traces/en-listen-only.txt").read_text()
    before, after = text.split("SPOOL AFTER")
    verdict = replay(parse(before + "SPOOL AFTER" + after.replace("Old/", "Work/")), tmp_path)
    assert verdict.unexplained


def test_a_file_that_is_no_trace_is_refused():
    with pytest.raises(ValueError, match="no SCENARIO"):
        parse("hello\n")


def test_a_trace_reads_as_it_was_written():
    trace = read(ROOT / "tests/data/traces/fwd-1.txt")
    assert trace.caller == ("1001", "Alice Martin")
    assert trace.options["maxmsg"] == "100"
    assert [m.caller for m in trace.before.messages] == [("1002", "Bruno Petit")] * 2
    assert trace.timeline[-1].name == "vm-goodbye"
