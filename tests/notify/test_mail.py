"""Mail through a real SMTP server: once per message, whatever happens to the server on the way."""

from __future__ import annotations

import io
import os
import ssl
import subprocess
import sys
import wave
from datetime import UTC, datetime, timedelta

import pytest
import soundfile
from house import House
from notify_cast import ALICE, BOB, NOON
from smtp_peer import Post, mute_server, post_office

from esl_vm.actions.mailing import ask_for_mail
from esl_vm.model.errors import AudioMissingError, SettingsError
from esl_vm.model.events import EventType
from esl_vm.model.jobs import Job, JobKind, JobState
from esl_vm.model.mailbox import Folder
from esl_vm.model.settings import MailSettings
from esl_vm.notify import mail as mails
from esl_vm.notify.mail import Mailer
from esl_vm.notify.mail_templates import MailTemplates
from esl_vm.notify.plan import Wishes, jobs_of
from esl_vm.notify.smtp_connection import Security, SmtpServer

HOUR = 3600.0


@pytest.fixture
def house(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path)
    yield house
    house.close()


@pytest.fixture
def post():
    with post_office() as post:
        yield post


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Contexts of a server with a certificate for 127.0.0.1, and of a client that trusts it."""
    pytest.importorskip("cryptography")
    from smtp_certificate import make_certificate

    return make_certificate(tmp_path_factory.mktemp("tls"))


def work(worker):
    while worker.step():
        pass


def pass_time(house, worker, seconds, every=20.0):
    for _ in range(int(seconds / every)):
        house.clock.later(every)
        work(worker)


def where(house, message_id="m1", box=ALICE):
    return house.mailboxes.message(box, message_id).folder


def sounds_of(mail):
    return {part.get_filename(): part for part in mail.iter_attachments()}


def test_a_message_left_is_mailed_with_its_sound_and_its_accents(house, post):
    house.add()
    house.leave()
    house.plan()
    work(house.postman(post.port))
    [mail] = post.letters.mails
    assert mail["Subject"] == "Message vocal : Zoé Bélanger (5145551234)"
    assert mail.envelope_to == ["helene@example.com"]
    assert mail.envelope_from == "vm@pbx.example.com"
    assert "Bonjour Hélène Côté" in mail.get_body(("plain",)).get_content()
    [(name, part)] = sounds_of(mail).items()
    assert name == "message-20261118-110640.wav"
    with wave.open(io.BytesIO(part.get_content())) as sound:
        assert (sound.getnframes() / sound.getframerate(), sound.getframerate()) == (1.5, 8000)


def test_a_message_that_is_asked_for_is_mailed_again_and_stays(house, post):
    house.add(delete="yes", notify_rules="none")
    house.leave(urgent=True)
    house.mailboxes.move(ALICE, "m1", Folder.WORK)
    assert ask_for_mail(house.mailboxes, house.mailboxes.open(ALICE), "m1", mails=True)
    assert ask_for_mail(house.mailboxes, house.mailboxes.open(ALICE), "m1", mails=True)
    asked = [event for event in house.events() if event.what is EventType.MAIL_ASKED]
    for event in asked:
        for job in jobs_of(event, house.registry.fields(ALICE), Wishes(), NOON):
            house.outbox.add(job)
    work(house.postman(post.port))
    [mail] = post.letters.mails
    assert mail["Subject"] == "Message vocal urgent : Zoé Bélanger (5145551234)"
    assert list(sounds_of(mail)) == ["message-20261118-110640.wav"]
    assert "corbeille" not in mail.get_body(("plain",)).get_content()
    assert where(house) is Folder.WORK


def test_a_message_that_is_gone_before_it_is_mailed_is_not_waited_for(house, post):
    house.add()
    house.outbox.add(Job("mail:x", JobKind.MAIL, ALICE, {"form": "letter", "again": True, "at": NOON, "message": {"id": "m9"}}))  # fmt: skip
    work(house.postman(post.port))
    assert (post.letters.mails, list(house.outbox.jobs(JobState.WAITING))) == ([], [])


def test_nobody_is_told_that_a_mail_comes_where_none_can(house):
    house.add(email="")
    house.leave()
    mailbox = house.mailboxes.open(ALICE)
    assert not ask_for_mail(house.mailboxes, mailbox, "m1", mails=True)
    house.registry.change(ALICE, {"email": "a@example.com"})
    assert not ask_for_mail(house.mailboxes, house.mailboxes.open(ALICE), "m1", mails=False)
    assert EventType.MAIL_ASKED not in {event.what for event in house.events()}


def test_a_link_is_that_of_the_message_and_the_same_at_every_attempt(house, post):
    asked = []
    postman = house.postman(
        post.port, link=lambda *about: asked.append(about) or "https://voicemail.example.com/listen/x"
    )
    house.add()
    house.leave()
    house.plan()
    work(postman)
    [mail] = post.letters.mails
    assert "https://voicemail.example.com/listen/x" in mail.get_body(("plain",)).get_content()
    assert asked == [(ALICE, "m1", house.clock.now())]


def test_a_message_that_its_mail_takes_away_has_no_link(house, post):
    house.add(delete="yes")
    house.leave()
    house.plan()
    work(house.postman(post.port, link=lambda *_: "https://voicemail.example.com/listen/x"))
    [mail] = post.letters.mails
    assert "listen" not in mail.get_body(("plain",)).get_content()


def test_dates_are_on_the_mailbox_s_own_clock(house, post):
    house.add(timezone="America/Phoenix", language="en")  # whose clock nobody changes: Vancouver's rules did, in 2026
    house.leave()
    house.plan()
    work(house.postman(post.port))
    [mail] = post.letters.mails
    body = mail.get_body(("plain",)).get_content()
    assert "Wednesday, November 18, 2026 at 9:06\u00a0a.m." in body
    assert mail["Date"].datetime == datetime.fromtimestamp(NOON, UTC)
    assert mail["Date"].datetime.utcoffset() == timedelta(hours=-7)


def test_zones_are_known_where_the_system_has_none():
    code = "from esl_vm.notify.wording import local_time; print(local_time(0, 'America/Phoenix', 'UTC').tzname())"
    ran = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONTZPATH": ""}, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "MST"


def test_a_forwarded_message_s_mail_is_dated_when_it_came(house, post):
    house.add()
    house.clock.later(86400)
    house.leave(arrived=house.clock.now(), origin="forward", received=NOON)
    house.plan()
    work(house.postman(post.port))
    [mail] = post.letters.mails
    assert mail["Date"].datetime == datetime.fromtimestamp(NOON + 86400, UTC)
    assert "18 novembre 2026" in mail.get_body(("plain",)).get_content()
    assert mail["Reply-To"] == "vm@pbx.example.com"
    assert mail["List-Id"] == "<1001.default.voicemail.pbx.example.com>"


def test_with_the_server_down_and_up_again_each_message_is_mailed_exactly_once(house):
    post = Post()
    house.add()
    postman = house.postman(post.port)
    for number in range(8):
        house.leave(message_id=f"m{number}")
        house.plan()
        pass_time(house, postman, 60)
    assert post.letters.mails == []
    post.up()
    try:
        pass_time(house, postman, 2 * HOUR, every=60.0)
        house.plan()
        pass_time(house, postman, HOUR, every=60.0)
    finally:
        post.down()
    assert len(post.letters.ids) == len(set(post.letters.ids)) == 8
    assert list(house.outbox.jobs(JobState.DEAD)) == []


def test_a_message_goes_to_the_trash_only_when_its_mail_was_accepted(house):
    post = Post()
    house.add(delete="yes")
    house.leave()
    house.plan()
    postman = house.postman(post.port)
    pass_time(house, postman, 600)
    assert where(house) is Folder.NEW
    seen = []
    post.letters.at_data = lambda mail: seen.append(where(house))
    post.letters.answers["DATA"] = ["451 not now"]
    post.up()
    try:
        pass_time(house, postman, 2 * HOUR, every=60.0)
    finally:
        post.down()
    assert seen == [Folder.NEW], "it lay in New when the server took it"
    assert where(house) is Folder.TRASH
    assert len(post.letters.mails) == 1
    assert "Il est retiré de votre boîte vocale." in post.letters.mails[0].get_body(("plain",)).get_content()
    assert house.mailboxes.restore(ALICE, "m1")


def test_a_refused_mail_deletes_nothing_and_lies_among_the_dead(house, post):
    post.letters.answers["RCPT"] = ["550 5.1.1 no such user"]
    house.add(delete="yes")
    house.leave()
    house.plan()
    postman = house.postman(post.port)
    work(postman)
    assert where(house) is Folder.NEW
    [dead] = house.outbox.jobs(JobState.DEAD)
    assert dead.error == "helene@example.com: 550 5.1.1 no such user"
    assert house.outbox.retry(dead.id, house.clock.now())
    work(postman)
    assert len(post.letters.mails) == 1
    assert where(house) is Folder.TRASH


def test_of_several_addresses_each_gets_it_once_whichever_is_put_off_or_refused(house, post):
    house.add(email="a@example.com,b@example.com,c@example.com", delete="yes")
    house.leave()
    house.plan()
    post.letters.answers["RCPT"] = ["250 OK", "451 greylisted", "550 gone"]
    postman = house.postman(post.port)
    work(postman)
    pass_time(house, postman, HOUR)
    assert [mail.envelope_to for mail in post.letters.mails] == [["a@example.com"], ["b@example.com"]]
    assert len(set(post.letters.ids)) == 1
    [dead] = house.outbox.jobs(JobState.DEAD)
    assert dead.body["to"] == ["c@example.com"]
    assert where(house) is Folder.NEW, "one did not get it"


def test_a_message_the_server_finds_too_large_even_without_its_sound_is_refused_and_the_next_one_goes(house, post):
    post.letters.answers["MAIL"] = ["552 5.3.4 message too big"] * 2
    house.add()
    house.leave(message_id="m1")
    house.clock.later(1)
    house.leave(message_id="m2")
    house.plan()
    work(house.postman(post.port))
    assert len(post.letters.mails) == 1
    [dead] = house.outbox.jobs(JobState.DEAD)
    assert "552" in dead.error


def test_a_server_that_will_not_have_our_address_is_tried_again(house, post):
    post.letters.answers["MAIL"] = ["550 sender unknown here"]
    house.add()
    house.leave()
    house.plan()
    postman = house.postman(post.port)
    work(postman)
    [job] = house.outbox.jobs(JobState.WAITING)
    assert "550 sender unknown here" in job.error
    pass_time(house, postman, 120)
    assert len(post.letters.mails) == 1


def test_the_pager_gets_one_line_and_no_sound(house, post):
    house.add(pager="5145550000@sms.example.com")
    house.leave()
    house.plan()
    work(house.postman(post.port))
    by_address = {mail.envelope_to[0]: mail for mail in post.letters.mails}
    page = by_address["5145550000@sms.example.com"]
    assert page.get_content_type() == "text/plain"
    assert len(page.get_content()) < 160
    assert len(set(post.letters.ids)) == 2


def test_only_a_pager_and_no_mail(house, post):
    house.add(email="", pager="p@sms.example.com", delete="yes")
    house.leave()
    house.plan()
    work(house.postman(post.port))
    assert [mail.envelope_to for mail in post.letters.mails] == [["p@sms.example.com"]]
    assert where(house) is Folder.NEW, "a page does not carry the message"


def test_an_owner_who_wants_no_sound_gets_none(house, post):
    house.add(attach="no")
    house.leave()
    house.plan()
    work(house.postman(post.port))
    [mail] = post.letters.mails
    assert sounds_of(mail) == {}
    assert "appelez votre boîte vocale" in mail.get_body(("plain",)).get_content()


def test_a_forwarded_message_brings_the_introduction_too(house, post):
    house.add()
    house.audio.put("intro", _tone(house, 0.5))
    house.leave(intro_id="intro", forwarded_by="1002@default", origin="forward", urgent=True)
    house.plan()
    work(house.postman(post.port))
    [mail] = post.letters.mails
    assert list(sounds_of(mail)) == ["introduction-20261118-110640.wav", "message-20261118-110640.wav"]
    assert mail["Subject"].startswith("Message vocal urgent")


def _tone(house, seconds):
    from support.sounds import wav

    path = house.folder / "intro-take.wav"
    path.write_bytes(wav(seconds))
    return path


def test_a_sound_that_is_gone_or_too_large_is_not_attached_and_then_nothing_is_deleted(house, post, monkeypatch):
    house.add(delete="yes")
    house.leave(message_id="m1")
    house.clock.later(1)
    house.leave(message_id="m2", seconds=3)
    house.audio.delete("m1")
    with pytest.raises(AudioMissingError):
        house.audio.playable("m1")
    house.plan()
    monkeypatch.setattr(mails, "LARGEST_BYTES", 40_000)
    postman = house.postman(post.port)
    work(postman)
    assert len(post.letters.mails) == 1, "the sound of the other may yet come"
    pass_time(house, postman, 300)
    assert [sounds_of(mail) for mail in post.letters.mails] == [{}, {}]
    assert where(house, "m1") is where(house, "m2") is Folder.NEW


@pytest.mark.parametrize(("wanted", "kind"), [("mp3", "audio/mpeg"), ("opus", "audio/ogg")])
def test_compressed_sound(house, post, wanted, kind):
    house.add()
    house.leave(seconds=4)
    house.plan()
    work(house.postman(post.port, audio_format=wanted))
    [part] = sounds_of(post.letters.mails[0]).values()
    assert part.get_content_type() == kind
    assert part.get_filename().endswith(f".{wanted}")
    assert soundfile.info(io.BytesIO(part.get_content())).duration == pytest.approx(4, abs=0.2)
    assert len(part.get_content()) < 64_000 / 2


def test_a_sound_that_can_t_be_encoded_is_attached_as_it_is(house, post):
    house.add()
    house.leave()
    house.audio.playable("m1").write_bytes(b"no sound at all")
    house.plan()
    work(house.postman(post.port, audio_format="mp3"))
    [part] = sounds_of(post.letters.mails[0]).values()
    assert part.get_content() == b"no sound at all"


def test_a_mailbox_that_is_gone_or_lost_its_address_makes_no_mail(house, post):
    house.add()
    house.add(BOB)
    house.leave()
    house.leave(BOB, "m2")
    house.plan()
    house.registry.remove(ALICE)
    house.registry.change(BOB, {}, ["email"])
    work(house.postman(post.port))
    assert post.letters.mails == []
    assert list(house.outbox.jobs(JobState.WAITING)) == []


def test_imported_messages_and_those_put_in_the_trash_make_no_mail(house, post):
    house.add()
    house.leave(message_id="m1", origin="import")
    house.leave(message_id="m2", folder=Folder.TRASH)
    house.plan()
    work(house.postman(post.port))
    assert post.letters.mails == []


def test_a_nasty_caller_forges_no_header_and_no_recipient(house, post):
    house.add()
    house.leave(name='Eve\r\nBcc: all@example.com\r\n\r\nhello" <x@example.com>', number="1\r\n.\r\nMAIL FROM:<a@b>")
    house.plan()
    work(house.postman(post.port))
    [mail] = post.letters.mails
    assert mail["Bcc"] is None
    assert mail.get_all("To") == ["helene@example.com"]
    assert mail.envelope_to == ["helene@example.com"]


def test_a_line_that_is_a_full_stop_does_not_end_the_mail(house, post):
    house.add(name=".")
    house.leave(name=".")
    house.plan()
    work(house.postman(post.port))
    assert len(post.letters.mails) == 1
    assert list(sounds_of(post.letters.mails[0]))


@pytest.mark.parametrize("sender", ["", "voicemail", "a@b@c", "Voice <vm@pbx.example.com>", "vm@x\r\nBcc: a@b"])
def test_a_sender_that_is_no_address_stops_the_start(house, sender):
    with pytest.raises(SettingsError):
        Mailer(SmtpServer("127.0.0.1"), MailTemplates(), MailSettings(sender=sender), house.mailboxes, house.audio)


class TestServers:
    """What else an SMTP server can be."""

    def deliver(self, house, port, **server):
        house.add()
        house.leave()
        house.plan()
        worker = house.postman(port, server=server)
        work(worker)
        return worker

    def test_starttls_and_authentication(self, house, certificate):
        server, client = certificate
        with post_office(tls_context=server, require_starttls=True, auth_required=True) as post:
            self.deliver(house, post.port, security=Security.STARTTLS, tls=client, user="vm", password="s3cret")
            [mail] = post.letters.mails
            assert mail.over_tls
            assert post.letters.logins == [(b"vm", b"s3cret")]

    def test_a_wrong_password_waits_for_the_operator_and_is_told_in_no_log(self, house, certificate, caplog):
        server, client = certificate
        with post_office(tls_context=server, auth_required=True) as post:
            self.deliver(house, post.port, security=Security.STARTTLS, tls=client, user="vm", password="wr0ng")
            assert post.letters.mails == []
        [job] = house.outbox.jobs(JobState.WAITING)
        assert "535" in job.error
        assert "wr0ng" not in caplog.text + job.error

    def test_without_starttls_on_offer_nothing_goes_out_in_clear(self, house, post):
        self.deliver(house, post.port, security=Security.STARTTLS, user="vm", password="s3cret")
        assert post.letters.mails == []
        assert post.letters.logins == []
        [job] = house.outbox.jobs(JobState.WAITING)
        assert "STARTTLS" in job.error

    def test_a_certificate_nobody_vouches_for_is_refused(self, house, certificate):
        server, _ = certificate
        with post_office(tls_context=server) as post:
            self.deliver(house, post.port, security=Security.STARTTLS)
            assert post.letters.mails == []
        [job] = house.outbox.jobs(JobState.WAITING)
        assert "CERTIFICATE_VERIFY_FAILED" in job.error

    def test_tls_from_the_first_byte(self, house, certificate):
        server, client = certificate
        with post_office(ssl_context=server) as post:
            self.deliver(house, post.port, security=Security.TLS, tls=client)
            assert len(post.letters.mails) == 1

    def test_a_server_that_says_nothing_is_left_after_its_time(self, house):
        with mute_server() as port:
            worker = self.deliver(house, port, timeout_s=0.2)
        [job] = house.outbox.jobs(JobState.WAITING)
        assert "timed out" in job.error.lower()
        assert worker.claim() is None, "the server is let alone for a while"

    def test_a_server_that_greets_with_a_refusal(self, house):
        with mute_server(b"554 go away\r\n") as port:
            self.deliver(house, port)
        [job] = house.outbox.jobs(JobState.WAITING)
        assert "554 go away" in job.error

    def test_a_server_that_talks_rubbish(self, house):
        with mute_server(b"\xff\xfe rubbish\r\n" * 10) as port:
            self.deliver(house, port)
        assert len(list(house.outbox.jobs(JobState.WAITING))) == 1

    def test_settings_show_no_password(self):
        assert "s3cret" not in repr(SmtpServer("h", password="s3cret", tls=ssl.create_default_context()))
