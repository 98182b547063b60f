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

from esl_vm.model.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from esl_vm.ops.snapshot import Snapshot

log = logging.getLogger(__name__)

MOST_AT_ONCE = 64
"""Connections; who comes when there are so many takes the place of the one that has been sending its request longest."""
ARRIVAL_S = 2.0
"""Seconds in which a request must have arrived, since the connection was made or the answer before it was sent."""
PATIENCE_S = 10.0
"""Seconds an answer may take, until it is read."""
_PLAIN = "text/plain; charset=utf-8"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text format


class _Handler(WSGIHandler):  # type: ignore[misc] # gevent has no types here
    """As gevent's, but nobody holds a connection for long."""

    def handle_one_request(self) -> Any:
        result = None
        with gevent.Timeout(ARRIVAL_S, exception=False) as self.arrival:
            result = super().handle_one_request()
        return result  # noqa: RET504 - None when the time is over

    def handle_one_response(self) -> None:
        self.arrival.cancel()
        self.server.pool.arrived(gevent.getcurrent())
        with gevent.Timeout(PATIENCE_S, exception=False):
            super().handle_one_response()


class Connections(Pool):  # type: ignore[misc] # likewise
    """Everybody is let in; whose request is not there yet makes room first, the oldest before the others.

    So a watchdog is answered however many send half a request and wait.

    Args:
        most: connections at once.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._closing = False
        self._arriving: dict[gevent.Greenlet, None] = {}
        self._answered: dict[gevent.Greenlet, None] = {}

    def spawn(self, *handle: Any) -> gevent.Greenlet:
        """Handle a connection; who has been sending its request longest makes room for it."""
        if len(self._arriving) + len(self._answered) >= self._most:
            oldest = next(iter(self._arriving or self._answered))
            self._left(oldest)
            oldest.kill(block=False)
        connection = super().spawn(*handle)
        self._arriving[connection] = None
        connection.rawlink(self._left)
        return connection

    def arrived(self, connection: gevent.Greenlet) -> None:
        """Its request is there."""
        if self._arriving.pop(connection, self) is None:
            self._answered[connection] = None

    def may_wait(self, connection: gevent.Greenlet) -> bool:
        """It was answered; whether it may send another request."""
        if self._answered.pop(connection, self) is None:
            self._arriving[connection] = None
        return not self._closing

    def drop_waiting(self) -> None:
        """Who has sent no request is sent away: nothing more is answered here."""
        self._closing = True
        for connection in tuple(self._arriving):
            connection.kill(block=False)

    def _left(self, connection: gevent.Greenlet) -> None:
        self._arriving.pop(connection, None)
        self._answered.pop(connection, None)


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
            listener, self._answer, log=None, error_log=log, spawn=Connections(MOST_AT_ONCE), handler_class=_Handler
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
                return (
                    (503, _PLAIN, "".join(f"{one_line(line)}\n" for line in why).encode())
                    if why
                    else (200, _PLAIN, b"ok\n")
                )
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
            except Exception:  # the outermost handler: logged, and the next request may succeed
                log.exception("%s", request.get("PATH_INFO"))
                status, kind, content = 500, _PLAIN, b"see the log\n"
        words = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 500: "Error", 503: "Service Unavailable"}
        start_response(f"{status} {words[status]}", [("Content-Type", kind), ("Content-Length", str(len(content)))])
        return [b"" if request["REQUEST_METHOD"] == "HEAD" else content]
