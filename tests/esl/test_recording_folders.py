"""A folder that FreeSWITCH may enter but not write into is found before anybody is asked to speak."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from esl_peer import UUID

from esl_vm.esl.recording_folders import RecordingFolders


class Answers:
    """A call's FreeSWITCH that can record where `writable` says."""

    def __init__(self, *writable):
        self.writable = writable
        self.asked = []

    def ask(self, lines):
        self.asked += lines
        able = any(f"start {folder}/.probe" in lines[0] for folder in self.writable)
        said = ["+OK Success\n", "+OK Success\n"] if able else ["-ERR Cannot record session!\n"] * 2
        return [SimpleNamespace(data=text) for text in said]


@pytest.fixture
def folders():
    return RecordingFolders()


def test_it_is_tried_until_it_was_seen_to_work(folders, tmp_path):
    broken, mended = Answers("/tmp"), Answers("/tmp", tmp_path)
    assert not folders.try_one(broken, UUID, "core", tmp_path)
    assert not folders.seen("core", tmp_path)

    assert folders.try_one(mended, UUID, "core", tmp_path)
    assert folders.seen("core", tmp_path)
    assert not folders.seen("another core", tmp_path)


def test_a_call_on_which_nothing_can_be_recorded_anywhere_proves_nothing(folders, tmp_path):
    """Its line has no media, or a codec that FreeSWITCH only passes through: what is played says so."""
    assert folders.try_one(Answers(), UUID, "core", tmp_path)


def test_after_a_recording_that_could_not_be_made_it_is_tried_again(folders, tmp_path):
    folders.try_one(Answers(tmp_path), UUID, "core", tmp_path)

    folders.ended("hung up: NORMAL_CLEARING", UUID, "core", tmp_path / "take-1.wav")
    assert folders.seen("core", tmp_path)
    folders.ended("hung up: DESTINATION_OUT_OF_ORDER", UUID, "core", tmp_path / "take-1.wav")
    assert not folders.seen("core", tmp_path)


def test_the_log_says_why_once_a_minute(folders, tmp_path, caplog):
    for _ in range(5):
        folders.try_one(Answers("/tmp"), UUID, "core", tmp_path)
    assert [line for line in caplog.messages if str(tmp_path) in line] == [
        f"FreeSWITCH can't write into {tmp_path}: both users must be in its group. Callers hear an apology"
    ]
