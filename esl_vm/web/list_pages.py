"""The administrator's pages of distribution lists and broadcasts."""

from __future__ import annotations

import re

from esl_vm.model.errors import InvalidValueError, MailboxExistsError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.rights import Right
from esl_vm.web import lists
from esl_vm.web.admin_pages import admin_page, admin_url
from esl_vm.web.pages import Form, form, see_other
from esl_vm.web.problems import ProblemError, problem_of
from esl_vm.web.routes import Request, Response, page
from esl_vm.web.schemas.lists import ListChange, ListQuery


@page("GET", "/admin/lists", Right.LIST_READ, "The distribution lists")
def show_lists(request: Request, problem: ProblemError | None = None, given: Form | None = None) -> Response:
    """Each with who is on it."""
    found = lists.list_lists(request, ListQuery()).lists
    return admin_page(
        request, "admin_lists.html", "lists", found=found, problem=problem, given=given or {},
    )  # fmt: skip


@page("POST", "/admin/lists", Right.LIST_MANAGE, "Make, change or remove a distribution list")
def change_list(request: Request) -> Response:
    """Afterwards exactly those that are named are on it."""
    given = form(request)
    number = given["list"]
    try:
        request.list_named = MailboxId.parse(number, request.deps.domain)
        if given["action"] == "remove":
            lists.remove_list(request)
        else:
            members = [word for word in re.split(r"[\s,;]+", given["members"]) if word]
            lists.put_list(request, ListChange(members, given["name"][:80]))
    except (ProblemError, InvalidValueError, MailboxExistsError) as wrong:
        return show_lists(request, problem_of(wrong), given)
    return see_other(admin_url("lists", done="list-gone" if given["action"] == "remove" else "list", box=number))


@page("GET", "/admin/broadcast", Right.BROADCAST, "A sound for many mailboxes")
def show_broadcast(request: Request) -> Response:
    """Recorded here, or sent in as a file; to lists, to mailboxes, or to all of a domain."""
    found = lists.list_lists(request, ListQuery()).lists
    numbers = {name: word if (word := request.param(name)).isdecimal() else "" for name in ("n", "not")}
    return admin_page(request, "admin_broadcast.html", "broadcast", found=found, numbers=numbers, problem=None)
