"""The rule of durability, for every way servers stand on hosts; and what is found of servers that run."""

import pytest
from chaos.load import service
from support.redis_servers import PATIENT, NoRedisError, redis_cluster, redis_sentinels, redis_server
from support.waiting import wait_until

from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.topology import Shard, Topology, problems, recommended, replicas_needed
from esl_vm.store.connect import connect, parse_redis_url
from esl_vm.store.store import Store
from esl_vm.store.topology import discover


def sentinel(master, replicas, voters, quorum=2, min_replicas=1):
    return Topology(
        "sentinel", (Shard("m", master, tuple(replicas), len(replicas), min_replicas),), tuple(voters), quorum
    )


def cluster(*shards, **more):
    made = tuple(Shard(host, host, tuple(replicas), len(replicas), 1) for host, *replicas in shards)
    return Topology("cluster", made, tuple(shard.host for shard in made), len(made) // 2 + 1, **more)


@pytest.mark.parametrize(
    ("there", "needed"),
    [
        (Topology("single", (Shard("m", "a", (), 0),)), 0),
        (Topology("single", (Shard("m", "a", ("b",), 1),)), 1),
        # A Sentinel beside each Redis: whoever has two of three has both replicas.
        (sentinel("a", "bc", "abc"), 1),
        # Sentinels on hosts of their own can be cut off with either replica.
        (sentinel("a", "bc", "xyz"), 2),
        (sentinel("a", "b", "abx"), 1),
        (sentinel("a", "bcde", "abcde", 3), 2),
        (sentinel("a", "bcde", "vwxyz", 3), 4),
        # A quorum above the majority leaves less room outside.
        (sentinel("a", "bcde", "abcde", 4), 1),
        # Six Redis on six hosts, nine on three, nine on nine.
        (cluster("ad", "be", "cf"), 1),
        (cluster("abc", "bca", "cab"), 1),
        (cluster("adg", "beh", "cfi"), 2),
    ],
)
def test_every_side_that_can_elect_a_master_has_a_copy(there, needed):
    assert replicas_needed(there) == needed


def said(there, waits):
    return [problem.said for problem in problems(there, waits)]


def test_the_recommended_settings_have_nothing_against_them():
    assert said(sentinel("a", "bc", "abc"), 1) == []
    assert said(cluster("abc", "bca", "cab"), 1) == []
    assert said(Topology("single", (Shard("m", "a", (), 0),)), 0) == []
    # One replica to spare is enough where the Cluster lends it.
    assert said(cluster("abc", "bc", "ca"), 1) == []


def test_what_falls_short_is_said():
    assert any("2 replicas must have a message" in one for one in said(sentinel("a", "bc", "xyz"), 1))
    documented = said(cluster("ad", "be", "cf"), 1)
    assert len([one for one in documented if "with one Redis gone it has 0 replicas left" in one]) == 3
    lending_off = said(cluster("adg", "be", "cf", migrates=False), 1)
    assert len([one for one in lending_off if "with one Redis gone" in one]) == 2
    assert any(
        "wait" in one and "0 replicas, but" in one for one in said(Topology("single", (Shard("m", "a", (), 0),)), 1)
    )
    assert any("quorum is 1 of 3" in one for one in said(sentinel("a", "bc", "abc", 1), 1))
    assert any("2 Sentinels" in one for one in said(sentinel("a", "b", "ab"), 1))
    assert any("all mailboxes are" in one for one in said(cluster("abc", "bca", "cab", full_coverage=True), 1))


def test_the_whole_setting_is_written_out():
    lines = recommended(cluster("adg", "beh", "cfi"))
    assert "redis.url:       wait_replicas=2" in lines
    assert any("of a master on the other masters' hosts" in line for line in lines)
    assert "sentinel.conf:   quorum 2 of 3" in recommended(sentinel("a", "bc", "abc"))


def test_servers_that_run_are_found():
    try:
        with redis_sentinels(3, 3, "--min-replicas-to-write", "1") as group:
            found = discover(connect(group.url, PATIENT))
            replica = next(server for server in group.servers if server is not group.master())
            replica.kill()
            with group.master().client() as client:
                wait_until(lambda: client.info("replication")["connected_slaves"] == 1, what="the loss being seen")
            less = discover(connect(group.url, PATIENT))
        with redis_cluster(3, 1, "--cluster-require-full-coverage", "no") as ring:
            of_cluster = discover(connect(ring.url, PATIENT))
        with redis_server() as server:
            single = discover(connect(server.url, PATIENT))
    except NoRedisError as none:
        pytest.skip(str(none))
    assert (found.kind, found.quorum, len(found.voters)) == ("sentinel", 2, 3)
    assert [len(found.shards[0].replicas), found.shards[0].online, found.shards[0].min_replicas] == [2, 2, 1]
    assert [len(less.shards[0].replicas), less.shards[0].online] == [2, 1]  # the Sentinels remember it
    assert [(len(shard.replicas), shard.online) for shard in of_cluster.shards] == [(1, 1)] * 3
    assert (of_cluster.migrates, of_cluster.barrier, of_cluster.full_coverage) == (True, 1, False)
    reached = f"redis-cli -h 127.0.0.1 -p {server.port}"
    assert single == Topology("single", (Shard(single.shards[0].name, "127.0.0.1", (), 0, 0, reached),))
    assert len(set(found.sentinels)) == 3


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("redis://redis.example:6380/1", "redis-cli -h redis.example -p 6380"),
        ("unix:/run/redis/a b.sock", "redis-cli -s '/run/redis/a b.sock'"),
        ("redis://:secret@h", "redis-cli -h h -p 6379 --askpass"),
        ("rediss://vm:secret@h?ssl_ca_certs=/c", "redis-cli -h h -p 6379 --tls --cacert /c --user vm --askpass"),
    ],
)
def test_the_command_that_reaches_a_server_shows_no_password(url, command):
    assert parse_redis_url(url).redis_cli() == command


@pytest.fixture
def broken_cluster():
    """A Cluster of three without replicas, mailboxes in every partition, and the master of `vm:meta` killed."""
    try:
        with redis_cluster(3, 0, "--cluster-require-full-coverage", "no") as ring:
            store = Store(connect(ring.url, PATIENT))
            boxes = [MailboxId(str(number)) for number in range(1001, 1061)]
            for box in boxes:
                store.registry.add(box, {})
            store.close()
            with ring.nodes[0].client() as client:
                slot = int(client.execute_command("CLUSTER", "KEYSLOT", "vm:meta"))
            ring.nodes[min(2, slot // (16384 // 3))].kill()
            yield ring, boxes
    except NoRedisError as none:
        pytest.skip(str(none))


def test_a_part_of_a_cluster_that_is_gone_takes_only_its_mailboxes_along(broken_cluster):
    """Also for a process that starts after that, and for what looks at all partitions together."""
    ring, boxes = broken_cluster
    store = Store(connect(ring.url, PATIENT))
    there = []
    for box in boxes:
        try:
            there.append(store.mailboxes.open(box))
        except StoreDownError:
            there.append(None)
    assert len(boxes) // 3 < len([mailbox for mailbox in there if mailbox]) < len(boxes)
    assert store.cluster.state().nodes == 0  # what it can say without that part
    store.verify()
    masters = store.link.run(None, lambda client: client.get_primaries())
    assert len(masters) == 3
    for first in masters:  # whichever of them the client asks what concerns none
        store.link.run(None, lambda client, first=first: client.set_default_node(first))
        shared = store.events.shared(f"lamps {first.port}", "me")
        assert {event.box for event in shared.take(0)} == {mailbox.id for mailbox in there if mailbox}
    store.close()


def test_serve_says_at_its_start_what_falls_short(tmp_path):
    try:
        with redis_server() as master, redis_server("--replicaof", "127.0.0.1", str(master.port)):
            with master.client() as client:
                wait_until(lambda: client.info("replication").get("slave0", {}).get("state") == "online", "the replica")
            with service(master.url, tmp_path, 1):
                log = tmp_path / "serve.log"
                wait_until(lambda: "1 replica must have a message" in log.read_text(), what="the line in the log")
    except NoRedisError as none:
        pytest.skip(str(none))


def test_a_master_without_its_replicas_takes_nothing_and_is_read_all_the_same():
    try:
        with redis_server() as server:
            store = Store(connect(server.url, PATIENT))
            store.registry.add(MailboxId("1001"), {})
            with server.client() as client:
                client.config_set("min-replicas-to-write", "1")
            for _ in range(3):  # a refusal keeps no reader waiting, in a process that has just started neither
                with pytest.raises(StoreDownError, match="NOREPLICAS"):
                    store.registry.add(MailboxId("1002"), {})
                assert store.mailboxes.open(MailboxId("1001"))
                assert Store(connect(server.url, PATIENT)).mailboxes.open(MailboxId("1001"))
            store.close()
    except NoRedisError as none:
        pytest.skip(str(none))
