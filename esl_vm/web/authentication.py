"""Authentication: a session's cookie or a token, from which address, and whether a browser was made to ask by another site."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.rights import NOBODY, administrator, owner
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import SESSION

if TYPE_CHECKING:
    import falcon

    from esl_vm.model.mailbox import Mailbox
    from esl_vm.model.rights import Identity, Session
    from esl_vm.web.dependencies import Dependencies
    from esl_vm.web.routes import Cookie, Request

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_IPV6_NETWORK = 64
"""Of an address of version 6 its network counts: a subscriber has all the rest of it."""


class Authenticator:
    """Says who sends a request.

    Args:
        deps: where sessions and tokens are looked up.
    """

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._proxies = tuple(ipaddress.ip_network(network) for network in deps.settings.trusted_proxies)

    def address(self, raw: falcon.Request) -> str:
        """The client's address: the last one in X-Forwarded-For that no trusted proxy has."""
        hops = [hop.strip() for hop in (raw.get_header("X-Forwarded-For") or "").split(",") if hop.strip()]
        address = str(raw.env.get("REMOTE_ADDR") or "")
        while hops and self._is_proxy(address):
            address = hops.pop()
        return _shown(address)

    def is_secure(self, raw: falcon.Request) -> bool:
        """Whether the client came by TLS: to us, to a trusted proxy, or always, as the settings say."""
        if self._deps.settings.url.startswith("https:"):
            return True
        peer = str(raw.env.get("REMOTE_ADDR") or "")
        scheme = (raw.get_header("X-Forwarded-Proto") or "") if self._is_proxy(peer) else ""
        return (scheme or str(raw.env.get("wsgi.url_scheme"))) == "https"

    def authenticate(self, raw: falcon.Request) -> tuple[Identity, bool]:
        """Who sent it, and whether a cookie says so; NOBODY: no credential was given.

        Raises:
            ProblemError: one was given that is none (any more).
        """
        given = str(raw.get_header("Authorization") or "")
        if given:
            scheme, _, presented = given.partition(" ")
            token = self._deps.access.token(presented.strip()) if scheme.lower() == "bearer" else None
            if token is None:
                raise sign_in_required("The token opens nothing (any more): `esl-vm token list` shows those that do.")
            return token.identity, False
        value = cookie_of(raw, SESSION)
        if not value:
            return NOBODY, False
        who = self._of_session(value)
        if who is None:
            raise sign_in_required("Your session is over. Sign in again.")
        return who, True

    def _of_session(self, value: str) -> Identity | None:
        named, _, secret = value.rpartition("~")
        if not named:
            session = self._deps.access.session(None, secret)
            return administrator(session.name, session.id, session.way) if session else None
        try:
            box = MailboxId.parse(named)
        except InvalidValueError:
            return None
        session = self._deps.access.session(box, secret)
        if session is None:
            return None
        mailbox = self._deps.mailboxes.open(box)
        if mailbox is None or not is_of(session, mailbox):
            return None
        return owner(mailbox, session.id, session.way, session.owner)

    def check_origin(self, raw: falcon.Request, *, by_cookie: bool) -> None:
        """A change that a browser asks for must come from our own page; raises ProblemError.

        Every browser says where a form or a script comes from (Sec-Fetch-Site, or Origin before 2023). What says
        neither is no browser: then a cookie is no credential.
        """
        if raw.method in _SAFE:
            return
        site = raw.get_header("Sec-Fetch-Site")
        origin = raw.get_header("Origin")
        if site == "same-origin" or (origin and self._is_own(origin, raw)):
            return
        if site or origin or by_cookie:
            raise ProblemError("cross-site", "Use the service's own page, or a token (`esl-vm token add`).")

    def _is_own(self, origin: str, raw: falcon.Request) -> bool:
        wanted = urlsplit(self._deps.settings.url)
        if wanted.netloc:
            return origin.lower() == f"{wanted.scheme}://{wanted.netloc}".lower()
        scheme = "https" if self.is_secure(raw) else "http"
        return origin.lower() == f"{scheme}://{raw.get_header('Host') or ''}".lower()

    def _is_proxy(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)


def is_of(session: Session, mailbox: Mailbox) -> bool:
    """Whether a session is still an owner's: not after another PIN, nor of one who was removed, nor of a mailbox made anew."""
    whose = mailbox.owner(session.owner)
    return whose is not None and whose.pin_mark == session.pin_mark


def _shown(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return "unknown"


def rate_limited_address(address: str) -> str:
    """What of an address wrong PINs are counted by."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))


def cookie_of(raw: falcon.Request, name: str) -> str:
    """The value of a cookie of ours that came with a request, `` if none did."""
    for each in (f"__Host-{name}", name):
        values = raw.get_cookie_values(each)
        if values:
            return str(values[0])
    return ""


def base_url(request: Request) -> str:
    """Where browsers find us, without a slash at its end: as the settings say, else as this one asked."""
    scheme = "https" if request.secure else "http"
    return request.deps.settings.url.rstrip("/") or f"{scheme}://{request.header('Host')}"


def cookie_value(box: MailboxId | None, secret: str) -> str:
    """What the session's cookie holds: whose it is (nobody's: an administrator's), and its secret."""
    return f"{box or ''}~{secret}"


def set_cookie(raw_response: falcon.Response, cookie: Cookie, *, secure: bool) -> None:
    """Set a cookie, or take it away: never seen by scripts, never sent by another site's forms."""
    raw_response.set_cookie(
        f"__Host-{cookie.name}" if secure else cookie.name,
        cookie.value,
        max_age=cookie.max_age_s,
        path="/",
        secure=secure,
        http_only=True,
        same_site="Lax",
    )


def sign_in_required(detail: str = "Sign in with a mailbox and its PIN, or present a token.") -> ProblemError:
    """Nobody in particular may not do this."""
    return ProblemError("sign-in", detail, headers={"WWW-Authenticate": 'Bearer realm="esl-vm"'})
