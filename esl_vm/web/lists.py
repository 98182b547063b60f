"""Distribution lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.rights import Right
from esl_vm.web.models import ListChange, ListQuery, Lists, ListTold
from esl_vm.web.problems import ProblemError, not_there
from esl_vm.web.routes import Answer, Ask, route

if TYPE_CHECKING:
    from esl_vm.model.lists import DistributionList

_TAG = "Distribution lists"


@route("GET", "/lists", Right.LIST_READ, "List the distribution lists", query=ListQuery, answer=Lists, tag=_TAG)
def list_lists(ask: Ask, query: ListQuery) -> Lists:
    """By domain and number; only those of domains within your reach."""
    found = ask.world.lists.all(query.domain.lower() or None)
    return Lists([_told(one) for one in found if ask.who.reach.has_domain(one.id.domain)])


def _told(found: DistributionList) -> ListTold:
    members = [str(member) for member in found.members]
    return ListTold(str(found.id), found.name, members, found.recorded_name is not None)


def _number(ask: Ask) -> MailboxId:
    if ask.list is None:
        raise not_there()
    return ask.list


def _found(ask: Ask) -> DistributionList:
    found = ask.world.lists.find(_number(ask))
    if found is None:
        raise not_there()
    return found


@route("GET", "/lists/{list}", Right.LIST_READ, "One distribution list", answer=ListTold, tag=_TAG)
def show_list(ask: Ask) -> ListTold:
    """With everybody on it."""
    return _told(_found(ask))


@route(
    "PUT", "/lists/{list}", Right.LIST_MANAGE, "Make a distribution list, or change it",
    body=ListChange, answer=ListTold, problems=("exists",), tag=_TAG,
)  # fmt: skip
def put_list(ask: Ask, body: ListChange) -> Answer:
    """Afterwards exactly these are on it. Members are mailboxes of the list's own domain."""
    number = _number(ask)
    members = [_member(ask, number, text) for text in body.members]
    before = ask.world.lists.find(number)
    ask.world.lists.add(number, members, body.name)
    gone = set(before.members) - set(members) if before else set()
    if gone:
        ask.world.lists.take_off(number, sorted(gone))
    return Answer(_told(_found(ask)), 200 if before else 201)


def _member(ask: Ask, number: MailboxId, text: str) -> MailboxId:
    try:
        member = MailboxId.parse(text, number.domain)
    except InvalidValueError as wrong:
        raise ProblemError("invalid", str(wrong)) from None
    if member.domain != number.domain or ask.world.mailboxes.open(member) is None:
        raise ProblemError("invalid", f"There is no mailbox {member} in the list's domain; nothing was changed.")
    return member


@route("DELETE", "/lists/{list}", Right.LIST_MANAGE, "Remove a distribution list", status=204, tag=_TAG)
def remove_list(ask: Ask) -> None:
    """Its mailboxes stay."""
    ask.world.lists.remove(_number(ask))


@route("PUT", "/lists/{list}/members/{member}", Right.LIST_MANAGE, "Put a mailbox on a list", status=204, tag=_TAG)
def add_member(ask: Ask) -> None:
    """One that is on it already stays."""
    found = _found(ask)
    ask.world.lists.add(found.id, [_member(ask, found.id, ask.path["member"])])


@route("DELETE", "/lists/{list}/members/{member}", Right.LIST_MANAGE, "Take a mailbox off a list", status=204, tag=_TAG)
def take_off(ask: Ask) -> None:
    """Also one that is not there any more."""
    found = _found(ask)
    try:
        member = MailboxId.parse(ask.path["member"], found.id.domain)
    except InvalidValueError:
        raise not_there() from None
    if not ask.world.lists.take_off(found.id, [member]):
        raise ProblemError("not-found", f"{member} is not on this list.")
