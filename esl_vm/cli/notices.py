"""`esl-vm mailbox notices`: what would be sent for a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.cli.boxes import box_argument, opened_mailbox
from esl_vm.cli.moments import moment, moment_option
from esl_vm.cli.output import complain, minute, print_json, show
from esl_vm.cli.parsers import json_option
from esl_vm.model.conditions import calendars_missing
from esl_vm.model.notify_rules import USUAL, Arrival, Way, addressed, fitting_rule, parse_notify_rules

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_notices(group: Commands) -> None:
    """`mailbox notices`."""
    parser = group.add(
        "notices",
        "tell what would be sent for a message",
        _notices,
        description="Tell by which ways, and to whom, a message would be told: now or at another time, from a number, "
        "urgent or not. The mailbox's rules (notify_rules) decide, its calendars as this node read them last.",
        examples="""
            esl-vm mailbox notices 1001@default
            esl-vm mailbox notices 1001@default --at "fri 18:30" --from 5145550100 --urgent
        """,
    )
    box_argument(parser)
    moment_option(parser)
    parser.add_argument("--from", dest="caller", default="", metavar="NUMBER", help="who left it")
    parser.add_argument("--internal", action="store_true", help="from a colleague")
    parser.add_argument("--urgent", action="store_true", help="marked urgent")
    json_option(parser)


def _notices(args: argparse.Namespace) -> int:
    with opened_mailbox(args) as (node, mailbox):
        zone = mailbox.timezone or node.settings.service.timezone
        at = moment(args.at, zone, node.clock.now())
        rules = parse_notify_rules(mailbox.options.notify_rules)
        message = Arrival(at, args.urgent, args.caller, args.internal)
        rule = fitting_rule(rules, message, node.calendars.covers)
        places_calls = bool(node.settings.notice_calls.dial)
        signed_up = node.store.push.all(mailbox) if node.settings.push.contact else []
        browsers = ",".join(one.name.replace(",", "") or one.id for one in signed_up)
        missing = calendars_missing(rules, [calendar.name for calendar in node.calendars.all()])
    wanted = rule.notices if rule else USUAL
    notices = addressed(wanted if mailbox.options.notices else (), mailbox.email, mailbox.pager, browsers)
    if args.json:
        told = [{"way": notice.way, "to": notice.to} for notice in notices]
        by = str(rule) if rule else None
        print_json({"at": at.isoformat(), "notices": told, "rule": by, "calendars_missing": missing})
        return 0
    sent = ", ".join(f"{notice.way} to {notice.to}" for notice in notices) or "nothing is sent"
    show(f"{mailbox.id}, {at:%A} {minute(at.timestamp(), zone)}: {sent}{f', by the rule {rule}' if rule else ''}")
    if not mailbox.options.notices:
        complain(f"notices are switched off: esl-vm mailbox set {mailbox.id} notices=yes")
    if not places_calls and any(notice.way is Way.CALL for notice in notices):
        complain("no calls are placed: notice_calls.dial is not set")
    for name in missing:
        complain(f"this node has no calendar {name}; esl-vm greeting calendars")
    return 0
