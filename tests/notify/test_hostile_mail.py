"""A caller's name is text: whatever it is, the mail has the headers that were written and no other."""

from __future__ import annotations

import email
import email.policy
import random
from dataclasses import replace
from email.header import decode_header, make_header

import pytest
from support.hostile_names import Hostile, encoded_words, hostile_callers, some_hostile_callers
from test_mail_templates import ENVELOPE, SOUND, news

from esl_vm.model.message import Caller, one_line
from esl_vm.notify import wording
from esl_vm.notify.mail_templates import MailTemplates

fast_mail_parser = pytest.importorskip("fast_mail_parser", reason="the second mail parser is in the extra `test`")

OUTER = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Id",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
]
MAIL = [*OUTER, "MIME-Version", "Content-Type", "Content-Language"]
PAGE = [*OUTER, "Content-Type", "Content-Transfer-Encoding", "MIME-Version", "Content-Language"]
TURNING = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}
LETTERS = MailTemplates()


def told_of(name, number):
    """What a mail says of a call that came with this name and number, as the service keeps them."""
    caller, call = Caller(number, name), Hostile(name, number).call
    said = wording.caller(caller.name, caller.number, "en")
    return news("en", caller=said, caller_name=caller.name, caller_number=caller.number, owner=name, call=call)


def headers_of(told, usual=MAIL):
    """The headers of a mail about it: the usual ones, and those of the call."""
    return [
        *OUTER,
        *(f"X-Voicemail-{name.replace('_', '-').title()}" for name in told.call.as_fields()),
        *usual[len(OUTER) :],
    ]


def read(header):
    """A header's text; a word too long for the first line begins on the second."""
    return str(make_header(decode_header(header.replace("\r\n ", " ").lstrip(" "))))


def check(raw, told, usual=MAIL):
    headers, subject = headers_of(told, usual), one_line(f"Voicemail from {told.caller}", 200)
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    mine = email.message_from_bytes(raw, policy=email.policy.compat32)
    assert mine.keys() == headers
    theirs = fast_mail_parser.parse_email(raw)
    assert {name: len(values) for name, values in theirs.headers.items()} == dict.fromkeys(headers, 1)
    assert read(mine["Subject"]) == theirs.subject == subject
    assert [read(mine[name]) for name in headers if name.startswith("X-Voicemail")] == [*told.call.as_fields().values()]
    assert mine["To"] == "helene@example.com"
    assert theirs.headers["To"] == ["helene@example.com"]
    assert theirs.headers["Reply-To"] == ["help@example.com"]
    assert not TURNING & set(theirs.subject)
    return mine, theirs


def test_a_mail_about_each_hostile_caller_has_the_headers_that_were_written():
    for caller in some_hostile_callers():
        told = told_of(caller.name, caller.number)
        mine, theirs = check(
            LETTERS.mail(told, ENVELOPE, [SOUND]).as_bytes(),
            told,
        )
        [mixed] = [part for part in mine.walk() if part.get_content_type() == "multipart/mixed"]
        assert [part.get_content_type() for part in mixed.get_payload()] == ["multipart/alternative", "audio/x-wav"]
        assert len(list(mine.walk())) == 5
        assert [(file.filename, file.content) for file in theirs.attachments] == [(SOUND.name, SOUND.data)]
        assert "<script>" not in theirs.text_html[0]


def test_a_page_about_each_is_one_line_with_the_headers_that_were_written():
    for caller in some_hostile_callers()[::5]:
        told = told_of(caller.name, caller.number)
        mine, _ = check(LETTERS.page(told, ENVELOPE).as_bytes(), told, PAGE)
        assert mine.get_payload(decode=True).count(b"\n") == 1


@pytest.mark.parametrize("word", encoded_words("A\r\nReply-To: thief@example.com"))
def test_an_encoded_word_is_shown_as_it_came(word):
    raw = LETTERS.mail(told_of(word, "5145551234"), ENVELOPE, []).as_bytes()
    mine = email.message_from_bytes(raw, policy=email.policy.default)
    assert mine["Subject"] == f"Voicemail from {Caller(name=word).name} (5145551234)"
    assert mine.get_all("Reply-To") == ["help@example.com"]


def test_the_sender_s_name_and_an_administrator_s_template_are_text_too(tmp_path):
    (tmp_path / "subject.en.txt").write_text("{{ caller_number }}\r\nX-Forged: yes\r\n\r\n{{ caller_name }}", "utf-8")
    chance = random.Random(1)
    for caller in chance.sample(hostile_callers(), 100):
        envelope = replace(ENVELOPE, sender_name=caller.name)
        told = told_of(caller.name, caller.number)
        mail = MailTemplates(tmp_path).mail(told, envelope, [])
        found = email.message_from_bytes(mail.as_bytes(), policy=email.policy.compat32)
        assert found.keys() == headers_of(told)
        [(_, address)] = email.utils.getaddresses([found["From"]])
        assert address == ENVELOPE.sender


def test_python_s_newer_parser_finds_the_same():
    for caller in some_hostile_callers()[::5]:
        told = told_of(caller.name, caller.number)
        raw = LETTERS.mail(told, ENVELOPE, [SOUND]).as_bytes()
        mine = email.message_from_bytes(raw, policy=email.policy.default)
        assert mine.keys() == headers_of(told)
        assert mine["Subject"] == one_line(f"Voicemail from {told.caller}", 200)
        assert [str(address) for address in mine["To"].addresses] == ["helene@example.com"]


def test_the_callers_are_the_same_in_every_run_and_no_two_alike():
    callers = hostile_callers()
    assert len(set(callers)) == len(callers) == 5000
    assert callers == hostile_callers()
    assert Hostile("\x00", "\x00") in callers
