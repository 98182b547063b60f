"""Playing a call of the book on a rig, and holding it to what the book says."""

from __future__ import annotations

from pathlib import Path

from calls.book import Box, PhoneCall
from support.options import options_of
from support.sounds import write_wav

from esl_vm.model.call import Call
from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.message import Caller, Message
from esl_vm.model.receipts import Receipt

NOON = 1795363200.0
"""Noon UTC of a Sunday: messages of today are of today in every zone used here."""


def furnish(call: PhoneCall, rig, folder: Path) -> None:
    """Make the mailboxes as the book says."""
    folder.mkdir(parents=True, exist_ok=True)
    for box in call.boxes:
        number = MailboxId(box.number)
        rig.add_mailbox(
            number, box.name, options_of(box.options), language=box.language, email=box.email, aliases=box.aliases
        )
        rig.set_pin(number, box.pin, initial=box.pin_initial)
        for name, pin in box.owners:
            rig.add_owner(number, name, pin)
        for place, other in enumerate(box.receipts):
            sent, heard = (rig.clock.now() - 60 * ago for ago in (60 - place, 10))
            to = MailboxId(other.removeprefix("-"))
            rig.put_receipt(number, Receipt(f"sent{place}", to, sent, 0.0 if other.startswith("-") else heard))
        if box.copies:
            rig.copy_to(number, box.copies)
        put_messages(box, number, rig, folder)
        for greeting in box.greetings:
            key = f"{box.number}-{greeting}"
            rig.put(key, write_wav(folder / f"{key}.wav", 2.5))
            rig.set_greeting(number, Greeting(greeting), StoredGreeting(key, 2500))
    for number, members in call.lists.items():
        rig.add_list(MailboxId(number), tuple(map(MailboxId, members)))


def put_messages(box: Box, number: MailboxId, rig, folder: Path) -> None:
    for place, message in enumerate(box.messages):
        key = f"{box.number}-m{place}"
        rig.put(key, write_wav(folder / f"{key}.wav", message.seconds))
        received = rig.clock.now() - 3600 + 60 * place
        rig.deliver(
            number,
            Message(
                id=key,
                caller=Caller(message.caller, message.name),
                received=received,
                duration_ms=round(message.seconds * 1000),
                urgent=message.urgent,
                folder=Folder(message.folder),
            ),
        )


def call_of(call: PhoneCall) -> Call:
    """What FreeSWITCH hands over."""
    variables = {"domain_name": "default", **call.variables}
    return Call(uuid=call.name, caller=Caller(call.caller, "Alice"), destination=call.rings, variables=variables)


def check(call: PhoneCall, rig, heard: list[str]) -> None:
    """What was heard, what lies where, and what the dialplan was told."""
    names = ["<sound>" if name.startswith("<") else name for name in heard]
    assert rig.problems == [], "\n" + rig.transcript
    missing = not_heard(call.hears.split(), names)
    assert missing is None, f"{missing!r} was not heard in its place:\n{rig.transcript}"
    assert not set(call.never.split()) & set(names), "\n" + rig.transcript
    if any(box.copies for box in call.boxes):
        rig.wait_for_copies(sum(call.after.values()), *(MailboxId(number) for number, _ in call.after))
    for (number, folder), count in call.after.items():
        lie = rig.messages(MailboxId(number), Folder(folder))
        assert len(lie) == count, f"{number} {folder}: {lie}\n{rig.transcript}"
    greetings = rig.mailbox(MailboxId("1001")).greetings
    if call.greetings is not None:
        assert {g.value for g in greetings} == set(call.greetings)
    if call.pin:
        assert rig.pin_opens(MailboxId("1001"), call.pin)
    if call.status:
        assert rig.status == call.status, rig.transcript
    assert rig.sent_to == call.sent_to


def not_heard(wanted: list[str], heard: list[str]) -> str | None:
    """The first of the wanted prompts that does not come after the ones before it; None if all do."""
    at = 0
    for name in wanted:
        try:
            at = heard.index(name, at) + 1
        except ValueError:
            return name
    return None
