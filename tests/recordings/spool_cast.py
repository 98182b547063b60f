"""Who plays in the spool's tests: a caller's voice, mailboxes that outlive their process, a clock, a FreeSWITCH."""

from __future__ import annotations

import pickle
from pathlib import Path

from support.clocks import Clock

from esl_vm.audio.folder_audio import FolderAudio
from esl_vm.model.call import Ended, Recorded
from esl_vm.model.errors import NoSuchMailboxError, StoreDownError
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Greeting, Mailbox, MailboxId, StoredGreeting
from esl_vm.model.message import Caller, Counts, Message
from esl_vm.model.store import Delivery, Fate
from esl_vm.recordings import Spool, Sweeper
from esl_vm.sound.wav import wave

ALICE = MailboxId("1001")
BOB = MailboxId("1002")
EVE = MailboxId("1003")
NOBODY = MailboxId("1999")
BOXES = (ALICE, BOB, EVE)
RATE = 8000
NOW = 1_795_380_000.0
DEFAULTS = {"min_ms": 1000, "trim_silence": True, "threshold": 128}


def recorded(ms: int, ended: Ended = Ended.KEY) -> Recorded:
    return Recorded(ms, ended, "#" if ended is Ended.KEY else "")


def process_dies(take, **last) -> None:
    """What the kernel does for a killed process: the take's lock is gone, its files stay.

    last: what it still wrote to its journal (`accepted=True`).
    """
    if last:
        take.journal.append(**last)
    take.journal.close()


class DiskMailboxes:
    """The part of ports.Mailboxes that a spool uses; each change is on the disk before it is answered.

    It keeps the store's promises: test_spool_mailboxes.py asks both the same.

    Attributes:
        down: raise StoreDownError before the next so many calls did anything.
        maxmsg: messages that each mailbox may hold.
        deaf: do what is asked in the next so many calls, then raise StoreDownError: the answer is lost.
        told: the events written by `tell`: mailbox, what, message, why.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "mailboxes"
        self.told: list[tuple[MailboxId, EventType, str, str]] = []
        self.down = 0
        self.deaf = 0
        self.maxmsg = 10
        if not self._path.exists():
            self._write({"boxes": {box: {} for box in BOXES}, "greetings": {}, "gone": set(), "erase": []})

    def _read(self):
        return pickle.loads(self._path.read_bytes())

    def _write(self, state) -> None:
        fresh = self._path.with_suffix(".new")
        with open(fresh, "wb") as file:
            file.write(pickle.dumps(state))
        fresh.replace(self._path)

    def _answer(self, state, answer):
        self._write(state)
        if self.deaf:
            self.deaf -= 1
            raise StoreDownError("the answer got lost")
        return answer

    def _asked(self):
        if self.down:
            self.down -= 1
            raise StoreDownError("nobody is there")
        return self._read()

    def open(self, box):
        state = self._asked()
        if box not in state["boxes"]:
            return None
        greetings = {kind: stored for (owner, kind), stored in state["greetings"].items() if owner == box}
        return Mailbox(box, Counts(), greetings=greetings)

    def deliver(self, box, message, *, even_if_full=False):
        state = self._asked()
        if box not in state["boxes"]:
            return Delivery.NO_MAILBOX
        there = state["boxes"][box]
        if message.id in there:
            return self._answer(state, Delivery.ALREADY)
        if message.id in state["gone"]:
            return self._answer(state, Delivery.DELETED)
        if not even_if_full and len(there) >= self.maxmsg:
            return self._answer(state, Delivery.FULL)
        there[message.id] = message
        return self._answer(state, Delivery.DONE)

    def log_event(self, box, what, message_id="", **details):
        state = self._asked()
        self.told.append((box, what, message_id, details["why"]))
        self._answer(state, None)

    def set_greeting(self, box, greeting, stored):
        state = self._asked()
        if box not in state["boxes"]:
            raise NoSuchMailboxError(str(box))
        former = state["greetings"].get((box, greeting))
        if stored.audio_id in state["gone"] or (former and former.audio_id == stored.audio_id):
            return self._answer(state, "")
        state["greetings"][box, greeting] = stored
        if former:
            state["gone"].add(former.audio_id)
            state["erase"].append(former.audio_id)
        return self._answer(state, former.audio_id if former else "")

    def fates(self, announced):
        try:
            state = self._asked()
        except StoreDownError:
            return [Fate.UNKNOWN] * len(announced)
        return [self._fate(state, one) for one in announced]

    @staticmethod
    def _fate(state, one):
        if one.greeting is None and one.id in state["boxes"].get(one.box, {}):
            return Fate.THERE
        in_force = state["greetings"].get((one.box, one.greeting))
        if in_force and in_force.audio_id == one.id:
            return Fate.THERE
        return Fate.DELETED if one.id in state["gone"] else Fate.LOST

    # What tests do and look at; never away, never deaf.

    def as_it_is(self):
        """What a replica has, that is behind from now on."""
        return self._path.read_bytes()

    def fail_over(self, replica):
        """That replica is the master."""
        self._path.write_bytes(replica)

    def messages(self, box) -> dict[str, Message]:
        return self._read()["boxes"].get(box, {})

    def greeting(self, box, greeting: Greeting) -> StoredGreeting | None:
        return self._read()["greetings"].get((box, greeting))

    def delete(self, box, message_id) -> Message:
        state = self._read()
        state["gone"].add(message_id)
        message = state["boxes"][box].pop(message_id)
        self._write(state)
        return message

    def remove_greeting(self, box, greeting) -> None:
        state = self._read()
        former = state["greetings"].pop((box, greeting))
        state["gone"].add(former.audio_id)
        state["erase"].append(former.audio_id)
        self._write(state)

    def remove_box(self, box) -> None:
        state = self._read()
        del state["boxes"][box]
        self._write(state)

    def fill(self, box, messages: int) -> None:
        state = self._read()
        state["boxes"][box] |= {f"old-{n}": Message(f"old-{n}") for n in range(messages)}
        self._write(state)

    def erase_what_is_due(self, audio) -> None:
        state = self._read()
        for audio_id in state["erase"]:
            audio.delete(audio_id)
        self._write(state | {"erase": []})


class Desk:
    """One node: its spool, its stores, and whoever works there. Two desks on one `shared` folder are two nodes."""

    def __init__(self, shared: Path, node: str = "", spool: Path | None = None, **options) -> None:
        self.shared = shared
        (shared / "audio").mkdir(exist_ok=True, parents=True)
        self.clock = Clock(NOW)
        self.mailboxes = DiskMailboxes(shared)
        self.audio = FolderAudio(shared / "audio")
        self.folder = spool or shared / "spool"
        options = {"node": node, "min_free": 0} | options
        self.spool = Spool(self.folder, self.mailboxes, self.audio, self.clock, **options)
        self.number = 0

    def sweeper(self, **options) -> Sweeper:
        return Sweeper(self.spool, **{"quiet_s": 0, "stray_s": 0} | options)

    def message(self, **fields) -> Message:
        self.number += 1
        message_id = f"{int(self.clock.now() * 1000):011x}-{self.number:012x}"
        return Message(message_id, **{"caller": Caller("5145550100", "Zoé"), "received": self.clock.now()} | fields)

    def sound_id(self) -> str:
        return self.message().id

    def take(self, *boxes, **options):
        """A message to these boxes (Alice's, if none is named), about to be recorded."""
        message = options.pop("message", None) or self.message()
        return self.spool.take_message(boxes or (ALICE,), message, **DEFAULTS | options)

    def sounds(self) -> list[str]:
        return sorted(self.audio.ids())

    def content(self, audio_id: str) -> bytes:
        return self.audio.playable(audio_id).read_bytes()

    def on_the_way(self) -> list[str]:
        """Files in the spool that are not set aside."""
        folder = self.folder / "takes"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def set_aside(self) -> list[str]:
        folder = self.folder / "aside"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def put_greeting(self, box, greeting, content: bytes = b"the former greeting") -> str:
        """A greeting that is in force already."""
        audio_id = self.sound_id()
        source = self.shared / "source.wav"
        source.write_bytes(content)
        self.audio.put(audio_id, source)
        self.mailboxes.set_greeting(box, greeting, StoredGreeting(audio_id, 1000))
        return audio_id


def freeswitch_records(path: Path, data: bytes, rate: int = RATE, channels: int = 1) -> None:
    """What `record` leaves at its proper end, on a line of that rate."""
    path.write_bytes(wave(data, rate, channels))
