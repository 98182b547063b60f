"""Text messages about messages, through the HTTP gateway that the settings describe.

A job is one text to some numbers. What the gateway took is not sent again; it is the same text with the same
`Idempotency-Key` however often it is tried. No redirect is followed, and no address asked that is not of the open internet,
unless `sms.private` allows it: the address that was judged is the one that is connected to.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

from esl_vm import __version__
from esl_vm.actions.calling import is_allowed
from esl_vm.model.deadline import asked_to_wait
from esl_vm.model.errors import StoreDownError
from esl_vm.model.masking import mask_url
from esl_vm.model.message import one_line
from esl_vm.model.open_internet import PrivateAddressError
from esl_vm.model.visible import json_text
from esl_vm.notify.asking import Asked, ask
from esl_vm.notify.job_worker import Deferred, Obsolete, Outcome, Refused, Sent
from esl_vm.notify.news import news_of, transcript_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from esl_vm.model.jobs import Job
    from esl_vm.model.settings import SmsSettings
    from esl_vm.notify.mail_templates import MailTemplates
    from esl_vm.ports import Mailboxes
    from esl_vm.store.outbox import RedisOutbox

_PLACE = re.compile(r"\{(to|text|secret|id|mailbox)\}")
#: Answers that say that this text will never be taken.
_NEVER = {400, 410, 413, 422}


@dataclass(frozen=True, slots=True)
class SmsRequest:
    """What is asked of the gateway."""

    url: str
    headers: dict[str, str]
    body: bytes | None


def request_of(settings: SmsSettings, values: Mapping[str, str]) -> SmsRequest:
    """What is sent for a text: each value stands where the templates have its name, and can become nothing else.

    Args:
        settings: the templates.
        values: of `to`, `text`, `id`, `mailbox`.
    """
    known = {**values, "secret": settings.secret}

    def filled(template: str, quoted: Callable[[str], str] = str) -> str:
        return _PLACE.sub(lambda place: quoted(known[place[1]]), template)

    url = filled(settings.url, lambda value: quote(value, safe=""))
    headers = {"User-Agent": f"esl-vm/{__version__}", "Idempotency-Key": values["id"], "Connection": "close"}
    pairs = (header.split("=", 1) for header in settings.headers)
    headers |= {name: value.replace("{secret}", settings.secret) for name, value in pairs}
    if settings.user:
        headers["Authorization"] = f"Basic {base64.b64encode(f'{settings.user}:{settings.secret}'.encode()).decode()}"
    if settings.format == "json":
        content = json_text(_leaves(json.loads(settings.body), filled))
        kind = "application/json"
    else:
        content = urlencode([(name, filled(value)) for name, value in parse_qsl(settings.body, keep_blank_values=True)])
        kind = "application/x-www-form-urlencoded"
    if settings.method == "GET":
        return SmsRequest(f"{url}{'&' if '?' in url else '?'}{content}" if content else url, headers, None)
    return SmsRequest(url, {**headers, "Content-Type": f"{kind}; charset=utf-8"}, content.encode())


def _leaves(value: Any, filled: Callable[[str], str]) -> Any:
    """A JSON value with its texts filled in; names are as they were."""
    match value:
        case str():
            return filled(value)
        case list():
            return [_leaves(one, filled) for one in value]
        case dict():
            return {name: _leaves(one, filled) for name, one in value.items()}
        case _:
            return value


class SmsSender:
    """Carries text jobs (a JobWorker's `carry`).

    Args:
        settings: the gateway.
        templates: of mail; a text says what a pager is told.
        mailboxes: where its owner's language, and what is said in the message, are read.
        language: of mailboxes that name none.
        timezone: likewise.
        tls: how certificates are checked; None = as the system does, host name included.
        outbox: where texts are counted.
    """

    def __init__(
        self,
        settings: SmsSettings,
        templates: MailTemplates,
        mailboxes: Mailboxes,
        language: str = "fr",
        timezone: str = "America/Toronto",
        tls: ssl.SSLContext | None = None,
        *,
        outbox: RedisOutbox,
    ) -> None:
        self._settings, self._outbox = settings, outbox
        self._templates = templates
        self._mailboxes = mailboxes
        self._language, self._timezone = language, timezone
        self._tls = tls

    def carry(self, job: Job) -> Outcome:
        """Send a text to whoever has not got it; may raise StoreDownError before anything was sent."""
        mailbox = self._mailboxes.open(job.box)
        if mailbox is None:
            return Obsolete("the mailbox is gone")
        words = transcript_of(self._mailboxes, job) if self._settings.transcript else ""
        news = news_of(job, mailbox, self._language, self._timezone, transcript=words)
        line = self._templates.line(news, self._settings.longest)
        text = "".join(letter for letter in line if letter.isprintable())  # nothing that turns or hides the rest
        never: dict[str, str] = dict(job.body.get("never", {}))
        later: dict[str, Deferred] = {}
        for number in job.body["to"]:
            match self._sent(job, number, text):
                case Deferred() as put_off:
                    later[number] = put_off
                case Refused(error):
                    never[number] = error
        if later:
            rest = replace(job, body={**job.body, "to": list(later), "never": never})
            return replace(max(later.values(), key=lambda one: one.after_s), job=rest)
        if not never:
            return Sent()
        why = "; ".join(f"{number}: {error}" for number, error in never.items())
        return Refused(why, replace(job, body={**job.body, "to": list(never), "never": {}}))

    def _sent(self, job: Job, number: str, text: str) -> Outcome:
        if not is_allowed(self._settings.numbers, number.removeprefix("+")):
            return Refused("sms.numbers allow no text to it")
        if self._outbox.texts(job.box) >= self._settings.per_hour:
            return Refused(f"there were {self._settings.per_hour} texts of this mailbox in this hour (sms.per_hour)")
        values = {"to": number, "text": text, "id": f"{job.id}:{number}", "mailbox": str(job.box)}
        asked = request_of(self._settings, values)
        shown = mask_url(self._settings.url)
        wanted = self._settings
        how = Asked(
            wanted.method, asked.url, asked.headers, asked.body, wanted.timeout_s, wanted.private, self._tls, reads=bool(wanted.taken)
        )  # fmt: skip
        try:
            answer = ask(how)
        except PrivateAddressError as private:
            return Refused(f"{private} (sms.private)")
        except (OSError, http.client.HTTPException, ValueError) as wrong:
            return Deferred(f"{shown}: {one_line(f'{type(wrong).__name__}: {wrong}', 200)}", away=True)
        status = answer.status
        if 200 <= status < 300:
            said = wanted.taken.encode() in answer.content
            if not said:
                return Deferred(f"{shown}: {status}, and does not say that it took it (sms.taken)")
            with suppress(StoreDownError):  # what was taken is not sent once more
                self._outbox.count_text(job.box)
            return Sent()
        if status in _NEVER or 300 <= status < 400:
            return Refused(f"{shown}: {status}{', redirects are not followed' if status < 400 else ''}")
        return Deferred(f"{shown}: {status}", after_s=asked_to_wait(answer.retry_after))
