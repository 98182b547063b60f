"""A simulated node's event socket over TCP, to a service that listens somewhere, in real time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gevent import socket as gevent_socket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esl_vm.sim.call import SimCall
    from esl_vm.sim.channel import Incoming
    from esl_vm.sim.eventsocket import EventSocket
    from esl_vm.sim.node import SimNode
    from esl_vm.sim.realtime import RealTime
    from esl_vm.sim.sounddevice import Speaker

CONNECT_WITHIN_S = 5.0
_READ_SIZE = 65_536


class TcpTransport:
    """A connection to a service.

    Args:
        loop: what waits for it.
        stream: the connected socket.

    Attributes:
        peer: the node's end of it; set before the loop runs.
        closed: both directions are closed.
        broken: why it broke, `` if it was closed in order.
    """

    def __init__(self, loop: RealTime, stream: gevent_socket.socket) -> None:
        self.peer: EventSocket | None = None
        self.closed = False
        self.broken = ""
        self._loop = loop
        self._stream = stream
        self._unsent = bytearray()
        self._finishing = False
        stream.setblocking(False)
        loop.watch(stream, self._readable)

    def deliver(self, data: bytes) -> None:
        """Send bytes; what the service does not take at once waits."""
        if not self.closed:
            self._unsent += data
            self._flush()

    def finish(self) -> None:
        """Close once all is sent."""
        self._finishing = True
        self._flush()

    def _readable(self) -> None:
        try:
            data = self._stream.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self.broken = str(error)
            data = b""
        if data and self.peer is not None:
            self.peer.feed(data)
        elif not data:
            self._close()

    def _flush(self) -> None:
        if self.closed:
            return
        try:
            while self._unsent:
                del self._unsent[: self._stream.send(self._unsent)]
        except BlockingIOError:
            self._loop.watch_writing(self._stream, self._flush)
            return
        except OSError as error:
            # Nothing reaches the service any more. What it said before may still wait to be read (that it hands the
            # call back, for one): the end is where reading comes to it.
            self.broken = str(error)
            self._unsent.clear()
        self._loop.watch_writing(self._stream, None)
        if self._finishing:
            self._close()

    def _close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._loop.forget(self._stream)
        self._stream.close()
        if self.peer is not None:
            self.peer.closed()


def call_over_tcp(
    loop: RealTime,
    node: SimNode,
    services: Sequence[tuple[str, int]],
    incoming: Incoming,
    voice: Speaker | None = None,
) -> tuple[SimCall, EventSocket, TcpTransport]:
    """Let a call come in and hand it to the first of the services that takes the connection, as `socket` does.

    Raises:
        OSError: none of them does; the last one's refusal.
    """
    refused: OSError = ConnectionRefusedError("there is no service to call")
    for address in services:
        try:
            stream = gevent_socket.create_connection(address, CONNECT_WITHIN_S)
        except OSError as error:
            refused = error
            continue
        transport = TcpTransport(loop, stream)
        call, transport.peer = node.call(incoming, transport, voice)
        return call, transport.peer, transport
    raise refused
