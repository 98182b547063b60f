"""The campaign of messages in writing in its short form; `make chaos` strikes at every point and tries every bad answer."""

from itertools import islice

import pytest
from chaos import transcripts
from chaos.transcripts import KILLED, STOPPED


@pytest.fixture(scope="module")
def there():
    with transcripts.installation() as made:
        yield made


@pytest.mark.parametrize(
    ("whom", "how", "at"),
    [("worker", KILLED, 19), ("Redis", KILLED, 14), ("worker", STOPPED, 10), ("serve's process", KILLED, 19)],
)
def test_a_message_has_its_text_once_and_one_mail_whatever_is_killed_or_stopped(there, whom, how, at):
    kind, wrong = transcripts.struck(there, whom, how, at)
    assert kind, "there are fewer points"
    assert wrong == []


def test_a_message_has_its_text_and_one_mail_when_an_engine_answered_with_an_error_first(there):
    [(answer, _, wrong)] = islice(transcripts.starved(there), 1)
    assert (answer, wrong) == ("503", [])


def test_the_campaign_notices_a_second_mail_and_a_text_that_is_not_there(there):
    before = len(there.post.letters.mails)
    there.leave_and_transcribe()
    transcripts.wait_until(there.settled)
    name, mails = there.leave_and_transcribe(), len(there.post.letters.mails)
    transcripts.wait_until(there.settled)
    assert there.wrong(name, mails) == []
    assert there.wrong(name, before) == ["2 mails"]
    there.house.leave(message_id="unheard")
    assert "its transcript is None" in there.wrong("unheard", mails)


def test_no_log_of_any_of_them_has_a_word_of_it(there):
    there.leave_and_transcribe()
    transcripts.wait_until(there.settled)
    transcripts.wait_until(lambda: "transcript: done, language fr, 33 letters" in there.logs())
    assert "Rappelez" not in there.logs()
