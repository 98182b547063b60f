"""An SMTP server with manners (neighbour.py).

Steps: `connect`, `ehlo`, `starttls` (only ever promised), `auth`, `mail`, `rcpt` (`rcpt ADDRESS` for one), `data`, `content` (in the middle of the mail), `dot`, `quit`.
"""

from __future__ import annotations

import re
from functools import partial

from support.neighbour import Neighbour


class MailNeighbour(Neighbour):
    """Writes down in `accepted` what it has accepted: sender, recipients, content.

    Args:
        offers: the lines after EHLO's first. keeps: so much of each mail's content, None = all.
    """

    flood = b"250-more and more\r\n" * 1000

    def __init__(self, manners=None, offers=("8BITMIME",), port=0, keeps=None):
        self.offers = offers
        self.keeps = keeps
        self.accepted = []
        super().__init__(manners, port)

    def converse(self, line):
        line.answer("connect", usual=b"220 here\r\n")
        sender, recipients = "", []
        while True:
            command = line.read_line().decode("utf-8", "replace").strip()
            word = command[:4].lower()
            address = (re.findall(r"<(.*)>", command) or [""])[0]
            if word == "ehlo":
                lines = ["here", *self.offers]
                text = "".join(f"250{' ' if n == len(lines) - 1 else '-'}{each}\r\n" for n, each in enumerate(lines))
                line.answer("ehlo", usual=text.encode())
            elif word == "mail":
                sender, recipients = address, []
                line.answer("mail", usual=b"250 ok\r\n")
            elif word == "rcpt":
                if line.answer(f"rcpt {address}", "rcpt", usual=b"250 ok\r\n").startswith(b"250"):
                    recipients.append(address)
            elif word == "data":
                if line.answer("data", usual=b"354 go on\r\n").startswith(b"354"):
                    self._content(line, sender, recipients)
            elif word == "auth":
                line.answer("auth", usual=b"235 welcome\r\n")
            elif word == "star":
                line.answer("starttls", usual=b"220 go on\r\n")
            elif word == "quit":
                line.answer("quit", usual=b"221 bye\r\n")
                return
            else:
                line.answer(word, usual=b"250 ok\r\n")

    def _content(self, line, sender, recipients):
        first = line.read_line()
        spoken = line.answer("content") if first != b".\r\n" else b""
        content = first + (line.read_until(b"\r\n.\r\n") if first != b".\r\n" else b"")
        if not spoken:
            plain = re.sub(rb"(?m)^\.", b"", content.removesuffix(b".\r\n"))
            mail = (sender, tuple(recipients), plain[: self.keeps])
            line.answer("dot", usual=b"250 accepted\r\n", does=partial(self.accepted.append, mail))
