"""The application factory: every module that declares routes, the API's description, the WSGI application."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from esl_vm.model.rights import Right
from esl_vm.web import (  # noqa: F401 - each declares its routes when it is imported
    admin_pages,
    broadcasts,
    callers,
    calls,
    event_log,
    forwarding,
    greetings,
    holds,
    list_pages,
    lists,
    mailboxes,
    message_links,
    message_pages,
    messages,
    oidc,
    owner_pages,
    owners,
    pages,
    push,
    scheduled,
    service,
    service_pages,
    sessions,
    settings_pages,
    sign_in_links,
    sound,
    streams,
    tables,
)
from esl_vm.web.application import Application
from esl_vm.web.openapi import openapi_of
from esl_vm.web.problems import TYPES
from esl_vm.web.routes import JSON, ROUTES, Request, Response, Route, page

if TYPE_CHECKING:
    from esl_vm.web.dependencies import Dependencies


def api_routes() -> list[Route]:
    """The routes that openapi.json tells."""
    return [route for route in ROUTES if not route.page]


@cache
def document() -> dict[str, Any]:
    """The API's description."""
    return openapi_of(api_routes())


@page("GET", "/api/openapi.json", Right.ANYBODY, "What the API is, for programs")
def openapi(_ask: Request) -> Response:
    """OpenAPI 3.1."""
    return Response(json.dumps(document(), indent=1).encode(), content_type=JSON)


@page("GET", "/api/", Right.ANYBODY, "What the API is, for people")
def api_page(request: Request) -> Response:
    """Made from openapi.json."""
    chapters: dict[str, list[tuple[str, str, Any]]] = {}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            chapters.setdefault(operation["tags"][0], []).append((method, path, operation))
    return pages.render(request, "api.html", document=document(), chapters=chapters)


@page("GET", "/api/problems", Right.ANYBODY, "What each type of problem means")
def problems_page(request: Request) -> Response:
    """Where the `type` of a problem leads."""
    return pages.render(request, "problems.html", types=TYPES)


def create_application(deps: Dependencies) -> Application:
    """The WSGI application, with all routes."""
    return Application(deps, page_of=pages.problem_page)
