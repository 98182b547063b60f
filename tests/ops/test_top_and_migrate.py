"""`esl-vm top` and `esl-vm migrate`, as an administrator sees them."""

import json
from types import SimpleNamespace

import pytest
import redis
from rich.console import Console

from esl_vm.cli import top
from esl_vm.cli.main import main
from esl_vm.model.errors import StoreDownError


@pytest.fixture
def vm(redis_url, make_store, tmp_path, capsys):
    """Run a command: `vm("top", "--once")`; its exit code and what it printed. `vm.store` is an open store."""

    def run(*words):
        code = main(["--redis", redis_url, "--data-dir", str(tmp_path), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    run.store = make_store()
    return run


def tell(store, name, **fields):
    store.cluster.report(name, "0.1.0", 1, {"workers": "2", "calls": "3", "ready": "yes", **fields})


def die(store, name):
    store.link.run(None, lambda client: client.delete(f"vm:{{nodes}}:{name}"))


def test_nobody_is_there(vm):
    code, out, _ = vm("top", "--once")
    assert code == 0
    assert "No node reports: is esl-vm serve running?" in out


def test_all_nodes_and_what_they_share(vm):
    for name in ("node-1", "node-2"):
        tell(vm.store, name, lamp_wait_s="0.3", freeswitch="up", calls_total="120")
    code, out, _ = vm("top", "--once")
    assert code == 0
    assert "6 calls on 2 nodes" in out
    rows = [line.split() for line in out.splitlines() if line.startswith("node-")]
    assert [row[0] for row in rows] == ["node-1", "node-2"]
    assert rows[0][1:5] == ["0.1.0", "2", "3", "120"]
    assert rows[0][-1] == "up"


def test_a_node_that_is_gone_is_told_and_makes_it_fail(vm, clock):
    tell(vm.store, "node-1")
    die(vm.store, "node-1")
    code, out, _ = vm("top", "--once")
    assert code == 1
    assert "gone for" in out
    code, out, _ = vm("top", "--json")
    assert code == 1
    [node] = json.loads(out)["nodes"]
    assert (node["name"], node["alive"], node["calls"]) == ("node-1", False, 0)


def test_what_somebody_should_look_at_is_red(vm, clock):
    tell(vm.store, "node-1", spool_waiting="4", spool_oldest_s="300", freeswitch="down", ready="redis: slow")
    found = top.look(SimpleNamespace(store=vm.store, clock=clock, settings=Settings()))
    console = Console(
        width=200, height=50, force_terminal=True, color_system="standard"
    )  # both, or TERM=dumb makes it 80
    with console.capture() as shown:
        console.print(top.view(found))
    page = shown.get()
    for words in ("4 (300 s)", "down", "redis: slow"):
        assert f"\x1b[1;31m{words}" in page
    assert "\x1b[1;31m0" not in page


class Settings:
    service = SimpleNamespace(timezone="America/Toronto")


def test_a_name_cannot_move_the_cursor(vm):
    tell(vm.store, "node-\x1b[2J1", freeswitch="\x1b]0;x\x07")
    _, out, _ = vm("top", "--once")
    assert "\x1b" not in out


def test_a_live_view_goes_on_while_redis_is_away(vm, monkeypatch):
    looks = []

    def look(node):
        looks.append(1)
        if len(looks) == 1:
            raise StoreDownError("Redis at r: can't be reached")
        raise KeyboardInterrupt

    monkeypatch.setattr(top, "look", look)
    assert top.watch(SimpleNamespace(), 0.0) == 0
    assert len(looks) == 2


@pytest.mark.parametrize("every", ["0", "-1", "nan", "100000"])
def test_a_wrong_interval_is_refused(vm, every):
    code, _, err = vm("top", "--every", every)
    assert code == 2
    assert "--every is a number of seconds" in err


# -- migrate --------------------------------------------------------------------------------------


def test_the_schema_in_force_is_told(vm):
    for words in (["migrate", "--dry-run"], ["migrate"]):
        assert vm(*words) == (0, "Redis has schema 1; nothing is to be done\n", "")


def test_a_newer_schema_is_refused(vm, redis_url, make_store):
    """By who starts on it, and by who finds it in force when he reaches Redis again: he keeps what he records."""
    running = make_store()
    running.verify()
    with redis.Redis.from_url(redis_url) as client:
        client.hset("vm:meta", "schema", "2")
    said = "holds schema 2; this version knows 1: upgrade it"
    code, _, err = vm("migrate")
    assert code == 2
    assert said in err
    with pytest.raises(StoreDownError, match=said):
        running.verify()
