"""The owner's pages: signing in and out, and what all of them have: navigation, and what was done before.

They do what the API does, for people. Each is a URL that works without a script: lists, a message with its sound, forms.
Scripts make it faster (`static/page.js`). The page that follows says what was done, with a button that undoes it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from esl_vm.model.mailbox import Folder
from esl_vm.model.rights import Right, Role
from esl_vm.web import sessions
from esl_vm.web.oidc import signed_out
from esl_vm.web.pages import (
    form,
    mailbox_url,
    render,
    safe_back,
    see_other,
    sign_in_page,
    url_after_sign_in,
    wording_of,
)
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, Response, page


@page("GET", "/", Right.ANYBODY, "The voicemail: one's mailbox, or signing in")
def home(request: Request) -> Response:
    """Who is signed in is led to his mailbox."""
    if request.identity.role is Role.TOKEN:
        return sign_in_page(request, back=safe_back(request.param("back", 400)))
    return see_other(url_after_sign_in(request.identity, ""))


@page("POST", "/", Right.ANYBODY, "Sign in as a mailbox's owner")
def sign_in(request: Request) -> Response:
    """By number and PIN; goes on to the page that was asked for."""
    given = form(request)
    mailbox, back = given["mailbox"], safe_back(given["back"])
    try:
        begun = sessions.sign_in_owner(request, mailbox, given["pin"])
    except ProblemError as problem:
        if problem.kind not in {"wrong-pin", "locked", "pin-off"}:
            raise
        return sign_in_page(request, problem, mailbox, back)
    return see_other(url_after_sign_in(request.identity, back), begun.cookie)


@page("POST", "/sign-out", Right.ANYBODY, "Sign out")
def sign_out(request: Request) -> Response:
    """The session is over."""
    return signed_out(request, request.identity.way, sessions.sign_out(request).cookie)


def notice_of(request: Request, folder: Folder) -> dict[str, Any]:
    """What was done before this page, and the form that undoes it."""
    done, message, before, to, number = map(request.param, ("done", "id", "from", "to", "n"))
    t = wording_of(request)
    undo: dict[str, str] = {}
    if message and done == "delete":
        undo = {"action": "restore"}
    elif message and done in {"move", "restore"} and before in set(Folder):
        undo = {"action": "delete"} if before == Folder.TRASH else {"action": "move", "to": before}
    text = ""
    if done == "gone":
        text = t("gone")
    elif done == "deleted" and number.isdecimal():
        text = t.counted("done.deleted", int(number[:3]))
    elif t.has(problem := f"problem.{done.removeprefix('call-')}") and not t.has(f"done.{done}"):
        text = f"{t(problem)}. {t(f'{problem}.help')}"
    elif t.has(f"done.{done}"):
        text = t(f"done.{done}", folder=t(f"folder.{to}") if to in set(Folder) else "")
    return {"done": text, "undo": undo, "undo_id": message, "undo_folder": folder}


def owner_page(request: Request, template: str, *, status: int = 200, **given: Any) -> Response:
    """A page of the mailbox, with its navigation."""
    custom = [folder for folder in Folder if folder.value.startswith("cust")]
    shown = [folder for folder in custom if request.mailbox.counts.of(folder)]
    named = [Folder.WORK, Folder.FAMILY, Folder.FRIENDS, *shown]
    return render(
        request, template, status=status, box=request.box, mailbox=request.mailbox, named=named, all_folders=list(Folder),
        address=lambda *parts, **query: mailbox_url(request.box, *map(str, parts), **query),
        api=f"/api/v1/mailboxes/{quote(str(request.box), safe='@+')}", **given,
    )  # fmt: skip
