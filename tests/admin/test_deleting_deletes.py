"""Deleting deletes: what was said in a message is found nowhere any more, whatever had to do with it before, on whichever node."""

import random

import pytest
from admin.test_callers import everything
from notify.smtp_peer import post_office
from support.s3_neighbour import S3Neighbour
from support.waiting import PATIENCE_S, wait_until

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.call import Ended, Recorded
from esl_vm.model.jobs import JobKind
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.model.settings import MailSettings
from esl_vm.model.transcript import Segment, Transcript
from esl_vm.notify.job_worker import JobWorker
from esl_vm.notify.mail import Mailer
from esl_vm.notify.mail_templates import MailTemplates
from esl_vm.notify.plan import Wishes, jobs_of
from esl_vm.notify.smtp_connection import SmtpServer
from esl_vm.notify.transcripts import TranscriptMaker
from esl_vm.ops.copies import Copies
from esl_vm.recordings.outcome import Settled
from esl_vm.service.wiring import open_node, web_cache
from esl_vm.sound import disk
from esl_vm.sound.wav import wave

ALICE, BOB = MailboxId("1001"), MailboxId("1002")
NOISE = random.Random(25).randbytes(32000)
WORDS = "Rappelez le notaire à propos de la succession"
SAID = Transcript(language="fr", engine="e", segments=(Segment(0, 2000, WORDS),))
WANTED = (NOISE[8000:8032], NOISE[24000:24032], WORDS.encode()[:20], WORDS.encode()[-20:])


@pytest.fixture
def post():
    with post_office() as running:
        yield running


class Engine:
    """ports.Transcriber that always hears the same."""

    def transcribe(self, _sound, _language, _names):
        return SAID


def with_number(node):
    """The keys in Redis that have the caller's number, without what names them."""
    lines = everything(node).splitlines()
    return {line.split(b"'")[1].rpartition(b":")[2] for line in lines if b"5145550188" in line}


@pytest.fixture(params=["redis", "folder", "s3"])
def places(request, redis_url, tmp_path, vm, monkeypatch):
    """Where two nodes keep things: their settings, and what can be looked through besides Redis and their folders."""
    shared = {"redis.url": redis_url, "audio.store": request.param, "audio.folder": str(tmp_path / "sounds")}
    (tmp_path / "sounds").mkdir()
    bucket = None
    if request.param == "s3":
        pytest.importorskip("boto3", reason="esl-vm[s3] is not installed")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        bucket = S3Neighbour()
        keys = {"audio.bucket": "voicemail", "audio.access_key": "k", "audio.secret_key": "s", "audio.region": "x"}
        shared |= {"audio.endpoint": bucket.url, **keys}
    nodes = [
        {
            **shared,
            "data_dir": str(tmp_path / name),
            "spool.folder": str(tmp_path / name / "spool"),
            "service.node": name,
        }
        for name in ("media-1", "media-2")
    ]
    yield nodes, bucket
    if bucket is not None:
        bucket.close()


def found_in(node, tmp_path, bucket):
    """Where what was said stands: `redis`, the folders by their names, `s3`."""
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    found = {path.relative_to(tmp_path).parts[0] for path in files if any(one in path.read_bytes() for one in WANTED)}
    kept = everything(node)
    raw = [*WANTED[:2], *(repr(one)[2:-1].encode() for one in WANTED)]
    if any(one in kept for one in raw):
        found.add("redis")
    if bucket is not None and any(one in content for content in bucket.objects.values() for one in WANTED):
        found.add("s3")
    return found


def test_what_was_said_is_nowhere_once_it_is_deleted_for_good(places, tmp_path, post, caplog):
    (first, second), bucket = places
    with open_node(load_settings(None, first)) as node, open_node(load_settings(None, second)) as other:
        for box in (ALICE, BOB):
            node.registry.add(box, {"email": "a@example.com", "trash_days": "14", "transcribe": "yes"})
        message = Message(new_id(node.clock.now()), Caller("5145550188", "Zoé"), node.clock.now())
        with node.spool.take_message([ALICE, BOB], message, min_ms=0, trim_silence=False, threshold=0) as take:
            take.path.write_bytes(wave(NOISE, 8000))
            take.recorded(Recorded(2000, Ended.LIMIT))
            assert take.settle() is Settled.DELIVERED
        copies = {ALICE: message.id, BOB: f"{message.id}.1"}
        for event in node.store.events.tail(20):
            for job in jobs_of(event, {"email": "a@example.com"}, Wishes(transcribe=True), node.clock.now()):
                node.outbox.add(job)
        maker = TranscriptMaker(
            Engine(), node.settings.transcription, node.mailboxes, node.registry, node.audio, node.outbox, node.clock
        )
        server = SmtpServer("127.0.0.1", post.port, timeout_s=PATIENCE_S, helo="pbx.example.com")
        mailer = Mailer(server, MailTemplates(), MailSettings(sender="vm@example.com"), node.mailboxes, node.audio)
        for kind, carry in ((JobKind.TRANSCRIPT, maker.carry), (JobKind.MAIL, mailer.carry)):
            worker = JobWorker(kind, node.outbox, carry, node.clock)
            wait_until(lambda worker=worker: not worker.step())
        assert [WORDS in mail.get_body().get_content() for mail in post.letters.mails] == [True, True]
        for box, one in copies.items():
            assert node.mailboxes.message(box, one).transcript == SAID
            node.mailboxes.note(box, one, WORDS)
            for each in (node, other):
                played = each.audio.playable(one)
                web_cache(each.settings).fetch(f"{one}-mp3", played.read_bytes)
                each.cache.fetch(one, played.read_bytes, "fast")
        assert [one.id for _, one in node.store.transcripts.find([ALICE], "notaire")] == [message.id]
        forwarded = Message(new_id(node.clock.now()), Caller("1001"), node.clock.now(), transcript=SAID)
        with other.spool.forward([BOB], forwarded, source_id=message.id) as take:
            assert take.settle() is Settled.DELIVERED
        store = (
            {"redis"} if first["audio.store"] == "redis" else {"redis", "sounds"} if bucket is None else {"redis", "s3"}
        )
        assert found_in(node, tmp_path, bucket) == {"media-1", "media-2", *store}
        for box, one in ((ALICE, message.id), (BOB, f"{message.id}.1"), (BOB, forwarded.id)):
            node.mailboxes.heard(box, one)
            node.mailboxes.move(box, one, Folder.WORK)
            node.mailboxes.delete(box, one)
            node.mailboxes.restore(box, one)
            node.mailboxes.delete(box, one)
            assert node.store.housekeeping.erase(box, [one]) == 1
        node.store.housekeeping.erase_sounds(node.audio.delete)
        for each in (node, other):
            assert each.sweeper.sweep_once() == []
            Copies(each.store.cluster, [each.cache, web_cache(each.settings)], disk.at_once).look()
        assert list(node.store.transcripts.find([ALICE, BOB], "notaire")) == []
        assert found_in(node, tmp_path, bucket) == set()
        assert with_number(node) == {b"events"}  # for `redis.events_days`
        assert not any(one in caplog.text for one in (WORDS, "5145550188"))
