"""From a request to its answer: who asks, whose it is, what may be done; then the route's handler; then the headers.

Nothing that a handler raises leaves a traceback with the client: it is told a problem, and the log has the rest.
"""

from __future__ import annotations

import gzip
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any

import falcon
import gevent
import msgspec

from esl_vm.model.actor import acting, browser
from esl_vm.model.errors import StoreDownError, VoicemailError
from esl_vm.model.rights import NOBODY, Right
from esl_vm.model.visible import one_line
from esl_vm.web.problems import ProblemError, not_there, problem_of
from esl_vm.web.routes import JSON, ROUTES, Answer, Ask, Route, parsed_box
from esl_vm.web.who import Senders, set_cookie, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from esl_vm.web.world import WebWorld

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
MOST_JSON = 256 * 1024
"""Bytes of a body that is JSON."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'"
    " blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
    "Cache-Control": "no-store",
}
encode = msgspec.json.Encoder().encode


class _Path:
    """The routes of one path, as Falcon wants them: `on_get`, `on_post` and so on."""

    def __init__(self, answer: Callable[..., None], routes: Sequence[Route]) -> None:
        for route in routes:
            self._add(answer, route)
        by_method = {route.method: route for route in routes}
        if "GET" in by_method and "HEAD" not in by_method:
            self.on_head = self.on_get

    def _add(self, answer: Callable[..., None], route: Route) -> None:
        def respond(request: falcon.Request, response: falcon.Response, **path: str) -> None:
            answer(route, request, response, path)

        setattr(self, f"on_{route.method.lower()}", respond)

    on_get: Any = None
    on_head: Any = None


class Application:
    """The WSGI application.

    Args:
        world: what requests are answered from. routes: which there are.
        page_of: a problem as a page, for who asked for a page.
    """

    def __init__(
        self,
        world: WebWorld,
        routes: Sequence[Route] | None = None,
        page_of: Callable[[ProblemError, Ask], bytes] | None = None,
    ) -> None:
        self._world = world
        self._senders = Senders(world)
        self._page_of = page_of
        self._app = falcon.App(cors_enable=False)
        self._app.req_options.strip_url_path_trailing_slash = False
        self._app.req_options.auto_parse_form_urlencoded = False
        self._app.req_options.keep_blank_qs_values = True
        self._app.resp_options.default_media_type = JSON
        by_path: dict[str, list[Route]] = {}
        for route in ROUTES if routes is None else routes:
            by_path.setdefault(route.path, []).append(route)
        for path, those in by_path.items():
            self._app.add_route(path, _Path(self._answer, those))
        self._app.add_error_handler(falcon.HTTPError, self._unhandled)  # before Falcon's own for it
        self._app.add_error_handler(Exception, self._unhandled)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """As WSGI has it."""
        return self._app(environ, start_response)

    def _answer(self, route: Route, request: falcon.Request, response: falcon.Response, path: dict[str, str]) -> None:
        began = time.perf_counter()
        ask = Ask(
            self._world,
            request,
            NOBODY,
            self._senders.address(request),
            secrets.token_hex(6),
            path,
            self._senders.is_secure(request),
        )
        try:
            self._send(self._run(route, ask), route, ask, response)
        except Exception as error:  # a front door: told, and the next request may do better
            self._send_problem(error, route, ask, response)
        seconds = time.perf_counter() - began
        if self._world.metrics is not None:
            self._world.metrics.web_answered(route.kind, response.status_code, seconds)
        log.info(
            "%s %s %s: %s in %.0f ms; %s, %s, %s",
            request.method,
            route.path,
            one_line(path.get("mailbox", "")),
            response.status_code,
            1000 * seconds,
            one_line(ask.who.audit_name if ask.who is not NOBODY else "nobody"),
            ask.address,
            ask.id,
        )

    def _run(self, route: Route, ask: Ask) -> Any:
        """What the handler returns, once it is sure who asks, whose it is and that it is allowed."""
        world, request = self._world, ask.request
        public = route.right is Right.ANYBODY
        by_cookie = False
        try:
            ask.who, by_cookie = self._senders.identity(request)
        except ProblemError:
            if not public:
                raise
        except StoreDownError:
            if not (public and route.page):
                raise
        ask.still = lambda: self._senders.identity(request)[0] == ask.who
        self._senders.refuse_other_sites(request, by_cookie=by_cookie)
        if ask.who is NOBODY and not public:
            raise sign_in()
        if "mailbox" in ask.path:
            box = parsed_box(ask.path["mailbox"], world.domain)
            if not ask.who.reach.has(box):
                raise not_there()
            ask.opened = world.mailboxes.open(box)
            if ask.opened is None:
                raise not_there()
        if "list" in ask.path:
            ask.list = parsed_box(ask.path["list"], world.domain)
            if not ask.who.reach.has_domain(ask.list.domain):
                raise not_there()
        if not ask.who.may(route.right):
            raise ProblemError(
                "forbidden", f"That needs the right {route.right}, which {ask.who.role} does not have here."
            )
        more: dict[str, Any] = {}
        if route.query is not None:
            more["query"] = _converted(dict(request.params), route.query, "parameter", strict=False)
        elif request.params and not route.page:
            raise ProblemError("invalid", f"This takes no parameters, not {', '.join(map(one_line, request.params))}.")
        if isinstance(route.body, type):
            more["body"] = self._json(request, route.body)
        with acting(browser(ask.who.audit_name, ask.address, ask.id)):
            return route.run(ask, **more)

    def _json(self, request: falcon.Request, kind: type[Any]) -> Any:
        if (request.content_type or "").partition(";")[0].strip().lower() != JSON:
            raise ProblemError("media-type", f"Send {JSON}.")
        content = b"".join(pieces(request, MOST_JSON, self._world.settings.stall_s))
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.ValidationError as wrong:
            raise ProblemError("invalid", _readable(wrong)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            raise ProblemError("bad-request", f"The body is no JSON: {wrong}") from None

    def _send(self, result: Any, route: Route, ask: Ask, response: falcon.Response) -> None:
        answer = result if isinstance(result, Answer) else Answer(result, route.status)
        response.status = falcon.code_to_http_status(answer.status)
        self._common(ask, response)
        for name, value in answer.headers.items():
            response.set_header(name, value)
        if answer.cookie is not None:
            set_cookie(response, answer.cookie, secure=ask.secure)
        if answer.stream is not None:
            response.content_type = answer.kind
            response.stream = answer.stream
            if answer.length is not None:
                response.content_length = answer.length
        elif answer.value is not None:
            response.content_type = answer.kind
            value = answer.value
            content = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else encode(value)
            response.data = _shorter(content, ask.request, response)

    def _send_problem(self, error: Exception, route: Route | None, ask: Ask, response: falcon.Response) -> None:
        if isinstance(error, VoicemailError):
            problem = problem_of(error)
        elif isinstance(error, gevent.Timeout):
            problem = ProblemError("too-slow")
        else:
            problem = ProblemError("error", "It is in the log under this request's id; tell the administrator.")
        if problem.status == 500:
            log.error("request %s: %s", ask.id, one_line(str(error)), exc_info=error)
        elif problem.kind == "away":
            log.warning("request %s: %s", ask.id, one_line(str(error)))
        response.stream = None
        response.status = problem.status_line
        self._common(ask, response)
        for name, value in problem.headers.items():
            response.set_header(name, value)
        if route is not None and route.page and self._page_of is not None:
            response.content_type = "text/html; charset=utf-8"
            response.data = self._page_of(problem, ask)
        else:
            response.content_type = PROBLEM
            response.data = encode(problem.fields(ask.id))
        if problem.kind in {"too-large", "too-slow", "media-type"}:
            response.set_header("Connection", "close")  # what is still on its way is not waited for

    def _common(self, ask: Ask, response: falcon.Response) -> None:
        response.set_headers(_HEADERS)
        response.set_header("X-Request-Id", ask.id)
        if ask.secure:
            response.set_header("Strict-Transport-Security", "max-age=31536000")

    def _unhandled(self, request: falcon.Request, response: falcon.Response, error: Exception, _path: Any) -> None:
        """What Falcon itself found: no such path, no such method, a request that can't be read."""
        ask = Ask(self._world, request, NOBODY, self._senders.address(request), secrets.token_hex(6), {})
        if isinstance(error, falcon.HTTPMethodNotAllowed):
            allowed = (error.headers or {})["Allow"]  # type: ignore[index]
            problem = ProblemError("method-not-allowed", f"This takes {allowed}.", headers={"Allow": str(allowed)})
            self._send_problem(problem, None, ask, response)
        elif isinstance(error, falcon.HTTPRouteNotFound):
            self._send_problem(ProblemError("not-found", "/api/openapi.json lists what there is."), None, ask, response)
        elif isinstance(error, falcon.HTTPError):
            detail = one_line(error.description or error.title or "")
            self._send_problem(ProblemError("bad-request", detail), None, ask, response)
        else:
            self._send_problem(error, None, ask, response)


def _shorter(content: bytes, request: falcon.Request, response: falcon.Response) -> bytes:
    """A page, style sheet or script, compressed for who takes that.

    Not what answers a form or a search: its length would tell who can see lengths whether what he made the browser ask for
    stands in it elsewhere too (BREACH). JSON is left as it is: programs are near, and wait for it.
    """
    if not (response.content_type or "").startswith(("text/", "image/svg")):
        return content
    response.append_header("Vary", "Accept-Encoding")
    asked = request.method in {"GET", "HEAD"} and not request.query_string
    if not asked or "gzip" not in (request.get_header("Accept-Encoding") or ""):
        return content
    response.set_header("Content-Encoding", "gzip")
    return gzip.compress(content, 6, mtime=0)


def pieces(request: falcon.Request, most: int, stall_s: float) -> Iterator[bytes]:
    """The body of a request as it comes; raises ProblemError when it has more than `most` bytes, or stalls."""
    if (request.content_length or 0) > most:
        raise ProblemError("too-large", f"At most {most} bytes are taken.")
    stream, had = request.env["wsgi.input"], 0
    with gevent.Timeout(stall_s + most / 16384, ProblemError("too-slow")):
        while True:
            with gevent.Timeout(stall_s, ProblemError("too-slow")):
                piece = stream.read(min(65536, most + 1 - had))
            if not piece:
                return
            had += len(piece)
            if had > most:
                raise ProblemError("too-large", f"At most {most} bytes are taken.")
            yield piece


def _converted(values: Any, kind: type[Any], what: str, *, strict: bool = True) -> Any:
    try:
        return msgspec.convert(values, kind, strict=strict)
    except msgspec.ValidationError as wrong:
        raise ProblemError("invalid", f"A {what} is wrong: {_readable(wrong)}") from None


def _readable(wrong: Exception) -> str:
    """Msgspec's sentence, with the field's name where it says `$.field`."""
    return one_line(str(wrong).replace("`$.", "`"))
