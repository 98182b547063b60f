"""The whole of the front door: every module that declares routes, and the application that serves them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from esl_vm.model.rights import Right
from esl_vm.web import greetings, lists, mailboxes, messages, sessions, sound, streams
from esl_vm.web.application import Application
from esl_vm.web.openapi import described
from esl_vm.web.routes import JSON, ROUTES, Answer, Ask, Route, page

if TYPE_CHECKING:
    from esl_vm.web.world import WebWorld

MODULES = (sessions, mailboxes, messages, sound, greetings, lists, streams)
"""Each declares its routes when it is imported."""


def api_routes() -> list[Route]:
    """The routes that openapi.json tells."""
    return [route for route in ROUTES if not route.page]


@lru_cache(maxsize=1)
def _document() -> bytes:
    return json.dumps(described(api_routes()), indent=1).encode()


@page("GET", "/api/openapi.json", Right.ANYBODY, "What the API is")
def openapi(_ask: Ask) -> Answer:
    """OpenAPI 3.1."""
    return Answer(_document(), kind=JSON)


def build_application(world: WebWorld) -> Application:
    """The WSGI application, with all routes."""
    return Application(world)
