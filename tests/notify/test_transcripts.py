"""Each message gets one transcript, and its mail goes once: at once with it, or without it when that takes too long."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial

import pytest
from house import House, notifier_of
from notify_cast import ALICE, BOB, NOON
from smtp_peer import post_office
from support.sounds import wav
from support.waiting import wait_until
from written_engine import SAID, WrittenEngine, speech

from esl_vm.model.errors import EngineAwayError, NotTranscribableError, StoreDownError, TranscriptionError
from esl_vm.model.events import EventType
from esl_vm.model.jobs import JobKind, JobState
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.settings import TranscriptionSettings
from esl_vm.model.transcript import Segment, Transcript, TranscriptState
from esl_vm.notify.job_worker import LEASE_S, JobWorker
from esl_vm.notify.plan import Wishes
from esl_vm.notify.transcribing import Transcribing
from esl_vm.notify.transcripts import TranscriptMaker

WAIT_S = 30
WISHES = Wishes(transcribe=False, mail_waits_s=WAIT_S)
HOUR = 3600.0


class Desk:
    """A house with an engine, whoever transcribes for it, and a postman."""

    def __init__(self, house, post):
        self.house, self.post, self.clock = house, post, house.clock
        self.engine = WrittenEngine()
        self.settings = TranscriptionSettings(engine="http", url="http://127.0.0.1:1")
        self.postman = house.postman(post.port)
        self.writer = self.another()

    def another(self, outbox=None, mailboxes=None, audio=None, **settings):
        self.settings = replace(self.settings, **settings)
        house = self.house
        ports = (
            mailboxes or house.mailboxes,
            house.registry,
            audio or house.audio,
            outbox or house.outbox,
            house.clock,
        )
        maker = TranscriptMaker(self.engine, self.settings, *ports)
        return JobWorker(JobKind.TRANSCRIPT, outbox or house.outbox, maker.carry, house.clock)

    def open_mailbox(self, box=ALICE, **fields):
        self.house.add(box, **{"transcribe": "yes"} | fields)

    def leave(self, message_id="m1", box=ALICE, *, sound=None, **more):
        self.house.leave(box, message_id, **more)
        (self.house.folder / "take.wav").write_bytes(sound or speech())
        self.house.audio.delete(message_id)
        self.house.audio.put(message_id, self.house.folder / "take.wav")
        self.house.plan(WISHES)

    def write(self, writer=None):
        while (writer or self.writer).step():
            pass

    def send(self):
        while self.postman.step():
            pass

    def pass_time(self, seconds, every=15.0):
        for _ in range(int(seconds / every)):
            self.clock.later(every)
            self.write()
            self.send()

    def transcript(self, message_id="m1", box=ALICE):
        return self.house.mailboxes.message(box, message_id).transcript

    def events(self):
        return [one for one in self.house.events() if one.what is EventType.TRANSCRIBED]

    def mails(self):
        return [mail.get_body(("plain",)).get_content() for mail in self.post.letters.mails]

    def left(self, state=JobState.WAITING, kind=JobKind.TRANSCRIPT):
        return [job.id for job in self.house.outbox.jobs(state) if job.kind is kind]


@pytest.fixture
def desk(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path)
    with post_office() as post:
        yield Desk(house, post)
    house.close()


def test_a_mail_waits_for_the_transcript_and_goes_with_it_at_once(desk):
    desk.open_mailbox()
    desk.leave()
    desk.send()
    assert desk.mails() == []
    desk.write()
    assert desk.transcript() == SAID
    desk.send()
    [mail] = desk.mails()
    assert "Bonjour. Rappelez-moi." in mail
    desk.pass_time(120)
    assert len(desk.mails()) == 1


def test_where_it_takes_too_long_the_mail_goes_without_and_no_second_one_follows(desk):
    desk.open_mailbox()
    desk.leave()
    desk.clock.later(WAIT_S - 1)
    desk.send()
    assert desk.mails() == []
    desk.clock.later(1)
    desk.send()
    [mail] = desk.mails()
    assert "Rappelez" not in mail
    desk.write()
    assert desk.transcript() == SAID
    desk.pass_time(120)
    assert len(desk.mails()) == 1


@pytest.mark.parametrize("reported_s", [None, 61, 59])
def test_a_mail_waits_only_where_somebody_transcribes(desk, redis_here, caplog, reported_s):
    house = desk.house
    if reported_s is not None:
        house.store.cluster.transcribes("whisper-1 (node-2)")
        desk.clock.later(reported_s)
    desk.open_mailbox()
    house.leave()
    notifier = notifier_of(redis_here.url, desk.post.port, house.folder, desk.clock, "n1", transcription=desk.settings)
    notifier.start()
    wait_until(desk.left, "the transcript is planned, behind the mail")
    if reported_s == 59:
        [mail] = [job for job in house.outbox.jobs(JobState.WAITING) if job.kind is JobKind.MAIL]
        assert mail.due == desk.clock.now() + WAIT_S
    else:
        wait_until(desk.mails, "the mail")
        assert "nobody transcribes" in caplog.text
    assert notifier.stop(100)


@pytest.mark.parametrize("fields", [{"transcribe": "no"}, {"transcripts_wanted": "no"}])
def test_a_mailbox_that_has_none_waits_for_nothing(desk, fields):
    desk.open_mailbox(**fields)
    desk.leave()
    desk.send()
    assert len(desk.mails()) == 1
    assert desk.left() == []


def test_an_owner_who_switches_them_off_meanwhile_gets_none(desk):
    desk.open_mailbox()
    desk.leave()
    desk.house.registry.change(ALICE, {"transcripts_wanted": "no"})
    desk.write()
    assert (desk.engine.asked, desk.transcript(), desk.left()) == ([], None, [])


def test_a_message_or_a_mailbox_that_is_gone_needs_none(desk):
    desk.open_mailbox(trash_days="0")
    desk.open_mailbox(BOB)
    desk.leave()
    desk.leave("m2", BOB)
    desk.house.mailboxes.delete(ALICE, "m1")
    desk.house.registry.remove(BOB)
    desk.write()
    assert (desk.engine.asked, desk.left(), desk.left(JobState.DEAD)) == ([], [], [])


def test_with_the_engine_away_all_wait_and_it_is_asked_now_and_then(desk):
    desk.open_mailbox()
    for number in range(12):
        desk.open_mailbox(MailboxId(f"2{number:03}"))
        desk.leave(f"m{number}", MailboxId(f"2{number:03}"))
    desk.engine.steps = [EngineAwayError("connection refused")] * 1000
    desk.write()
    assert len(desk.engine.asked) == 1
    desk.pass_time(HOUR)
    assert len(desk.engine.asked) <= 125
    desk.engine.steps = []
    desk.pass_time(60)
    assert {desk.transcript(f"m{n}", MailboxId(f"2{n:03}")) for n in range(12)} == {SAID}
    assert len(desk.post.letters.mails) == 12


def test_an_engine_that_asks_to_be_let_alone_is_let_alone_by_all(desk):
    for number in range(3):
        desk.open_mailbox(MailboxId(f"2{number:03}"))
        desk.leave(f"m{number}", MailboxId(f"2{number:03}"))
    desk.engine.steps = [EngineAwayError("429", 600)]
    desk.pass_time(570)
    assert len(desk.engine.asked) == 1
    desk.pass_time(60)
    assert {desk.transcript(f"m{n}", MailboxId(f"2{n:03}")) for n in range(3)} == {SAID}


def test_a_sound_that_fails_is_tried_again_while_others_go_on(desk):
    desk.open_mailbox()
    desk.engine.steps = [TranscriptionError("500")]
    desk.leave("m1")
    desk.leave("m2")
    desk.write()
    assert (desk.transcript("m1"), desk.transcript("m2")) == (None, SAID)
    desk.pass_time(45)
    assert desk.transcript("m1") == SAID


def test_a_sound_that_never_will_do_is_a_dead_letter_and_can_be_tried_again(desk):
    desk.open_mailbox()
    desk.engine.steps = [NotTranscribableError("415")]
    desk.leave()
    desk.write()
    assert desk.transcript().state is TranscriptState.FAILED
    assert desk.left(JobState.DEAD) == ["transcript:1001@default:m1"]
    desk.send()
    assert len(desk.mails()) == 1, "it need not wait any more"
    desk.house.outbox.retry("transcript:1001@default:m1", desk.clock.now())
    desk.write()
    assert desk.transcript() == SAID


@pytest.mark.parametrize("failure", [TranscriptionError("500"), ValueError("a slip of ours")])
def test_after_a_day_it_is_given_up(desk, failure):
    desk.open_mailbox()
    desk.engine.steps = [failure] * 1000
    desk.leave()
    desk.write()
    desk.pass_time(26 * HOUR, every=600)
    assert desk.left(JobState.DEAD) == ["transcript:1001@default:m1"]
    assert desk.transcript().state is TranscriptState.FAILED


def test_a_worker_that_dies_of_a_sound_does_not_do_so_for_ever(desk):
    desk.open_mailbox()
    desk.leave()
    for _ in range(5):
        assert desk.house.outbox.claim(JobKind.TRANSCRIPT, desk.clock.now(), LEASE_S)
        desk.clock.later(6 * HOUR)
    desk.write()
    assert desk.engine.asked == []
    assert desk.left(JobState.DEAD) == ["transcript:1001@default:m1"]


def test_a_tone_and_silence_are_no_speech_and_no_engine_is_asked(desk):
    desk.open_mailbox()
    desk.leave("m1", sound=wav(2))
    desk.leave("m2", sound=speech()[:44] + bytes(24000))
    desk.write()
    assert [desk.transcript(one).state for one in ("m1", "m2")] == [TranscriptState.NO_SPEECH] * 2
    assert desk.engine.asked == []


def test_a_message_that_is_too_long_is_not_transcribed(desk):
    desk.open_mailbox()
    desk.leave(seconds=11)
    desk.write(desk.another(longest_s=10))
    assert desk.transcript().state is TranscriptState.TOO_LONG
    assert desk.engine.asked == []


@pytest.mark.parametrize(
    ("sure", "least", "state"), [(0.59, 60, "unsure"), (0.6, 60, "done"), (0.0, 100, "done"), (0.01, 0, "done")]
)
def test_words_of_which_an_engine_is_less_sure_than_is_wanted_are_not_kept(desk, sure, least, state):
    desk.open_mailbox()
    desk.engine.answer = replace(SAID, confidence=sure)
    desk.leave()
    desk.write(desk.another(least_confidence=least))
    desk.send()
    kept = desk.transcript()
    assert (kept.state, kept.confidence, bool(kept.text)) == (state, sure, state == "done")
    assert ("Rappelez-moi." in desk.mails()[0]) is (state == "done")


def test_a_sound_that_is_not_there_yet_is_waited_for(desk):
    desk.open_mailbox()
    desk.leave()
    desk.house.audio.delete("m1")
    desk.write()
    assert desk.transcript() is None
    (desk.house.folder / "take.wav").write_bytes(speech())
    desk.house.audio.put("m1", desk.house.folder / "take.wav")
    desk.pass_time(45)
    assert desk.transcript() == SAID


def test_a_sound_that_is_none_is_a_dead_letter(desk):
    desk.open_mailbox()
    desk.leave(sound=b"nothing that is heard")
    desk.write()
    assert desk.transcript().state is TranscriptState.FAILED
    assert desk.left(JobState.DEAD)


@pytest.mark.parametrize(("language", "asked"), [("fr", "fr"), ("en_CA", "en"), ("", "fr")])
def test_the_mailbox_language_reaches_the_engine(desk, language, asked):
    desk.open_mailbox(language=language)
    desk.leave()
    desk.write()
    assert [one for _, one, _ in desk.engine.asked] == [asked]


def test_a_language_is_detected_among_those_allowed(desk):
    desk.open_mailbox(language="en")
    writer = desk.another(language="detect")
    desk.leave("m1")
    desk.write(writer)
    assert [one for _, one, _ in desk.engine.asked] == [""]
    desk.engine.steps = [replace(SAID, language="cy"), replace(SAID, language="en")]
    desk.leave("m2")
    desk.write(writer)
    assert [one for _, one, _ in desk.engine.asked] == ["", "", "en"]
    assert desk.transcript("m2").language == "en"


def test_names_that_may_be_spoken_are_told_the_likeliest_last(desk):
    desk.open_mailbox(name="Alice Martin")
    desk.open_mailbox(BOB, name="Bob Tremblay")
    desk.open_mailbox(MailboxId("1003"), name="Secret Agent", hidefromdir="yes")
    desk.open_mailbox(MailboxId("1001", "other"), name="Somebody Else")
    desk.leave(name="Zoé Côté")
    desk.write()
    assert desk.engine.asked[0][2] == ["Alice Martin", "Bob Tremblay", "Zoé Côté", "Alice Martin"]
    desk.leave("m2")
    desk.write(desk.another(names=False))
    assert desk.engine.asked[1][2] == []


def test_copies_of_one_message_are_heard_once(desk):
    for number in range(3):
        desk.open_mailbox(MailboxId(f"20{number}"))
        desk.leave(f"m1.{number}" if number else "m1", MailboxId(f"20{number}"))
    desk.write()
    assert len(desk.engine.asked) == 1
    assert {desk.transcript(f"m1.{n}" if n else "m1", MailboxId(f"20{n}")) for n in range(3)} == {SAID}


def test_a_forwarded_message_brings_its_own_and_waits_for_nothing(desk):
    desk.open_mailbox()
    desk.open_mailbox(BOB, email="bob@example.com")
    desk.leave()
    desk.write()
    desk.send()
    copy = desk.house.mailboxes.message(ALICE, "m1").forwarded("m2", NOON, str(ALICE))
    desk.house.mailboxes.deliver(BOB, copy)
    desk.house.plan(WISHES)
    assert desk.left() == []
    desk.send()
    assert "Rappelez-moi." in desk.mails()[-1]


def test_of_two_workers_at_one_message_the_first_to_end_counts(desk):
    desk.open_mailbox()
    desk.leave()
    slow = desk.writer.claim()
    desk.clock.later(LEASE_S + 1)
    desk.write(desk.another())
    desk.engine.answer = replace(SAID, segments=(Segment(0, 1, "Too late"),))
    desk.writer.carry(slow)
    assert desk.transcript() == SAID
    assert len(desk.events()) == 1


def test_no_line_of_the_log_no_job_and_no_event_has_a_word_of_it(desk, redis_here, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the server that gets the mails
    desk.open_mailbox(pager="5145551234@sms.example.com")
    desk.leave("m1")
    desk.engine.steps = [SAID, TranscriptionError("500")]
    desk.leave("m2")
    desk.write()
    desk.send()
    with redis_here.client() as client:
        kept = {key: client.hgetall(key) for key in client.scan_iter("*outbox*") if client.type(key) == b"hash"}
    assert "Rappelez" not in f"{caplog.text}{kept}{desk.house.events()}"
    assert "Rappelez" in desk.mails()[0]


class DiesError(BaseException):
    """The worker's process ends here."""


class Dying:
    """A port whose owner dies before, or after, the n-th call that is made of any of them."""

    def __init__(self, port, steps):
        self._port, self._steps = port, steps

    def __getattr__(self, name):
        method = getattr(self._port, name)
        return partial(self._call, name, method) if callable(method) else method

    def _call(self, name, method, *args, **kwargs):
        self._steps.take((name, "before"))
        result = method(*args, **kwargs)
        self._steps.take((name, "after"))
        return result


class Steps:
    def __init__(self, dies_at):
        self.taken, self.dies_at = [], dies_at

    def take(self, step):
        self.taken.append(step)
        if len(self.taken) - 1 == self.dies_at or (self.dies_at is not None and len(self.taken) > self.dies_at):
            raise DiesError(step)


def test_a_worker_killed_at_any_step_leaves_one_transcript_and_one_mail(desk):
    desk.open_mailbox()
    number = steps_taken = 0
    while True:
        steps = Steps(number)
        ports = {name: Dying(getattr(desk.house, name), steps) for name in ("outbox", "mailboxes", "audio")}
        message_id = f"m{number}"
        desk.leave(message_id)
        before = len(desk.post.letters.mails), len(desk.events())
        try:
            desk.write(desk.another(**ports))
            died = False
        except DiesError:
            died = True
        desk.clock.later(LEASE_S + 1)
        desk.write()
        desk.send()
        assert desk.transcript(message_id) == SAID
        assert (len(desk.post.letters.mails), len(desk.events())) == (before[0] + 1, before[1] + 1), steps.taken[-1]
        if not died:
            break
        number, steps_taken = number + 1, len(steps.taken)
    assert steps_taken >= 14, "open, read, hear, put, hasten twice, done: each before and after"
    assert desk.left() == []


class Away:
    """A store that is away at the n-th call, and the two after it."""

    def __init__(self, at):
        self.at, self.calls = at, 0

    def take(self, _):
        self.calls += 1
        if self.at <= self.calls < self.at + 3:
            raise StoreDownError("Redis is away")


def test_a_store_away_at_any_step_makes_no_second_one(desk):
    desk.open_mailbox()
    for at in range(1, 16):
        steps = Away(at)
        ports = {name: Dying(getattr(desk.house, name), steps) for name in ("outbox", "mailboxes")}
        desk.leave(f"m{at}")
        writer = desk.another(**ports)
        for _ in range(12):
            try:
                desk.write(writer)
            except StoreDownError:
                desk.clock.later(LEASE_S)
        desk.send()
        assert desk.transcript(f"m{at}") == SAID
        assert len(desk.events()) == len(desk.post.letters.mails) == at


def test_the_threads_carry_what_is_due_until_they_are_stopped(desk):
    desk.open_mailbox()
    for number in range(20):
        desk.open_mailbox(MailboxId(f"2{number:03}"))
        desk.leave(f"m{number}", MailboxId(f"2{number:03}"))
    maker = TranscriptMaker(
        desk.engine,
        desk.settings,
        desk.house.mailboxes,
        desk.house.registry,
        desk.house.audio,
        desk.house.outbox,
        desk.clock,
    )
    transcribing = Transcribing(desk.house.outbox, maker.carry, desk.clock, at_once=3, poll_s=0.02)
    transcribing.start()
    wait_until(lambda: not desk.left(), "all transcribed")
    assert transcribing.stop(100)
    assert len(desk.events()) == 20
    assert Transcript.of(SAID.stored()) == SAID
