"""What doctor says of Redis: every master of a Cluster, what is not durable, what is nearly full; and the bundle's silence."""

import io
import json
import re
import subprocess
import tarfile

import pytest
import redis
from support.redis_servers import NoRedisError, old_servers, redis_cluster, redis_server, valkeys
from support.waiting import wait_until

from esl_vm.cli.settings_file import load_settings
from esl_vm.cli.support_bundle import write_bundle
from esl_vm.model.findings import Level
from esl_vm.model.mailbox import MailboxId
from esl_vm.ops.check_redis import check_redis
from esl_vm.service.background import look_at_topology
from esl_vm.service.wiring import open_node

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
PARTIAL = ("--cluster-require-full-coverage", "no")


@pytest.fixture
def said(tmp_path):
    """What doctor says of a Redis, by how bad it is."""

    def look(url):
        with open_node(load_settings(None, {"redis.url": url, "data_dir": str(tmp_path)})) as node:
            found = list(check_redis(node))
        return {level: [finding.said for finding in found if finding.level is level] for level in Level}

    return look


@pytest.mark.parametrize("program", [*valkeys(), *old_servers()])
def test_a_server_is_called_by_its_own_name_and_version(said, program):
    """Valkey says the last version of Redis that it is like, too."""
    name = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    vendor, version = re.search(r"(Redis|Valkey) server v=(\S+)", name).groups()
    with redis_server(*DURABLE, executable=program) as server:
        found = said(server.url)
    [line] = [line for line in found[Level.OK] if "role master" in line]
    assert f": {vendor} {version}, standalone, role master" in line


def test_a_redis_that_was_emptied_under_a_node_that_knows_its_mailboxes_is_an_error(said, tmp_path):
    with redis_server(*DURABLE) as server:
        settings = load_settings(None, {"redis.url": server.url, "data_dir": str(tmp_path)})
        with open_node(settings) as node:
            node.registry.add(MailboxId("1001"), {})
            node.spool.folder.belong_to(node.store.installation)
        assert said(server.url)[Level.ERROR] == []
        with server.client() as client:
            client.flushall()

        [wrong] = said(server.url)[Level.ERROR]

        assert "is empty" in wrong
        assert "mailboxes of installation" in wrong
        assert "are missing" in wrong


def test_what_redis_would_lose_or_throw_away_is_said_by_serve_at_its_start(tmp_path, caplog):
    with redis_server() as server:
        with server.client() as client:
            client.config_set("maxmemory", "100mb")
            client.config_set("maxmemory-policy", "allkeys-lru")
        with open_node(load_settings(None, {"redis.url": server.url, "data_dir": str(tmp_path)})) as node:
            look_at_topology(node)
    said = "\n".join(caplog.messages)
    assert "maxmemory-policy allkeys-lru: a full Redis throws messages away" in said
    assert "appendonly no" in said


@pytest.mark.usefixtures("however_slow")
def test_every_master_of_a_cluster_is_looked_at(said):
    try:
        with redis_cluster(3, 0, *DURABLE, *PARTIAL) as cluster:
            good = said(cluster.url)
            assert len([line for line in good[Level.OK] if "role master" in line]) == 3
            assert good[Level.ERROR] == good[Level.WARNING] == []
            with cluster.nodes[2].client() as careless:
                careless.config_set("appendonly", "no")
            [wrong] = said(cluster.url)[Level.ERROR]
    except NoRedisError as none:
        pytest.skip(str(none))
    assert wrong.startswith(f"127.0.0.1:{cluster.nodes[2].port}: nothing is written to the disk as it comes")


def test_what_a_crash_would_lose_is_told(said):
    with redis_server() as server:
        found = said(server.url)
    assert "nothing is written to the disk as it comes (appendonly no)" in found[Level.ERROR][0]
    assert "appendfsync everysec" in found[Level.WARNING][0]


def test_a_redis_that_throws_away_or_is_nearly_full_is_told(said):
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
        with server.client() as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
            client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.2))
        found = said(server.url)
    assert "maxmemory-policy allkeys-lru: a full Redis throws messages away" in found[Level.ERROR]
    assert [line for line in found[Level.WARNING] if "MB are used" in line]


def test_replicas_that_are_waited_for_in_vain_are_told(said):
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
        found = said(f"{server.url}?wait_replicas=1")
    assert [line for line in found[Level.ERROR] if "0 replicas, but redis.url waits for 1" in line]


def test_a_master_that_takes_messages_alone_is_told(said):
    durable = ("--appendonly", "yes", "--appendfsync", "always")
    with (
        redis_server(*durable) as master,
        redis_server(*durable, "--replicaof", "127.0.0.1", str(master.port)),
    ):
        with master.client() as client:
            wait_until(
                lambda: client.info("replication").get("slave0", {}).get("state") == "online", what="the replica"
            )
        found = said(master.url)
        waiting = said(f"{master.url}?wait_replicas=1")
    assert [line for line in found[Level.WARNING] if "a master cut off from its replicas goes on accepting" in line]
    assert [line for line in found[Level.ERROR] if "wait_replicas=0, but 1 replica must have a message" in line]
    assert not waiting[Level.ERROR]
    assert [line for line in waiting[Level.WARNING] if "with one Redis gone it has 0 replicas left" in line]


def test_nothing_secret_and_nothing_of_a_mailbox_is_in_the_bundle(tmp_path):
    with redis_server() as server:
        client = redis.Redis(port=server.port)
        client.config_set("requirepass", "pw-of-redis")
        client.close()
        given = {
            "redis.url": f"redis://:pw-of-redis@127.0.0.1:{server.port}/0",
            "data_dir": str(tmp_path / "data"),
            "mail.host": "127.0.0.1",
            "mail.password": "pw-of-mail",
            "notify.password": "pw-of-freeswitch",
            "webhook.url": "https://user:pw-of-hook@hooks.example/x?token=tk-of-hook",
            "webhook.secret": "secret-of-hook",
        }
        settings = load_settings(None, given)
        with open_node(settings) as node:
            node.add_mailbox(MailboxId("5551234"), {"name": "Zenobia", "email": "z@example.com"}, "48213")
        file = tmp_path / "s.tar.gz"
        write_bundle(file, settings, [{"area": "redis", "level": "ok", "said": "fine", "remedy": ""}])
    with tarfile.open(fileobj=io.BytesIO(file.read_bytes())) as bundle:
        content = {name: bundle.extractfile(name).read().decode() for name in bundle.getnames()}
    assert json.loads(content["esl-vm-support/cluster.json"])["mailboxes"] == 1
    assert json.loads(content["esl-vm-support/cluster.json"])["latest_events"]["box-added"] == 1
    everything = "".join(content.values())
    for secret in ("pw-of", "tk-of", "secret-of", "48213", "5551234", "Zenobia", "z@example.com"):
        assert secret not in everything
    assert "****" in content["esl-vm-support/settings.json"]


def test_a_bundle_without_redis_says_so(tmp_path, capsys):
    settings = load_settings(None, {"redis.url": "redis://127.0.0.1:1", "data_dir": str(tmp_path)})
    write_bundle(tmp_path / "s.tar.gz", settings, [])
    with tarfile.open(tmp_path / "s.tar.gz") as bundle:
        told = json.loads(bundle.extractfile("esl-vm-support/cluster.json").read())
    assert "127.0.0.1:1" in told["wrong"]
    assert "nothing of Redis is in it" in capsys.readouterr().err
