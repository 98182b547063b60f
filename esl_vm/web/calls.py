"""Calling back the caller of a message: the owner's telephone is rung first, then the dialplan goes on to the number."""

from __future__ import annotations

import secrets

from esl_vm.actions.calling import CallRefusal, place_call
from esl_vm.model.rights import Right
from esl_vm.web.messages import found_message
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, route
from esl_vm.web.schemas.messages import RequestedCall


@route(
    "POST", "/mailboxes/{mailbox}/messages/{message}/call-back", Right.CALL_PLACE, "Call back who left a message",
    status=202, problems=("too-many-calls", "no-telephone"), tag="Messages",
)  # fmt: skip
def call_back(request: Request) -> RequestedCall:
    """Rings the owner's telephone; who answers is put through to the caller's number, as from the telephone's 3 2.

    Under the same rules: where the mailbox has the option `callback`, to numbers that `call_patterns` allows, so many an hour
    and a day. The events tell how it goes (`call-back`): `state` is `ringing`, then `answered` or `failed`, with `why`.
    """
    message, options = found_message(request), request.mailbox.options
    number = message.caller.dialable
    if not options.callback:
        raise ProblemError("forbidden", "Calling back is not allowed for this mailbox: ask the administrator.")
    if not number:
        raise ProblemError("invalid", "The caller left no number.")
    if not any(node.alive and node.fields.get("freeswitch") == "up" for node in request.deps.cluster.nodes()):
        raise ProblemError(
            "no-telephone", "No FreeSWITCH can be reached. Try again in a minute.", headers={"Retry-After": "60"}
        )
    mark = secrets.token_hex(8)
    match place_call(
        request.deps.mailboxes, request.box, options, number, "web-call-back", message_id=message.id, mark=mark
    ):  # fmt: skip
        case CallRefusal.NUMBER:
            raise ProblemError("forbidden", f"Calls to {number} are not allowed for this mailbox.")
        case CallRefusal.TOO_MANY:
            raise ProblemError("too-many-calls", "Try again in an hour, or tomorrow.")
        case None:
            return RequestedCall(mark, number)
