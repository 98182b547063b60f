"""`esl-vm spool`: recordings on their way to a mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.cli.boxes import opened_node
from esl_vm.cli.output import print_list, show
from esl_vm.cli.parsers import dry_run_option, json_option, renamed
from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands
    from esl_vm.recordings.outcome import Outcome


def add_commands(commands: Commands) -> None:
    """`spool …`."""
    group = commands.group("spool", "list and settle recordings that have not reached their mailbox")
    listing = group.add("list", "list the recordings in this node's spool", _list, examples="esl-vm spool list --json")
    json_option(listing)
    settle = group.add(
        "settle",
        "settle what can be settled; one that is named even from quarantine",
        _settle,
        codes={0: "all is settled", 1: "something waits, or is quarantined"},
        description="Settle what nobody is at work on, as the service does by itself every few seconds. One that is named\n"
        "is settled whatever its state: also from quarantine, and into a full mailbox.",
        examples="esl-vm spool list\nesl-vm spool settle\nesl-vm spool settle 1a205e5d728-af535bee0e61\n"
        "esl-vm spool settle --quarantined",
    )
    settle.add_argument("ids", nargs="*", default=[], metavar="ID")
    settle.add_argument("--quarantined", action="store_true", help="every one in quarantine, once its cause is mended")
    renamed(settle, "--aside", "--quarantined")
    json_option(settle)
    discard = group.add(
        "discard",
        "erase recordings that are in quarantine; an event of their mailboxes tells it",
        _discard,
        examples="esl-vm spool discard 1a205e5d728-af535bee0e61 --dry-run",
    )
    discard.add_argument("ids", nargs="+", metavar="ID", help="as `spool list` shows it")
    dry_run_option(discard)


def _list(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        takes = list(node.spool.takes())
        kept = node.spool.kept()
        folder = node.spool.folder.takes
    print_list(
        args.json,
        takes,
        lambda take: {
            "id": take.id,
            "kind": take.kind,
            "boxes": list(take.boxes),
            "node": take.node,
            "state": take.state,
            "age_s": take.age_s,
            "bytes": take.size,
            "reason": take.reason,
        },
        ("id", "kind", "for", "state", "age", "bytes", "why"),
        lambda take: (
            *(take.id, take.kind or "?", " ".join(take.boxes), "quarantined" if take.state == "aside" else take.state),
            *(_age(take.age_s), str(take.size), take.reason),
        ),
        f"nothing is waiting in {folder.parent}",
    )
    if kept and not args.json:
        minutes = node.settings.spool.keep_minutes
        show(f"{kept} more are delivered, and kept for {minutes} minutes lest a fail-over of Redis loses them")
    return 0


def _settle(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        outcomes = [node.sweeper.settle(take_id) for take_id in args.ids]
        if args.quarantined:
            outcomes += node.sweeper.settle_all()
        elif not args.ids:
            outcomes = node.sweeper.sweep_once()
    print_list(
        args.json,
        outcomes,
        lambda outcome: {
            "id": outcome.id,
            "boxes": list(outcome.boxes),
            "settled": outcome.settled.value if outcome.settled else None,
            "reason": outcome.reason,
        },
        ("id", "for", "became", "why"),
        _row,
        "nothing had to be settled",
    )
    return 0 if all(_is_settled(outcome) for outcome in outcomes) else 1


def _discard(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        if args.dry_run:
            there = {take.id: take for take in node.spool.takes() if take.state == "aside"}
            for take_id in args.ids:
                if take_id not in there:
                    raise InvalidValueError(f"no recording {take_id!r} is in quarantine in the spool")
                show(f"would erase {take_id}, for {', '.join(there[take_id].boxes)}: {there[take_id].reason}")
            return 0
        for take_id in args.ids:
            boxes = node.sweeper.discard(take_id)
            show(f"{take_id} is erased; it was for {', '.join(map(str, boxes)) or 'nobody that is known'}")
    return 0


def _row(outcome: Outcome) -> tuple[str, str, str, str]:
    became = outcome.settled.value if outcome.settled else "not settled"
    return outcome.id, " ".join(outcome.boxes), became, outcome.reason


def _is_settled(outcome: Outcome) -> bool:
    from esl_vm.recordings.outcome import Settled

    return outcome.settled not in {None, Settled.WAITING, Settled.BROKEN}


def _age(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
