"""The supervisor keeps its processes running, replaces them at a reload, and stops them in order."""

import os
import signal
import socket
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("supervised_program.py")


@pytest.fixture
def supervised(program, tmp_path):
    def start(roles="worker1 worker2 background", **environment):
        (tmp_path / "roles").write_text(roles)
        return program(PROGRAM, tmp_path, environment=environment)

    return start


def pids_up(running, names):
    """The processes by name, once all of them said they are up."""
    pids = {}
    while set(pids) < set(names):
        found = running.says(r"^up (\S+) (\d+)")
        pids[found[1]] = int(found[2])
    return pids


def test_ready_is_told_once_every_process_is(supervised):
    running = supervised()
    pids_up(running, ["worker1", "worker2", "background"])
    running.says("^ready$")


def test_a_process_that_dies_is_started_again(supervised):
    running = supervised("worker1 background")
    pids = pids_up(running, ["worker1", "background"])
    running.says("^ready$")
    os.kill(pids["worker1"], signal.SIGKILL)
    running.says(r"worker1 \(\d+\) died: signal SIGKILL")
    again = int(running.says(r"^up worker1 (\d+)")[1])
    assert again != pids["worker1"]


def test_a_stop_lets_those_that_serve_calls_go_first(supervised):
    running = supervised("worker1 worker2 background")
    port = int(running.says(r"^port (\d+)")[1])
    running.says("^ready$")
    running.signal(signal.SIGTERM)
    assert running.ends() == 0
    downs = [line.split()[1] for line in running.output.splitlines() if line.startswith("down")]
    assert sorted(downs[:2]) == ["worker1", "worker2"]
    assert downs[2:] == ["background"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=100)


def test_a_stop_closes_the_door_before_the_last_call_ends(supervised, tmp_path):
    (tmp_path / "stubborn").touch()  # calls that go on
    running = supervised("worker1")
    port = int(running.says(r"^port (\d+)")[1])
    running.says("^ready$")
    running.signal(signal.SIGTERM)
    running.says("^draining worker1")
    # The worker still holds its copy of the listener until it closes it, which is its own first act (see the service's
    # tests); here the supervisor's copy is what is looked at.
    assert not any(f":{port:04X} " in line for line in _listening_of(running.process.pid))
    running.signal(signal.SIGTERM)
    running.signal(signal.SIGTERM)
    assert running.ends() == 0


def _listening_of(pid):
    inodes = {
        os.readlink(f"/proc/{pid}/fd/{fd}").strip("socket:[]")
        for fd in os.listdir(f"/proc/{pid}/fd")
        if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
    }
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    return [line for line in lines if line.split()[9] in inodes]


def test_calls_that_never_end_are_cut_when_their_time_is_over(supervised, tmp_path):
    (tmp_path / "stubborn").touch()
    running = supervised("worker1", DRAIN_S="0.1", LAST_STOP_S="0.1")
    running.says("^ready$")
    running.signal(signal.SIGTERM)
    assert running.ends() == 0


def test_a_reload_starts_new_processes_before_the_old_ones_stop(supervised, tmp_path):
    running = supervised("worker1")
    old = pids_up(running, ["worker1"])
    running.says("^ready$")
    (tmp_path / "roles").write_text("worker1 worker2")
    running.signal(signal.SIGHUP)
    new = pids_up(running, ["worker1", "worker2"])
    running.says(rf"^down worker1 {old['worker1']}$")
    assert old["worker1"] not in new.values()
    running.signal(signal.SIGTERM)
    assert running.ends() == 0


def test_a_reload_with_settings_that_are_wrong_changes_nothing(supervised, tmp_path):
    running = supervised("worker1")
    running.says("^ready$")
    (tmp_path / "refused").touch()
    running.signal(signal.SIGHUP)
    running.says("not reloaded: service.workers: wrong")
    (tmp_path / "refused").unlink()
    running.signal(signal.SIGHUP)
    running.says("^down worker1")


def test_a_reload_whose_processes_cannot_start_leaves_the_old_ones_serving(supervised, tmp_path):
    running = supervised("worker1")
    old = pids_up(running, ["worker1"])
    running.says("^ready$")
    (tmp_path / "broken").write_text("Redis has 64 partitions, not 16")
    running.signal(signal.SIGHUP)
    running.says("can't start: Redis has 64 partitions")
    running.says("the former processes go on")
    os.kill(old["worker1"], 0)
    (tmp_path / "broken").unlink()
    os.kill(old["worker1"], signal.SIGKILL)
    assert pids_up(running, ["worker1"])


def test_settings_that_cannot_work_stop_everything_at_the_start(supervised, tmp_path):
    (tmp_path / "broken").write_text("Redis has 64 partitions, not 16")
    running = supervised("worker1 background")
    running.says(r"(worker1|background) can't start: Redis has 64 partitions, not 16")
    assert running.ends() == 2


def test_processes_end_when_their_supervisor_is_killed(supervised):
    running = supervised("worker1 background")
    running.says("^ready$")
    running.signal(signal.SIGKILL)
    ended = {running.says(r"^orphaned (\S+)")[1], running.says(r"^orphaned (\S+)")[1]}
    assert ended == {"worker1", "background"}


def test_a_process_that_hangs_is_replaced(supervised):
    running = supervised("worker1", HANG_S="0.5")  # the test's processes give no sign of life
    pids_up(running, ["worker1"])
    running.says("gave no sign of life")
    running.says("died: signal SIGKILL")
    running.says("^up worker1")


def test_the_service_manager_is_told(supervised, tmp_path):
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(100)
        running = supervised("worker1", NOTIFY_SOCKET=str(address), WATCHDOG_USEC="300000")

        def told(what):
            while True:
                said = manager.recv(4096).decode()
                if said.startswith(what):
                    return said

        assert told("READY=1")
        assert told("WATCHDOG=1")
        assert told("WATCHDOG=1")
        running.signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in told("RELOADING=1")
        assert told("READY=1")
        running.signal(signal.SIGTERM)
        assert told("STOPPING=1")
