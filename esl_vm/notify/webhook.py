"""Webhook calls: what happened: JSON, signed, once per event unless it fails.

The receiver checks `X-Voicemail-Signature: t=TIME,v1=HEX`, HEX being the HMAC-SHA256 of TIME, a full stop and the body
under the shared secret; TIME is when this attempt was made (epoch seconds). `Idempotency-Key` is the same at every attempt.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import logging
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from esl_vm import __version__
from esl_vm.model.deadline import asked_to_wait, cut, deadline
from esl_vm.model.errors import InvalidValueError, NoSuchMessageError
from esl_vm.model.events import EventType
from esl_vm.model.masking import mask_url
from esl_vm.model.message import one_line
from esl_vm.model.visible import json_text
from esl_vm.notify.endpoints import Endpoints
from esl_vm.notify.job_worker import Deferred, Obsolete, Outcome, Refused, Sent
from esl_vm.notify.sources import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.model.jobs import Job
    from esl_vm.model.settings import WebhookSettings
    from esl_vm.ports import Clock, Mailboxes, Registry

log = logging.getLogger(__name__)

SIGNATURE = "X-Voicemail-Signature"
#: The mailbox's field with its own address.
FIELD = "webhook"
#: In a job, and not in what is sent: the name of an address of the settings, where a rule names one.
TO = "to"
GONE = 410
#: Answers that say nothing of this call, but that none is wanted just now.
_NOT_NOW = {429, 502, 503, 504}
#: Events of messages that may have words.
_WORDED = {EventType.DELIVERED, EventType.TRANSCRIBED}


class WebhookCaller:
    """Carries webhook jobs (a JobWorker's `carry`). A host that hangs costs itself only: see endpoints.py.

    Args:
        settings: see there. registry, clock: the ports.
        mailboxes: where what is said in a message is read that is told of; None = it is told to nobody.
        tls: how certificates are checked; None = as the system does, host name included.
    """

    def __init__(
        self,
        settings: WebhookSettings,
        registry: Registry,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        mailboxes: Mailboxes | None = None,
    ) -> None:
        self._settings = settings
        pairs = (pair.partition("=") for pair in settings.secrets)
        self._secrets = {domain.lower(): key for domain, _, key in pairs}
        self._named = dict(pair.split("=", 1) for pair in settings.addresses)
        self._tls = tls
        self._registry = registry
        self._mailboxes = mailboxes
        self._clock = clock
        self._endpoints = Endpoints(clock)

    def carry(self, job: Job) -> Outcome:
        """Make one call; may raise StoreDownError before anything was sent."""
        name = job.body.get(TO)
        own = webhook_of(fields_of(self._registry, job.box), self._settings.url) if name is None else ""
        url = own if name is None else self._named.get(name, "")
        if not url:
            return Obsolete("no webhook is set any more")
        shown = mask_url(url)
        try:
            host = urlsplit(checked_url(url)).netloc
        except InvalidValueError as wrong:
            return Refused(str(wrong))
        body = self._body(job)
        endpoint = self._endpoints.of(host)
        rest = endpoint.enter()
        if rest > 0:
            return Deferred(
                job.error or f"{shown}: {endpoint.error or 'another call is on its way'}",
                after_s=rest,
                counted=False,
            )
        error: str | None = None
        try:
            status, retry_after = self._call(url, job, body)
            error = ""
        except (OSError, http.client.HTTPException, ValueError) as wrong:
            error = one_line(f"{type(wrong).__name__}: {wrong}", 200)
        finally:
            rest = endpoint.leave(error)
        if error:
            return Deferred(f"{shown}: {error}", after_s=rest, holds=True)
        if 200 <= status < 300:
            return Sent()
        if status == GONE:
            return Refused(f"{shown}: 410, it wants no more calls")
        if 300 <= status < 400:
            return Deferred(f"{shown}: {status}, redirects are not followed")
        return Deferred(f"{shown}: {status}", after_s=asked_to_wait(retry_after), holds=status in _NOT_NOW)

    def _body(self, job: Job) -> bytes:
        """What is said in a message is read when it is told: a job lies in the store longer than messages may."""
        payload, message = job.body, job.body.get("message")
        if self._mailboxes is None or not message or payload.get("event") not in _WORDED:
            return body_of(job)
        try:
            said = self._mailboxes.message(job.box, str(message["id"])).transcript
        except NoSuchMessageError:
            said = None
        words = said.text if said else None
        return body_of(replace(job, body={**payload, "message": {**message, "transcript": words}}))

    def _call(self, url: str, job: Job, body: bytes) -> tuple[int, str]:
        """POST the job to the address; its status, and its Retry-After."""
        target = urlsplit(url)
        secret = self._secrets.get(job.box.domain, self._settings.secret)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": f"esl-vm/{__version__}",
            "Idempotency-Key": job.id,
            "X-Voicemail-Event": str(job.body.get("event", "")),
            "Connection": "close",
        }
        if secret:
            headers[SIGNATURE] = signature(secret, int(self._clock.now()), body)
        line = self._line(target.scheme, target.hostname or "", target.port)
        path = target.path or "/"
        with contextlib.closing(line), deadline(self._settings.timeout_s, lambda: cut(line.sock)) as struck:
            line.request("POST", f"{path}?{target.query}" if target.query else path, body, headers)
            answer = line.getresponse()
            if struck.is_set():
                raise TimeoutError(f"no whole answer within {self._settings.timeout_s:g} s")
            # Its head says all; a body that never ends changes nothing of that.
            return answer.status, answer.headers.get("Retry-After", "")

    def _line(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        """A connection not yet made; it uses no proxy and follows nothing."""
        if scheme == "https":
            tls = self._tls or ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._settings.timeout_s, context=tls)
        return http.client.HTTPConnection(host, port, timeout=self._settings.timeout_s)


def body_of(job: Job) -> bytes:
    """What is sent to the receiver: one JSON object on one line."""
    return json_text({name: value for name, value in job.body.items() if name != TO}, sort_keys=True).encode()


def signature(secret: str, at: int, body: bytes) -> str:
    """The signature header's value: `t=1795000000,v1=…`."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def webhook_of(fields: Mapping[str, Any], default: str) -> str:
    """The address to be called about a mailbox with these fields: its own, else the service's; `-` = nobody."""
    own = str(fields.get(FIELD, "")).strip()
    return "" if own == "-" else own or default


def checked_url(url: str) -> str:
    """An address that can be called; raises InvalidValueError."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or any(c.isspace() or ord(c) < 0x21 for c in url) or parts.username is not None:
        raise InvalidValueError(f"not a webhook's address, http:// or https:// with a host: {mask_url(url)!r}")
    return url
