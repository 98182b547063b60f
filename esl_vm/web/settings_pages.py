"""The owner's pages: greetings, PIN and settings."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from esl_vm.model.mailbox import Folder, Greeting
from esl_vm.model.options import option_text
from esl_vm.model.owners import LONGEST_OWNER
from esl_vm.model.rights import Right
from esl_vm.model.times import zone_of
from esl_vm.web import exits, greetings, mailboxes, notices, owners, push, sessions
from esl_vm.web.owner_pages import notice_of, owner_page
from esl_vm.web.pages import Form, form, mailbox_url, see_other, wording_of
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Cookie, Request, Response, page
from esl_vm.web.schemas.greetings import GreetingDates, GreetingPreview, PreviewQuery
from esl_vm.web.schemas.mailboxes import NotificationsChange, PinChange
from esl_vm.web.schemas.notices import NoticePreview, NoticeQuery
from esl_vm.web.schemas.owners import NewOwner, OwnerChange

_BOX = "/mailbox/{mailbox}"
_LISTENING = (
    "saycid",
    "envelope",
    "envelope_ago",
    "sayduration",
    "newest_first",
    "autoplay",
    "brief",
    "forward_deletes",
    "receipts",
)
"""What an owner chooses of how messages are heard on the telephone."""


@page("GET", _BOX + "/greetings", Right.GREETING_READ, "The greetings")
def show_greetings(request: Request, problem: ProblemError | None = None, typed: Form | None = None) -> Response:
    """Each with what callers hear, and what can be done about it; with what was typed, and is wrong, beside its form."""
    recorded, added = request.mailbox.greetings, request.param("add")
    numbered = [one for one in Greeting if one.number > 1 and (one in recorded or one == added)]
    cards = [(one, recorded.get(one)) for one in (*(one for one in Greeting if one.number == 1), *numbered)]
    more = [one for one in Greeting if one.number > 1 and one not in recorded and one != added]
    own_exits, fixed_exits = exits.of_page(request)
    calls = (PreviewQuery(busy=False), PreviewQuery(busy=True))
    heard = {greetings.preview_greeting(request, call).greeting for call in calls}
    return owner_page(
        request, "greetings.html", cards=cards, more=more, heard=heard, problem=problem, typed=dict(typed or {}),
        own_exits=own_exits, fixed_exits=fixed_exits, preview=_preview(request), **notice_of(request, Folder.NEW),
    )  # fmt: skip


def _preview(request: Request) -> tuple[GreetingPreview, int] | None:
    """What the caller that the form asks for would hear, and when he would call; None where it does not ask."""
    if not request.param("preview"):
        return None
    at = _asked(request)
    busy, internal = (request.param(name) == "1" for name in ("busy", "internal"))
    query = PreviewQuery(_moment(request, at), request.param("caller"), internal, busy)
    return greetings.preview_greeting(request, query), at or int(request.deps.clock.now())


def _asked(request: Request) -> int:
    """The time that a preview is asked for, epoch seconds; 0 = now."""
    try:
        return wording_of(request).moment(request.param("at"))
    except ValueError:
        raise ProblemError("invalid", "A date is wrong.") from None


@page("POST", _BOX + "/greetings", Right.GREETING_CHANGE, "Say which greeting is heard when, and where its keys lead")
def change_greeting_rules(request: Request) -> Response:
    """One rule or exit a line, as people write them; what is wrong stands beside the form."""
    given = form(request)
    is_exits = given["action"] == "exits"
    try:
        if is_exits:
            fields = {"exits": exits.with_fixed(request, given["exits"])}
            if (press := given["press"] == "1") is not request.mailbox.options.press_to_leave:
                fields["press_to_leave"] = option_text(press)
        else:
            fields = {"greeting_rules": "; ".join(given["rules"].splitlines())}
        mailboxes.change_fields(request, fields)
    except ProblemError as problem:
        if problem.kind not in {"invalid", "forbidden"}:
            raise
        return show_greetings(request, problem, given)
    return see_other(mailbox_url(request.box, "greetings", done="exits" if is_exits else "rules"))


@page("POST", _BOX + "/greetings/{greeting}", Right.GREETING_CHANGE, "Erase a greeting, or choose its dates")
def change_greeting(request: Request) -> Response:
    """Recording and uploading need a script: the sound is the body of a PUT of the API."""
    given = form(request)
    match given["action"]:
        case "erase":
            greetings.erase_greeting(request)
            done = "greeting-erased"
        case "dates":
            t = wording_of(request)
            try:
                starts, ends = (t.moment(given[name]) for name in ("starts", "ends"))
            except ValueError:
                raise ProblemError("invalid", "A date is wrong.") from None
            greetings.set_dates(request, GreetingDates(_moment(request, starts), _moment(request, ends)))
            done = "dates"
        case _:
            raise ProblemError("invalid", "There is no such action.")
    return see_other(mailbox_url(request.box, "greetings", done=done))


def _moment(request: Request, seconds: int) -> Any:
    return datetime.fromtimestamp(seconds, zone_of(request.zone)) if seconds else None


@page("GET", _BOX + "/settings", Right.MAILBOX_READ, "PIN and settings")
def show_settings(request: Request, problem: ProblemError | None = None, rules: str | None = None) -> Response:
    """PIN, mail, language, where one is signed in, keys."""
    open_sessions = sessions.sessions_shown(request)
    notice = notice_of(request, Folder.NEW)
    return owner_page(
        request, "settings.html", open_sessions=open_sessions, problem=problem, rules=rules,
        shares=owners.manages_owners(request), names={one.number: one.name for one in request.mailbox.owners},
        preview=_notices_preview(request), push_key=_push_key(request), browsers=push.signed_up(request),
        listening=[(name, wording_of(request)(f"option.{name}")) for name in _LISTENING], **notice,
    )  # fmt: skip


def _push_key(request: Request) -> str:
    """What a browser needs to sign up for notices; `` where it can't."""
    try:
        return push.key_of(request)
    except ProblemError:
        return ""


def _notices_preview(request: Request) -> tuple[NoticePreview, int] | None:
    """What the message that the form asks for would make, and when it would come; None where it does not ask."""
    if not request.param("preview"):
        return None
    at = _asked(request)
    internal, urgent = (request.param(name) == "1" for name in ("internal", "urgent"))
    query = NoticeQuery(_moment(request, at), request.param("caller"), internal, urgent)
    return notices.preview_notices(request, query), at or int(request.deps.clock.now())


@page("POST", _BOX + "/settings", Right.MAILBOX_CHANGE, "Change PIN, mail or language; end a session")
def change_settings(request: Request) -> Response:
    """What was wrong stands beside the form."""
    given = form(request)
    try:
        done, cookie = _act(request, given)
    except ProblemError as problem:
        if problem.kind in {"away", "cross-site"}:
            raise
        return show_settings(request, problem, given["rules"] if given["action"] == "rules" else None)
    return see_other(mailbox_url(request.box, "settings", done=done), cookie)


def _act(request: Request, given: Form) -> tuple[str, Cookie | None]:
    """What was done, and the cookie of the session that goes on."""
    match given["action"]:
        case "pin":
            if given["new"] != given["again"]:
                raise ProblemError("invalid", words="pin_differ")
            return "pin", mailboxes.change_pin(request, PinChange(_pin(given["new"]), given["current"])).cookie
        case "notices":
            change = NotificationsChange(given["email"][:200], given["pager"][:200], given["attach"] == "1")
            if request.mailbox.options.transcribe:  # else the page does not ask
                change = replace(change, transcripts=given["transcripts"] == "1")
            mailboxes.change_notifications(request, change)
        case "rules":
            rules = "; ".join(given["rules"].splitlines())
            fields = {"notify_rules": rules, "notices": option_text(given["off"] != "1")}
            mailboxes.change_fields(request, fields)
            return "rules", None
        case "copies":
            mailboxes.change_fields(request, {"copies": ",".join(given["copies"].split())})
        case "language":
            mailboxes.change_fields(request, {"language": given["language"]})
        case "listening":
            options = {name: option_text(given[name] == "1") for name in _LISTENING}
            mailboxes.change_fields(request, {**options, "timezone": given["timezone"]})
        case "owner-add":
            current = given["current"] or None
            owners.add_owner(request, NewOwner(given["owner"][:LONGEST_OWNER], _pin(given["pin"]), current))
        case "owner-change":
            request.path["owner"], pin = given["number"], _pin(given["pin"]) if given["pin"] else UNSET
            wanted = OwnerChange(given["owner"][:LONGEST_OWNER], pin, given["current"] or None)
            owners.change_owner(request, wanted)
        case "owner-remove":
            request.path["owner"] = given["number"]
            owners.remove_owner(request)
            return "owner-removed", None
        case "push-off":
            request.path["browser"] = given["browser"]
            push.sign_off(request)
            return "push-off", None
        case "push-test":
            push.tell_all(request)
            return "push-test", None
        case "session":
            request.path["session"] = given["session"]
            sessions.end_session(request)
            return "signed-out", None
        case _:
            raise ProblemError("invalid", "There is no such action.")
    return "saved", None


def _pin(typed: str) -> str:
    """A PIN as it was typed into a form; raises ProblemError for what is none."""
    if not re.fullmatch(r"[0-9]{1,32}", typed):
        raise ProblemError("weak-pin")
    return typed
