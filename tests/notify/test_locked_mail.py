"""An owner whose PIN was locked by wrong ones is told by mail, once for each lock."""

from __future__ import annotations

import pytest
from house import House
from notify_cast import ALICE
from smtp_peer import post_office


@pytest.fixture
def house(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path)
    yield house
    house.close()


def mails(house, post):
    house.plan()
    worker = house.postman(post.port)
    while worker.step():
        pass
    return list(post.letters.mails)


def guess(house, *, outside):
    for _ in range(10):
        house.store.pins.check(ALICE, "0", "5145550199", outside=outside)


def test_from_outside_in_french(house):
    house.add()
    house.store.pins.change(ALICE, "4821")
    with post_office() as post:
        guess(house, outside=True)
        [mail] = mails(house, post)
        assert mails(house, post) == [mail]
    assert mail["Subject"] == "Des mots de passe erronés pour votre boîte vocale 1001"
    assert mail.envelope_to == ["helene@example.com"]
    text = mail.get_body(("plain",)).get_content()
    assert "la dernière fois du 5145550199" in text
    assert "verrouillée pour tous les téléphones sauf le vôtre jusqu'au " in text
    assert "4821" not in text


def test_from_the_own_telephone_in_english(house):
    house.add(language="en")
    with post_office() as post:
        guess(house, outside=False)
        [mail] = mails(house, post)
    assert "It is locked for your own telephone until " in mail.get_body(("plain",)).get_content()


def test_without_an_address_nobody_is_told(house):
    house.add(email="")
    with post_office() as post:
        guess(house, outside=True)
        assert mails(house, post) == []
