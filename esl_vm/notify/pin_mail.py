"""The mail with a random PIN for an owner. It is sent at once: a PIN lies in no queue."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from esl_vm.notify import wording
from esl_vm.notify.mail import envelope_of
from esl_vm.notify.mail_templates import PIN, MailTemplates, Notice, addresses
from esl_vm.notify.smtp import hand_over
from esl_vm.notify.smtp_connection import ServerAwayError, SmtpServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.settings import MailSettings


class PinWriter:
    """Sends such mails, one after the other.

    Args:
        server, templates, settings, language, timezone: as a Mailer's.
    """

    def __init__(
        self, server: SmtpServer, templates: MailTemplates, settings: MailSettings, language: str, timezone: str
    ) -> None:
        self._server = server
        self._templates = templates
        self._settings = settings
        self._language, self._timezone = language, timezone

    def __call__(self, box: MailboxId, fields: Mapping[str, str], pin: str) -> str:
        """Send one to the address of those fields (`email`, `name`, `language`, `timezone`); why not, `` if it was accepted."""
        recipients = addresses(fields.get("email", ""))[0]
        if not recipients:
            return "there is no mail address"
        language = wording.language_of(fields.get("language", ""), self._language)
        notice = Notice(language, fields.get("name", ""), str(box), box.number, box.domain, pin=pin)
        message_id = f"pin.{secrets.token_hex(12)}@{self._settings.sender.rpartition('@')[2]}"
        date = wording.local_time(time.time(), fields.get("timezone", ""), self._timezone)
        envelope = envelope_of(self._settings, box, recipients, message_id, date)
        try:
            said = hand_over(
                self._server, self._templates.notice(PIN, notice, envelope), self._settings.sender, recipients
            )
        except ServerAwayError as away:
            return str(away)
        return "" if said.accepted else "; ".join((said.later | said.never | said.too_large).values())
