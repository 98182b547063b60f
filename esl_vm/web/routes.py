"""Every route with what it takes, what it answers and the right it needs: what is served, and what openapi.json says.

A handler is a plain function of a `Request` (and of what was read for it: `query`, `body`), and returns a struct, which becomes
JSON, or a `Response`. What it raises becomes a problem.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId
from esl_vm.web.problems import not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from enum import StrEnum

    import falcon

    from esl_vm.model.mailbox import Mailbox
    from esl_vm.model.rights import Identity, Right
    from esl_vm.web.dependencies import Dependencies

API = "/api/v1"
JSON = "application/json"
HTML = "text/html; charset=utf-8"
SESSION = "esl_vm_session"
"""The session's cookie."""
Handler = TypeVar("Handler", bound="Callable[..., Any]")
Kind = TypeVar("Kind", bound="StrEnum")


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set, the session's unless it has another name; an empty value takes it away."""

    value: str
    max_age_s: int = 0
    name: str = SESSION


@dataclass(frozen=True, slots=True)
class Response:
    """A response that is more than a struct.

    Args:
        body: a struct, becomes JSON; bytes and text are sent as they are. None: nothing.
        status: the HTTP status.
        headers: more of them. content_type: of the body.
        stream: instead of a body, pieces as they come; content_length: how many bytes those are, None = not known.
        cookie: to set with it.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    stream: Iterable[bytes] | None = None
    content_length: int | None = None
    cookie: Cookie | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Args:
        method, path: `{name}` in the path is a parameter; `{mailbox}` and `{list}` are looked at before the handler runs.
        right: what is needed; that it is given for this mailbox is seen to.
        handler: a function of a Request. summary: what it does, in a line; its docstring says more.
        query: struct of the query's parameters. body: struct of the body, or a media type: then the handler reads it.
        response: struct of the response, or a media type; None: nothing. status: of success.
        problems: types that it raises besides those of every route.
        tag: the chapter of the API. page: it is for people: problems are pages, and who is nobody is led to sign in.
    """

    method: str
    path: str
    right: Right
    handler: Callable[..., Any]
    summary: str
    query: type[Any] | None = None
    body: type[Any] | str | None = None
    response: Any = None
    status: int = 200
    problems: tuple[str, ...] = ()
    tag: str = ""
    page: bool = False

    @property
    def kind(self) -> str:
        """What it is counted as."""
        if self.path.endswith(("/sound", "/introduction")):
            return "sound"
        if self.response == "text/event-stream":
            return "events"
        return "static" if self.path.startswith("/static/") else "page" if self.page else "api"


@dataclass(slots=True)
class Request:
    """A request whose sender is known and may do this.

    Args:
        deps: what handlers work with. raw: as Falcon has it.
        identity: who sent it. address: from where. id: under which the log has it. path: the path's parameters.
        secure: whether the client came by TLS.
        opened: the mailbox of the path, opened. list_named: the distribution list of the path.
        is_still_valid: whether the credential is still good.
    """

    deps: Dependencies
    raw: falcon.Request
    identity: Identity
    address: str
    id: str
    path: dict[str, str]
    secure: bool = False
    opened: Mailbox | None = None
    list_named: MailboxId | None = None
    is_still_valid: Callable[[], bool] = bool

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox of the path; only where the path has one."""
        if self.opened is None:
            raise not_found()
        return self.opened

    @property
    def box(self) -> MailboxId:
        """Its name."""
        return self.mailbox.id

    def reopen(self) -> None:
        """Look at the mailbox anew, after it was changed."""
        self.opened = self.deps.mailboxes.open(self.box)

    @property
    def list_id(self) -> MailboxId:
        """The distribution list of the path; only where the path has one."""
        if self.list_named is None:
            raise not_found()
        return self.list_named

    @property
    def zone(self) -> str:
        """The time zone in which its owner lives."""
        return (self.opened.timezone if self.opened else "") or self.deps.timezone

    def choice(self, kind: type[Kind], name: str) -> Kind:
        """The value of an enum that the path names; one that there is not is not there."""
        try:
            return kind(self.path[name])
        except ValueError:
            raise not_found() from None

    def param(self, name: str, longest: int = 200) -> str:
        """A parameter of the query, cut; `` if there is none."""
        return (self.raw.get_param(name) or "").strip()[:longest]

    def header(self, name: str) -> str:
        """A header, `` if there is none."""
        return str(self.raw.get_header(name) or "")


ROUTES: list[Route] = []
"""All of them, as the modules that are imported declare them."""


def route(method: str, path: str, right: Right, summary: str, **more: Any) -> Callable[[Handler], Handler]:
    """Declare a handler of the API; its path is under `/api/v1`.

    What it takes and returns is what its parameters `query` and `body` and its result are annotated with; one that returns a
    `Response` says here what that holds.
    """

    def declare(handler: Handler) -> Handler:
        hints = get_type_hints(handler)
        schemas: dict[str, Any] = {name: hints[name] for name in ("query", "body") if name in hints}
        result = hints["return"]
        if result is type(None):
            schemas["status"] = 204
        elif result is not Response:
            schemas["response"] = result
        ROUTES.append(Route(method, API + path, right, handler, summary, **schemas | more))
        return handler

    return declare


def page(method: str, path: str, right: Right, summary: str, **more: Any) -> Callable[[Handler], Handler]:
    """Declare a handler of a page; it answers HTML."""

    def declare(handler: Handler) -> Handler:
        ROUTES.append(Route(method, path, right, handler, summary, page=True, **more))
        return handler

    return declare


def mailbox_id_of(text: str, domain: str) -> MailboxId:
    """The mailbox of a path; what can't be one is not there."""
    try:
        return MailboxId.parse(text, domain)
    except InvalidValueError:
        raise not_found() from None
