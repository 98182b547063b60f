"""`esl-vm mailbox rename`: another number or domain for a mailbox and all that is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.cli.boxes import box_argument, found_mailbox, opened_node
from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, not_to_be_done, show
from esl_vm.cli.parsers import yes_option
from esl_vm.cli.progress import progress_bar
from esl_vm.model.errors import StoreDownError
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
    box_argument(parser)
    parser.add_argument("new", metavar="NEW", help="without a domain the other's")
    yes_option(parser)


def _rename(args: argparse.Namespace) -> int:
    home = settings_of(args).service.domain
    old = MailboxId.parse(args.box, home)
    new = MailboxId.parse(args.new, old.domain)
    with opened_node(args) as node:
        number, at, domain = args.box.strip().partition("@")
        spelled = MailboxId.stored(number, domain if at else home)  # made by 0.1.0, maybe with capitals in its domain
        if spelled != old and (node.mailboxes.open(spelled) or node.store.renames.under_way(spelled)):
            old = spelled
        begun = node.store.renames.under_way(old) is not None
        name = "begun" if begun else found_mailbox(node, old).name or "no name"
        if (code := not_to_be_done(args, f"rename {old} ({name}) to {new}", "renamed")) is not None:
            return code
        try:
            with progress_bar() as progress:
                messages = node.store.renames.rename(old, new, progress)
        except StoreDownError as away:
            complain(f"broken off: {away}. Run it again to finish")
            return 1
    show(f"renamed {old} to {new} with {messages} message{'' if messages == 1 else 's'}")
    return 0
