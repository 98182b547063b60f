"""The append-only file after a power cut: noughts at its end, damage in its middle. What can be read is kept, and it is said."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from support.redis_servers import NoRedisError, redis_executable

from esl_vm.model.errors import StoreDownError
from esl_vm.store import embedded_mend
from esl_vm.store.embedded import Embedded
from esl_vm.store.embedded_mend import command_at, spans

KEYS = 200


def command(*words):
    parts = [f"${len(word)}\r\n".encode() + word + b"\r\n" for word in words]
    return f"*{len(words)}\r\n".encode() + b"".join(parts)


@pytest.fixture
def there_is_a_redis():
    try:
        redis_executable()
    except NoRedisError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def written(tmp_path, there_is_a_redis):
    """The append-only file of a server that was given keys, each by itself, and pairs in a transaction; stopped."""
    with Embedded(tmp_path) as server, redis.Redis(unix_socket_path=server.url.removeprefix("unix:")) as client:
        for number in range(KEYS):
            client.set(f"k{number}", bytes([number]) * 300)
            with client.pipeline(transaction=True) as pair:
                pair.set(f"a{number}", number).set(f"b{number}", number).execute()
    [path] = (tmp_path / "redis" / "appendonlydir").glob("*.incr.aof")
    return path


def found(folder):
    """The numbers whose key is there, those of whole pairs, those of halves; and what was said to be mended."""
    with Embedded(folder) as server, redis.Redis(unix_socket_path=server.url.removeprefix("unix:")) as client:
        keys = set(client.keys())
        told = server.mended
    single, first, second = ({n for n in range(KEYS) if f"{letter}{n}".encode() in keys} for letter in ("k", "a", "b"))
    return single, first & second, first ^ second, told


def test_noughts_at_the_end_are_cut_and_nothing_is_lost(tmp_path, written):
    whole = written.read_bytes()
    written.write_bytes(whole + bytes(4096))
    single, pairs, halves, told = found(tmp_path)
    assert (len(single), len(pairs), len(halves)) == (KEYS, KEYS, 0)
    assert len(told) == 1
    assert f"damaged from byte {len(whole)} on: 4096 of {len(whole) + 4096} bytes were cut" in told[0]
    [kept] = (tmp_path / "redis").glob("damaged-*/*")
    assert kept.read_bytes() == whole + bytes(4096)
    assert found(tmp_path)[3] == []  # the next time there is nothing to mend


@pytest.mark.parametrize("rubbish", [bytes(600), b"\xff" * 600, b"*3\r\n$3\r\nSET\r\n" * 46])
def test_damage_in_the_middle_costs_what_it_hit_and_no_half_of_a_pair_stays(tmp_path, written, rubbish):
    whole = bytearray(written.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + len(rubbish)] = rubbish
    written.write_bytes(whole)
    single, pairs, halves, told = found(tmp_path)
    assert len(single) >= KEYS - 4
    assert len(pairs) >= KEYS - 4
    assert halves == set()
    assert {0, KEYS - 1} <= single & pairs
    assert "was damaged from byte" in told[0]


def test_an_end_that_is_missing_costs_only_what_was_being_written(tmp_path, written):
    whole = written.read_bytes()
    written.write_bytes(whole[:-7])
    single, pairs, halves, _ = found(tmp_path)
    assert (len(single), len(pairs), halves) == (KEYS, KEYS - 1, set())


def test_a_base_that_is_damaged_can_t_be_mended_and_stays_as_it_is(tmp_path, written):
    [base] = written.parent.glob("*.base.rdb")
    base.write_bytes(b"REDIS0011" + b"\xff" * 100)
    before = written.read_bytes()
    with pytest.raises(StoreDownError, match="does not start"), Embedded(tmp_path):
        pass
    assert written.read_bytes() == before
    assert base.read_bytes() == b"REDIS0011" + b"\xff" * 100


def test_whatever_is_damaged_what_is_kept_is_whole_commands_and_whole_transactions():
    chance = random.Random(7)
    pieces = []
    for number in range(60):
        word = str(number).encode()
        if chance.random() < 0.5:
            pieces.append(command(b"SET", b"k" + word, b"v\r\n" * chance.randint(0, 9)))
        else:
            inner = command(b"SET", b"a" + word, b"1") + command(b"SET", b"b" + word, b"2")
            pieces.append(command(b"MULTI") + inner + command(b"EXEC"))
    whole = b"".join(pieces)
    assert list(spans(whole)) == [(0, len(whole))]
    for _ in range(300):
        damaged = bytearray(whole)
        at, size = chance.randrange(len(whole)), chance.randint(1, 200)
        damaged[at : at + size] = chance.choice([bytes(size), chance.randbytes(size)])
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        kept = b"".join(damaged[begin:end] for begin, end in spans(bytes(damaged)))
        place, opened = 0, False
        while place < len(kept):
            place, name = command_at(kept, place)
            assert not (name == b"MULTI" and opened)
            assert not (name == b"EXEC" and not opened)
            opened = name == b"MULTI" or (opened and name != b"EXEC")
        assert not opened


def test_what_lies_in_a_recording_is_no_command_of_ours():
    torn = b"*3\r\n$3\r\nSET\r\n$4\r\nk" + command(b"FLUSHALL") + command(b"SET", b"x", b"1")
    assert [torn[begin:end] for begin, end in spans(torn)] == [command(b"SET", b"x", b"1")]


def test_it_runs_with_nothing_but_the_standard_library(tmp_path):
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("file x.incr.aof seq 1 type i\n")
    (tmp_path / "appendonlydir" / "x.incr.aof").write_bytes(command(b"SET", b"x", b"1") + bytes(9))
    ran = subprocess.run(
        [sys.executable, "-S", "-E", Path(embedded_mend.__file__), tmp_path], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("mended: x.incr.aof was damaged from byte 27 on: 9 of 36 bytes were cut")
