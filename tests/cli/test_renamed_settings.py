"""A setting that was renamed is read by its former name for one version, with a warning; the file says both."""

import dataclasses
import logging

import pytest

from esl_vm.cli.config import file_lines
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.errors import SettingsError
from esl_vm.model.settings import RENAMED, Settings


@pytest.fixture(autouse=True)
def renamed(monkeypatch):
    monkeypatch.setitem(RENAMED, "service.address", "service.listen")
    monkeypatch.setitem(RENAMED, "records.directory", "spool.folder")


def written(folder, text):
    (folder / "esl-vm.toml").write_text(text)
    return folder / "esl-vm.toml"


def test_a_former_name_is_read_and_the_present_one_said(tmp_path, caplog):
    file = written(tmp_path, 'service.address = "127.0.0.1:9000"\nservice.node = "a"\n')
    with caplog.at_level(logging.WARNING):
        settings = load_settings(file, {})
    assert (settings.service.listen, settings.service.node) == ("127.0.0.1:9000", "a")
    assert "service.address is called service.listen now" in caplog.text


def test_a_present_name_needs_no_word(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert (
            load_settings(written(tmp_path, 'service.listen = "127.0.0.1:9000"'), {}).service.listen == "127.0.0.1:9000"
        )
    assert caplog.text == ""


def test_a_setting_may_have_moved_to_another_section(tmp_path):
    """And a path by its former name is one from the file's folder, too."""
    settings = load_settings(written(tmp_path, '[spool]\n[records]\ndirectory = "here"\n'), {})
    assert settings.spool.folder == str(tmp_path / "here")


def test_both_names_at_once_are_refused(tmp_path):
    file = written(tmp_path, 'service.address = "127.0.0.1:1"\nservice.listen = "127.0.0.1:2"\n')
    with pytest.raises(SettingsError) as refused:
        load_settings(file, {})
    assert refused.value.problems == [
        "service.address: is called service.listen now, which is given too: remove service.address"
    ]


def test_the_settings_file_says_the_former_name():
    lines = list(file_lines(dataclasses.asdict(Settings()), {}))
    [at] = [number for number, line in enumerate(lines) if line.startswith("listen = ") and "8084" in line]
    assert lines[at - 1].endswith("; formerly service.address]")
