"""`esl-vm mailbox`: who has a mailbox, and what it is like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from esl_vm.cli import apply, copy, rename
from esl_vm.cli.boxes import box_argument, box_of, check_domain, opened_mailbox, opened_node
from esl_vm.cli.config import settings_of
from esl_vm.cli.greeting import greeting_as_json
from esl_vm.cli.mailbox_fields import (
    check_pin_options,
    complain_of_exits,
    field_options,
    fields_of,
    new_pin,
    pin_options,
    with_pin,
)
from esl_vm.cli.notices import add_notices
from esl_vm.cli.output import (
    clock_time,
    complain,
    minute,
    not_to_be_done,
    print_json,
    print_list,
    read_pin,
    show,
)
from esl_vm.cli.owner import owner_as_json
from esl_vm.cli.parsers import domain_option, json_option, yes_option
from esl_vm.cli.pin_handout import handing_out
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.fields import settable
from esl_vm.model.mailbox import Folder, Greeting
from esl_vm.model.masking import mask_url
from esl_vm.model.options import FIELDS as OPTIONS
from esl_vm.model.pins import DEFAULT_PIN
from esl_vm.model.times import iso_time_or_none

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from esl_vm.cli.parsers import Commands
    from esl_vm.cli.shapes import MailboxShape, MailboxSummary
    from esl_vm.model.mailbox import Mailbox
    from esl_vm.model.settings import Settings


def add_commands(commands: Commands) -> None:
    """`mailbox …`."""
    group = commands.group("mailbox", "add, show, change and remove mailboxes", examples="esl-vm mailbox list")

    add = group.add(
        "add",
        "add a mailbox",
        _add,
        description="Add a mailbox. Its PIN is asked on the terminal, or read with --pin-stdin; without either it is "
        f"the default {DEFAULT_PIN}, which its owner should change (*97, 0, 5).",
        examples="""
            esl-vm mailbox add 1001@default --name "Alice Martin" --language fr
            echo 4821 | esl-vm mailbox add 1002 name="Bob Lee" language=en email=bob@example.com maxmsg=50 --pin-stdin
        """,
    )
    box_argument(add)
    field_options(add)
    pin_options(add)

    change = group.add(
        "set",
        "change fields of a mailbox",
        _set,
        examples="""
            esl-vm mailbox set 1001@default --name "Alice Martin" timezone=America/Halifax
            esl-vm mailbox set 1001@default maxmsg=50 operator=0
            esl-vm mailbox set 1001@default --unset operator
        """,
    )
    box_argument(change)
    field_options(change)
    change.add_argument(
        "--unset", action="append", default=[], metavar="FIELD", help="back to the default; may be repeated"
    )

    show = group.add("show", "show a mailbox", _show, examples="esl-vm mailbox show 1001@default --json")
    box_argument(show)
    json_option(show)

    listing = group.add(
        "list",
        "list mailboxes, and who has not recorded a name",
        _list,
        examples="esl-vm mailbox list\nesl-vm mailbox list --domain default --json",
    )
    domain_option(listing)
    json_option(listing)

    remove = group.add(
        "remove",
        "remove a mailbox with all its messages",
        _remove,
        examples="esl-vm mailbox remove 1001@default --dry-run\nesl-vm mailbox remove 1001@default --yes",
    )
    box_argument(remove)
    yes_option(remove)

    pin = group.add(
        "pin",
        "set a mailbox's PIN",
        _pin,
        examples="""
            esl-vm mailbox pin 1001@default
            echo 4821 | esl-vm mailbox pin 1001@default --pin-stdin
            esl-vm mailbox pin 1001@default --random-pin --mail-pin
        """,
    )
    box_argument(pin)
    pin_options(pin)
    pin.add_argument(
        "--owners-choice",
        action="store_true",
        help="its owner chose it: it opens from other telephones than his own too",
    )

    unlock = group.add(
        "unlock", "lift the lock after too many wrong PINs", _unlock, examples="esl-vm mailbox unlock 1001@default"
    )
    box_argument(unlock)

    add_notices(group)
    copy.add_commands(group)
    rename.add_commands(group)
    apply.add_commands(group)


def _add(args: argparse.Namespace) -> int:
    box = box_of(args, settings_of(args))
    fields = fields_of(args)
    pin, is_default = new_pin(args, f"PIN for {box} (Enter for the default {DEFAULT_PIN})", box)
    with opened_node(args) as node, handing_out(args, node.settings) as handout:
        if args.random_pin:
            handout.check(box, fields)
        node.add_mailbox(box, fields, pin)
        show(f"added {box} {with_pin(pin, is_default=is_default, is_random=args.random_pin)}")
        if args.random_pin:
            handout.give(box, fields, pin)
    return 0


def _set(args: argparse.Namespace) -> int:
    from esl_vm.model.fields import field_name

    fields = fields_of(args)
    unset = [field_name(name) for name in args.unset]
    both = sorted(set(fields) & set(unset))
    if both:
        raise InvalidValueError(f"{', '.join(both)} is set and unset at once")
    if not fields and not unset:
        raise InvalidValueError("nothing to change: give FIELD=VALUE or --unset FIELD")
    with opened_mailbox(args) as (node, mailbox):
        node.registry.change(mailbox.id, fields, unset)
        show(f"changed {mailbox.id}: {', '.join([*fields, *unset])}")
        complain_of_exits(node, mailbox.id, fields.get("exits", ""))
    return 0


def _show(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        settings = node.settings
        own_s, others_s = (node.registry.locked_for(mailbox.id, outside=outside) for outside in (False, True))
        fields = node.registry.fields(mailbox.id)
        now = node.clock.now()
        complain_of_exits(node, mailbox.id, mailbox.options.exits)
    if args.json:
        print_json(_whole(mailbox, settings, fields, (own_s, others_s), now))
        return 0
    counts = mailbox.counts
    zone = mailbox.timezone or settings.service.timezone
    messages = ", ".join(f"{counts.of(folder)} {folder}" for folder in Folder if counts.of(folder)) or "none"
    greetings = ", ".join(
        f"{greeting} ({clock_time(mailbox.greetings[greeting].duration_ms)})"
        for greeting in Greeting
        if greeting in mailbox.greetings
    )
    options = [f"{name}={fields[name]}" for name in sorted(fields) if name in OPTIONS]
    urgent = ", ".join(f"{n} {w}" for n, w in ((counts.urgent, "urgent"), (counts.urgent_old, "old and urgent")) if n)
    rows = [
        ("mailbox", str(mailbox.id)),
        ("name", mailbox.name or "-"),
        ("language", mailbox.language or f"{settings.speech.language} (default)"),
        ("timezone", mailbox.timezone or f"{settings.service.timezone} (default)"),
        ("email", mailbox.email or "-"),
        ("pager", mailbox.pager or "-"),
        ("webhook", mask_url(fields.get("webhook", "")) or "-"),
        ("extensions", ", ".join(mailbox.extensions) or "-"),
        ("aliases", ", ".join(mailbox.aliases) or "-"),
        *([("copies", ", ".join(mailbox.copies))] if mailbox.copies else []),
        ("messages", messages + (f" ({urgent})" if urgent else "")),
        ("room", _room(mailbox)),
        (
            "greetings",
            (greetings or "none recorded") + ("" if Greeting.NAME in mailbox.greetings else "; no name recorded"),
        ),
        ("PIN", _pin_state(mailbox) + _changed(mailbox, zone) + _locks(own_s, others_s)),
        *([("owners", ", ".join(one.name or "-" for one in mailbox.owners))] if mailbox.others else []),
        ("options", ", ".join(options) or "the defaults"),
        ("added", minute(_created(fields), zone) if _created(fields) else "-"),
    ]
    for label, text in rows:
        show(f"{label:<11} {text}")
    return 0


def _created(fields: Mapping[str, str]) -> float:
    """When the mailbox was added, epoch seconds; 0 = not known."""
    return float(fields.get("created") or 0)


def _changed(mailbox: Mailbox, zone: str) -> str:
    return f" on {minute(mailbox.pin_changed, zone)}" if mailbox.has_pin and mailbox.pin_changed else ""


def _whole(
    mailbox: Mailbox, settings: Settings, fields: Mapping[str, str], locked_s: tuple[int, int], now: float
) -> MailboxShape:
    """All there is, for programs; locked_s: for its own telephone, for others."""
    options, zone = mailbox.options, mailbox.timezone or settings.service.timezone
    state: Literal["none", "initial", "chosen"] = "initial" if mailbox.pin_is_initial else "chosen"
    return {
        **_as_json(mailbox, settings, locked=sum(locked_s) > 0),
        "created": iso_time_or_none(_created(fields), zone),
        "email": mailbox.email,
        "pager": mailbox.pager,
        "webhook": mask_url(fields.get("webhook", "")),
        "extensions": list(mailbox.extensions),
        "aliases": list(mailbox.aliases),
        "copies": list(mailbox.copies),
        "urgent_old": mailbox.counts.urgent_old,
        "recorded": [greeting_as_json(kind, one, zone, now) for kind, one in sorted(mailbox.greetings.items())],
        "pin": {
            "state": state if mailbox.has_pin else "none",
            "changed": iso_time_or_none(mailbox.pin_changed, zone),
            "locked_s": locked_s[0],
            "locked_outside_s": locked_s[1],
        },
        "owners": [owner_as_json(one, mailbox) for one in mailbox.owners],
        "room": {
            "new": mailbox.counts.new,
            "most_new": options.maxmsg,
            "sound_ms": mailbox.sound_ms,
            "most_sound_ms": options.quota_seconds * 1000 or None,
            "filled": round(mailbox.filled, 3),
            "full": mailbox.is_full,
            "takes_messages": mailbox.takes_messages,
        },
        "options": {name: getattr(options, name) for name in OPTIONS},
        "set": sorted(settable(fields)),
    }


def _locks(own_s: int, others_s: int) -> str:
    """For how many seconds the PIN is locked, for its own telephone and for others; `` where it is not."""
    own = f", locked for {own_s} s" if own_s else ""
    return own + (f", locked for other telephones for {others_s} s" if others_s else "")


def _room(mailbox: Mailbox) -> str:
    """How full a mailbox is, for people; from four fifths on it says so."""
    options = mailbox.options
    parts = [
        f"{mailbox.counts.new} of {options.maxmsg} new messages" if mailbox.takes_messages else "takes no messages"
    ]
    if options.quota_seconds:
        parts.append(f"{clock_time(mailbox.sound_ms)} of {clock_time(options.quota_seconds * 1000)}")
    return ", ".join(parts) + ("; FULL" if mailbox.is_full else "; nearly full" if mailbox.nearly_full else "")


def _as_json(mailbox: Mailbox, settings: Settings, *, locked: bool) -> MailboxSummary:
    return {
        "mailbox": str(mailbox.id),
        "name": mailbox.name,
        "language": mailbox.language or settings.speech.language,
        "timezone": mailbox.timezone or settings.service.timezone,
        "folders": {folder: mailbox.counts.of(folder) for folder in Folder},
        "urgent": mailbox.counts.urgent,
        "greetings": {one: one in mailbox.greetings for one in Greeting if one.number == 1 or one in mailbox.greetings},
        "locked": locked,
    }


def _pin_state(mailbox: Mailbox) -> str:
    if not mailbox.has_pin:
        return "none asked"
    return "set by an administrator, not yet changed" if mailbox.pin_is_initial else "set"


def _list(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        settings = node.settings
        check_domain(node, args.domain)
        mailboxes = list(node.registry.overview(args.domain))
        renamed = node.store.renames.unfinished()
    for old, to in renamed.items():
        complain(f"{old} is being renamed to {to}; finish it: esl-vm mailbox rename {old} {to}")
    print_list(
        args.json,
        mailboxes,
        lambda one: _as_json(one[0], settings, locked=one[1] > 0),
        ("mailbox", "name", "language", "new", "old", "filled", "recorded name", "PIN"),
        lambda one: _row(*one, settings),
        "there are no mailboxes; add one: esl-vm mailbox add 1001 --name 'Alice Martin'",
        complain,
    )
    return 0


def _row(mailbox: Mailbox, locked: int, settings: Settings) -> tuple[str, ...]:
    return (
        str(mailbox.id),
        mailbox.name,
        mailbox.language or settings.speech.language,
        str(mailbox.counts.new),
        str(mailbox.counts.old),
        f"{mailbox.filled:.0%}" + "!" * mailbox.nearly_full,
        "yes" if Greeting.NAME in mailbox.greetings else "none",
        "locked" if locked else _pin_state(mailbox).split(",")[0],
    )


def _remove(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        count = sum(mailbox.counts.folders.values())
        deed = f"remove {mailbox.id} ({mailbox.name or 'no name'}) with its {count} messages"
        if (code := not_to_be_done(args, deed, "removed")) is not None:
            return code
        node.registry.remove(mailbox.id)
    show(f"removed {mailbox.id} with {count} messages")
    return 0


def _pin(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    box = box_of(args, settings)
    check_pin_options(args)
    if args.random_pin:
        pin = settings.pins.random_pin(box.number)
    else:
        pin = "" if args.no_pin else read_pin(from_stdin=args.pin_stdin, question=f"new PIN for {box}")
    if not pin and not args.no_pin:
        raise InvalidValueError("no PIN was given; --no-pin takes it away")
    with opened_mailbox(args) as (node, mailbox), handing_out(args, settings) as handout:
        box = mailbox.id
        fields = node.registry.fields(box)
        if args.random_pin:
            handout.check(box, fields)
        node.store.pins.change(box, pin, initial=not args.owners_choice)
        if args.random_pin:
            handout.give(box, fields, pin)
    weakness = settings.pins.weakness(pin, box.number) if pin else ""
    if weakness:
        complain(f"the PIN is weak: {weakness}; the owner would not be allowed to choose it")
    show(f"{box}: {'PIN changed' if pin else 'no PIN is asked any more'}")
    return 0


def _unlock(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        locked_s = node.registry.locked_for(mailbox.id)
        node.registry.unlock(mailbox.id)
    show(f"{mailbox.id}: {'unlocked' if locked_s else 'was not locked; failures are forgotten'}")
    return 0
