"""`esl-vm import` and `esl-vm export`: moving in from other voicemail systems, and out again."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.cli.boxes import found_mailbox, opened_node
from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, print_json, show
from esl_vm.cli.progress import progress_bar
from esl_vm.model.errors import InvalidValueError, StoreDownError
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from esl_vm.cli.parsers import Commands, Parser
    from esl_vm.importers.plan import Plan
    from esl_vm.importers.report import Report
    from esl_vm.ops.node import Node

_DESCRIPTION = """\
Bring mailboxes, greetings and messages. Nothing that is here is overwritten: importing twice changes nothing, and an
import that was broken off is finished by running it again."""
_CODES = {0: "all came", 1: "it came, with items reported", 2: "nothing was done, or it was broken off"}


def add_commands(commands: Commands) -> None:
    """`import …` and `export …`."""
    group = commands.group(
        "import",
        "bring mailboxes from another voicemail system",
        examples="esl-vm import asterisk --config /etc/asterisk/voicemail.conf --spool /var/spool/asterisk/voicemail --dry-run",
    )
    asterisk = group.add(
        "asterisk",
        "from Asterisk's app_voicemail",
        _import_asterisk,
        description=_DESCRIPTION,
        codes=_CODES,
        examples="""
            esl-vm import asterisk --config /etc/asterisk/voicemail.conf --spool /var/spool/asterisk/voicemail --dry-run
            esl-vm import asterisk --config voicemail.conf --spool spool --domain default=example.com
        """,
        own_config=True,
    )
    asterisk.add_argument("--config", dest="conf", required=True, metavar="FILE", help="voicemail.conf")
    asterisk.add_argument("--spool", required=True, metavar="DIR", help="the folder with a folder for each context")
    asterisk.add_argument(
        "--odbc", metavar="FILE.csv", help="a CSV dump of the table voicemessages, with a header line"
    )
    _import_options(asterisk, unconfigured=True)

    module = group.add(
        "mod-voicemail",
        "from FreeSWITCH's mod_voicemail",
        _import_mod_voicemail,
        description=_DESCRIPTION,
        codes=_CODES,
        examples="esl-vm import mod-voicemail --database voicemail_default.db --storage /var/lib/freeswitch/storage "
        "--directory /etc/freeswitch/directory",
    )
    module.add_argument("--database", required=True, metavar="FILE", help="voicemail_PROFILE.db; it is only read")
    module.add_argument("--storage", required=True, metavar="DIR", help="the storage folder as it lies now")
    module.add_argument("--directory", required=True, metavar="DIR", help="the directory's XML files")
    _import_options(module, unconfigured=True)

    fusion = group.add(
        "fusionpbx",
        "from FusionPBX",
        _import_fusionpbx,
        description=_DESCRIPTION,
        codes=_CODES,
        examples="""
            esl-vm import fusionpbx --dump fusionpbx.sql --storage /var/lib/freeswitch/storage
            esl-vm import fusionpbx --dsn postgresql://fusionpbx@127.0.0.1/fusionpbx --storage /var/lib/freeswitch/storage
        """,
    )
    source = fusion.add_mutually_exclusive_group(required=True)
    source.add_argument("--dump", metavar="FILE.sql", help="what pg_dump wrote")
    source.add_argument("--dsn", metavar="URL", help="or the live database")
    fusion.add_argument("--storage", required=True, metavar="DIR", help="the storage folder as it lies now")
    _import_options(fusion, unconfigured=False)

    out = commands.group("export", "write mailboxes as another voicemail system keeps them")
    back = out.add(
        "asterisk",
        "a voicemail.conf and a spool tree that Asterisk reads",
        _export_asterisk,
        description="PINs are kept as hashes only: each mailbox that has one gets a new one in voicemail.conf.",
        codes={0: "all was written", 1: "some sound was not there"},
        examples="""
            esl-vm export asterisk --to asterisk-out
            esl-vm export asterisk --to asterisk-out 1001@default 1002@default
        """,
    )
    back.add_argument("--to", required=True, metavar="DIR", help="an empty or missing folder")
    back.add_argument("boxes", nargs="*", metavar="MAILBOX", help="which ones; none named: all")
    back.add_argument("--json", action="store_true", help="the whole report, for programs")


def _import_options(parser: Parser, *, unconfigured: bool) -> None:
    parser.add_argument("--dry-run", action="store_true", help="read all, write nothing, report the same")
    parser.add_argument(
        "--domain",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="give a context or domain another name here; may be repeated",
    )
    if unconfigured:
        parser.add_argument(
            "--unconfigured", action="store_true", help="bring mailboxes too that have messages but are not configured"
        )
    parser.add_argument("--json", action="store_true", help="the whole report, for programs")


def _import_asterisk(args: argparse.Namespace) -> int:
    def read(node: Node) -> Plan:
        from esl_vm.importers.asterisk import read_asterisk

        return read_asterisk(
            Path(args.conf),
            Path(args.spool),
            odbc=Path(args.odbc) if args.odbc else None,
            domains=_domains(args),
            defaults=node.settings.mailbox,
            unconfigured=args.unconfigured,
        )

    return _import(args, read)


def _import_mod_voicemail(args: argparse.Namespace) -> int:
    def read(_node: Node) -> Plan:
        from esl_vm.importers.mod_voicemail import read_mod_voicemail

        return read_mod_voicemail(
            Path(args.database),
            Path(args.storage),
            Path(args.directory),
            domains=_domains(args),
            unconfigured=args.unconfigured,
        )

    return _import(args, read)


def _import_fusionpbx(args: argparse.Namespace) -> int:
    def read(_node: Node) -> Plan:
        from esl_vm.importers.fusionpbx import read_fusionpbx

        return read_fusionpbx(
            Path(args.storage), dump=Path(args.dump) if args.dump else None, dsn=args.dsn or "", domains=_domains(args)
        )

    return _import(args, read)


def _domains(args: argparse.Namespace) -> dict[str, str]:
    domains = {}
    for pair in args.domain:
        old, equals, new = pair.partition("=")
        if not equals or not old:
            raise InvalidValueError(f"--domain is OLD=NEW, not {pair!r}")
        domains[old] = MailboxId("1", new).domain  # refuses what is no domain
    return domains


def _import(args: argparse.Namespace, read: Callable[[Node], Plan]) -> int:
    from esl_vm.importers.write import run_import

    _domains(args)
    try:
        with opened_node(args) as node, read(node) as plan, progress_bar() as progress:
            report = run_import(plan, node.target, dry_run=args.dry_run, progress=progress)
    except StoreDownError as away:
        complain(f"broken off: {away}. What is in is in; run it again to finish")
        return 2
    _print(report, as_json=args.json)
    return report.exit_code


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(report.to_json())
        return
    for line in report.to_text().split("\n"):
        show(line)


def _export_asterisk(args: argparse.Namespace) -> int:
    domain = settings_of(args).service.domain
    named = [MailboxId.parse(word, domain) for word in args.boxes]
    from esl_vm.importers.export_asterisk import export_asterisk

    with opened_node(args) as node, progress_bar() as progress:
        for box in named:
            found_mailbox(node, box)
        report = export_asterisk(node.target, named or node.registry.boxes(), Path(args.to), progress=progress)
        with suppress(StoreDownError):
            for box in named or node.registry.boxes():
                node.mailboxes.log_event(box, EventType.EXPORTED, part="mailbox")
    _print(report, as_json=args.json)
    lost = report.messages.reported + report.greetings.reported + report.mailboxes.reported
    return report.exit_code or int(bool(lost))
