"""Pages: templates, what all of them are given, static files by their content's digest, problems for people.

A page is a handler declared with `routes.page` that returns `render(ask, "name.html", …)`. Nothing in it is inline: the
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
from esl_vm.web.application import MOST_JSON, pieces
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import HTML, Answer, Ask, page
from esl_vm.web.sessions import begin_administrator
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


def render(ask: Ask, template: str, *, status: int = 200, cookie: Cookie | None = None, **given: Any) -> Answer:
    """A page.

    Args:
        ask: the request. Templates have it as `ask`, the language as `language`, `static("page.css")` for an address.
        template: its name in `templates/`.
        status: of the answer.
        cookie: to set with it.
        given: what the template is given besides.
    """
    text = _rendered(template, wording_of(ask), ask=ask, **given)
    return Answer(text, status, kind=HTML, cookie=cookie)


def _rendered(template: str, said: Wording, **given: Any) -> str:
    return _templates.get_template(template).render(language=said.language, said=said, static=static_address, **given)


def wording_of(ask: Ask) -> Wording:
    """The words for who asks, in the mailbox's language and time zone."""
    return Wording(language_of(ask.request, ask), ask.zone, ask.world.clock.now())


def language_of(request: falcon.Request, ask: Ask | None = None) -> str:
    """`fr` or `en`: the mailbox's, else the first of the browser's that we have, else the service's."""
    if ask is not None and ask.opened is not None and ask.opened.language:
        return ask.opened.language
    for word in (request.get_header("Accept-Language") or "").split(","):
        tag = word.strip()[:2].lower()
        if tag in LANGUAGES:
            return tag
    return ask.world.language if ask is not None else LANGUAGES[0]


@cache
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((HERE / "static").iterdir()) if path.suffix in _KINDS}


@cache
def _digest() -> str:
    """Of all of them together: so a script finds those that it imports beside it."""
    return hashlib.blake2b(b"".join(_files().values()), digest_size=6).hexdigest()


def static_address(name: str) -> str:
    """The address of a static file, another one whenever the content of any is."""
    return f"/static/{_digest()}/{name}"


@page("GET", "/static/{digest}/{name}", Right.ANYBODY, "A style sheet, a script, a picture")
def static_file(ask: Ask) -> Answer:
    """Kept by browsers for ever."""
    name = ask.path["name"]
    if name not in _files() or ask.path["digest"] != _digest():
        raise ProblemError("not-found")
    headers = {**_FOR_EVER, "ETag": f'"{_digest()}"'}
    if headers["ETag"] in ask.header("If-None-Match"):
        return Answer(status=304, headers=headers)
    return Answer(_files()[name], headers=headers, kind=_KINDS[Path(name).suffix])


@page("GET", "/voicemail.webmanifest", Right.ANYBODY, "What a telephone needs to install the page")
def manifest(ask: Ask) -> Answer:
    """Its name is in the language of who asks."""
    name = wording_of(ask)("voicemail")
    icons = [{"src": static_address("icon.svg"), "sizes": "any", "type": "image/svg+xml"}]
    for size in ("192x192", "512x512"):  # what some telephones insist on
        png = {"src": static_address(f"icon-{size.partition('x')[0]}.png"), "sizes": size, "type": "image/png"}
        icons += [png, {**png, "purpose": "maskable"}]
    told = {
        "name": name, "short_name": name, "start_url": "/", "scope": "/", "display": "standalone",
        "background_color": "#faf9f7", "theme_color": "#0a6a61", "icons": icons,
    }  # fmt: skip
    return Answer(json.dumps(told).encode(), kind="application/manifest+json")


def form(ask: Ask) -> dict[str, str]:
    """The fields of a form that was sent; raises ProblemError for what is no form."""
    if (ask.request.content_type or "").partition(";")[0].strip().lower() != _FORM:
        raise ProblemError("media-type", "Use the page's form.")
    content = b"".join(pieces(ask.request, MOST_JSON, ask.world.settings.stall_s))
    try:
        fields = parse_qs(content.decode(), keep_blank_values=True, strict_parsing=bool(content), max_num_fields=1000)
    except ValueError:
        raise ProblemError("bad-request", "The form can't be read.") from None
    return {name: values[-1] for name, values in fields.items()}


def see_other(address: str, cookie: Cookie | None = None) -> Answer:
    """After a form was sent: get that page. The address is one of ours."""
    return Answer(status=303, headers={"Location": address}, cookie=cookie)


def problem_page(problem: ProblemError, ask: Ask) -> bytes:
    """A problem for people; the id is in the log. Who has to sign in first may do so at once, and comes back there."""
    if problem.kind == "sign-in" and ask.request.method == "GET":
        content: bytes = sign_in_page(ask, back=back_of(ask.request.path)).value
        return content
    said = Wording(language_of(ask.request), "", time.time())
    return _rendered("problem.html", said, problem=problem, request_id=ask.id).encode()


def sign_in_page(ask: Ask, problem: ProblemError | None = None, mailbox: str = "", back: str = "") -> Answer:
    """The page on which one signs in.

    Args:
        ask: the request.
        problem: why it did not work.
        mailbox: that was given.
        back: where one goes on (`back_of`).
    """
    world = ask.world
    text = _rendered(
        "sign_in.html", Wording(language_of(ask.request), "", time.time()), problem=problem, mailbox=mailbox, back=back,
        by_pin=world.settings.pins, by_link=world.mail_link is not None, provider_name=None if world.provider is None else world.oidc.name,
    )  # fmt: skip
    return Answer(text.encode(), problem.status if problem else 200, problem.headers if problem else {}, HTML)


def back_of(address: str | None) -> str:
    """A page of ours to come back to, `` for any other address."""
    return address[:_LONGEST_BACK] if address and _OURS.fullmatch(address) and ".." not in address else ""


def box_address(box: MailboxId, *parts: str, **query: str) -> str:
    """The address of a page of a mailbox."""
    path = "/".join(("/mailbox", *(quote(part, safe="@+") for part in (str(box), *parts))))
    given = {name: value for name, value in query.items() if value}
    return path + ("?" + urlencode(given) if given else "")


def landing(who: Identity, back: str) -> str:
    """Where one who has signed in goes on: back to a page of his, else to his first."""
    if who.role is Role.ADMINISTRATOR:
        return back or "/admin"
    box = MailboxId.parse(who.name)
    return back if back.startswith(box_address(box) + "/") else box_address(box, "folder", Folder.NEW)


@page("GET", "/admin/link/{link}", Right.ANYBODY, "Sign in as an administrator: the question")
def ask_to_sign_in(ask: Ask) -> Answer:
    """A mail scanner that looks at it uses nothing up: the button does."""
    return render(ask, "link.html", link=ask.path["link"])


@page("POST", "/admin/link/{link}", Right.ANYBODY, "Sign in as an administrator")
def sign_in_by_link(ask: Ask) -> Answer:
    """Uses the link up."""
    begun = begin_administrator(ask, ask.path["link"])
    return see_other("/admin", begun.cookie)
