"""Notices in browsers: a message is told to each that was signed up, through its maker's push service (Web Push).

What is told is encrypted for the browser alone; the push service learns when, and to which browser. One that is gone (404, 410)
is forgotten. A host that hangs costs itself only: see endpoints.py.
"""

from __future__ import annotations

import http.client
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.model.deadline import asked_to_wait
from esl_vm.model.errors import NoSuchMessageError, SealedError, StoreDownError
from esl_vm.model.mailbox import Folder
from esl_vm.model.message import one_line
from esl_vm.model.open_internet import PrivateAddressError
from esl_vm.model.push import TEST
from esl_vm.model.visible import json_text
from esl_vm.notify import wording
from esl_vm.notify.asking import Asked, ask
from esl_vm.notify.endpoints import Endpoints
from esl_vm.notify.job_worker import Deferred, Obsolete, Outcome, Refused, Sent
from esl_vm.sealing.web_push import authorization, encrypted, new_key

if TYPE_CHECKING:
    import ssl

    from esl_vm.model.jobs import Job
    from esl_vm.model.mailbox import Mailbox, MailboxId
    from esl_vm.model.message import Message
    from esl_vm.model.push import PushSubscription
    from esl_vm.model.settings import PushSettings
    from esl_vm.ports import Clock, Mailboxes
    from esl_vm.store.push import RedisPush

log = logging.getLogger(__name__)

_TITLES = {
    "fr": ("Nouveau message vocal", "Message vocal urgent", "Les avis arrivent ici"),
    "en": ("New voice message", "Urgent voice message", "Notices come here"),
}
_KEPT_S = 4 * 3600
"""For how long a push service keeps it for a browser that is not there, seconds."""
_WORDS = 300
"""Letters of what is said in a message."""
_GONE = {404, 410}
_AGAIN = {408, 425, 429}


class PushSender:
    """Carries jobs of notices in browsers (a JobWorker's `carry`).

    Args:
        settings: see there. subscriptions: browsers, and the service's key. mailboxes, clock: the ports.
        language: of mailboxes that name none.
        tls: how certificates are checked; None = as the system does, host name included.
    """

    def __init__(
        self,
        settings: PushSettings,
        subscriptions: RedisPush,
        mailboxes: Mailboxes,
        clock: Clock,
        language: str = "fr",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings, self._subscriptions, self._mailboxes = settings, subscriptions, mailboxes
        self._clock, self._language, self._tls = clock, language, tls
        self._endpoints = Endpoints(clock)

    def carry(self, job: Job) -> Outcome:
        """Tell each browser that was not told; may raise StoreDownError before anything was sent."""
        mailbox = self._mailboxes.open(job.box)
        message = None
        if mailbox is None:
            return Obsolete("the mailbox is gone")
        if TEST not in job.body:
            try:
                message = self._mailboxes.message(job.box, str(job.body["message"]["id"]))
            except NoSuchMessageError:
                return Obsolete("the message is gone")
            if message.heard or message.folder is Folder.TRASH:
                return Obsolete("the message was heard or deleted")
        found = self._subscriptions.all(mailbox)
        left = [one for one in found if one.id in job.body.get("left", (one.id,))]
        if not left:
            return Obsolete("no browser is signed up")
        try:
            key = self._subscriptions.key(new_key)
        except SealedError as sealed:
            return Deferred(f"the key of push can't be opened: {sealed}")
        never: list[str] = list(job.body.get("never", []))
        later: dict[str, Deferred] = {}
        for one in left:
            match self._sent(job.box, one, key, self._told(one, mailbox, message)):
                case Deferred() as put_off:
                    later[one.id] = put_off
                case Refused(error):
                    never.append(error)
        if later:
            rest = replace(job, body={**job.body, "left": list(later), "never": never})
            latest = max(later.values(), key=lambda one: one.after_s)
            return replace(latest, job=rest, counted=any(one.counted for one in later.values()))
        return Refused("; ".join(never)) if never else Sent()

    def _told(self, one: PushSubscription, mailbox: Mailbox, message: Message | None) -> bytes:
        """What a browser shows: who and how long, and the words where its owner wants them; read by push-worker.js."""
        language = wording.language_of(mailbox.language, self._language)
        usual, urgent, test = _TITLES[language]
        if message is None:
            shown = {"title": test, "body": mailbox.name or str(mailbox.id), "tag": TEST}
        else:
            who = wording.caller(message.caller.name, message.caller.number, language)
            told = f"{who}, {wording.length(message.duration_ms, language)}"
            if one.words and message.transcript:
                told += f"\n{one_line(message.transcript.text, _WORDS)}"
            shown = {"title": urgent if message.urgent else usual, "body": told, "tag": message.id}
        shown |= {"mailbox": str(mailbox.id), "message": message.id if message else ""}
        plain = {name: "".join(c for c in text if c.isprintable() or c == "\n") for name, text in shown.items()}
        return json_text(plain).encode()

    def _sent(self, box: MailboxId, one: PushSubscription, key: bytes, content: bytes) -> Outcome:
        endpoint = self._endpoints.of(one.origin)
        if (rest := endpoint.enter()) > 0:
            return Deferred(f"{one.origin}: {endpoint.error or 'another is on its way'}", after_s=rest, counted=False)
        error: str | None = None
        try:
            headers = {
                "TTL": str(_KEPT_S),
                "Urgency": "high",
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "Connection": "close",
                "Authorization": authorization(key, one.origin, self._settings.contact, self._clock.now()),
            }
            body, wanted = encrypted(content, one.p256dh, one.auth), self._settings
            asked = Asked("POST", one.endpoint, headers, body, wanted.timeout_s, wanted.private, self._tls)
            answer = ask(asked)
            error = ""
        except PrivateAddressError as private:
            error = ""
            return Refused(f"{private} (push.private)")
        except (OSError, http.client.HTTPException, ValueError) as wrong:
            error = one_line(f"{type(wrong).__name__}: {wrong}", 200)
        finally:
            rest = endpoint.leave(error)
        if error:
            return Deferred(f"{one.origin}: {error}", after_s=rest, holds=True)
        status = answer.status
        if status in _GONE:
            with suppress(StoreDownError):  # else the next message finds it gone
                self._subscriptions.remove(box, one.id)
            log.info("%s: the browser %s is gone, and told nothing any more", box, one.name or one.id)
            return Sent()
        if 200 <= status < 300:
            return Sent()
        if status < 500 and status not in _AGAIN:
            return Refused(f"{one.origin}: {status}")
        return Deferred(f"{one.origin}: {status}", after_s=asked_to_wait(answer.retry_after))
