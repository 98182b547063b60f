"""Mailboxes: list, search, make, change, remove; the PIN; how an owner is notified."""

from __future__ import annotations

import base64
import hashlib
import json
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import UNSET

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.fields import PROFILE, checked_fields, settable
from esl_vm.model.mailbox import Folder, Greeting, Mailbox, MailboxId
from esl_vm.model.options import FIELDS as OPTIONS
from esl_vm.model.options import option_text
from esl_vm.model.pins import DEFAULT_PIN
from esl_vm.model.rights import OWNER_FIELDS, Right, Role
from esl_vm.model.transcript import folded
from esl_vm.web.copies import check_copies
from esl_vm.web.exits import check_exits
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, Response, route
from esl_vm.web.schemas.mailboxes import (
    MailboxChange,
    MailboxEntry,
    MailboxPage,
    MailboxQuery,
    MailboxView,
    NewMailbox,
    Notifications,
    NotificationsChange,
    PinChange,
)
from esl_vm.web.sessions import begin_session, check_new_pin, end_sessions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TAG = "Mailboxes"
_PORTION = 200
_MOST_LOOKED_AT = 5000


@route(
    "GET", "/mailboxes", Right.MAILBOX_LIST, "List mailboxes, or search them", problems=("unknown-cursor",), tag=_TAG,
)  # fmt: skip
def list_mailboxes(request: Request, query: MailboxQuery) -> MailboxPage:
    """By domain and number; only those within your reach. With `search` a page may hold fewer than `limit`."""
    after = box_of_cursor(query.cursor)
    wanted = folded(query.search)
    found: list[MailboxEntry] = []
    looked_at = 0
    boxes = reached(request, query.domain, after)
    last: MailboxId | None = None
    while portion := list(islice(boxes, _PORTION)):
        for mailbox, locked_s in request.deps.registry.looked_at(portion):
            text = folded(f"{mailbox.id} {mailbox.name} {mailbox.email}") if wanted else ""
            if wanted in text:
                if len(found) == query.limit:
                    return MailboxPage(found, cursor_of_box(last))
                found.append(_entry(mailbox, locked_s))
            last = mailbox.id
        looked_at += len(portion)
        if looked_at >= _MOST_LOOKED_AT:
            return MailboxPage(found, cursor_of_box(last))
    return MailboxPage(found)


def reached(request: Request, domain: str, after: MailboxId | None) -> Iterator[MailboxId]:
    """Mailboxes in order that are within one's reach, without reading those that are not where that is easy."""
    reach = request.identity.reach
    if domain and not reach.has_domain(domain) and not any(b.domain == domain for b in reach.boxes):
        return iter(())
    of: str | None = domain.lower() or None
    if not reach.everywhere and not of and len(reach.domains) == 1 and not reach.boxes:
        (of,) = reach.domains
    return (box for box in request.deps.registry.boxes(of, after=after) if reach.has(box))


def cursor_of_box(box: MailboxId | None) -> str | None:
    """Where a list of mailboxes goes on after that one."""
    return None if box is None else cursor_of(str(box))


def cursor_of(text: str) -> str:
    """A cursor that says that."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def text_of(cursor: str) -> str:
    """What a cursor says; raises ValueError for one that is none of ours."""
    return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()


def box_of_cursor(cursor: str) -> MailboxId | None:
    """The mailbox after which a list goes on; raises ProblemError."""
    if not cursor:
        return None
    try:
        number, at, domain = text_of(cursor).partition("@")
        if not at:
            raise InvalidValueError("no domain")
        return MailboxId(number, domain)
    except ValueError:
        raise ProblemError("unknown-cursor", "Begin anew, without a cursor.") from None


def _entry(mailbox: Mailbox, locked_s: int) -> MailboxEntry:
    counts = mailbox.counts
    return MailboxEntry(
        str(mailbox.id),
        mailbox.name,
        mailbox.email,
        counts.new,
        counts.old,
        counts.urgent,
        round(mailbox.filled, 3),
        mailbox.pin_is_initial,
        locked_s,
    )


@route(
    "POST", "/mailboxes", Right.MAILBOX_MANAGE, "Make a mailbox", response=MailboxView, status=201,
    problems=("exists", "forbidden"), tag=_TAG,
)  # fmt: skip
def make_mailbox(request: Request, body: NewMailbox) -> Response:
    """Without a PIN it has the default one, which opens from its own telephone only."""
    try:
        box = MailboxId.parse(body.mailbox, request.deps.domain)
    except InvalidValueError as wrong:
        raise ProblemError("invalid", str(wrong), errors={"mailbox": str(wrong)}) from None
    if not request.identity.reach.has(box):
        raise ProblemError("forbidden", f"{box} is not within your reach.")
    fields = _checked(body.settings)
    check_copies(request, box, fields.get("copies", ""))
    pin = DEFAULT_PIN if body.pin is None else body.pin
    request.deps.registry.add(box, fields, pin_hash=request.deps.pins.hashed(pin), pin_initial=True)
    request.opened = request.deps.mailboxes.open(box)
    response = _answer(request, 201)
    return Response(response.body, 201, {**response.headers, "Location": f"/api/v1/mailboxes/{box}"})


@route("GET", "/mailboxes/{mailbox}", Right.MAILBOX_READ, "One mailbox", response=MailboxView, tag=_TAG)
def show_mailbox(request: Request) -> Response:
    """Its ETag goes with a change (If-Match)."""
    return _answer(request)


def _answer(request: Request, status: int = 200) -> Response:
    fields = editable(request)
    return Response(_view(request, fields), status, {"ETag": etag_of(fields)})


def editable(request: Request) -> dict[str, str]:
    """The fields of the mailbox that people set, as they are; `webhook`'s address is a secret of sorts, and is not shown."""
    return settable(request.deps.registry.fields(request.box))


def etag_of(fields: Mapping[str, str]) -> str:
    """Which state of the fields that is."""
    return f'"{hashlib.blake2b(json.dumps(fields, sort_keys=True).encode(), digest_size=12).hexdigest()}"'


def _view(request: Request, fields: Mapping[str, str]) -> MailboxView:
    mailbox, deps = request.mailbox, request.deps
    shown = {name: "****" if name == "webhook" and value != "-" else value for name, value in fields.items()}
    if not request.identity.may(Right.MAILBOX_MANAGE):
        shown = {name: value for name, value in shown.items() if name in OWNER_FIELDS}
    return MailboxView(
        mailbox=str(mailbox.id),
        name=mailbox.name,
        language=mailbox.language or deps.language,
        timezone=mailbox.timezone or deps.timezone,
        folders={str(folder): mailbox.counts.of(folder) for folder in Folder},
        urgent=mailbox.counts.urgent,
        takes_messages=mailbox.takes_messages,
        filled=round(mailbox.filled, 3),
        has_pin=mailbox.has_pin,
        pin_is_initial=mailbox.pin_is_initial,
        locked_s=deps.registry.locked_for(mailbox.id),
        greetings={
            str(one): one in mailbox.greetings for one in Greeting if one.number == 1 or one in mailbox.greetings
        },
        kept_days={str(folder): mailbox.options.days_kept(folder) for folder in Folder},
        settings=shown,
    )


@route(
    "PATCH", "/mailboxes/{mailbox}", Right.MAILBOX_CHANGE, "Change a mailbox's settings", response=MailboxView,
    problems=("changed", "if-match", "forbidden", "exists"), tag=_TAG,
)  # fmt: skip
def change_mailbox(request: Request, body: MailboxChange) -> Response:
    """If-Match has the ETag of the state that is changed: of two who change it at once, the second is refused. `*`: any."""
    now = editable(request)
    wanted = request.header("If-Match").strip()
    if not wanted:
        raise ProblemError("if-match", "Get the mailbox, and send its ETag as If-Match.")
    if wanted != "*" and etag_of(now) not in {word.strip() for word in wanted.split(",")}:
        raise ProblemError("changed", "Somebody else changed it. Get it again, and repeat your change on that.")
    change_fields(request, {name: value or "" for name, value in body.settings.items()}, None if wanted == "*" else now)
    return _answer(request)


def change_fields(request: Request, fields: Mapping[str, str], seen: Mapping[str, str] | None = None) -> None:
    """Set fields (`` = back to the default) as far as one may; raises ProblemError.

    Args:
        request: the request.
        fields: by name.
        seen: the state they were seen in, None = any.
    """
    checked = _checked(fields)
    beyond = sorted(set(checked) - OWNER_FIELDS)
    if beyond and not request.identity.may(Right.MAILBOX_MANAGE):
        raise ProblemError("forbidden", f"Ask the administrator to change {', '.join(beyond)}.")
    if "exits" in checked:
        check_exits(request, checked["exits"])
    check_copies(request, request.box, checked.get("copies", ""))
    expected = None if seen is None else {name: seen.get(name, "") for name in (*PROFILE, *OPTIONS)}
    request.deps.registry.change(request.box, checked, expected=expected)
    request.reopen()


def _checked(fields: Mapping[str, str]) -> dict[str, str]:
    """Fields as they are stored; raises ProblemError that names each one that is wrong."""
    checked: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for name, value in fields.items():
        try:
            checked |= checked_fields({name: value})
        except InvalidValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise ProblemError("invalid", "; ".join(wrong.values()), errors=wrong)
    return checked


@route("DELETE", "/mailboxes/{mailbox}", Right.MAILBOX_MANAGE, "Remove a mailbox", problems=("held",), tag=_TAG)
def remove_mailbox(request: Request) -> None:
    """With all its messages and greetings, and from every distribution list. It can't be undone. Not under a legal hold."""
    request.deps.registry.remove(request.box)


@route(
    "PUT", "/mailboxes/{mailbox}/pin", Right.PIN_CHANGE, "Change the PIN", status=204,
    problems=("weak-pin", "wrong-pin", "locked", "forbidden"), tag=_TAG,
)  # fmt: skip
def change_pin(request: Request, body: PinChange) -> Response:
    """An owner gives the PIN in force too, and changes his own. All his sessions end but the one that asks."""
    deps, box, owner = request.deps, request.box, request.identity.owner
    check_new_pin(request, body.pin, body.current, owner)
    is_owner = request.identity.role is Role.OWNER
    deps.pins.change(box, body.pin, initial=not is_owner, owner=owner)
    end_sessions(request, owner)
    request.reopen()
    whose = request.mailbox.owner(owner) if is_owner else None
    return Response(status=204, cookie=begin_session(request, box, pin_mark=whose.pin_mark) if whose else None)


@route("DELETE", "/mailboxes/{mailbox}/lock", Right.MAILBOX_MANAGE, "Lift the lock after wrong PINs", tag=_TAG)
def unlock(request: Request) -> None:
    """For its own telephone and for all others; failures are forgotten."""
    request.deps.registry.unlock(request.box)


@route(
    "GET", "/mailboxes/{mailbox}/notifications", Right.MAILBOX_READ, "How the owner is notified of messages", tag=_TAG,
)  # fmt: skip
def show_notifications(request: Request) -> Notifications:
    """Mail, the pager's short notice, and whether messages are written down."""
    options = request.mailbox.options
    transcripts = options.transcripts_wanted if options.transcribe else None
    return Notifications(request.mailbox.email, request.mailbox.pager, options.attach, transcripts)


@route(
    "PATCH", "/mailboxes/{mailbox}/notifications", Right.MAILBOX_CHANGE, "Change how the owner is notified of messages",
    tag=_TAG,
)  # fmt: skip
def change_notifications(request: Request, body: NotificationsChange) -> Notifications:
    """An empty address: none."""
    fields = {name: value for name, value in (("email", body.email), ("pager", body.pager)) if value is not UNSET}
    if body.attach is not UNSET:
        fields["attach"] = option_text(body.attach)
    if body.transcripts is not UNSET:
        fields["transcripts_wanted"] = option_text(body.transcripts)
    change_fields(request, fields)
    return show_notifications(request)
