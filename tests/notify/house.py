"""Mailboxes in a real Redis, sounds on disk, and a notifier's parts over them."""

from __future__ import annotations

from notify_cast import ALICE, NOON, TestClock
from support.redis_servers import PATIENT
from support.sounds import write_wav
from support.waiting import PATIENCE_S

from esl_vm.audio.folder_audio import FolderAudio
from esl_vm.model.jobs import JobKind
from esl_vm.model.message import Caller, Message
from esl_vm.model.settings import MailSettings, NotifySettings, Settings, TranscriptionSettings, WebhookSettings
from esl_vm.notify.job_worker import JobWorker
from esl_vm.notify.mail import Mailer
from esl_vm.notify.mail_templates import MailTemplates
from esl_vm.notify.plan import Wishes, jobs_of
from esl_vm.notify.service import NotifyService
from esl_vm.notify.smtp_connection import SmtpServer
from esl_vm.notify.sources import Sources, fields_of
from esl_vm.store.connect import connect
from esl_vm.store.outbox import RedisOutbox
from esl_vm.store.store import Store

PARTITIONS = 4


class House:
    """One installation, and what it takes to leave messages in it."""

    def __init__(self, url, folder, clock=None):
        self.clock = clock or TestClock()
        self.link = connect(url, PATIENT)
        self.store = Store(self.link, PARTITIONS, clock=self.clock)
        self.mailboxes, self.registry = self.store.mailboxes, self.store.registry
        self.outbox = RedisOutbox(self.link, self.clock)
        self.folder = folder
        self.audio = FolderAudio(folder)

    def add(self, box=ALICE, **fields):
        self.registry.add(box, {"name": "Hélène Côté", "email": "helene@example.com", "language": "fr", **fields})

    def leave(self, box=ALICE, message_id="m1", *, seconds=1.5, name="Zoé Bélanger", number="5145551234", **more):
        self.audio.put(message_id, write_wav(self.folder / "take.wav", seconds))
        received = more.pop("received", self.clock.now())
        message = Message(message_id, Caller(number, name), received, duration_ms=int(seconds * 1000), **more)
        assert self.mailboxes.deliver(box, message).kept

    def events(self):
        return self.store.events.read({}, 0)

    def plan(self, wishes=None):
        """What the planner does with everything that happened."""
        for event in self.events():
            fields = fields_of(self.registry, event.box)
            for job in jobs_of(event, fields, wishes or Wishes(), self.clock.now()):
                self.outbox.add(job)

    def postman(self, port, outbox=None, **settings):
        server = {"timeout_s": PATIENCE_S, "helo": "pbx.example.com"} | settings.pop("server", {})
        more = {"link": settings.pop("link")} if "link" in settings else {}
        mailer = Mailer(
            SmtpServer("127.0.0.1", port, **server),
            MailTemplates(),
            MailSettings(sender="vm@pbx.example.com", **settings),
            self.mailboxes,
            self.audio,
            **more,
        )
        return JobWorker(JobKind.MAIL, outbox or self.outbox, mailer.carry, self.clock)

    def close(self):
        self.link.close()


def notifier_of(
    url, port, folder, clock, name, *, switch=None, webhook=None, idle_s=60.0, transcription=None, **settings
):
    """A whole notifier on a Redis; `port` is the SMTP server's."""
    store = Store(connect(url, PATIENT), PARTITIONS, clock=clock)
    audio = FolderAudio(folder)
    sources = Sources(
        feed=store.events,
        plans=store.events.shared("plans", name, idle_s=idle_s),
        history=store.events.shared("history", name, idle_s=idle_s),
        outbox=RedisOutbox(store.link, clock),
        mailboxes=store.mailboxes,
        registry=store.registry,
        audio=audio,
        clock=clock,
        transcribers=store.cluster.transcribers,
    )
    mailer = None
    if port:
        server = SmtpServer("127.0.0.1", port, timeout_s=PATIENCE_S, helo="pbx.example.com")
        mailer = Mailer(server, MailTemplates(), MailSettings(sender="vm@pbx.example.com"), store.mailboxes, audio)
    wanted = Settings(
        notify=NotifySettings(**settings),
        webhook=webhook or WebhookSettings(),
        transcription=transcription or TranscriptionSettings(),
    )
    return NotifyService(sources, wanted, switch=switch, mailer=mailer, wait_ms=100, poll_s=0.1)


__all__ = ["ALICE", "NOON", "House", "notifier_of"]
