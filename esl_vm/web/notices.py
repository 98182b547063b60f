"""Which notices a message would make."""

from __future__ import annotations

from datetime import datetime

from esl_vm.model.conditions import calendars_missing, no_calendar
from esl_vm.model.notify_rules import USUAL, Arrival, addressed, fitting_rule, parse_notify_rules
from esl_vm.model.rights import Right
from esl_vm.model.times import zone_of
from esl_vm.web import push
from esl_vm.web.routes import Request, route
from esl_vm.web.schemas.notices import NoticePreview, NoticeQuery, NoticeView


@route(
    "GET", "/mailboxes/{mailbox}/notification-preview", Right.MAILBOX_READ, "Which notices a message would make",
    tag="Mailboxes",
)  # fmt: skip
def preview_notices(request: Request, query: NoticeQuery) -> NoticePreview:
    """Now or at another time, from a number, urgent or not, by the mailbox's `notify_rules`."""
    deps, mailbox = request.deps, request.mailbox
    moment = query.at.timestamp() if query.at else deps.clock.now()
    at = datetime.fromtimestamp(moment, zone_of(request.zone))
    rules = parse_notify_rules(mailbox.options.notify_rules)
    message = Arrival(at, query.urgent, query.caller, query.internal)
    rule = fitting_rule(rules, message, deps.calendars.covers if deps.calendars else no_calendar)
    known = [calendar.name for calendar in deps.calendars.all()] if deps.calendars else []
    browsers = ",".join(one.name.replace(",", "") or one.id for one in push.signed_up(request))
    notices = addressed(
        (rule.notices if rule else USUAL) if mailbox.options.notices else (), mailbox.email, mailbox.pager, browsers
    )
    return NoticePreview(
        at.isoformat(),
        [NoticeView(notice.way, notice.to) for notice in notices],
        str(rule) if rule else None,
        calendars_missing(rules, known),
    )
