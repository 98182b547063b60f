"""Legal holds, and the state of the encryption, by the API and on the administrator's page. A mailbox's owner is told nothing of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from esl_vm.model.errors import NoSuchMailboxError
from esl_vm.model.rights import Right
from esl_vm.model.times import iso_time
from esl_vm.web.admin_pages import admin_page, admin_url
from esl_vm.web.pages import form, see_other
from esl_vm.web.problems import ProblemError, problem_of
from esl_vm.web.routes import Request, Response, mailbox_id_of, page, route
from esl_vm.web.schemas.callers import EncryptionView, EndedHold, Holds, HoldView, NewHold

if TYPE_CHECKING:
    from esl_vm.model.mailbox import MailboxId

_TAG = "Privacy"


@route("GET", "/privacy/encryption", Right.PRIVACY, "Whether what is said is encrypted where it is kept", tag=_TAG)
def show_encryption(request: Request) -> EncryptionView:
    """With the ids of the keys, and of those that are missing."""
    seal = request.deps.seal
    missing = [key for key in request.deps.keys_used() if key not in seal.keys]
    return EncryptionView(seal.key, list(seal.keys), missing, seal.trouble)


@route("GET", "/privacy/holds", Right.PRIVACY, "The legal holds", tag=_TAG)
def list_holds(request: Request) -> Holds:
    """Mailboxes of which nothing is erased; and those whose hold is over and still keeps something."""
    deps = request.deps
    zone, now = deps.timezone, deps.clock.now()
    return Holds(
        [
            HoldView(
                str(box),
                hold.in_force(now),
                iso_time(hold.since, zone) if hold.since else None,
                iso_time(hold.until, zone) if hold.since and hold.until else None,
                hold.by,
                hold.reason,
                kept,
            )
            for box, hold, kept in deps.holds.of(deps.registry.boxes())
        ]
    )


@route(
    "POST", "/privacy/holds", Right.PRIVACY, "Put a mailbox under a legal hold", problems=("not-found",), tag=_TAG
)  # fmt: skip
def set_hold(request: Request, body: NewHold) -> None:
    """Its owner deletes as ever; what is erased is kept out of sight until the hold is over. The mailbox can't be removed
    or renamed meanwhile. Again: another reason or end.
    """  # noqa: D205 - one paragraph
    until = body.until.timestamp() if body.until else 0.0
    if until and until <= request.deps.clock.now():
        raise ProblemError("invalid", "It would be over.", errors={"until": "It is in the past."})
    if not body.reason.strip():
        raise ProblemError("invalid", "Say who wants it, and why.", errors={"reason": "It is empty."})
    request.deps.holds.begin(_box(request, body.mailbox), body.reason, until)


@route("POST", "/privacy/holds/end", Right.PRIVACY, "End a legal hold", problems=("not-found",), tag=_TAG)
def end_hold(request: Request, body: EndedHold) -> None:
    """What it kept of erased messages is erased within the hour."""
    request.deps.holds.lift(_box(request, body.mailbox))


@page("GET", "/admin/holds", Right.PRIVACY, "The legal holds")
def show_holds(request: Request, problem: ProblemError | None = None, given: dict[str, str] | None = None) -> Response:
    """With who set them, why, until when."""
    holds = list_holds(request).holds
    return admin_page(request, "admin_holds.html", "events", holds=holds, problem=problem, given=given or {})


@page("POST", "/admin/holds", Right.PRIVACY, "Put a mailbox under a legal hold, or end one")
def change_holds(request: Request) -> Response:
    """The day that is given is the last one."""
    given = form(request)
    try:
        if given["action"] == "end":
            end_hold(request, EndedHold(given["mailbox"]))
            return see_other(admin_url("holds", done="hold_ended", box=given["mailbox"]))
        set_hold(request, NewHold(given["mailbox"], given["reason"][:200], _end_of(request, given["until"])))
    except (ProblemError, NoSuchMailboxError) as wrong:
        return show_holds(request, problem_of(wrong), given)
    return see_other(admin_url("holds", done="hold_set", box=given["mailbox"]))


def _end_of(request: Request, day: str) -> datetime | None:
    """The end of a day, None for none."""
    if not day:
        return None
    try:
        return datetime.fromisoformat(f"{day}T23:59:59").replace(tzinfo=ZoneInfo(request.deps.timezone))
    except ValueError:
        raise ProblemError("invalid", errors={"until": "It is no day."}) from None


def _box(request: Request, name: str) -> MailboxId:
    box = mailbox_id_of(name, request.deps.domain)
    if request.deps.mailboxes.open(box) is None:
        raise NoSuchMailboxError(f"no mailbox {box}")
    return box
