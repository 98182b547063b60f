"""`esl-vm greeting`: what owners recorded for their callers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.cli.boxes import box_argument, opened_mailbox, opened_node
from esl_vm.cli.files import write_file
from esl_vm.cli.moments import DATE, date_of, moment, moment_option
from esl_vm.cli.output import clock_time, complain, minute, print_json, print_list, show
from esl_vm.cli.parsers import json_option
from esl_vm.importers.sound_file import converted
from esl_vm.model.errors import StoreDownError, VoicemailError
from esl_vm.model.events import EventType
from esl_vm.model.greeting_choice import preview
from esl_vm.model.greeting_rules import Circumstances
from esl_vm.model.mailbox import Greeting, Mailbox, StoredGreeting, check_dates
from esl_vm.model.message import new_id
from esl_vm.model.times import iso_time_or_none

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands
    from esl_vm.cli.shapes import CalendarShape, GreetingShape
    from esl_vm.model.calendars import Calendar
    from esl_vm.ops.node import Node


def add_commands(commands: Commands) -> None:
    """`greeting …`."""
    group = commands.group("greeting", "list, import, export and remove greetings and recorded names")

    listing = group.add("list", "list a mailbox's greetings", _list, examples="esl-vm greeting list 1001@default")
    box_argument(listing)
    json_option(listing)

    bring = group.add(
        "import",
        "activate a sound file as a greeting",
        _import,
        description="Activate a sound file as a greeting. Any format that libsndfile, sox or ffmpeg reads.",
        examples="""
            esl-vm greeting import 1001@default unavailable away.wav
            esl-vm greeting import 1001@default temporary holidays.mp3 --from 2026-12-24 --until 2027-01-04
        """,
    )
    _greeting_arguments(bring)
    bring.add_argument("file", metavar="FILE")
    bring.add_argument("--from", dest="starts", metavar="DATE", help=f"temporary: not before ({DATE})")
    bring.add_argument("--until", dest="ends", metavar="DATE", help="temporary: not from then on")

    dates = group.add(
        "set-dates",
        "say from when until when the temporary greeting is active",
        _set_dates,
        description="Say from when until when the temporary greeting is active. What is not given is open: without "
        "--from it is active at once, without --until for ever.",
        examples="""
            esl-vm greeting set-dates 1001@default --from 2026-12-24T17:00 --until 2027-01-04
            esl-vm greeting set-dates 1001@default
        """,
    )
    box_argument(dates)
    dates.add_argument("--from", dest="starts", metavar="DATE", help=f"not before ({DATE})")
    dates.add_argument("--until", dest="ends", metavar="DATE", help="not from then on")

    export = group.add(
        "export",
        "write a greeting to a file",
        _export,
        examples="esl-vm greeting export 1001@default name alice.wav",
    )
    _greeting_arguments(export)
    export.add_argument("file", metavar="FILE.wav", help="where to; - is the standard output")

    preview = group.add(
        "preview",
        "tell which greeting a caller would hear",
        _preview,
        description="Tell which greeting a caller would hear: now or at another time, from a number, when busy or not. "
        "The mailbox's rules (greeting_rules) decide, its calendars as this node read them last.",
        examples="""
            esl-vm greeting preview 1001@default
            esl-vm greeting preview 1001@default --at "fri 18:30" --from 5145550102
            esl-vm greeting preview 1001@default --at 2026-12-25T10:00 --busy --internal
        """,
    )
    box_argument(preview)
    moment_option(preview)
    preview.add_argument("--from", dest="caller", default="", metavar="NUMBER", help="who calls")
    preview.add_argument("--internal", action="store_true", help="from a telephone of this system")
    preview.add_argument("--busy", action="store_true", help="the line is busy, rather than nobody answers")
    json_option(preview)

    calendars = group.add(
        "calendars",
        "list the calendars that rules may name",
        _calendars,
        description="List the calendars that rules may name, as this node read them last ([calendars] of the settings).",
        examples="esl-vm greeting calendars",
    )
    json_option(calendars)

    remove = group.add(
        "remove", "deactivate a greeting", _remove, examples="esl-vm greeting remove 1001@default temporary"
    )
    _greeting_arguments(remove)


def _greeting_arguments(parser: argparse.ArgumentParser) -> None:
    box_argument(parser)
    parser.add_argument(
        "greeting",
        choices=[str(greeting) for greeting in Greeting],
        metavar="GREETING",
        help="unavailable, unavailable-2 to unavailable-9, busy, busy-2 to busy-9, name, temporary",
    )


def _list(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        zone = mailbox.timezone or node.settings.service.timezone
        now = node.clock.now()
    found = [(greeting, mailbox.greetings[greeting]) for greeting in Greeting if greeting in mailbox.greetings]

    def row(one: tuple[Greeting, StoredGreeting]) -> tuple[str, ...]:
        greeting, stored = one
        dates = (minute(at, zone) if at else "" for at in (stored.starts, stored.ends))
        return str(greeting), clock_time(stored.duration_ms), "yes" if stored.is_active(now) else "no", *dates

    heads = ("greeting", "length", "active", "from", "until")
    nothing = f"{mailbox.id}: nothing recorded; callers hear the default greeting"
    print_list(args.json, found, lambda one: greeting_as_json(*one, zone, now), heads, row, nothing)
    return 0


def greeting_as_json(greeting: Greeting, stored: StoredGreeting, zone: str, now: float) -> GreetingShape:
    """A recorded greeting, for programs, as it is at that time (epoch seconds)."""
    return {
        "greeting": greeting,
        "duration_ms": stored.duration_ms,
        "in_force": stored.is_active(now),
        "from": iso_time_or_none(stored.starts, zone),
        "until": iso_time_or_none(stored.ends, zone),
    }


def _import(args: argparse.Namespace) -> int:
    greeting = Greeting(args.greeting)
    with opened_mailbox(args) as (node, mailbox), converted(args.file, node.settings.audio.rate) as sound:
        starts, ends = _dates(args, node, mailbox, greeting)
        milliseconds = sound.duration_ms
        audio_id = new_id(node.clock.now())
        node.audio.put(audio_id, sound.path)
        node.mailboxes.set_greeting(mailbox.id, greeting, StoredGreeting(audio_id, milliseconds, starts, ends))
    show(f"{mailbox.id}: {greeting} greeting of {clock_time(milliseconds)} is active")
    return 0


def _dates(args: argparse.Namespace, node: Node, mailbox: Mailbox, greeting: Greeting) -> tuple[int, int]:
    """The dates given, epoch seconds, 0 = open; raises InvalidValueError."""
    zone = mailbox.timezone or node.settings.service.timezone
    starts, ends = date_of(args.starts, zone), date_of(args.ends, zone)
    check_dates(greeting, starts, ends, node.clock.now())
    return starts, ends


def _set_dates(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        stored = _stored(mailbox, Greeting.TEMPORARY)
        starts, ends = _dates(args, node, mailbox, Greeting.TEMPORARY)
        node.mailboxes.set_greeting(mailbox.id, Greeting.TEMPORARY, replace(stored, starts=starts, ends=ends))
        zone = mailbox.timezone or node.settings.service.timezone
    begin = f"from {minute(starts, zone)}" if starts else "at once"
    end = f"until {minute(ends, zone)}" if ends else "with no end"
    show(f"{mailbox.id}: temporary greeting is active {begin}, {end}")
    return 0


def _preview(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        zone = mailbox.timezone or node.settings.service.timezone
        at = moment(args.at, zone, node.clock.now())
        known = [calendar.name for calendar in node.calendars.all()]
        call = Circumstances(at, args.busy, args.caller, args.internal)
        told = preview(mailbox, call, node.calendars.covers, known)
    choice = told.choice
    rule = str(choice.rule) if choice and choice.rule else None
    if args.json:
        greeting = choice.greeting if choice else None
        lacking = {"calendars_missing": told.calendars_missing, "unrecorded": told.unrecorded}
        print_json({"at": at.isoformat(), "greeting": greeting, "rule": rule, **lacking, "led_to": told.led_to})
        return 0
    heard = f"the {choice.greeting} greeting" if choice else "the default sentence"
    if told.led_to:
        heard = f"led on to {told.led_to} by the mailbox's exits, or else {heard}"
    show(f"{mailbox.id}, {at:%A} {minute(at.timestamp(), zone)}: {heard}{f', by the rule {rule}' if rule else ''}")
    for name in told.calendars_missing:
        complain(f"this node has no calendar {name}; esl-vm greeting calendars")
    for one in told.unrecorded:
        complain(f"the {one} greeting is not recorded: its rules don't count")
    return 0


def _calendars(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        found, zone = node.calendars.all(), node.settings.service.timezone

    def plain(calendar: Calendar) -> CalendarShape:
        read = iso_time_or_none(calendar.read, zone)
        return {
            "calendar": calendar.name,
            "source": calendar.source,
            "days": len(calendar.days),
            "times": len(calendar.spans),
            "read": read,
            "problem": calendar.problem or None,
        }

    def row(calendar: Calendar) -> tuple[str, ...]:
        read = minute(calendar.read, zone) if calendar.read else "never"
        numbers = str(len(calendar.days)), str(len(calendar.spans))
        return calendar.name, calendar.source, *numbers, read, calendar.problem or "-"

    heads = ("calendar", "source", "days", "times", "read", "problem")
    print_list(args.json, found, plain, heads, row, "no calendar has been read on this node")
    return 0


def _stored(mailbox: Mailbox, greeting: Greeting) -> StoredGreeting:
    stored = mailbox.greetings.get(greeting)
    if stored is None:
        raise VoicemailError(f"{mailbox.id} has no {greeting} greeting")
    return stored


def _export(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        write_file(node.audio.playable(_stored(mailbox, Greeting(args.greeting)).audio_id), args.file)
        with suppress(StoreDownError):  # a Redis that takes no changes keeps nobody from what it has
            node.mailboxes.log_event(mailbox.id, EventType.EXPORTED, part=args.greeting)
    if args.file != "-":
        show(f"wrote {args.file}")
    return 0


def _remove(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        _stored(mailbox, Greeting(args.greeting))
        # Its sound is erased later, when no call can be playing it (see the store's housekeeping).
        node.mailboxes.remove_greeting(mailbox.id, Greeting(args.greeting))
    show(f"{mailbox.id}: {args.greeting} greeting removed")
    return 0
