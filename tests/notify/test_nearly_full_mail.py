"""An owner whose mailbox is nearly full is told by mail, once each time it fills."""

from __future__ import annotations

import pytest
from house import House
from notify_cast import ALICE
from smtp_peer import post_office

from esl_vm.model.errors import SettingsError
from esl_vm.model.mailbox import Folder
from esl_vm.notify.mail_templates import MailTemplates


@pytest.fixture
def house(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path)
    yield house
    house.close()


def mails(house, post, about="pleine"):
    house.plan()
    worker = house.postman(post.port)
    while worker.step():
        pass
    return [mail for mail in post.letters.mails if about in mail["Subject"]]


def test_it_is_told_in_french_by_the_message_that_comes_across(house):
    house.add(maxmsg="5")
    with post_office() as post:
        for number in range(3):
            house.leave(message_id=f"m{number}")
        assert mails(house, post) == []
        house.leave(message_id="m3")
        house.leave(message_id="m4")
        [mail] = mails(house, post)
        assert mails(house, post) == [mail]
    assert mail["Subject"] == "Votre boîte vocale 1001 est presque pleine"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.envelope_to == ["helene@example.com"]
    text = mail.get_body(("plain",)).get_content()
    assert "Bonjour Hélène Côté" in text
    assert "elle contient 4 nouveaux messages sur 5." in text
    assert list(mail.iter_attachments()) == []


def test_seconds_are_told_in_words_and_in_english(house):
    house.add(quota_seconds="100", language="en", delete="yes")
    with post_office() as post:
        house.leave(seconds=85.0)
        [mail] = mails(house, post, "nearly full")
    assert "it holds 1 minute 25 seconds of 1 minute 40 seconds." in mail.get_body(("plain",)).get_content()
    assert house.mailboxes.counts(ALICE).of(Folder.TRASH) == 1  # its own mail put it there, not this one


def test_without_an_address_nobody_is_told(house):
    house.add(maxmsg="1", email="")
    with post_office() as post:
        house.leave()
        assert mails(house, post) == []


def test_a_template_of_ones_own_that_can_not_be_filled_in_is_named(tmp_path):
    (tmp_path / "room.fr.txt").write_text("{{ owner }} {{ caller }}")
    with pytest.raises(SettingsError, match=r"room\.fr\.txt"):
        MailTemplates(tmp_path).check()
