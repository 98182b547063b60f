"""Messages that wait for their time, which can be cancelled, and receipts; by the API, and on the owner's page."""

from __future__ import annotations

from datetime import datetime

from esl_vm.model.mailbox import Folder
from esl_vm.model.rights import Right
from esl_vm.model.times import zone_of
from esl_vm.recordings.scheduled import cancel
from esl_vm.web.owner_pages import notice_of, owner_page
from esl_vm.web.pages import form, mailbox_url, see_other
from esl_vm.web.problems import ProblemError, not_found
from esl_vm.web.routes import Request, Response, page, route
from esl_vm.web.schemas.messages import ReceiptsPage, ReceiptView, ScheduledPage, ScheduledView

_TAG = "Messages"
_PAGE = "/mailbox/{mailbox}/scheduled"


@route("GET", "/mailboxes/{mailbox}/scheduled", Right.MESSAGE_READ, "Messages that wait for their time", tag=_TAG)
def list_scheduled(request: Request) -> ScheduledPage:
    """What the mailbox's owner sent or forwarded to arrive later (`at`)."""
    zone = zone_of(request.zone)
    return ScheduledPage(
        [
            ScheduledView(
                one.message.id,
                datetime.fromtimestamp(one.due, zone),
                list(map(str, one.to)),
                one.message.duration_ms,
                one.message.urgent,
            )
            for one in request.deps.mailboxes.scheduled(request.box)
        ]
    )


@route("GET", "/mailboxes/{mailbox}/receipts", Right.MESSAGE_READ, "When what was sent was heard", tag=_TAG)
def list_receipts(request: Request) -> ReceiptsPage:
    """The latest messages that the mailbox's owner sent or forwarded with a receipt asked for (`receipt`)."""
    zone = zone_of(request.zone)
    return ReceiptsPage(
        [
            ReceiptView(
                one.id,
                str(one.to),
                datetime.fromtimestamp(one.sent, zone),
                datetime.fromtimestamp(one.heard, zone) if one.heard else None,
            )
            for one in request.deps.mailboxes.receipts(request.box)
        ]
    )


@route(
    "DELETE", "/mailboxes/{mailbox}/scheduled/{scheduled}", Right.MESSAGE_SEND, "Cancel a message before its time", tag=_TAG
)  # fmt: skip
def cancel_scheduled(request: Request) -> None:
    """With its sound. What is about to be delivered is not found any more."""
    for one in request.deps.mailboxes.scheduled(request.box):
        if one.message.id == request.path["scheduled"] and cancel(request.deps.mailboxes, request.deps.audio, one):
            return
    raise not_found()


@page("GET", _PAGE, Right.MESSAGE_READ, "Messages that wait for their time")
def show_scheduled(request: Request) -> Response:
    """To whom, and when they arrive; then the receipts."""
    mailboxes = request.deps.mailboxes
    waiting, receipts = mailboxes.scheduled(request.box), mailboxes.receipts(request.box)
    return owner_page(request, "scheduled.html", waiting=waiting, receipts=receipts, **notice_of(request, Folder.NEW))


@page("POST", _PAGE, Right.MESSAGE_SEND, "Cancel a message before its time")
def cancel_on_page(request: Request) -> Response:
    """Told by the page that follows, also where it was too late."""
    request.path["scheduled"] = form(request)["id"]
    try:
        cancel_scheduled(request)
    except ProblemError as problem:
        if problem.kind != "not-found":
            raise
        return see_other(mailbox_url(request.box, "scheduled", done="gone"))
    return see_other(mailbox_url(request.box, "scheduled", done="cancelled"))
