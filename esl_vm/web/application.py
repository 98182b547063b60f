"""The WSGI application: authentication, the mailbox of the path, rights, validation; the route's handler; headers.

Nothing that a handler raises leaves a traceback with the client: it gets a problem, and the log has the rest.
"""

from __future__ import annotations

import gzip
import logging
import secrets
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import falcon
import gevent
import msgspec

from esl_vm.model.actor import acting, browser
from esl_vm.model.errors import StoreDownError, VoicemailError
from esl_vm.model.rights import NOBODY, Right
from esl_vm.model.visible import one_line
from esl_vm.web.authentication import Authenticator, set_cookie, sign_in_required
from esl_vm.web.problems import ProblemError, not_found, problem_of
from esl_vm.web.routes import JSON, ROUTES, Request, Response, Route, mailbox_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from esl_vm.web.dependencies import Dependencies

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
MAX_JSON_BYTES = 256 * 1024
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
_OF_THE_SERVICE = frozenset({Right.SERVICE_READ, Right.SERVICE_MANAGE, Right.PRIVACY})
"""Rights that are of use only to who reaches all of it."""


def _resource(respond: Callable[..., None], routes: Sequence[Route]) -> object:
    """The routes of one path, as Falcon wants them: an object with `on_get`, `on_post` and so on."""

    def responder(route: Route) -> Callable[..., None]:
        return lambda raw, raw_response, **path: respond(route, raw, raw_response, path)

    found = {f"on_{route.method.lower()}": responder(route) for route in routes}
    if "on_get" in found:
        found.setdefault("on_head", found["on_get"])
    return SimpleNamespace(**found)


class Application:
    """The WSGI application.

    Args:
        deps: what handlers work with. routes: which there are.
        page_of: a problem as a page, for who wanted a page.
    """

    def __init__(
        self,
        deps: Dependencies,
        routes: Sequence[Route] | None = None,
        page_of: Callable[[ProblemError, Request], bytes] | None = None,
    ) -> None:
        self._deps = deps
        self._authenticator = Authenticator(deps)
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
            self._app.add_route(path, _resource(self._respond, those))
        self._app.add_error_handler(falcon.HTTPError, self._unhandled)  # before Falcon's own for it
        self._app.add_error_handler(Exception, self._unhandled)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """As WSGI has it."""
        return self._app(environ, start_response)

    def _respond(self, route: Route, raw: falcon.Request, raw_response: falcon.Response, path: dict[str, str]) -> None:
        began = time.perf_counter()
        request = self._request(raw, path)
        try:
            self._send(self._dispatch(route, request), route, request, raw_response)
        except Exception as error:  # the outermost handler: reported, and the next request may do better
            self._send_problem(error, route, request, raw_response)
        seconds = time.perf_counter() - began
        if self._deps.metrics is not None:
            self._deps.metrics.web_answered(route.kind, raw_response.status_code, seconds)
        log.info(
            "%s %s %s: %s in %.0f ms; %s, %s, %s",
            raw.method,
            route.path,
            one_line(path.get("mailbox", "")),
            raw_response.status_code,
            1000 * seconds,
            one_line(request.identity.audit_name if request.identity is not NOBODY else "nobody"),
            request.address,
            request.id,
        )

    def _request(self, raw: falcon.Request, path: dict[str, str]) -> Request:
        address, is_secure = self._authenticator.address(raw), self._authenticator.is_secure(raw)
        return Request(self._deps, raw, NOBODY, address, secrets.token_hex(6), path, is_secure)

    def _dispatch(self, route: Route, request: Request) -> Any:
        """What the handler returns, once it is sure who asks, whose it is and that it is allowed."""
        deps, raw = self._deps, request.raw
        public = route.right is Right.ANYBODY
        by_cookie = False
        try:
            request.identity, by_cookie = self._authenticator.authenticate(raw)
        except ProblemError:
            if not public:
                raise
        except StoreDownError:
            if not (public and route.page):
                raise
        request.is_still_valid = lambda: self._authenticator.authenticate(raw)[0] == request.identity
        self._authenticator.check_origin(raw, by_cookie=by_cookie)
        if request.identity is NOBODY and not public:
            raise sign_in_required()
        if "mailbox" in request.path:
            box = mailbox_id_of(request.path["mailbox"], deps.domain)
            request.opened = deps.mailboxes.open(box)
            if request.opened is None or not request.identity.reach.has(request.opened.id):
                raise not_found()
        if "list" in request.path:
            request.list_named = mailbox_id_of(request.path["list"], deps.domain)
            if not request.identity.reach.has_domain(request.list_named.domain):
                raise not_found()
        if not request.identity.may(route.right):
            raise ProblemError(
                "forbidden", f"That needs the right {route.right}, which {request.identity.role} does not have here."
            )
        if route.right in _OF_THE_SERVICE and not request.identity.reach.everywhere:
            raise ProblemError("forbidden", "That is for those who may see the whole service.")
        more: dict[str, Any] = {}
        if route.query is not None:
            more["query"] = _converted(dict(raw.params), route.query, "parameter", strict=False)
        elif raw.params and not route.page:
            raise ProblemError("invalid", f"This takes no parameters, not {', '.join(map(one_line, raw.params))}.")
        if isinstance(route.body, type):
            more["body"] = self._json(raw, route.body)
        with acting(browser(request.identity.audit_name, request.address, request.id)):
            return route.handler(request, **more)

    def _json(self, raw: falcon.Request, kind: type[Any]) -> Any:
        if (raw.content_type or "").partition(";")[0].strip().lower() != JSON:
            raise ProblemError("media-type", f"Send {JSON}.")
        content = b"".join(body_pieces(raw, MAX_JSON_BYTES, self._deps.settings.stall_s))
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.ValidationError as wrong:
            raise ProblemError("invalid", _readable(wrong)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            raise ProblemError("bad-request", f"The body is no JSON: {wrong}") from None

    def _send(self, result: Any, route: Route, request: Request, raw_response: falcon.Response) -> None:
        response = result if isinstance(result, Response) else Response(result, route.status)
        raw_response.status = falcon.code_to_http_status(response.status)
        self._set_common_headers(request, raw_response)
        for name, value in response.headers.items():
            raw_response.set_header(name, value)
        if response.cookie is not None:
            set_cookie(raw_response, response.cookie, secure=request.secure)
        if response.stream is not None:
            raw_response.content_type = response.content_type
            raw_response.stream = response.stream
            if response.content_length is not None:
                raw_response.content_length = response.content_length
        elif response.body is not None:
            raw_response.content_type = response.content_type
            value = response.body
            content = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else encode(value)
            raw_response.data = _compressed(content, request.raw, raw_response)

    def _send_problem(
        self, error: Exception, route: Route | None, request: Request, raw_response: falcon.Response
    ) -> None:
        if isinstance(error, VoicemailError):
            problem = problem_of(error)
        elif isinstance(error, gevent.Timeout):
            problem = ProblemError("too-slow")
        else:
            problem = ProblemError("error", "It is in the log under this request's id; tell the administrator.")
        if problem.status == 500:
            log.error("request %s: %s", request.id, one_line(str(error)), exc_info=error)
        elif problem.kind == "away":
            log.warning("request %s: %s", request.id, one_line(str(error)))
        raw_response.stream = None
        raw_response.status = problem.status_line
        self._set_common_headers(request, raw_response)
        for name, value in problem.headers.items():
            raw_response.set_header(name, value)
        if route is not None and route.page and self._page_of is not None:
            raw_response.content_type = "text/html; charset=utf-8"
            raw_response.data = self._page_of(problem, request)
        else:
            raw_response.content_type = PROBLEM
            raw_response.data = encode(problem.fields(request.id))
        if problem.kind in {"too-large", "too-slow", "media-type"}:
            raw_response.set_header("Connection", "close")  # what is still on its way is not waited for

    def _set_common_headers(self, request: Request, raw_response: falcon.Response) -> None:
        raw_response.set_headers(_HEADERS)
        raw_response.set_header("X-Request-Id", request.id)
        if request.secure:
            raw_response.set_header("Strict-Transport-Security", "max-age=31536000")

    def _unhandled(self, raw: falcon.Request, raw_response: falcon.Response, error: Exception, _path: Any) -> None:
        """What Falcon itself found: no such path, no such method, a request that can't be read."""
        match error:
            case falcon.HTTPMethodNotAllowed():
                allowed = str((error.headers or {})["Allow"])  # type: ignore[index]
                error = ProblemError("method-not-allowed", f"This takes {allowed}.", headers={"Allow": allowed})
            case falcon.HTTPRouteNotFound():
                error = ProblemError("not-found", "/api/openapi.json lists what there is.")
            case falcon.HTTPError():
                error = ProblemError("bad-request", one_line(error.description or error.title or ""))
        self._send_problem(error, None, self._request(raw, {}), raw_response)


def _compressed(content: bytes, raw: falcon.Request, raw_response: falcon.Response) -> bytes:
    """A page, style sheet or script, compressed for who takes that.

    Not what answers a form or a search: its length would tell who can see lengths whether what he made the browser ask for
    stands in it elsewhere too (BREACH). JSON is left as it is: programs are near, and wait for it.
    """
    if not (raw_response.content_type or "").startswith(("text/", "image/svg")):
        return content
    raw_response.append_header("Vary", "Accept-Encoding")
    asked = raw.method in {"GET", "HEAD"} and not raw.query_string
    if not asked or "gzip" not in (raw.get_header("Accept-Encoding") or ""):
        return content
    raw_response.set_header("Content-Encoding", "gzip")
    return gzip.compress(content, 6, mtime=0)


def body_pieces(raw: falcon.Request, most: int, stall_s: float) -> Iterator[bytes]:
    """The body of a request as it comes; raises ProblemError when it has more than `most` bytes, or stalls."""
    if (raw.content_length or 0) > most:
        raise ProblemError("too-large", f"At most {most} bytes are taken.")
    stream, had = raw.env["wsgi.input"], 0
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
