"""Distribution lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.rights import Right
from esl_vm.web.problems import ProblemError, not_found
from esl_vm.web.routes import Request, Response, route
from esl_vm.web.schemas.lists import ListChange, ListQuery, Lists, ListView
from esl_vm.web.views import list_view

if TYPE_CHECKING:
    from esl_vm.model.lists import DistributionList

_TAG = "Distribution lists"


@route("GET", "/lists", Right.LIST_READ, "List the distribution lists", tag=_TAG)
def list_lists(request: Request, query: ListQuery) -> Lists:
    """By domain and number; only those of domains within your reach."""
    found = request.deps.lists.all(query.domain.lower() or None)
    return Lists([list_view(one) for one in found if request.identity.reach.has_domain(one.id.domain)])


def _found(request: Request) -> DistributionList:
    found = request.deps.lists.find(request.list_id)
    if found is None:
        raise not_found()
    return found


@route("GET", "/lists/{list}", Right.LIST_READ, "One distribution list", tag=_TAG)
def show_list(request: Request) -> ListView:
    """With everybody on it."""
    return list_view(_found(request))


@route(
    "PUT", "/lists/{list}", Right.LIST_MANAGE, "Make a distribution list, or change it", response=ListView,
    problems=("exists",), tag=_TAG,
)  # fmt: skip
def put_list(request: Request, body: ListChange) -> Response:
    """Afterwards exactly these are on it. Members are mailboxes of the list's own domain."""
    number = request.list_id
    members = [_member(request, number, text) for text in body.members]
    before = request.deps.lists.find(number)
    request.deps.lists.add(number, members, body.name)
    gone = set(before.members) - set(members) if before else set()
    if gone:
        request.deps.lists.take_off(number, sorted(gone))
    return Response(list_view(_found(request)), 200 if before else 201)


def _member(request: Request, number: MailboxId, text: str) -> MailboxId:
    try:
        member = MailboxId.parse(text, number.domain)
    except InvalidValueError as wrong:
        raise ProblemError("invalid", str(wrong), errors={text: str(wrong)}) from None
    mailbox = request.deps.mailboxes.open(member) if member.domain == number.domain else None
    if mailbox is None:
        why = f"There is no mailbox {member} in the list's domain; nothing was changed."
        raise ProblemError("invalid", why, errors={text: "no mailbox of this domain"})
    return mailbox.id


@route("DELETE", "/lists/{list}", Right.LIST_MANAGE, "Remove a distribution list", tag=_TAG)
def remove_list(request: Request) -> None:
    """Its mailboxes stay."""
    request.deps.lists.remove(request.list_id)


@route("PUT", "/lists/{list}/members/{member}", Right.LIST_MANAGE, "Put a mailbox on a list", tag=_TAG)
def add_member(request: Request) -> None:
    """One that is on it already stays."""
    found = _found(request)
    request.deps.lists.add(found.id, [_member(request, found.id, request.path["member"])])


@route("DELETE", "/lists/{list}/members/{member}", Right.LIST_MANAGE, "Take a mailbox off a list", tag=_TAG)
def take_off(request: Request) -> None:
    """Also one that is not there any more."""
    found = _found(request)
    try:
        member = MailboxId.parse(request.path["member"], found.id.domain)
    except InvalidValueError:
        raise not_found() from None
    if not request.deps.lists.take_off(found.id, [member]):
        raise ProblemError("not-found", f"{member} is not on this list.")
