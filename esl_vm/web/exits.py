"""Exits from the greeting as far as an owner sets them: to mailboxes of the domain and to the directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.exits import ExitKind, exits_text, is_owners, parse_exits
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.rights import Right
from esl_vm.web.problems import ProblemError

if TYPE_CHECKING:
    from esl_vm.model.exits import Exit
    from esl_vm.web.routes import Request


def check_exits(request: Request, text: str) -> None:
    """Whether the exits may become these; raises ProblemError, with those that are the administrator's or lead nowhere."""
    if request.identity.may(Right.MAILBOX_MANAGE):
        return
    now, wanted = parse_exits(request.mailbox.options.exits), parse_exits(text)
    changed = {key for key in {*now, *wanted} if now.get(key) != wanted.get(key)}
    beyond = [key for key in sorted(changed) if not all(is_owners(one[key]) for one in (now, wanted) if key in one)]
    if beyond:
        raise ProblemError("forbidden", f"Ask the administrator to change the exits {', '.join(beyond)}.")
    for key in sorted(changed & {*wanted}):
        if wanted[key].kind is ExitKind.MAILBOX and not _is_there(request, wanted[key].to):
            wrong = f"the exit {key} leads to {wanted[key].to}, which is no mailbox"
            raise ProblemError("invalid", wrong, errors={"exits": wrong})


def _is_there(request: Request, number: str) -> bool:
    box = MailboxId.of(number, request.box.domain)
    return box is not None and request.deps.mailboxes.open(box) is not None


def of_page(request: Request) -> tuple[str, dict[str, Exit]]:
    """The exits that whoever sees the page may change, one a line, and the others by key or reason."""
    manages = request.identity.may(Right.MAILBOX_MANAGE)
    exits = parse_exits(request.mailbox.options.exits)
    own = {key: one for key, one in exits.items() if manages or is_owners(one)}
    fixed = {key: one for key, one in sorted(exits.items()) if key not in own}
    return exits_text(own).replace("; ", "\n"), fixed


def with_fixed(request: Request, typed: str) -> str:
    """What was typed on the page, with the exits that are not to be changed there; raises ProblemError for one of those."""
    fixed = of_page(request)[1]
    try:
        wanted = parse_exits("; ".join(typed.splitlines()))
    except InvalidValueError as wrong:
        raise ProblemError("invalid", str(wrong), errors={"exits": str(wrong)}) from None
    if taken := sorted({*fixed} & {*wanted}):
        raise ProblemError("forbidden", f"Ask the administrator to change the exits {', '.join(taken)}.")
    return exits_text({**wanted, **fixed})
