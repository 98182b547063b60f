"""Links in mails: signed by a key that all nodes share, that changes by itself, and that outlives what it signed."""

import pytest
from store_case import ALICE, BOB

from esl_vm.model.rights import MessageLink
from esl_vm.store.keys import LINK_KEYS

LIVES_S = 30 * 86400
MESSAGE = "19fb0a5c100-000000000003"


def made(case, box=ALICE, message_id=MESSAGE, lives_s=LIVES_S):
    return case.store.links.make(box, message_id, case.clock.now() + lives_s, lives_s)


def keys(case):
    return case.store.link.run(LINK_KEYS, lambda client: client.hlen(LINK_KEYS))


def test_a_link_tells_its_message_to_who_has_the_key_alone(case):
    token = made(case)
    assert case.store.links.read(token) == MessageLink(ALICE, MESSAGE, case.clock.now() + LIVES_S)
    assert made(case) == token  # a mail that is tried again is the same
    assert keys(case) == 1


def test_what_was_changed_by_a_letter_opens_nothing(case):
    token = made(case)
    others = [made(case, BOB), made(case, message_id="19fb0a5c100-000000000004")]
    mixed = [f"{other.partition('.')[0]}.{token.partition('.')[2]}" for other in others]
    for place in range(len(token)):
        letter = "A" if token[place] != "A" else "B"
        read = case.store.links.read(token[:place] + letter + token[place + 1 :])
        # the last letter of each part has bits to spare
        assert read is None or place in {token.index(".") - 1, len(token) - 1}, place
    for junk in ("", ".", "a.b", "é.é", token.partition(".")[0], token + "x", *mixed, token.upper()):
        assert case.store.links.read(junk) is None, junk


def test_another_key_takes_over_and_no_link_dies_by_it(case):
    links = []
    for _ in range(8):
        links.append((case.clock.now() + LIVES_S, made(case)))
        case.clock.passes(days=13)
        now = case.clock.now()
        assert all(case.store.links.read(token) for until, token in links if until >= now)
    assert 1 < keys(case) <= 4
    assert case.store.links.read(links[0][1]) is None  # its key is gone, long after it


def test_a_longer_life_makes_a_key_that_is_kept_as_long(case):
    made(case, lives_s=86400)
    long = made(case, lives_s=LIVES_S)
    for _ in range(29):
        case.clock.passes(days=1)
        made(case, lives_s=86400)
    assert case.store.links.read(long)


def test_a_link_follows_its_mailbox_to_another_name(case):
    case.store.registry.add(ALICE, {})
    token = made(case)
    case.store.renames.rename(ALICE, BOB)
    assert case.store.links.read(token).box == BOB


def test_all_of_them_are_void_when_somebody_says_so(case):
    token = made(case)
    assert case.store.links.revoke() == 1
    assert case.store.links.read(token) is None
    assert case.store.links.revoke() == 0
    assert case.store.links.read(made(case))


@pytest.mark.parametrize("message_id", ["../x", "a b", ""])
def test_no_message_can_be_called_so(case, message_id):
    assert case.store.links.read(made(case, message_id=message_id)) is None
