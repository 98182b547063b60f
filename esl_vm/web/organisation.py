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
from esl_vm.web.pages import back_of, landing, render, see_other, sign_in_page
from esl_vm.web.problems import ProblemError, not_there
from esl_vm.web.routes import Answer, Ask, Cookie, page
from esl_vm.web.who import cookie_of, own_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from esl_vm.model.mailbox import Mailbox
    from esl_vm.model.settings import OidcSettings
    from esl_vm.web.world import Provider

log = logging.getLogger(__name__)

WAY = "oidc"
RETURN = "/sign-in/oidc/return"
_FLOW = "esl_vm_sign_in"
_FLOW_S = 600
_LONGEST_NAME = 64


@page("GET", "/sign-in/oidc", Right.ANYBODY, "Sign in through the organisation's provider")
def begin(ask: Ask) -> Answer:
    """On to the provider; `back` is a page of ours to come back to."""
    provider, back = _provider(ask), back_of(ask.request.get_param("back"))
    try:
        sessions.refuse_guessing(ask)
        address, kept = provider.begin(own_address(ask) + RETURN, back)
    except ProviderAwayError as away:
        return sign_in_page(ask, _away(ask, away), back=back)
    except ProblemError as locked:
        return sign_in_page(ask, locked, back=back)
    return see_other(address, Cookie(kept, _FLOW_S, _FLOW))


@page("GET", RETURN, Right.ANYBODY, "Back from the organisation's provider")
def finish(ask: Ask) -> Answer:
    """Signs in, once it is proved who that is; goes on to the page that was asked for."""
    provider = _provider(ask)
    try:
        sessions.refuse_guessing(ask)
        claims, back = _claims(ask, provider)
        begun = _sign_in(ask, claims, back)
    except ProblemError as problem:
        return sign_in_page(ask, problem)
    return see_other(landing(ask.who, back), begun.cookie)


def _provider(ask: Ask) -> Provider:
    if ask.world.provider is None:
        raise not_there()
    return ask.world.provider


def _claims(ask: Ask, provider: Provider) -> tuple[dict[str, Any], str]:
    """Who it is, and where he goes on; raises ProblemError."""
    given = {name: value for name, value in ask.request.params.items() if isinstance(value, str)}
    kept, redirect = cookie_of(ask.request, _FLOW), own_address(ask) + RETURN
    try:
        return provider.finish(given, kept, redirect, lambda state: ask.world.access.first_use(state, 2 * _FLOW_S))
    except ProviderAwayError as away:
        raise _away(ask, away) from None
    except StaleSignInError as stale:  # another site may have sent the browser here: that is nobody's guess
        log.info("request %s: sign-in refused: %s", ask.id, stale)
    except SignInRefusedError as refused:
        sessions.count_guess(ask)
        sessions.tell_sign_in(ask, SIGN_INS, WAY, failed=str(refused))
    raise ProblemError("sign-in-failed")


def _away(ask: Ask, why: ProviderAwayError) -> ProblemError:
    log.warning("request %s: the provider of oidc.issuer: %s", ask.id, why)
    return ProblemError("provider-away")


def _sign_in(ask: Ask, claims: Mapping[str, Any], back: str) -> Answer:
    """Begin the session of who has those claims: the administrator's where that was asked for, or he has no mailbox."""
    wanted = ask.world.oidc
    mailbox = _mailbox(ask, claims)
    name = _name(claims, wanted)
    if _is_administrator(claims, wanted) and (mailbox is None or back.startswith("/admin")):
        return sessions.signed_in(ask, rights.administrator(name), WAY)
    if mailbox is None:
        given = _texts(claims.get(wanted.mailbox_claim)) if wanted.mailbox_claim else []
        why = f"no mailbox {one_line(given[0], _LONGEST_NAME)}" if given else "no claim names a mailbox"
        sessions.tell_sign_in(ask, SIGN_INS, WAY, failed=f"{name}: {why}")
        raise ProblemError("no-mailbox")
    return sessions.signed_in(ask, rights.owner(mailbox.id), WAY, mailbox.pin_mark)


def _mailbox(ask: Ask, claims: Mapping[str, Any]) -> Mailbox | None:
    """The first of the claim's mailboxes that is there."""
    return next(
        filter(None, map(ask.world.mailboxes.open, claimed_boxes(claims, ask.world.oidc, ask.world.domain))), None
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


def _is_administrator(claims: Mapping[str, Any], wanted: OidcSettings) -> bool:
    return bool(set(_texts(claims.get(wanted.admin_claim))) & set(wanted.admin_groups))


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


def signed_out(ask: Ask, way: str, cookie: Cookie | None) -> Answer:
    """After signing out: who came by the provider is told that he is still signed in there, where that is wanted."""
    provider = ask.world.provider
    if way == WAY and provider is not None and ask.world.oidc.sign_out:
        address = provider.sign_out_address(own_address(ask) + "/")
        if address:
            return render(ask, "signed_out.html", address=address, provider_name=ask.world.oidc.name, cookie=cookie)
    return see_other("/", cookie)
