"""The whole of the front door: every module that declares routes, and the application that serves them."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from esl_vm.model.rights import Right
from esl_vm.web import (
    admin,
    broadcasts,
    calls,
    event_log,
    forwarding,
    greetings,
    list_pages,
    listening,
    lists,
    mailboxes,
    mailed_links,
    messages,
    organisation,
    owner,
    pages,
    service,
    service_pages,
    sessions,
    sound,
    streams,
    tables,
)
from esl_vm.web.application import Application
from esl_vm.web.openapi import described
from esl_vm.web.problems import TYPES
from esl_vm.web.routes import JSON, ROUTES, Answer, Ask, Route, page

if TYPE_CHECKING:
    from esl_vm.web.world import WebWorld

MODULES = (
    sessions,
    mailboxes,
    tables,
    messages,
    forwarding,
    calls,
    sound,
    greetings,
    lists,
    broadcasts,
    service,
    streams,
    event_log,
    pages,
    organisation,
    listening,
    mailed_links,
    owner,
    admin,
    service_pages,
    list_pages,
)
"""Each declares its routes when it is imported."""


def api_routes() -> list[Route]:
    """The routes that openapi.json tells."""
    return [route for route in ROUTES if not route.page]


@cache
def document() -> dict[str, Any]:
    """The API's description."""
    return described(api_routes())


@page("GET", "/api/openapi.json", Right.ANYBODY, "What the API is, for programs")
def openapi(_ask: Ask) -> Answer:
    """OpenAPI 3.1."""
    return Answer(json.dumps(document(), indent=1).encode(), kind=JSON)


@page("GET", "/api/", Right.ANYBODY, "What the API is, for people")
def api_page(ask: Ask) -> Answer:
    """Made from openapi.json."""
    chapters: dict[str, list[tuple[str, str, Any]]] = {}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            chapters.setdefault(operation["tags"][0], []).append((method, path, operation))
    return pages.render(ask, "api.html", document=document(), chapters=chapters)


@page("GET", "/api/problems", Right.ANYBODY, "What each type of problem means")
def problems_page(ask: Ask) -> Answer:
    """Where the `type` of a problem leads."""
    return pages.render(ask, "problems.html", types=TYPES)


def build_application(world: WebWorld) -> Application:
    """The WSGI application, with all routes."""
    return Application(world, page_of=pages.problem_page)
