"""`esl-vm list`: distribution lists, numbers that stand for many mailboxes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from esl_vm.cli.boxes import check_domain, found_mailbox, opened_node
from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, not_to_be_done, plain, print_json, print_list, print_table, show
from esl_vm.cli.parsers import domain_option, json_option, text, yes_option
from esl_vm.importers.sound_file import converted
from esl_vm.model.errors import InvalidValueError, NoSuchListError
from esl_vm.model.fields import LONGEST_NAME
from esl_vm.model.mailbox import MailboxId, StoredGreeting
from esl_vm.model.message import new_id

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands
    from esl_vm.model.lists import DistributionList
    from esl_vm.ops.node import Node


def add_commands(commands: Commands) -> None:
    """`list …`."""
    group = commands.group(
        "list",
        "distribution lists: add, show, list, rename, remove",
        examples="esl-vm list add 900 1001 1002 1003 --name Sales\nesl-vm list show 900",
    )
    add = group.add(
        "add",
        "make a list, or put mailboxes on one",
        _add,
        description="Make a list, or put mailboxes on one. Owners send (3 5) and forward (8) to its number as to a "
        "mailbox's, so no mailbox can have it.",
        examples="""
            esl-vm list add 900@default 1001 1002 1003 --name Sales
            esl-vm list add 900 1004
            esl-vm list add 900 --recording sales.wav
        """,
    )
    _list_argument(add)
    _members_argument(add)
    add.add_argument("--name", type=text(LONGEST_NAME), help="what it is called")
    add.add_argument("--recording", metavar="FILE", help="how it is said back on the telephone, instead of its number")

    rename = group.add(
        "rename", "give a list another number, in another domain too", _rename, examples="esl-vm list rename 900 901"
    )
    _list_argument(rename)
    rename.add_argument("new", metavar="NEW", help="without a domain the list's one")

    remove = group.add(
        "remove",
        "take mailboxes off a list, or remove the list",
        _remove,
        examples="esl-vm list remove 900 1004\nesl-vm list remove 900 --yes",
    )
    _list_argument(remove)
    _members_argument(remove)
    remove.add_argument("--recording", action="store_true", help="only its recording: it is said by its number again")
    yes_option(remove)

    show = group.add("show", "show who is on a list", _show, examples="esl-vm list show 900@default --json")
    _list_argument(show)
    json_option(show)

    listing = group.add("list", "list the distribution lists", _list, examples="esl-vm list list --domain default")
    domain_option(listing)
    json_option(listing)


def _list_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("list", metavar="LIST", help="900@default; without a domain the settings' one")


def _members_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("members", nargs="*", default=[], metavar="MAILBOX", help="without a domain the list's one")


def _list_of(args: argparse.Namespace) -> MailboxId:
    return MailboxId.parse(args.list, settings_of(args).service.domain)


def _named(args: argparse.Namespace) -> tuple[MailboxId, list[MailboxId]]:
    """The list and the mailboxes named; raises InvalidValueError."""
    box = _list_of(args)
    return box, [MailboxId.parse(word, box.domain) for word in args.members]


def found_list(node: Node, box: MailboxId) -> DistributionList:
    """The list of that number; raises NoSuchListError."""
    found = node.store.lists.find(box)
    if found is None:
        raise NoSuchListError(f"there is no distribution list {box}")
    return found


def _add(args: argparse.Namespace) -> int:
    box, members = _named(args)
    with opened_node(args) as node:
        members = [found_mailbox(node, member, "; nothing was changed").id for member in members]
        new = node.store.lists.find(box) is None
        came = node.store.lists.add(box, members, args.name)
        if args.recording:
            _record(node, box, args.recording)
        held = len(found_list(node, box).members)
    show(f"{'made' if new else 'changed'} list {box}: {came} added, {held} on it")
    return 0


def _record(node: Node, box: MailboxId, file: str) -> None:
    with converted(file, node.settings.audio.rate) as sound:
        audio_id = new_id(node.clock.now())
        node.audio.put(audio_id, sound.path)
        node.store.lists.set_recorded_name(box, StoredGreeting(audio_id, sound.duration_ms))


def _rename(args: argparse.Namespace) -> int:
    """Made under its new number before the old one is removed: broken off, both are there."""
    old = _list_of(args)
    new = MailboxId.parse(args.new, old.domain)
    with opened_node(args) as node:
        found = found_list(node, old)
        if node.store.lists.find(new) is not None:
            raise InvalidValueError(f"there is a distribution list {new} already")
        node.store.lists.add(new, found.members, found.name)
        if found.recorded_name:
            sound = new_id(node.clock.now())
            node.audio.put(sound, node.audio.playable(found.recorded_name.audio_id))
            node.store.lists.set_recorded_name(new, replace(found.recorded_name, audio_id=sound))
        node.store.lists.remove(old)
    show(f"renamed list {old} {new}")
    return 0


def _remove(args: argparse.Namespace) -> int:
    box, members = _named(args)
    if members and args.recording:
        raise InvalidValueError("take off mailboxes or the recording, not both at once")
    with opened_node(args) as node:
        found = found_list(node, box)
        if args.recording:
            if args.dry_run:
                show(f"would remove the recording of the list {box}")
                return 0
            node.store.lists.set_recorded_name(box, None)
            show(f"list {box} is said by its number")
            return 0
        if members:
            if args.dry_run:
                show(f"would take {', '.join(map(str, members))} off the list {box}")
                return 0
            gone = node.store.lists.take_off(box, members)
            for member in members:
                if member not in found.members:
                    complain(f"{member} is not on the list {box}")
            show(f"changed list {box}: {gone} taken off, {len(found.members) - gone} on it")
            return 0 if gone == len(set(members)) else 1
        deed = f"remove the list {box} ({found.name or 'no name'}), not its mailboxes"
        if (code := not_to_be_done(args, deed, "removed")) is not None:
            return code
        node.store.lists.remove(box)
    show(f"removed list {box}")
    return 0


def _show(args: argparse.Namespace) -> int:
    box = _list_of(args)
    with opened_node(args) as node:
        found = found_list(node, box)
        owners = {member: node.mailboxes.open(member) for member in found.members}
    if args.json:
        print_json(_as_json(found))
        return 0
    show(f"list {found.id}  {found.name or '-'}  said by {'its recording' if found.recorded_name else 'its number'}")
    print_table(
        ("mailbox", "name"),
        [(str(member), mailbox.name if mailbox else "there is no such mailbox") for member, mailbox in owners.items()],
    )
    return 0


def _as_json(found: DistributionList) -> dict[str, Any]:
    from esl_vm.web.views import list_view

    more = {"recorded_name_ms": found.recorded_name.duration_ms if found.recorded_name else None}
    return plain(list_view(found)) | more


def _list(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        lists = list(node.store.lists.all(args.domain))
        if not lists:
            check_domain(node, args.domain)
    print_list(
        args.json,
        lists,
        _as_json,
        ("list", "name", "mailboxes", "said by"),
        lambda one: (
            *(str(one.id), one.name or "-", str(len(one.members))),
            "recording" if one.recorded_name else "number",
        ),
        "there are no distribution lists; make one: esl-vm list add 900 1001 1002 --name Sales",
        complain,
    )
    return 0
