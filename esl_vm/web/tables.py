"""Many mailboxes at once, by a table: what it would change is shown first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from esl_vm.actions.mailbox_changes import changes_of, make
from esl_vm.actions.target import Target
from esl_vm.model.errors import InvalidValueError, MailboxExistsError, NoSuchMailboxError
from esl_vm.model.mailbox_table import RANDOM, parse_table
from esl_vm.model.rights import Right
from esl_vm.web.application import body_pieces
from esl_vm.web.copies import beyond_reach
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, route
from esl_vm.web.schemas.tables import FieldChange, TableQuery, TableRowView, TableView

if TYPE_CHECKING:
    from esl_vm.actions.mailbox_changes import Change

_MOST = 500
"""Rows of one table: a PIN that is set takes some 50 ms."""


@route(
    "POST", "/mailbox-table", Right.MAILBOX_MANAGE, "Make and change mailboxes by a table", body="text/csv",
    problems=("too-large", "too-slow"), tag="Mailboxes",
)  # fmt: skip
def by_table(request: Request, query: TableQuery) -> TableView:
    """The body is a table, CSV or JSON, as `esl-vm mailbox apply` takes it and `export` writes it; at most 500 mailboxes.

    Nothing is changed unless `apply` says so: the answer tells what would be. Rows with `problems` are left out, mailboxes that
    are not in it stay as they are, and the same table a second time changes nothing.
    """
    settings = request.deps.settings
    return of_table(request, b"".join(body_pieces(request.raw, settings.upload_mb << 20, settings.stall_s)), query)


def of_table(request: Request, content: bytes, query: TableQuery) -> TableView:
    """What a table would change, or has changed where the query says `apply`."""
    deps = request.deps
    table = parse_table("the table", content, query.domain or deps.domain, files=False)
    if len(table.rows) > _MOST:
        raise ProblemError("too-large", f"It has {len(table.rows)} mailboxes: send {_MOST} at a time.")
    for row in list(table.rows):
        why = (
            "not within your reach"
            if not request.identity.reach.has(row.box)
            else "give a PIN"
            if row.pin == RANDOM
            else "copies to mailboxes that are not within your reach"
            if beyond_reach(request, row.box, row.fields.get("copies", ""))
            else ""
        )
        if why:
            table.problems.append(f"{row.where}: {row.box}: {why}")
            table.rows.remove(row)
    target = Target(deps.registry, deps.mailboxes, deps.pins, deps.audio)
    changes = changes_of(table, target, deps.pin_rules, _no_sound, reset_pins=query.reset_pins)
    views = [_view(change) for change in changes]
    if not query.apply:
        return TableView(views, table.problems, 0)
    made = 0
    for change in changes:
        try:
            make(change, target, deps.clock.now())
            made += 1
        except (InvalidValueError, MailboxExistsError, NoSuchMailboxError) as wrong:
            table.problems.append(f"{change.row.where}: {wrong}")
    return TableView(views, table.problems, made)


def _no_sound(_: str) -> NoReturn:
    raise InvalidValueError("a greeting's sound can't be named here")


def _view(change: Change) -> TableRowView:
    def shown(name: str, value: str) -> str:
        return "****" if name == "webhook" and value not in {"", "-"} else value

    fields = {
        name: FieldChange(shown(name, change.before.get(name, "")), shown(name, value))
        for name, value in change.fields.items()
    }
    pin = None if change.pin is None else bool(change.pin)
    return TableRowView(
        change.row.where, str(change.row.box), change.new, fields, pin, [str(one) for one in change.greetings]
    )
