"""A service's process on a real Redis, as the spool's tests know it."""

from __future__ import annotations

from spool_cast import DEFAULTS, NOW, freeswitch_records, recorded
from support.clocks import Clock
from support.sounds import voice

from esl_vm.audio.cache import Cache
from esl_vm.audio.redis_audio import RedisAudio
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.message import Caller, Message
from esl_vm.model.options import MailboxOptions
from esl_vm.recordings import Settled, Spool, Sweeper
from esl_vm.recordings.folder import SpoolFolder
from esl_vm.store import keys
from esl_vm.store.connect import connect
from esl_vm.store.link import LinkLimits
from esl_vm.store.store import Store

ALICE, BOB = MailboxId("1001"), MailboxId("1002")
SAID = voice(1500)
EAGER = LinkLimits(rest_s=0.0)  # tries Redis each time, also just after it was away


class Service:
    """A service's process: its own link, spool and cache, on a Redis and a folder that others may have too."""

    def __init__(self, url, folder) -> None:
        self.questions = 0
        self.clock = Clock(NOW)
        link = connect(url, EAGER, observe=self._count)
        expected = SpoolFolder(folder / "spool", 0).installation
        self.store = Store(link, clock=self.clock, defaults=MailboxOptions(maxmsg=9999), expected=expected)
        self.audio = RedisAudio(link, keys.audio, Cache(folder / "cache", limit_bytes=1 << 24))
        self.spool = Spool(folder / "spool", self.store.mailboxes, self.audio, self.clock, min_free=0)
        self.sweeper = Sweeper(self.spool, quiet_s=0)

    def _count(self, _seconds, _worked) -> None:
        self.questions += 1

    def take(self, number: int, *boxes):
        message = Message(id_of(number), Caller("5145550100"), self.clock.now())
        return self.spool.take_message(boxes or (ALICE,), message, **DEFAULTS)

    def lie(self, box=ALICE) -> list[Message]:
        return list(self.store.mailboxes.page(box, Folder.NEW, urgent=None, after=None, most=1000).messages)

    def in_force(self) -> str:
        stored = self.store.mailboxes.open(ALICE).greetings.get(Greeting.NAME)
        return stored.audio_id if stored else ""


def id_of(number: int) -> str:
    return f"1a204fcb500-{number:012x}"


def leave(service, number, *boxes) -> Settled:
    with service.take(number, *boxes) as take:
        freeswitch_records(take.path, SAID)
        take.recorded(recorded(1500))
        return take.settle()
