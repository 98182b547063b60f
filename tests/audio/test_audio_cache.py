"""A node's cache keeps to its size, and never takes a sound away from a call that plays it."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import stat

import pytest
from support.clocks import Clock

from esl_vm.audio.cache import Cache
from esl_vm.model.errors import StoreDownError

KIB = 1024


@pytest.fixture
def wall():
    return Clock()


@pytest.fixture
def cache(tmp_path, wall):
    return Cache(tmp_path / "cache", limit_bytes=10 * KIB, hold_s=600, wall=wall)


def play(cache, audio_id, size=KIB):
    """Ask for a sound; whether it had to be fetched from the store."""
    loaded = []

    def load():
        loaded.append(audio_id)
        return audio_id.encode().ljust(size, b".")

    path = cache.fetch(audio_id, load)
    assert path.read_bytes().startswith(audio_id.encode())
    return bool(loaded)


def size_of(cache):
    held = 0
    for path in cache.folder.rglob("*.wav"):
        with contextlib.suppress(FileNotFoundError):  # another process made room
            held += path.stat().st_size
    return held


def test_a_sound_is_fetched_once(cache):
    assert play(cache, "a")
    assert not play(cache, "a")


def test_what_was_heard_longest_ago_goes_first(cache, wall):
    for name in "abcdefghij":
        play(cache, name)
        wall.at += 60
    play(cache, "a")
    wall.at += 3600

    play(cache, "new")

    assert not play(cache, "a")
    assert play(cache, "b")
    assert size_of(cache) <= 10 * KIB


def test_the_cache_never_grows_beyond_its_size_by_more_than_a_twentieth(cache, wall):
    for number in range(200):
        play(cache, f"s{number}", 300)
        wall.at += 700
        assert size_of(cache) <= 10 * KIB * 1.05


def test_a_sound_that_may_be_playing_stays_even_when_the_cache_is_full(cache, wall):
    for number in range(30):
        play(cache, f"s{number}")
        wall.at += 1

    assert not any(play(cache, f"s{number}") for number in range(30))

    wall.at += 601
    play(cache, "later")
    assert size_of(cache) <= 10 * KIB


def test_asking_again_keeps_a_sound_for_another_while(cache, wall):
    play(cache, "long", 9 * KIB)
    wall.at += 500
    play(cache, "long", 9 * KIB)
    wall.at += 500

    play(cache, "other", 9 * KIB)

    assert not play(cache, "long", 9 * KIB)


def test_a_sound_larger_than_the_cache_is_played_all_the_same(cache):
    assert play(cache, "huge", 50 * KIB)
    assert not play(cache, "huge", 50 * KIB)


def test_a_forgotten_sound_is_fetched_again(cache):
    play(cache, "a")
    cache.forget("a")
    cache.forget("never-there")

    assert play(cache, "a")


def test_throwing_the_cache_away_between_two_calls_does_no_harm(cache):
    play(cache, "a")
    for path in sorted(cache.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    assert play(cache, "a")


def test_freeswitch_reads_it_through_the_group_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        path = Cache(tmp_path / "cache", limit_bytes=KIB).fetch("a", lambda: b"x")
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    for folder in (path.parent, path.parent.parent):
        assert folder.stat().st_mode & stat.S_IRGRP
        assert folder.stat().st_mode & stat.S_IXGRP


def test_a_setgid_folder_hands_its_group_on(tmp_path):
    os.chmod(tmp_path, 0o2770)

    path = Cache(tmp_path / "cache", limit_bytes=KIB).fetch("a", lambda: b"x")

    assert path.parent.stat().st_mode & stat.S_ISGID
    assert path.stat().st_gid == tmp_path.stat().st_gid


def test_when_the_disk_is_full_older_sounds_make_room(cache, wall, monkeypatch):
    play(cache, "old")
    wall.at += 3600
    really_write = os.write

    def write(fd, data):
        if any(cache.folder.rglob("old.wav")):
            raise OSError(errno.ENOSPC, "No space left on device")
        return really_write(fd, data)

    monkeypatch.setattr(os, "write", write)

    assert play(cache, "new")
    assert not list(cache.folder.rglob("*.part"))


def test_when_nothing_helps_the_listener_hears_that_messages_cannot_be_reached(cache, monkeypatch):
    def write(fd, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)

    with pytest.raises(StoreDownError, match="cache"):
        play(cache, "new")
    assert not list(cache.folder.rglob("new.wav"))
    assert not list(cache.folder.rglob("*.part"))


def test_a_cache_in_a_place_that_is_a_file_is_an_error_with_its_name(tmp_path):
    (tmp_path / "cache").write_text("not a folder")

    with pytest.raises(StoreDownError, match="cache"):
        Cache(tmp_path / "cache", limit_bytes=KIB).fetch("a", lambda: b"x")


def test_half_written_sounds_of_a_crash_are_removed_in_time(cache, wall):
    play(cache, "a")
    folder = next(cache.folder.rglob("a.wav")).parent
    half = folder / ".b.wav.00000000.part"
    half.write_bytes(b"half")
    os.utime(half, (wall.at, wall.at))

    cache.trim(0)
    assert half.exists()

    wall.at += 3601
    cache.trim(0)
    assert not half.exists()


def _listener(folder, seed, failures):
    cache = Cache(folder, limit_bytes=20 * KIB, hold_s=0)
    for step in range(150):
        name = f"s{(seed * 7 + step * 13) % 40}"
        content = name.encode() * 256
        path = cache.fetch(name, lambda content=content: content)
        try:
            if path.read_bytes() != content:
                failures.put(f"{name} is not whole")
        except FileNotFoundError:
            continue  # with hold_s=0 another process may remove it at once
    if size_of(cache) > 40 * KIB:
        failures.put(f"{size_of(cache)} bytes are kept")


def test_several_processes_share_a_cache_and_every_sound_is_whole(tmp_path):
    context = multiprocessing.get_context("fork")
    failures = context.Queue()
    workers = [context.Process(target=_listener, args=(tmp_path / "cache", seed, failures)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(100)
        assert worker.exitcode == 0

    assert failures.empty(), failures.get()
