"""FreeSWITCH's inbound event socket with manners (neighbour.py).

Steps: `connect`, `auth`, `event` (a subscription), `sendevent`, `api`.
"""

from __future__ import annotations

from functools import partial

from support.neighbour import Neighbour


def reply(text):
    return f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()


def api_response(text):
    return f"Content-Type: api/response\nContent-Length: {len(text.encode())}\n\n{text}".encode()


class SwitchNeighbour(Neighbour):
    """Writes down in `fired` the events it was sent."""

    flood = b"Content-Type: text/event-plain\nX: " + b"x" * 65536

    def __init__(self, manners=None, port=0):
        self.fired = []
        super().__init__(manners, port)

    def converse(self, line):
        line.answer("connect", usual=b"Content-Type: auth/request\n\n")
        while True:
            message = b""
            while not message.endswith(b"\n\n"):
                message += line.read_line()
            word = message.split()[0].decode()
            usual = api_response("ok") if word == "api" else reply("+OK accepted")
            fired = [message] if word == "sendevent" else []
            line.answer(word, usual=usual, does=partial(self.fired.extend, fired))
