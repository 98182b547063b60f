"""Asking a host that somebody else named over HTTP: nothing is followed, and no address asked that is not of the open internet.

The address that was judged is the one that is connected to. An answer has its seconds as a whole.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
from dataclasses import dataclass, field
from socket import create_connection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from esl_vm.model.deadline import cut, deadline
from esl_vm.model.open_internet import open_address

if TYPE_CHECKING:
    import socket

_LARGEST = 65536
"""Bytes of an answer that are looked at."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and how it is made.

    Args:
        method, url, headers, body: of it; None: no body.
        seconds: for the whole of its answer. private: addresses that are not of the open internet will do.
        tls: how certificates are checked; None = as the system does, host name included.
        reads: the answer's content is looked at.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    seconds: float
    private: bool = False
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    reads: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: its status, its Retry-After, and the beginning of its content where that is looked at."""

    status: int
    retry_after: str
    content: bytes = b""


def ask(asked: Asked) -> Answered:
    """Ask; raises PrivateAddressError, OSError, HTTPException and ValueError."""
    parts = urlsplit(asked.url)
    secure, host = parts.scheme == "https", parts.hostname or ""
    port, seconds = parts.port or (443 if secure else 80), asked.seconds
    line = http.client.HTTPConnection(host, port, timeout=seconds)
    held: list[socket.socket | None] = [None]
    with contextlib.closing(line), deadline(seconds, lambda: cut(held[0])) as struck:
        plain = create_connection((open_address(host, port, private=asked.private), port), seconds)
        held[0] = plain
        if secure:
            tls = asked.tls or ssl.create_default_context()
            held[0] = plain = tls.wrap_socket(plain, server_hostname=host)
        line.sock = plain
        target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        line.request(asked.method, target, asked.body, asked.headers)
        answer = line.getresponse()
        content = answer.read(_LARGEST) if asked.reads else b""
        if struck.is_set():
            raise TimeoutError(f"no whole answer within {seconds:g} s")
        return Answered(answer.status, answer.headers.get("Retry-After", ""), content)
