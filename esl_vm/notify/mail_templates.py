"""What a mail about a message says: templates in two languages, filled in and made a MIME message.

Nothing a caller can choose (name, number) gets into a header other than as one line of text that is encoded and never read
(headers.py), or into the HTML other than escaped.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    select_autoescape,
)

from esl_vm.model.errors import SettingsError
from esl_vm.model.message import CallDetails, one_line
from esl_vm.notify.headers import recipients_header, sender_header, text_header
from esl_vm.notify.wording import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

_LOCAL = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}")
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
LONGEST_SUBJECT = 200
LONGEST_PAGE = 300
LONGEST_NAME = 300
#: What people choose, of what templates can say.
_NAMES = {"owner", "caller", "caller_name", "caller_number", "forwarded_by", "from_number"}
NOTICES = PIN, LOCKED, SIGN_IN, ROOM = "pin", "locked", "sign_in", "room"
"""Mails that are about no message."""


@dataclass(frozen=True, slots=True)
class News:
    """What the templates can say; every field is a name in them.

    Args:
        language: `fr` or `en`. owner: the mailbox's owner, `` if unknown. mailbox, number, domain: `1001@default`, its parts.
        caller: name and number in words; caller_name, caller_number: as they came, either may be empty.
        received, duration: in words; received_iso: ISO 8601 with the mailbox's offset; duration_ms: milliseconds.
        urgent, cut: marked urgent; cut short by a failure. forwarded_by: the mailbox that forwarded it, `` if none.
        new, old: messages in the mailbox when it came.
        attached: the sound is attached. deleted: it goes to the trash once this mail is accepted.
        link: where the message is heard in a browser, `` = nowhere.
        message_id: the message's id. call: the call it came by, as `call.dialled`.
        transcript: what is said in it, `` if that is not known. call_back: the caller as a `tel:` link, `` if there is no number.
    """

    language: str
    owner: str
    mailbox: str
    number: str
    domain: str
    caller: str
    caller_name: str
    caller_number: str
    received: str
    received_iso: str
    duration: str
    duration_ms: int
    urgent: bool
    cut: bool
    forwarded_by: str
    new: int
    old: int
    attached: bool
    deleted: bool
    message_id: str
    call: CallDetails
    transcript: str = ""
    call_back: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the templates about a mailbox itself can say; every field is a name in them.

    Args:
        language: `fr` or `en`. owner: the mailbox's owner, `` if unknown. mailbox, number, domain: `1001@default`, its parts.
        pin: the random PIN, in `pin`; `` elsewhere. link: where one signs in once, in `sign_in`; `` elsewhere.
        from_number, until, outside: in `locked`: who tried last, `` if unknown; until when, in words; whether it is
            locked for other telephones than its own.
        of, held, most: in `room`: `messages` or `seconds`, whichever is running out; how many there are and can be, in words.
    """

    language: str
    owner: str
    mailbox: str
    number: str
    domain: str
    pin: str = ""
    from_number: str = ""
    until: str = ""
    outside: bool = False
    link: str = ""
    of: str = ""
    held: str = ""
    most: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file: its name, its MIME type, its content."""

    name: str
    maintype: str
    subtype: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom, and when; message_id without the angle brackets.

    reply_to: whom an answer goes to. list_id: what mailbox it is from, as a host name, for an owner's filters.
    """

    sender: str
    sender_name: str
    reply_to: str
    list_id: str
    recipients: Sequence[str]
    message_id: str
    date: datetime


class MailTemplates:
    """The templates, the administrator's own before the built-in ones of the same name.

    Args:
        folder: with files such as `subject.fr.txt`, `message.fr.txt`, `message.fr.html`, `page.fr.txt`; None = none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        loaders = [PackageLoader("esl_vm.notify", "templates")]
        own = [FileSystemLoader(folder)] if folder else []
        self._templates = Environment(
            loader=ChoiceLoader([*own, *loaders]),
            autoescape=select_autoescape(("html",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def check(self) -> None:
        """Fill in every template once; raises SettingsError that names each one that can't be."""
        problems = []
        for language in LANGUAGES:
            news = _example(language)
            facts: dict[str, News | Notice] = {
                f"{part}.{language}.txt": news for part in ("subject", "message", "page")
            }
            facts[f"message.{language}.html"] = news
            about = (language, news.owner, news.mailbox, news.number, news.domain)
            notice = Notice(*about, "483920", news.caller_number, "", True, news.link, "messages", "80", "100")
            facts |= {f"{form}{part}.{language}.txt": notice for form in NOTICES for part in ("_subject", "")}
            for name, said in facts.items():
                try:
                    self._fill(name, said)
                except (TemplateError, TypeError, ValueError, OSError) as error:
                    problems.append(f"mail template {name}: {type(error).__name__}: {error}")
        if problems:
            raise SettingsError(problems)

    def mail(self, news: News, envelope: Envelope, attachments: Sequence[Attachment]) -> EmailMessage:
        """The mail to the owner: text and HTML, the sound attached."""
        message = self._about(news, envelope)
        message.set_content(self._fill(f"message.{news.language}.txt", news), cte="quoted-printable")
        message.add_alternative(
            self._fill(f"message.{news.language}.html", news), subtype="html", cte="quoted-printable"
        )
        for file in attachments:
            message.add_attachment(file.data, maintype=file.maintype, subtype=file.subtype, filename=file.name)
        message["Content-Language"] = news.language  # last: giving a message content takes such headers away
        return message

    def page(self, news: News, envelope: Envelope) -> EmailMessage:
        """The short notification to a pager or a gateway to text messages: one line, no sound."""
        message = self._about(news, envelope)
        message.set_content(self.line(news) + "\n", cte="quoted-printable")
        message["Content-Language"] = news.language
        return message

    def line(self, news: News, longest: int = LONGEST_PAGE) -> str:
        """What a pager or a text message is told: one line of so many letters at most."""
        return one_line(self._fill(f"page.{news.language}.txt", news), longest)

    def notice(self, form: str, notice: Notice, envelope: Envelope) -> EmailMessage:
        """The mail to an owner of that form: `PIN` which one it is, `LOCKED` that it is, `SIGN_IN` by a link, `ROOM` that little is left."""
        subject = self._fill(f"{form}_subject.{notice.language}.txt", notice)
        message = self._headed(subject, envelope, urgent=form == LOCKED)
        message.set_content(self._fill(f"{form}.{notice.language}.txt", notice), cte="quoted-printable")
        message["Content-Language"] = notice.language
        return message

    def _about(self, news: News, envelope: Envelope) -> EmailMessage:
        """A message with all its headers and no body; those of the call it came by are `X-Voicemail-Call-Id` and so on."""
        message = self._headed(self._fill(f"subject.{news.language}.txt", news), envelope, urgent=news.urgent)
        for name, text in news.call.as_fields().items():
            header = f"X-Voicemail-{name.replace('_', '-').title()}"
            message[header] = text_header(header, text)
        return message

    @staticmethod
    def _headed(subject: str, envelope: Envelope, *, urgent: bool) -> EmailMessage:
        """A message with all its headers and no body."""
        message = EmailMessage(policy=SMTP)
        message["From"] = sender_header("From", one_line(envelope.sender_name), envelope.sender)
        message["To"] = recipients_header("To", envelope.recipients)
        message["Reply-To"] = recipients_header("Reply-To", [envelope.reply_to])
        message["Subject"] = text_header("Subject", one_line(subject, LONGEST_SUBJECT))
        message["Date"] = format_datetime(envelope.date)
        message["Message-ID"] = text_header("Message-ID", f"<{envelope.message_id}>")
        message["List-Id"] = text_header("List-Id", f"<{envelope.list_id}>")
        # No vacation notice in answer: RFC 3834, and what Exchange and Outlook look at.
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        if urgent:
            message["Importance"] = "high"
        return message

    def _fill(self, name: str, news: News | Notice) -> str:
        said = asdict(news)
        said |= {field: one_line(said[field], LONGEST_NAME) for field in _NAMES & said.keys()}
        return self._templates.get_template(name).render(said)


def _example(language: str) -> News:
    """A message that has everything a template may ask for."""
    return News(
        language=language,
        owner="Alice Martin",
        mailbox="1001@default",
        number="1001",
        domain="default",
        caller="Zoé Bélanger (5145551234)",
        caller_name="Zoé Bélanger",
        caller_number="5145551234",
        received="",
        received_iso="2026-11-18T11:06:40-05:00",
        duration="",
        duration_ms=12000,
        urgent=True,
        cut=True,
        forwarded_by="1002@default",
        new=2,
        old=1,
        attached=True,
        deleted=True,
        message_id="19f2a7",
        call=CallDetails("5360@x", "1017", "5145550123", "1900", "Sales"),
        transcript="Bonjour, c'est Zoé. Rappelez-moi.",
        call_back="tel:5145551234",
        link="https://voicemail.example.com/listen/x",
    )


def addresses(text: str) -> tuple[list[str], list[str]]:
    """The mail addresses in a field (commas, semicolons, `|` or blanks between), and what in it is none."""
    good, bad = [], []
    for word in re.split(r"[,;|\s]+", text.strip()):
        local, at, host = word.rpartition("@")
        try:
            host = host.encode("idna").decode("ascii") if host else ""
        except UnicodeError:
            host = ""
        if at and _LOCAL.fullmatch(local) and _HOST.fullmatch(host):
            good.append(f"{local}@{host}")
        elif word:
            bad.append(word)
    return list(dict.fromkeys(good)), bad
