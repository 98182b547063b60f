"""A whole service around one simulated line: mailboxes, sounds, spool and the front door, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from fakeredis import FakeRedis, FakeServer
from support.away import Away
from support.call_text import call_text
from support.described_node import DescribedNode
from support.pipe import TimeKeeper, call_over_pipe
from support.redis_servers import PATIENT
from support.script import Caller
from support.sim_phone import SimPhone
from support.virtual_clock import VirtualClock

from esl_vm.audio.cache import Cache
from esl_vm.audio.folder_audio import FolderAudio
from esl_vm.audio.renditions import Renditions
from esl_vm.dialogue.front_door import answer_call
from esl_vm.dialogue.world import World
from esl_vm.esl.phone import EslPhone
from esl_vm.esl.session import CallSession
from esl_vm.model.options import FIELDS, option_text
from esl_vm.model.pins import PinCheck
from esl_vm.notify.copies import Copier, copy_jobs
from esl_vm.recordings.spool import Spool
from esl_vm.recordings.sweeper import Sweeper
from esl_vm.sim.line import Line
from esl_vm.sim.node import Incoming
from esl_vm.sound.disk import at_once
from esl_vm.speech.packs import NominalPack
from esl_vm.store.connect import connect
from esl_vm.store.pin_hashes import Scrypt
from esl_vm.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.model.call import Call
    from esl_vm.model.mailbox import Folder, Greeting, Mailbox, MailboxId, StoredGreeting
    from esl_vm.model.message import Message
    from esl_vm.model.options import MailboxOptions
    from esl_vm.model.receipts import Receipt
    from esl_vm.ports import AudioStore
    from esl_vm.sim.voice import CallerVoice


class Rig:
    """The service on a Redis of its own, its sounds and its spool in a folder; `ring` holds one call.

    Args:
        folder: for the spool and the sounds. now: the virtual clock's start.
        redis: where the mailboxes are: a URL, or a client of redis-py; a new fakeredis unless given.
        world: settings of the world.

    Attributes:
        real: the store. away: `away.down = True` takes it away from the service, not from the test.
        line, phone, caller: of the last call. status, message_id: what the dialplan was told.
    """

    def __init__(self, folder: Path, now: float = 1795380000.0, redis: object = None, **world: object) -> None:
        self.folder = folder
        self.clock = VirtualClock(now)
        settings = {"timezone": "UTC", "language": "fr"} | world
        self.real = Store(
            connect(redis, PATIENT) if isinstance(redis, str) else redis or FakeRedis(server=FakeServer()),
            clock=self.clock,
            defaults=settings.get("defaults"),
            pin_rules=settings.get("pin_rules"),
            pin_cost=Scrypt(n=16),
        )
        self.audio = self._sounds()
        self.away = Away()
        mailboxes = self.away.behind(self.real.mailboxes)
        self.spool = Spool(folder / "spool", mailboxes, self.audio, self.clock, keep_s=600)
        self.world = World(
            mailboxes=mailboxes,
            pins=self.away.behind(self.real.pins),
            directory=self.away.behind(self.real.directory),
            lists=self.away.behind(self.real.lists),
            audio=self.audio,
            spool=self.spool,
            clock=self.clock,
            registry=self.away.behind(self.real.registry),
            renditions=Renditions(Cache(folder / "cache", limit_bytes=1 << 30), at_once),
            **settings,
        )

    def _sounds(self) -> AudioStore:
        folder = self.folder / "audio"
        folder.mkdir(parents=True, exist_ok=True)
        return FolderAudio(folder)

    def add_mailbox(
        self,
        box: MailboxId,
        name: str,
        options: MailboxOptions,
        *,
        language: str = "",
        email: str = "",
        aliases: str = "",
    ) -> None:
        usual = self.world.defaults
        fields = {one: option_text(getattr(options, one)) for one in FIELDS}
        fields = {one: text for one, text in fields.items() if text != option_text(getattr(usual, one))}
        self.real.registry.add(box, {"name": name, "language": language, "email": email, "aliases": aliases, **fields})

    def add_list(self, box: MailboxId, members: tuple[MailboxId, ...]) -> None:
        self.real.lists.add(box, members)

    def set_pin(self, box: MailboxId, pin: str, *, initial: bool = False, locked: bool = False) -> None:
        self.real.pins.change(box, pin, initial=initial)
        if locked:
            self.real.registry.change(box, {"pin_locked": "yes"})

    def add_owner(self, box: MailboxId, name: str, pin: str) -> None:
        self.real.pins.add_owner(box, name, pin)

    def put_receipt(self, box: MailboxId, receipt: Receipt) -> None:
        self.real.mailboxes.receipt(box, receipt)

    def copy_to(self, box: MailboxId, copies: str) -> None:
        self.real.registry.change(box, {"copies": copies})

    def wait_for_copies(self, _messages: int, *boxes: MailboxId) -> None:
        """What the notifier does with what happened in these mailboxes."""
        copier = Copier(self.real.mailboxes, self.audio)
        for box in boxes:
            fields = self.real.registry.fields(box)
            for event in self.real.events.tail(50, box=box):
                for job in copy_jobs(event, fields, self.clock.now()) if event.what == "delivered" else ():
                    copier.carry(job)

    def put(self, audio_id: str, source: Path) -> None:
        self.audio.put(audio_id, source)

    def deliver(self, box: MailboxId, message: Message) -> None:
        assert self.real.mailboxes.deliver(box, message, even_if_full=True).kept

    def set_greeting(self, box: MailboxId, greeting: Greeting, stored: StoredGreeting) -> None:
        self.real.mailboxes.set_greeting(box, greeting, stored)

    def mailbox(self, box: MailboxId) -> Mailbox:
        mailbox = self.real.mailboxes.open(box)
        assert mailbox is not None
        return mailbox

    def messages(self, box: MailboxId, folder: Folder) -> list[Message]:
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

    def sweep(self) -> None:
        """What the sweeper does every now and then."""
        Sweeper(self.spool, quiet_s=0).sweep_once()

    def ring(self, call: Call, script: str, shell=None) -> None:
        """One call from beginning to end, the caller following the script."""
        self.line = Line(self.clock)
        self.phone = SimPhone(self.line, self.clock, call=call)
        self.caller = Caller(self.line, self.clock, script, shell)
        self.caller.start()
        self.talk = answer_call(self.phone, self.world)
        self.phone.hang_up()
        self.status = self.phone.variables.get("vm_status", "")
        self.variables = self.phone.variables
        self.sent_to = self.phone.transferred[0] if self.phone.transferred else ""

    @property
    def heard(self) -> list[str]:
        """The names of what was heard."""
        return self.line.heard

    @property
    def problems(self) -> list[str]:
        """What did not come as the script expected it."""
        return self.caller.problems

    @property
    def transcript(self) -> str:
        """The call as text."""
        return call_text(self.line)


HANG_UP = [("hangup", "NORMAL_CLEARING")]


class NodeRig(Rig):
    """The same service behind its real event-socket code, called by the simulated node, in virtual time.

    Attributes:
        voice: what callers say; None = a tone. on_heard: told the name of each prompt as it starts. cut: breaks the event socket of the call that is up.
        pack: where the prompts lie. dialplan: extensions besides the operator's. up: the call that is up, or was last.
    """

    voice: CallerVoice | None = None
    on_heard = None
    pack = NominalPack()
    dialplan: ClassVar[dict[str, list[tuple[str, str]]]] = {}

    def _tell_heard(self) -> None:
        while self.told < len(self.line.sounds):
            self.on_heard(self.line.sounds[self.told].name)
            self.told += 1

    def ring(self, call: Call, script: str, shell=None) -> None:
        """One call from beginning to end, the caller following the script."""
        node = DescribedNode(self.clock, dialplan={"2000": HANG_UP, "o": HANG_UP, **self.dialplan})
        keeper = TimeKeeper(self.clock)
        incoming = Incoming(call.destination, call.caller.number, call.caller.name, variables=dict(call.variables))
        up, socket = call_over_pipe(node, keeper, incoming, self.voice)
        self.line = up.line
        self.up = up
        self.cut = socket.finish
        self.told = 0
        if self.on_heard is not None:
            self.line.on_change.append(self._tell_heard)
        self.caller = Caller(up.line, self.clock, script, shell)
        self.caller.start()
        self.session = session = CallSession(socket.getpeername(), socket, clock=self.clock.now)
        phone = EslPhone(session, session.connect(), self.pack)
        self.talk = answer_call(phone, self.world)
        session.hand_back()
        socket.close()
        while not up.line.ended and self.clock.advance():
            pass
        self.executed = session.executed
        self.status = up.channel.variables.get("vm_status", "")
        self.variables = up.channel.variables
        self.sent_to = up.transferred[0] if up.transferred else ""
