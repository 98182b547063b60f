"""Commands run by root before or beside a service that runs as another user."""

import os
import subprocess
import sys

import pytest

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.message import Caller
from esl_vm.ops.ownership import check_owners

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
SERVICE = 54321


@pytest.fixture
def data(tmp_path):
    """The data folder as the package makes it: the service's own."""
    folder = tmp_path / "data"
    folder.mkdir()
    os.chown(folder, SERVICE, SERVICE)
    return folder


def owners(folder):
    return {path.lstat().st_uid for path in [folder, *folder.rglob("*")]}


def test_whatever_a_command_makes_is_the_services(vm, leave, data, tone):
    vm("mailbox", "add", "1001", "--no-pin")
    message = leave("1001", caller=Caller("1002"))
    assert vm("message", "export", "1001", message, data.parent / "out.wav").code == 0
    vm("doctor")
    vm("spool", "list")
    assert len(list(data.rglob("*"))) > 5
    assert owners(data) == {SERVICE}


def test_an_embedded_redis_that_root_started_is_the_services(data):
    command = [sys.executable, "-m", "esl_vm", "--data-dir", data, "mailbox", "add", "1001", "--no-pin"]
    subprocess.run(command, check=True, timeout=100, capture_output=True)
    assert (data / "redis").is_dir()
    assert owners(data) == {SERVICE}


def test_what_lies_elsewhere_is_left_alone(vm, data, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("root's")
    (data / "link").symlink_to(precious)
    os.link(precious / "file", data / "second-name")
    vm("mailbox", "list")
    assert owners(precious) == {0}
    assert (data / "second-name").stat().st_uid == 0


def test_a_file_of_somebody_else_is_told(data):
    settings = load_settings(None, {"data_dir": str(data)})
    assert list(check_owners(settings)) == []
    (data / "cache").mkdir()
    [found] = check_owners(settings)
    assert found.level == "error"
    assert "cache is root's" in found.said
    assert f"sudo -u {SERVICE} esl-vm" in found.remedy
