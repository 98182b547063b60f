"""The book of calls with mailboxes and sounds in a real redis-server (in test_calls they are in fakeredis and a folder)."""

import pytest
from calls import play_book
from calls.book import CALLS, PhoneCall
from support.real_rig import RealRig
from support.redis_servers import NoRedisError, redis_server


@pytest.fixture(scope="module")
def real_redis():
    try:
        with redis_server() as server:
            yield server
    except NoRedisError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_call_on_a_real_redis(call: PhoneCall, tmp_path, real_redis):
    with real_redis.client() as client:
        client.flushall()
    rig = RealRig(tmp_path, real_redis.url, now=play_book.NOON, language=call.language)
    try:
        play_book.furnish(call, rig, tmp_path / "before")
        rig.ring(play_book.call_of(call), call.does)
        play_book.check(call, rig, rig.heard)
    finally:
        rig.close()
