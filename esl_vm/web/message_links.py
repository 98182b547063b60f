"""A link in a mail: one message of one mailbox, heard without signing in, and nothing else.

What looks at a link, a mail scanner above all, changes nothing: only the page's buttons do, and its sound when it plays.
The link dies with the message, when that goes to the trash, and when its time is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.actor import acting, browser
from esl_vm.model.errors import NoSuchMailboxError, NoSuchMessageError
from esl_vm.model.mailbox import Folder
from esl_vm.model.rights import NOBODY, Right
from esl_vm.web import messages
from esl_vm.web.pages import form, mailbox_url, render, see_other
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, Response, page
from esl_vm.web.schemas.messages import SoundQuery
from esl_vm.web.sound import sound

if TYPE_CHECKING:
    from esl_vm.model.message import Message

_LINK = "/listen/{token}"


@page("GET", _LINK, Right.ANYBODY, "A message, by a link in a mail")
def show(request: Request) -> Response:
    """With a player and buttons; looking at it leaves it new."""
    try:
        message = _opened(request)
    except ProblemError as problem:
        if problem.kind != "gone":
            raise
        return render(request, "listen_gone.html", status=problem.status, why=problem.detail)
    own = mailbox_url(request.box, "folder", str(message.folder), message.id)
    return render(request, "listen.html", message=message, address=f"/listen/{request.path['token']}", own=own)


@page("POST", _LINK, Right.ANYBODY, "Mark the message heard, or delete it")
def change(request: Request) -> Response:
    """By the page's buttons, and by its script when the sound plays."""
    message, action = _opened(request), form(request)["action"]
    with acting(browser(f"link {request.box}", request.address, request.id)):
        if action == "heard":
            messages.mark_heard(request, message.id)
        elif action == "delete":
            request.deps.mailboxes.delete(request.box, message.id)
        else:
            raise ProblemError("invalid")
    return see_other(f"/listen/{request.path['token']}")


@page("GET", _LINK + "/sound", Right.ANYBODY, "Its sound")
def hear(request: Request) -> Response:
    """Ranges as in the API; it is an event of the mailbox, with the address it was asked from."""
    message = _opened(request)
    return _sound(request, message, message.id)


@page("GET", _LINK + "/introduction", Right.ANYBODY, "The introduction of who forwarded it")
def hear_introduction(request: Request) -> Response:
    """Likewise."""
    message = _opened(request)
    if not message.intro_id:
        raise ProblemError("not-found")
    return _sound(request, message, message.intro_id)


def _sound(request: Request, message: Message, audio_id: str) -> Response:
    with acting(browser(f"link {request.box}", request.address, request.id)):
        return sound(request, audio_id, SoundQuery(), "message", message.id)


def _opened(request: Request) -> Message:
    """The message of the link; opens its mailbox. Raises ProblemError: `gone`, or `not-found` for what nobody signed."""
    link = request.deps.read_link(request.path["token"])
    if link is None:
        raise ProblemError("not-found")
    request.identity = NOBODY  # whoever is signed in here as well: it is the link that opens
    request.opened = request.deps.mailboxes.open(link.box)
    if link.until < request.deps.clock.now():
        raise ProblemError("gone", "expired")
    try:
        message = request.deps.mailboxes.message(link.box, link.message_id) if request.opened else None
    except (NoSuchMailboxError, NoSuchMessageError):
        message = None
    if message is None or message.folder is Folder.TRASH:
        raise ProblemError("gone", "deleted")
    return message
