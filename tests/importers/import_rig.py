"""A place to import into (a real Redis, sounds in a folder), what lies there afterwards, and trees to import."""

from __future__ import annotations

import hashlib
import json
import math
import struct
import wave
from pathlib import Path

from esl_vm.actions.target import Target
from esl_vm.audio.folder_audio import FolderAudio
from esl_vm.importers.write import run_import
from esl_vm.model.mailbox import Folder, Greeting
from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinCheck, PinRules
from esl_vm.sound.wav import wave as sound_file
from esl_vm.store.pin_hashes import Scrypt
from esl_vm.store.store import Store

DATA = Path(__file__).parent.parent / "data" / "migration"
QUICK = Scrypt(n=16, r=8, p=1)


class Place:
    """Where a test imports to, and a look at what is there."""

    def __init__(self, client, folder: Path, defaults: MailboxOptions | None = None) -> None:
        client.flushall()
        self.client = client
        self.defaults = defaults
        self.store = Store(client, defaults=defaults, pin_rules=PinRules(failures=10**6), pin_cost=QUICK)
        self.store.verify()
        self.sounds = folder / "sounds"
        self.sounds.mkdir(parents=True, exist_ok=True)
        self.audio = FolderAudio(self.sounds)
        self.target = Target(self.store.registry, self.store.mailboxes, self.store.pins, self.audio)

    def bring(self, plan, target=None, **more):
        """Import a plan; the numbers of the report must add up every time."""
        with plan:
            report = run_import(plan, target or self.target, **more)
        assert report.reconciled, report.to_text()
        return report

    def boxes(self):
        return [str(box) for box in self.store.registry.boxes()]

    def messages(self, box, folder=None):
        """Messages in the order in which they are played."""
        found = []
        for one in [folder] if folder else list(Folder):
            found += self.store.mailboxes.page(box, one, urgent=None, after=None, most=100_000).messages
        return found

    def seconds(self, audio_id):
        return wav_seconds(self.audio.playable(audio_id))

    def opens(self, box, pin):
        return self.store.pins.check(box, pin) is PinCheck.RIGHT

    def picture(self):
        """Everything that is there, sounds included, but what differs by chance: times of writing, salts, events."""
        there = {}
        for box in self.store.registry.boxes():
            fields = self.store.registry.fields(box)
            fields.pop("created", None)
            mailbox = self.store.mailboxes.open(box)
            there[str(box)] = {
                "fields": fields,
                "has_pin": mailbox.has_pin,
                "initial": mailbox.pin_is_initial,
                "greetings": {kind.value: (g.audio_id, g.duration_ms) for kind, g in mailbox.greetings.items()},
                "messages": list(self.messages(box)),
            }
        there["sounds"] = {
            i: hashlib.sha256(self.audio.playable(i).read_bytes()).hexdigest() for i in sorted(self.audio.ids())
        }
        return there


def wav_seconds(path):
    with wave.open(str(path), "rb") as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
        return sound.getnframes() / 8000


def tone(seconds=1.0, rate=8000, pitch=440.0):
    """A sound: 16-bit samples as bytes."""
    count = int(seconds * rate)
    return struct.pack(f"<{count}h", *(int(8000 * math.sin(2 * math.pi * pitch * n / rate)) for n in range(count)))


def wav_bytes(seconds=1.0, rate=8000, pitch=440.0):
    return sound_file(tone(seconds, rate, pitch), rate)


def write(path, content):
    """Write a file with its folders; text becomes UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def message_text(callerid='"Bob" <5145550100>', origtime=1795217407, msg_id=None, flag="", **more):
    """What Asterisk writes beside a message."""
    values = {
        "origmailbox": "1001",
        "context": "from-trunk",
        "exten": "1001",
        "rdnis": "unknown",
        "priority": "3",
        "callerchan": "SIP/trunk-00000001",
        "callerid": callerid,
        "origdate": "Fri Nov 20 11:30:07 PM UTC 2026",
        "origtime": origtime,
        "category": "",
        "msg_id": f"{origtime}-00000000" if msg_id is None else msg_id,
        "flag": flag,
        "duration": "1",
    } | more
    lines = [f"{name}={value}" for name, value in values.items() if value is not None]
    return ";\n; Message Information file\n;\n[message]\n" + "\n".join(lines) + "\n"


def expected(tree):
    return json.loads((DATA / tree / "EXPECTED.json").read_text(encoding="utf-8"))


GREETINGS = {kind.value: kind for kind in Greeting}
