"""What a user of FreeSWITCH's directory says of his mailbox (mod_voicemail.c)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from esl_vm.importers.plan import Findings, Secret
from esl_vm.importers.texts import truth

if TYPE_CHECKING:
    from esl_vm.importers.freeswitch_directory import User

_CHOOSE = "user-choose"


def pin_of(user: User, chosen: str, where: str, findings: Findings) -> Secret | None:
    """The PIN that opens the mailbox; None if it is not known, so that a new one must be given.

    The PIN its owner chose (table voicemail_prefs) counts before the directory's vm-password, though mod_voicemail
    takes both; a vm-a1-hash can't be turned back; without vm-password the SIP password opens it, if it can be typed.
    """
    listed = user.params.get("vm-password")
    if listed is None:
        listed = password if (password := user.params.get("password", "")) and Secret(password).typeable else ""
    listed = "" if listed.lower() == _CHOOSE else listed
    if chosen and listed and chosen != listed:
        why = "the directory's vm-password opened it too; only the PIN its owner chose does here"
        findings.remark("second_pin", where, why)
    pin = Secret(chosen or listed)
    if not pin:
        hashed = user.params.get("vm-a1-hash") or user.params.get("a1-hash")
        why = "only its hash is known" if hashed else "none is set"
        findings.remark("pin_unknown", where, f"{why}: set a PIN with esl-vm mailbox pin")
        return None
    if not pin.typeable:
        findings.remark("pin_unusable", where, "the PIN can't be typed on a telephone: set one with esl-vm mailbox pin")
        return None
    return pin


def options_of(user: User, where: str, findings: Findings) -> dict[str, str]:
    """The options, by their names in model/options.py."""
    options: dict[str, str] = {}
    params = user.params
    if (value := params.get("vm-attach-file")) is not None:
        options["attach"] = "yes" if truth(value) else "no"
    if truth(params.get("vm-skip-instructions", "")):
        options["skip_instructions"] = "yes"
    if value := params.get("vm-disk-quota", "").strip():
        if re.fullmatch(r"[0-9]{1,9}", value):
            options["quota_seconds"] = value
        else:
            findings.remark("option_not_carried", where, "vm-disk-quota is no number of seconds")
    if value := params.get("vm-operator-extension", "").split(" ")[0]:
        if re.fullmatch(r"[0-9A-Za-z*#+_.-]{1,64}", value):
            options["operator"] = value
        else:
            findings.remark("option_not_carried", where, "vm-operator-extension is no extension")
    mails = truth(params.get("vm-email-all-messages", "")) and bool(params.get("vm-mailto"))
    if mails and not truth(params.get("vm-keep-local-after-email", "true")):
        options["delete"] = "yes"
    if params.get("vm-mailto") and not mails:
        why = "mail was sent only when asked for (vm-email-all-messages is not true); here it is sent for every message"
        findings.remark("mail_on_request", where, why)
    if copies := params.get("vm-cc"):
        findings.remark("copies_not_carried", where, f"vm-cc: every message was copied to {copies}")
    if other := params.get("vm-alternate-greet-id"):
        findings.remark("option_not_carried", where, f"vm-alternate-greet-id: the greeting named extension {other}")
    return options
