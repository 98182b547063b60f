"""A server that behaves as badly as it is told to, at each step of its protocol.

A neighbour of ours (mail server, web server, FreeSWITCH, S3) is a `Neighbour` with a conversation. At every step the
conversation asks `answer(step, usual)`; what `manners` has for that step happens instead of the usual answer:

    HANG     nothing is said, and the connection stays
    DRIP     the usual answer comes a byte at a time and never ends
    DROP     the connection is closed; RESET: it is reset
    FLOOD    data that never ends
    RUBBISH  bytes that are no answer
    bytes    this is said
    a call   is asked for one of these, with the step
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from abc import ABC, abstractmethod
from enum import Enum

RUBBISH = b"\x00\xff\x16\x03\r\n\x80 rubbish\r\n\r\n"


class Manner(Enum):
    HANG = "hangs"
    DRIP = "drips"
    DROP = "closes"
    RESET = "resets"
    FLOOD = "floods"
    RUBBISH = "talks rubbish"


class GoneError(Exception):
    """The connection is over."""


class Neighbour(ABC):
    """Listens on loopback; each connection has a thread with `converse`.

    Args:
        manners: by step, what happens there; a list is used up one by one, then the step is as usual again.
    """

    #: What it says without end when it floods.
    flood = b"x" * 65536

    def __init__(self, manners=None, port=0):
        self.manners = dict(manners or {})
        self.steps = []
        self.came = threading.Semaphore(0)
        self.busiest = 0
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    @abstractmethod
    def converse(self, line):
        """Hold one connection's conversation."""

    def close(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for stream in self._open:
                with contextlib.suppress(OSError):
                    stream.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def manner(self, step):
        """What is to happen at a step, None = the usual."""
        with self._lock:
            self.steps.append(step)
            manner = self.manners.get(step)
            if isinstance(manner, list):
                manner = manner.pop(0) if manner else None
        return manner(step) if callable(manner) else manner

    def _listen(self):
        with contextlib.suppress(OSError):
            while True:
                stream, _ = self._listener.accept()
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._open.add(stream)
                    self.busiest = max(self.busiest, len(self._open))
                threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream):
        self.came.release()
        try:
            self.converse(Line(self, stream))
        except (GoneError, OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(stream)
            stream.close()


class Line:
    """One connection, as a conversation uses it."""

    def __init__(self, neighbour, stream):
        self.neighbour = neighbour
        self.stream = stream
        self._file = stream.makefile("rb")

    def read_line(self):
        line = self._file.readline()
        if not line.endswith(b"\n"):
            raise GoneError
        return line

    def read(self, size):
        data = self._file.read(size)
        if len(data) < size:
            raise GoneError
        return data

    def read_until(self, end):
        """All until these bytes come last, they included; nothing may follow them before an answer."""
        data = bytearray()
        while not data.endswith(end):
            more = self._file.read1(1 << 20)
            if not more:
                raise GoneError
            data += more
        return bytes(data)

    def say(self, data):
        self.stream.sendall(data)

    def answer(self, *steps, usual=b"", does=lambda: None):
        """Answer at a step, the first of these names that has manners; returns what was said, or b``.

        Args:
            does: what goes with the usual answer; done before that is said, so that whoever has read it finds it done.
        """
        for step in steps:
            manner = self.neighbour.manner(step)
            if manner is not None:
                return self._behave(manner, usual)
        does()
        self.say(usual)
        return usual

    def _behave(self, manner, usual):
        match manner:
            case bytes():
                self.say(manner)
                return manner
            case Manner.HANG:
                self._wait_for_the_end()
            case Manner.DRIP:
                for place in range(10**6):
                    self.say((usual[:-2] or b"x")[place : place + 1] or b"x")
                    if self.neighbour.over.wait(0.02):
                        break
            case Manner.FLOOD:
                while not self.neighbour.over.is_set():
                    self.say(self.neighbour.flood)
            case Manner.RUBBISH:
                self.say(RUBBISH)
                return RUBBISH
            case Manner.RESET:
                self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case Manner.DROP:
                pass
        raise GoneError

    def _wait_for_the_end(self):
        """Until the other side hangs up, or the neighbour closes."""
        while self._file.read(65536):
            pass


__all__ = ["GoneError", "Line", "Manner", "Neighbour"]
