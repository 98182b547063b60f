"""With a key nothing that was said lies in the clear: after it was left, heard, written down, sent on, searched, saved."""

import base64
import random
from dataclasses import replace
from pathlib import Path

import pytest
from docs_check.pages import command_lines
from support.in_process_api import Api
from support.redis_servers import NoRedisError, redis_server
from support.s3_neighbour import S3Neighbour
from support.waiting import wait_until

from esl_vm.audio.cache import Cache
from esl_vm.cli.main import main
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.call import Ended, Recorded
from esl_vm.model.errors import SealedError
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.model.push import PushSubscription
from esl_vm.model.transcript import Segment, Transcript
from esl_vm.ops.callers import look_in_spool
from esl_vm.recordings.outcome import Settled
from esl_vm.sealing.keys import add_key, use_last_key
from esl_vm.service.wiring import open_node
from esl_vm.sound.wav import wave

pytest.importorskip("cryptography", reason="esl-vm[encryption] is not installed")
ALICE, BOB, CAROL = MailboxId("1001"), MailboxId("1002"), MailboxId("1003")
NOISE = random.Random(17).randbytes(32000)
WORDS = "Rappelez le notaire à propos de la succession"
SAID = Transcript(language="fr", engine="e", segments=(Segment(0, 2000, WORDS),))


@pytest.fixture(scope="module")
def redis_with_files():
    try:
        with redis_server("--appendonly", "yes", "--rdbcompression", "no") as server:
            yield server
    except NoRedisError as none:
        pytest.skip(str(none))


class House:
    """A node with a key, its folders, and its commands."""

    def __init__(self, folder: Path, url: str, store: str, bucket: S3Neighbour | None = None) -> None:
        self.bucket = bucket
        self.folder, self.keys = folder, folder / "keys"
        self.clear = folder / "clear"
        add_key(self.keys)
        (folder / "sounds").mkdir()
        self.settings = {
            "redis.url": url,
            "data_dir": str(folder / "data"),
            "audio.store": store,
            "audio.folder": str(folder / "sounds"),
            "privacy.key_file": str(self.keys),
            "privacy.clear_folder": str(self.clear),
        }
        if bucket is not None:
            keys = {"audio.bucket": "voicemail", "audio.access_key": "k", "audio.secret_key": "s", "audio.region": "x"}
            self.settings |= {"audio.endpoint": bucket.url, **keys}
        self.file = folder / "esl-vm.toml"
        self.file.write_text("".join(f'{name} = "{value}"\n' for name, value in self.settings.items()))

    def node(self):
        return open_node(load_settings(None, self.settings))

    def vm(self, *words):
        return main(["--config", str(self.file), *map(str, words)])


@pytest.fixture(params=["redis", "folder", "s3"])
def house(request, tmp_path, redis_with_files):
    with redis_with_files.client() as client:
        client.flushall()
    bucket = None
    if request.param == "s3":
        pytest.importorskip("boto3", reason="esl-vm[s3] is not installed")
        bucket = S3Neighbour()
    yield House(tmp_path, redis_with_files.url, request.param, bucket)
    if bucket is not None:
        bucket.close()


def leave(node, *boxes):
    """A message of noise, as a call leaves it; its id."""
    message = Message(new_id(node.clock.now()), Caller("5145550100", "Zoé"), node.clock.now())
    with node.spool.take_message(boxes, message, min_ms=0, trim_silence=False, threshold=0) as take:
        take.path.write_bytes(wave(NOISE, 8000))
        take.recorded(Recorded(2000, Ended.LIMIT))
        assert take.settle() is Settled.DELIVERED
    return message.id


def stands_in(content: bytes) -> bool:
    """Whether something of what was said stands there as it is."""
    return any(
        one in content for one in (NOISE[8000:8032], NOISE[24000:24032], WORDS[:20].encode(), WORDS[-20:].encode())
    )


def found_in(*places: Path) -> list[str]:
    """The files in which something of what was said stands as it is."""
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert files
    return [str(path) for path in files if stands_in(path.read_bytes())]


def with_mailboxes(node):
    for box in (ALICE, BOB, CAROL):
        node.registry.add(box, {})


def test_nothing_that_was_said_is_found_but_where_freeswitch_plays_it(house, redis_with_files, tmp_path):
    with house.node() as node:
        with_mailboxes(node)
        left = leave(node, ALICE, BOB)
        alone = leave(node, CAROL)
        assert node.mailboxes.transcribed(ALICE, left, SAID)
        for _ in range(2):
            node.mailboxes.note(ALICE, left, WORDS)
        assert node.mailboxes.message(ALICE, left).note == WORDS
        assert [one.what for one in node.store.events.tail(20, box=ALICE)].count(EventType.NOTED) == 1
        with node.spool.take_greeting(ALICE, Greeting.BUSY, new_id(node.clock.now())) as take:
            take.path.write_bytes(wave(NOISE, 8000))
            take.recorded(Recorded(2000, Ended.LIMIT))
            assert take.settle() is Settled.DELIVERED
        heard = node.audio.playable(left)
        assert NOISE[8000:8032] in heard.read_bytes()
        assert node.mailboxes.message(ALICE, left).transcript == SAID
        assert [message.id for _, message in node.store.transcripts.find([ALICE], "NOTAIRE a propos")] == [left]
        sent = Message(new_id(node.clock.now()), Caller("1001"), node.clock.now(), transcript=SAID)
        with node.spool.forward([CAROL], sent, source_id=left) as take:
            assert take.settle() is Settled.DELIVERED
        assert node.mailboxes.message(CAROL, sent.id).transcript == SAID
        assert node.audio.playable(alone).exists()
        assert node.sweeper.sweep_once() == []
    assert house.vm("message", "export", "1001", left, tmp_path / "exported.wav") == 0
    assert house.vm("backup", tmp_path / "backup") == 0
    with redis_with_files.client() as client:
        client.save()
    assert found_in(redis_with_files.folder) == []
    if house.bucket is not None:
        assert len(house.bucket.objects) >= 4
        assert not any(map(stands_in, house.bucket.objects.values()))
    in_the_clear = {path for path in found_in(tmp_path) if not path.startswith(str(house.clear))}
    assert in_the_clear == {str(tmp_path / "exported.wav")}  # that is what an export is for
    assert found_in(house.clear)  # what is looked for is what was said


def test_what_is_played_lies_in_the_clear_only_for_so_long(house):
    with house.node() as node:
        with_mailboxes(node)
        played = node.audio.playable(leave(node, ALICE))
        used = played.stat().st_mtime
        for after_s, gone in ((59, 0), (60, 1)):
            cache = Cache(house.clear / "cache", limit_bytes=1 << 20, hold_s=60, wall=lambda at=used + after_s: at)
            assert cache.expire() == gone
        assert not played.exists()


def test_a_take_that_was_lost_after_its_delivery_is_delivered_from_its_sealed_copy(house):
    with house.node() as node:
        with_mailboxes(node)
        left = leave(node, ALICE)
        [kept] = (house.folder / "data").rglob(f"{left}-1.wav")
        assert NOISE[8000:8032] not in kept.read_bytes()
        node.store.link.run(None, lambda client: client.flushall())
        node.store.take_any()
        node.store.verify()
        with_mailboxes(node)
        node.audio.delete(left)
        [outcome] = node.sweeper.sweep_once()
        assert (outcome.id, outcome.settled) == (left, Settled.DELIVERED)
        assert NOISE[8000:8032] in node.audio.playable(left).read_bytes()
        assert NOISE[8000:8032] not in kept.read_bytes()


def test_what_lay_in_the_clear_is_encrypted_and_keys_change_while_messages_come_and_are_heard(house, capsys):
    settings = {name: value for name, value in house.settings.items() if name != "privacy.key_file"}
    with open_node(load_settings(None, settings)) as node:
        with_mailboxes(node)
        old = leave(node, ALICE, BOB)
        node.mailboxes.transcribed(BOB, f"{old}.1", SAID)
        node.mailboxes.note(BOB, f"{old}.1", WORDS)
    assert house.vm("privacy", "encrypt", "--dry-run") == 0
    assert "2 texts to be put" in capsys.readouterr().out
    assert house.vm("privacy", "encrypt") == 0
    with house.node() as node:  # as a worker that has not been reloaded yet
        first = node.seal.key
        assert node.store.seal_keys.used() == [first]
        second = add_key(house.keys)
        with house.node() as reloaded:
            assert reloaded.seal.keys == (first, second)
        assert use_last_key(house.keys) == second
        left = leave(node, ALICE)
        capsys.readouterr()
        assert house.vm("privacy", "encrypt") == 0
        assert second in capsys.readouterr().out
    assert house.vm("privacy", "encrypt") == 0
    assert "0 sounds and 0 texts put" in capsys.readouterr().out
    house.keys.write_text(house.keys.read_text().splitlines()[0] + "\n")
    with house.node() as node:
        assert node.store.seal_keys.used() == [second]
        for message_id in (old, f"{old}.1", left):
            assert NOISE[8000:8032] in node.audio.playable(message_id).read_bytes()
        noted = node.mailboxes.message(BOB, f"{old}.1")
        assert (noted.transcript, noted.note) == (SAID, WORDS)
        assert [message.id for _, message in node.store.transcripts.find([BOB], "notaire")] == [f"{old}.1"]


def test_what_a_hold_keeps_and_browsers_that_are_told_come_along_when_keys_change(house):
    browser = PushSubscription("https://push.example/1", "p", "a")
    with house.node() as node:
        with_mailboxes(node)
        kept = leave(node, ALICE)
        node.mailboxes.transcribed(ALICE, kept, SAID)
        node.mailboxes.note(ALICE, kept, WORDS)
        node.store.holds.begin(ALICE, "case 114")
        node.mailboxes.delete(ALICE, kept)
        assert node.store.housekeeping.erase(ALICE, [kept]) == 1
        mark = node.mailboxes.open(ALICE).owners[0].pin_mark
        node.store.push.add(node.mailboxes.open(ALICE), replace(browser, pin_mark=mark))
        node.store.push.key(lambda: b"k" * 32)
    add_key(house.keys)
    use_last_key(house.keys)
    assert house.vm("privacy", "encrypt") == 0
    house.keys.write_text(house.keys.read_text().splitlines()[0] + "\n")
    with house.node() as node:
        [message] = node.store.holds.kept(ALICE)
        assert (message.transcript, message.note) == (SAID, WORDS)
        assert NOISE[8000:8032] in node.audio.playable(kept).read_bytes()
        assert [one.id for one in node.store.push.all(node.mailboxes.open(ALICE))] == [browser.id]
        assert node.store.push.key(lambda: b"another") == b"k" * 32


def test_without_its_key_nothing_is_lost_and_all_is_there_again_with_it(house, capsys, caplog):
    with house.node() as node:
        with_mailboxes(node)
        node.store.seal_keys.note(node.seal.key)
        left = leave(node, ALICE)
        node.mailboxes.transcribed(ALICE, left, SAID)
    key = house.keys.read_text()
    house.keys.unlink()
    for path in house.clear.rglob("*.wav"):
        path.unlink()
    with house.node() as node:
        assert "the key can't be read" in caplog.text
        with pytest.raises(SealedError):
            node.audio.playable(left)
        assert node.mailboxes.message(ALICE, left).transcript.text == ""
        assert list(node.store.transcripts.find([ALICE], "notaire")) == []
        message = Message(new_id(node.clock.now()), Caller("5145550100"), node.clock.now())
        with node.spool.take_message([ALICE], message, min_ms=0, trim_silence=False, threshold=0) as take:
            take.path.write_bytes(wave(NOISE, 8000))
            take.recorded(Recorded(2000, Ended.LIMIT))
            assert take.settle() is Settled.WAITING
    assert house.vm("doctor") == 1
    assert "privacy.key_file: the key can't be read" in capsys.readouterr().out
    assert house.vm("privacy", "encrypt") == 1
    other = add_key(house.keys)
    assert house.vm("privacy", "encrypt") == 1
    assert "can't be read" in capsys.readouterr().err
    assert house.vm("doctor") == 1
    assert "may be encrypted under" in capsys.readouterr().out
    house.keys.write_text(house.keys.read_text() + key)
    with house.node() as node:
        assert node.seal.key == other
        wait_until(lambda: [one.settled for one in node.sweeper.sweep_once()] == [Settled.DELIVERED] or None)
        for message_id in (left, message.id):
            assert NOISE[8000:8032] in node.audio.playable(message_id).read_bytes()
        assert node.mailboxes.message(ALICE, left).transcript == SAID
        assert len(node.mailboxes.message_ids(ALICE)[Folder.NEW]) == 2
    assert house.vm("privacy", "encrypt") == 0


def test_the_commands_of_the_page_do_what_it_says(house):
    house.keys.unlink()
    lines = [line.split()[1:] for section, line in command_lines("docs/security.md") if section == "Encryption at rest"]
    assert [line[1] for line in lines] == ["new-key", "encrypt"]
    for words in lines:
        assert house.vm(*(str(house.keys) if word == "/etc/esl-vm/keys" else word for word in words)) == 0
    with house.node() as node:
        assert len(node.seal.keys) == 1


def test_a_recording_that_another_node_asks_for_is_sealed_on_its_way(house):
    with house.node() as node:
        with_mailboxes(node)
        message = Message(new_id(node.clock.now()), Caller("5145550100", "Zoé"), node.clock.now())
        with node.spool.take_message([ALICE], message, min_ms=0, trim_silence=False, threshold=0) as take:
            take.path.write_bytes(wave(NOISE, 8000))
            take.recorded(Recorded(2000, Ended.LIMIT))
            node.spool.folder.put_in_quarantine(take.journal, "no mailbox")
        [(_, told)] = look_in_spool(node, "5145550100", sounds=True)["sounds"]
        assert NOISE[8000:8032] not in base64.b64decode(told)
        assert NOISE in node.seal.open(base64.b64decode(told))


def test_the_api_says_under_which_key_and_which_are_missing(house):
    with house.node() as node:
        node.store.seal_keys.note("lost")
        node.store.seal_keys.note(node.seal.key)
        status, told = Api(node.store, node.seal).ask("GET", "/privacy/encryption")
    assert (status, told["key"], told["keys"], told["missing"]) == (200, node.seal.key, [node.seal.key], ["lost"])
    house.keys.unlink()
    with house.node() as node:
        _, told = Api(node.store, node.seal).ask("GET", "/privacy/encryption")
    assert (told["key"], told["keys"]) == ("", [])
    assert "can't be read" in told["trouble"]
