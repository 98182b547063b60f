"""Bringing what a reader found: through the ports, so that stopping at any point and beginning again ends the same.

Nothing that is here is overwritten: a mailbox that exists keeps its settings, a PIN is set where there is none, a
greeting where there is none (one its owner removed does not come back), a message once. Ids are made from the source,
so a second import finds everything; what an owner deleted meanwhile the store remembers.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.importers.aliases import add_with_aliases
from esl_vm.importers.audio import SoundError, convert
from esl_vm.importers.plan import ImportedGreeting, ImportedMailbox, ImportedMessage, Kind, Plan, stable_id
from esl_vm.importers.report import Report
from esl_vm.model.errors import InvalidValueError, MailboxExistsError, NoSuchMessageError
from esl_vm.model.fields import LONGEST_NAME
from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.message import Message, one_line
from esl_vm.model.pins import LONGEST_PIN
from esl_vm.model.store import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from esl_vm.actions.target import Target
    from esl_vm.model.mailbox import Mailbox

    Progress = Callable[[int, int, str], None]
    """Told how many of how many messages and greetings are through, and what is being done."""

_LONGEST_FIELD = 200


def run_import(plan: Plan, target: Target, *, dry_run: bool = False, progress: Progress | None = None) -> Report:
    """Bring a plan's mailboxes, greetings and messages.

    Args:
        plan: what a reader found.
        target: where it goes.
        dry_run: do all, reading every sound too, but write nothing.
        progress: told how far it is.

    Returns:
        The report. What it counts as found is exactly what it counts as imported, already here, deleted since by its
        owner, or reported.

    Raises:
        StoreDownError: the store went away; what is in is in, begin again when it is back.
    """
    report = Report.of(plan, dry_run=dry_run)
    total = plan.messages + report.greetings.found
    tell: Progress = progress or (lambda _done, _total, _what: None)
    with tempfile.TemporaryDirectory(prefix="esl-vm-import-") as folder:
        run = _Run(plan, target, report, Path(folder) / "sound.wav", dry_run=dry_run)
        done = 0
        for box in plan.mailboxes:
            for _step in run.steps(box):
                tell(done, total, str(box.box))
                done += 1
            done -= 1
        tell(total, total, "")
    return report


class _Run:
    """One import under way."""

    def __init__(self, plan: Plan, target: Target, report: Report, sound: Path, *, dry_run: bool) -> None:
        self._source, self._boxes = plan.source, frozenset(box.box for box in plan.mailboxes)
        self._target, self._report = target, report
        self._findings = report.findings
        self._sound = sound
        self._dry_run = dry_run
        self._full: set[MailboxId] = set()

    def steps(self, box: ImportedMailbox) -> Iterator[None]:
        """Bring a mailbox; yields once before it and once after each greeting and message."""
        yield
        before = self._target.mailboxes.open(box.box)
        if not self._settings(box, before):
            self._report.messages.reported += len(box.messages)
            self._report.greetings.reported += len(box.greetings)
            return
        if before and not before.has_pin and not self._dry_run:
            pin, initial = self._pin(box)
            if pin:
                self._target.pins.change(box.box, pin, initial=initial)
        for greeting in box.greetings:
            self._greeting(box.box, greeting, before)
            yield
        last: dict[tuple[Folder, bool], float] = {}
        for message in box.messages:
            # The order in a folder is not always that of the dates: what is forwarded or filed comes last there.
            # Urgent ones in New are played apart from the others.
            place = (message.folder, message.urgent and message.folder is Folder.NEW)
            last[place] = max(message.received, last.get(place, 0.0) + 0.001)
            self._message(box.box, message, last[place], fresh=before is None)
            yield

    def _settings(self, box: ImportedMailbox, before: Mailbox | None) -> bool:
        """Make the mailbox where there is none; whether there is one now."""
        if before is not None:
            self._report.mailboxes.already += 1
            self._findings.remark("mailbox_here", str(box.box), "it was here before: settings and PIN stay as they are")
            return True
        fields = self._fields(box)
        try:
            if not self._dry_run:
                pin, initial = self._pin(box)
                pin_hash = self._target.pins.hashed(pin)
                add_with_aliases(
                    self._target.registry, box, fields, self._boxes, pin_hash=pin_hash, pin_initial=initial
                )
        except MailboxExistsError:
            self._report.mailboxes.already += 1
            return True
        except InvalidValueError as error:
            lost = len(box.messages)
            self._findings.item(Kind.INVALID_MAILBOX, str(box.box), str(error), lost=lost, messages=lost)
            self._report.mailboxes.reported += 1
            return False
        self._report.mailboxes.imported += 1
        return True

    def _fields(self, box: ImportedMailbox) -> dict[str, str]:
        fields = dict(box.options)
        if not box.enabled:
            fields["announce_only"] = "yes"
            why = "it was switched off: it takes no messages until announce_only is set to no"
            self._findings.remark("switched_off", str(box.box), why)
        pager = box.pager if "@" in box.pager else ""
        if box.pager and not pager:
            why = f"{box.pager} is a telephone number: give the address of a gateway as pager"
            self._findings.remark("pager_not_carried", str(box.box), why)
        fields |= {
            "name": one_line(box.name, LONGEST_NAME),
            "language": box.language,
            "timezone": box.timezone,
            "email": self._joined(box.emails, "email", box.box),
            "pager": pager,
            "extensions": self._joined(box.extensions, "alias", box.box),
        }
        return {name: value for name, value in fields.items() if value}

    def _joined(self, words: tuple[str, ...], kind: str, box: MailboxId) -> str:
        """As many words as a field can hold, with commas between."""
        kept = list(words)
        while len(",".join(kept)) > _LONGEST_FIELD:
            self._findings.remark(f"{kind}_left_out", str(box), f"{kept.pop()}: the list is too long")
        return ",".join(kept)

    def _pin(self, box: ImportedMailbox) -> tuple[str, bool]:
        """The PIN, and whether its owner is to choose another; `` if none was asked.

        Where one was asked and is not known, one that nobody knows: the mailbox stays shut.
        """
        if box.pin is not None:
            # Comedian Mail takes an owner whose PIN is the mailbox's number for a new one
            forced = "yes" in {box.options.get("force_name"), box.options.get("force_greetings")}
            pin = box.pin.reveal()
            return pin, forced and pin == box.box.number
        if box.asks_pin:
            return "".join(secrets.choice("0123456789") for _ in range(LONGEST_PIN)), False
        return "", False

    def _greeting(self, box: MailboxId, greeting: ImportedGreeting, before: Mailbox | None) -> None:
        """Activate a greeting, unless its owner has recorded or removed one here.

        One that an earlier import brought gives way if the source has another by now.
        """
        tally = self._report.greetings
        here = before.greetings.get(greeting.greeting) if before else None
        ours = stable_id(self._source, str(box), f"greeting {greeting.greeting.value}", None)
        if here is not None and not here.audio_id.startswith(f"{ours}."):
            tally.already += 1
            return
        try:
            duration = convert(greeting.sound, self._sound, self._target.rate)
        except SoundError as error:
            self._findings.item(error.kind, greeting.where, str(error))
            tally.reported += 1
            return
        audio_id = f"{ours}.{hashlib.sha256(self._sound.read_bytes()).hexdigest()[:12]}"
        if here is not None and here.audio_id == audio_id:
            tally.already += 1
        elif self._dry_run or self._activated(box, greeting.greeting, StoredGreeting(audio_id, duration), before):
            tally.imported += 1
        else:
            tally.deleted_since += 1

    def _activated(self, box: MailboxId, greeting: Greeting, stored: StoredGreeting, before: Mailbox | None) -> bool:
        """Store a greeting and activate it; False if the store remembers that its owner removed it."""
        new = not self._target.audio.exists(stored.audio_id)
        self._target.audio.put(stored.audio_id, self._sound)
        self._target.mailboxes.set_greeting(box, greeting, stored)
        if before is None:
            return True
        now = self._target.mailboxes.open(box)
        active = now.greetings.get(greeting) if now else None
        if active is not None and active.audio_id == stored.audio_id:
            return True
        if new:
            self._target.audio.delete(stored.audio_id)
        return False

    def _message(self, box: MailboxId, message: ImportedMessage, arrived: float, *, fresh: bool) -> None:
        tally = self._report.messages
        if not fresh and (here := self._here(box, message)) is not None:
            if here.folder is Folder.TRASH and message.folder is not Folder.TRASH:
                tally.deleted_since += 1
            else:
                tally.already += 1
            return
        try:
            duration = convert(message.sound, self._sound, self._target.rate)
        except SoundError as error:
            self._findings.item(error.kind, message.where, str(error), lost=1)
            tally.reported += 1
            return
        brought = Message(
            id=message.id,
            caller=message.caller,
            received=message.received,
            arrived=arrived if arrived > message.received else 0.0,
            duration_ms=duration,
            urgent=message.urgent,
            heard=message.heard,
            folder=message.folder,
            origin="import",
            forwarded_by=message.forwarded_by,
            call=message.call,
            transcript=message.transcript,
        )
        if self._dry_run:
            self._intro(brought, message)
            tally.imported += 1
            return
        new = [] if self._target.audio.exists(message.id) else [message.id]
        self._target.audio.put(message.id, self._sound)
        brought = self._intro(brought, message)
        new += [brought.intro_id] if brought.intro_id and new else []
        self._settle(self._deliver(box, brought), message, new)

    def _settle(self, delivery: Delivery, message: ImportedMessage, new: list[str]) -> None:
        """Count what became of a message; sounds stored just now for one that is not wanted go again."""
        tally = self._report.messages
        match delivery:
            case Delivery.DONE:
                tally.imported += 1
                return
            case Delivery.ALREADY:
                tally.already += 1
                return
            case Delivery.DELETED:
                tally.deleted_since += 1
            case _:
                self._findings.item(Kind.MAILBOX_GONE, message.where, f"the store says: {delivery.value}", lost=1)
                tally.reported += 1
        for audio_id in new:
            self._target.audio.delete(audio_id)

    def _here(self, box: MailboxId, message: ImportedMessage) -> Message | None:
        """The message as it is in this mailbox already: brought before, or exported from it."""
        for message_id in filter(None, (message.former_id, message.id)):
            try:
                return self._target.mailboxes.message(box, message_id)
            except NoSuchMessageError:
                continue
        return None

    def _intro(self, brought: Message, message: ImportedMessage) -> Message:
        """Bring the spoken introduction too, if there is one; a message without it is better than none."""
        if message.intro is None:
            return brought
        try:
            duration = convert(message.intro, self._sound, self._target.rate)
        except SoundError as error:
            self._findings.remark("introduction_unreadable", message.where, str(error))
            return brought
        intro_id = f"{message.id}.intro"
        if not self._dry_run:
            self._target.audio.put(intro_id, self._sound)
        return dataclasses.replace(brought, intro_id=intro_id, intro_ms=duration)

    def _deliver(self, box: MailboxId, message: Message) -> Delivery:
        """Put it in: what was kept elsewhere is kept here, even in a mailbox that is full by now."""
        delivery = self._target.mailboxes.deliver(box, message)
        if delivery not in {Delivery.FULL, Delivery.CLOSED}:
            return delivery
        if delivery is Delivery.FULL and box not in self._full:
            self._full.add(box)
            why = "it holds more than its maxmsg or quota_seconds; callers hear that it is full until some is deleted"
            self._findings.remark("mailbox_full", str(box), why)
        return self._target.mailboxes.deliver(box, message, even_if_full=True)
