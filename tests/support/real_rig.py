"""The rig with nothing faked but the telephone: mailboxes and sounds in a Redis, the event socket, the spool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.rig import NodeRig

from esl_vm.audio.cache import Cache
from esl_vm.audio.redis_audio import RedisAudio
from esl_vm.dialogue.world import World
from esl_vm.model.options import FIELDS, MailboxOptions, option_text
from esl_vm.model.pins import PinCheck
from esl_vm.sim.schedule import VirtualClock
from esl_vm.spool.spool import Spool
from esl_vm.store.connect import connect
from esl_vm.store.keys import audio as audio_key
from esl_vm.store.pins import Scrypt
from esl_vm.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.model.mailbox import Greeting, Mailbox, MailboxId, StoredGreeting
    from esl_vm.model.message import Message


class RealRig(NodeRig):
    """The service on a Redis: its URL, or a client of redis-py (fakeredis).

    Args:
        folder: for the spool and the cache. redis: where the mailboxes are. now: the virtual clock's start.
        world: settings of the world.
    """

    def __init__(self, folder: Path, redis: object, now: float = 1795380000.0, **world: object) -> None:
        self.folder = folder
        self.clock = VirtualClock(now)
        defaults = world.get("defaults") or MailboxOptions()
        link = connect(redis) if isinstance(redis, str) else redis
        self.real = Store(link, clock=self.clock, defaults=defaults, pin_cost=Scrypt(n=16))
        self.audio = RedisAudio(self.real.link, audio_key, Cache(folder / "cache", limit_bytes=1 << 28))
        self.spool = Spool(folder / "spool", self.real.mailboxes, self.audio, self.clock)
        settings = {"timezone": "UTC", "language": "fr"} | world
        self.world = World(
            mailboxes=self.real.mailboxes,
            pins=self.real.pins,
            directory=self.real.directory,
            lists=self.real.lists,
            audio=self.audio,
            spool=self.spool,
            clock=self.clock,
            **settings,
        )

    def add_mailbox(self, box: MailboxId, name: str, options: MailboxOptions, *, language: str = "") -> None:
        plain = MailboxOptions()
        fields = {n: option_text(getattr(options, n)) for n in FIELDS if getattr(options, n) != getattr(plain, n)}
        self.real.registry.add(box, {"name": name, "language": language, **fields})

    def add_list(self, box: MailboxId, members: tuple[MailboxId, ...]) -> None:
        self.real.lists.add(box, members)

    def set_pin(self, box: MailboxId, pin: str, *, initial: bool = False, locked: bool = False) -> None:
        if pin:
            self.real.pins.change(box, pin, initial=initial)
        if locked:
            self.real.registry.change(box, {"pin_locked": "yes"})

    def deliver(self, box: MailboxId, message: Message) -> None:
        assert self.real.mailboxes.deliver(box, message, 0).kept

    def set_greeting(self, box: MailboxId, greeting: Greeting, stored: StoredGreeting) -> None:
        self.real.mailboxes.set_greeting(box, greeting, stored)

    def mailbox(self, box: MailboxId) -> Mailbox:
        mailbox = self.real.mailboxes.open(box)
        assert mailbox is not None
        return mailbox

    def messages(self, box, folder) -> list[Message]:
        found: list[Message] = []
        after = None
        while True:
            page = self.real.mailboxes.page(box, folder, urgent=None, after=after, most=50)
            found += page.messages
            if not page.messages:
                return found
            after = page.places[-1]

    def pin_opens(self, box: MailboxId, pin: str) -> bool:
        return self.real.pins.check(box, pin) is PinCheck.RIGHT

    def close(self) -> None:
        """Let go of Redis."""
        self.real.close()
