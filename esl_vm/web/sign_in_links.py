"""A link by mail instead of a PIN: asked for on the sign-in page, it signs a mailbox's owner in, once.

Whether there is such a mailbox, and whether it has an address, shows in no answer, nor in how long one takes. A mail scanner
that looks at the link uses nothing up: the button does.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import gevent

from esl_vm.model import rights
from esl_vm.model.errors import InvalidValueError, StoreDownError
from esl_vm.model.events import SIGN_INS
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.rights import Right
from esl_vm.web import sessions
from esl_vm.web.authentication import rate_limited_address
from esl_vm.web.pages import form, render, see_other, sign_in_page, url_after_sign_in
from esl_vm.web.problems import ProblemError, not_found
from esl_vm.web.routes import Request, Response, page

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)
WAY = "mail"
_WINDOW_S = 3600
_MOST_OF_ADDRESS, _MOST_OF_MAILBOX = 20, 3
"""Links that are asked for within an hour; a mailbox gets no more mail then, and the answer does not tell."""


@page("POST", "/sign-in/link", Right.ANYBODY, "Have a link mailed with which one signs in")
def ask_for_link(request: Request) -> Response:
    """Answered the same whether or not a mail is sent."""
    mail_link, access = request.deps.mail_link, request.deps.access
    if mail_link is None:
        raise not_found()
    asked_from = f"link:{rate_limited_address(request.address)}"
    if access.failures(asked_from) >= _MOST_OF_ADDRESS:
        return sign_in_page(request, sessions.locked(request.deps, "Too many links were asked for from your address."))
    access.count_failure(asked_from, _WINDOW_S)
    try:
        box = MailboxId.parse(form(request)["mailbox"], request.deps.domain)
    except InvalidValueError:
        box = MailboxId("0", "nobody")
    gevent.spawn(_mail, request, box, mail_link)
    return render(request, "link_asked.html")


def _mail(request: Request, box: MailboxId, mail_link: Callable[[MailboxId], None]) -> None:
    """Behind the answer: how long it takes tells nobody what is there."""
    access = request.deps.access
    try:
        mailbox = request.deps.mailboxes.open(box)
        asked_for = f"link:{mailbox.id if mailbox else box}"
        if mailbox is not None and mailbox.email and access.failures(asked_for) < _MOST_OF_MAILBOX:
            access.count_failure(asked_for, _WINDOW_S)
            mail_link(mailbox.id)
            log.info("request %s: a link to sign in to %s is mailed", request.id, mailbox.id)
    except StoreDownError as away:
        log.warning("request %s: no link is mailed: %s", request.id, away)


@page("GET", "/sign-in/link/{link}", Right.ANYBODY, "Sign in by a mailed link: the question")
def ask_to_sign_in(request: Request) -> Response:
    """A mail scanner that looks at it uses nothing up: the button does."""
    return render(request, "mailed_link.html", link=request.path["link"])


@page("POST", "/sign-in/link/{link}", Right.ANYBODY, "Sign in by a mailed link")
def sign_in(request: Request) -> Response:
    """Uses the link up; none that is older than the mailbox's PIN opens."""
    try:
        sessions.check_rate_limit(request)
        begun = _sign_in(request, request.path["link"])
    except ProblemError as problem:
        return sign_in_page(request, problem)
    return see_other(url_after_sign_in(request.identity, ""), begun.cookie)


def _sign_in(request: Request, secret: str) -> Response:
    opened = request.deps.access.use_owner_link(secret)
    if opened is None:
        sessions.count_failed_sign_in(request)
        sessions.log_sign_in(request, SIGN_INS, WAY, failed="no such link")
        raise ProblemError("gone")
    box, pin_mark = opened
    mailbox = request.deps.mailboxes.open(box)
    if mailbox is None or mailbox.pin_mark != pin_mark:
        sessions.log_sign_in(request, box if mailbox else SIGN_INS, WAY, failed="older than the PIN")
        raise ProblemError("gone")
    return sessions.signed_in(request, rights.owner(mailbox), WAY, pin_mark)
