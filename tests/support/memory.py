"""Mailboxes, PINs and a directory in memory: the fake that dialogues are tried on, held to the stores' own contract."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

from esl_vm.model.errors import AudioMissingError, NoSuchMessageError, StoreDownError
from esl_vm.model.lists import DistributionList
from esl_vm.model.mailbox import Folder, Mailbox, MailboxId
from esl_vm.model.message import Counts, Message
from esl_vm.model.pins import PinCheck
from esl_vm.model.store import Delivery, Entered, Page, Place


class MemoryStore:
    """ports.Mailboxes, Pins, Directory and Lists in dictionaries."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.boxes: dict[MailboxId, Mailbox] = {}
        self.lie: dict[MailboxId, dict[str, tuple[float, Message]]] = defaultdict(dict)
        self.was: dict[tuple[MailboxId, str], tuple[float, Folder]] = {}
        self.gone: set[tuple[MailboxId, str]] = set()
        self.lists: dict[MailboxId, DistributionList] = {}
        self.pins: dict[MailboxId, str] = {}
        self.calls: dict[MailboxId, int] = defaultdict(int)

    def add(self, mailbox: Mailbox) -> None:
        self.boxes[mailbox.id] = mailbox

    def open(self, box):
        mailbox = self.boxes.get(box)
        if mailbox is None:
            return None
        return dataclasses.replace(mailbox, counts=self.counts(box), has_pin=bool(self.pins.get(box)))

    def enter(self, box, most):
        mailbox = self.open(box)
        if mailbox is None:
            return None
        folder, urgent = mailbox.counts.opens
        return Entered(mailbox, self.page(box, folder, urgent=urgent, after=None, most=most))

    def counts(self, box):
        folders = defaultdict(int)
        urgent = defaultdict(int)
        for _, message in self.lie[box].values():
            folders[message.folder] += 1
            urgent[message.folder] += message.urgent
        return Counts(dict(folders), urgent[Folder.NEW], urgent[Folder.OLD])

    def _in(self, box, folder, urgent=None):
        found = [
            (Place(score, message.id), message)
            for score, message in self.lie[box].values()
            if message.folder is folder and urgent in {None, message.urgent}
        ]
        first = folder is Folder.NEW and urgent is None
        return sorted(found, key=lambda one: (first and not one[1].urgent, one[0]))

    def page(self, box, folder, *, urgent, after, most):
        found = self._in(box, folder, urgent)
        places = [place for place, _ in found]
        start = places.index(after) + 1 if after in places else sum(place < after for place in places) if after else 0
        rest = found[start : start + most]
        return Page(tuple(m for _, m in rest), tuple(p for p, _ in rest), len(found))

    def message(self, box, message_id):
        if message_id not in self.lie[box]:
            raise NoSuchMessageError(message_id)
        return self.lie[box][message_id][1]

    def deliver(self, box, message, most):
        if box not in self.boxes:
            return Delivery.NO_MAILBOX
        if message.id in self.lie[box]:
            return Delivery.ALREADY
        if (box, message.id) in self.gone:
            return Delivery.DELETED
        if len(self._in(box, message.folder)) >= self.boxes[box].options.maxmsg and most:
            return Delivery.FULL
        self.lie[box][message.id] = ((message.arrived or message.received) * 1000, message)
        return Delivery.DONE

    def _put(self, box, message_id, folder, **changes):
        last = max((place.score for place, _ in self._in(box, folder)), default=0.0)
        _, message = self.lie[box][message_id]
        score = max(self.clock.now() * 1000, last + 1)
        self.lie[box][message_id] = (score, dataclasses.replace(message, folder=folder, **changes))

    def heard(self, box, message_id):
        if message_id in self.lie[box]:
            score, message = self.lie[box][message_id]
            self.lie[box][message_id] = (score, dataclasses.replace(message, heard=True))

    def retire(self, box, message_ids, most):
        went = 0
        for message_id in message_ids:
            there = self.lie[box].get(message_id)
            if there is None or there[1].folder is not Folder.NEW:
                continue
            if most and len(self._in(box, Folder.OLD)) >= most:
                break
            self._put(box, message_id, Folder.OLD)
            went += 1
        return went

    def move(self, box, message_id, to, most):
        message = self.message(box, message_id)
        if message.folder is not to and most and len(self._in(box, to)) >= most:
            return Delivery.FULL
        self._put(box, message_id, to, heard=message.heard and to is not Folder.NEW)
        return Delivery.DONE

    def delete(self, box, message_id):
        there = self.lie[box].get(message_id)
        if there is None or there[1].folder is Folder.TRASH:
            return False
        self.was[box, message_id] = (there[0], there[1].folder)
        self.gone.add((box, message_id))
        self._put(box, message_id, Folder.TRASH)
        return True

    def restore(self, box, message_id):
        there = self.lie[box].get(message_id)
        if there is None or there[1].folder is not Folder.TRASH:
            return False
        score, folder = self.was[box, message_id]
        self.lie[box][message_id] = (score, dataclasses.replace(there[1], folder=folder))
        return True

    def set_greeting(self, box, greeting, stored):
        mailbox = self.boxes[box]
        former = mailbox.greetings.get(greeting)
        self.boxes[box] = dataclasses.replace(mailbox, greetings={**mailbox.greetings, greeting: stored})
        return former.audio_id if former else ""

    def remove_greeting(self, box, greeting):
        mailbox = self.boxes[box]
        greetings = dict(mailbox.greetings)
        former = greetings.pop(greeting, None)
        self.boxes[box] = dataclasses.replace(mailbox, greetings=greetings)
        return former.audio_id if former else ""

    def count_call(self, box, most):
        if self.calls[box] >= most:
            return False
        self.calls[box] += 1
        return True

    def check(self, box, typed):
        return PinCheck.RIGHT if typed and self.pins.get(box) == typed else PinCheck.WRONG

    def change(self, box, pin):
        self.pins[box] = pin
        self.boxes[box] = dataclasses.replace(self.boxes[box], pin_is_initial=False)

    def find(self, box):
        return self.lists.get(box)

    def by_keys(self, domain, keys, *, by_first_name):
        for box, mailbox in sorted(self.boxes.items()):
            word = mailbox.name.lower().split()[0 if by_first_name else -1] if mailbox.name else ""
            pad = "".join("22233344455566677778889999"[ord(c) - 97] for c in word if "a" <= c <= "z")
            if box.domain == domain and pad.startswith(keys) and not mailbox.options.hidefromdir:
                yield mailbox


class MemoryAudio:
    """ports.AudioStore in a folder of the test's own."""

    def __init__(self, folder) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, audio_id, source):
        target = self.folder / f"{audio_id}.wav"
        if not target.exists():
            target.write_bytes(source.read_bytes())

    def playable(self, audio_id):
        path = self.folder / f"{audio_id}.wav"
        if not path.exists():
            raise AudioMissingError(audio_id)
        return path

    def copy(self, source_id, audio_id):
        self.put(audio_id, self.playable(source_id))

    def delete(self, audio_id):
        (self.folder / f"{audio_id}.wav").unlink(missing_ok=True)

    def exists(self, audio_id):
        return (self.folder / f"{audio_id}.wav").exists()

    def ids(self):
        return [path.stem for path in self.folder.glob("*.wav")]


class Away:
    """A store that can be away."""

    def __init__(self, store) -> None:
        self.store = store
        self.down = False

    def __getattr__(self, name):
        found = getattr(self.store, name)
        if not callable(found):
            return found

        def answer(*args, **kwargs):
            if self.down:
                raise StoreDownError("Redis does not answer")
            return found(*args, **kwargs)

        return answer
