"""Handing one mail to the SMTP server, and what its answers mean.

Only the answer after the final full stop says that a mail was accepted, and only for the addresses that were taken
by then. Whatever ends before it leaves every address to be tried again.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
from dataclasses import dataclass, field
from email.policy import SMTP
from typing import TYPE_CHECKING

from esl_vm.model.deadline import cut, deadline
from esl_vm.notify.smtp_connection import ServerAwayError, answer, connection, within, words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import EmailMessage

    from esl_vm.notify.smtp_connection import SmtpServer

#: RFC 1870: the answer where a mail is too large; RFC 3463 has the same as a detail of another answer.
TOO_LARGE = 552
_TOO_LARGE_DETAIL = re.compile(rb"\b5\.3\.4\b")
#: "Service not available, closing": it can come at any step, and the connection ends.
_CLOSING = 421
#: "Bad sequence": it forgot what it had accepted before.
_CONFUSED = 503


@dataclass(frozen=True, slots=True)
class Handover:
    """What the server said, by recipient: accepted; to be tried again; never; too large, each with its words."""

    accepted: tuple[str, ...] = ()
    later: dict[str, str] = field(default_factory=dict)
    never: dict[str, str] = field(default_factory=dict)
    too_large: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: Handover) -> Handover:
        return Handover(
            self.accepted + other.accepted,
            self.later | other.later,
            self.never | other.never,
            self.too_large | other.too_large,
        )

    def __bool__(self) -> bool:
        return bool(self.accepted or self.later or self.never or self.too_large)


def hand_over(server: SmtpServer, message: EmailMessage, sender: str, recipients: Sequence[str]) -> Handover:
    """Give one mail to the server for these recipients; one at whom the server ends the connection harms no other.

    Raises:
        ServerAwayError: nothing was accepted, and nothing else need be tried just now.
    """
    said, left = Handover(), list(recipients)
    while left:
        try:
            answers, left = _one_connection(server, message, sender, left)
        except ServerAwayError as error:
            if not said:
                raise
            return said + Handover(later=dict.fromkeys(left, str(error)))
        said += answers
    return said


def _one_connection(
    server: SmtpServer, message: EmailMessage, sender: str, recipients: list[str]
) -> tuple[Handover, list[str]]:
    """One mail; what was answered, and who is to be tried over another connection because this one ended too early."""
    beyond_ascii = not all(address.isascii() for address in (sender, *recipients))
    data = message.as_bytes(policy=SMTP.clone(utf8=beyond_ascii))
    with connection(server) as line:
        if beyond_ascii and not line.has_extn("smtputf8"):
            why = f"{server} takes no addresses with letters outside ASCII (SMTPUTF8)"
            return Handover(never=dict.fromkeys(recipients, why)), []
        most = line.esmtp_features.get("size", "")
        if most.isdecimal() and 0 < int(most) < len(data):
            why = f"{server} takes mails of {most} bytes, this one has {len(data)}"
            return Handover(too_large=dict.fromkeys(recipients, why)), []
        options = ([f"SIZE={len(data)}"] if line.has_extn("size") else []) + (["SMTPUTF8"] if beyond_ascii else [])
        line.command_encoding = "utf-8" if beyond_ascii else "ascii"
        with within(server, line):
            code, said = line.docmd("MAIL", " ".join([f"FROM:<{sender}>", *options]))
            if code == TOO_LARGE or (code >= 500 and _TOO_LARGE_DETAIL.search(said)):
                return Handover(too_large=dict.fromkeys(recipients, answer(code, said))), []
            if not 200 <= code < 300:  # it will not have our sender's address: that concerns every mail
                raise smtplib.SMTPSenderRefused(code, said, sender)
        refused, left = _recipients(server, line, recipients)
        taken = [to for to in recipients if to not in refused.later and to not in refused.never and to not in left]
        if not taken:
            _goodbye(line)
            return refused, left
        return refused + _content(server, line, data, taken), left


def _recipients(server: SmtpServer, line: smtplib.SMTP, recipients: list[str]) -> tuple[Handover, list[str]]:
    """Name the recipients; who is refused, and, where the connection ended at one of them, all the others."""
    later: dict[str, str] = {}
    never: dict[str, str] = {}
    for to in recipients:
        try:
            with within(server, line):
                code, said = line.docmd("RCPT", f"TO:<{to}>")
                if code == _CLOSING:
                    raise smtplib.SMTPServerDisconnected(answer(code, said))
        except ServerAwayError as error:
            later[to] = str(error)
            return Handover(later=later, never=never), [to for to in recipients if to not in later and to not in never]
        if code >= 500 and code != TOO_LARGE:
            never[to] = answer(code, said)
        elif code >= 300:  # RFC 5321: 552 means here that its mailbox is full, or that there are too many recipients
            later[to] = answer(code, said)
    return Handover(later=later, never=never), []


def _content(server: SmtpServer, line: smtplib.SMTP, data: bytes, taken: list[str]) -> Handover:
    """Send the mail itself; what is said of it is said of every address that was taken."""
    try:
        with within(server, line):
            code, said = line.docmd("DATA")
            if code == 354:
                line.send(re.sub(rb"(?m)^\.", b"..", data) + b".\r\n")
        if code == 354:
            with deadline(server.accept_s, lambda: cut(line.sock)):
                if line.sock is not None:
                    line.sock.settimeout(server.accept_s)
                code, said = line.getreply()
    except (ServerAwayError, OSError, smtplib.SMTPException) as error:
        return Handover(later=dict.fromkeys(taken, str(error) if isinstance(error, ServerAwayError) else words(error)))
    if 200 <= code < 300:
        _goodbye(line)
        return Handover(tuple(taken))
    refusal = dict.fromkeys(taken, answer(code, said))
    if code == TOO_LARGE or (code >= 500 and _TOO_LARGE_DETAIL.search(said)):
        return Handover(too_large=refusal)
    return Handover(never=refusal) if code >= 500 and code != _CONFUSED else Handover(later=refusal)


def _goodbye(line: smtplib.SMTP) -> None:
    """End in good manners; a server that does not answer that keeps nobody waiting, and its mail is accepted."""
    with contextlib.suppress(OSError, smtplib.SMTPException), deadline(1.0, lambda: cut(line.sock)):
        line.quit()
