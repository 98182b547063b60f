"""Commands on a Redis that can be read and takes no changes: full, a replica, a master without its replicas."""

import pytest
from support.closed_redis import CLOSED, FULL, SAYS, closed_redis


@pytest.fixture
def alice(vm):
    assert vm("mailbox", "add", "1001", "--name", "Alice Martin").code == 0


@pytest.fixture(params=CLOSED)
def closed(request, vm, alice, leave, redis_of_commands):
    """Alice's mailbox with two messages there; their ids, how to run a command, and why nothing is taken."""
    ids = [leave(), leave()]
    with closed_redis(redis_of_commands, request.param) as url:
        yield ids, lambda *words: vm(*words, at=url), request.param


def test_administrators_list_show_and_export(closed, tmp_path):
    ids, run, _ = closed
    assert [box["mailbox"] for box in run("mailbox", "list", "--json").json] == ["1001@default"]
    assert run("mailbox", "show", "1001", "--json").json["folders"]["new"] == 2
    assert [one["id"] for one in run("message", "list", "1001", "--json").json] == ids
    assert run("message", "export", "1001", ids[0], tmp_path / "out.wav").code == 0
    assert (tmp_path / "out.wav").stat().st_size > 1000
    assert run("events", "--last", "5").code == 0
    assert run("backup", tmp_path / "all.backup").code == 0


def test_a_full_one_lets_messages_be_deleted_the_others_say_why_not(closed):
    ids, run, why = closed
    deleted = run("message", "delete", "1001", ids[0])
    left = [one["id"] for one in run("message", "list", "1001", "--json").json]
    if why == FULL:
        assert (deleted.code, left) == (0, ids[1:])
        assert run("mailbox", "remove", "1001", "--yes").code == 0
    else:
        assert (deleted.code, left) == (1, ids)
        assert SAYS[why] in deleted.err


def test_doctor_names_the_cause_and_what_to_do(closed):
    _, run, why = closed
    found = [one for one in run("doctor", "--json").out.splitlines() if SAYS[why] in one]
    assert found
    assert "start Redis, or correct redis.url" not in run("doctor").out
