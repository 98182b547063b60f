"""Signing in and out: an owner by mailbox and PIN, under the telephone's lock; an administrator by a one-time link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

from esl_vm.model import rights
from esl_vm.model.actor import acting, browser
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.events import SIGN_INS, EventType
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.pins import PinCheck
from esl_vm.model.rights import NOBODY, Identity, Right, Role
from esl_vm.web.models import SessionEntry, Sessions, SessionTold, SignIn, SignInByLink
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Answer, Ask, Cookie, route
from esl_vm.web.times import iso
from esl_vm.web.who import cookie_value, counted_address, sign_in

if TYPE_CHECKING:
    from esl_vm.web.world import WebWorld

_TAG = "Sessions"
PIN = "pin"


@route(
    "POST", "/session", Right.ANYBODY, "Sign in as a mailbox's owner",
    body=SignIn, answer=SessionTold, status=201, problems=("wrong-pin", "locked", "pin-off"), tag=_TAG,
)  # fmt: skip
def sign_in_by_pin(ask: Ask, body: SignIn) -> Answer:
    """The session is a cookie. Only a PIN that its owner chose opens; wrong ones are counted as the telephone's are."""
    return begin_owner(ask, body.mailbox, body.pin)


def begin_owner(ask: Ask, mailbox: str, pin: str) -> Answer:
    """Sign an owner in; the answer sets the session's cookie. Raises ProblemError."""
    world = ask.world
    if not world.settings.pins:
        raise ProblemError("pin-off")
    box = check_pin(ask, mailbox, pin)
    opened = world.mailboxes.open(box)
    if opened is None:  # removed a moment ago
        raise wrong_pin()
    return signed_in(ask, rights.owner(box), pin_mark=opened.pin_mark)


def check_pin(ask: Ask, mailbox: str, pin: str) -> MailboxId:
    """The mailbox that this PIN opens from outside; counts a wrong one for mailbox and address. Raises ProblemError.

    A mailbox that is not there, or has no PIN of its owner's, takes as long and is answered as any other.
    """
    world = ask.world
    refuse_guessing(ask)
    try:
        box = MailboxId.parse(mailbox, world.domain)
    except InvalidValueError:
        box = MailboxId("0", "nobody")  # counted and answered as any that is not there
    with acting(browser(f"owner {box}", ask.address, ask.id)):
        checked = world.pins.check(box, pin, outside=True, rest=_rest)
    match checked:
        case PinCheck.RIGHT:
            return box
        case PinCheck.LOCKED:
            raise locked(world, "Too many wrong PINs were tried for this mailbox.")
        case PinCheck.WRONG:
            count_guess(ask)
            count_sign_in(ask, PIN, worked=False)
            raise wrong_pin()


def refuse_guessing(ask: Ask) -> None:
    """Shut out an address from which too many wrong PINs or links came; raises ProblemError."""
    if ask.world.access.failures(counted_address(ask.address)) >= ask.world.settings.address_failures:
        raise locked(ask.world, "Too many wrong PINs or links came from your address.")


def count_guess(ask: Ask) -> None:
    """One more wrong PIN or link from that address."""
    ask.world.access.count_failure(counted_address(ask.address), ask.world.pin_rules.window_s)


def wrong_pin() -> ProblemError:
    """Mailbox or PIN is wrong; which one is nobody's business."""
    return ProblemError(
        "wrong-pin",
        "Check both. A PIN that was given to you opens from your own telephone only: choose one there first (*97, 0, 5).",
    )


def locked(world: WebWorld, why: str) -> ProblemError:
    """Shut for a while."""
    wait_s = world.pin_rules.lock_s
    detail = f"{why} Wait {wait_s // 60 or 1} minutes; your own telephone opens meanwhile."
    return ProblemError("locked", detail, headers={"Retry-After": str(wait_s)})


def _rest(milliseconds: int) -> None:
    gevent.sleep(milliseconds / 1000)


@route(
    "POST", "/session/link", Right.ANYBODY, "Sign in as an administrator, by a one-time link",
    body=SignInByLink, answer=SessionTold, status=201, problems=("forbidden", "locked"), tag=_TAG,
)  # fmt: skip
def sign_in_by_link(ask: Ask, body: SignInByLink) -> Answer:
    """`esl-vm admin add NAME` prints the link. It opens once."""
    return begin_administrator(ask, body.link)


def begin_administrator(ask: Ask, link: str) -> Answer:
    """Use a one-time link up; the answer sets the session's cookie. Raises ProblemError."""
    refuse_guessing(ask)
    name = ask.world.access.use_link(link)
    if not name:
        count_guess(ask)
        tell_sign_in(ask, SIGN_INS, "link", failed="no such link")
        raise ProblemError("forbidden", "The link was used, or is too old. `esl-vm admin add NAME` prints another.")
    return signed_in(ask, rights.administrator(name), "link")


def signed_in(ask: Ask, who: Identity, way: str = "", pin_mark: str = "") -> Answer:
    """Begin a session in place of the one that the browser had; the answer sets its cookie.

    Args:
        ask: the request.
        who: an owner or an administrator.
        way: by which he came (`link`); the store itself writes down who came by a PIN.
        pin_mark: of an owner's mailbox.
    """
    box = session_box(who)
    count_sign_in(ask, way or PIN, worked=True)
    if way:
        tell_sign_in(ask, box or SIGN_INS, way, who="" if box else who.name)
    if ask.who.session:
        ask.world.access.end(session_box(ask.who), ask.who.session)
    secret = ask.world.access.begin(
        box,
        seconds=ask.world.settings.session_hours * 3600,
        address=ask.address,
        name="" if box else who.name,
        pin_mark=pin_mark,
        way=way,
    )
    ask.who = who
    return Answer(_told(who), 201, cookie=Cookie(cookie_value(box, secret), ask.world.settings.session_hours * 3600))


def count_sign_in(ask: Ask, way: str, *, worked: bool) -> None:
    """Count a sign-in, or one that failed, where somebody counts."""
    if ask.world.metrics is not None:
        ask.world.metrics.signed_in(way, worked)


def tell_sign_in(ask: Ask, box: MailboxId, way: str, *, who: str = "", failed: str = "") -> None:
    """Write down that somebody signed in, or (failed: why) did not."""
    if failed:
        count_sign_in(ask, way, worked=False)
    name = f"{Role.ADMINISTRATOR} {who}" if who else f"{Role.OWNER} {box}" if box != SIGN_INS else "nobody"
    with acting(browser(name, ask.address, ask.id)):
        what = EventType.LOGIN_FAILED if failed else EventType.LOGIN
        details = {"from": ask.address, "outside": "yes", "way": way, "who": who, "why": failed}
        ask.world.mailboxes.log_event(box, what, **details)


@route("GET", "/session", Right.ANYBODY, "Who is signed in", answer=SessionTold, problems=("sign-in",), tag=_TAG)
def who_is_signed_in(ask: Ask) -> SessionTold:
    """Also of a token: what it may."""
    if ask.who is NOBODY:
        raise sign_in()
    return _told(ask.who)


def _told(who: Identity) -> SessionTold:
    box = who.name if who.role is Role.OWNER else None
    return SessionTold(who.name, str(who.role), sorted(map(str, who.rights)), box)


@route("DELETE", "/session", Right.ANYBODY, "Sign out", status=204, tag=_TAG)
def sign_out(ask: Ask) -> Answer:
    """The cookie opens nothing any more; with none nothing happens."""
    if ask.who.session:
        ask.world.access.end(session_box(ask.who), ask.who.session)
    return Answer(status=204, cookie=Cookie(""))


def session_box(who: Identity) -> MailboxId | None:
    """Whose sessions his is among: a mailbox's, or the administrators' (None)."""
    return MailboxId.parse(who.name) if who.role is Role.OWNER else None


@route(
    "GET", "/mailboxes/{mailbox}/sessions", Right.PIN_CHANGE, "Where the owner is signed in", answer=Sessions, tag=_TAG
)
def list_sessions(ask: Ask) -> Sessions:
    """The browsers, the oldest first. All of them end when the PIN changes."""
    mark = ask.mailbox.pin_mark
    return Sessions(
        [
            SessionEntry(
                one.id[:16], one.address, iso(one.since, ask.zone), iso(one.until, ask.zone), one.id == ask.who.session
            )
            for one in ask.world.access.sessions(ask.box)
            if one.pin_mark == mark
        ]
    )


@route(
    "DELETE", "/mailboxes/{mailbox}/sessions/{session}", Right.PIN_CHANGE, "End a session",
    status=204, problems=("not-found",), tag=_TAG,
)  # fmt: skip
def end_session(ask: Ask) -> None:
    """By the id that the list shows."""
    wanted = ask.path["session"]
    ids = [one.id for one in ask.world.access.sessions(ask.box) if one.id[:16] == wanted]
    if not ask.world.access.end(ask.box, *ids):
        raise ProblemError("not-found", "There is no such session; it may be over.")
