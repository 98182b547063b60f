"""The book of calls with mailboxes and sounds in a real redis-server (in test_calls they are in fakeredis and a folder)."""

import pytest
from calls import play_book
from calls.book import CALLS, IN, OWN, TWO, Box, PhoneCall
from support.closed_redis import CLOSED, FULL, closed_redis
from support.real_rig import RealRig

from esl_vm.model.mailbox import Folder, MailboxId


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_call_on_a_real_redis(call: PhoneCall, tmp_path, empty_redis):
    rig = RealRig(tmp_path, empty_redis.url, now=play_book.NOON, language=call.language)
    try:
        play_book.furnish(call, rig, tmp_path / "before")
        rig.ring(play_book.call_of(call), call.does)
        play_book.check(call, rig, rig.heard)
    finally:
        rig.close()


@pytest.mark.parametrize("why", CLOSED)
def test_owners_hear_their_messages_on_a_redis_that_takes_no_changes(why, tmp_path, empty_redis):
    """Heard can't be written: they stay new. A full one deletes all the same, which makes room."""
    does = IN + "w:vm-opts d:1 w:<sound> w:vm-repeat d:6 w:<sound> w:vm-repeat d:7 w:vm-deleted d:# end:20"
    call = PhoneCall("closed", "", OWN, does, "", boxes=(Box(messages=TWO),))
    made = RealRig(tmp_path, empty_redis.url, now=play_book.NOON)
    play_book.furnish(call, made, tmp_path / "before")
    made.close()
    with closed_redis(empty_redis, why) as url:
        rig = RealRig(tmp_path, url, now=play_book.NOON)
        rig.ring(play_book.call_of(call), call.does if why == FULL else call.does.replace(" d:7 w:vm-deleted", ""))
        assert rig.problems == [], rig.transcript
        assert {"<1001-m0>", "<1001-m1>"} <= set(rig.heard)
        assert "im-sorry" not in rig.heard
        assert len(rig.messages(MailboxId("1001"), Folder.NEW)) == (1 if why == FULL else 2)
        rig.close()
