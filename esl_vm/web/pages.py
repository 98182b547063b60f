"""Pages: templates, what all of them are given, static files by their content's digest, problems for people.

A page is a handler declared with `routes.page` that returns `render(request, "name.html", …)`. Nothing in it is inline: the
Content-Security-Policy refuses it. What a script or a style sheet is called changes with its content, so none is stale.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlencode

import jinja2

from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.rights import Right, Role
from esl_vm.web.application import MAX_JSON_BYTES, body_pieces
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import HTML, Request, Response, page
from esl_vm.web.sessions import sign_in_administrator
from esl_vm.web.wording import Wording

if TYPE_CHECKING:
    import falcon

    from esl_vm.model.rights import Identity
    from esl_vm.web.routes import Cookie

HERE = Path(__file__).parent
_OURS = re.compile(r"/(?:mailbox/|admin)[\w./@+~%-]*", re.ASCII)
_LONGEST_BACK = 400
LANGUAGES = ("fr", "en")
_FORM = "application/x-www-form-urlencoded"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(
    request: Request, template: str, *, status: int = 200, cookie: Cookie | None = None, **given: Any
) -> Response:
    """A page.

    Args:
        request: the request. Templates have it as `request`, the wording as `t`, the language as `language`, `static("page.css")` for an address.
        template: its name in `templates/`.
        status: of the answer.
        cookie: to set with it.
        given: what the template is given besides; a `problem` gives its status.
    """
    text = _rendered(template, wording_of(request), request=request, **given)
    problem = given.get("problem")
    return Response(text, problem.status if problem else status, content_type=HTML, cookie=cookie)


def _rendered(template: str, t: Wording, **given: Any) -> str:
    return _templates.get_template(template).render(language=t.language, t=t, static=static_url, **given)


def wording_of(request: Request) -> Wording:
    """The words for who asks, in the mailbox's language and time zone."""
    return Wording(language_of(request.raw, request), request.zone, request.deps.clock.now())


def language_of(raw: falcon.Request, request: Request | None = None) -> str:
    """`fr` or `en`: the mailbox's, else the first of the browser's that we have, else the service's."""
    if request is not None and request.opened is not None and request.opened.language:
        return request.opened.language
    for word in (raw.get_header("Accept-Language") or "").split(","):
        tag = word.strip()[:2].lower()
        if tag in LANGUAGES:
            return tag
    return request.deps.language if request is not None else LANGUAGES[0]


@cache
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((HERE / "static").iterdir()) if path.suffix in _KINDS}


def static_content(name: str) -> bytes:
    """What is in a static file."""
    return _files()[name]


@cache
def _digest() -> str:
    """Of all of them together: so a script finds those that it imports beside it."""
    return hashlib.blake2b(b"".join(_files().values()), digest_size=6).hexdigest()


def static_url(name: str) -> str:
    """The address of a static file, another one whenever the content of any is."""
    return f"/static/{_digest()}/{name}"


@page("GET", "/static/{digest}/{name}", Right.ANYBODY, "A style sheet, a script, a picture")
def static_file(request: Request) -> Response:
    """Kept by browsers for ever."""
    name = request.path["name"]
    if name not in _files() or request.path["digest"] != _digest():
        raise ProblemError("not-found")
    headers = {**_FOR_EVER, "ETag": f'"{_digest()}"'}
    if headers["ETag"] in request.header("If-None-Match"):
        return Response(status=304, headers=headers)
    return Response(_files()[name], headers=headers, content_type=_KINDS[Path(name).suffix])


@page("GET", "/voicemail.webmanifest", Right.ANYBODY, "What a telephone needs to install the page")
def manifest(request: Request) -> Response:
    """Its name is in the language of who asks."""
    name = wording_of(request)("voicemail")
    icons = [{"src": static_url("icon.svg"), "sizes": "any", "type": "image/svg+xml"}]
    for size in ("192x192", "512x512"):  # what some telephones insist on
        png = {"src": static_url(f"icon-{size.partition('x')[0]}.png"), "sizes": size, "type": "image/png"}
        icons += [png, {**png, "purpose": "maskable"}]
    content = {
        "name": name, "short_name": name, "start_url": "/", "scope": "/", "display": "standalone",
        "background_color": "#faf9f7", "theme_color": "#0a6a61", "icons": icons,
    }  # fmt: skip
    return Response(json.dumps(content).encode(), content_type="application/manifest+json")


class Form(dict[str, str]):
    """The fields of a form by name, without blanks around them; one that was not sent is empty."""

    def __missing__(self, _name: str) -> str:
        return ""


def form(request: Request) -> Form:
    """The form that was sent; raises ProblemError for what is no form."""
    if (request.raw.content_type or "").partition(";")[0].strip().lower() != _FORM:
        raise ProblemError("media-type", "Use the page's form.")
    content = b"".join(body_pieces(request.raw, MAX_JSON_BYTES, request.deps.settings.stall_s))
    try:
        fields = parse_qs(content.decode(), keep_blank_values=True, strict_parsing=bool(content), max_num_fields=1000)
    except ValueError:
        raise ProblemError("bad-request", "The form can't be read.") from None
    return Form((name, values[-1].strip()) for name, values in fields.items())


def see_other(address: str, cookie: Cookie | None = None) -> Response:
    """After a form was sent: get that page. The address is one of ours."""
    return Response(status=303, headers={"Location": address}, cookie=cookie)


def problem_page(problem: ProblemError, request: Request) -> bytes:
    """A problem for people; the id is in the log. Who has to sign in first may do so at once, and comes back there."""
    if problem.kind == "sign-in" and request.raw.method == "GET":
        content: bytes = sign_in_page(request, back=safe_back(request.raw.path)).body
        return content
    t = Wording(language_of(request.raw), "", time.time())
    return _rendered("problem.html", t, problem=problem, request_id=request.id).encode()


def sign_in_page(request: Request, problem: ProblemError | None = None, mailbox: str = "", back: str = "") -> Response:
    """The page on which one signs in.

    Args:
        request: the request.
        problem: why it did not work.
        mailbox: that was given.
        back: where one goes on (`safe_back`).
    """
    deps = request.deps
    text = _rendered(
        "sign_in.html", Wording(language_of(request.raw), "", time.time()), problem=problem, mailbox=mailbox, back=back,
        by_pin=deps.settings.pins, by_link=deps.mail_link is not None, provider_name=None if deps.provider is None else deps.oidc.name,
    )  # fmt: skip
    return Response(text.encode(), problem.status if problem else 200, problem.headers if problem else {}, HTML)


def safe_back(address: str | None) -> str:
    """A page of ours to come back to, `` for any other address."""
    return address[:_LONGEST_BACK] if address and _OURS.fullmatch(address) and ".." not in address else ""


def mailbox_url(box: MailboxId, *parts: str, **query: str) -> str:
    """The address of a page of a mailbox."""
    return page_url("/mailbox", str(box), *parts, **query)


def page_url(first: str, *parts: str, **query: str) -> str:
    """The address of a page; what is empty in the query is left out."""
    given = {name: value for name, value in query.items() if value}
    return "/".join((first, *(quote(part, safe="@+") for part in parts))) + ("?" + urlencode(given) if given else "")


def url_after_sign_in(who: Identity, back: str) -> str:
    """Where one who has signed in goes on: back to a page of his, else to his first."""
    if who.role is Role.ADMINISTRATOR:
        return back or "/admin"
    box = MailboxId.parse(who.name)
    return back if back.startswith(mailbox_url(box) + "/") else mailbox_url(box, "folder", Folder.NEW)


@page("GET", "/admin/link/{link}", Right.ANYBODY, "Sign in as an administrator: the question")
def ask_to_sign_in(request: Request) -> Response:
    """A mail scanner that looks at it uses nothing up: the button does."""
    return render(request, "link.html", link=request.path["link"])


@page("POST", "/admin/link/{link}", Right.ANYBODY, "Sign in as an administrator")
def sign_in_by_link(request: Request) -> Response:
    """Uses the link up."""
    begun = sign_in_administrator(request, request.path["link"])
    return see_other("/admin", begun.cookie)
