"""`esl-vm admin` and `esl-vm token`: who may use the pages and the API besides the mailboxes' owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.cli.boxes import check_domain, found_mailbox, opened_node
from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, minute, print_json, print_list, show
from esl_vm.cli.parsers import json_option, number, text
from esl_vm.model.errors import InvalidValueError, NoSuchMailboxError, VoicemailError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.rights import GRANTABLE, Reach, rights_of
from esl_vm.model.times import iso_time, iso_time_or_none

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands
    from esl_vm.cli.shapes import NewToken, SessionShape, TokenShape
    from esl_vm.model.rights import Session, Token
    from esl_vm.model.settings import Settings
    from esl_vm.ops.node import Node

_LINK_HOURS = 1
_DAY_S = 86400


def add_commands(commands: Commands) -> None:
    """`admin …` and `token …`."""
    admin = commands.group("admin", "administrators of the pages and the API", examples="esl-vm admin add marie")
    add = admin.add(
        "add",
        "print a link with which an administrator signs in, once",
        _admin_add,
        description="Print a link with which an administrator signs in to the pages. It opens once, within an hour, and "
        "his session lasts web.session_hours. A link made before for the same name opens no more.",
        examples="esl-vm admin add marie",
    )
    add.add_argument("name", metavar="NAME", help="who it is for, as the events show it")
    listing = admin.add(
        "list", "list the administrators who are signed in", _admin_list, examples="esl-vm admin list --json"
    )
    json_option(listing)
    remove = admin.add(
        "remove", "end an administrator's sessions and links", _admin_remove, examples="esl-vm admin remove marie"
    )
    remove.add_argument("name", metavar="NAME")

    token = commands.group("token", "tokens with which programs use the API", examples="esl-vm token list")
    make = token.add(
        "add",
        "make a token, and print it, once",
        _token_add,
        description="Make a token for a program and print it; only a hash of it is kept. It may do what --may names, "
        "with the mailboxes that --mailbox, --domain or --all name.\n"
        f"Rights: {', '.join(sorted(GRANTABLE))}; `message.*` stands for all that begin so, `*` for all.",
        examples="""
            esl-vm token add portal --domain default --may message.* mailbox.read --days 365
            esl-vm token add crm --mailbox 1001@default --may message.read events.read
        """,
    )
    make.add_argument("name", metavar="NAME", type=text(64), help="what it is for")
    make.add_argument("--may", nargs="+", required=True, metavar="RIGHT", help="what it may do")
    make.add_argument("--mailbox", action="append", default=[], metavar="MAILBOX", help="this mailbox; may be repeated")
    make.add_argument("--domain", action="append", default=[], metavar="NAME", help="all mailboxes of a domain")
    make.add_argument("--all", action="store_true", help="all mailboxes, and the service")
    make.add_argument(
        "--days", type=number(0, 3650), default=0, metavar="N", help="for how long it is good (default: for ever)"
    )
    json_option(make)
    tokens = token.add(
        "list",
        "list the tokens: what they may, when they were used last",
        _token_list,
        examples="esl-vm token list --json",
    )
    json_option(tokens)
    revoke = token.add(
        "revoke", "a token opens nothing any more", _token_revoke, examples="esl-vm token revoke 3f9a1c20b7d4"
    )
    revoke.add_argument("id", metavar="ID", help="as `token list` shows it")


def _admin_add(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        secret = node.store.access.link(args.name, _LINK_HOURS * 3600)
        base = base_url(node.settings)
    show(f"{base}/admin/link/{secret}")
    complain(f"open it in a browser within an hour; it signs {args.name} in, once")
    return 0


def base_url(settings: Settings) -> str:
    """Where browsers find the pages, as far as the settings tell."""
    return settings.web.url.rstrip("/") or f"http://{settings.web.listen or '127.0.0.1:8088'}"


def _admin_list(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        sessions = node.store.access.sessions(None)
        zone = node.settings.service.timezone
    print_list(
        args.json,
        sessions,
        lambda one: _session_as_json(one, zone),
        ("name", "from", "since", "until"),
        lambda one: (one.name, one.address, minute(one.since, zone), minute(one.until, zone)),
        "no administrator is signed in; `esl-vm admin add NAME` prints a link",
        complain,
    )
    return 0


def _session_as_json(session: Session, zone: str) -> SessionShape:
    return {
        "id": session.id,
        "name": session.name,
        "address": session.address,
        "way": session.way,
        "since": iso_time(session.since, zone),
        "until": iso_time(session.until, zone),
    }


def _admin_remove(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        access = node.store.access
        access.drop_links(args.name)
        ended = access.end(None, *(one.id for one in access.sessions(None) if one.name == args.name))
    show(f"{args.name}: {ended} session{'' if ended == 1 else 's'} ended; no link opens")
    return 0


def _token_add(args: argparse.Namespace) -> int:
    home = settings_of(args).service.domain
    if not (args.mailbox or args.domain or args.all):
        raise InvalidValueError("say for which mailboxes: --mailbox, --domain or --all")
    boxes = frozenset(MailboxId.parse(word, home) for word in args.mailbox)
    domains = frozenset(MailboxId("1", word).domain for word in args.domain)
    reach = Reach(boxes, domains, everywhere=args.all)
    with opened_node(args) as node:
        token, words = node.store.access.add_token(args.name, rights_of(args.may), reach, seconds=args.days * _DAY_S)
        _warn_of_slips(node, reach)
        zone = node.settings.service.timezone
    if args.json:
        made: NewToken = {**_token_as_json(token, zone), "token": words}
        print_json(made)
        return 0
    show(words)
    complain(f"that is token {token.id}; it is shown this once")
    return 0


def _warn_of_slips(node: Node, reach: Reach) -> None:
    """A token may be made before its mailboxes are; more often their names are misspelled."""
    try:
        for box in reach.boxes:
            found_mailbox(node, box)
        for domain in reach.domains:
            check_domain(node, domain)
    except NoSuchMailboxError as none:
        complain(f"{none} (the token is made all the same)")


def _token_as_json(token: Token, zone: str) -> TokenShape:
    return {
        "id": token.id,
        "name": token.name,
        "may": sorted(map(str, token.rights)),
        "mailboxes": sorted(map(str, token.reach.boxes)),
        "domains": sorted(token.reach.domains),
        "all": token.reach.everywhere,
        "made": iso_time(token.made, zone),
        "expires": iso_time_or_none(token.expires, zone),
        "used": iso_time_or_none(token.used, zone),
    }


def _token_list(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        tokens = node.store.access.tokens()
        zone, now = node.settings.service.timezone, node.clock.now()
    print_list(
        args.json,
        tokens,
        lambda token: _token_as_json(token, zone),
        ("id", "name", "where", "may", "expires", "used"),
        lambda token: (
            token.id,
            token.name,
            "all" if token.reach.everywhere else " ".join([*token.reach.domains, *map(str, token.reach.boxes)]),
            "all" if token.rights == GRANTABLE else " ".join(sorted(map(str, token.rights))),
            "never" if not token.expires else minute(token.expires, zone) if token.expires > now else "over",
            minute(token.used, zone) if token.used else "never",
        ),
        "there are no tokens; make one: esl-vm token add NAME --domain default --may message.read",
        complain,
    )
    return 0


def _token_revoke(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        if not node.store.access.revoke(args.id):
            raise VoicemailError(f"there is no token {args.id}")
    show(f"token {args.id} opens nothing any more")
    return 0
