"""`esl-vm mailbox rename`: another number or domain for a mailbox and all that is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.cli.boxes import opened_node
from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, confirmed, show
from esl_vm.cli.progress import progress_bar
from esl_vm.model.errors import NoSuchMailboxError, StoreDownError
from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_commands(group: Commands) -> None:
    """`mailbox rename`, in the group of `mailbox`."""
    parser = group.add(
        "rename",
        "give a mailbox another number or domain, with all that is in it",
        _rename,
        description="Give a mailbox another number or domain. Messages, folders, trash, greetings, PIN and options go "
        "with it, distribution lists follow. Should it be broken off, run it again: it goes on where it was. Calls find "
        "one of the two names at any time; somebody who is in the mailbox just then should call again.",
        examples="esl-vm mailbox rename 1001 2001\nesl-vm mailbox rename 1001@old.example 1001@new.example --yes",
    )
    parser.add_argument("old", metavar="OLD", help="1001@default; without a domain the settings' one")
    parser.add_argument("new", metavar="NEW", help="without a domain the old one's")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _rename(args: argparse.Namespace) -> int:
    home = settings_of(args).service.domain
    old = MailboxId.parse(args.old, home)
    new = MailboxId.parse(args.new, old.domain)
    with opened_node(args) as node:
        number, at, domain = args.old.strip().partition("@")
        spelled = MailboxId.stored(number, domain if at else home)  # made by 0.1.0, maybe with capitals in its domain
        if spelled != old and (node.mailboxes.open(spelled) or node.store.renames.under_way(spelled)):
            old = spelled
        mailbox = node.mailboxes.open(old)
        if mailbox is None and node.store.renames.under_way(old) is None:
            raise NoSuchMailboxError(f"there is no mailbox {old}")
        if not confirmed(f"Rename {old} ({mailbox.name or 'no name' if mailbox else 'begun'}) to {new}?", yes=args.yes):
            complain("nothing was renamed")
            return 1
        try:
            with progress_bar() as progress:
                messages = node.store.renames.rename(old, new, progress)
        except StoreDownError as away:
            complain(f"broken off: {away}. Run it again to finish")
            return 1
    show(f"renamed {old} to {new} with {messages} message{'' if messages == 1 else 's'}")
    return 0
