"""Signing in and out: an owner by mailbox and PIN, under the telephone's lock; an administrator by a one-time link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

from esl_vm.model import rights
from esl_vm.model.actor import acting, browser
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.events import SIGN_INS, EventType
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.owners import FIRST
from esl_vm.model.pins import PinCheck
from esl_vm.model.rights import NOBODY, Identity, Right, Role
from esl_vm.model.times import iso_time
from esl_vm.web.authentication import cookie_value, is_of, rate_limited_address, sign_in_required
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Cookie, Request, Response, route
from esl_vm.web.schemas.sessions import SessionEntry, Sessions, SessionView, SignIn, SignInByLink

if TYPE_CHECKING:
    from esl_vm.model.rights import Session
    from esl_vm.web.dependencies import Dependencies

_TAG = "Sessions"
PIN = "pin"


@route(
    "POST", "/session", Right.ANYBODY, "Sign in as a mailbox's owner", response=SessionView, status=201,
    problems=("wrong-pin", "locked", "pin-off"), tag=_TAG,
)  # fmt: skip
def sign_in_by_pin(request: Request, body: SignIn) -> Response:
    """The session is a cookie. Only a PIN that its owner chose opens; wrong ones are counted as the telephone's are."""
    return sign_in_owner(request, body.mailbox, body.pin)


def sign_in_owner(request: Request, mailbox: str, pin: str) -> Response:
    """Sign an owner in; the answer sets the session's cookie. Raises ProblemError."""
    deps = request.deps
    if not deps.settings.pins:
        raise ProblemError("pin-off")
    box, number = check_pin(request, mailbox, pin)
    opened = deps.mailboxes.open(box)
    whose = opened.owner(number) if opened else None
    if opened is None or whose is None:  # removed a moment ago
        raise wrong_pin()
    return signed_in(request, rights.owner(opened, number=number), pin_mark=whose.pin_mark)


def check_pin(request: Request, mailbox: str, pin: str, owner: int = 0) -> tuple[MailboxId, int]:
    """The mailbox that this PIN opens from outside, and which owner's it is; 0: any one's. Raises ProblemError.

    Counts a wrong one for mailbox and address.

    A mailbox that is not there, or has no PIN of its owner's, takes as long and is answered as any other.
    """
    deps = request.deps
    check_rate_limit(request)
    try:
        box = MailboxId.parse(mailbox, deps.domain)
    except InvalidValueError:
        box = MailboxId("0", "nobody")  # counted and answered as any that is not there
    opened = deps.mailboxes.open(box)
    box = opened.id if opened else box  # an alias's is the mailbox's own PIN
    with acting(browser(f"owner {box}", request.address, request.id)):
        checked, number = deps.pins.whose(box, pin, outside=True, rest=_rest)
    if checked is PinCheck.LOCKED:
        raise locked(deps, "Too many wrong PINs were tried for this mailbox.")
    if checked is PinCheck.WRONG or (owner and number != owner):
        count_failed_sign_in(request)
        count_sign_in(request, PIN, worked=False)
        raise wrong_pin()
    return box, number


def check_new_pin(request: Request, pin: str, current: str | None, whose: int) -> None:
    """Whether who asks may set that PIN for an owner (0: one who is to be added); raises ProblemError.

    current: of the owner who asks; an administrator gives none.
    """
    if request.identity.role is not Role.OWNER:
        if not request.identity.may(Right.MAILBOX_MANAGE):
            raise ProblemError("forbidden", f"That needs the right {Right.MAILBOX_MANAGE}.")
        return
    if request.mailbox.options.pin_locked:
        raise ProblemError("forbidden", "Only the administrator changes the PIN of this mailbox.")
    if current is None:
        raise ProblemError("invalid", "Give your PIN in force too, as `current`.")
    check_pin(request, str(request.box), current, request.identity.owner)
    if refusal := request.deps.pins.refusal(request.box, pin, owner=whose):
        raise ProblemError("weak-pin", f"Choose another one: {refusal}.")


def end_sessions(request: Request, owner: int) -> None:
    """The browsers of an owner are signed out."""
    access = request.deps.access
    access.end(request.box, *(one.id for one in access.sessions(request.box) if one.owner == owner))


def check_rate_limit(request: Request) -> None:
    """Shut out an address from which too many wrong PINs or links came; raises ProblemError."""
    if request.deps.access.failures(rate_limited_address(request.address)) >= request.deps.settings.address_failures:
        raise locked(request.deps, "Too many wrong PINs or links came from your address.")


def count_failed_sign_in(request: Request) -> None:
    """One more wrong PIN or link from that address."""
    request.deps.access.count_failure(rate_limited_address(request.address), request.deps.pin_rules.window_s)


def wrong_pin() -> ProblemError:
    """Mailbox or PIN is wrong; which one is nobody's business."""
    return ProblemError(
        "wrong-pin",
        "Check both. A PIN that was given to you opens from your own telephone only: choose one there first (*97, 0, 5).",
    )


def locked(deps: Dependencies, why: str) -> ProblemError:
    """Shut for a while."""
    wait_s = deps.pin_rules.lock_s
    detail = f"{why} Wait {wait_s // 60 or 1} minutes; your own telephone opens meanwhile."
    return ProblemError("locked", detail, headers={"Retry-After": str(wait_s)})


def _rest(milliseconds: int) -> None:
    gevent.sleep(milliseconds / 1000)


@route(
    "POST", "/session/link", Right.ANYBODY, "Sign in as an administrator, by a one-time link", response=SessionView,
    status=201, problems=("forbidden", "locked"), tag=_TAG,
)  # fmt: skip
def sign_in_by_link(request: Request, body: SignInByLink) -> Response:
    """`esl-vm admin add NAME` prints the link. It opens once."""
    return sign_in_administrator(request, body.link)


def sign_in_administrator(request: Request, link: str) -> Response:
    """Use a one-time link up; the answer sets the session's cookie. Raises ProblemError."""
    check_rate_limit(request)
    name = request.deps.access.use_link(link)
    if not name:
        count_failed_sign_in(request)
        log_sign_in(request, SIGN_INS, "link", failed="no such link")
        raise ProblemError("forbidden", "The link was used, or is too old. `esl-vm admin add NAME` prints another.")
    return signed_in(request, rights.administrator(name), "link")


def signed_in(request: Request, identity: Identity, way: str = "", pin_mark: str = "") -> Response:
    """Begin a session in place of the one that the browser had; the answer sets its cookie.

    Args:
        request: the request.
        identity: an owner or an administrator.
        way: by which he came (`link`); the store itself writes down who came by a PIN.
        pin_mark: of an owner's mailbox.
    """
    box = session_box(identity)
    count_sign_in(request, way or PIN, worked=True)
    if way:
        log_sign_in(request, box or SIGN_INS, way, who="" if box else identity.name)
    if request.identity.session:
        request.deps.access.end(session_box(request.identity), request.identity.session)
    request.identity = identity
    name = "" if box else identity.name
    return Response(_view(identity), 201, cookie=begin_session(request, box, name=name, pin_mark=pin_mark, way=way))


def begin_session(request: Request, box: MailboxId | None, **of_it: str) -> Cookie:
    """Begin a session of the owner who asks, or (None) of an administrator; `of_it`: see `Access.begin`."""
    seconds, owner = request.deps.settings.session_hours * 3600, request.identity.owner
    secret = request.deps.access.begin(box, seconds=seconds, address=request.address, owner=owner, **of_it)
    return Cookie(cookie_value(box, secret), seconds)


def count_sign_in(request: Request, way: str, *, worked: bool) -> None:
    """Count a sign-in, or one that failed, where somebody counts."""
    if request.deps.metrics is not None:
        request.deps.metrics.signed_in(way, worked)


def log_sign_in(request: Request, box: MailboxId, way: str, *, who: str = "", failed: str = "") -> None:
    """Write down that somebody signed in, or (failed: why) did not."""
    if failed:
        count_sign_in(request, way, worked=False)
    name = f"{Role.ADMINISTRATOR} {who}" if who else f"{Role.OWNER} {box}" if box != SIGN_INS else "nobody"
    with acting(browser(name, request.address, request.id)):
        what = EventType.LOGIN_FAILED if failed else EventType.LOGIN
        details = {"from": request.address, "outside": "yes", "way": way, "who": who, "why": failed}
        request.deps.mailboxes.log_event(box, what, **details)


@route("GET", "/session", Right.ANYBODY, "Who is signed in", problems=("sign-in",), tag=_TAG)
def who_is_signed_in(request: Request) -> SessionView:
    """Also of a token: what it may."""
    if request.identity is NOBODY:
        raise sign_in_required()
    return _view(request.identity)


def _view(identity: Identity) -> SessionView:
    box = identity.name if identity.role is Role.OWNER else None
    return SessionView(
        identity.name, str(identity.role), sorted(map(str, identity.rights)), box, identity.person or None
    )


@route("DELETE", "/session", Right.ANYBODY, "Sign out", status=204, tag=_TAG)
def sign_out(request: Request) -> Response:
    """The cookie opens nothing any more; with none nothing happens."""
    if request.identity.session:
        request.deps.access.end(session_box(request.identity), request.identity.session)
    return Response(status=204, cookie=Cookie(""))


def session_box(identity: Identity) -> MailboxId | None:
    """Whose sessions his is among: a mailbox's, or the administrators' (None)."""
    return MailboxId.parse(identity.name) if identity.role is Role.OWNER else None


@route("GET", "/mailboxes/{mailbox}/sessions", Right.PIN_CHANGE, "Where the owner is signed in", tag=_TAG)
def list_sessions(request: Request) -> Sessions:
    """The browsers, the oldest first; those of an owner end when his PIN changes.

    Of several owners the first sees everybody's, another his own.
    """
    named = {owner.number: owner.name for owner in request.mailbox.owners} if request.mailbox.others else {}
    return Sessions(
        [
            SessionEntry(
                one.id[:16],
                one.address,
                iso_time(one.since, request.zone),
                iso_time(one.until, request.zone),
                one.id == request.identity.session,
                named.get(one.owner),
            )
            for one in sessions_shown(request)
        ]
    )


def sessions_shown(request: Request) -> list[Session]:
    """Those of the mailbox that are good, and that whoever asks may see and end."""
    mine = request.identity.owner
    return [
        one
        for one in request.deps.access.sessions(request.box)
        if is_of(one, request.mailbox) and mine in {FIRST, one.owner}
    ]


@route(
    "DELETE", "/mailboxes/{mailbox}/sessions/{session}", Right.PIN_CHANGE, "End a session", problems=("not-found",),
    tag=_TAG,
)  # fmt: skip
def end_session(request: Request) -> None:
    """By the id that the list shows."""
    wanted = request.path["session"]
    ids = [one.id for one in sessions_shown(request) if one.id[:16] == wanted]
    if not request.deps.access.end(request.box, *ids):
        raise ProblemError("not-found", "There is no such session; it may be over.")
