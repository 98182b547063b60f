"""The book of calls with mailboxes and sounds in a real redis-server (in test_calls they are in fakeredis and a folder)."""

import pytest
from calls import play_book
from calls.book import CALLS, PhoneCall
from support.real_rig import RealRig


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_call_on_a_real_redis(call: PhoneCall, tmp_path, empty_redis):
    rig = RealRig(tmp_path, empty_redis.url, now=play_book.NOON, language=call.language)
    try:
        play_book.furnish(call, rig, tmp_path / "before")
        rig.ring(play_book.call_of(call), call.does)
        play_book.check(call, rig, rig.heard)
    finally:
        rig.close()
