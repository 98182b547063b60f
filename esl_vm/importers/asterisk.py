"""Reading an Asterisk's voicemail: voicemail.conf, the spool tree, secret.conf, or a dump of its ODBC table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.importers.asterisk_config import AsteriskConfig
from esl_vm.importers.asterisk_mailboxes import VoicemailConf, secret_of
from esl_vm.importers.asterisk_odbc import OdbcDump
from esl_vm.importers.asterisk_spool import SOURCE, AsteriskSpool
from esl_vm.importers.plan import Findings, ImportedMailbox, ImportSourceError, Kind, Plan, mailbox_id
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.options import MailboxOptions

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.importers.asterisk_mailboxes import ConfiguredMailbox
    from esl_vm.importers.asterisk_spool import SpoolMailbox


def read_asterisk(
    config: Path,
    spool: Path,
    *,
    odbc: Path | None = None,
    domains: dict[str, str] | None = None,
    defaults: MailboxOptions | None = None,
    unconfigured: bool = False,
) -> Plan:
    """Read an Asterisk's mailboxes.

    Args:
        config: voicemail.conf; what it includes is looked for in its folder only.
        spool: the folder with a folder for each context, as it lies now (/var/spool/asterisk/voicemail).
        odbc: a CSV dump, with a header line, of the table voicemessages, where messages lie in a database.
        domains: contexts that get another name here.
        defaults: the service's own options; what [general] says otherwise goes into each mailbox.
        unconfigured: bring mailboxes too that have messages but no line in voicemail.conf.

    Raises:
        ImportSourceError: config, spool or dump can't be read.
    """
    findings = Findings()
    domains = domains or {}
    conf = VoicemailConf(AsteriskConfig(config, findings), domains, defaults or MailboxOptions(), findings)
    tree = AsteriskSpool(spool, {box.context for box in conf.mailboxes.values()}, findings)
    dump = OdbcDump(odbc, tree, conf.formats, findings) if odbc else None
    boxes = []
    for configured in conf.mailboxes.values():
        shown = str(configured.mailbox.box)
        lying = _lying(tree, dump, configured.context, configured.number, shown)
        pin, asks = secret_of(_password(configured, lying), shown, findings)
        found = replace(configured.mailbox, pin=pin, asks_pin=asks, messages=lying.messages, greetings=lying.greetings)
        boxes.append(found)
    known = set(conf.mailboxes)
    strays = {(c, n) for c, n in tree.names() if (c.lower(), n.lower()) not in known}
    strays |= {(c, n) for c, n in dump.names() if (c.lower(), n.lower()) not in known} if dump else set()
    for context, number in sorted(strays):
        if box := _unconfigured(tree, dump, context, number, domains, findings, wanted=unconfigured):
            boxes.append(box)
    return Plan(SOURCE, tuple(boxes), tuple(findings.items), tuple(findings.remarks), dump.scratch if dump else None)


def _lying(tree: AsteriskSpool, dump: OdbcDump | None, context: str, number: str, shown: str) -> SpoolMailbox:
    """What lies on disk and in the dump; of a greeting that lies in both, the database's is active."""
    lying = tree.mailbox(context, number, shown, frozenset(dump.places(context, number) if dump else ()))
    if dump is None:
        return lying
    messages, in_database = dump.of(context, number, shown)
    greetings = {greeting.greeting: greeting for greeting in lying.greetings + in_database}
    return replace(lying, messages=lying.messages + messages, greetings=tuple(greetings.values()))


def _password(configured: ConfiguredMailbox, lying: SpoolMailbox) -> str:
    """The PIN that holds: secret.conf's where passwordlocation=spooldir and it says one, else the line's."""
    if configured.pin_in_spool and lying.secret:
        try:
            written = AsteriskConfig(lying.secret, Findings()).named("general").last("password")
        except ImportSourceError:
            written = None
        if written:
            return written.removeprefix("-")
    return configured.pin


def _unconfigured(
    tree: AsteriskSpool,
    dump: OdbcDump | None,
    context: str,
    number: str,
    domains: dict[str, str],
    findings: Findings,
    *,
    wanted: bool,
) -> ImportedMailbox | None:
    """A mailbox that lies there and is in no configuration: reported, and brought if that is wanted."""
    shown = f"{context}/{number}"
    own = Findings()
    reported, tree.findings = tree.findings, own
    lying = _lying(tree, dump, context, number, shown)
    tree.findings = reported
    count = len(lying.messages) + sum(item.lost for item in own.items)
    if not count:
        if lying.greetings:
            findings.remark("greetings_without_configuration", shown, "greetings, but neither messages nor a mailbox")
        return None
    why = f"{count} messages on disk, mailbox not in voicemail.conf"
    try:
        box = mailbox_id(number, context, domains)
    except InvalidValueError as error:
        why, wanted = f"{why}; {error}", False
    findings.item(Kind.MAILBOX_WITHOUT_CONFIGURATION, shown, why, lost=0 if wanted else count, messages=count)
    if not wanted:
        return None
    findings.items += own.items
    findings.remark("pin_unknown", str(box), "no PIN is known: set one with esl-vm mailbox pin")
    return ImportedMailbox(box=box, pin=None, greetings=lying.greetings, messages=lying.messages)
