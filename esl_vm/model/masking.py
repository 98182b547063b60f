"""Addresses as they may be shown in logs, lists and bundles: without what lets somebody in."""

from __future__ import annotations

import re

MASK = "****"
_URL = re.compile(r"[a-z][a-z0-9+]*://[^\s\"'<>]+|unix:[^\s\"'<>]+", re.IGNORECASE)
_SECRET = re.compile(r"([?&][^=&]*(?:pass|secret|token|key|sig|auth)[^=&]*=)[^&]*", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)(?:([^/@:]*):)?.*(?=@)", re.DOTALL)
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")


def mask_url(url: str) -> str:
    """A URL without its secrets.

    Of a web address its host is left (`https://hooks.example.com/****`): path and query of a webhook are often all the
    password there is. Of any other URL the password before the host goes (up to the last `@`, as the password may hold
    one), and the options that are named like a secret: `redis://user:****@host/0`, `?password=****`.
    """
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in {"http", "https"}:
        shown = _SECRET.sub(rf"\1{MASK}", url)
        return _LOGIN.sub(lambda login: f"{login[1] or ''}:{MASK}" if login[1] is not None else MASK, shown)
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    login, at, host = authority.rpartition("@")
    if not _HOST.fullmatch(host):
        return f"{scheme}://{MASK}"
    hidden = f"/{MASK}" if len(rest) > len(authority) + 1 else rest[len(authority) :]
    return f"{scheme}://{MASK + at if login else ''}{host}{hidden}"


def mask_urls(text: str) -> str:
    """A text (an error of a connection, a reason) with every URL in it masked."""
    return _URL.sub(lambda url: mask_url(url[0]), text)
