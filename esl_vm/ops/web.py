"""/metrics for Prometheus, /healthz and /readyz for whoever watches over the service. Nothing here can change anything.

`/healthz` is 200 as long as this process works: restart the service when it is not. `/readyz` is 200 when the node can do
all that is asked of it, else 503 with the reasons; calls are taken even then (a message is kept in the spool).
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import gevent
from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from esl_vm.ops.snapshot import Snapshot

log = logging.getLogger(__name__)

MOST_AT_ONCE = 16
PATIENCE_S = 10.0
"""Seconds a request may take, its arrival included."""
_PLAIN = "text/plain; charset=utf-8"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text format


class _Handler(WSGIHandler):  # type: ignore[misc] # gevent has no types here
    def handle(self) -> None:
        """As gevent does, but nobody holds a connection for long."""
        with gevent.Timeout(PATIENCE_S, exception=False):
            super().handle()


class StatusPages:
    """The server of these three pages.

    Args:
        listener: a listening gevent socket.
        look: how the node is.
        metrics: Prometheus' text.
    """

    def __init__(self, listener: Any, look: Callable[[], Snapshot], metrics: Callable[[], bytes]) -> None:
        self._look = look
        self._metrics = metrics
        self._server = WSGIServer(
            listener, self._answer, log=None, error_log=log, spawn=Pool(MOST_AT_ONCE), handler_class=_Handler
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._server.address[:2]
        return host, port

    def start(self) -> None:
        """Begin to answer; returns at once."""
        self._server.start()

    def stop(self) -> None:
        """Stop."""
        self._server.stop(timeout=1)

    def page(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and content of a page."""
        match path:
            case "/metrics":
                return 200, _METRICS, self._metrics()
            case "/healthz":
                return 200, _PLAIN, b"ok\n"
            case "/readyz":
                why = self._look().not_ready
                return (503, _PLAIN, "".join(f"{line}\n" for line in why).encode()) if why else (200, _PLAIN, b"ok\n")
            case "/":
                return 200, "application/json", json.dumps(["/metrics", "/healthz", "/readyz"]).encode()
            case _:
                return 404, _PLAIN, b"there is /metrics, /healthz and /readyz\n"

    def _answer(self, request: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if request["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            status, kind, content = 405, _PLAIN, b"GET only\n"
        else:
            try:
                status, kind, content = self.page(request.get("PATH_INFO", "/"))
            except Exception:  # a front door: told, and the next request may do better
                log.exception("%s", request.get("PATH_INFO"))
                status, kind, content = 500, _PLAIN, b"see the log\n"
        words = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 500: "Error", 503: "Service Unavailable"}
        start_response(f"{status} {words[status]}", [("Content-Type", kind), ("Content-Length", str(len(content)))])
        return [b"" if request["REQUEST_METHOD"] == "HEAD" else content]
