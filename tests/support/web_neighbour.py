"""A web server with manners (neighbour.py): steps `connect`, `answer` (the head of it) and `body`."""

from __future__ import annotations

import re
from functools import partial

from support.neighbour import Neighbour

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"


class WebNeighbour(Neighbour):
    """Writes down in `told` the bodies it has answered with 200; in `heads` every request's."""

    def __init__(self, manners=None, port=0):
        self.told = []
        self.heads = []
        super().__init__(manners, port)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def converse(self, line):
        line.answer("connect")
        head = b""
        while (text := line.read_line()) != b"\r\n":
            head += text
        size = re.search(rb"(?i)content-length: *([0-9]+)", head)
        body = line.read(int(size[1])) if size else b""
        self.heads.append(head)
        if line.answer("answer", usual=_OK, does=partial(self.told.append, body)) == _OK:
            line.answer("body", usual=b"ok")
