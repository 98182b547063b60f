"""The crash campaign in its short form; `make chaos` strikes at every point."""

import argparse
import shutil
from itertools import islice

import pytest
from chaos import campaign, clocks, disks, gone, load, silence
from chaos.campaign import Failure
from support.ports import free_port
from support.redis_servers import redis_executable, redis_server

EVERY = 17


def test_whatever_fails_wherever_what_was_announced_holds():
    result = campaign.run(every=EVERY)
    print(result.table())
    assert result.wrong == []
    assert result.points >= 1200 // EVERY
    assert {failure for _, failure in result.struck} == {failure.value for failure in Failure}
    kinds = " ".join(result.kinds)
    assert "event socket" in kinds
    assert "redis" in kinds
    assert "file" in kinds


def test_the_campaign_notices_a_message_that_was_announced_and_is_not_there(monkeypatch):
    call = next(call for call in campaign.CALLS if call.name == "leaving")
    monkeypatch.setitem(campaign.MUST, "leaving", lambda rig, heard: _lose_it(rig) or campaign.left(rig, heard))
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
        told = campaign.play(call, Failure.WORKER, 10_000, server)
    assert any("heard saved" in wrong for wrong in told["wrong"])
    assert any("belongs to nothing" in wrong for wrong in told["wrong"])


def test_a_node_with_a_wrong_clock_harms_nobody(tmp_path):
    with redis_server() as server:
        rows = clocks.play(server.url, tmp_path)
    print("\n".join(row.text() for row in rows))
    assert [wrong for row in rows for wrong in row.wrong] == []
    assert len(rows) == len(clocks.CLOCKS)


def test_what_is_said_while_redis_and_s3_hang_is_kept(tmp_path):
    """How long their callers hear nothing, `make chaos` measures, on a machine that does nothing else."""
    pytest.importorskip("moto.server", reason="moto[s3,server] is not installed")
    with silence.s3_server() as port:
        [row] = silence.play(port, tmp_path, ("Redis and S3",))
    print(row.text())
    assert row.kept


def test_a_disk_that_fills_up_under_calls_and_is_emptied_loses_nothing_and_ends_no_worker():
    """Redis', whose server ends then; `make chaos` tries each of three disks with each of three troubles."""
    row = disks.play(
        "Redis", "full", disks.Plan(before=0.5, trouble=0, ended=3, after=0, callers=3, owners=0, once=True)
    )
    print(row.text())
    assert row.wrong == []
    assert row.told.ends["saved"] > 0
    assert row.why


def _lose_it(rig) -> None:
    """Take the messages out behind the service's back."""
    with rig.real.link.run(None, lambda client: client.pipeline()) as pipe:
        for key in rig.real.link.run(None, lambda client: client.keys("*folder:1001@default*")):
            pipe.delete(key)
        pipe.execute()


def asked(**more) -> argparse.Namespace:
    plain = {"calls": 50, "seconds": 10.0, "talk": 2.0, "workers": 2, "redis": "single"}
    plain |= {"kill_master": None, "move_slots": None, "kill_worker_every": None}
    return argparse.Namespace(**plain | more)


@pytest.mark.parametrize("masters", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_with_one_master_of_a_cluster_gone_every_mailbox_lets_in_plays_and_takes_messages(tmp_path, masters):
    """The Cluster of docs/administration.md; `make chaos` kills more of its nine servers, and of those behind Sentinel."""
    if not shutil.which("redis-cli"):
        pytest.skip("no redis-cli on PATH: it makes the Cluster")
    with gone.cluster(redis_executable(), free_port(3)) as setting:
        rows = list(islice(gone.play("Cluster", setting, tmp_path, most=1), masters))
    assert [row.gone for row in rows] == ["a master", "a master, then a master of the same third"][:masters]
    assert rows[0].seen.all_works
    assert [row.lost for row in rows] == [0] * masters
    for row in rows[1:]:
        assert (row.seen.lets_in, row.seen.plays, row.seen.takes + row.seen.waits) == (len(gone.BOXES),) * 3


@pytest.mark.parametrize("calls", [10, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "trouble",
    [
        {"redis": "sentinel", "kill_master": 3.0},
        {"redis": "cluster", "kill_master": 5.0, "move_slots": 2.0},
        {"kill_worker_every": 3.0},
    ],
    ids=["the master behind sentinels dies", "slots move and a master dies", "workers die"],
)
def test_under_many_calls_nothing_announced_is_lost_or_doubled(trouble, calls):
    verdict = load.play(asked(**trouble, calls=calls, seconds=max(4.0, calls / 5)))
    print(verdict.text())
    assert verdict.lost == []
    assert verdict.doubled == []
    assert verdict.from_nowhere == []
    assert verdict.told.most_at_once == calls
    # How many are cut off depends on how long a call takes: that is measured on a machine that does nothing else.
    assert len(verdict.told.saved) >= (1 if calls == 10 else calls * 0.8)
