"""The owner's pages: signing in, folders and messages, greetings, settings. They do what the API does, for people.

Each is a URL that works without a script: lists, a message with its sound, forms. Scripts make it faster (`static/page.js`).
What was done is told by the page that follows, with a button that undoes it.
"""

from __future__ import annotations

import re
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec.structs import replace

from esl_vm.model.errors import AudioMissingError, InvalidValueError, NoSuchMessageError, StoreDownError
from esl_vm.model.mailbox import Folder, Greeting
from esl_vm.model.options import option_text
from esl_vm.model.rights import Right, Role
from esl_vm.web import calls, forwarding, greetings, mailboxes, messages, sessions
from esl_vm.web.models import Forward, GreetingDates, MessageChange, MessageQuery, NotificationsChange, PinChange
from esl_vm.web.organisation import signed_out
from esl_vm.web.pages import back_of, box_address, form, landing, render, see_other, sign_in_page, wording_of
from esl_vm.web.peaks import wave_path
from esl_vm.web.problems import ProblemError, not_there
from esl_vm.web.routes import Answer, Ask, page
from esl_vm.web.times import zone_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.model.message import Message

_BOX = "/mailbox/{mailbox}"
_FOLDER = _BOX + "/folder/{folder}"
_MESSAGE = _FOLDER + "/{message}"
_PAGE = 50
_LISTENING = ("saycid", "envelope", "sayduration", "autoplay", "brief")
"""What an owner chooses of how messages are heard on the telephone."""
_AWAITED_S = 900.0


# -- signing in and out -----------------------------------------------------------------------------


@page("GET", "/", Right.ANYBODY, "The voicemail: one's mailbox, or signing in")
def home(ask: Ask) -> Answer:
    """Who is signed in is led to his mailbox."""
    if ask.who.role is Role.TOKEN:
        return sign_in_page(ask, back=back_of(ask.request.get_param("back")))
    return see_other(landing(ask.who, ""))


@page("POST", "/", Right.ANYBODY, "Sign in as a mailbox's owner")
def sign_in(ask: Ask) -> Answer:
    """By number and PIN; goes on to the page that was asked for."""
    given = form(ask)
    mailbox, back = given.get("mailbox", ""), back_of(given.get("back"))
    try:
        begun = sessions.begin_owner(ask, mailbox, given.get("pin", ""))
    except ProblemError as problem:
        if problem.kind not in {"wrong-pin", "locked", "pin-off"}:
            raise
        return sign_in_page(ask, problem, mailbox, back)
    return see_other(landing(ask.who, back), begun.cookie)


@page("POST", "/sign-out", Right.ANYBODY, "Sign out")
def sign_out(ask: Ask) -> Answer:
    """The session is over."""
    return signed_out(ask, ask.who.way, sessions.sign_out(ask).cookie)


# -- folders and messages ---------------------------------------------------------------------------


@page("GET", _FOLDER, Right.MESSAGE_READ, "A folder's messages")
def show_folder(ask: Ask) -> Answer:
    """The newest first, fifty a page."""
    return _mail(ask, _folder(ask), None)


@page("GET", _MESSAGE, Right.MESSAGE_READ, "A message, beside its folder")
def show_message(ask: Ask) -> Answer:
    """Also where it was moved meanwhile."""
    try:
        opened = messages.found_message(ask)
    except NoSuchMessageError:
        return see_other(box_address(ask.box, "folder", _folder(ask), done="gone"))
    return _mail(ask, _folder(ask), opened)


def _folder(ask: Ask) -> Folder:
    try:
        return Folder(ask.path["folder"])
    except ValueError:
        raise not_there() from None


def _mail(ask: Ask, folder: Folder, opened: Message | None) -> Answer:
    param = ask.request.get_param
    search = (param("q") or "")[:80]
    query = MessageQuery(folder=folder, limit=_PAGE, cursor=(param("cursor") or "")[:400], search=search)
    listed, following = messages.read_page(ask, query)
    said = wording_of(ask)
    days = [(day, list(those)) for day, those in groupby(listed, lambda message: said.day(message.received))]
    return _own(
        ask, "folder.html", folder=folder, days=days, search=search, cursor=query.cursor, following=following,
        opened=opened, wave=wave_of(ask, opened), hears=ask.who.may(Right.MESSAGE_HEAR),
        transcript_awaited=opened is not None and _is_awaited(ask, opened), choosing=param("choose") is not None, **_told(ask, folder),
    )  # fmt: skip


def _is_awaited(ask: Ask, message: Message) -> bool:
    """Whether its transcript is on its way, as far as that can be known."""
    options = ask.mailbox.options
    is_wanted = ask.world.transcribes and options.transcribe and options.transcripts_wanted
    came_lately = ask.world.clock.now() - (message.arrived or message.received) < _AWAITED_S
    return is_wanted and came_lately and message.origin not in {"import", "restore"}


def wave_of(ask: Ask, message: Message | None) -> str | None:
    """The picture of a message's sound; None where the sound is gone, `` where it can't be looked at now."""
    if message is None:
        return ""
    try:
        return wave_path(ask.world.audio.playable(message.id))
    except AudioMissingError:
        return None
    except (StoreDownError, InvalidValueError):
        return ""


def _told(ask: Ask, folder: Folder) -> dict[str, Any]:
    """What was done before this page, and the form that undoes it."""
    param = ask.request.get_param
    done, message, before = param("done") or "", (param("id") or "")[:80], param("from") or ""
    said = wording_of(ask)
    number = param("n") or ""
    undo: dict[str, str] = {}
    if message and done == "delete":
        undo = {"action": "restore"}
    elif message and done in {"move", "restore"} and before in set(Folder):
        undo = {"action": "delete"} if before == Folder.TRASH else {"action": "move", "to": before}
    text = ""
    if done == "gone":
        text = said("gone")
    elif done == "deleted" and number.isdecimal():
        text = said.counted("done.deleted", int(number[:3]))
    elif said.has(f"done.{done}"):
        to = param("to") or ""
        text = said(f"done.{done}", folder=said(f"folder.{to}") if to in set(Folder) else "")
    return {"done": text, "undo": undo, "undo_id": message, "undo_folder": folder}


@page("POST", _MESSAGE, Right.MESSAGE_CHANGE, "Delete, restore, keep, mark or forward a message")
def change_message(ask: Ask) -> Answer:
    """Told by the page that follows."""
    given, folder = form(ask), _folder(ask)
    action, to = given.get("action", ""), given.get("to", "")
    try:
        before = messages.found_message(ask)
        _act(ask, before, action, to)
    except NoSuchMessageError:
        return see_other(box_address(ask.box, "folder", folder, done="gone"))
    except ProblemError as problem:
        if action != "call-back" or problem.kind not in {"forbidden", "invalid", "too-many-calls", "no-telephone"}:
            raise
        return see_other(box_address(ask.box, "folder", str(folder), before.id, done=f"call-{problem.kind}"))
    stays = action in {"heard", "new", "forward", "call-back"} or given.get("stay") == "1"
    where = ("folder", str(folder), before.id) if stays else ("folder", str(folder))
    told = {"done": action, "id": before.id, "from": str(before.folder), "to": to if action == "move" else ""}
    return see_other(box_address(ask.box, *where, **told))


def _act(ask: Ask, message: Message, action: str, to: str) -> None:
    match action:
        case "delete":
            messages.delete_message(ask)
        case "restore":
            messages.restore_message(ask)
        case "move" if to in set(Folder):
            messages.change_message(ask, MessageChange(folder=Folder(to)))
        case "heard":
            messages.change_message(ask, MessageChange(heard=True))
        case "new":
            messages.change_message(ask, MessageChange(heard=False))
        case "call-back" if ask.who.may(Right.CALL_PLACE):
            calls.call_back(ask)
        case "forward":
            if not ask.who.may(Right.MESSAGE_SEND):
                raise ProblemError("forbidden")
            numbers = [number.strip() for number in to.split(",") if number.strip()]
            if not numbers:
                raise ProblemError("invalid", "Name who is to get it.")
            forwarding.forward_message(ask, Forward(numbers[:200]))
        case _:
            raise ProblemError("invalid", f"There is no such action for {message.id}.")


@page("POST", _FOLDER, Right.MESSAGE_CHANGE, "Delete several messages")
def delete_several(ask: Ask) -> Answer:
    """Those that are ticked; each can be restored from the trash."""
    chosen = [name.removeprefix("id.") for name in form(ask) if name.startswith("id.")]
    deleted = 0
    for message_id in chosen[:_PAGE]:
        ask.path["message"] = message_id
        try:
            messages.delete_message(ask)
            deleted += 1
        except (NoSuchMessageError, ProblemError):
            continue  # it is gone, which is what was wanted
    return see_other(box_address(ask.box, "folder", _folder(ask), done="deleted", n=str(deleted)))


# -- greetings --------------------------------------------------------------------------------------


@page("GET", _BOX + "/greetings", Right.GREETING_READ, "The greetings")
def show_greetings(ask: Ask) -> Answer:
    """Each with what callers hear, and what can be done about it."""
    now = ask.world.clock.now()
    cards = [(greeting, ask.mailbox.greetings.get(greeting)) for greeting in Greeting]
    return _own(ask, "greetings.html", cards=cards, now=now, **_told(ask, Folder.NEW))


@page("POST", _BOX + "/greetings/{greeting}", Right.GREETING_CHANGE, "Erase a greeting, or choose its dates")
def change_greeting(ask: Ask) -> Answer:
    """Recording and uploading need a script: the sound is the body of a PUT of the API."""
    given = form(ask)
    match given.get("action"):
        case "erase":
            greetings.erase_greeting(ask)
            done = "greeting-erased"
        case "dates":
            said = wording_of(ask)
            try:
                starts, ends = (said.moment(given.get(name, "")) for name in ("starts", "ends"))
            except ValueError:
                raise ProblemError("invalid", "A date is wrong.") from None
            greetings.set_dates(ask, GreetingDates(_moment(ask, starts), _moment(ask, ends)))
            done = "dates"
        case _:
            raise ProblemError("invalid", "There is no such action.")
    return see_other(box_address(ask.box, "greetings", done=done))


def _moment(ask: Ask, seconds: int) -> Any:
    return datetime.fromtimestamp(seconds, zone_of(ask.zone)) if seconds else None


# -- settings ---------------------------------------------------------------------------------------


@page("GET", _BOX + "/settings", Right.MAILBOX_READ, "PIN and settings")
def show_settings(ask: Ask) -> Answer:
    """PIN, mail, language, where one is signed in, keys."""
    return _settings(ask)


def _settings(ask: Ask, problem: ProblemError | None = None) -> Answer:
    open_sessions = [one for one in ask.world.access.sessions(ask.box) if one.pin_mark == ask.mailbox.pin_mark]
    told = _told(ask, Folder.NEW)
    return _own(
        ask, "settings.html", status=problem.status if problem else 200, open_sessions=open_sessions, problem=problem,
        listening=[(name, wording_of(ask)(f"option.{name}")) for name in _LISTENING], **told,
    )  # fmt: skip


@page("POST", _BOX + "/settings", Right.MAILBOX_CHANGE, "Change PIN, mail or language; end a session")
def change_settings(ask: Ask) -> Answer:
    """What was wrong is told beside the form."""
    given = form(ask)
    actions: dict[str, Callable[[Ask, dict[str, str]], tuple[str, Answer | None]]] = {
        "pin": _change_pin, "notices": _change_notices, "language": _change_language,
        "listening": _change_listening, "session": _end_session,
    }  # fmt: skip
    act = actions.get(given.get("action", ""))
    if act is None:
        raise ProblemError("invalid", "There is no such action.")
    try:
        done, answer = act(ask, given)
    except ProblemError as problem:
        if problem.kind in {"away", "cross-site"}:
            raise
        return _settings(ask, problem)
    except InvalidValueError as wrong:
        return _settings(ask, ProblemError("invalid", str(wrong)))
    return see_other(box_address(ask.box, "settings", done=done), answer.cookie if answer else None)


def _change_pin(ask: Ask, given: dict[str, str]) -> tuple[str, Answer | None]:
    new = given.get("new", "")
    if new != given.get("again"):
        raise ProblemError("invalid", wording_of(ask)("pin_differ"))
    if not re.fullmatch(r"[0-9]{1,32}", new):
        raise ProblemError("weak-pin")
    return "pin", mailboxes.change_pin(ask, PinChange(new, given.get("current", "")))


def _change_notices(ask: Ask, given: dict[str, str]) -> tuple[str, None]:
    email, pager = (given.get(name, "")[:200] for name in ("email", "pager"))
    change = NotificationsChange(email, pager, given.get("attach") == "1")
    if ask.mailbox.options.transcribe:  # else the page does not ask
        change = replace(change, transcripts=given.get("transcripts") == "1")
    mailboxes.change_notifications(ask, change)
    return "saved", None


def _change_language(ask: Ask, given: dict[str, str]) -> tuple[str, None]:
    mailboxes.change_fields(ask, {"language": given.get("language", "")})
    return "saved", None


def _change_listening(ask: Ask, given: dict[str, str]) -> tuple[str, None]:
    said = {name: option_text(given.get(name) == "1") for name in _LISTENING}
    mailboxes.change_fields(ask, {**said, "timezone": given.get("timezone", "").strip()})
    return "saved", None


def _end_session(ask: Ask, given: dict[str, str]) -> tuple[str, None]:
    ask.path["session"] = given.get("session", "")
    sessions.end_session(ask)
    return "signed-out", None


def _own(ask: Ask, template: str, *, status: int = 200, **given: Any) -> Answer:
    """A page of the mailbox, with its navigation."""
    custom = [folder for folder in Folder if folder.value.startswith("cust")]
    shown = [folder for folder in custom if ask.mailbox.counts.of(folder)]
    named = [Folder.WORK, Folder.FAMILY, Folder.FRIENDS, *shown]
    return render(
        ask, template, status=status, box=ask.box, mailbox=ask.mailbox, named=named, all_folders=list(Folder),
        address=lambda *parts, **query: box_address(ask.box, *map(str, parts), **query),
        api=f"/api/v1/mailboxes/{quote(str(ask.box), safe='@+')}", **given,
    )  # fmt: skip
