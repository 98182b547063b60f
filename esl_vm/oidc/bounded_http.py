"""HTTP to a provider, within bounds: one exchange, so many seconds and bytes, no redirect, nothing of the environment."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import gevent
from gevent.lock import BoundedSemaphore

from esl_vm import __version__
from esl_vm.model.breaker import Breaker
from esl_vm.model.errors import ProviderAwayError
from esl_vm.model.message import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST = 512 * 1024
_AT_ONCE = 16
_REST_S = 5.0
"""Seconds for which one that could not be reached is let alone: nobody else waits for it meanwhile."""


class BoundedHttp:
    """Asks one provider. Who waits is the request that asks, no other.

    Args:
        timeout_s: seconds that an exchange may take as a whole, waiting for its turn included.
        ca_file: certificates that are trusted besides the system's; `` = none.
    """

    def __init__(self, timeout_s: float, ca_file: str = "") -> None:
        self._timeout_s = timeout_s
        self._ca_file = ca_file
        self._turns = BoundedSemaphore(_AT_ONCE)
        self._tls: ssl.SSLContext | None = None
        self._breaker = Breaker(_REST_S)

    def json(self, url: str, headers: Mapping[str, str] | None = None, body: str | None = None) -> tuple[int, Any]:
        """Status and JSON of the answer to a GET, or (with a body) a POST of a form.

        Raises:
            ProviderAwayError: there is none in time, or none that can be read.
        """
        host = urlsplit(url).netloc
        if not self._breaker.allows():
            raise ProviderAwayError(self._breaker.reason)
        try:
            with (
                gevent.Timeout(self._timeout_s, TimeoutError(f"no whole answer within {self._timeout_s:g} s")),
                self._turns,
            ):
                status, content = self._ask(url, headers or {}, body)
        except (OSError, http.client.HTTPException, ValueError) as wrong:
            self._breaker.failed(f"{host}: {one_line(str(wrong), 200) or type(wrong).__name__}")
            raise ProviderAwayError(self._breaker.reason) from wrong
        self._breaker.succeeded()  # what it answers is another matter: somebody may ask for nonsense on purpose
        if status >= 500 or 300 <= status < 400:
            raise ProviderAwayError(f"{host} answers {status}{', which is not followed' if status < 400 else ''}")
        try:
            return status, json.loads(content)
        except (ValueError, RecursionError):
            raise ProviderAwayError(f"{host} answers {status} with no JSON") from None

    def _ask(self, url: str, headers: Mapping[str, str], body: str | None) -> tuple[int, bytes]:
        parts = urlsplit(url)
        line = self._line(parts.scheme, parts.hostname or "", parts.port)
        sent = {"Accept": "application/json", "User-Agent": f"esl-vm/{__version__}", "Connection": "close"}
        with contextlib.closing(line):
            line.request(
                "GET" if body is None else "POST",
                parts._replace(scheme="", netloc="").geturl() or "/",
                body,
                {**sent, **headers},
            )
            answer = line.getresponse()
            content = answer.read(_LARGEST + 1)
            if len(content) > _LARGEST:
                raise ValueError(f"more than {_LARGEST} bytes")
            return answer.status, content

    def _line(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        if self._tls is None:
            self._tls = ssl.create_default_context()
            if self._ca_file:
                self._tls.load_verify_locations(self._ca_file)
        return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=self._tls)
