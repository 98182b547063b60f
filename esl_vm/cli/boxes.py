"""What most commands begin with: the settings, the open stores, the mailbox they are about."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from esl_vm.cli.config import settings_of
from esl_vm.model.errors import NoSuchMailboxError
from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from esl_vm.model.mailbox import Mailbox
    from esl_vm.model.settings import Settings
    from esl_vm.ops.node import Node


def box_argument(parser: argparse.ArgumentParser) -> None:
    """The mailbox a command is about."""
    parser.add_argument("box", metavar="MAILBOX", help="1001@default; without a domain the settings' one")


def box_of(args: argparse.Namespace, settings: Settings) -> MailboxId:
    """The mailbox named; raises InvalidValueError."""
    return MailboxId.parse(args.box, settings.service.domain)


@contextmanager
def opened_node(args: argparse.Namespace) -> Iterator[Node]:
    """The stores a command works on, closed when it is done."""
    settings = settings_of(args)
    from esl_vm.service.wiring import open_node

    with open_node(settings) as node:
        yield node


@contextmanager
def opened_mailbox(args: argparse.Namespace) -> Iterator[tuple[Node, Mailbox]]:
    """The stores and the mailbox named; raises NoSuchMailboxError."""
    box = box_of(args, settings_of(args))  # a wrong name is told before anything is opened
    with opened_node(args) as node:
        mailbox = node.mailboxes.open(box)
        if mailbox is None:
            raise NoSuchMailboxError(f"there is no mailbox {box}")
        yield node, mailbox
