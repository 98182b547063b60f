"""The web process' server: gevent's, within bounds: how many connections, how long a request may arrive, a reader stall."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import gevent
from gevent.pywsgi import WSGIHandler, WSGIServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from gevent.pool import Pool

log = logging.getLogger(__name__)

_DISCARD = 256 * 1024
"""Bytes of a body nobody wanted that are still read, so that the connection can be gone on with."""
_LINGER_S, _LINGER = 2.0, 4 * 1024 * 1024
_DRAIN_S = 5.0


class _Handler(WSGIHandler):  # type: ignore[misc] # gevent has no types here
    """As gevent's; but what is slow, or too much, ends its connection."""

    arrival_s, stall_s = 10.0, 30.0
    ignored_socket_errors = (*WSGIHandler.ignored_socket_errors, "timed out")
    arrival: gevent.Timeout | None = None
    wsgi_input: Any
    code: int = 200

    def handle(self) -> None:
        # Else an answer in two pieces waits for the client's acknowledgement of the first, 40 ms.
        with suppress(OSError):
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle()

    def handle_one_request(self) -> Any:
        result = None
        if not self.server.pool.may_wait(gevent.getcurrent()):
            return None
        with gevent.Timeout(self.arrival_s, exception=False) as self.arrival:
            result = super().handle_one_request()
        return result  # noqa: RET504 - None when the time is over

    def handle_one_response(self) -> None:
        if self.arrival is not None:
            self.arrival.cancel()
        self.server.pool.arrived(gevent.getcurrent())
        self.socket.settimeout(self.stall_s)
        super().handle_one_response()

    def run_application(self) -> None:
        super().run_application()
        body = self.wsgi_input
        left = (body.content_length or 0) - body.position
        refused = body.chunked_input and self.code >= 400
        if left > _DISCARD or refused:
            self.close_connection = True
            self.wsgi_input = _Nothing()
            self._let_go()

    def _let_go(self) -> None:
        """Say that there is no more from here, and drop what still comes for a moment: else the answer would be lost."""
        with gevent.Timeout(_LINGER_S, exception=False):
            try:
                self.socket.shutdown(socket.SHUT_WR)
                left = _LINGER
                while left > 0 and (piece := self.socket.recv(65536)):
                    left -= len(piece)
            except OSError:
                pass


class _Nothing:
    """A body of which nothing is left."""

    def _discard(self) -> None:
        pass


class _Quiet:
    """What gevent says of a client that is gone or sends rubbish is no error of ours."""

    @staticmethod
    def write(text: str) -> None:
        if text.strip():
            log.debug("%s", text.strip())

    @staticmethod
    def flush() -> None:
        pass


class WebServer:
    """Answers HTTP.

    Args:
        listener: a listening gevent socket.
        application: WSGI.
        connections: how many there may be (`ops.web.Connections`).
        arrival_s: seconds in which a request's headers must have arrived. stall_s: seconds a client may keep us waiting.
        end_streams: ends answers that would go on.
    """

    def __init__(
        self,
        listener: Any,
        application: Callable[..., Any],
        connections: Pool,
        *,
        arrival_s: float = 10.0,
        stall_s: float = 30.0,
        end_streams: Callable[[], None] = lambda: None,
    ) -> None:
        self._connections = connections
        self._end_streams = end_streams
        handler = type("Handler", (_Handler,), {"arrival_s": arrival_s, "stall_s": stall_s})
        self._server = WSGIServer(
            listener, application, log=None, error_log=_Quiet(), spawn=connections, handler_class=handler
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
        """Take no more; streams end, and what is being answered has a few seconds to."""
        self._server.stop_accepting()
        self._end_streams()
        self._connections.drop_waiting()
        self._server.stop(timeout=_DRAIN_S)
