"""Notices in browsers: who is told of a mailbox's messages, signing up, and a notice to see whether it comes."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.model import push
from esl_vm.model.errors import InvalidValueError, SealedError
from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.push import TEST
from esl_vm.model.rights import Right
from esl_vm.model.times import iso_time
from esl_vm.web.pages import static_content
from esl_vm.web.problems import ProblemError, not_found
from esl_vm.web.routes import Request, Response, page, route
from esl_vm.web.schemas.push import PushBrowser, PushBrowsers, PushSignUp

if TYPE_CHECKING:
    from esl_vm.model.push import PushSubscription
    from esl_vm.web.dependencies import Push

_PATH = "/mailboxes/{mailbox}/push"
_TAG = "Notices in browsers"


def signed_up(request: Request) -> list[PushSubscription]:
    """The browsers that are told of the mailbox's messages."""
    offered = request.deps.push
    return offered.subscriptions.all(request.mailbox) if offered else []


@route("GET", _PATH, Right.MAILBOX_READ, "Browsers that are told of messages", problems=("no-push",), tag=_TAG)
def list_browsers(request: Request) -> PushBrowsers:
    """And the key that another browser needs to sign up."""
    return PushBrowsers(key_of(request), [_view(request, one) for one in signed_up(request)])


@route(
    "POST", _PATH, Right.MAILBOX_CHANGE, "Have a browser told of messages", status=201, problems=("no-push",), tag=_TAG
)
def sign_up(request: Request, body: PushSignUp) -> PushBrowser:
    """Or change what it is told: one browser is one entry. It ends with its owner's PIN, as a session does."""
    offered = _offered(request)
    try:
        one = push.subscription(
            body.endpoint, body.p256dh, body.auth, body.name, words=body.words, plain=offered.plain
        )  # fmt: skip
    except InvalidValueError as wrong:
        raise ProblemError("invalid", str(wrong)) from None
    whose = request.mailbox.owner(request.identity.owner)
    one = replace(one, since=request.deps.clock.now(), pin_mark=whose.pin_mark if whose else "")
    try:
        offered.subscriptions.add(request.mailbox, one)
    except SealedError:
        raise ProblemError("no-push") from None
    return _view(request, one)


@route(
    "DELETE",
    _PATH + "/{browser}",
    Right.MAILBOX_CHANGE,
    "Tell a browser nothing any more",
    problems=("no-push",),
    tag=_TAG,
)
def sign_off(request: Request) -> None:
    """Its owner's other browsers are told as before."""
    if not _offered(request).subscriptions.remove(request.box, request.path["browser"]):
        raise not_found()


@route(
    "POST", _PATH + "/test", Right.MAILBOX_CHANGE, "Have all browsers told, to see whether it comes", status=202,
    problems=("no-push",), tag=_TAG,
)  # fmt: skip
def tell_all(request: Request) -> PushBrowsers:
    """A notice of no message, to each that is signed up."""
    answer, now = list_browsers(request), request.deps.clock.now()
    job_id = f"push:{request.box}:{TEST}:{secrets.token_hex(4)}"
    request.deps.outbox.add(Job(job_id, JobKind.PUSH, request.box, {TEST: True}, now, now))
    return answer


@page("GET", "/push-worker.js", Right.ANYBODY, "What shows notices in a browser while no page is open")
def worker(_request: Request) -> Response:
    """At the top of the site: a service worker serves what is below it."""
    headers = {"Cache-Control": "no-cache"}
    return Response(static_content("push-worker.js"), headers=headers, content_type="text/javascript; charset=utf-8")


def key_of(request: Request) -> str:
    """The service's public key."""
    try:
        return _offered(request).key()
    except SealedError:
        raise ProblemError("no-push") from None


def _offered(request: Request) -> Push:
    if request.deps.push is None:
        raise ProblemError("no-push")
    return request.deps.push


def _view(request: Request, one: PushSubscription) -> PushBrowser:
    return PushBrowser(one.id, one.name, one.words, iso_time(one.since, request.zone))
