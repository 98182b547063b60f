"""What the API is, as OpenAPI 3.1: made from the routes and their structs, hence never behind what is served."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import msgspec

from esl_vm import __version__
from esl_vm.model.mailbox import Greeting
from esl_vm.model.rights import GRANTABLE, Right
from esl_vm.web.problems import TYPES
from esl_vm.web.routes import JSON, Route
from esl_vm.web.schemas.service import ProblemDetails

if TYPE_CHECKING:
    from collections.abc import Sequence

PROBLEM = "application/problem+json"
_PARAMETER = re.compile(r"{(\w+)}")
_PARAMETERS: dict[str, dict[str, Any]] = {
    "mailbox": {
        "description": "A mailbox, `1001@default`; without a domain the service's own.",
        "example": "1001@default",
    },
    "scheduled": {"description": "The id of a message that waits for its time."},
    "message": {"description": "A message's id; it never changes.", "example": "19fb0a5c100-000000000003"},
    "greeting": {"description": "Which greeting.", "enum": [str(one) for one in Greeting]},
    "list": {"description": "A distribution list, `900@default`.", "example": "900@default"},
    "owner": {"description": "The number of an owner besides the first.", "example": "2"},
    "member": {"description": "A mailbox of the list's domain.", "example": "1001"},
    "browser": {"description": "As the list of browsers shows it.", "example": "5b0c6d8b57c6a1f2"},
    "node": {"description": "A node's name.", "example": "media-1"},
    "take": {"description": "A recording, as the list of them shows it.", "example": "19fb0a5c100-000000000003"},
    "job": {"description": "As the list of jobs shows it."},
    "session": {"description": "As the list of sessions shows it."},
}
_EVERYWHERE = ("cross-site", "error", "away")


def openapi_of(routes: Sequence[Route], url: str = "") -> dict[str, Any]:
    """The document.

    Args:
        routes: those of the API.
        url: where it is served.
    """
    kinds: set[type[Any]] = {ProblemDetails}
    for route in routes:
        kinds |= {kind for kind in (route.query, route.body, route.response) if isinstance(kind, type)}
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    by_kind = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(routes, key=lambda one: (one.path, one.method)):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_kind, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ClusterPBX voicemail",
            "version": __version__,
            "description": "Mailboxes, messages, greetings and events. What a rule is on the telephone is one here.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": url or "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "`esl-vm token add` makes one."},
                "session": {"type": "apiKey", "in": "cookie", "name": "esl_vm_session"},
            },
        },
        "x-rights": sorted(map(str, GRANTABLE)),
    }


def _operation(route: Route, schemas: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "description": f"{inspect.getdoc(route.handler) or ''}\n\nRight: `{route.right}`.",
        "tags": [route.tag],
        "x-right": str(route.right),
        "responses": _responses(route, schemas),
    }
    if route.right is not Right.ANYBODY:
        operation["security"] = [{"token": []}, {"session": []}]
    parameters = [
        {"name": name, "in": "path", "required": True, **_parameter(name)} for name in _PARAMETER.findall(route.path)
    ]
    if route.query is not None:
        parameters += _query(components[route.query.__name__])
    if route.method == "PATCH" and "if-match" in route.problems:
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": True,
                "description": "The ETag of the state that is changed; `*`: any.",
                "schema": {"type": "string"},
            }
        )
    if parameters:
        operation["parameters"] = parameters
    if isinstance(route.body, str):
        schema = {"type": "string", "contentMediaType": route.body}
        operation["requestBody"] = {"required": True, "content": {route.body: {"schema": schema}}}
    elif route.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schemas[route.body]}}}
    return operation


def _parameter(name: str) -> dict[str, Any]:
    more = dict(_PARAMETERS.get(name, {}))
    schema: dict[str, Any] = {"type": "string"}
    if "enum" in more:
        schema["enum"] = more.pop("enum")
    return {"schema": schema, **more}


def _query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, field in schema["properties"].items():
        plain = dict(field)
        if "anyOf" in plain:  # a parameter is left out, not null
            plain |= next(one for one in plain.pop("anyOf") if one.get("type") != "null")
            del plain["default"]
        description = plain.pop("description", "")
        found.append({"name": name, "in": "query", "required": False, "description": description, "schema": plain})
    return found


def _responses(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done."}
    if isinstance(route.response, str):
        schema = {"type": "string"} if route.response.startswith("text/") else {}
        success["content"] = {route.response: {"schema": schema}}
    elif route.response is not None:
        success["content"] = {JSON: {"schema": schemas[route.response]}}
    responses = {str(route.status): success}
    if "range" in route.problems:
        responses["206"] = {**success, "description": "The range that was asked for."}
        responses["304"] = {"description": "It is what you have."}
    if route.method == "PUT" and route.path.endswith("/lists/{list}"):
        responses["201"] = {**success, "description": "Made."}
    kinds = {*route.problems, *_EVERYWHERE}
    if route.right is not Right.ANYBODY:
        kinds |= {"sign-in", "forbidden"}
    if _PARAMETER.search(route.path):
        kinds.add("not-found")
    if route.query is not None or route.body is not None or route.method != "DELETE":
        kinds.add("invalid")
    if route.body is not None:
        kinds |= {"bad-request", "media-type", "too-large", "too-slow"}
    kinds.add("invalid")
    for kind in sorted(kinds, key=lambda one: (TYPES[one][0], one)):
        status, title = TYPES[kind]
        response = responses.setdefault(
            str(status), {"description": "", "content": {PROBLEM: {"schema": schemas[ProblemDetails]}}}
        )
        response["description"] = f"{response['description']}; {title}".lstrip("; ")
    return responses
