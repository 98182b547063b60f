"""An upgrade: processes of two versions on one Redis, through a migration, while messages are left by both."""

import subprocess
import sys
from pathlib import Path

import pytest

from esl_vm.model.errors import InvalidValueError, SettingsError
from esl_vm.model.mailbox import MailboxId
from esl_vm.store.migrations import Migration, OldNodesError

PROGRAM = Path(__file__).with_name("old_and_new.py")


class Version:
    """A process of a version: what it is told it does, and says in one line how it went."""

    def __init__(self, name, url):
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, name, url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip

    def __call__(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        return self.process.stdout.readline().rstrip("\n")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def version(make_store, redis_url):
    """Processes of versions, on a Redis of schema 1 with mailboxes in it: `version("old")`."""
    store = make_store()
    for number in range(1000, 1250):
        store.registry.add(MailboxId(str(number)), {})
    started = []

    def start(name):
        started.append(Version(name, redis_url))
        return started[-1]

    start.store = store
    yield start
    for one in started:
        one.close()


def field(store, number):
    return store.registry.fields(MailboxId(number)).get("callers")


def test_both_versions_serve_calls_through_the_whole_migration(version):
    old, new, store = version("old"), version("new"), version.store
    assert old("begin") == "schema 1"
    assert new("begin") == "schema 1"
    assert (old("leave", "1001"), new("leave", "1001")) == ("done", "done")

    # Every mailbox is converted while the old node serves; the schema is not raised under its feet.
    assert new("migrate") == (
        "OldNodesError: every mailbox is converted to schema 2; upgrade node-old (old), then run this again"
    )
    assert field(store, "1001") == "2"
    assert (old("leave", "1001"), old("new", "1001"), new("new", "1001")) == ("done", "3", "3")
    assert field(store, "1001") == "2"  # the old version knows nothing of it

    # The old node is upgraded: what it wrote since is converted too, then the schema is raised.
    assert old("end") == "gone"
    done = new("migrate")
    assert done.endswith("2 final=True changed=1 done=True")
    assert field(store, "1001") == "3"
    assert new("migrate") == ""
    assert new("new", "1001") == "3"


def test_an_old_process_does_not_start_on_the_new_schema(version):
    new, old = version("new"), version("old")
    new("begin")
    new("migrate")
    assert old("begin").startswith("SettingsError: ")
    assert "holds schema 2; this version knows 1: upgrade it" in old("begin")


def test_an_old_process_that_was_cut_off_keeps_what_it_records_for_the_new_version(version):
    old, new = version("old"), version("new")
    old("begin")
    new("begin")
    old("end")  # as if its network was broken: nobody sees it
    new("migrate")
    away = old("reconnect")
    assert away.startswith("StoreDownError: ")  # which is what leaves a recording in the spool
    assert old("leave", "1001").startswith("StoreDownError: ")
    assert new("new", "1001") == "0"


def test_a_migration_that_was_broken_off_goes_on_where_it_stood(version):
    new, store = version("new"), version.store
    new("begin")
    assert new("step") == "looked at 100"
    assert field(store, "1099") is not None
    assert field(store, "1150") is None
    again = version("new")
    first_round = again("migrate").split("; ")
    assert again("migrate") == ""
    assert field(store, "1249") == "0"
    # The first round had 150 mailboxes left, the final one has all 250.
    assert [line for line in first_round if "final=False" in line][-1] == "2 final=False changed=150 done=False"
    assert first_round[-1] == "2 final=True changed=0 done=True"


def test_two_administrators_at_once_do_no_harm(version):
    one, other = version("new"), version("new")
    one("begin")
    assert one("step") == "looked at 100"
    assert other("migrate").endswith("done=True")
    assert one("migrate") == ""
    assert field(version.store, "1249") == "0"


def test_a_step_that_is_missing_is_told(make_store):
    store = make_store(migrations=(Migration(1, "nothing", lambda *_: False),))
    store.verify()
    jumping = make_store(migrations=(Migration(3, "the step to 2 is not here", lambda *_: False),))
    with pytest.raises(InvalidValueError, match="changed by another process"):
        list(jumping.migrator.run())
    assert store.migrator.schema() == 1


def test_a_node_that_died_does_not_hold_up_an_upgrade(make_store, clock):
    store = make_store(migrations=())
    store.verify()
    new = make_store(migrations=(Migration(2, "nothing", lambda *_: False),))
    new.cluster.tell("node-1", "0.1", 1, {})
    with pytest.raises(OldNodesError, match=r"node-1 \(0\.1\)"):
        list(new.migrator.run())
    new.cluster.leave("node-1")
    assert list(new.migrator.run())[-1].done
    with pytest.raises(SettingsError, match="holds schema 2"):
        make_store(migrations=()).verify()
