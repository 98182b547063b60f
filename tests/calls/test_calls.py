"""The book of calls in virtual time: the conversation alone on a line, and the whole service behind its event socket."""

import pytest
from calls import play_book
from calls.book import CALLS, Box, PhoneCall
from calls.play_book import not_heard
from support.rig import NodeRig, Rig


@pytest.mark.parametrize("kind", [Rig, NodeRig], ids=["line", "node"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_call(call: PhoneCall, kind: type[Rig], tmp_path):
    rig = kind(tmp_path, now=play_book.NOON, language=call.language)
    play_book.furnish(call, rig, tmp_path / "before")
    rig.ring(play_book.call_of(call), call.does)
    play_book.check(call, rig, rig.heard)


def test_the_book_has_a_call_for_every_key_of_the_guide():
    assert len(CALLS) >= 40
    assert len({call.name for call in CALLS}) == len(CALLS)


def test_a_prompt_out_of_place_is_noticed():
    assert not_heard(["a", "c", "b"], ["a", "b", "c"]) == "b"
    assert not_heard(["a", "c"], ["a", "b", "c"]) is None
    assert Box().number == "1001"
