"""Several owners of one mailbox: who they are, as its first owner or an administrator says."""

from __future__ import annotations

from msgspec import UNSET

from esl_vm.model.rights import Right, Role
from esl_vm.web.problems import ProblemError, not_found
from esl_vm.web.routes import Request, Response, route
from esl_vm.web.schemas.owners import NewOwner, OwnerChange, OwnerEntry, Owners
from esl_vm.web.sessions import check_new_pin, end_sessions

_TAG = "Mailboxes"
_PROBLEMS = ("weak-pin", "wrong-pin", "locked", "forbidden")


@route("GET", "/mailboxes/{mailbox}/owners", Right.MAILBOX_READ, "Who its owners are", tag=_TAG)
def list_owners(request: Request) -> Owners:
    """The first, whose are the mailbox's own name and PIN, and the others."""
    return Owners([OwnerEntry(one.number, one.name, one.pin_is_initial) for one in request.mailbox.owners])


@route(
    "POST", "/mailboxes/{mailbox}/owners", Right.PIN_CHANGE, "Add an owner", response=Owners, status=201,
    problems=_PROBLEMS, tag=_TAG,
)  # fmt: skip
def add_owner(request: Request, body: NewOwner) -> Response:
    """With a name and a PIN of his own. The first owner does, with his own PIN as `current`, or an administrator."""
    _check_manager(request)
    check_new_pin(request, body.pin, body.current, 0)
    is_owner = request.identity.role is Role.OWNER
    request.deps.pins.add_owner(request.box, body.name, body.pin, initial=not is_owner)
    request.reopen()
    return Response(list_owners(request), 201)


@route(
    "PATCH", "/mailboxes/{mailbox}/owners/{owner}", Right.PIN_CHANGE, "Rename an owner, or set his PIN anew",
    problems=_PROBLEMS, tag=_TAG,
)  # fmt: skip
def change_owner(request: Request, body: OwnerChange) -> Owners:
    """By number. With another PIN his browsers are signed out."""
    _check_manager(request)
    number, pins = owner_of_path(request), request.deps.pins
    if body.pin is not UNSET:
        check_new_pin(request, body.pin, body.current, number)
        pins.change(request.box, body.pin, initial=request.identity.role is not Role.OWNER, owner=number)
        end_sessions(request, number)
    if body.name is not UNSET:
        pins.rename_owner(request.box, number, body.name)
    request.reopen()
    return list_owners(request)


@route(
    "DELETE", "/mailboxes/{mailbox}/owners/{owner}", Right.PIN_CHANGE, "Remove an owner", problems=("forbidden",),
    tag=_TAG,
)  # fmt: skip
def remove_owner(request: Request) -> None:
    """His PIN opens nothing any more, and his browsers are signed out."""
    _check_manager(request)
    number = owner_of_path(request)
    request.deps.pins.remove_owner(request.box, number)
    end_sessions(request, number)


def owner_of_path(request: Request) -> int:
    """The number of an owner besides the first, as the path has it; one that there is not is not there."""
    for one in request.mailbox.others:
        if str(one.number) == request.path["owner"]:
            return one.number
    raise not_found()


def manages_owners(request: Request) -> bool:
    """Whether who asks may say who the owners are: the first of them, or an administrator."""
    if request.identity.role is Role.OWNER:
        return request.mailbox.owners[0].number == request.identity.owner and not request.mailbox.options.pin_locked
    return request.identity.may(Right.MAILBOX_MANAGE) and request.identity.may(Right.PIN_CHANGE)


def _check_manager(request: Request) -> None:
    if not manages_owners(request):
        raise ProblemError("forbidden", "The mailbox's first owner says who the others are, or an administrator.")
