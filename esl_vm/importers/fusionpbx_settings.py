"""How a FusionPBX mailbox is set: a row of v_voicemails and what other tables say about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from esl_vm.importers.fusionpbx_tables import FusionTables, yes
from esl_vm.importers.plan import Findings, ImportedMailbox, Secret
from esl_vm.importers.texts import addresses, language_of, person
from esl_vm.model.fields import time_zones

if TYPE_CHECKING:
    from esl_vm.importers.postgres_dump import Row
    from esl_vm.model.mailbox import MailboxId

_TRANSFER = re.compile(r"transfer\s+([0-9A-Za-z*#+_.-]{1,64})(\s|$)")


class FusionSettings:
    """Reads rows of v_voicemails.

    Args:
        tables: all rows. shown: mailboxes by voicemail_uuid, as the report calls them. findings: told what is lost.
    """

    def __init__(self, tables: FusionTables, shown: dict[str, str], findings: Findings) -> None:
        self._tables = tables
        self._shown = shown
        self._findings = findings

    def mailbox(self, row: Row, box: MailboxId, where: str) -> ImportedMailbox:
        """The mailbox without messages and greetings."""
        domain = self._tables.key(row, "domain_uuid")
        emails, odd = addresses(row.get("voicemail_mail_to") or "")
        if odd:
            self._findings.remark("email_unusable", where, "an address that is none was left out")
        timezone = self._tables.setting(domain, "domain", "time_zone")
        if timezone and timezone not in time_zones():
            self._findings.remark("timezone_unknown", where, f"no such time zone: {timezone}")
            timezone = ""
        self._remark_copies(row, where)
        return ImportedMailbox(
            box=box,
            name=person(row.get("voicemail_description") or ""),
            language=language_of(self._tables.setting(domain, "domain", "language")),
            timezone=timezone,
            emails=emails,
            pager=(row.get("voicemail_sms_to") or "").strip(),
            pin=self._pin(row, where),
            options=self._options(row, bool(emails)),
            enabled=yes(row, "voicemail_enabled", True) and domain not in self._tables.closed_domains,
        )

    def _pin(self, row: Row, where: str) -> Secret | None:
        pin = Secret((row.get("voicemail_password") or "").strip())
        if pin and pin.typeable:
            return pin
        if pin:
            self._findings.remark("pin_unusable", where, "the PIN can't be typed on a telephone: set one")
        else:
            self._findings.remark("pin_unknown", where, "none is set: set a PIN with esl-vm mailbox pin")
        return None

    def _options(self, row: Row, mailed: bool) -> dict[str, str]:
        options: dict[str, str] = {}
        how = (row.get("voicemail_file") or "").strip().lower()
        attached = how == "attach" if how else yes(row, "voicemail_attach_file", True)
        options["attach"] = "yes" if attached else "no"
        if mailed and not yes(row, "voicemail_local_after_email", True):
            options["delete"] = "yes"
        if not yes(row, "voicemail_recording_instructions", True):
            options["skip_instructions"] = "yes"
        if not yes(row, "voicemail_recording_options", True):
            options["review"] = "no"
        uuid = self._tables.key(row, "voicemail_uuid")
        for option in self._tables.all("v_voicemail_options"):
            if self._tables.key(option, "voicemail_uuid") == uuid and option.get("voicemail_option_digits") == "0":
                match = _TRANSFER.match(option.get("voicemail_option_param") or "")
                if match:
                    options["operator"] = match[1]
        return options

    def _remark_copies(self, row: Row, where: str) -> None:
        uuid = self._tables.key(row, "voicemail_uuid")
        copies = [
            self._shown.get(target, target)
            for copy in self._tables.all("v_voicemail_destinations")
            if self._tables.key(copy, "voicemail_uuid") == uuid
            and (target := self._tables.key(copy, "voicemail_uuid_copy")) != uuid
        ]
        if copies:
            self._findings.remark("copies_not_carried", where, f"every message was copied to {', '.join(copies)}")
        if other := (row.get("voicemail_alternate_greet_id") or "").strip():
            self._findings.remark("option_not_carried", where, f"the greeting named extension {other}")
