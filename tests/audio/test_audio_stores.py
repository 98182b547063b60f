"""Every audio store keeps the same promises: Redis (stand-in, real, Cluster), a shared folder, S3."""

from __future__ import annotations

import contextlib
import stat
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fakeredis
import pytest
from support.redis_servers import NoRedisError, redis_cluster, redis_server
from support.waiting import wait_until

from esl_vm.audio import redis_pieces
from esl_vm.audio.cache import Cache
from esl_vm.audio.folder_audio import FolderAudio
from esl_vm.audio.redis_audio import RedisAudio
from esl_vm.audio.s3_audio import S3Audio
from esl_vm.audio.s3_client import S3Address, connect
from esl_vm.model.errors import AudioMissingError, InvalidValueError, SettingsError, StoreDownError
from esl_vm.sealing.keys import KeyRing
from esl_vm.store import keys
from esl_vm.store.connect import connect as connect_redis
from esl_vm.store.link import Link

if TYPE_CHECKING:
    from collections.abc import Callable

HELLO = b"RIFF hello"
OTHER = b"RIFF something else"


@dataclass
class Kept:
    """A store, another node's view of the same store, and how to take it down."""

    here: Any
    there: Any
    go_down: Callable[[], None]
    kind: str


@pytest.fixture(scope="session")
def redis_servers():
    """Started when first asked for, kept for all tests of this file."""
    with contextlib.ExitStack() as stack:
        running: dict[str, Any] = {}

        def start(kind: str):
            if kind not in running:
                make = redis_server() if kind == "redis" else redis_cluster(masters=2)
                running[kind] = stack.enter_context(make)
            return running[kind]

        yield start


@pytest.fixture(scope="session")
def s3_server():
    server_module = pytest.importorskip("moto.server", reason="moto[s3,server] is not installed")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


SEALED = ["sealed folder", "sealed redis", "sealed s3"]


@pytest.fixture(params=["folder", "cached folder", "fake redis", "redis", "cluster", "s3", *SEALED])
def kept(request, tmp_path, redis_servers):
    kind, seal = request.param, None
    if kind in SEALED:
        pytest.importorskip("cryptography", reason="esl-vm[encryption] is not installed")
        kind, seal = {"folder": "cached folder"}.get(kind.split()[1], kind.split()[1]), KeyRing([b"k" * 32])

    def cache(node: str) -> Cache:
        return Cache(tmp_path / f"cache-{node}", limit_bytes=1 << 20)

    match kind:
        case "folder" | "cached folder":
            share = tmp_path / "share"
            share.mkdir()
            caches = [cache("a"), cache("b")] if kind == "cached folder" else [None, None]
            here, there = (FolderAudio(share, one, seal=seal) for one in caches)
            yield Kept(here, there, lambda: share.rename(tmp_path / "unmounted"), request.param)
        case "fake redis":
            server = fakeredis.FakeServer()
            link = Link(lambda _: fakeredis.FakeRedis(server=server))
            here, there = (RedisAudio(link, keys.audio, cache(node)) for node in "ab")
            yield Kept(here, there, lambda: setattr(server, "connected", False), request.param)
        case "redis" | "cluster":
            try:
                url = redis_servers(kind).url
            except NoRedisError as error:
                pytest.skip(str(error))
            link, dead = connect_redis(url), connect_redis("redis://127.0.0.1:1")
            here, there = (RedisAudio(link, keys.audio, cache(node), seal=seal) for node in "ab")
            for audio_id in list(here.ids()):
                here.delete(audio_id)
            link.run(None, lambda client: client.delete(keys.audio("")))
            yield Kept(here, there, lambda: setattr(here, "_link", dead), request.param)
            link.close()
        case "s3":
            url = request.getfixturevalue("s3_server")
            address = S3Address("voicemail", "sounds/", url, access_key="a", secret_key="b", answer_s=30.0)
            client = connect(address)
            client.create_bucket(Bucket="voicemail")
            for entry in client.list_objects_v2(Bucket="voicemail").get("Contents", ()):
                client.delete_object(Bucket="voicemail", Key=entry["Key"])
            here, there = (S3Audio(connect(address), "voicemail", cache(n), prefix="sounds/", seal=seal) for n in "ab")
            away = connect(S3Address("voicemail", "", "http://127.0.0.1:1", access_key="a", secret_key="b"))
            yield Kept(here, there, lambda: setattr(here, "_client", away), request.param)


@pytest.fixture
def recording(tmp_path):
    def record(content: bytes) -> Path:
        path = tmp_path / "recording.wav"
        path.write_bytes(content)
        return path

    return record


def test_what_is_missing_of_many_is_said_in_one_answer_but_by_a_store_that_loses_nothing(kept, recording):
    for audio_id in ("0199-a", "0199-b", "0199-c"):
        kept.here.put(audio_id, recording(HELLO))
    kept.there.delete("0199-b")

    assert kept.here.missing(["0199-a", "0199-b", "0199-c"]) == (
        set() if isinstance(kept.here, S3Audio) else {"0199-b"}
    )
    assert kept.here.missing([]) == set()


def test_what_one_node_stored_another_plays(kept, recording):
    kept.here.put("0199-a", recording(HELLO))

    played = kept.there.playable("0199-a")

    assert played.read_bytes() == HELLO
    assert played.is_absolute()
    assert played.suffix == ".wav"


def test_a_store_says_whose_its_sounds_are_to_every_node_and_the_first_word_stands(kept, recording):
    assert kept.here.owner() == ""
    kept.here.claim("first")
    kept.there.claim("second")
    assert (kept.here.owner(), kept.there.owner()) == ("first", "first")
    kept.there.claim("second", over=True)
    assert (kept.here.owner(), kept.there.owner()) == ("second", "second")
    kept.here.put("0199-a", recording(HELLO))
    assert list(kept.there.ids()) == ["0199-a"]  # what says it is no sound


def test_a_store_that_is_down_does_not_say_that_it_is_nobodys(kept):
    kept.here.claim("first")
    kept.go_down()
    with pytest.raises(StoreDownError):
        kept.here.owner()


def test_freeswitch_may_read_what_it_is_to_play_through_its_group(kept, recording):
    kept.here.put("0199-a", recording(HELLO))

    path = kept.here.playable("0199-a")

    assert path.stat().st_mode & stat.S_IRGRP
    assert path.parent.stat().st_mode & stat.S_IXGRP


def test_a_sound_is_stored_once_and_never_changes(kept, recording):
    kept.here.put("0199-a", recording(HELLO))
    kept.there.put("0199-a", recording(OTHER))

    assert kept.there.playable("0199-a").read_bytes() == HELLO


def test_a_sound_that_is_not_there_is_told_to_be_missing(kept):
    with pytest.raises(AudioMissingError):
        kept.here.playable("0199-a")
    assert not kept.here.exists("0199-a")


def test_forgetting_a_sound_twice_is_no_error(kept, recording):
    kept.here.put("0199-a", recording(HELLO))

    kept.here.delete("0199-a")
    kept.here.delete("0199-a")

    assert not kept.here.exists("0199-a")
    with pytest.raises(AudioMissingError):
        kept.here.playable("0199-a")


def test_all_ids_are_listed_page_after_page(kept, recording):
    ids = {f"0199-{number}" for number in range(60)}
    for audio_id in ids:
        kept.here.put(audio_id, recording(HELLO))

    assert sorted(kept.there.ids()) == sorted(ids)


@pytest.mark.parametrize("hostile", ["../../etc/passwd", "", ".hidden", "a/b", "a\n", "a" * 81, "a*", "é"])
def test_an_id_from_outside_leads_nowhere(kept, recording, hostile):
    with pytest.raises(InvalidValueError):
        kept.here.put(hostile, recording(HELLO))
    kept.here.put("0199-a", recording(HELLO))
    with pytest.raises(AudioMissingError):
        kept.here.playable(hostile)
    assert not kept.here.exists(hostile)
    kept.here.delete(hostile)
    assert list(kept.here.ids()) == ["0199-a"]


def test_a_store_that_is_away_says_so_whatever_is_asked(kept, recording):
    source = recording(HELLO)
    kept.go_down()

    for ask in (
        lambda: kept.here.put("0199-a", source),
        lambda: kept.here.playable("0199-a"),
        lambda: kept.here.exists("0199-a"),
        lambda: kept.here.delete("0199-a"),
        lambda: list(kept.here.ids()),
    ):
        with pytest.raises(StoreDownError):
            ask()


def test_a_share_that_is_not_mounted_is_not_made_on_the_nodes_own_disk(tmp_path, recording):
    audio = FolderAudio(tmp_path / "mnt" / "voicemail")

    with pytest.raises(StoreDownError, match="mounted"):
        audio.put("0199-a", recording(HELLO))

    assert not (tmp_path / "mnt").exists()


def test_a_source_that_cannot_be_read_stores_nothing(kept, tmp_path):
    with pytest.raises(OSError, match="no-such-recording"):
        kept.here.put("0199-a", tmp_path / "no-such-recording.wav")

    assert not kept.here.exists("0199-a")


def test_two_nodes_that_store_the_same_sound_at_once_leave_one_whole_sound(kept, recording):
    content = HELLO * 20000
    source = recording(content)
    together = threading.Barrier(2)

    def stored(audio):
        with contextlib.suppress(StoreDownError):  # the stand-in for S3 may say 500 when two come at once
            audio.put("0199-a", source)
            return True
        return False

    def store(audio):
        together.wait()
        wait_until(lambda: stored(audio))

    threads = [threading.Thread(target=store, args=(audio,)) for audio in (kept.here, kept.there)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)

    assert kept.there.playable("0199-a").read_bytes() == content
    assert list(kept.here.ids()) == ["0199-a"]


def test_a_share_without_hard_links_will_do(tmp_path, recording, monkeypatch):
    def no_links(self, target):
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr("pathlib.Path.hardlink_to", no_links)
    audio = FolderAudio(tmp_path)

    audio.put("0199-a", recording(HELLO))
    audio.put("0199-a", recording(OTHER))

    assert audio.playable("0199-a").read_bytes() == HELLO


def test_what_a_crash_left_half_written_in_the_share_is_removed_a_day_later(tmp_path, recording):
    now = [0.0]
    audio = FolderAudio(tmp_path, wall=lambda: now[0])
    audio.put("0199-a", recording(HELLO))
    half = audio.playable("0199-a").with_name(".0199-b.wav.12345678.part")
    half.write_bytes(b"RI")
    written = half.stat().st_mtime

    now[0] = written + 3600
    assert list(audio.ids()) == ["0199-a"]
    assert half.exists()

    now[0] = written + 90000
    assert list(audio.ids()) == ["0199-a"]
    assert not half.exists()


MANY = ["0199-a", "0199-a.1", "0199-a.2", "0199-a.17"]


def test_a_sound_of_many_is_there_for_each_until_the_last_is_deleted(kept, recording):
    kept.here.put_many(MANY, recording(HELLO))
    kept.here.put_many(MANY, recording(OTHER))  # again: nothing changes
    kept.here.put_many([f"{one}.intro" for one in MANY], recording(OTHER))
    assert set(kept.there.ids()) == {*MANY, *(f"{one}.intro" for one in MANY)}
    assert kept.there.missing([*MANY, "0199-a.intro"]) == set()
    for place, one in enumerate(MANY):
        assert kept.there.exists(one)
        assert kept.there.playable(one).read_bytes() == HELLO
        kept.here.delete(one)
        kept.here.delete(one)
        assert not kept.there.exists(one)
        assert [kept.there.exists(other) for other in MANY[place + 1 :]] == [True] * (len(MANY) - place - 1)
    assert kept.there.playable("0199-a.2.intro").read_bytes() == OTHER
    assert set(kept.there.ids()) == {f"{one}.intro" for one in MANY}


def test_one_of_many_can_come_back_after_the_last_went(kept, recording):
    kept.here.put_many(MANY[:2], recording(HELLO))
    for one in MANY[:2]:
        kept.here.delete(one)
    kept.here.put_many(["0199-a.2"], recording(OTHER))
    assert kept.there.playable("0199-a.2").read_bytes() == OTHER
    assert not kept.there.exists("0199-a")


def test_redis_keeps_a_sound_of_many_once_and_nothing_of_it_when_all_are_gone(redis_servers, tmp_path, recording):
    for kind in ("redis", "cluster"):
        link = connect_redis(redis_servers(kind).url)
        audio = RedisAudio(link, keys.audio, Cache(tmp_path / kind, limit_bytes=1 << 20))
        for audio_id in list(audio.ids()):
            audio.delete(audio_id)
        ids = ["0199-c", *(f"0199-c.{place}" for place in range(1, 400))]
        audio.put_many(ids, recording(bytes(100_000)))
        found = link.run(None, lambda client: list(client.scan_iter("vm:audio:*c*")))
        assert sorted(found) == [b"vm:audio:{0199-c}", b"vm:audio:{0199-c}:for"]
        for audio_id in ids:
            audio.delete(audio_id)
        assert link.run(None, lambda client: list(client.scan_iter("vm:audio:*c*"))) == []
        link.close()


def test_without_boto3_s3_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(SettingsError, match=r"esl-vm\[s3\]"):
        connect(S3Address("voicemail"))


LONG = b"RIFF" + bytes(range(256)) * 10_000  # 2.4 MiB: more than a piece of it goes in one command


def test_a_long_sound_comes_back_whole_alone_or_shared_and_what_was_there_stays(kept, recording):
    kept.here.put("0199-a", recording(LONG))
    kept.here.put("0199-a", recording(LONG))
    kept.here.put_many(["0200-b", "0200-b.1"], recording(LONG))
    for audio_id in ("0199-a", "0200-b", "0200-b.1"):
        assert kept.there.playable(audio_id).read_bytes() == LONG
    assert set(kept.here.ids()) == {"0199-a", "0200-b", "0200-b.1"}
    kept.here.put("0199-a", recording(LONG[::-1]))
    kept.there.delete("0200-b")
    for audio_id in ("0199-a", "0200-b.1"):
        assert kept.here.playable(audio_id).read_bytes() == LONG


@pytest.mark.parametrize("kind", ["redis", "cluster"])
def test_no_command_carries_more_than_a_piece_of_a_long_sound(kind, redis_servers, tmp_path, recording):
    """Redis closes the connection of one that does: such a sound could never be stored over a slow way."""
    try:
        link = connect_redis(redis_servers(kind).url)
    except NoRedisError as error:
        pytest.skip(str(error))
    everywhere = {"target_nodes": "primaries"} if kind == "cluster" else {}
    link.run(None, lambda client: client.config_set("client-query-buffer-limit", "2mb", **everywhere))
    try:
        with pytest.raises(StoreDownError):
            link.announce(keys.audio("0199-a"), "SET", keys.audio("0199-a"), LONG)
        with link_anew(redis_servers(kind).url) as other:
            audio = RedisAudio(other, keys.audio, Cache(tmp_path / "cache", limit_bytes=8 << 20))
            audio.put("0199-a", recording(LONG))
            audio.put_many(["0200-b", "0200-b.1"], recording(LONG))
            assert audio.missing(["0199-a", "0200-b", "0200-b.1"]) == set()
            left = other.run(None, lambda client: client.keys("*:part"))
            assert left == []
            for audio_id in ("0199-a", "0200-b", "0200-b.1"):
                ttl = other.run(None, lambda client, one=audio_id: client.ttl(keys.audio(one)))
                assert ttl in {-1, -2}  # it does not expire, or lies under its message's name
                audio.delete(audio_id)
    finally:
        with link_anew(redis_servers(kind).url) as other:
            other.run(None, lambda client: client.config_set("client-query-buffer-limit", "1gb", **everywhere))
        link.close()


@contextlib.contextmanager
def link_anew(url: str):
    """A way to Redis that has not failed yet."""
    link = connect_redis(url)
    yield link
    link.close()


def test_a_string_is_fetched_piece_by_piece(monkeypatch):
    monkeypatch.setattr(redis_pieces, "PIECE", 4)
    for there in (b"", b"abc", b"abcd", b"abcdefgh", b"abcdefghi"):
        asked = []

        def ask(first: int, last: int, there: bytes = there, asked: list = asked) -> bytes:
            asked.append(last - first + 1)
            return there[first : last + 1]

        assert redis_pieces.fetch(ask) == (there or None)
        assert set(asked) == {4}


def test_what_is_stored_is_replaced_for_all_whose_it_is_and_not_brought_back_once_erased(kept, recording):
    pytest.importorskip("cryptography", reason="esl-vm[encryption] is not installed")
    later = KeyRing([b"n" * 32])
    kept.here.put("0199-a", recording(HELLO))
    kept.here.put_many(["0200-b", "0200-b.1"], recording(HELLO))
    assert {HELLO in kept.here.stored(audio_id) for audio_id in kept.here.ids()} == {"sealed" not in kept.kind}
    for audio_id in ("0199-a", "0200-b", "0200-b.1"):
        kept.there.replace(audio_id, later.close(OTHER))
    kept.there.replace("0201-c", OTHER)
    kept.here.delete("0199-a")
    kept.there.replace("0199-a", OTHER)
    assert sorted(kept.here.ids()) == ["0200-b", "0200-b.1"]
    assert {later.open(kept.here.stored(audio_id)) for audio_id in ("0200-b", "0200-b.1")} == {OTHER}
    for unknown in ("0199-a", "0201-c"):
        with pytest.raises(AudioMissingError):
            kept.here.stored(unknown)


def test_the_names_of_one_file_stay_names_of_one_file(tmp_path, recording):
    audio = FolderAudio(tmp_path / "share")
    (tmp_path / "share").mkdir()
    ids = ["0200-b", "0200-b.1", "0200-b.2"]
    audio.put_many(ids, recording(HELLO))
    for audio_id in ids:
        audio.replace(audio_id, OTHER)
    files = [path.stat() for path in (tmp_path / "share").rglob("*.wav")]
    assert [one.st_nlink for one in files] == [3, 3, 3]
    assert len({one.st_ino for one in files}) == 1
