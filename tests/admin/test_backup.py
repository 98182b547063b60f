"""`esl-vm backup` and `esl-vm restore`: on live data, into another topology, refused where it would be undone."""

import contextlib
import stat
import threading

import pytest
from support.clocks import Clock
from support.redis_servers import NoRedisError, redis_cluster, redis_sentinels, redis_server

from esl_vm.cli.backup_file import records
from esl_vm.cli.main import main
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.model.receipts import Receipt
from esl_vm.model.scheduled import Scheduled
from esl_vm.ops.orphans import find_orphans
from esl_vm.service.wiring import open_node
from esl_vm.sound.wav import wave
from esl_vm.store.store import Store

ALICE, BOB = MailboxId("1001"), MailboxId("1002", "other.example")


def sound_of(tmp_path, seed):
    path = tmp_path / "sound.wav"
    path.write_bytes(wave(bytes([seed % 251]) * 1600, 8000))
    return path


@contextlib.contextmanager
def opened(url, tmp_path, name="node", **more):
    with open_node(load_settings(None, {"redis.url": url, "data_dir": str(tmp_path / name), **more})) as node:
        yield node


@pytest.fixture
def command(tmp_path, capsys):
    """Run a command on a Redis; returns its exit code and what it said."""

    def run(url, *words, name="node"):
        code = main(["--redis", url, "--data-dir", str(tmp_path / name), *map(str, words)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def leave(node, box, tmp_path, seed, **fields):
    message = Message(new_id(node.clock.now()), received=node.clock.now(), duration_ms=100, **fields)
    node.audio.put(message.id, sound_of(tmp_path, seed))
    node.mailboxes.deliver(box, message)
    return message.id


@pytest.fixture
def single():
    try:
        with redis_server() as server:
            yield server
    except NoRedisError as none:
        pytest.skip(str(none))


@pytest.fixture
def full(single, tmp_path):
    """A Redis with two mailboxes in all states there are, and a list."""
    with opened(single.url, tmp_path) as node:
        rules = "unavailable-3 both calendar:ca-qc; unavailable-2 mon-fri 18:00-08:00; unavailable-2"
        node.add_mailbox(ALICE, {"name": "Élise Martin", "maxmsg": "7", "greeting_rules": rules}, "48213")
        node.add_mailbox(BOB, {}, "")
        heard = leave(node, ALICE, tmp_path, 1, caller=Caller("1002", "Bob"))
        leave(node, ALICE, tmp_path, 2, urgent=True)
        trashed = leave(node, ALICE, tmp_path, 3)
        node.mailboxes.heard(ALICE, heard)
        node.mailboxes.retire(ALICE, [heard])
        node.mailboxes.delete(ALICE, trashed)
        for seed, kind in ((4, Greeting.BUSY), (5, Greeting.UNAVAILABLE_2), (6, Greeting.BUSY_9)):
            greeting = new_id(node.clock.now())
            node.audio.put(greeting, sound_of(tmp_path, seed))
            node.mailboxes.set_greeting(ALICE, kind, StoredGreeting(greeting, 100))
        node.store.lists.add(MailboxId("4000"), [ALICE, BOB], "everybody")
    return single


def all_of(node):
    """Everything that owners and administrators see."""
    boxes = list(node.registry.boxes())
    return {
        str(box): (
            node.registry.fields(box),
            node.mailboxes.open(box),
            {
                folder: [(node.mailboxes.message(box, one), node.audio.playable(one).read_bytes()) for one in ids]
                for folder, ids in node.mailboxes.message_ids(box).items()
            },
            {kind: node.audio.playable(stored.audio_id).read_bytes() for kind, stored in node.mailboxes.open(box).greetings.items()},
            node.store.pins.check(box, "48213", "test"),
        )
        for box in boxes
    } | {"lists": list(node.store.lists.all())}  # fmt: skip


@pytest.mark.parametrize("to", ["single", "sentinel", "cluster"])
def test_all_of_it_is_there_again_in_any_topology(full, to, tmp_path, command):
    file = tmp_path / "backup"
    code, said = command(full.url, "backup", file)
    assert (code, "2 mailboxes, 3 messages, 1 distribution lists, 6 sounds" in said) == (0, True), said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    make = {
        "single": redis_server,
        "sentinel": lambda: redis_sentinels(3, 3),
        "cluster": lambda: redis_cluster(3, 1),
    }[to]
    with make() as target, opened(full.url, tmp_path) as before:
        url = target.url + ("" if to == "single" else "?wait_replicas=1")
        code, said = command(url, "restore", file, name="new")
        assert code == 0, said
        with opened(url, tmp_path, "new") as after:
            assert all_of(after) == all_of(before)
            after.store.verify()
            assert after.store.installation == before.store.installation == after.audio.owner()
            assert find_orphans(after).lost == find_orphans(after).unused == ()
            found = after.store.directory.by_keys("default", "354", by_first_name=True)
            assert [mailbox.name for mailbox in found] == ["Élise Martin"]
        code, said = command(url, "restore", file, name="new")
        assert (code, "mailboxes already" in said) == (2, True)
        assert command(url, "restore", "--replace", file, name="new")[0] == 0
        with opened(url, tmp_path, "new") as after:
            assert all_of(after) == all_of(before)


def test_the_end_of_a_broadcast_is_kept(full, tmp_path, command):
    """What nobody heard is withdrawn after a restore, too, and the broadcast can be gone on with as it was begun."""
    with opened(full.url, tmp_path) as node:
        until = int(node.clock.now()) + 3600
        begun = node.store.broadcasts.begin("closed", "sound", until)
        unheard = leave(node, ALICE, tmp_path, 9, until=until)
    assert command(full.url, "backup", tmp_path / "backup")[0] == 0
    with redis_server() as target:
        assert command(target.url, "restore", tmp_path / "backup", name="new")[0] == 0
        with opened(target.url, tmp_path, "new") as after:
            assert after.store.broadcasts.begin("closed", "sound", until) == begun
            assert after.store.housekeeping.withdraw() == 0
            later = Store(after.store.link, clock=Clock(until + 1))
            assert later.housekeeping.withdraw() == 1
            assert unheard in after.mailboxes.message_ids(ALICE)[Folder.TRASH]


def test_a_message_that_waits_for_its_time_waits_again_after_a_restore(full, tmp_path, command):
    """With its sound; also where it was delivered since, and the mailboxes are as they were before."""
    with opened(full.url, tmp_path) as node:
        now = node.clock.now()
        for message_id in ("1a000000000-00000000000a", "1a000000000-00000000000b"):
            node.audio.put_many([message_id], sound_of(tmp_path, 9))
            node.mailboxes.schedule(Scheduled(ALICE, (ALICE,), Message(message_id, duration_ms=100), now + 3600))
        kept = node.mailboxes.scheduled()
        assert command(full.url, "backup", tmp_path / "backup")[0] == 0
        node.mailboxes.scheduled_delivered(kept[0].message.id)
        node.mailboxes.schedule(Scheduled(ALICE, (ALICE,), Message("later"), now + 60))
    assert command(full.url, "restore", "--replace", tmp_path / "backup")[0] == 0
    with redis_server() as target:
        assert command(target.url, "restore", tmp_path / "backup", name="new")[0] == 0
        for url, name in ((full.url, "node"), (target.url, "new")):
            with opened(url, tmp_path, name) as after:
                assert after.mailboxes.scheduled() == kept
                assert all(after.audio.playable(one.message.id).exists() for one in kept)


def test_receipts_go_with_the_mailbox_that_asked_and_with_the_message(full, tmp_path, command):
    asked = Receipt("m1", BOB, 1000.0, 2000.0)
    with opened(full.url, tmp_path) as node:
        node.mailboxes.receipt(ALICE, asked)
        node.mailboxes.deliver(ALICE, Message("wanted", duration_ms=100, receipt=str(BOB)))
    assert command(full.url, "backup", tmp_path / "backup")[0] == 0
    with redis_server() as target:
        assert command(target.url, "restore", tmp_path / "backup", name="new")[0] == 0
        with opened(target.url, tmp_path, "new") as after:
            assert after.mailboxes.receipts(ALICE) == [asked]
            assert after.mailboxes.message(ALICE, "wanted").receipt == str(BOB)


def test_another_number_of_partitions_is_no_hindrance(full, tmp_path, command):
    command(full.url, "backup", tmp_path / "backup")
    with redis_server() as target, opened(target.url, tmp_path, "new", **{"redis.partitions": 3}) as after:
        after.store.verify()
        settings = tmp_path / "three.toml"
        settings.write_text("[redis]\npartitions = 3\n")
        assert command(target.url, "--config", settings, "restore", tmp_path / "backup", name="new")[0] == 0
        with opened(full.url, tmp_path) as before:
            assert all_of(after) == all_of(before)


def test_what_changes_meanwhile_is_in_it_once_or_not_at_all(full, tmp_path, command):
    """Messages come and move while the backup is made: each is in one folder, with its sound."""
    boxes = [MailboxId(str(number)) for number in range(2000, 2020)]
    with opened(full.url, tmp_path) as node:
        for box in boxes:
            node.add_mailbox(box, {}, "")
        before = {leave(node, box, tmp_path, 5) for box in boxes for _ in range(3)}
    stop = threading.Event()

    def callers():
        (tmp_path / "live").mkdir()
        with opened(full.url, tmp_path, "busy") as node:
            while not stop.is_set():
                for box in boxes:
                    leave(node, box, tmp_path / "live", 6)
                    first = node.mailboxes.message_ids(box)[Folder.NEW][0]
                    node.mailboxes.move(box, first, Folder.WORK)

    busy = threading.Thread(target=callers)
    busy.start()
    try:
        assert command(full.url, "backup", tmp_path / "backup")[0] == 0
    finally:
        stop.set()
        busy.join()
    with redis_server() as target:
        assert command(target.url, "restore", tmp_path / "backup", name="new")[0] == 0
        with opened(target.url, tmp_path, "new") as after:
            seen = [one for box in boxes for ids in after.mailboxes.message_ids(box).values() for one in ids]
            assert len(seen) == len(set(seen))
            assert before <= set(seen)
            assert find_orphans(after).lost == ()


def test_a_file_that_is_broken_is_refused_before_anything_is_changed(full, tmp_path, command):
    file = tmp_path / "backup"
    command(full.url, "backup", file)
    whole = file.read_bytes()
    rubbish = {
        "cut off": whole[: len(whole) // 2],
        "checksum differs": whole.replace(b"everybody", b"everybodx"),
        "no backup": b"RIFF" + whole,
        "of version 2": whole.replace(b"esl-vm-backup 1", b"esl-vm-backup 2", 1),
        "broken": whole[:16] + b"\xc1" * 50,
    }
    with redis_server() as target:
        for word, content in rubbish.items():
            file.write_bytes(content)
            code, said = command(target.url, "restore", file, name="new")
            assert (code, word in said) == (2, True), said
        with opened(target.url, tmp_path, "new") as node:
            assert list(node.registry.boxes()) == []
        file.write_bytes(whole)
        assert command(target.url, "restore", "--check", file, name="new")[0] == 0
    assert next(record["kind"] for record in records(file)) == "head"


def test_no_file_is_written_over_and_none_is_left_half(full, tmp_path, command):
    (tmp_path / "there").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("there", "link"):
        code, said = command(full.url, "backup", tmp_path / name)
        assert (code, "is there already" in said) == (2, True)
    assert (tmp_path / "there").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
    assert command("redis://127.0.0.1:1", "backup", tmp_path / "half")[0] == 1
    assert not (tmp_path / "half").exists()


def test_a_replica_and_a_running_service_are_refused(full, tmp_path, command):
    file = tmp_path / "backup"
    command(full.url, "backup", file)
    with redis_server("--replicaof", "127.0.0.1", str(full.port), "--replica-read-only", "no") as replica:
        code, said = command(replica.url, "restore", "--replace", file)
    assert (code, "its master would undo it" in said) == (2, True)
    with opened(full.url, tmp_path) as node:
        node.store.cluster.report("node7", "1", 1, {})
        code, said = command(full.url, "restore", "--replace", file)
    assert (code, "a service runs on node7" in said) == (2, True)


def test_the_sounds_of_another_installation_are_not_mixed_with_these(full, tmp_path, command):
    file = tmp_path / "backup"
    command(full.url, "backup", file)
    folder = tmp_path / "sounds"
    folder.mkdir()
    (folder / "installation").write_text("0123456789abcdef\n")
    settings = tmp_path / "folder.toml"
    settings.write_text(f'[audio]\nstore = "folder"\nfolder = "{folder}"\n')
    with redis_server() as target:
        code, said = command(target.url, "--config", settings, "restore", file, name="new")
    assert (code, "belongs to installation 0123456789abcdef" in said) == (2, True)
    assert [path.name for path in folder.iterdir()] == ["installation"]


def test_sounds_may_stay_where_they_are(full, tmp_path, command):
    code, _ = command(full.url, "backup", "--without-sounds", tmp_path / "backup")
    assert code == 0
    with redis_server() as target:
        code, said = command(target.url, "restore", tmp_path / "backup", name="new")
    assert (code, "the sounds are not in the file, they were in redis" in said) == (0, True)


def test_a_copy_beside_the_service_is_an_installation_of_its_own(full, tmp_path, command):
    command(full.url, "backup", tmp_path / "backup")
    with redis_server() as target:
        assert command(target.url, "restore", "--as-copy", tmp_path / "backup", name="look")[0] == 0
        with opened(target.url, tmp_path, "look") as copy, opened(full.url, tmp_path) as first:
            copy.store.verify()
            first.store.verify()
            assert copy.store.installation != first.store.installation
            assert copy.audio.owner() == copy.store.installation
            assert all_of(copy) == all_of(first)
