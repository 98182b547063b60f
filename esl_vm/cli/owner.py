"""`esl-vm owner`: several owners of one mailbox, each with a name and a PIN of his own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from esl_vm.cli.boxes import box_argument, opened_mailbox
from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, print_list, read_pin, show
from esl_vm.cli.parsers import json_option, text
from esl_vm.model.errors import InvalidValueError, NoSuchOwnerError
from esl_vm.model.owners import LONGEST_OWNER, MOST_OWNERS, Owner

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands
    from esl_vm.cli.shapes import OwnerShape
    from esl_vm.model.mailbox import Mailbox
    from esl_vm.ops.node import Node


def add_commands(commands: Commands) -> None:
    """`owner …`."""
    group = commands.group(
        "owner", "several owners of one mailbox, each with a PIN of his own", examples="esl-vm owner list 1001"
    )
    add = group.add(
        "add",
        "add an owner",
        _add,
        description="Add an owner, who logs in to the mailbox with a PIN of his own and is known by it. The first owner has "
        f"the mailbox's own name and PIN; there are {MOST_OWNERS} at most, of whom no two have the same PIN.",
        examples='echo 8305 | esl-vm owner add 1001@default "Bob Lee" --pin-stdin',
    )
    box_argument(add)
    _owner_argument(add)
    _pin_options(add)

    pin = group.add(
        "pin",
        "set an owner's PIN",
        _pin,
        examples='echo 8305 | esl-vm owner pin 1001@default "Bob Lee" --pin-stdin',
    )
    box_argument(pin)
    _owner_argument(pin)
    _pin_options(pin)

    rename = group.add(
        "rename", "give an owner another name", _rename, examples='esl-vm owner rename 1001 "Bob Lee" "Robert Lee"'
    )
    box_argument(rename)
    _owner_argument(rename)
    rename.add_argument("new", metavar="NEW", type=text(LONGEST_OWNER), help="the new name")

    remove = group.add(
        "remove",
        "remove an owner: the PIN opens nothing any more, and browsers are signed out",
        _remove,
        examples='esl-vm owner remove 1001@default "Bob Lee"',
    )
    box_argument(remove)
    _owner_argument(remove)

    listing = group.add("list", "list a mailbox's owners", _list, examples="esl-vm owner list 1001@default --json")
    box_argument(listing)
    json_option(listing)


def _owner_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("owner", metavar="NAME", type=text(LONGEST_OWNER), help="the owner's name")


def _pin_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pin-stdin", action="store_true", help="read the PIN from the standard input's first line")
    parser.add_argument("--random-pin", action="store_true", help="generate a random PIN, and show it once")
    parser.add_argument(
        "--owners-choice",
        action="store_true",
        help="its owner chose it: it opens from other telephones than the mailbox's own too",
    )


def _found(mailbox: Mailbox, name: str) -> Owner:
    """The owner of that name besides the first; raises NoSuchOwnerError, InvalidValueError for the first."""
    for one in mailbox.others:
        if one.name.casefold() == name.casefold():
            return one
    if mailbox.name.casefold() == name.casefold():
        raise InvalidValueError(
            f"{name} is the first owner: esl-vm mailbox set and mailbox pin are for the mailbox's own"
        )
    known = ", ".join(one.name for one in mailbox.others)
    raise NoSuchOwnerError(f"{mailbox.id} has no owner {name}; besides the first it has {known or 'none'}")


def _wanted_pin(args: argparse.Namespace, mailbox: Mailbox) -> str:
    if args.random_pin and args.pin_stdin:
        raise InvalidValueError("--pin-stdin and --random-pin exclude one another")
    if args.random_pin:
        return settings_of(args).pins.random_pin(mailbox.id.number)
    pin = read_pin(from_stdin=args.pin_stdin, question=f"PIN of {args.owner}")
    if not pin:
        raise InvalidValueError("no PIN was given: an owner is known by it")
    return pin


def _tell(args: argparse.Namespace, mailbox: Mailbox, pin: str, done: str) -> None:
    weakness = settings_of(args).pins.weakness(pin, mailbox.id.number)
    if weakness:
        complain(f"the PIN is weak: {weakness}; the owner would not be allowed to choose it")
    show(f"{mailbox.id}: {done}{f', the PIN is {pin} (shown only now)' if args.random_pin else ''}")


def _add(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        pin = _wanted_pin(args, mailbox)
        node.store.pins.add_owner(mailbox.id, args.owner, pin, initial=not args.owners_choice)
    _tell(args, mailbox, pin, f"{args.owner} is an owner")
    return 0


def _pin(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        owner = _found(mailbox, args.owner)
        pin = _wanted_pin(args, mailbox)
        node.store.pins.change(mailbox.id, pin, initial=not args.owners_choice, owner=owner.number)
        _sign_out(node, mailbox, owner)
    _tell(args, mailbox, pin, f"PIN of {owner.name} changed")
    return 0


def _rename(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        owner = _found(mailbox, args.owner)
        node.store.pins.rename_owner(mailbox.id, owner.number, args.new)
    show(f"{mailbox.id}: {owner.name} is {args.new}")
    return 0


def _remove(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        owner = _found(mailbox, args.owner)
        node.store.pins.remove_owner(mailbox.id, owner.number)
        _sign_out(node, mailbox, owner)
    show(f"{mailbox.id}: {owner.name} is no owner any more")
    return 0


def _sign_out(node: Node, mailbox: Mailbox, owner: Owner) -> None:
    access = node.store.access
    access.end(mailbox.id, *(one.id for one in access.sessions(mailbox.id) if one.owner == owner.number))


def _list(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (_, mailbox):
        owners = mailbox.owners
    print_list(
        args.json,
        owners,
        lambda one: owner_as_json(one, mailbox),
        ("owner", "name", "PIN"),
        lambda one: (str(one.number), one.name or "-", _pin_of(one, mailbox)),
        "",
        complain,
    )
    return 0


def owner_as_json(owner: Owner, mailbox: Mailbox) -> OwnerShape:
    """An owner, for programs."""
    chosen: Literal["initial", "chosen"] = "initial" if owner.pin_is_initial else "chosen"
    return {"owner": owner.number, "name": owner.name, "pin": chosen if mailbox.has_pin else "none"}


def _pin_of(owner: Owner, mailbox: Mailbox) -> str:
    told = {"none": "none asked", "initial": "set by an administrator, not yet changed", "chosen": "set"}
    return told[owner_as_json(owner, mailbox)["pin"]]
