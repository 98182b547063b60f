"""Standing copies as far as one may set them: within the mailbox's domain, or one's own reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.copies import targets
from esl_vm.model.rights import Role
from esl_vm.web.problems import ProblemError

if TYPE_CHECKING:
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.web.routes import Request


def beyond_reach(request: Request, box: MailboxId, text: str) -> list[str]:
    """Those that a mailbox's copies may not go to: in another domain, and not within the reach of who asks."""
    reach = request.identity.reach
    return [str(one) for one in targets(box, text.split(",")) if one.domain != box.domain and not reach.has(one)]


def check_copies(request: Request, box: MailboxId, text: str) -> None:
    """Whether a mailbox's copies may go there; raises ProblemError. An owner's go to mailboxes that are there.

    What an administrator has set may stay.
    """
    kept = {str(one) for one in targets(box, request.opened.copies)} if request.opened else set()
    if beyond := [one for one in beyond_reach(request, box, text) if one not in kept]:
        wrong = f"Ask the administrator for copies to {', '.join(beyond)}."
        raise ProblemError("forbidden", wrong, errors={"copies": wrong})
    if request.identity.role is not Role.OWNER:
        return
    named = [one for one in targets(box, text.split(",")) if str(one) not in kept]
    nowhere = [str(one) for one in named if request.deps.mailboxes.open(one) is None]
    if nowhere:
        wrong = f"there is no mailbox {', '.join(nowhere)}"
        raise ProblemError("invalid", wrong, errors={"copies": wrong})
