"""Signing in through an organisation's OpenID Connect provider: who is an owner of which mailbox, who an administrator.

The provider says who somebody is; what he may here is by the claims that the settings name. A way that fails ends on the
sign-in page, with what to do about it; what failed, and for whom, is in the events.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from esl_vm.model import rights
from esl_vm.model.errors import ProviderAwayError, SignInRefusedError, StaleSignInError
from esl_vm.model.events import SIGN_INS
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import one_line
from esl_vm.model.rights import Right
from esl_vm.web import sessions
from esl_vm.web.authentication import base_url, cookie_of
from esl_vm.web.pages import render, safe_back, see_other, sign_in_page, url_after_sign_in
from esl_vm.web.problems import ProblemError, not_found
from esl_vm.web.routes import Cookie, Request, Response, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from esl_vm.model.mailbox import Mailbox
    from esl_vm.model.settings import OidcSettings
    from esl_vm.oidc.provider import Provider

log = logging.getLogger(__name__)

WAY = "oidc"
RETURN = "/sign-in/oidc/return"
_FLOW = "esl_vm_sign_in"
_FLOW_S = 600
_LONGEST_NAME = 64


@page("GET", "/sign-in/oidc", Right.ANYBODY, "Sign in through the organisation's provider")
def begin(request: Request) -> Response:
    """On to the provider; `back` is a page of ours to come back to."""
    provider, back = _provider(request), safe_back(request.param("back", 400))
    try:
        sessions.check_rate_limit(request)
        address, kept = provider.begin(base_url(request) + RETURN, back)
    except ProviderAwayError as away:
        return sign_in_page(request, _away(request, away), back=back)
    except ProblemError as locked:
        return sign_in_page(request, locked, back=back)
    return see_other(address, Cookie(kept, _FLOW_S, _FLOW))


@page("GET", RETURN, Right.ANYBODY, "Back from the organisation's provider")
def finish(request: Request) -> Response:
    """Signs in, once it is proved who that is; goes on to the page that was asked for."""
    provider = _provider(request)
    try:
        sessions.check_rate_limit(request)
        claims, back = _claims(request, provider)
        begun = _sign_in(request, claims, back)
    except ProblemError as problem:
        return sign_in_page(request, problem)
    return see_other(url_after_sign_in(request.identity, back), begun.cookie)


def _provider(request: Request) -> Provider:
    if request.deps.provider is None:
        raise not_found()
    return request.deps.provider


def _claims(request: Request, provider: Provider) -> tuple[dict[str, Any], str]:
    """Who it is, and where he goes on; raises ProblemError."""
    given = {name: value for name, value in request.raw.params.items() if isinstance(value, str)}
    kept, redirect = cookie_of(request.raw, _FLOW), base_url(request) + RETURN
    try:
        return provider.finish(given, kept, redirect, lambda state: request.deps.access.first_use(state, 2 * _FLOW_S))
    except ProviderAwayError as away:
        raise _away(request, away) from None
    except StaleSignInError as stale:  # another site may have sent the browser here: that is nobody's guess
        log.info("request %s: sign-in refused: %s", request.id, stale)
    except SignInRefusedError as refused:
        sessions.count_failed_sign_in(request)
        sessions.log_sign_in(request, SIGN_INS, WAY, failed=str(refused))
    raise ProblemError("sign-in-failed")


def _away(request: Request, why: ProviderAwayError) -> ProblemError:
    log.warning("request %s: the provider of oidc.issuer: %s", request.id, why)
    return ProblemError("provider-away")


def _sign_in(request: Request, claims: Mapping[str, Any], back: str) -> Response:
    """Begin the session of who has those claims: the administrator's where that was asked for, or he has no mailbox."""
    wanted = request.deps.oidc
    mailbox = _mailbox(request, claims)
    name = _name(claims, wanted)
    administers = set(_texts(claims.get(wanted.admin_claim))) & set(wanted.admin_groups)
    if administers and (mailbox is None or back.startswith("/admin")):
        return sessions.signed_in(request, rights.administrator(name), WAY)
    if mailbox is None:
        given = _texts(claims.get(wanted.mailbox_claim)) if wanted.mailbox_claim else []
        why = f"no mailbox {one_line(given[0], _LONGEST_NAME)}" if given else "no claim names a mailbox"
        sessions.log_sign_in(request, SIGN_INS, WAY, failed=f"{name}: {why}")
        raise ProblemError("no-mailbox")
    return sessions.signed_in(request, rights.owner(mailbox), WAY, mailbox.pin_mark)


def _mailbox(request: Request, claims: Mapping[str, Any]) -> Mailbox | None:
    """The first of the claim's mailboxes that is there."""
    return next(
        filter(None, map(request.deps.mailboxes.open, claimed_boxes(claims, request.deps.oidc, request.deps.domain))),
        None,
    )


def claimed_boxes(claims: Mapping[str, Any], wanted: OidcSettings, domain: str) -> Iterator[MailboxId]:
    """The mailboxes that claims name; a mail address that the provider has not verified names none."""
    if not wanted.mailbox_claim or (wanted.mailbox_claim == "email" and claims.get("email_verified") is False):
        return
    domains = dict(pair.split("=", 1) for pair in wanted.domains)
    by_claim = {claimed.lower(): named for claimed, named in domains.items()}
    for text in _texts(claims.get(wanted.mailbox_claim)):
        number, at, claimed = text.strip().partition("@")
        named = by_claim.get(claimed.lower(), "") if at else wanted.domain or domain
        box = MailboxId.of(number, named) if named else None
        if box is not None:
            yield box


def _name(claims: Mapping[str, Any], wanted: OidcSettings) -> str:
    """What the events call him."""
    for claim in (wanted.name_claim, "email", "sub"):
        name = one_line(str(claims.get(claim) or ""), _LONGEST_NAME)
        if name:
            return name
    return "somebody"


def _texts(value: Any) -> list[str]:
    """The texts of a claim that is one, or several."""
    values = value if isinstance(value, list) else [value]
    return [str(one) for one in values if isinstance(one, str | int) and not isinstance(one, bool)]


def signed_out(request: Request, way: str, cookie: Cookie | None) -> Response:
    """After signing out: who came by the provider is told that he is still signed in there, where that is wanted."""
    provider = request.deps.provider
    if way == WAY and provider is not None and request.deps.oidc.sign_out:
        address = provider.sign_out_address(base_url(request) + "/")
        if address:
            return render(
                request, "signed_out.html", address=address, provider_name=request.deps.oidc.name, cookie=cookie
            )
    return see_other("/", cookie)
