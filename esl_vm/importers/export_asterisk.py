"""Back to Asterisk: a voicemail.conf and a spool tree that Asterisk reads, and that can be imported again.

What Asterisk has no place for is told: PINs are only known as hashes, so each mailbox that has one gets a new one; a
spoken introduction becomes the beginning of its message, as Asterisk itself does it.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from esl_vm.actions.messages import messages_of
from esl_vm.importers.asterisk_mailboxes import ANY_SCOPE, GENERAL_ONLY, MAILBOX_ONLY
from esl_vm.importers.asterisk_spool import FOLDERS, GREETINGS
from esl_vm.importers.asterisk_text import OURS, written_lines
from esl_vm.importers.audio import RATE, SoundError, convert
from esl_vm.importers.plan import Findings, ImportSourceError, SoundFiles
from esl_vm.importers.report import Report
from esl_vm.model.errors import AudioMissingError
from esl_vm.model.greeting_rules import chosen, parse_rules
from esl_vm.model.mailbox import Greeting
from esl_vm.model.options import FIELDS, option_name
from esl_vm.model.transcript import Segment
from esl_vm.model.visible import one_line
from esl_vm.sound.wav import measure, seconds, wave

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from esl_vm.actions.target import Target
    from esl_vm.importers.write import Progress
    from esl_vm.model.mailbox import Mailbox, MailboxId
    from esl_vm.model.message import Message
    from esl_vm.model.transcript import Transcript

_PIN_DIGITS = 8
_RESERVED = {"general", "zonemessages", "aliases"}
_NAMES = {option_name(name): name for name in ANY_SCOPE | GENERAL_ONLY | MAILBOX_ONLY}
_DATE_FORMAT = "'vm-received' Q 'digits/at' R"


def export_asterisk(
    target: Target, boxes: Iterable[MailboxId], folder: Path, *, progress: Progress | None = None
) -> Report:
    """Write mailboxes as Asterisk keeps them.

    Args:
        target: where they are; nothing there is changed.
        boxes: which ones; a mailbox that isn't there is passed over.
        folder: an empty or missing folder; `voicemail.conf` and `voicemail/CONTEXT/NUMBER/FOLDER` come into it. The
            file has new PINs in clear; all of it is readable by its owner only.
        progress: told after each mailbox.

    Returns:
        A report of what was written (as `imported`), with items for what was not.

    Raises:
        ImportSourceError: the folder can't be written, or something is in it.
        StoreDownError: the store went away.
    """
    umask = os.umask(0o077)  # messages, addresses and PINs: whoever runs this gives them to Asterisk's user
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder.stat().st_mode & stat.S_IWOTH:
            raise ImportSourceError(f"everybody may write in {folder}: give a new folder")
        if any(folder.iterdir()):
            raise ImportSourceError(f"{folder} is not empty: give a new folder")
        export = _Export(target, folder)
        names = list(boxes)
        for number, box in enumerate(names):
            if progress:
                progress(number, len(names), str(box))
            export.mailbox(box)
        export.configuration()
    except OSError as error:
        raise ImportSourceError(f"can't write {folder}: {error}") from None
    finally:
        os.umask(umask)
    if progress:
        progress(len(names), len(names), "")
    return export.report


class _Export:
    """One export under way."""

    def __init__(self, target: Target, folder: Path) -> None:
        self._target = target
        self._folder = folder
        self.report = Report("asterisk", verb="exported")
        self._findings: Findings = self.report.findings
        self._lines: dict[str, list[str]] = defaultdict(list)
        self._zones: set[str] = set()
        self._aliases: list[str] = []
        self._general: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def mailbox(self, box: MailboxId) -> None:
        """Write one mailbox's folder, and remember its line."""
        mailbox = self._target.mailboxes.open(box)
        if mailbox is None:
            return
        self.report.mailboxes.found += 1
        if box.domain.lower() in _RESERVED:
            self._findings.remark(
                "context_reserved", str(box), "Asterisk uses this name for something else: not written"
            )
            self.report.mailboxes.reported += 1
            return
        self._line(mailbox)
        path = self._folder / "voicemail" / box.domain / box.number
        (path / "INBOX").mkdir(parents=True)
        self._greetings(mailbox, path)
        for folder, messages in self._messages(box):
            for number, message in enumerate(messages):
                self._message(box, message, path / folder, number)
        self.report.mailboxes.imported += 1

    def _greetings(self, mailbox: Mailbox, path: Path) -> None:
        """Asterisk has one of each kind: the one that is heard where no rule names another, if it is recorded."""
        recorded, rules = mailbox.greetings, parse_rules(mailbox.options.greeting_rules)
        written = set()
        for name, kind in GREETINGS.items():
            usual = Greeting(chosen(rules, kind.value))
            greeting = usual if usual in recorded else kind
            if stored := recorded.get(greeting):
                written.add(greeting)
                copied = self._copy([stored.audio_id], path / f"{name}.wav", f"{mailbox.id} {name}")
                self.report.greetings.imported += copied
                self.report.greetings.reported += not copied
        self.report.greetings.found += len(recorded)
        for greeting in sorted(set(recorded) - written):
            self.report.greetings.reported += 1
            why = "Asterisk has one greeting of each kind: export its sound with esl-vm greeting export"
            self._findings.remark("greeting_not_carried", f"{mailbox.id} {greeting}", why)

    def configuration(self) -> None:
        """Write voicemail.conf."""
        lines = ["; written by esl-vm export asterisk", "[general]", "format = wav", "charset = UTF-8"]
        for name, values in sorted(self._general.items()):
            if len(values) == 1 and sum(values.values()) == self.report.mailboxes.imported:
                lines.append(f"{name} = {next(iter(values))}")
            else:
                why = "Asterisk has this only for all mailboxes together, and they do not agree"
                self._findings.remark("option_not_carried", name, why)
        if self._aliases:
            lines += ["aliasescontext = aliases", "", "[aliases]", *self._aliases]
        if self._zones:
            lines += ["", "[zonemessages]", *(f"{zone} = {zone}|{_DATE_FORMAT}" for zone in sorted(self._zones))]
        for context, boxes in sorted(self._lines.items()):
            lines += ["", f"[{context}]", *boxes]
        path = self._folder / "voicemail.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _messages(self, box: MailboxId) -> Iterator[tuple[str, list[Message]]]:
        """Asterisk's folders with their messages, in the order in which they are played."""
        for name, folder in FOLDERS.items():
            urgent = {"Urgent": True, "INBOX": False}.get(name)
            yield name, list(messages_of(self._target.mailboxes, box, folder, urgent=urgent))

    def _message(self, box: MailboxId, message: Message, folder: Path, number: int) -> None:
        self.report.messages.found += 1
        folder.mkdir(exist_ok=True)
        base = folder / f"msg{number:04}"
        where = f"{box} {folder.name}/{base.name}"
        ids = [message.intro_id, message.id] if message.intro_id else [message.id]
        if not self._copy(ids, base.with_suffix(".wav"), where):
            self.report.messages.reported += 1
            return
        if message.intro_id:
            self._findings.remark("introduction_joined", where, "its introduction is the beginning of the message")
        base.with_suffix(".txt").write_text(_text_of(box, message), encoding="utf-8", newline="\n")
        self.report.messages.imported += 1

    def _copy(self, audio_ids: list[str], path: Path, where: str) -> bool:
        """Write sounds one after the other as one file of Asterisk's format wav: 8 kHz, one channel, 16 bits."""
        samples = b""
        try:
            for audio_id in audio_ids:
                source = self._target.audio.playable(audio_id).resolve()
                convert(SoundFiles((source,), source.parent), path)
                samples += b"".join(seconds(path, measure(path)))
        except (AudioMissingError, SoundError) as error:
            path.unlink(missing_ok=True)
            self._findings.remark("audio_missing", where, f"its sound is not in the store, or unreadable: {error}")
            return False
        path.write_bytes(wave(samples, RATE))
        return True

    def _line(self, mailbox: Mailbox) -> None:
        box = mailbox.id
        pin = ""
        if mailbox.has_pin:
            pin = "".join(secrets.choice("0123456789") for _ in range(_PIN_DIGITS))
            self._findings.remark("pin_new", str(box), "PINs are kept as hashes only: a new one is in voicemail.conf")
        if mailbox.options.pin_locked and pin:
            pin = f"-{pin}"
        words = self._options(mailbox)
        fields = [pin, _plain(mailbox.name), "|".join(_words(mailbox.email)), "|".join(_words(mailbox.pager)[:1])]
        if "," in mailbox.name:
            self._findings.remark("name_changed", str(box), "a comma in a name ends it in voicemail.conf")
        line = ",".join([*fields, "|".join(words)]).rstrip(",")
        self._lines[box.domain].append(one_line(f"{box.number} => {line}"))
        for extension in mailbox.accounts:
            alias = extension if "@" in extension else f"{extension}@{box.domain}"
            self._aliases.append(one_line(f"{alias} => {box}"))

    def _options(self, mailbox: Mailbox) -> list[str]:
        """What is set for this mailbox itself, in Asterisk's words."""
        words = [f"language={mailbox.language}"] if mailbox.language else []
        if mailbox.timezone:
            self._zones.add(mailbox.timezone)
            words.append(f"tz={mailbox.timezone}")
        for name, value in sorted(self._target.registry.fields(mailbox.id).items()):
            if name == "announce_only" and mailbox.options.announce_only:
                words.append("maxmsg=0")
            elif name in _NAMES and _NAMES[name] in GENERAL_ONLY:
                self._general[_NAMES[name]][value] += 1
            elif name in _NAMES:
                if name != "maxmsg" or not mailbox.options.announce_only:
                    words.append(f"{_NAMES[name]}={value}")
            elif name == "operator":
                words.append("operator=yes")
                why = f"operator: lead the extension o of the dialplan to {value}"
                self._findings.remark("option_not_carried", str(mailbox.id), why)
            elif name in FIELDS and name not in {"pin_locked", "announce_only"}:
                self._findings.remark("option_not_carried", str(mailbox.id), f"{name}: Asterisk has no such option")
        return words


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _plain(name: str) -> str:
    """A name as voicemail.conf can hold it."""
    return re.sub(r"\s*,\s*", " ", name).replace(";", "\\;")


def _text_of(box: MailboxId, message: Message) -> str:
    """The text file beside a message."""
    at = datetime.fromtimestamp(message.received, UTC)
    lines = {
        "origmailbox": box.number,  # none of these has a line break: numbers, and what a caller sent, which is one line
        "context": box.domain,
        "exten": message.call.dialled or box.number,
        "rdnis": message.call.diverted_from or "unknown",
        "priority": "1",
        "callerchan": message.call.call_uuid or OURS,
        "callerid": _caller(message.caller.name, message.caller.number),
        "origdate": at.strftime("%a %b %d %I:%M:%S %p UTC %Y"),
        "origtime": str(int(message.received)),
        "category": "",
        "msg_id": message.id,
        "flag": "Urgent" if message.urgent else "",
        "duration": str((message.duration_ms + message.intro_ms) // 1000),
    }
    written = "".join(f"{key}={value}\n" for key, value in lines.items())
    return f";\n; Message Information file\n;\n[message]\n{written}{written_lines(_from_the_start(message))}"


def _from_the_start(message: Message) -> Transcript | None:
    """The transcript, its times counted from the start of the introduction, with which the exported sound begins."""
    if message.transcript is None:
        return None
    later = message.intro_ms
    segments = [Segment(one.start_ms + later, one.end_ms + later, one.text) for one in message.transcript.segments]
    return replace(message.transcript, segments=tuple(segments))


def _caller(name: str, number: str) -> str:
    if not name:
        return number if re.fullmatch(r"[+0-9*#]+", number) else f'"" <{number}>' if number else "Unknown"
    quoted = re.sub(r'(["\\])', r"\\\1", name)
    return f'"{quoted}" <{number or "unknown"}>'
