"""A connection to the SMTP server, protected and logged in as the settings say."""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass
from enum import Enum
from typing import IO, TYPE_CHECKING, Any, Self

from esl_vm.model.deadline import cut, deadline
from esl_vm.model.message import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.settings import MailSettings

#: Most lines of one answer, and most bytes of one line.
_LONGEST_ANSWER = 200
_LONGEST_LINE = 4096


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
        timeout_s: seconds the server may take for one answer; all before the last one may take ten times that.
        accept_s: seconds it may take to accept a mail it was sent whole. RFC 5321 gives it ten minutes: who hangs up
            earlier sends again what was accepted.
        helo: the name we greet it with; empty = this host's.
        tls: how certificates are checked; None = as the system does, host name included.
    """

    host: str
    port: int = 25
    security: Security = Security.NONE
    user: str = ""
    password: str = ""
    timeout_s: float = 30.0
    accept_s: float = 600.0
    helo: str = ""
    tls: ssl.SSLContext | None = None

    @classmethod
    def of(cls, wanted: MailSettings, longest_s: float = 0.0) -> Self:
        """The mail server of the settings; longest_s: the longest it may take for an answer, 0 = as set."""
        answer_s = min(float(wanted.timeout_s), longest_s or float(wanted.timeout_s))
        security = Security(wanted.security)
        return cls(wanted.host, wanted.port, security, wanted.user, wanted.password, timeout_s=answer_s)

    @property
    def longest_s(self) -> float:
        """The longest that all before the last answer can take, seconds."""
        return 10 * self.timeout_s

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class ServerAwayError(Exception):
    """The server is not there, or will not talk to us at all (its certificate, our password, our sender address)."""


@contextlib.contextmanager
def connection(server: SmtpServer) -> Iterator[smtplib.SMTP]:
    """A connection, protected and logged in as the settings say.

    Raises:
        ServerAwayError: it is not to be had.
    """
    tls = server.security is Security.TLS
    line = _SmtpsLine(server, context=server.tls or ssl.create_default_context()) if tls else _Bounded(server)
    with contextlib.closing(line):
        with within(server, line):
            code, said = line.connect(server.host, server.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            if server.security is Security.STARTTLS:
                line.starttls(context=server.tls or ssl.create_default_context())
            if server.user:
                line.login(server.user, server.password)
            line.ehlo_or_helo_if_needed()
        yield line


@contextlib.contextmanager
def within(server: SmtpServer, line: smtplib.SMTP) -> Iterator[None]:
    """What the server may take ten answers' time for; raises ServerAwayError for whatever fails."""
    with deadline(server.longest_s, lambda: cut(line.sock)) as struck:
        try:
            yield
        except (OSError, smtplib.SMTPException, ValueError) as error:  # ValueError: a name that is no host's
            took = f"took longer than {server.longest_s:.0f} s" if struck.is_set() else words(error)
            raise ServerAwayError(f"{server}: {took}") from error


class _Bounded(smtplib.SMTP):
    """A connection that is not made by its constructor, so that a deadline can end it from its first byte on.

    Its server can't talk for ever, either.
    """

    file: IO[bytes] | None

    def __init__(self, server: SmtpServer, **more: Any) -> None:
        super().__init__(local_hostname=server.helo or socket.gethostname(), timeout=server.timeout_s, **more)
        self._host = server.host  # what a certificate is checked against

    def getreply(self) -> tuple[int, bytes]:
        """One answer: its code and its words; raises smtplib's errors and OSError."""
        if self.file is None:
            if self.sock is None:
                raise smtplib.SMTPServerDisconnected("not connected")
            self.file = self.sock.makefile("rb")
        said: list[bytes] = []
        while len(said) < _LONGEST_ANSWER:
            line = self.file.readline(_LONGEST_LINE)
            if not line.endswith(b"\n"):
                self.close()
                raise smtplib.SMTPServerDisconnected("a line without end" if line else "the connection was closed")
            said.append(line[4:].strip(b" \t\r\n"))
            if line[3:4] != b"-":
                if not re.match(rb"[2-5][0-9][0-9](?![0-9])", line):
                    self.close()
                    raise smtplib.SMTPServerDisconnected(f"an answer that is none: {line[:40]!r}")
                return int(line[:3]), b"\n".join(said)
        self.close()
        raise smtplib.SMTPServerDisconnected("an answer without end")


class _SmtpsLine(_Bounded, smtplib.SMTP_SSL):
    """TLS from the first byte."""


def words(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return answer(error.smtp_code, said.encode() if isinstance(said, str) else said)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message} (CERTIFICATE_VERIFY_FAILED)"
    if isinstance(error, TimeoutError):
        return "timed out: no answer"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return str(error)
    return one_line(f"{type(error).__name__}: {error}", 300)


def answer(code: int, said: bytes) -> str:
    """A server's answer in one line."""
    return one_line(f"{code} {said.decode('utf-8', 'replace')}", 300)
