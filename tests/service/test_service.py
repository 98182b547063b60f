"""The service, started for real: what an administrator does to it, and what callers notice."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from support.served import children_of, command_of
from support.sounds import write_wav
from support.waiting import wait_until


def started(program, folder, *words, settings=""):
    """`esl-vm serve` with a Redis of its own in that folder, ready; `.address` is where calls go."""
    file = folder / "esl-vm.toml"
    file.write_text(settings)
    options = ["--config", file, "--data-dir", folder / "data"]
    running = program("-m", "esl_vm", *options, "serve", "--listen", "127.0.0.1:0", *words)
    running.address = running.says(r"takes calls on (127\.0\.0\.1:\d+)")[1]
    running.folder = folder
    return running


@pytest.fixture
def service(program, tmp_path):
    """Start a service of this test's own."""
    return partial(started, program, tmp_path)


@pytest.fixture(scope="module")
def any_service(shared_program, tmp_path_factory):
    """A service with the demo mailboxes, for tests that leave it as it is."""
    return started(shared_program, tmp_path_factory.mktemp("service"), "--demo")


def run_on(folder, *words):
    """Run another command on a service's data folder; returns what it printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "esl_vm", "--data-dir", folder / "data", *words],
        capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture
def run(tmp_path):
    """Run another command on this test's data folder."""
    return partial(run_on, tmp_path)


@pytest.fixture
def phone(program):
    """Ring the service; the call goes on until it ends or is told to hang up."""

    def ring(service, number, *words):
        return program("-m", "esl_vm", "phone", number, "--service", service.address, *words)

    return ring


@pytest.fixture
def talk(phone, tmp_path):
    """Somebody who leaves a message for 1001 and talks for a minute; returned when the recording runs."""
    voice = write_wav(tmp_path / "voice.wav", 60)

    def begin(service, spool):
        caller = phone(service, "1001", "--from", "1002", "--keys", "# 1", "--voice", voice)
        wait_until(lambda: any(take.stat().st_size > 16000 for take in spool.glob("takes/*.wav")), what="a recording")
        return caller

    return begin


def workers_of(running):
    """Processes that it forked: their command is its own."""
    own = command_of(running.process.pid)
    return [pid for pid in children_of(running.process.pid) if command_of(pid) == own]


def refused(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=100).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it came while the listener was being closed; the next one is refused
        pass
    return False


def test_a_message_left_on_the_terminal_phone_is_kept_when_the_service_stops(service, phone, run):
    running = service("--demo")
    caller = phone(running, "1001", "--from", "1002", "--keys", "# # 1")
    caller.says("recorded")
    assert caller.ends() == 0, caller.output
    assert "SUCCESS" in caller.output
    [message] = json.loads(run("message", "list", "1001@default", "--json"))
    assert message["caller_number"] == "1002"
    assert message["duration_ms"] > 1000
    running.signal(signal.SIGTERM)
    assert running.ends() == 0
    # It is still there when the service is not, and when it is back.
    assert [m["id"] for m in json.loads(run("message", "list", "1001", "--json"))] == [message["id"]]


def test_the_phone_brings_a_service_of_its_own_on_the_same_mailboxes(run, program, tmp_path):
    run("mailbox", "add", "1001", "--name", "Alice Martin")
    caller = program(
        "-m", "esl_vm", "--data-dir", tmp_path / "data", "phone", "*97", "--from", "1001", "--keys", "1234# #"
    )  # fmt: skip
    assert caller.ends() == 0, caller.output
    assert "SUCCESS" in caller.output


def test_the_phone_rings_the_service_that_runs_on_its_folder_which_shows_the_call(program, any_service):
    data = any_service.folder / "data"
    caller = program("-m", "esl_vm", "--data-dir", data, "phone", "1002", "--from", "1003", "--keys", "# # 1")
    assert caller.ends() == 0, caller.output
    assert f"calls 1002 at {any_service.address}" in caller.output
    any_service.says("call .* leave from 1003 to 1002: begins")
    any_service.says("call .* leave from 1003 to 1002: .* SUCCESS, completed")


def test_what_it_says_to_try_is_rung_at_itself_wherever_it_is_typed(any_service):
    tried = re.search(r"^  (.*) phone '\*97' --from 1001 ", any_service.output, re.MULTILINE)[1]
    assert f"--config {any_service.folder}/esl-vm.toml --data-dir {any_service.folder}/data" in tried


def test_demo_mailboxes_are_made_only_where_there_are_none(service, run):
    run("mailbox", "add", "2000", "--name", "Somebody")
    running = service("--demo")
    assert [box["mailbox"] for box in json.loads(run("mailbox", "list", "--json"))] == ["2000@default"]
    running.signal(signal.SIGTERM)
    assert running.ends() == 0


def test_its_own_redis_can_be_looked_into_and_ends_with_it(service, run, tmp_path):
    import redis

    running = service("--demo")
    path = re.search(r"redis-cli -s (\S+)", running.output)[1] if "redis-cli" in running.output else None
    path = path or running.says(r"redis-cli -s (\S+)")[1]
    with redis.Redis(unix_socket_path=path) as client:
        assert client.config_get("appendonly")["appendonly"] == "yes"
        assert client.hget("vm:meta", "partitions") == b"16"
    running.signal(signal.SIGTERM)
    assert running.ends() == 0
    with pytest.raises(redis.ConnectionError):
        redis.Redis(unix_socket_path=path).ping()


def test_a_stop_takes_no_new_calls_and_lets_the_running_one_finish(service, talk, run, tmp_path):
    running = service("--demo", "--workers", "2")
    caller = talk(running, tmp_path / "data/spool")
    running.signal(signal.SIGTERM)
    running.says("stopping")
    wait_until(lambda: refused(running.address), what="new calls to be refused")
    assert caller.process.poll() is None
    assert running.process.poll() is None
    caller.signal(signal.SIGINT)  # hangs up
    assert caller.ends() == 0, caller.output
    assert running.ends() == 0
    assert len(json.loads(run("message", "list", "1001", "--json"))) == 1


def test_a_second_stop_waits_for_no_call_and_what_was_recorded_is_kept(service, talk, run, tmp_path):
    running = service("--demo")
    talk(running, tmp_path / "data/spool")
    running.signal(signal.SIGINT)
    running.says("stopping")
    running.signal(signal.SIGINT)
    assert running.ends() == 0
    assert len(json.loads(run("spool", "list", "--json"))) == 1


def test_a_worker_that_is_killed_is_replaced_and_the_next_call_is_taken(any_service, phone):
    running = any_service
    before = workers_of(running)
    os.kill(min(before), signal.SIGKILL)
    running.says("died: signal SIGKILL")
    wait_until(lambda: len(workers_of(running)) == len(before), what="the worker to be replaced")
    caller = phone(running, "*97", "--keys", "1234# #")
    assert caller.ends() == 0, caller.output


def test_everything_ends_when_the_supervisor_is_killed(service):
    running = service()
    workers = workers_of(running)
    running.signal(signal.SIGKILL)
    running.ends()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), what="the workers to end")
    assert refused(running.address)


def test_a_reload_takes_up_new_settings_without_losing_the_running_call(service, phone, talk, run, tmp_path):
    running = service("--demo", settings='[speech]\nlanguage = "fr"\n')
    first = phone(running, "*98", "--keys", "")
    first.says("(?i)boîte vocale")
    held = talk(running, tmp_path / "data/spool")
    (tmp_path / "esl-vm.toml").write_text('[speech]\nlanguage = "en"\n')
    running.signal(signal.SIGHUP)
    running.says("reloading")
    running.says(r"background process \(\d+\) stopped")
    second = phone(running, "*98", "--keys", "")
    second.says("(?i)mailbox")
    assert held.process.poll() is None
    held.signal(signal.SIGINT)
    assert held.ends() == 0, held.output
    wait_until(lambda: json.loads(run("message", "list", "1001", "--json")), what="the message that was held")


def test_a_reload_of_wrong_settings_is_told_and_changes_nothing(any_service):
    running = any_service
    (running.folder / "esl-vm.toml").write_text("[service]\nworkers = 0\n")
    running.signal(signal.SIGHUP)
    running.says("not reloaded: service.workers: is a number from 1 to 256")
    (running.folder / "esl-vm.toml").write_text("[redis]\nport = 6399\n")
    running.signal(signal.SIGHUP)
    running.says("not reloaded: redis: a change of it needs a restart")
    assert not refused(running.address)


def test_a_port_that_is_taken_is_one_sentence(program, any_service, tmp_path):
    second = program("-m", "esl_vm", "--data-dir", tmp_path, "serve", "--listen", any_service.address)
    assert second.ends() == 1
    assert f"can't listen on {any_service.address}: Address already in use; is another" in second.output
    assert "--listen HOST:PORT chooses another" in second.output
    assert "Traceback" not in second.output


def test_a_second_one_on_the_same_folder_is_told_that_the_first_one_runs(program, any_service):
    data = any_service.folder / "data"
    second = program("-m", "esl_vm", "--data-dir", data, "serve", "--listen", any_service.address)
    assert second.ends() == 1
    assert f"a service runs on {data} already, and takes calls on {any_service.address}" in second.output


def test_settings_that_redis_contradicts_stop_the_start(program, tmp_path, run):
    run("mailbox", "add", "1001")
    file = tmp_path / "esl-vm.toml"
    file.write_text("[redis]\npartitions = 8\n")
    words = ["--config", file, "--data-dir", tmp_path / "data", "serve", "--listen", "127.0.0.1:0"]
    running = program("-m", "esl_vm", *words)
    assert running.ends() == 2
    assert "was begun with 16 partitions, the settings say 8" in running.output
    assert "Traceback" not in running.output


def test_without_redis_it_starts_and_says_so(program, tmp_path):
    running = program(
        "-m", "esl_vm", "--data-dir", tmp_path, "--redis", "redis://127.0.0.1:1", "serve", "--listen", "127.0.0.1:0"
    )  # fmt: skip
    running.says("started without Redis")
    running.says("takes calls on")


def test_a_peer_that_is_no_freeswitch_harms_nobody(any_service, phone):
    running = any_service
    host, port = running.address.rsplit(":", 1)
    for rubbish in (b"", b"GET / HTTP/1.0\r\n\r\n", b"\n\n\n\n", b"Content-Length: 99999999999\n\n", os.urandom(4096)):
        with socket.create_connection((host, int(port)), timeout=100) as peer:
            assert peer.recv(100).startswith(b"connect\n\n")
            peer.sendall(rubbish)
    caller = phone(running, "*97", "--keys", "1234# #")
    assert caller.ends() == 0, caller.output
    assert "Traceback" not in running.output


def test_systemd_hands_over_the_socket_and_is_told(program, tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(100)
        os.set_inheritable(listener.fileno(), True)
        starter = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid()); "
            "os.execv(sys.executable, [sys.executable, '-m', 'esl_vm', *sys.argv[2:]])"
        )
        running = program(
            "-c", starter, listener.fileno(), "--data-dir", tmp_path / "data", "serve",
            environment={"NOTIFY_SOCKET": str(tmp_path / "notify"), "LISTEN_FDS": "1"},
            pass_fds=[listener.fileno()],
        )  # fmt: skip
        host, port = listener.getsockname()
        running.says(f"takes calls on {host}:{port}")
        told = {manager.recv(4096).decode(), manager.recv(4096).decode()}
        assert told == {"READY=1", f"STATUS=takes calls on {host}:{port}"}


def test_an_embedded_redis_that_was_killed_with_its_keeper_is_started_again(service, phone, run):
    running = service("--demo")
    [keeper] = [pid for pid in children_of(running.process.pid) if b"embedded_keeper" in command_of(pid)]
    os.kill(keeper, signal.SIGKILL)
    running.says("the embedded Redis was killed; it is started again")
    caller = phone(running, "1001", "--from", "1002", "--keys", "# # 1")
    caller.says("recorded")
    assert caller.ends() == 0, caller.output
    assert "SUCCESS" in caller.output
