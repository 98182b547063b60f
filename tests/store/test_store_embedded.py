"""A redis-server of one's own under the data folder: shared, kept running, stopped with its last user."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import redis
from store_case import ALICE, Case, message
from support.ports import free_port
from support.redis_servers import (
    NoRedisError,
    old_servers,
    redis_executable,
    redis_server,
    redis_version,
)
from support.small_disk import loop_disk
from support.waiting import wait_until

from esl_vm.model.errors import SettingsError, StoreDownError
from esl_vm.model.mailbox import Folder
from esl_vm.store import embedded
from esl_vm.store.embedded import Embedded
from esl_vm.store.embedded_server import Server, find_server

#: The servers of other ages that there are here: the system's, and the oldest supported.
REDISES = old_servers()

USER = """
import sys
from pathlib import Path
from esl_vm.store.embedded import Embedded
with Embedded(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def there_is_a_redis():
    try:
        redis_executable()
    except NoRedisError as missing:
        pytest.skip(str(missing))


def keeper_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])


def reads(case):
    with contextlib.suppress(StoreDownError):
        return case.lie(Folder.NEW)
    return None


def client_of(server: Embedded) -> redis.Redis:
    return redis.Redis(unix_socket_path=server.url.removeprefix("unix:"))


def server_pid(server: Embedded) -> int:
    with client_of(server) as client:
        return int(client.info("server")["process_id"])


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")


@contextlib.contextmanager
def another_process(folder: Path):
    """Another command that uses the same data folder until it is told to end."""
    command = [sys.executable, "-c", USER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.url = process.stdout.readline().strip()
        yield process
        if process.poll() is None:
            process.communicate("\n")


def test_it_runs_while_used_and_its_data_stay(tmp_path):
    with Embedded(tmp_path) as server:
        pid = server_pid(server)
        case = Case(server.url).with_mailbox()
        case.leave("m1")
        with client_of(server) as plain:
            assert plain.config_get("appendfsync") == {"appendfsync": "always"}
            assert plain.config_get("port") == {"port": "0"}
        case.store.close()
    assert gone(pid)
    with Embedded(tmp_path) as server:
        case = Case(server.url)
        assert case.lie(Folder.NEW) == ["m1"]
        case.store.close()


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG SET dir /tmp", "DEBUG SLEEP 0", "MODULE LIST", "ACL SETUSER x on nopass ~* +@all", "SHUTDOWN NOSAVE",
        "REPLICAOF 127.0.0.1 1", "MIGRATE 127.0.0.1 1 k 0 10",
    ],
)  # fmt: skip
def test_commands_that_could_load_code_or_hand_the_data_on_are_refused(tmp_path, command):
    with (
        Embedded(tmp_path) as server,
        client_of(server) as client,
        pytest.raises(redis.exceptions.ResponseError),
    ):
        client.execute_command(*command.split())


def test_nobody_else_on_the_host_can_reach_it(tmp_path):
    with Embedded(tmp_path) as server:
        folder = Path(server.url.removeprefix("unix:")).parent
        assert folder.stat().st_mode & 0o777 == 0o700
        listening = Path(f"/proc/{server_pid(server)}/net/tcp").read_text()
        inodes = {os.readlink(fd) for fd in Path(f"/proc/{server_pid(server)}/fd").iterdir() if fd.is_symlink()}
        assert not [row for row in listening.splitlines()[1:] if f"socket:[{row.split()[9]}]" in inodes]


def test_a_second_command_joins_and_the_last_one_stops_it(tmp_path):
    with Embedded(tmp_path) as first:
        pid = server_pid(first)
        with another_process(tmp_path) as other:
            assert other.url == first.url
        assert server_pid(first) == pid
        with another_process(tmp_path) as other:
            first.close()
            assert not gone(pid)
            with redis.Redis(unix_socket_path=other.url.removeprefix("unix:")) as client:
                assert client.ping()
        wait_until(lambda: gone(pid), what="the server stopping")


def test_many_at_once_share_one(tmp_path):
    urls, pids = [], set()
    together, leave = threading.Barrier(6), threading.Barrier(6)

    def use():
        together.wait()
        with Embedded(tmp_path) as server:
            urls.append(server.url)
            pids.add(server_pid(server))
            leave.wait(100)

    users = [threading.Thread(target=use) for _ in range(6)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert len(urls) == 6
    assert len(set(urls)) == len(pids) == 1


def test_a_killed_user_leaves_nothing_running(tmp_path):
    with another_process(tmp_path) as other:
        with redis.Redis(unix_socket_path=other.url.removeprefix("unix:")) as client:
            pid = int(client.info("server")["process_id"])
        other.kill()
        other.wait()
    wait_until(lambda: gone(pid), what="the server stopping")
    with Embedded(tmp_path) as server:
        assert Case(server.url).mailboxes.open(ALICE) is None


def test_a_killed_server_is_started_again_with_what_it_said_it_kept(tmp_path):
    with Embedded(tmp_path) as server:
        case = Case(server.url).with_mailbox()
        case.mailboxes.deliver(ALICE, message("m1"))
        pid = server_pid(server)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: reads(case) == ["m1"], what="the server being back")
        assert server_pid(server) != pid
        case.store.close()


def test_a_killed_keeper_takes_the_server_along_and_the_next_user_starts_it_again(tmp_path):
    with Embedded(tmp_path) as server:
        pid = server_pid(server)
        os.kill(keeper_of(pid), signal.SIGKILL)
        wait_until(lambda: gone(pid), what="the server stopping")
        with Embedded(tmp_path) as another:
            assert server_pid(another) != pid


def test_who_runs_long_starts_it_again_after_its_keeper_was_killed(tmp_path):
    with Embedded(tmp_path) as server:
        case = Case(server.url)
        case.with_mailbox()
        case.leave("m1")
        assert not server.revive(), "nothing is wrong"
        pid = server_pid(server)
        os.kill(keeper_of(pid), signal.SIGKILL)
        wait_until(server.revive, what="the server being started again")
        assert not server.revive(), "once is enough"
        wait_until(lambda: reads(case) == ["m1"], what="the server being back")
        assert server_pid(server) != pid
        case.store.close()
        last = server_pid(server)
    assert gone(last)


def test_a_disk_that_became_read_only_raises_what_its_user_expects_until_it_is_mended(tmp_path):
    with loop_disk(tmp_path / "data" / "redis", megabytes=24) as disk:
        disk.folder.chmod(0o700)
        with Embedded(tmp_path / "data") as server:
            pid = server_pid(server)
            disk.spoil("read-only")
            os.kill(keeper_of(pid), signal.SIGKILL)
            wait_until(lambda: gone(pid), "the server's end")
            with pytest.raises(StoreDownError, match="Read-only file system"):
                wait_until(server.revive, "it is tried")
        with Embedded(tmp_path / "data", must_answer=False) as server:  # calls are taken meanwhile
            assert "Read-only file system" in server.trouble
        disk.mend("read-only")
        with Embedded(tmp_path / "data") as server:
            assert Case(server.url).with_mailbox()


@pytest.mark.parametrize(("trouble", "said"), [("full", "is full"), ("no inodes", "has no inodes left")])
def test_what_its_disk_lacks_is_said(tmp_path, trouble, said):
    with (
        loop_disk(tmp_path / "data" / "redis", megabytes=24, inodes=100) as disk,
        Embedded(tmp_path / "data") as server,
    ):
        disk.spoil(trouble)
        assert server.disk == said
        disk.mend(trouble)
        assert server.disk == ""


def test_a_signal_to_the_whole_session_does_not_stop_it_under_its_users(tmp_path):
    with Embedded(tmp_path) as server:
        pid = server_pid(server)
        keeper = keeper_of(pid)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(keeper, number)
        assert server_pid(server) == pid
    assert gone(pid)


def test_forked_workers_keep_it_when_their_parent_is_gone(tmp_path):
    body = USER.replace("    print", "    import os\n    if os.fork(): os._exit(0)\n    print")
    command = [sys.executable, "-c", body, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        url = parent.stdout.readline().strip()
        parent.wait()
        with redis.Redis(unix_socket_path=url.removeprefix("unix:")) as client:
            assert client.ping()
            pid = int(client.info("server")["process_id"])
        parent.stdin.write("\n")
        parent.stdin.flush()
        wait_until(lambda: gone(pid), what="the server stopping")


def test_a_data_folder_with_a_path_too_long_for_a_socket(tmp_path):
    folder = tmp_path / ("x" * 120)
    with Embedded(folder) as server:
        assert server.url.startswith("unix:/tmp/esl-vm-")
        path = Path(server.url.removeprefix("unix:"))
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert Case(server.url).mailboxes.open(ALICE) is None
    path.parent.rmdir()


def test_somebody_elses_folder_in_tmp_is_not_used(tmp_path, monkeypatch):
    folder = tmp_path / ("x" * 120)
    monkeypatch.setattr(embedded.os, "getuid", lambda: 54321)
    with pytest.raises(SettingsError, match="is not ours"):
        Embedded(folder)
    mark = hashlib.sha256(os.fsencode(folder.resolve() / "redis")).hexdigest()[:12]
    (Path("/tmp") / f"esl-vm-54321-{mark}").rmdir()  # which was made, and left alone


def test_a_server_that_can_not_start_says_why(tmp_path):
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonly.aof").write_text("this is no append-only file\n")
    with pytest.raises(StoreDownError, match=r"does not start.*(Bad file format|append only file)"):
        Embedded(tmp_path, wait_s=20)


@pytest.mark.parametrize(
    ("reader", "writer", "reads"),
    [
        ("Valkey 9.1.2", "Redis 6.2.7", True),
        ("Valkey 9.1.2", "Redis 7.2.4", True),
        ("Valkey 9.1.2", "Redis 7.4.0", False),
        ("Valkey 9.1.2", "Redis 8.2.1", False),
        ("Valkey 9.1.2", "Valkey 8.1.0", True),
        ("Valkey 8.1.0", "Valkey 9.0.0", False),
        ("Redis 8.2.1", "Valkey 8.1.0", True),
        ("Redis 7.0.15", "Valkey 8.0.0", False),
        ("Redis 8.2.1", "Valkey 9.0.0", False),
        ("Redis 8.2.1", "Redis 7.4.0", True),
        ("Redis 7.0.15", "Redis 7.2.0", False),
        ("Redis 6.0.16", None, False),
    ],
)
def test_data_go_only_to_a_server_that_can_read_them(reader, writer, reads):
    def server(text):
        vendor, version = text.split()
        return Server("", vendor, tuple(map(int, version.split("."))))

    assert server(reader).reads(server(writer) if writer else None) is reads


@pytest.mark.parametrize("recorded", ["99.1.0", "Redis 99.1.0", "Valkey 99.1.0"])
def test_data_that_no_server_here_can_read_are_left_alone_and_their_writer_is_named(tmp_path, recorded):
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "redis.version").write_text(f"{recorded}\n")
    with pytest.raises(SettingsError, match=r"written by (Redis|Valkey) 99\.1\.0; .* is needed: .*-server is \w+ \d"):
        Embedded(tmp_path)
    assert (tmp_path / "redis" / "redis.version").read_text() == f"{recorded}\n"


def test_the_packaged_valkey_comes_first_then_what_is_on_the_path(tmp_path, monkeypatch):
    fake = tmp_path / "redis-server"
    fake.write_text("#!/bin/sh\necho 'Redis server v=7.4.9 sha=0'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    assert find_server(None).vendor == "Valkey"
    assert find_server(Server("", "Redis", (7, 4, 0))) == Server(str(fake), "Redis", (7, 4, 9))
    fake.write_text("garbage")
    with pytest.raises(SettingsError, match=r"written by Redis 7\.4\.0"):
        find_server(Server("", "Redis", (7, 4, 0)))


@pytest.mark.parametrize("path", REDISES, ids=lambda path: str(redis_version(path)))
def test_what_an_installation_of_0_1_0_wrote_is_there_with_the_server_of_today(tmp_path, path):
    folder = tmp_path / "redis"
    folder.mkdir()
    with redis_server("--appendonly", "yes", folder=folder, executable=path) as old:
        case = Case(old.url).with_mailbox()
        case.leave("m1")
        case.store.close()
    (folder / "redis.version").write_text(".".join(map(str, redis_version(path))) + "\n")
    with Embedded(tmp_path) as server:
        case = Case(server.url)
        assert case.lie(Folder.NEW) == ["m1"]
        case.store.close()


def test_a_port_that_was_asked_for_wants_a_password(tmp_path):
    port = free_port()
    with Embedded(tmp_path, port) as server:
        secret = tmp_path / "redis" / "redis.password"
        assert secret.stat().st_mode & 0o777 == 0o600
        with redis.Redis(port=port) as client, pytest.raises(redis.exceptions.AuthenticationError):
            client.ping()
        with redis.Redis(port=port, password=secret.read_text().strip()) as client:
            assert client.ping()
            pid = int(client.info("server")["process_id"])
        assert secret.read_text().strip() not in Path(f"/proc/{pid}/cmdline").read_text()
        with another_process(tmp_path) as other:
            assert other.url == server.url
        case = Case(server.url).with_mailbox()
        case.leave("m1")
        case.store.close()
    with Embedded(tmp_path) as server:
        assert not secret.exists()
        case = Case(server.url)
        assert case.lie(Folder.NEW) == ["m1"]
        case.store.close()


DIES_AT_ONCE = """
import os, subprocess, sys
from pathlib import Path
from esl_vm.store import embedded_keeper

def slowly(command, popen=subprocess.Popen, **more):
    begun = popen(command, **more)
    os.waitid(os.P_PID, begun.pid, os.WEXITED | os.WNOWAIT)
    return begun

embedded_keeper.subprocess.Popen = slowly
sys.exit(embedded_keeper.ServerKeeper(Path(sys.argv[1]), 0, "redis.sock", "false").run())
"""


def test_a_server_that_ends_before_its_keeper_has_its_number_is_noticed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", DIES_AT_ONCE, str(tmp_path)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as keeper:
        assert keeper.stderr.read().endswith("it can't run: given up; redis.log says why\n")
    assert keeper.returncode == 1


def test_closing_twice_is_closing_once(tmp_path):
    server = Embedded(tmp_path)
    server.close()
    server.close()
