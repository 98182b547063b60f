"""The administrator's pages: what needs attention, mailboxes, many of them by a table, nodes and queues, events."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import HeldError, InvalidValueError, MailboxExistsError
from esl_vm.model.events import EventType
from esl_vm.model.options import FIELDS as OPTIONS
from esl_vm.model.options import option_text
from esl_vm.model.rights import Right
from esl_vm.model.transcript import passage
from esl_vm.web import event_log, mailboxes, messages, service, tables
from esl_vm.web.pages import Form, form, page_url, render, see_other, wording_of
from esl_vm.web.problems import ProblemError, problem_of
from esl_vm.web.routes import Request, Response, page
from esl_vm.web.schemas.events import EventLogQuery
from esl_vm.web.schemas.mailboxes import MailboxQuery, NewMailbox, PinChange
from esl_vm.web.schemas.messages import FindQuery
from esl_vm.web.schemas.tables import TableQuery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.model.cluster import ClusterState, NodeState

_FIELDS = ("name", "email", "language", "timezone", "pager", "aliases", "copies")
_LATE_S = 300.0
"""Jobs that are due longer than that, in seconds, are worth a look."""


admin_url = partial(page_url, "/admin")
"""The address of an administrator's page."""


def admin_page(request: Request, template: str, section: str, **given: Any) -> Response:
    """An administrator's page, with its navigation and what was done before it."""
    done = request.param("done")
    t = wording_of(request)
    notice = t(f"admin.done.{done}", box=request.param("box")) if t.has(f"admin.done.{done}") else ""
    return render(request, template, section=section, done=notice, address=admin_url, **given)


@page("GET", "/admin", Right.SERVICE_READ, "What needs attention")
def overview(request: Request) -> Response:
    """The nodes, what waits, and what somebody should do about it, first."""
    state, nodes = request.deps.cluster.state(), request.deps.cluster.nodes()
    return admin_page(
        request, "admin.html", "overview", state=state, nodes=nodes, attention=[(key, _said(request, key, given)) for key, given in _attention(state, nodes)],
        findings=service.list_findings(request).findings, looked=[report.at for report in request.deps.cluster.reports()],
        encryption="broken" if request.deps.seal.trouble else "on" if request.deps.seal.key else "off",
        calls=sum(int(node.fields.get("calls", "0") or 0) for node in nodes if node.alive),
    )  # fmt: skip


def _said(request: Request, key: str, given: dict[str, str]) -> str:
    t, key = wording_of(request), f"admin.attention.{key}"
    if t.has(f"{key}.one"):
        return t.counted(key, int(given["n"]), **{name: word for name, word in given.items() if name != "n"})
    return t(key, **given)


def _attention(state: ClusterState, nodes: list[NodeState]) -> list[tuple[str, dict[str, str]]]:
    """What is wrong, as keys of the catalogue with what they are given; the worst first."""
    found: list[tuple[str, dict[str, str]]] = []
    if state.refuses:
        found.append(("refuses", {"why": state.refuses}))
    found += [("node_gone", {"node": node.name}) for node in nodes if not node.alive]
    for node in nodes:
        ready = node.fields.get("ready", "yes")
        if node.alive and ready != "yes":
            found.append(("node_not_ready", {"node": node.name, "why": ready}))
        for field in ("spool_waiting", "spool_aside"):
            if node.alive and node.fields.get(field, "") not in {"", "0"}:
                found.append((field, {"node": node.name, "n": node.fields[field]}))
    if state.jobs.get("dead"):
        found.append(("dead", {"n": str(state.jobs["dead"])}))
    if state.overdue_s > _LATE_S:
        found.append(("late", {"n": str(round(state.overdue_s / 60))}))
    if state.locked:
        found.append(("locked", {"n": str(state.locked)}))
    return found


@page("GET", "/admin/mailboxes", Right.MAILBOX_LIST, "The mailboxes")
def show_mailboxes(request: Request, problem: ProblemError | None = None, given: Form | None = None) -> Response:
    """Found by number, name or e-mail; fifty a page."""
    search, cursor = request.param("q", 80), request.param("cursor", 400)
    found = mailboxes.list_mailboxes(request, MailboxQuery(search=search, cursor=cursor))
    return admin_page(
        request, "admin_mailboxes.html", "mailboxes", found=found, search=search, cursor=cursor, problem=problem,
        given=given or {},
    )  # fmt: skip


@page("POST", "/admin/mailboxes", Right.MAILBOX_MANAGE, "Make a mailbox")
def make_mailbox(request: Request) -> Response:
    """It has the PIN that is given, else the default one; both open from its own telephone only."""
    given = form(request)
    settings = {name: given[name] for name in _FIELDS if given[name]}
    try:
        mailboxes.make_mailbox(request, NewMailbox(given["mailbox"], settings, given["pin"] or None))
    except (ProblemError, InvalidValueError, MailboxExistsError) as wrong:
        return show_mailboxes(request, problem_of(wrong), given)
    return see_other(admin_url("mailboxes", str(request.box), done="made", box=str(request.box)))


@page("GET", "/admin/mailboxes/{mailbox}", Right.MAILBOX_MANAGE, "One mailbox")
def show_mailbox(request: Request, problem: ProblemError | None = None, given: Form | None = None) -> Response:
    """Its settings, state, and what can be done about it."""
    fields = mailboxes.editable(request)
    shown: dict[str, str] = given or fields
    return admin_page(
        request, "admin_mailbox.html", "mailboxes", mailbox=request.mailbox, problem=problem, etag=mailboxes.etag_of(fields),
        opened=shown.get("action") == "options", fields={name: shown.get(name, "") for name in _FIELDS}, options=_options(fields | shown),
        locked_s=request.deps.registry.locked_for(request.box),
    )  # fmt: skip


def _options(fields: Mapping[str, str]) -> list[tuple[str, str, str, bool]]:
    """Each option's name, its value here (`` = the service's), the default, whether it is yes or no."""
    return [
        (name, fields.get(name, ""), option_text(field.default), isinstance(field.default, bool))  # type: ignore[arg-type]
        for name, field in OPTIONS.items()
    ]


@page(
    "POST",
    "/admin/mailboxes/{mailbox}",
    Right.MAILBOX_MANAGE,
    "Change, unlock or remove a mailbox; give it another PIN",
)
def change_mailbox(request: Request) -> Response:
    """What somebody else changed meanwhile is not overwritten."""
    given = form(request)
    box = str(request.box)
    try:
        done = _act(request, given)
    except (ProblemError, InvalidValueError, MailboxExistsError, HeldError) as wrong:
        return show_mailbox(request, problem_of(wrong), given if given["action"] in {"save", "options"} else None)
    where = ("mailboxes",) if done == "removed" else ("mailboxes", box)
    return see_other(admin_url(*where, done=done, box=box))


def _act(request: Request, given: Form) -> str:
    match given["action"]:
        case "save":
            _save(request, given, {name: given[name] for name in _FIELDS})
            return "saved"
        case "options":
            _save(request, given, {name: given[name] for name in OPTIONS if name in given})
            return "saved"
        case "unlock":
            mailboxes.unlock(request)
            return "unlocked"
        case "pin" if given["pin"].isdecimal():
            mailboxes.change_pin(request, PinChange(given["pin"]))
            return "pin"
        case "remove" if given["sure"] == str(request.box):
            mailboxes.remove_mailbox(request)
            return "removed"
        case "remove":
            raise ProblemError("invalid", words="admin.type_it")
        case _:
            raise ProblemError("invalid")


def _save(request: Request, given: Form, fields: dict[str, str]) -> None:
    now = mailboxes.editable(request)
    if given["etag"] != mailboxes.etag_of(now):
        raise ProblemError("changed")
    mailboxes.change_fields(request, fields, now)


@page("GET", "/admin/messages", Right.MAILBOX_LIST, "Find messages by what is said in them")
def find_messages(request: Request) -> Response:
    """In all mailboxes, those of a domain, or one; by who may hear them."""
    param = request.raw.get_param
    words, place, cursor = (
        (param(name) or "").strip()[:most] for name, most in (("q", 80), ("in", 128), ("cursor", 400))
    )
    is_box = "@" in place or place.isdecimal()
    query = FindQuery(text=words, domain="" if is_box else place, mailbox=place if is_box else "", cursor=cursor)
    problem = None
    try:
        found, following = messages.said_in(request, query) if words else ([], None)
    except ProblemError as wrong:
        if wrong.kind == "forbidden":
            raise
        found, following, problem = [], None, wrong
    return admin_page(
        request, "admin_messages.html", "mailboxes", search={"q": words, "in": place}, cursor=cursor, problem=problem,
        found=[(box, one, passage(one.transcript.text, words)) for box, one in found if one.transcript],
        following=mailboxes.cursor_of_box(following),
    )  # fmt: skip


@page("GET", "/admin/table", Right.MAILBOX_MANAGE, "Many mailboxes by a table")
def show_table(request: Request) -> Response:
    """A CSV is pasted, what it would change is shown, row by row."""
    return admin_page(request, "admin_table.html", "mailboxes", table="", table_view=None, applied=False)


@page("POST", "/admin/table", Right.MAILBOX_MANAGE, "Look at a table, or apply it")
def apply_table(request: Request) -> Response:
    """Nothing changes until the second button is pressed."""
    given = form(request)
    table, applied = given["table"], given["action"] == "apply"
    view = tables.of_table(request, table.encode(), TableQuery(apply=applied))
    return admin_page(
        request, "admin_table.html", "mailboxes", table="" if applied else table, table_view=view, applied=applied
    )


@page("GET", "/admin/events", Right.SERVICE_READ, "What happened lately")
def show_events(request: Request) -> Response:
    """The last hundred events, the newest first; of one mailbox, of a kind, or of whom a text names."""
    given = {name: request.param(name) for name in ("q", "what", "by")}
    what = given["what"] if given["what"] in set(EventType) else ""
    try:
        events = event_log.latest(request, EventLogQuery(given["q"], what, given["by"]))
    except ProblemError:
        events = []  # no mailbox can be called that
    return admin_page(request, "admin_events.html", "events", events=events, search=given, kinds=sorted(EventType))
