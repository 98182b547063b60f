"""A link by mail instead of a PIN: who reads the mailbox's mail signs in, once; who does not learns nothing."""

import re
from dataclasses import replace
from email import message_from_bytes, policy
from urllib.parse import urlencode

import pytest
from support.mail_neighbour import MailNeighbour
from support.redis_servers import wait_until
from support.web_house import House, Served

from esl_vm.model.events import SIGN_INS
from esl_vm.model.jobs import JobKind, JobState
from esl_vm.notify.job_worker import JobWorker
from esl_vm.notify.mail import Mailer
from esl_vm.notify.mail_templates import MailTemplates
from esl_vm.notify.smtp_connection import SmtpServer
from esl_vm.service.notifier import sign_in_link_maker

FORM = "application/x-www-form-urlencoded"
URL = "https://voicemail.example.com"


@pytest.fixture(scope="module")
def post():
    with MailNeighbour() as server:
        yield server


@pytest.fixture(scope="module")
def mailing(web_redis, tmp_path_factory, post):
    served = Served(
        tmp_path_factory.mktemp("mailed"),
        web_redis.url,
        f'[web]\nurl = "{URL}"\nsign_in_links = true\naddress_failures = 10\n[mail]\nhost = "127.0.0.1"\nport = {post.port}\n'
        'sender = "vm@example.com"\n',
    )
    yield served
    served.close()


class Clock:
    """The node's, some time later."""

    def __init__(self, clock, later_s):
        self._clock, self._later_s = clock, later_s

    def now(self):
        return self._clock.now() + self._later_s


@pytest.fixture
def house(mailing):
    return House(mailing)


def ask(house, box, address="198.51.100.50", language="en"):
    browser = house.served.browser(headers={"X-Forwarded-For": address, "Accept-Language": language})
    return browser.post("/sign-in/link", urlencode({"mailbox": str(box), "pin": ""}).encode(), kind=FORM)


def jobs(house, box):
    return [job for job in house.node.outbox.jobs(JobState.WAITING) if job.box == box]


def mailed(house, post, box, *, later_s=0.0):
    """What the mail has that was asked for: its message, and the path of its link; None: no mail went."""
    wait_until(lambda: jobs(house, box))
    settings, clock = house.node.settings.mail, Clock(house.node.clock, later_s)
    node = replace(house.node, clock=clock)
    mailer = Mailer(
        SmtpServer.of(settings), MailTemplates(), settings, house.store.mailboxes, house.node.audio,
        sign_in=sign_in_link_maker(node),
    )  # fmt: skip
    worker, before = JobWorker(JobKind.MAIL, house.node.outbox, mailer.carry, clock), len(post.accepted)
    while worker.step():
        pass
    if len(post.accepted) == before:
        return None
    message = message_from_bytes(post.accepted[-1][2], policy=policy.default)
    text = message.get_body(("plain",)).get_content()
    return message, re.search(rf"{re.escape(URL)}(/sign-in/link/\S+)", text)[1]


def said(reply):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.body.decode()))


def press(browser, path):
    return browser.post(path, b"", kind=FORM)


def test_who_reads_the_mail_signs_in_once_by_a_button(house, post):
    box = house.box(email="alice@example.com", language="fr")
    assert "Mail me a link instead" in said(house.served.browser(headers={"Accept-Language": "en"}).get("/"))
    assert ask(house, box).status == 200
    message, path = mailed(house, post, box)
    assert message["To"] == "alice@example.com"
    assert message["Subject"] == "Ouvrir votre boîte vocale 1001"
    scanner = house.served.browser()
    for method in ("GET", "HEAD"):
        assert scanner.ask(method, path).status == 200
        assert not scanner.cookie
    browser = house.served.browser()
    opened = press(browser, path)
    assert (opened.status, opened.headers["Location"]) == (303, f"/mailbox/{box}/folder/new")
    assert browser.get(f"/mailbox/{box}/folder/new").status == 200
    again = press(house.served.browser(headers={"Accept-Language": "en"}), path)
    assert again.status == 410
    assert "This link opens nothing any more" in said(again)
    [login] = [event for event in house.store.events.tail(50, box=box) if event.what == "login"]
    assert login.details["way"] == "mail"


def test_the_answer_is_the_same_whatever_is_there(house, post):
    with_mail, without = house.box(email="bob@example.com"), house.box("1002")
    answers = [ask(house, box, "198.51.100.51") for box in (with_mail, without, f"7777@{house.domain}", "?", "")]
    assert len({(answer.status, answer.body) for answer in answers}) == 1
    assert "If that mailbox has an address" in said(answers[0])
    assert mailed(house, post, with_mail)
    assert jobs(house, without) == []


def test_a_mailbox_gets_three_mails_an_hour_and_nobody_is_told(house, post):
    box, witness = house.box(email="carol@example.com"), house.box("1002", email="dan@example.com")
    answers = [ask(house, box, f"198.51.100.{60 + n}") for n in range(3)]
    wait_until(lambda: len(jobs(house, box)) == 3)
    answers.append(ask(house, box, "198.51.100.70"))
    ask(house, witness, "198.51.100.71")
    wait_until(lambda: jobs(house, witness))
    assert len(jobs(house, box)) == 3
    assert len({answer.body for answer in answers}) == 1
    mailed(house, post, box)


def test_an_address_asks_for_so_many_and_no_more(house):
    answers = [ask(house, f"7777@{house.domain}", "203.0.113.80").status for _ in range(21)]
    assert answers == [200] * 20 + [429]


def test_a_link_is_good_for_ten_minutes_from_when_it_was_asked_for(house, post):
    box = house.box(email="eve@example.com")
    ask(house, box, "198.51.100.52")
    assert mailed(house, post, box, later_s=601) is None
    assert jobs(house, box) == []
    ask(house, box, "198.51.100.52")
    _, path = mailed(house, post, box)
    left = house.store.link.run(None, lambda client: [client.ttl(key) for key in client.scan_iter("vm:links:owner:*")])
    assert left
    assert all(0 < seconds <= 600 for seconds in left)
    assert press(house.served.browser(), path).status == 303


def test_another_pin_or_another_mailbox_under_that_number_makes_it_void(house, post):
    box = house.box(email="fay@example.com")
    ask(house, box, "198.51.100.53")
    _, path = mailed(house, post, box)
    house.store.pins.change(box, "739182")
    assert press(house.served.browser(), path).status == 410
    [failed] = [event for event in house.store.events.tail(50, box=box) if event.what == "login-failed"]
    assert failed.details["why"] == "older than the PIN"


def test_guessing_at_links_is_counted_and_written_down(house):
    began = house.seen(SIGN_INS)
    stranger = house.served.browser(headers={"X-Forwarded-For": "203.0.113.90", "Accept-Language": "en"})
    assert [press(stranger, "/sign-in/link/guess").status for _ in range(11)] == [410] * 10 + [429]
    told = [event.details for event in house.since(began, SIGN_INS)]
    assert {(one["way"], one["from"], one["why"]) for one in told} == {("mail", "203.0.113.90", "no such link")}


def test_no_link_is_logged_or_kept(house, post):
    box = house.box(email="gil@example.com")
    ask(house, box, "198.51.100.54")
    _, path = mailed(house, post, box)
    secret = path.rpartition("/")[2]
    press(house.served.browser(), path)
    assert secret not in house.served.log.read_text()
    assert secret not in house.served.command("mail", "list", "--json")


def test_nobody_is_mailed_a_link_where_that_is_off(served):
    reply = served.browser().post("/sign-in/link", b"mailbox=1001", kind=FORM)
    assert reply.status == 404
    assert b"/sign-in/link" not in served.browser().get("/").body
