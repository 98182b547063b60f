"""`esl-vm message`: the messages in a mailbox."""

from __future__ import annotations

import contextlib
from itertools import islice
from typing import TYPE_CHECKING, Any

from esl_vm.actions.mailing import ask_for_mail
from esl_vm.actions.messages import messages_of
from esl_vm.cli import broadcast, later
from esl_vm.cli.boxes import box_argument, check_domain, found_mailbox, opened_mailbox, opened_node
from esl_vm.cli.files import write_file
from esl_vm.cli.output import clock_time, complain, minute, plain, print_json, print_list, show
from esl_vm.cli.parsers import domain_option, dry_run_option, json_option, number
from esl_vm.model.errors import InvalidValueError, StoreDownError, VoicemailError
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import LONGEST_HANDLER, LONGEST_NOTE
from esl_vm.model.times import iso_time
from esl_vm.model.transcript import passage

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from esl_vm.cli.parsers import Commands
    from esl_vm.model.message import Message
    from esl_vm.ops.node import Node


def add_commands(commands: Commands) -> None:
    """`message …`."""
    group = commands.group(
        "message", "list, show, find, export, move, mail, annotate, delete, restore and send messages"
    )

    listing = group.add(
        "list",
        "list messages in the order in which they are played",
        _list,
        description="List messages in the order in which they are played: urgent ones first, then by arrival.",
        examples="esl-vm message list 1001@default --folder new\nesl-vm message list 1001@default --folder trash --json",
    )
    box_argument(listing)
    listing.add_argument("--folder", choices=[str(f) for f in Folder], help="only this folder (default: all but trash)")
    json_option(listing)

    show = group.add("show", "show a message", _show, examples="esl-vm message show 1001@default ID --json")
    _message_arguments(show)
    json_option(show)

    search = group.add(
        "search",
        "find messages by what is said in them, or by their call",
        _search,
        codes={0: "found", 1: "nothing is found"},
        description="Find messages, trash included, by what is said in them, as far as that is written down (accents and "
        "capitals don't count): in a mailbox, a domain, or all. Or those that a call left, forwarded copies too.",
        examples="""
            esl-vm message search 1001@default "rendez-vous"
            esl-vm message search --domain default "rendez-vous jeudi" --json
            esl-vm message search --call-id 1017a36e-bc27-445a-9115-9ea9420a8488 --json
        """,
    )
    search.add_argument("words", nargs="*", metavar="[MAILBOX] WORDS", help="in quotes where there are several")
    domain_option(search, "only mailboxes of this domain")
    search.add_argument("--call-id", metavar="ID", help="the Call-ID of SIP, or FreeSWITCH's uuid")
    search.add_argument(
        "--limit", type=number(1, 100_000), default=100, metavar="N", help="at most so many (default 100)"
    )
    json_option(search)

    export = group.add(
        "export",
        "write a message's sound to a file",
        _export,
        examples="esl-vm message export 1001@default ID message.wav\nesl-vm message export 1001@default ID - | aplay",
    )
    _message_arguments(export)
    export.add_argument("file", metavar="FILE.wav", help="where to; - is the standard output")
    export.add_argument("--introduction", action="store_true", help="the introduction of a forwarded message instead")

    move = group.add("move", "move a message to another folder", _move, examples="esl-vm message move 1001 ID work")
    _message_arguments(move)
    move.add_argument("folder", choices=[str(f) for f in Folder if f is not Folder.TRASH])

    mail = group.add(
        "mail",
        "have a message mailed to its owner",
        _mail,
        description="Have a message mailed to the mailbox's own address, as when it came. It stays where it is.",
        examples="esl-vm message mail 1001@default ID",
    )
    _message_arguments(mail)

    later.add_commands(group)

    annotate = group.add(
        "annotate",
        "say who handles a message, and note something on it",
        _annotate,
        description="Say who handles a message, for all who open the mailbox, and note something on it. Empty takes it back.",
        examples='esl-vm message annotate 1001 ID --handled-by "1002 Bruno Petit" --note "Rappelé, attend le devis"',
    )
    _message_arguments(annotate)
    annotate.add_argument("--handled-by", metavar="WHO", help="a name, a number before it is spoken; empty: nobody")
    annotate.add_argument("--note", metavar="TEXT", help="in place of what was noted; empty: nothing")

    delete = group.add(
        "delete",
        "put messages into the trash, or erase them",
        _delete,
        examples="esl-vm message delete 1001@default ID\nesl-vm message delete 1001@default ID --for-good",
    )
    box_argument(delete)
    delete.add_argument("ids", nargs="+", metavar="ID")
    delete.add_argument("--for-good", action="store_true", help="erase them with their sounds, in the trash too")
    dry_run_option(delete)

    restore = group.add(
        "restore",
        "take messages out of the trash, back to where they lay",
        _restore,
        examples="esl-vm message list 1001@default --folder trash\nesl-vm message restore 1001@default ID",
    )
    box_argument(restore)
    restore.add_argument("ids", nargs="+", metavar="ID")

    broadcast.add_send(group)


def _message_arguments(parser: argparse.ArgumentParser) -> None:
    box_argument(parser)
    parser.add_argument("id", metavar="ID", help="as `message list` shows it")


def as_json(message: Message, zone: str) -> dict[str, Any]:
    """A message as `--json` shows it: `shapes.MessageShape`."""
    from esl_vm.web.views import message_view

    arrived = iso_time(message.arrived or message.received, zone)
    introduction_ms = message.intro_ms if message.intro_id else None
    return plain(message_view(message, zone)) | {"arrived": arrived, "introduction_ms": introduction_ms}


def _list(args: argparse.Namespace) -> int:
    folders = [Folder(args.folder)] if args.folder else [f for f in Folder if f is not Folder.TRASH]
    with opened_mailbox(args) as (node, mailbox):
        zone = mailbox.timezone or node.settings.service.timezone
        messages = [
            m
            for folder in folders
            if mailbox.counts.of(folder)
            for m in messages_of(node.mailboxes, mailbox.id, folder)
        ]
    nothing = f"{mailbox.id}: no messages" + (f" in {args.folder}" if args.folder else "")
    print_list(args.json, messages, lambda one: as_json(one, zone), _HEADS, lambda one: _row(one, zone), nothing)
    return 0


_HEADS = ("id", "folder", "received", "length", "from", "marks")


def _row(message: Message, zone: str) -> tuple[str, ...]:
    return (
        message.id,
        str(message.folder),
        minute(message.received, zone),
        clock_time(message.duration_ms),
        f"{message.caller.number} {message.caller.name}".strip() or "unknown",
        _marks(message),
    )


def _search(args: argparse.Namespace) -> int:
    if bool(args.words) is bool(args.call_id) or len(args.words) > (1 if args.domain else 2):
        raise InvalidValueError('give what is to be found: [MAILBOX] "SOME WORDS", or --call-id ID')
    with opened_node(args) as node:
        zone = node.settings.service.timezone
        if args.call_id:
            found = node.store.calls.messages(args.call_id)
        else:
            found = list(islice(node.store.transcripts.find(_searched(node, args), args.words[-1]), args.limit))
    print_list(
        args.json,
        found,
        lambda one: {"mailbox": str(one[0]), **as_json(one[1], zone)},
        ("mailbox", *_HEADS) if args.call_id else ("mailbox", *_HEADS[:-1], "said"),
        lambda one: (
            str(one[0]),
            *(_row(one[1], zone) if args.call_id else (*_row(one[1], zone)[:-1], _passage(one[1], args.words[-1]))),
        ),
        f"no message came by the call {args.call_id}" if args.call_id else f"nowhere is said: {args.words[-1]}",
        complain,
    )
    return 0 if found else 1


def _searched(node: Node, args: argparse.Namespace) -> Iterable[MailboxId]:
    """The mailbox that is named before the words, or those of a domain, or all."""
    named = [MailboxId.parse(one, node.settings.service.domain) for one in args.words[:-1]]
    found = [found_mailbox(node, one).id for one in named]
    check_domain(node, args.domain)
    return found or node.registry.boxes(args.domain)


def _passage(message: Message, words: str) -> str:
    """What is said around these words."""
    return "".join(passage(message.transcript.text if message.transcript else "", words, 20, 50))


def _marks(message: Message) -> str:
    marks = {
        "urgent": message.urgent,
        "heard": message.heard,
        "forwarded": message.forwarded_by,
        "introduction": message.intro_id,
        "cut": message.cut,
        "handled": message.handled_by,
        "note": message.note,
    }
    return " ".join(word for word, marked in marks.items() if marked)


def _show(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        message = node.mailboxes.message(mailbox.id, args.id)
        stored = node.audio.exists(message.id)
    zone = mailbox.timezone or node.settings.service.timezone
    if args.json:
        print_json({**as_json(message, zone), "stored": stored})
        return 0
    rows = [
        ("id", message.id),
        ("folder", str(message.folder)),
        ("from", f"{message.caller.number} {message.caller.name}".strip() or "unknown"),
        ("received", iso_time(message.received, zone)),
        *([("arrived", iso_time(message.arrived, zone))] if message.arrived else []),
        ("length", f"{clock_time(message.duration_ms)} ({message.duration_ms} ms)"),
        *([("introduction", f"{clock_time(message.intro_ms)} ({message.intro_ms} ms)")] if message.intro_id else []),
        ("marks", _marks(message) or "-"),
        ("came by", message.origin + (f", forwarded by {message.forwarded_by}" if message.forwarded_by else "")),
        *(
            [("handled by", f"{message.handled_by}, since {iso_time(message.handled_at, zone)}")]
            if message.handled_by
            else []
        ),
        *([("note", message.note)] if message.note else []),
        *([("withdrawn", iso_time(message.until, zone))] if message.until else []),
        *([("receipt to", message.receipt)] if message.receipt else []),
        ("sound", "stored" if stored else "MISSING"),
        *((name.replace("_", " "), text) for name, text in message.call.as_fields().items()),
    ]
    written = message.transcript
    if written is not None:
        known = (written.state, written.language, written.engine, f"{written.confidence:.0%} sure")
        rows.append(("transcript", ", ".join(known) if written.text else str(written.state)))
        rows += [(f"  {one.start_ms / 1000:.1f} s", one.text) for one in written.segments]
    for label, text in rows:
        show(f"{label:<13} {text}")
    return 0


def _export(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        message = node.mailboxes.message(mailbox.id, args.id)
        if args.introduction and not message.intro_id:
            raise VoicemailError(f"message {message.id} has no introduction")
        write_file(node.audio.playable(message.intro_id if args.introduction else message.id), args.file)
        with contextlib.suppress(StoreDownError):  # a Redis that takes no changes keeps nobody from what it has
            node.mailboxes.log_event(
                mailbox.id, EventType.EXPORTED, message.id, part="introduction" if args.introduction else ""
            )
    if args.file != "-":
        show(f"wrote {args.file}")
    return 0


def _move(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        done = node.mailboxes.move(mailbox.id, args.id, Folder(args.folder))
    if not done.kept:
        complain(f"not moved: {args.folder} is {done.value}")
        return 1
    show(f"moved {args.id} to {args.folder}")
    return 0


def _mail(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        message = node.mailboxes.message(mailbox.id, args.id)
        if not ask_for_mail(node.mailboxes, mailbox, message.id, mails=bool(node.settings.mail.host)):
            raise InvalidValueError(
                f"{mailbox.id} has no mail address (email), or the service no mail server (mail.host)"
            )
    show(f"{args.id} will be mailed to {mailbox.email}")
    return 0


def _annotate(args: argparse.Namespace) -> int:
    if args.handled_by is None and args.note is None:
        raise InvalidValueError("give --handled-by, --note, or both")
    for given, longest in ((args.handled_by, LONGEST_HANDLER), (args.note, LONGEST_NOTE)):
        if given is not None and len(given) > longest:
            raise InvalidValueError(f"that has {len(given)} letters; at most {longest} are kept")
    with opened_mailbox(args) as (node, mailbox):
        if args.handled_by is not None:
            node.mailboxes.handle(mailbox.id, args.id, args.handled_by)
        if args.note is not None:
            node.mailboxes.note(mailbox.id, args.id, args.note)
    show(f"annotated {args.id}")
    return 0


def _delete(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        if args.dry_run:
            for message_id in args.ids:
                message = node.mailboxes.message(mailbox.id, message_id)
                show(f"would {'erase' if args.for_good else 'delete'} {'  '.join(_row(message, mailbox.timezone)[:5])}")
            return 0
        done = {message_id: node.mailboxes.delete(mailbox.id, message_id) for message_id in args.ids}
        if args.for_good:
            done |= {one: True for one in args.ids if node.store.housekeeping.erase(mailbox.id, [one])}
            node.store.housekeeping.erase_sounds(node.audio.delete)
    return _told(done, "deleted", f"there is no such message in {mailbox.id}")


def _restore(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        done = {message_id: node.mailboxes.restore(mailbox.id, message_id) for message_id in args.ids}
    return _told(done, "restored", f"it is not in the trash of {mailbox.id}")


def _told(done: dict[str, bool], verb: str, why_not: str) -> int:
    for message_id, happened in done.items():
        if happened:
            show(f"{verb} {message_id}")
        else:
            complain(f"{message_id}: {why_not}")
    return 0 if all(done.values()) else 1
