"""`esl-vm privacy`: encryption at rest, and what there is about a caller."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.cli import audit, callers, holds
from esl_vm.cli.boxes import opened_node
from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, print_list, show
from esl_vm.cli.parsers import dry_run_option, json_option, number
from esl_vm.model.mailbox import Folder

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_commands(commands: Commands) -> None:
    """`privacy …`."""
    group = commands.group("privacy", "encrypt what is said where it is kept; find, export, erase all about a caller")
    new = group.add(
        "new-key",
        "make a key, at the end of a file of keys",
        _new_key,
        description="Make a key, at the end of a file of keys. The first key of a file encrypts; the others can be read with.",
        examples="esl-vm privacy new-key /etc/esl-vm/keys",
    )
    rotate = group.add(
        "rotate-key",
        "let the last key of a file encrypt from now on",
        _rotate_key,
        description="Put the last key of a file first, so that it encrypts from now on. Every node must have it by then.",
        examples="esl-vm privacy rotate-key /etc/esl-vm/keys",
    )
    for parser in (new, rotate):
        parser.add_argument(
            "file", metavar="FILE", help="as privacy.key_file names it; copy it to the other nodes afterwards"
        )
    encrypt = group.add(
        "encrypt",
        "put everything under the key that encrypts now, what lies in the clear too",
        _encrypt,
        description="Put all sounds and texts (transcripts, notes, browsers that are told of messages) under the key that encrypts\n"
        "now: what lies in the clear, and what lies under a former key. Calls go on meanwhile; broken off it is begun\n"
        "again. At its end no other key is needed.",
        codes={0: "all is under that key", 1: "something can't be read: its key is not among the settings'"},
        examples="esl-vm privacy encrypt --dry-run\nesl-vm privacy encrypt",
    )
    dry_run_option(encrypt)
    callers.add_commands(group)
    audit.add_commands(group)
    holds.add_commands(group)
    retention = group.add(
        "retention",
        "show which messages are older than their mailbox keeps them",
        _retention,
        description="Show, by mailbox and folder, how many messages are older than their mailbox keeps them (retention_days,\n"
        "retention_folders, trash_days): what housekeeping does within the hour, or would in some days. Changes nothing.",
        examples="esl-vm privacy retention\nesl-vm privacy retention --in 30 --json",
    )
    retention.add_argument(
        "--in", dest="days", type=number(0, 3650), default=0, metavar="DAYS", help="as it would be in so many days"
    )
    json_option(retention)


def _retention(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        due = list(node.store.housekeeping.due(args.days * 86400.0))
    print_list(
        args.json,
        due,
        lambda one: {"mailbox": str(one.box), "folder": one.folder, "days": one.days, "messages": one.messages},
        ("mailbox", "folder", "after days", "messages", "go"),
        lambda one: (
            *(str(one.box), str(one.folder), str(one.days), str(one.messages)),
            "for good" if one.folder is Folder.TRASH else "to the trash",
        ),
        "no message is older than its mailbox keeps it",
    )
    return 0


def _new_key(args: argparse.Namespace) -> int:
    from esl_vm.sealing.keys import add_key

    show(f"{args.file}: key {add_key(Path(args.file))}; keep a copy of it elsewhere, without it nothing can be read")
    return 0


def _rotate_key(args: argparse.Namespace) -> int:
    from esl_vm.sealing.keys import use_last_key

    show(f"{args.file}: key {use_last_key(Path(args.file))} encrypts from now on")
    return 0


def _encrypt(args: argparse.Namespace) -> int:
    from esl_vm.ops.sealing import encrypt_all
    from esl_vm.service.wiring import open_node

    with open_node(settings_of(args)) as node:
        count = encrypt_all(node, dry_run=args.dry_run)
        done = "to be put" if args.dry_run else "put"
        show(
            f"{count['sounds']} sounds and {count['texts']} texts {done} under the key {node.seal.key}; "
            f"{count['right']} were"
        )
    if count["unreadable"]:
        complain(f"{count['unreadable']} can't be read: their key is not among the settings' (esl-vm doctor)")
    return 1 if count["unreadable"] else 0
