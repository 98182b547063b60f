"""Browsers that are told of messages by Web Push (RFC 8030), and what they hand over for it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.message import one_line

_POINT_BYTES, _AUTH_BYTES = 65, 16
_UNCOMPRESSED = 4
LONGEST_ENDPOINT = 1000
TEST = "test"
"""In a job that tells of no message: its owner wants to see whether it comes."""
_ENDPOINT = re.compile(r"https?://[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """A browser that is told of a mailbox's messages.

    Args:
        endpoint: the address of its push service. p256dh, auth: its public key (65 bytes) and secret (16), base64url.
        name: what its owner knows it by. words: it is told what is said in a message, too.
        since: when it was signed up, epoch seconds. pin_mark: of the owner who did it (`Owner.pin_mark`), then.
    """

    endpoint: str
    p256dh: str
    auth: str = field(repr=False)
    name: str = ""
    words: bool = False
    since: float = 0.0
    pin_mark: str = ""

    @property
    def id(self) -> str:
        """What it is called: the same for the same browser."""
        return hashlib.sha256(self.endpoint.encode()).hexdigest()[:16]

    @property
    def origin(self) -> str:
        """Whose its push service is: scheme, host and port."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}"


def subscription(endpoint: str, p256dh: str, auth: str, name: str, *, words: bool, plain: bool) -> PushSubscription:
    """A subscription as a browser hands it over.

    Args:
        endpoint: see there.
        p256dh: see there.
        auth: see there.
        name: see there.
        words: see there.
        plain: its push service may be asked without TLS.

    Raises:
        InvalidValueError: no browser has such a one.
    """
    try:
        parts = urlsplit(endpoint)
        named = parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        named = False
    if not named or not _ENDPOINT.fullmatch(endpoint) or len(endpoint) > LONGEST_ENDPOINT:
        raise InvalidValueError("the endpoint is no address of a push service")
    if parts.scheme != "https" and not plain:
        raise InvalidValueError("the endpoint is no https:// address")
    point = decoded(p256dh)
    if len(point) != _POINT_BYTES or point[0] != _UNCOMPRESSED:
        raise InvalidValueError("p256dh is no public key of a browser")
    if len(decoded(auth)) != _AUTH_BYTES:
        raise InvalidValueError("auth is no secret of a browser")
    return PushSubscription(endpoint, p256dh, auth, one_line(name, 60), words)


def decoded(word: str) -> bytes:
    """Bytes from base64url, with or without its padding; `` for what is none."""
    try:
        return base64.b64decode(word.rstrip("=") + "=" * (-len(word.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def encoded(data: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
