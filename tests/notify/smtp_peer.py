"""A real SMTP server on loopback that can be taken down, told what to answer, and asked what it got."""

from __future__ import annotations

import contextlib
import email
import email.policy
import socket

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from support.ports import free_port


class Letterbox:
    """What came in, and what is answered: `answers` by command, each used up in turn, then 250."""

    def __init__(self):
        self.mails = []
        self.answers = {"MAIL": [], "RCPT": [], "DATA": []}
        self.at_data = lambda mail: None
        self.at_rcpt = lambda address: None
        self.logins = []

    def _answer(self, command):
        return self.answers[command].pop(0) if self.answers[command] else None

    async def handle_MAIL(self, server, session, envelope, address, options):
        answer = self._answer("MAIL")
        if answer is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer or "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.at_rcpt(address)
        answer = self._answer("RCPT")
        if answer is None or answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server, session, envelope):
        answer = self._answer("DATA")
        if answer and not answer.startswith("250"):
            return answer
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        mail.raw = envelope.content
        mail.envelope_to = list(envelope.rcpt_tos)
        mail.envelope_from = envelope.mail_from
        mail.over_tls = session.ssl is not None
        self.mails.append(mail)
        self.at_data(mail)
        return answer or "250 accepted"

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"s3cret", handled=False)

    @property
    def ids(self):
        return [mail["Message-ID"] for mail in self.mails]


class Post:
    """The server, on one port for its whole life."""

    def __init__(self, letters=None, **options):
        self.letters = letters or Letterbox()
        self.port = free_port()
        self._options = options
        self._controller = None

    def up(self):
        self._controller = Controller(
            self.letters, hostname="127.0.0.1", port=self.port, authenticator=self.letters.authenticate, **self._options
        )
        self._controller.start()
        return self

    def down(self):
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


@contextlib.contextmanager
def post_office(**options):
    post = Post(**options)
    try:
        yield post.up()
    finally:
        post.down()


@contextlib.contextmanager
def mute_server(first=b""):
    """A server that accepts connections, says `first`, and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        import threading

        lines = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    line, _ = listener.accept()
                    lines.append(line)
                    line.sendall(first)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for line in lines:
                line.close()
