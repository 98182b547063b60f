"""The owner's pages: folders and messages."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from msgspec import UNSET

from esl_vm.model.errors import AudioMissingError, InvalidValueError, NoSuchMessageError, StoreDownError
from esl_vm.model.mailbox import Folder
from esl_vm.model.message import LONGEST_HANDLER, LONGEST_NOTE
from esl_vm.model.rights import Right
from esl_vm.web import calls, forwarding, messages
from esl_vm.web.owner_pages import notice_of, owner_page
from esl_vm.web.pages import form, mailbox_url, see_other, wording_of
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, Response, page
from esl_vm.web.schemas.messages import Forward, MessageChange, MessageQuery
from esl_vm.web.waveform import waveform_path

if TYPE_CHECKING:
    from esl_vm.model.message import Message
    from esl_vm.web.pages import Form

_FOLDER = "/mailbox/{mailbox}/folder/{folder}"
_MESSAGE = _FOLDER + "/{message}"
_PAGE = 50
_AWAITED_S = 900.0
"""Seconds within which a transcript may still come."""


@page("GET", _FOLDER, Right.MESSAGE_READ, "A folder's messages")
def show_folder(request: Request) -> Response:
    """The newest first, fifty a page."""
    return _mail(request, request.choice(Folder, "folder"), None)


@page("GET", _MESSAGE, Right.MESSAGE_READ, "A message, beside its folder")
def show_message(request: Request) -> Response:
    """Also where it was moved meanwhile."""
    try:
        opened = messages.found_message(request)
    except NoSuchMessageError:
        return see_other(mailbox_url(request.box, "folder", request.choice(Folder, "folder"), done="gone"))
    return _mail(request, request.choice(Folder, "folder"), opened)


def _mail(request: Request, folder: Folder, opened: Message | None) -> Response:
    search, cursor = request.param("q", 80), request.param("cursor", 400)
    query = MessageQuery(folder=folder, limit=_PAGE, cursor=cursor, search=search)
    listed, following = messages.read_page(request, query)
    t = wording_of(request)
    days = [(day, list(those)) for day, those in groupby(listed, lambda message: t.day(message.received))]
    return owner_page(
        request, "folder.html", folder=folder, days=days, search=search, cursor=cursor, following=following,
        opened=opened, wave=wave_of(request, opened), hears=request.identity.may(Right.MESSAGE_HEAR),
        transcript_awaited=opened is not None and _is_awaited(request, opened), choosing=bool(request.param("choose")), **notice_of(request, folder),
    )  # fmt: skip


def _is_awaited(request: Request, message: Message) -> bool:
    """Whether its transcript is on its way, as far as that can be known."""
    options = request.mailbox.options
    is_wanted = request.deps.transcribes and options.transcribe and options.transcripts_wanted
    came_lately = request.deps.clock.now() - (message.arrived or message.received) < _AWAITED_S
    return is_wanted and came_lately and message.origin not in {"import", "restore"}


def wave_of(request: Request, message: Message | None) -> str | None:
    """The picture of a message's sound; None where the sound is gone, `` where it can't be looked at now."""
    if message is None:
        return ""
    try:
        return waveform_path(request.deps.audio.playable(message.id))
    except AudioMissingError:
        return None
    except (StoreDownError, InvalidValueError):
        return ""


@page("POST", _MESSAGE, Right.MESSAGE_CHANGE, "Delete, restore, keep, mark, annotate, mail or forward a message")
def change_message(request: Request) -> Response:
    """Told by the page that follows."""
    given, folder = form(request), request.choice(Folder, "folder")
    action, to = given["action"], given["to"]
    try:
        before = messages.found_message(request)
        _act(request, before, given)
    except NoSuchMessageError:
        return see_other(mailbox_url(request.box, "folder", folder, done="gone"))
    except ProblemError as problem:
        if action != "call-back" or problem.kind not in {"forbidden", "invalid", "too-many-calls", "no-telephone"}:
            raise
        return see_other(mailbox_url(request.box, "folder", str(folder), before.id, done=f"call-{problem.kind}"))
    stays = action in {"heard", "new", "annotate", "forward", "call-back", "mail"} or given["stay"] == "1"
    where = ("folder", str(folder), before.id) if stays else ("folder", str(folder))
    notice = {
        "done": "forward-later" if action == "forward" and given["at"] else action,
        "id": before.id,
        "from": str(before.folder),
        "to": to if action == "move" else "",
    }
    return see_other(mailbox_url(request.box, *where, **notice))


def _act(request: Request, message: Message, given: Form) -> None:
    action, to = given["action"], given["to"]
    match action:
        case "delete":
            messages.delete_message(request)
        case "restore":
            messages.restore_message(request)
        case "move" if to in set(Folder):
            messages.change_message(request, MessageChange(folder=Folder(to)))
        case "heard":
            messages.change_message(request, MessageChange(heard=True))
        case "new":
            messages.change_message(request, MessageChange(heard=False))
        case "annotate":
            note = given["note"][:LONGEST_NOTE] if request.identity.may(Right.MESSAGE_HEAR) else UNSET
            messages.change_message(request, MessageChange(handled_by=given["handled_by"][:LONGEST_HANDLER], note=note))
        case "call-back" if request.identity.may(Right.CALL_PLACE):
            calls.call_back(request)
        case "mail" if request.identity.may(Right.MESSAGE_HEAR):
            messages.mail_message(request)
        case "forward":
            if not request.identity.may(Right.MESSAGE_SEND):
                raise ProblemError("forbidden")
            numbers = [number.strip() for number in to.split(",") if number.strip()]
            forwarding.forward_message(request, Forward(numbers[:200], given["at"][:40], given["receipt"] == "true"))
        case _:
            raise ProblemError("invalid", f"There is no such action for {message.id}.")


@page("POST", _FOLDER, Right.MESSAGE_CHANGE, "Delete several messages")
def delete_several(request: Request) -> Response:
    """Those that are ticked; each can be restored from the trash."""
    chosen = [name.removeprefix("id.") for name in form(request) if name.startswith("id.")]
    deleted = 0
    for message_id in chosen[:_PAGE]:
        request.path["message"] = message_id
        try:
            messages.delete_message(request)
            deleted += 1
        except (NoSuchMessageError, ProblemError):
            continue  # it is gone, which is what was wanted
    return see_other(
        mailbox_url(request.box, "folder", request.choice(Folder, "folder"), done="deleted", n=str(deleted))
    )
