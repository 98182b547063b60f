"""docs/administration.md, operations.md, security.md: every command is run, every setting and server file is tried."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import redis
from support.redis_servers import redis_executable, redis_server
from support.waiting import wait_until

from esl_vm.cli.main import build_parser, main
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.findings import Level
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.settings_check import settings_from
from esl_vm.ops.check_redis import check_redis
from esl_vm.ops.metrics import Metrics
from esl_vm.service.wiring import open_node

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["administration", "operations", "security"]
# What a test machine may lack (prompts, FreeSWITCH) is a finding, not a failure of the command.
MAY_FIND = ("esl-vm doctor", "esl-vm prompts check")


def text(page):
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def blocks(page, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", text(page), re.DOTALL | re.MULTILINE)


def commands(page):
    return [line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")]


def redis_cli():
    beside = Path(redis_executable()).with_name("redis-cli")
    return shutil.which("redis-cli") or str(beside)


@pytest.fixture
def terminal(service, tmp_path, monkeypatch, capsys):
    """A shell in which the page's commands mean this test's service; returns what a line printed."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    socket = service.data / "redis" / "redis.sock"
    fetch = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"
    there = f"${{last/http:\\/\\/127.0.0.1:9184/{service.status}}}"
    shims = {
        "esl-vm": f'exec {sys.executable} -m esl_vm --data-dir {service.data} "$@"',
        "redis-cli": f'exec {redis_cli()} -s {socket} "$@"',
        "curl": f'for last; do :; done; exec {sys.executable} -c "{fetch}" "{there}"',
    }
    for name, line in shims.items():
        program = bin_folder / name
        program.write_text(f"#!/bin/bash\n{line}\n")
        program.chmod(0o755)
    folder = tmp_path / "here"
    (folder / "backup").mkdir(parents=True)
    (folder / "etc").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("ESL_VM_CONFIG", raising=False)

    def type_in(line):
        line = line.replace("/etc/esl-vm/", f"{folder}/etc/")
        if line == "esl-vm privacy encrypt":  # the service of these tests has no key; tests/sealing encrypts
            line += " --dry-run"
        allowed = {0, 1, 3} if line.startswith(MAY_FIND) else {0}
        if line.startswith("esl-vm ") and "|" not in line and "phone" not in line:  # quicker without a process
            code = main(["--data-dir", str(service.data), *shlex.split(line)[1:]])
            said = capsys.readouterr()
            assert code in allowed, f"{line}\n{said.out}{said.err}"
            return said.out
        ran = subprocess.run(
            ["bash", "-c", line],
            cwd=folder, env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"},
            capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert ran.returncode in allowed, f"{line}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    type_in.folder = folder
    return type_in


@pytest.fixture(scope="module")
def a_message(service):
    """The id of a message for 1001."""
    service.run("phone", "1001", "--from", "1002", "--keys", "# 1", "--service", service.address)
    listed = json.loads(service.run("message", "list", "1001@default", "--folder", "new", "--json"))
    return listed[0]["id"]


def with_a_key(folder, monkeypatch):
    """The settings name the key that was made, as the page says next."""
    (folder / "esl-vm.toml").write_text(f"[privacy]\nkey_file = '{folder}/etc/keys'\n")
    monkeypatch.setenv("ESL_VM_CONFIG", str(folder / "esl-vm.toml"))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_the_page_works(page, terminal, a_message, monkeypatch):
    lines = commands(page)
    assert len(lines) >= 7
    for line in lines:
        said = terminal(line.replace(" ID ", f" {a_message} "))
        if "privacy new-key" in line:
            with_a_key(terminal.folder, monkeypatch)
        if "--json" in line and "events" not in line:
            json.loads(said)


def test_what_the_page_shows_is_what_there_is(terminal):
    for line in commands("operations"):
        if line.endswith("/readyz"):
            assert terminal(line).strip() == "ok"
    with_story = json.loads(blocks("operations", "json")[0])
    assert {"call", "action", "keys", "status", "message", "end"} <= set(with_story)


def test_every_figure_is_explained():
    from seeing import a_counted_call, a_snapshot

    metrics = Metrics()
    a_counted_call(metrics)
    shown = metrics.exposition(a_snapshot).decode()
    typed = re.findall(r"^# TYPE (esl_vm_\w+) ", shown, re.MULTILINE)
    names = {name for name in typed if not name.endswith("_created")}
    explained = set(re.findall(r"`(esl_vm_\w+)`", text("operations")))
    assert explained == names


def test_every_alert_has_its_line():
    alerts = re.findall(r"alert: (\w+)", (DOCS.parent / "scripts/alerts.yml").read_text(encoding="utf-8"))
    page = text("operations")
    assert [name for name in alerts if name not in page] == []


@pytest.mark.parametrize("page", ["administration"])
def test_the_settings_are_accepted(page):
    examples = blocks(page, "toml")
    assert len(examples) == 4
    for example in examples:
        settings_from(tomllib.loads(example))


def server_options(block):
    """A redis.conf's lines as a redis-server's command line has them."""
    words = []
    for line in block.splitlines():
        name, *values = line.split()
        if name not in {"port", "user", "requirepass", "masterauth"}:
            words += [f"--{name}", *values]
    return words


def take_passwords(block, *servers):
    """The passwords of the file, when the servers run: whoever waits for their start has none."""
    found = re.findall(r"^(requirepass|masterauth) (\S+)$", block, re.MULTILINE)
    assert len(found) == 2
    for server in servers:
        with server.client() as client:
            for name, password in sorted(found):
                client.config_set(name, password)


def has_alice(server):
    with server.client(password="change-this", decode_responses=True) as there:
        return there.hget("vm:{p14}:box:1001@default", "name") == "Alice"


@pytest.mark.usefixtures("however_slow")
def test_a_redis_with_the_file_of_the_page_contents_doctor(tmp_path):
    """A master and two replicas with that file, and the service's settings for them: no finding about durability."""
    file = server_options(blocks("administration", "redis")[0])
    with (
        redis_server(*file) as master,
        redis_server(*file, "--replicaof", "127.0.0.1", str(master.port)) as replica,
        redis_server(*file, "--replicaof", "127.0.0.1", str(master.port)) as other,
    ):
        take_passwords(blocks("administration", "redis")[0], other, replica, master)
        client = redis.Redis(port=master.port, password="change-this")
        wait_until(lambda: client.info("replication").get("min_slaves_good_slaves") == 2, what="the replicas' sign")
        url = f"redis://:change-this@127.0.0.1:{master.port}/0?wait_replicas=1"
        with open_node(load_settings(None, {"redis.url": url, "data_dir": str(tmp_path)})) as node:
            found = [finding for finding in check_redis(node) if finding.level is not Level.OK]
            node.add_mailbox(MailboxId("1001"), {"name": "Alice"}, "4821")  # waits for one replica, either of them
        assert any(has_alice(server) for server in (replica, other))
        wait_until(lambda: all(has_alice(server) for server in (replica, other)), what="the other replica's copy")
        client.close()
    assert [finding.said for finding in found] == []


def test_the_cluster_file_is_one_that_redis_takes():
    file = server_options(blocks("administration", "redis")[0] + blocks("administration", "redis")[1])
    with redis_server(*file) as server:
        client = server.client()
        assert client.info("cluster")["cluster_enabled"] == 1
        client.close()


def test_the_sentinel_file_is_one_that_redis_takes(tmp_path):
    [block] = blocks("administration", "sentinel")
    file = tmp_path / "sentinel.conf"
    file.write_text(block.replace("10.0.0.1", "127.0.0.1").replace("port 26379", f"port 0\nunixsocket {tmp_path}/s"))
    process = subprocess.Popen([redis_executable(), file, "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        client = redis.Redis(unix_socket_path=f"{tmp_path}/s", decode_responses=True)
        wait_until((tmp_path / "s").exists, what="the Sentinel")
        assert client.sentinel_master("voicemail")["quorum"] == 2
        client.close()
    finally:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("however_slow")
def test_the_redis_user_of_the_page_can_do_what_the_service_does(tmp_path):
    [block] = blocks("security", "redis")
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
        client = redis.Redis(port=server.port)
        client.execute_command("ACL", "SETUSER", *block.split()[1:])
        client.execute_command("ACL", "SETUSER", "default", "off")
        url = f"redis://esl-vm:change-this@127.0.0.1:{server.port}/0"
        with open_node(load_settings(None, {"redis.url": url, "data_dir": str(tmp_path)})) as node:
            box = MailboxId("1001")
            node.add_mailbox(box, {"name": "Alice"}, "4821")
            node.store.pins.check(box, "4821")
            sound = tmp_path / "a.wav"
            sound.write_bytes(b"RIFF")
            node.audio.put("19fb0a58100-000000000001", sound)
            assert list(node.audio.ids()) == ["19fb0a58100-000000000001"]
            assert [str(one) for one in node.registry.boxes()] == ["1001@default"]
            list(node.store.housekeeping.purge())
            node.store.events.shared("plans", "x").take(0)
            node.store.cluster.report("node-1", "1", 1, {})
            assert node.store.cluster.state().nodes == 1
            assert [f.said for f in check_redis(node) if f.level is not Level.OK] == []
        client.close()


def test_a_backup_is_restored_as_the_page_says(service, terminal, a_message, tmp_path):
    [backup, _] = [line for line in commands("security") if line.startswith("esl-vm backup")]
    terminal(backup)
    [recipe] = [block for block in blocks("security", "sh") if "--as-copy" in block]
    start, *lines = recipe.splitlines()
    assert start.startswith("redis-server --port 6400")
    said = ""
    with redis_server() as server:
        for line in lines:
            here = line.replace("redis://127.0.0.1:6400", server.url).replace("/tmp/look", str(tmp_path / "look"))
            said = terminal(here)
        assert a_message in said
        words = ["--redis", server.url, "--data-dir", str(tmp_path / "look")]
        service.run(*words, "message", "export", "1001@default", a_message, str(tmp_path / "message.wav"))
        assert (tmp_path / "message.wav").stat().st_size > 16000
        found = json.loads(service.run(*words, "doctor", "--orphans", "--json", code=None))
        assert [f["said"] for f in found if f["area"] == "sounds" and f["level"] != "ok"] == []


def test_the_readmes_commands_are_commands():
    """Most have more to show than a test can bring along (an Asterisk, a FreeSWITCH): those are read as commands."""
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    lines = re.findall(
        r"^\s+(?:\S*/)?esl-vm ((?:mailbox|message|events|spool|mail|doctor|import)[^\n]*)", readme, re.MULTILINE
    )
    assert len(lines) > 6
    for line in lines:
        build_parser().parse_args(shlex.split(re.split(r"\s{3,}", line)[0]))
