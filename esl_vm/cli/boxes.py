"""What most commands begin with: the settings, the open stores, the mailbox they are about."""

from __future__ import annotations

from contextlib import contextmanager
from difflib import get_close_matches
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
        yield node, found_mailbox(node, box)


def found_mailbox(node: Node, box: MailboxId, but: str = "") -> Mailbox:
    """The mailbox of that name; raises NoSuchMailboxError, which says which is near, and `but` what was not done."""
    mailbox = node.mailboxes.open(box)
    if mailbox is None:
        raise NoSuchMailboxError(f"there is no mailbox {box}{but}{_near(node, box)}")
    return mailbox


def check_domain(node: Node, domain: str | None) -> None:
    """Refuse a domain that has no mailbox, where others have: it is a slip; raises NoSuchMailboxError."""
    if domain and next(iter(node.registry.boxes(domain)), None) is None:
        domains = {box.domain for box in node.registry.boxes()}
        near = get_close_matches(domain, domains, n=1)
        if domains:
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(domains)[:5])}"
            raise NoSuchMailboxError(f"there is no mailbox in the domain {domain}{hint}")


def _near(node: Node, box: MailboxId) -> str:
    """The mailbox that was probably meant: of that number in a domain of a like name or any, else of a like number."""
    like: dict[str, MailboxId] = {}
    for one in node.registry.boxes():
        if one.number == box.number:
            like[one.domain] = one
    if like:
        return f"; did you mean {like[(get_close_matches(box.domain, like, n=1) or [min(like)])[0]]}?"
    near = get_close_matches(box.number, (one.number for one in node.registry.boxes(box.domain)), n=1)
    return f"; did you mean {near[0]}@{box.domain}?" if near else ""
