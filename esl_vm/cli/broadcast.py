"""`esl-vm broadcast` and `esl-vm message send`: a sound file into many mailboxes, into each exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.cli.boxes import check_domain, found_mailbox, opened_node
from esl_vm.cli.config import settings_of
from esl_vm.cli.lists import found_list
from esl_vm.cli.moments import date_of
from esl_vm.cli.output import clock_time, complain, confirmed, print_json, show
from esl_vm.cli.parsers import dry_run_option, json_option, text
from esl_vm.cli.progress import progress_bar
from esl_vm.importers.sound_file import converted
from esl_vm.model.errors import InvalidValueError, NoSuchMailboxError, StoreDownError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands, Parser
    from esl_vm.ops.node import Node
    from esl_vm.recordings.broadcast import BroadcastResult

_ONCE = (
    "Each mailbox gets it once: one that was broken off is finished by running the same command again. The same sound "
    "is the same message for 90 days; to send it anew give it a new --id."
)


def add_commands(commands: Commands) -> None:
    """`broadcast`."""
    parser = commands.add(
        "broadcast",
        "put a sound file into many mailboxes",
        _broadcast,
        codes={0: "all have it", 1: "some did not get it"},
        description=f"Put a sound file into many mailboxes as a new message. {_ONCE}",
        examples="""
            esl-vm broadcast closed.wav --all --from-name "Head office"
            esl-vm broadcast meeting.mp3 --domain default --urgent --dry-run
            esl-vm broadcast storm.wav --all --until 2026-12-24T18:00
            esl-vm broadcast closed.wav --list 900 --to 1004,1005 --id closed-2026-12-24 --yes
        """,
    )
    _send_arguments(parser)
    parser.add_argument(
        "--domain", action="append", default=[], type=str.lower, metavar="NAME", help="all mailboxes of a domain"
    )
    parser.add_argument("--all", action="store_true", help="all mailboxes of all domains")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def add_send(group: Commands) -> None:
    """`message send`, in the group of `message`."""
    parser = group.add(
        "send",
        "put a sound file into mailboxes",
        _send,
        codes={0: "all have it", 1: "some did not get it"},
        description=f"Put a sound file into mailboxes as a new message. {_ONCE}",
        examples="esl-vm message send note.wav --to 1001,1002 --from-number 1000\nesl-vm message send note.wav --list 900",
    )
    _send_arguments(parser)


def _send_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="any format that libsndfile, sox or ffmpeg reads")
    parser.add_argument("--to", action="append", default=[], metavar="MAILBOX,…", help="these mailboxes")
    parser.add_argument("--list", action="append", default=[], metavar="LIST", help="all on a distribution list")
    parser.add_argument("--urgent", action="store_true", help="marked urgent")
    parser.add_argument("--from-number", type=text(64), default="", metavar="NUMBER", help="who it is from: a number")
    parser.add_argument("--from-name", type=text(127), default="", metavar="NAME", help="who it is from: a name")
    parser.add_argument("--until", metavar="DATE", help="its end: what nobody heard by then is withdrawn")
    parser.add_argument("--id", metavar="NAME", help="its name (default: made from the sound)")
    dry_run_option(parser)
    json_option(parser)


def _send(args: argparse.Namespace) -> int:
    args.domain, args.all, args.yes = [], False, True
    return _broadcast(args)


def _broadcast(args: argparse.Namespace) -> int:
    from esl_vm.recordings.broadcast import BroadcastResult, named, send_to_all

    if not (args.to or args.list or args.domain or args.all):
        raise InvalidValueError("say to whom: --to or --list" + (", --domain or --all" if not args.yes else ""))
    with opened_node(args) as node, converted(args.file, node.settings.audio.rate) as sound:
        name, digest = named(args.id or "", sound.path)
        until = date_of(args.until, node.settings.service.timezone)
        boxes = _boxes(args, node)
        result = BroadcastResult(name, len(boxes))
        what = f"{clock_time(sound.duration_ms)} to {_mailboxes(len(boxes))}"
        if args.dry_run:
            _told_dry(args, result, boxes, what)
            return 0
        if not confirmed(f"Send {what}?", yes=args.yes):
            complain("nothing was sent")
            return 1
        begun = node.store.broadcasts.begin(result.name, digest, until)
        message = Message(
            id="",
            caller=Caller(args.from_number, args.from_name),
            received=begun,
            duration_ms=sound.duration_ms,
            urgent=args.urgent,
            origin="broadcast",
            until=until,
        )
        try:
            with progress_bar() as show:
                each = (lambda place, box: show(place, len(boxes), str(box))) if show else (lambda _place, _box: None)
                send_to_all(node.mailboxes, node.audio, message, sound.path, boxes, result, each)
        except StoreDownError as away:
            complain(f"broken off: {away}. {result.sent + result.already} of {result.total} have it; run it again")
            return 1
    _told(args, result, what)
    return 0 if result.everybody else 1


def _boxes(args: argparse.Namespace, node: Node) -> list[MailboxId]:
    """Everybody it is for, once; raises NoSuchMailboxError, NoSuchListError before anybody gets it."""
    home = settings_of(args).service.domain
    chosen: dict[MailboxId, None] = {}
    for word in (word for words in args.to for word in words.split(",") if word.strip()):
        box = MailboxId.parse(word, home)
        if node.store.lists.find(box):
            raise NoSuchMailboxError(f"{box} is a distribution list: --list {box}; nothing was sent")
        chosen[found_mailbox(node, box, "; nothing was sent").id] = None
    for word in args.list:
        chosen |= dict.fromkeys(found_list(node, MailboxId.parse(word, home)).members)
    for domain in args.domain:
        check_domain(node, domain)
        chosen |= dict.fromkeys(node.registry.boxes(domain))
    if args.all:
        chosen |= dict.fromkeys(node.registry.boxes())
    if not chosen:
        raise NoSuchMailboxError("there is nobody to send it to")
    return list(chosen)


def _mailboxes(count: int) -> str:
    return f"{count} mailbox{'' if count == 1 else 'es'}"


def _told_dry(args: argparse.Namespace, result: BroadcastResult, boxes: list[MailboxId], what: str) -> None:
    if args.json:
        print_json({**result.to_json(), "to": [str(box) for box in boxes]})
        return
    show(f"would send {what}: {', '.join(map(str, boxes[:20]))}{' …' if len(boxes) > 20 else ''}")


def _told(args: argparse.Namespace, result: BroadcastResult, what: str) -> None:
    if args.json:
        print_json(result.to_json())
        return
    show(f"sent {what}: {result.sent} got it" + (f", {result.already} had it already" if result.already else ""))
    if result.already and not result.sent:
        complain(f"this was broadcast {result.name} again; to send it anew give it a new --id")
    for why, boxes in (
        ("full", result.full),
        ("takes no messages", result.closed),
        ("no such mailbox", result.missing),
    ):
        for box in boxes:
            complain(f"{box}: {why}")
    if result.full:
        complain("run it again when there is room: those who have it do not get it twice")
