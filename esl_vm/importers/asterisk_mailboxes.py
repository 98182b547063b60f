"""voicemail.conf: which mailboxes there are, and how they are set (app_voicemail.c, `append_mailbox`, `apply_option`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.importers.plan import Findings, ImportedMailbox, Kind, Secret
from esl_vm.importers.texts import addresses, language_of, person, truth
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.fields import time_zones
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.options import FIELDS, MailboxOptions, option_name, option_text, parse_option

if TYPE_CHECKING:
    from esl_vm.importers.asterisk_config import AsteriskConfig, ConfigLine

ANY_SCOPE = {
    *("maxmsg", "maxsecs", "minsecs", "review", "leaveurgent", "envelope", "saycid", "sayduration", "saydurationm"),
    *("sendvoicemail", "moveheard", "nextaftercmd", "messagewrap", "tempgreetwarn", "forcename", "forcegreetings"),
    "attach",
}
GENERAL_ONLY = {"maxgreet", "maxsilence", "silencethreshold", "skipms", "maxlogins", "usedirectory"}
MAILBOX_ONLY = {"hidefromdir", "delete"}
_OTHER_NAMES = {"deletevoicemail": "delete", "maxmessage": "maxsecs", "minmessage": "minsecs"}
_MAIL_TEXT = {
    "serveremail",
    "fromstring",
    "emailbody",
    "emailsubject",
    "attachfmt",
    "attachextrecs",
    "locale",
    "volgain",
}
_RANGES = {"maxmsg": 9999, "maxsecs": 86400, "minsecs": 3600, "maxgreet": 3600, "maxsilence": 3600, "skipms": 600000}


@dataclass(frozen=True, slots=True)
class ConfiguredMailbox:
    """A mailbox line: context and number as Asterisk names it, and the mailbox as the line has it, without its PIN.

    Args:
        pin: what the line says. pin_in_spool: a secret.conf in the mailbox's folder, if there is one, holds it instead.
    """

    context: str
    number: str
    mailbox: ImportedMailbox
    pin: str
    pin_in_spool: bool


class VoicemailConf:
    """The mailboxes of a voicemail.conf.

    Args:
        config: the file, read. domains: contexts that get another name here.
        defaults: options of the service; a [general] setting that says the same is not written to each mailbox.
        findings: told what was passed over.
    """

    def __init__(
        self, config: AsteriskConfig, domains: dict[str, str], defaults: MailboxOptions, findings: Findings
    ) -> None:
        self._config = config
        self._domains = domains
        self._findings = findings
        self._general = config.named("general")
        self._zones = self._read_zones()
        self._alias_section = self._general.last("aliasescontext") or ""
        self._aliases = self._read_aliases()
        self._defaults = self._general_options(defaults)
        self._general_timezone = self._timezone("[general]", self._general.last("tz") or "")
        self.formats = re.split(r"[|,]", self._general.last("format") or "wav")
        self.mailboxes: dict[tuple[str, str], ConfiguredMailbox] = {}
        self._read_mailboxes()

    def _read_zones(self) -> dict[str, str]:
        zones = {}
        for line in self._config.named("zonemessages").lines:
            zone, separator, _format = re.sub(r"[|,]", "\n", line.value, count=1).partition("\n")
            if not separator:
                self._findings.remark(
                    "timezone_unknown", line.where, f"{line.key}: no date format, so Asterisk drops it"
                )
            elif zone.strip() in time_zones():
                zones[line.key] = zone.strip()
            else:
                self._findings.remark("timezone_unknown", line.where, f"{line.key}: no such time zone")
        return zones

    def _read_aliases(self) -> dict[str, list[str]]:
        aliases: dict[str, list[str]] = {}
        if self._alias_section:
            for line in self._config.named(self._alias_section).lines:
                aliases.setdefault(line.value.lower(), []).append(line.key)
        return aliases

    def _general_options(self, defaults: MailboxOptions) -> dict[str, str]:
        """What [general] says otherwise than the service's defaults."""
        options: dict[str, str] = {}
        # the old names first: where both stand, the new one counts
        for name in ("maxmessage", "minmessage", *sorted(ANY_SCOPE | GENERAL_ONLY)):
            value = self._general.last(name)
            if value is not None:
                self._set(options, _OTHER_NAMES.get(name, name), value, "[general]")
        for name in ("callback", "dialout", "operator"):
            if truth(value := self._general.last(name) or "") or (name != "operator" and value):
                self._not_carried("[general]", name)
        if shortest := self._general.last("minpassword"):
            self._findings.remark(
                "option_elsewhere", "[general]", f"minpassword={shortest} is a setting of the service"
            )
        return {name: text for name, text in options.items() if parse_option(name, text) != getattr(defaults, name)}

    def _read_mailboxes(self) -> None:
        reserved = {"general", "zonemessages", self._alias_section.lower()}
        for section in self._config.sections:
            if not section.template and section.name.lower() not in reserved:
                for line in section.lines:
                    self._mailbox(section.name, line)

    def _mailbox(self, context: str, line: ConfigLine) -> None:
        number = line.key
        key = (context.lower(), number.lower())
        if key in self.mailboxes:
            why = f"defined again at {line.where}; the first line counts"
            self._findings.item(Kind.CONFIGURATION_DUPLICATE, f"{context}/{number}", why)
            return
        try:
            box = MailboxId(number, self._domains.get(context, context))
        except InvalidValueError as error:
            self._findings.item(Kind.INVALID_MAILBOX, f"{context}/{number}", f"{line.where}: {error}")
            return
        pin, name, mail, pager, rest = (line.value.split(",", 4) + [""] * 4)[:5]
        options = dict(self._defaults)
        extra = self._options(str(box), rest, options)
        emails, odd = addresses(mail)
        pagers, odd_pager = addresses(pager)
        if odd or odd_pager:
            self._findings.remark("email_unusable", str(box), "an address that is none was left out")
        pin = pin.strip()
        if pin.startswith("-") and len(pin) > 1:
            options["pin_locked"] = "yes"
        mailbox = ImportedMailbox(
            box=box,
            name=person(name),
            emails=emails,
            pager=pagers[0] if pagers else "",
            language=self._language(str(box), extra.get("language", "")),
            timezone=self._timezone(str(box), extra["tz"]) if extra.get("tz") else self._general_timezone,
            options=options,
            extensions=self._extensions(context, number, extra.get("alias", "")),
        )
        place = extra.get("passwordlocation") or self._general.last("passwordlocation") or ""
        in_spool = place.lower() == "spooldir"
        self.mailboxes[key] = ConfiguredMailbox(context, number, mailbox, pin.removeprefix("-"), in_spool)

    def _options(self, where: str, text: str, options: dict[str, str]) -> dict[str, str]:
        """Apply a line's options; returns those that are no options of ours."""
        extra: dict[str, str] = {}
        for word in text.split("|"):
            name, sign, value = word.partition("=")
            name, value = name.strip().lower(), value.strip()
            name = _OTHER_NAMES.get(name, name)
            if not sign or not name:
                continue
            if name == "maxsecs" and not re.match(r"[0-9]*[1-9]", value):
                self._findings.remark("option_not_carried", where, "maxsecs: not a sensible value; the default holds")
            elif name in ANY_SCOPE | MAILBOX_ONLY:
                self._set(options, name, value, where)
            elif name == "operator":
                # yes is what the service does wherever a reception is set
                if not truth(value):
                    self._not_carried(where, "operator=no")
            elif name in {"callback", "dialout"}:
                if value:
                    self._not_carried(where, name)
            elif name in {"passwordlocation", "language", "tz", "alias"}:
                extra[name] = value
            elif name in _MAIL_TEXT or name in {"exitcontext", "backupdeleted"} or name.startswith("imap"):
                self._not_carried(where, name)
            else:
                self._findings.remark("option_unknown", where, name)
        return extra

    def _not_carried(self, where: str, name: str) -> None:
        why = {
            "callback": "calls out of a mailbox stay off until call_patterns allows numbers",
            "dialout": "calls out of a mailbox stay off until call_patterns allows numbers",
            "operator": "set the extension of the reception (operator)",
            "operator=no": "a mailbox without reception is one where no operator is set at all",
            "exitcontext": "0 goes to the extension that `operator` names",
            "backupdeleted": "deleted messages stay in the trash for trash_days",
        }.get(name, "mail is made from the service's own templates")
        self._findings.remark("option_not_carried", where, f"{name}: {why}")

    def _set(self, options: dict[str, str], name: str, value: str, where: str) -> None:
        field_name = option_name(name)
        if isinstance(FIELDS[field_name].default, bool):
            options[field_name] = option_text(truth(value))
            return
        match = re.match(r"\s*([+-]?[0-9]{1,18})", value)
        number = min(int(match[1]), _RANGES.get(name, 10**9)) if match else -1
        try:
            options[field_name] = option_text(parse_option(field_name, str(number)))
        except InvalidValueError:
            self._findings.remark("option_not_carried", where, f"{name}: not a sensible value; the default holds")

    def _language(self, where: str, tag: str) -> str:
        if tag and not language_of(tag):
            self._findings.remark("language_unknown", where, f"{tag}: prompts are in French and English")
        return language_of(tag)

    def _timezone(self, where: str, zone: str) -> str:
        if zone and zone not in self._zones:
            self._findings.remark("timezone_unknown", where, f"tz={zone} is not in [zonemessages]")
        return self._zones.get(zone, "")

    def _extensions(self, context: str, number: str, alias: str) -> tuple[str, ...]:
        """The numbers that mean this mailbox too; those of other contexts keep their context."""
        names = []
        for name in self._aliases.get(f"{number}@{context}".lower(), []):
            short, _at, where = name.partition("@")
            names.append(short if where.lower() == context.lower() or not where else name)
        if alias:
            names.append(alias)
        usable = tuple(n for n in dict.fromkeys(names) if re.fullmatch(r"[A-Za-z0-9_.+@-]{1,128}", n))
        if usable:
            why = f"calls for {', '.join(usable)} are for this mailbox where nobody else has the number; its lamp shows it"
            self._findings.remark("alias", f"{number}@{context}", why)
        return usable


def secret_of(pin: str, where: str, findings: Findings) -> tuple[Secret | None, bool]:
    """A PIN as configured, and whether one is asked: none if it is empty, unknown if nobody can type it."""
    if not pin:
        return None, False
    secret = Secret(pin)
    if secret.typeable:
        return secret, True
    findings.remark("pin_unusable", where, "the PIN can't be typed on a telephone: give a new one (esl-vm mailbox pin)")
    return None, True
