"""What a table of mailboxes would change, and changing it: row by row, each row as a whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from esl_vm.model.errors import AudioMissingError, InvalidValueError, VoicemailError
from esl_vm.model.fields import settable
from esl_vm.model.mailbox import StoredGreeting
from esl_vm.model.mailbox_table import RANDOM
from esl_vm.model.message import new_id
from esl_vm.model.pins import DEFAULT_PIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from esl_vm.actions.target import Converted, Target
    from esl_vm.model.mailbox import Greeting, Mailbox, MailboxId
    from esl_vm.model.mailbox_table import Row, Table
    from esl_vm.model.pins import PinRules


class HandsOutPins(Protocol):
    """Who gives owners their random PINs."""

    def check(self, box: MailboxId, fields: Mapping[str, str]) -> None:
        """Whether it can be given to this owner; raises InvalidValueError."""
        ...

    def give(self, box: MailboxId, fields: Mapping[str, str], pin: str) -> None:
        """Give out one."""
        ...


@dataclass(slots=True)
class Change:
    """What a row changes.

    Args:
        row: the row. new: there is no such mailbox yet.
        before: its fields as they are. fields: those that differ, as they will be.
        pin: the PIN to set, `` for none, None to leave it. random: it is a random one, to be given to its owner.
        greetings: sounds to activate, None to take one away.
    """

    row: Row
    new: bool
    before: dict[str, str]
    fields: dict[str, str] = field(default_factory=dict)
    pin: str | None = field(default=None, repr=False)
    random: bool = False
    greetings: dict[Greeting, Converted | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.new or self.fields or self.greetings) or self.pin is not None

    def __str__(self) -> str:
        parts = []
        for name, after in self.fields.items():
            before = self.before.get(name, "")
            parts.append(
                f"{name}={after}" if self.new else f"{name}: {before or '(default)'} -> {after or '(default)'}"
            )
        parts += [f"greeting {greeting}{'' if sound else ' removed'}" for greeting, sound in self.greetings.items()]
        if self.pin is not None:
            default = self.new and self.row.pin is None
            plain = "a random PIN" if self.random else "a PIN" if self.pin else "no PIN"
            parts.append(f"the default PIN {DEFAULT_PIN}" if default and not self.random else plain)
        return f"{'new' if self.new else 'change':<7}{self.row.box}: {', '.join(parts)}"

    def weakness(self, rules: PinRules) -> str:
        """Why its owner would not be allowed to choose the PIN that the row names; `` if they would."""
        return rules.weakness(self.pin, self.row.box.number) if self.pin and self.row.pin and not self.random else ""


def changes_of(
    table: Table,
    target: Target,
    rules: PinRules,
    sound_of: Callable[[str], Converted],
    *,
    reset_pins: bool = False,
    random_pins: bool = False,
) -> list[Change]:
    """What a table would change, in its order; nothing is changed yet.

    Args:
        table: a row with a sound that can't be read becomes one of its problems, and is left out.
        target: where the mailboxes are.
        rules: what a random PIN keeps to.
        sound_of: a greeting's file as the store keeps sounds, until the changes are made; raises InvalidValueError.
        reset_pins: set the table's PINs where owners have one too.
        random_pins: new mailboxes get random PINs; with `reset_pins` of all.
    """
    found = []
    for row in list(table.rows):
        try:
            change = _change(target, row, sound_of, reset=reset_pins)
        except InvalidValueError as wrong:
            table.problems.append(f"{row.where}: {row.box}: {wrong}")
            table.rows.remove(row)
            continue
        if change.pin == RANDOM or (random_pins and row.pin is None and (change.new or reset_pins)):
            change.pin, change.random = rules.random_pin(row.box.number), True
        if change:
            found.append(change)
    return found


def _change(target: Target, row: Row, sound_of: Callable[[str], Converted], *, reset: bool) -> Change:
    """What a row changes, perhaps nothing; raises InvalidValueError for an alias, or a sound that can't be read."""
    mailbox = target.mailboxes.open(row.box)
    if mailbox is not None and mailbox.id != row.box:
        raise InvalidValueError(f"it is an alias of {mailbox.id}")
    before = target.registry.fields(row.box) if mailbox else {}
    change = Change(row, mailbox is None, before)
    change.fields = {name: text for name, text in row.fields.items() if before.get(name, "") != text}
    if mailbox is None:
        change.pin = DEFAULT_PIN if row.pin is None else row.pin
    elif row.pin is not None and (reset or (row.pin and not mailbox.has_pin)) and (row.pin or mailbox.has_pin):
        change.pin = row.pin
    for greeting, file in row.greetings.items():
        sound = sound_of(file) if file else None
        if _differs(target, mailbox, greeting, sound):
            change.greetings[greeting] = sound
    return change


def _differs(target: Target, mailbox: Mailbox | None, greeting: Greeting, sound: Converted | None) -> bool:
    """Whether an active greeting is another than this."""
    stored = mailbox.greetings.get(greeting) if mailbox else None
    if stored is None or sound is None:
        return bool(stored or sound)
    try:
        return target.audio.playable(stored.audio_id).read_bytes() != sound.path.read_bytes()
    except AudioMissingError:
        return True


def make(change: Change, target: Target, now: float, handout: HandsOutPins | None = None) -> None:
    """Make one change.

    Args:
        change: it.
        target: where.
        now: epoch seconds.
        handout: gives a random PIN to its owner, once it is set; None: there is none.

    Raises:
        InvalidValueError, MailboxExistsError, NoSuchMailboxError: it can't be made any more.
    """
    box, random_pin = change.row.box, change.pin if change.random else None
    facts = {**change.before, **change.fields}
    if random_pin and handout:
        handout.check(box, facts)
    if change.new:
        hashed = target.pins.hashed(change.pin or "")
        target.registry.add(box, change.fields, pin_hash=hashed, pin_initial=True)
    else:
        if change.fields:
            target.registry.change(box, change.fields)
        if change.pin is not None:
            target.pins.change(box, change.pin, initial=True)
    if random_pin and handout:
        handout.give(box, facts, random_pin)
    for greeting, sound in change.greetings.items():
        if sound is None:
            target.mailboxes.remove_greeting(box, greeting)
            continue
        audio_id = new_id(now)
        target.audio.put(audio_id, sound.path)
        target.mailboxes.set_greeting(box, greeting, StoredGreeting(audio_id, sound.duration_ms))


def copy_mailbox(
    target: Target, source: Mailbox, box: MailboxId, fields: Mapping[str, str], pin: str, now: float
) -> list[Greeting]:
    """Make a mailbox with another's profile, options and greetings: not its messages, not its PIN.

    Args:
        target: where both are.
        source: the other one.
        box: the new one.
        fields: those that are to be different; an empty one is left out.
        pin: its first PIN, `` = none.
        now: epoch seconds.

    Returns:
        Greetings whose sound is gone, and which were left out.

    Raises:
        MailboxExistsError, InvalidValueError: nothing was made. Whatever goes wrong, no half mailbox stays.
    """
    like = settable(target.registry.fields(source.id))
    for own in ("extensions", "aliases"):  # lamps and numbers are one mailbox's only
        like.pop(own, None)
    lost = []
    target.registry.add(box, like | dict(fields), pin_hash=target.pins.hashed(pin), pin_initial=True)
    try:
        for greeting, stored in source.greetings.items():
            copied = replace(stored, audio_id=new_id(now))
            try:
                target.audio.put(copied.audio_id, target.audio.playable(stored.audio_id))
            except AudioMissingError:
                lost.append(greeting)
                continue
            target.mailboxes.set_greeting(box, greeting, copied)
    except VoicemailError:
        target.registry.remove(box)
        raise
    return lost
