"""`esl-vm message forward`, `scheduled` and `receipts`: messages that arrive later, and when they were heard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.cli.boxes import box_argument, found_mailbox, opened_mailbox
from esl_vm.cli.moments import moment, moment_option
from esl_vm.cli.output import clock_time, complain, minute, print_list, show
from esl_vm.cli.parsers import json_option
from esl_vm.model.errors import InvalidValueError, NoSuchMessageError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import new_id
from esl_vm.model.scheduled import Scheduled, checked_due
from esl_vm.model.times import iso_time

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_commands(group: Commands) -> None:
    """`message forward`, `message scheduled`, in the group of `message`."""
    forward = group.add(
        "forward",
        "forward a message, now or later",
        _forward,
        description="Forward a message to mailboxes of the same domain. The service delivers it within seconds, or at the time "
        "given; who can't get it then is told of, and the message comes back to its mailbox.",
        examples='esl-vm message forward 1001@default ID 1002 1003\nesl-vm message forward 1001 ID 1002 --at "mon 08:00"',
    )
    box_argument(forward)
    forward.add_argument("id", metavar="ID")
    forward.add_argument("to", nargs="+", metavar="NUMBER", help="to which mailboxes of the same domain")
    moment_option(forward)
    forward.add_argument("--receipt", action="store_true", help="the mailbox's owner wants to know when it is heard")

    waiting = group.add(
        "scheduled",
        "list messages that wait for their time, or cancel some",
        _scheduled,
        examples="esl-vm message scheduled 1001@default\nesl-vm message scheduled 1001 --cancel ID",
    )
    box_argument(waiting)
    waiting.add_argument("--cancel", action="append", default=[], metavar="ID", help="cancel it; may be repeated")
    json_option(waiting)

    receipts = group.add(
        "receipts",
        "list when what a mailbox sent was heard, where it asked for that",
        _receipts,
        examples="esl-vm message receipts 1001@default",
    )
    box_argument(receipts)
    json_option(receipts)


def _forward(args: argparse.Namespace) -> int:
    from esl_vm.recordings.manifest import INTRO_SUFFIX
    from esl_vm.recordings.scheduled import scheduled_sounds

    with opened_mailbox(args) as (node, mailbox):
        message, now = node.mailboxes.message(mailbox.id, args.id), node.clock.now()
        zone = mailbox.timezone or node.settings.service.timezone
        due = checked_due(moment(args.at, zone, now).timestamp(), now) if args.at else now
        boxes = [
            found_mailbox(node, MailboxId.parse(word, mailbox.id.domain), "; nothing was sent").id for word in args.to
        ]
        if any(box.domain != mailbox.id.domain for box in boxes):
            raise InvalidValueError(f"only to mailboxes of {mailbox.id.domain}; nothing was sent")
        copy = message.forwarded(new_id(now), now, str(mailbox.id))
        copy = replace(copy, receipt=str(mailbox.id) if args.receipt else "")
        scheduled = Scheduled(mailbox.id, tuple(dict.fromkeys(boxes)), copy, due)
        for sound in scheduled_sounds(scheduled):
            original = message.intro_id if sound.endswith(INTRO_SUFFIX) else message.id
            node.audio.put_many([sound], node.audio.playable(original))
        node.mailboxes.schedule(scheduled)
    when = f"at {minute(due, zone)}" if args.at else "now"
    show(f"{copy.id} goes {when} to {', '.join(map(str, scheduled.to))}")
    return 0


def _scheduled(args: argparse.Namespace) -> int:
    from esl_vm.recordings.scheduled import cancel

    with opened_mailbox(args) as (node, mailbox):
        zone = mailbox.timezone or node.settings.service.timezone
        found = node.mailboxes.scheduled(mailbox.id)
        for message_id in args.cancel:
            one = next((one for one in found if one.message.id == message_id), None)
            if one is None or not cancel(node.mailboxes, node.audio, one):
                raise NoSuchMessageError(f"no message {message_id} of {mailbox.id} waits for its time")
            found.remove(one)
            complain(f"cancelled {message_id}")
    print_list(
        args.json,
        found,
        lambda one: {
            "id": one.message.id,
            "at": iso_time(one.due, zone),
            "to": list(map(str, one.to)),
            "duration_ms": one.message.duration_ms,
            "urgent": one.message.urgent,
        },
        ("message", "arrives", "length", "to"),
        lambda one: (
            one.message.id,
            minute(one.due, zone),
            clock_time(one.message.duration_ms),
            ", ".join(map(str, one.to)),
        ),
        "no message waits for its time",
        complain,
    )
    return 0


def _receipts(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        zone = mailbox.timezone or node.settings.service.timezone
        found = node.mailboxes.receipts(mailbox.id)
    print_list(
        args.json,
        found,
        lambda one: {
            "id": one.id,
            "to": str(one.to),
            "sent": iso_time(one.sent, zone),
            "heard": iso_time(one.heard, zone) if one.heard else "",
        },
        ("message", "to", "sent", "heard"),
        lambda one: (one.id, str(one.to), minute(one.sent, zone), minute(one.heard, zone) if one.heard else "not yet"),
        "no receipt was asked for",
        complain,
    )
    return 0
