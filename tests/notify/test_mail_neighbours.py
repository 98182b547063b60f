"""A mail server that misbehaves at each step: who got the mail, who gets it later, and who never."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
from house import ALICE, House
from support.mail_neighbour import MailNeighbour
from support.neighbour import Manner
from support.strikes import Strikes
from support.tables import stands_in, written
from support.waiting import PATIENCE_S

from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.settings import MailSettings
from esl_vm.notify import smtp, smtp_connection
from esl_vm.notify.job_worker import Deferred, Refused, Sent
from esl_vm.notify.mail import Mailer
from esl_vm.notify.mail_templates import MailTemplates
from esl_vm.notify.smtp_connection import Security, SmtpServer

WANTED = ["a@example.com", "b@example.com", "c@example.com"]
MANNERS = {
    **{manner.value: manner for manner in Manner},
    "421": b"421 4.3.2 closing\r\n",
    "4xx": b"451 4.7.1 later\r\n",
    "5xx": b"550 5.7.1 never\r\n",
    "552": b"552 5.3.4 too large\r\n",
}
AWAY, AGAIN, NEVER, SENT, BARE = "server away", "again later", "refused", "sent", "sent without its sound"
REST, OUT = "the others sent, this one again later", "the others sent, this one refused"
#: What becomes of a mail to three addresses; RCPT is the second one's.
EXPECTED = {
    "connect": dict.fromkeys(MANNERS, AWAY),
    "ehlo": {**dict.fromkeys(MANNERS, AWAY), "421": SENT, "4xx": SENT, "5xx": SENT, "552": SENT},
    "starttls": dict.fromkeys(MANNERS, AWAY),
    "auth": dict.fromkeys(MANNERS, AWAY),
    "mail": {**dict.fromkeys(MANNERS, AWAY), "552": BARE},
    "rcpt b@example.com": {**dict.fromkeys(MANNERS, REST), "5xx": OUT},
    "data": {**dict.fromkeys(MANNERS, AGAIN), "5xx": NEVER, "552": BARE},
    "content": {**dict.fromkeys(MANNERS, AGAIN), "5xx": NEVER, "552": BARE},
    "dot": {**dict.fromkeys(MANNERS, AGAIN), "5xx": NEVER, "552": BARE},
    "quit": dict.fromkeys(MANNERS, SENT),
}


@pytest.fixture
def house(redis_here, tmp_path):
    there = House(redis_here.url, tmp_path)
    there.add(email=",".join(WANTED), delete="yes")
    there.leave()
    yield there
    there.close()


def job_of(**body):
    told = {
        "id": "m1",
        "received": 1795018000.0,
        "caller_name": "Zoé",
        "caller_number": "5145551234",
        "duration_ms": 1500,
    }
    return Job(
        "mail:x", JobKind.MAIL, ALICE, {"form": "letter", "message": told, "new": 1, "old": 0, **body}, attempts=1
    )


def mailer_to(house, neighbour, **server):
    server = SmtpServer("127.0.0.1", neighbour.port, **{"timeout_s": PATIENCE_S, "helo": "pbx.example.com"} | server)
    return Mailer(server, MailTemplates(), MailSettings(sender="vm@pbx.example.com"), house.mailboxes, house.audio)


def seen(outcome, accepted):
    """What became of the mail, in the words of the table."""
    everyone = [to for _, recipients, _ in accepted for to in recipients]
    assert len(set(everyone)) == len(everyone), "nobody gets it twice"
    match outcome:
        case Sent():
            assert sorted(everyone) == WANTED
            sounds = {b"audio/x-wav" in content for _, _, content in accepted}
            assert (outcome.then is not None) == (sounds == {True}), "what lacks its sound deletes nothing"
            return SENT if sounds == {True} else BARE
        case Deferred(away=True):
            assert not accepted
            return AWAY
        case Deferred(job=left):
            assert sorted([*everyone, *left.body["to"]]) == WANTED
            return REST if accepted else AGAIN
        case Refused():
            return OUT if accepted else NEVER


def one(house, step, manner):
    server = {}
    offers = ["8BITMIME"]
    if step == "starttls":
        server, offers = {"security": Security.STARTTLS}, ["STARTTLS"]
    if step == "auth":
        server, offers = {"user": "u", "password": "p"}, ["AUTH PLAIN"]
    manners = {step: [manner] if manner == MANNERS["552"] else manner}  # without its sound it is small enough
    with MailNeighbour(manners, offers) as neighbour:
        outcome = mailer_to(house, neighbour, **server).carry(job_of())
        return seen(outcome, neighbour.accepted)


@pytest.mark.parametrize("step", EXPECTED)
def test_every_manner_at_every_step_has_the_outcome_that_the_docs_say(house, step, monkeypatch):
    strikes = Strikes(monkeypatch, smtp, smtp_connection)
    manners = {**MANNERS, "hangs": strikes.then(Manner.HANG), "drips": strikes.then(Manner.DRIP)}
    assert {name: one(house, step, manner) for name, manner in manners.items()} == EXPECTED[step]


@pytest.mark.parametrize("manner", [Manner.HANG, Manner.DRIP])
def test_its_time_is_over_by_the_clock_too(house, manner):
    with MailNeighbour({"connect": manner}) as neighbour:
        assert seen(mailer_to(house, neighbour, timeout_s=0.2).carry(job_of()), neighbour.accepted) == AWAY


def test_the_docs_have_the_table():
    names = {
        "rcpt b@example.com": "RCPT of the second of three",
        "dot": "the final full stop",
        "content": "in the middle of the mail",
    }
    table = [["at", *MANNERS], *([names.get(step, step.upper()), *row.values()] for step, row in EXPECTED.items())]
    assert stands_in("notify.md", table), written(table)


def test_a_421_at_one_address_costs_nobody_else_his_mail_and_deletes_nothing(house):
    with MailNeighbour({"rcpt b@example.com": MANNERS["421"]}) as neighbour:
        mailer = mailer_to(house, neighbour)
        first = mailer.carry(job_of())
        assert isinstance(first, Deferred)
        assert first.job.body["to"] == ["b@example.com"]
        neighbour.manners.clear()
        assert isinstance(mailer.carry(first.job), Sent)
        assert sorted(to for _, recipients, _ in neighbour.accepted for to in recipients) == WANTED


def test_an_address_beyond_ascii_goes_by_itself_and_takes_nobody_down(house):
    house.registry.change(ALICE, {"email": "a@example.com"})
    wanted = ["a@example.com", "zoé@example.com"]
    with MailNeighbour(offers=["8BITMIME"]) as old, MailNeighbour(offers=["SMTPUTF8", "8BITMIME"]) as new:
        refused = mailer_to(house, old).carry(job_of(to=wanted))
        assert isinstance(refused, Refused)
        assert "SMTPUTF8" in refused.error
        assert [recipients for _, recipients, _ in old.accepted] == [("a@example.com",)]
        assert isinstance(mailer_to(house, new).carry(job_of(to=wanted)), Sent)
        assert [recipients for _, recipients, _ in new.accepted] == [("a@example.com",), ("zoé@example.com",)]
        assert "To: zoé@example.com".encode() in new.accepted[1][2]


def test_a_mail_larger_than_the_server_says_it_takes_goes_without_its_sound_at_once(house):
    with MailNeighbour(offers=["SIZE 10000"]) as neighbour:
        outcome = mailer_to(house, neighbour).carry(job_of())
        assert seen(outcome, neighbour.accepted) == BARE
        [(_, _, content)] = neighbour.accepted
        assert b"coutez" not in content
        assert b"appelez votre bo" in content


def test_what_was_sent_without_its_sound_stays_without_and_is_not_deleted(house):
    with MailNeighbour({"dot": [MANNERS["552"]], "rcpt b@example.com": [None, b"451 later\r\n"]}) as neighbour:
        mailer = mailer_to(house, neighbour)
        first = mailer.carry(job_of())
        assert first.job.body["to"] == ["b@example.com"]
        assert isinstance(mailer.carry(first.job), Sent)
        assert not any(b"audio/x-wav" in content for _, _, content in neighbour.accepted)
        assert mailer.carry(first.job).then is None


def test_a_server_may_take_longer_to_accept_than_to_answer(house, monkeypatch):
    """RFC 5321 gives it ten minutes: who hangs up before that sends the mail twice."""
    given, times = [], []

    @contextmanager
    def deadline(seconds, hang_up):
        yield
        hang_up()
        given.append((seconds, times.pop()))

    for module in (smtp, smtp_connection):
        monkeypatch.setattr(module, "deadline", deadline)
        monkeypatch.setattr(module, "cut", lambda line: times.append(line and line.gettimeout()))
    with MailNeighbour() as neighbour:
        outcome = mailer_to(house, neighbour, timeout_s=60.0, accept_s=700.0).carry(job_of())
        assert seen(outcome, neighbour.accepted) == SENT
    *before, accepted, _ = given
    assert (set(before), accepted) == ({(600.0, 60.0)}, (700.0, 700.0))


def test_a_refused_sender_says_why(house):
    with MailNeighbour({"mail": b"550 5.1.8 no such sender\r\n"}) as neighbour:
        outcome = mailer_to(house, neighbour).carry(replace(job_of(), attempts=2))
        assert outcome.away
        assert "5.1.8 no such sender" in outcome.error
