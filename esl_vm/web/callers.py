"""All that there is about a caller's number, for administrators: found, exported, erased, by the API and on their page.

The number is never in an address: those are logged, by proxies too.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from esl_vm.model.callers import same_number
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.rights import Right
from esl_vm.model.times import iso_time
from esl_vm.web.admin_pages import admin_page
from esl_vm.web.pages import form
from esl_vm.web.problems import ProblemError, problem_of
from esl_vm.web.routes import Request, Response, page, route
from esl_vm.web.schemas.callers import CallerErased, CallerErasure, CallerQuery, CallerView, TraceView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from esl_vm.model.callers import CallerFile

_TAG = "Privacy"
_ZIP = "application/zip"
_PIECE = 1 << 16
_SHOWN = 500


@route("POST", "/privacy/find", Right.PRIVACY, "List all that there is about a caller's number", tag=_TAG)
def find_caller(request: Request, body: CallerQuery) -> CallerView:
    """In all mailboxes and on all nodes: messages, recordings in spools, mail and calls on their way, events."""
    file = request.deps.callers.find(body.number)
    return CallerView(file.number, _views(request, file), list(file.away))


@route(
    "POST", "/privacy/export", Right.PRIVACY, "Get all that there is about a caller's number", response=_ZIP, tag=_TAG
)
def export_caller(request: Request, body: CallerQuery) -> Response:
    """A ZIP archive: sounds, texts, JSON, and a README that says what each is. That it was done is an event."""
    return _archive(request, body.number)


@route("POST", "/privacy/erase", Right.PRIVACY, "Erase all that there is about a caller's number", tag=_TAG)
def erase_caller(request: Request, body: CallerErasure) -> CallerErased:
    """On all nodes. What others said or noted, and mailboxes' settings, stay. That it was done is an event, without the number.

    It can't be undone. Broken off, or where a node did not answer, it is done again.
    """
    if not same_number(body.again, body.number):
        raise ProblemError("invalid", "Give the number twice.", errors={"again": "It is another number."})
    file = request.deps.callers.erase(body.number)
    erased = {str(kind): many for kind, many in (file.erased or {}).items()}
    return CallerErased(erased, _views(request, file), list(file.away), file.complete)


@page("GET", "/admin/privacy", Right.PRIVACY, "A caller's number")
def show_callers(request: Request) -> Response:
    """Asks for a number."""
    return _page(request)


@page("POST", "/admin/privacy", Right.PRIVACY, "Find, export or erase all that there is about a caller's number")
def change_callers(request: Request) -> Response:
    """What is found is shown, and then can be exported or erased."""
    given = form(request)
    number, action, callers = given["number"], given["action"], request.deps.callers
    try:
        if action == "export":
            return _archive(request, number)
        if action == "erase" and same_number(given["again"], number):
            return _page(request, callers.erase(number))
        wrong = ProblemError("invalid", words="admin.caller_again") if action == "erase" else None
        return _page(request, callers.find(number), wrong)
    except InvalidValueError as none:
        return _page(request, problem=problem_of(none))


def _page(request: Request, file: CallerFile | None = None, problem: ProblemError | None = None) -> Response:
    found = file.traces[:_SHOWN] if file else ()
    return admin_page(request, "admin_privacy.html", "events", file=file, found=found, problem=problem)


def _archive(request: Request, number: str) -> Response:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed once it was sent
    try:
        request.deps.callers.export(number, file)
    except BaseException:
        file.close()
        raise
    size = file.tell()
    file.seek(0)
    headers = {"Content-Disposition": 'attachment; filename="caller.zip"', "Cache-Control": "private, no-store"}
    return Response(headers=headers, content_type=_ZIP, stream=_pieces(file), content_length=size)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _views(request: Request, file: CallerFile) -> list[TraceView]:
    zone = request.deps.timezone
    return [
        TraceView(str(one.kind), one.place, one.id, iso_time(one.at, zone) if one.at else None, one.what, one.kept)
        for one in file.traces
    ]
