"""Whose process listens on a port, and which of several is told."""

import os
import socket
import subprocess
import sys

import pytest

from esl_vm.setup.process import fixed_group, groups, holders, is_ours, listeners, top_of


def test_who_listens_on_a_port_is_found():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        [found] = listeners(port)
        assert found.uid == os.geteuid()
        assert os.getpid() in set(holders(found.inode))
    assert listeners(port) == []
    assert set(os.getgroups()) <= groups(os.getpid())


@pytest.fixture
def proc(tmp_path):
    """Processes as /proc shows them: `add(pid, parent, words)`."""

    def add(pid, parent, *words):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} (a name) with ) S {parent} 1 1")
        (folder / "cmdline").write_bytes(b"\0".join(word.encode() for word in words))

    add.folder = tmp_path
    return add


def test_the_supervisor_is_told_not_its_workers(proc):
    for pid, parent in ((10, 1), (11, 10), (12, 10)):
        proc(pid, parent, "/opt/esl-vm/bin/python", "/opt/esl-vm/bin/esl-vm", "serve")
    assert top_of([12, 10, 11], proc.folder) == 10
    assert top_of([11, 12], proc.folder) is None
    assert top_of([], proc.folder) is None


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (("python3", "-m", "esl_vm", "--config", "x", "serve"), True),
        (("/usr/bin/esl-vm", "serve"), True),
        (("/usr/bin/esl-vm", "doctor"), False),
        (("nginx", "serve"), False),
    ],
)
def test_only_the_service_is_told(proc, words, ours):
    proc(10, 1, *words)
    assert is_ours(10, proc.folder) is ours
    assert is_ours(11, proc.folder) is False


def test_a_freeswitch_that_is_started_with_a_group_has_no_other(proc):
    proc(10, 1, "/usr/bin/freeswitch", "-u", "freeswitch", "-g", "freeswitch", "-ncwait")
    proc(11, 1, "/usr/bin/freeswitch", "-u", "freeswitch")
    for pid in (10, 11):
        (proc.folder / str(pid) / "status").write_text("Uid:\t1 1 1 1\nGid:\t7\t8\t7\t7\nGroups:\t9\n")
    assert (fixed_group(10, proc.folder), fixed_group(11, proc.folder)) == (8, None)


def test_a_process_that_is_no_service_is_not_ours():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert is_ours(other.pid) is False
