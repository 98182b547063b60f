"""`esl-vm privacy hold`, `release`, `holds`, `held`: legal holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.cli.boxes import box_argument, opened_mailbox, opened_node
from esl_vm.cli.files import open_new
from esl_vm.cli.moments import DATE, date_of
from esl_vm.cli.output import minute, print_list, show
from esl_vm.cli.parsers import json_option, text
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.holds import LONGEST_REASON
from esl_vm.model.times import iso_time

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_commands(group: Commands) -> None:
    """`privacy hold|release|holds|held`."""
    hold = group.add(
        "hold",
        "put a mailbox under a legal hold: nothing in it is erased",
        _hold,
        description="Put a mailbox under a legal hold. Its owner deletes as ever, and is told nothing; what he erases is kept out of\n"
        "sight until the hold is over. The mailbox can't be removed or renamed meanwhile. Again: another reason or end.",
        examples='esl-vm privacy hold 1001 --reason "case 2026-114" --until 2027-06-30',
    )
    box_argument(hold)
    hold.add_argument(
        "--reason", required=True, type=text(LONGEST_REASON), metavar="TEXT", help="who wants it, and why"
    )
    hold.add_argument("--until", metavar="TIME", help=f"when it ends by itself: {DATE}; default: when it is released")
    release = group.add(
        "release",
        "end a legal hold; what it kept is erased within the hour",
        _release,
        examples="esl-vm privacy release 1001",
    )
    box_argument(release)
    holds = group.add("holds", "list the mailboxes under a legal hold", _holds, examples="esl-vm privacy holds --json")
    json_option(holds)
    held = group.add(
        "held",
        "write what a legal hold keeps of erased messages into a ZIP archive",
        _held,
        description="Write what a mailbox's legal hold keeps of erased messages into a new ZIP archive: sounds, texts, JSON.",
        examples="esl-vm privacy held 1001 held.zip",
    )
    box_argument(held)
    held.add_argument("file", metavar="FILE.zip", help="a new file, readable for you only")


def _hold(args: argparse.Namespace) -> int:
    if not args.reason.strip():
        raise InvalidValueError("--reason says who wants it, and why")
    with opened_mailbox(args) as (node, mailbox):
        zone = mailbox.timezone or node.settings.service.timezone
        until = date_of(args.until, zone)
        if until and until <= node.clock.now():
            raise InvalidValueError(f"{args.until} is over")
        node.store.holds.begin(mailbox.id, args.reason, until)
    show(f"{mailbox.id} is under a legal hold" + (f" until {iso_time(until, zone)}" if until else ""))
    return 0


def _release(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        kept = sum(kept for _, _, kept in node.store.holds.of([mailbox.id]))
        node.store.holds.lift(mailbox.id)
    show(f"{mailbox.id} is under no legal hold; {kept} messages that it kept are erased within the hour")
    return 0


def _holds(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        zone, now = node.settings.service.timezone, node.clock.now()
        found = list(node.store.holds.of(node.registry.boxes()))
    print_list(
        args.json,
        found,
        lambda one: {
            "mailbox": str(one[0]),
            "in_force": one[1].in_force(now),
            "since": iso_time(one[1].since, zone) if one[1].since else None,
            "until": iso_time(one[1].until, zone) if one[1].since and one[1].until else None,
            "by": one[1].by,
            "reason": one[1].reason,
            "kept": one[2],
        },
        ("mailbox", "since", "until", "kept", "by", "reason"),
        lambda one: (
            str(one[0]),
            minute(one[1].since, zone) if one[1].since else "over",
            "released" if not one[1].until else minute(one[1].until, zone) if one[1].in_force(now) else "over",
            *(str(one[2]), one[1].by, one[1].reason),
        ),
        "no mailbox is under a legal hold",
    )
    return 0


def _held(args: argparse.Namespace) -> int:
    path = Path(args.file)
    with opened_mailbox(args) as (node, mailbox), open_new(path) as file:
        from esl_vm.ops.caller_archive import write_kept

        try:
            many = write_kept(node, mailbox.id, file)
        except BaseException:  # Ctrl-C leaves no half file either
            path.unlink(missing_ok=True)
            raise
    show(f"wrote {args.file}: {many} messages")
    return 0
