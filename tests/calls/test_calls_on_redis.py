"""The book of calls with the mailboxes in Redis: fakeredis for all of it, a real redis-server for what changes most."""

import fakeredis
import pytest
from calls import play_book
from calls.book import CALLS, PhoneCall
from support.real_rig import RealRig
from support.redis_servers import NoRedisError, redis_server

CHANGING = [call for call in CALLS if call.after or call.greetings or call.pin]


@pytest.fixture(scope="module")
def real_redis():
    try:
        with redis_server() as server:
            yield server
    except NoRedisError as missing:
        pytest.skip(str(missing))


def play(call: PhoneCall, redis, folder) -> None:
    rig = RealRig(folder, redis, now=play_book.NOON, language=call.language)
    try:
        play_book.furnish(call, rig, folder / "before")
        rig.ring(play_book.call_of(call), call.does)
        play_book.check(call, rig, rig.heard)
    finally:
        rig.close()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_call_on_fakeredis(call: PhoneCall, tmp_path):
    play(call, fakeredis.FakeRedis(), tmp_path)


@pytest.mark.parametrize("call", CHANGING, ids=lambda call: call.name)
def test_call_on_a_real_redis(call: PhoneCall, tmp_path, real_redis):
    with real_redis.client() as client:
        client.flushall()
    play(call, real_redis.url, tmp_path)
