"""Handing one mail to the SMTP server, and what its answer means."""

from __future__ import annotations

import contextlib
import logging
import smtplib
import socket
import ssl
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from esl_vm.notify.deadline import deadline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import EmailMessage

log = logging.getLogger(__name__)

#: RFC 1870: the answer to MAIL FROM when the size announced is too large.
TOO_LARGE = 552


class Security(Enum):
    """How the connection is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True, repr=False)
class SmtpServer:
    """Where mail is handed in.

    Args:
        host, port: the server.
        security: STARTTLS is insisted on where chosen: no mail, and no password, goes out in clear instead.
        user, password: authentication; empty = none.
        timeout_s: seconds the server may take for one answer; a whole mail may take ten times that.
        helo: the name we greet it with; empty = this host's.
        tls: how certificates are checked; None = as the system does, host name included.
    """

    host: str
    port: int = 25
    security: Security = Security.NONE
    user: str = ""
    password: str = ""
    timeout_s: float = 30.0
    helo: str = ""
    tls: ssl.SSLContext | None = None

    @property
    def longest_s(self) -> float:
        """The longest one mail can take, seconds."""
        return 10 * self.timeout_s


class ServerAwayError(Exception):
    """The server is not there, or will not talk to us at all (its certificate, our password, our sender address)."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What the server said, by recipient: accepted; to be tried again; never, each with its words."""

    accepted: tuple[str, ...]
    later: dict[str, str]
    never: dict[str, str]


def hand_over(server: SmtpServer, message: EmailMessage, sender: str, recipients: Sequence[str]) -> Handover:
    """Give one mail to the server for these recipients.

    Raises:
        ServerAwayError: nothing was accepted, and nothing else need be tried just now.
    """
    line = _SmtpsLine(server) if server.security is Security.TLS else _Line(server)
    with contextlib.closing(line), deadline(server.longest_s, lambda: _cut(line)) as struck:
        try:
            return _transaction(server, line, message, sender, list(recipients))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            if struck.is_set():
                raise ServerAwayError(f"{server.host} took longer than {server.longest_s:.0f} s") from error
            if isinstance(error, ValueError):
                raise
            raise ServerAwayError(f"{server.host}:{server.port}: {_words(error)}") from error


class _Line(smtplib.SMTP):
    """A connection that is not made by its constructor, so that a deadline can end it from its first byte on."""

    def __init__(self, server: SmtpServer) -> None:
        super().__init__(local_hostname=server.helo or socket.gethostname(), timeout=server.timeout_s)
        self._host = server.host  # what a certificate is checked against


class _SmtpsLine(smtplib.SMTP_SSL):
    """The same, TLS from the first byte."""

    def __init__(self, server: SmtpServer) -> None:
        super().__init__(
            local_hostname=server.helo or socket.gethostname(),
            timeout=server.timeout_s,
            context=server.tls or ssl.create_default_context(),
        )
        self._host = server.host


def _transaction(
    server: SmtpServer, line: smtplib.SMTP, message: EmailMessage, sender: str, recipients: list[str]
) -> Handover:
    """Connect, greet, protect, log in, send."""
    code, said = line.connect(server.host, server.port)
    if code != 220:
        raise smtplib.SMTPConnectError(code, said)
    if server.security is Security.STARTTLS:
        line.starttls(context=server.tls or ssl.create_default_context())
    if server.user:
        line.login(server.user, server.password)
    line.ehlo_or_helo_if_needed()
    try:
        refused = line.send_message(message, sender, recipients)
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    except smtplib.SMTPDataError as error:
        refused = dict.fromkeys(recipients, (error.smtp_code, _bytes(error.smtp_error)))
    except smtplib.SMTPSenderRefused as error:
        if error.smtp_code != TOO_LARGE:
            raise  # it will not have our sender's address: that concerns every mail
        refused = dict.fromkeys(recipients, (error.smtp_code, _bytes(error.smtp_error)))
    except smtplib.SMTPNotSupportedError as error:
        # An address with letters outside ASCII, and a server without SMTPUTF8.
        refused = dict.fromkeys(recipients, (553, str(error).encode()))
    with contextlib.suppress(OSError, smtplib.SMTPException):
        line.quit()
    later = {to: _answer(*said) for to, said in refused.items() if said[0] < 500}
    never = {to: _answer(*said) for to, said in refused.items() if said[0] >= 500}
    return Handover(tuple(to for to in recipients if to not in refused), later, never)


def _cut(line: smtplib.SMTP) -> None:
    """Hang up on a server that takes too long, in the middle of whatever it says."""
    if line.sock is not None:
        with contextlib.suppress(OSError):
            line.sock.shutdown(socket.SHUT_RDWR)


def _words(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, _bytes(error.smtp_error))
    return f"{type(error).__name__}: {error}"


def _bytes(said: bytes | str) -> bytes:
    return said.encode() if isinstance(said, str) else said


def _answer(code: int, said: bytes) -> str:
    """A server's answer in one line."""
    return f"{code} {' '.join(said.decode('utf-8', 'replace').split())}"[:300]
