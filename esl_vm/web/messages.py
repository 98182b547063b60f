"""Messages: lists by folder, one of them, moved, marked, deleted; by id always, never by a place in a list."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec import UNSET

from esl_vm.actions.mailing import ask_for_mail
from esl_vm.model.mailbox import Folder
from esl_vm.model.message import ID_PATTERN
from esl_vm.model.rights import Right
from esl_vm.model.store import Place
from esl_vm.model.transcript import folded
from esl_vm.web.mailboxes import box_of_cursor, cursor_of, cursor_of_box, reached, text_of
from esl_vm.web.problems import ProblemError, not_found
from esl_vm.web.routes import Request, mailbox_id_of, route
from esl_vm.web.schemas.messages import (
    FindQuery,
    FoundMessage,
    FoundMessages,
    MessageChange,
    MessagePage,
    MessageQuery,
    MessageView,
)
from esl_vm.web.views import message_view

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message

_TAG = "Messages"
_PORTION = 200
_BOXES, _PORTIONS = 10, 4
"""Mailboxes that are looked through in one go, and how often one request does that; the rest is on the next page."""
_MOST_LOOKED_AT = 2000
"""Messages that one request with a filter looks at; what it did not reach is on the next page."""


@route(
    "GET", "/mailboxes/{mailbox}/messages", Right.MESSAGE_READ, "List the messages of a folder",
    problems=("unknown-cursor",), tag=_TAG,
)  # fmt: skip
def list_messages(request: Request, query: MessageQuery) -> MessagePage:
    """Newest or oldest first. Pages neither skip nor repeat while messages come and go. Listing leaves a message new.

    With a filter a page may hold fewer than `limit`, even none, and `next` still lead on.
    """
    messages, following = read_page(request, query)
    shown = [_view(request, message) for message in messages]
    return MessagePage(shown, request.mailbox.counts.of(query.folder), following)


def read_page(request: Request, query: MessageQuery) -> tuple[list[Message], str | None]:
    """The messages of a page, and the cursor of the next; raises ProblemError for a cursor of another list."""
    after = _place(query) if query.cursor else None
    found: list[Message] = []
    looked_at = 0
    filtered = bool(
        query.caller or query.text or query.search or query.since or query.until or query.urgent is not None
    )
    wanted = _Filter(query, hears=request.identity.may(Right.MESSAGE_HEAR))
    while True:
        portion = _PORTION if filtered else query.limit + 1
        newest = query.order == "newest"
        page = request.deps.mailboxes.listed(request.box, query.folder, newest=newest, after=after, most=portion)
        for message, place in zip(page.messages, page.places, strict=True):
            if wanted.takes(message):
                if len(found) == query.limit:
                    return found, _cursor(query, after)
                found.append(message)
            after = place
        looked_at += len(page.messages)
        if len(page.messages) < portion:
            return found, None
        if looked_at >= _MOST_LOOKED_AT:
            return found, _cursor(query, after)


class _Filter:
    """Which messages are wanted."""

    def __init__(self, query: MessageQuery, *, hears: bool) -> None:
        self._query, self._hears = query, hears
        self._caller, self._text, self._search = folded(query.caller), folded(query.text), folded(query.search)
        self._since = query.since.timestamp() if query.since else 0.0
        self._until = query.until.timestamp() if query.until else float("inf")

    def takes(self, message: Message) -> bool:
        if self._query.urgent is not None and message.urgent != self._query.urgent:
            return False
        if not self._since <= message.received < self._until:
            return False
        if not (self._caller or self._text or self._search):
            return True
        caller = folded(f"{message.caller.number} {message.caller.name}")
        said = folded(message.transcript.text) if message.transcript and self._hears else ""
        return self._caller in caller and self._text in said and (self._search in caller or self._search in said)


def _cursor(query: MessageQuery, place: Place | None) -> str | None:
    if place is None:
        return None
    return cursor_of(f"{query.folder}:{query.order}:{place.score:.0f}:{place.id}")


def _place(query: MessageQuery) -> Place:
    try:
        folder, order, score, message_id = text_of(query.cursor).split(":")
        place = Place(float(int(score)), message_id)
    except ValueError:
        raise ProblemError("unknown-cursor", "Begin anew, without a cursor.") from None
    if (
        (folder, order) != (query.folder, query.order)
        or not ID_PATTERN.fullmatch(message_id)
        or abs(place.score) > 1e15
    ):
        raise ProblemError("unknown-cursor", "It is of another folder or order: begin anew, without a cursor.")
    return place


def _view(request: Request, message: Message) -> MessageView:
    return message_view(message, request.zone, hears=request.identity.may(Right.MESSAGE_HEAR))


@route(
    "GET", "/messages", Right.MESSAGE_READ, "Find messages by their call, or by what is said in them",
    problems=("unknown-cursor",), tag=_TAG,
)  # fmt: skip
def find_messages(request: Request, query: FindQuery) -> FoundMessages:
    """Within your reach, trash included. So a portal joins its call records with messages, or finds what was said."""
    if bool(query.call_id) is bool(query.text):
        raise ProblemError("invalid", "Give `call_id` or `text`.")
    if query.call_id:
        found = [
            (box, message)
            for box, message in request.deps.messages_of_call(query.call_id)
            if request.identity.reach.has(box)
        ]
        return FoundMessages(_found(request, found))
    found, following = said_in(request, query)
    return FoundMessages(_found(request, found), cursor_of_box(following))


def said_in(request: Request, query: FindQuery) -> tuple[list[tuple[MailboxId, Message]], MailboxId | None]:
    """Messages in which the query's text is said, and the mailbox after which the search goes on, None at its end.

    Raises:
        ProblemError: who asks may not hear messages; there can be no such mailbox; the cursor is none.
    """
    if not request.identity.may(Right.MESSAGE_HEAR):
        raise ProblemError("forbidden", f"That needs the right {Right.MESSAGE_HEAR}.")
    after = box_of_cursor(query.cursor)
    within = reached(request, query.domain, after)
    if query.mailbox:
        box = mailbox_id_of(query.mailbox, request.deps.domain)
        within = iter([box] if request.identity.reach.has(box) else [])
    found: list[tuple[MailboxId, Message]] = []
    for _ in range(_PORTIONS):
        portion = list(islice(within, _BOXES))
        if not portion:
            return found, None
        found += request.deps.find_words(portion, query.text)
        after = portion[-1]
        if len(found) >= query.limit:
            break
    return found, None if query.mailbox else after


def _found(request: Request, found: Iterable[tuple[MailboxId, Message]]) -> list[FoundMessage]:
    return [FoundMessage(str(box), _view(request, message)) for box, message in found]


def found_message(request: Request) -> Message:
    """The message of the path; raises ProblemError."""
    message_id = request.path["message"]
    if not ID_PATTERN.fullmatch(message_id):
        raise not_found()
    return request.deps.mailboxes.message(request.box, message_id)


@route("GET", "/mailboxes/{mailbox}/messages/{message}", Right.MESSAGE_READ, "One message", tag=_TAG)
def show_message(request: Request) -> MessageView:
    """Also from the trash. Looking at it leaves it new."""
    return _view(request, found_message(request))


@route(
    "PATCH", "/mailboxes/{mailbox}/messages/{message}", Right.MESSAGE_CHANGE, "Move a message, mark it, or note something on it",
    problems=("full",), tag=_TAG,
)  # fmt: skip
def change_message(request: Request, body: MessageChange) -> MessageView:
    """Marked heard, a new message goes to Old as after a telephone call; marked new, it goes back among the new ones."""
    message = found_message(request)
    if body.note is not UNSET and not request.identity.may(Right.MESSAGE_HEAR):
        raise ProblemError("forbidden", f"A note needs the right {Right.MESSAGE_HEAR}.")
    if (
        body.folder is not UNSET
        and body.folder is not message.folder
        and not request.deps.mailboxes.move(request.box, message.id, body.folder).kept
    ):
        raise ProblemError("full", f"The folder {body.folder} is full: delete something there first.")
    if body.heard is True:
        mark_heard(request, message.id)
    elif body.heard is False and not request.deps.mailboxes.move(request.box, message.id, Folder.NEW).kept:
        raise ProblemError("full", "The folder new is full: delete something there first.")
    if body.handled_by is not UNSET:
        request.deps.mailboxes.handle(request.box, message.id, body.handled_by)
    if body.note is not UNSET:
        request.deps.mailboxes.note(request.box, message.id, body.note)
    return _view(request, request.deps.mailboxes.message(request.box, message.id))


@route(
    "POST", "/mailboxes/{mailbox}/messages/{message}/mail", Right.MESSAGE_HEAR, "Have a message mailed to its owner",
    status=202, problems=("no-mail",), tag=_TAG,
)  # fmt: skip
def mail_message(request: Request) -> None:
    """As when it came, to the mailbox's own address; it stays where it is. Asked for twice within a minute it is one mail."""
    message = found_message(request)
    if not ask_for_mail(request.deps.mailboxes, request.mailbox, message.id, mails=request.deps.mails):
        raise ProblemError("no-mail", "The mailbox has no mail address, or the service no mail server.")


def mark_heard(request: Request, message_id: str) -> None:
    """As when it was heard on the telephone: it counts as heard, and goes to Old where heard messages do (`moveheard`)."""
    request.deps.mailboxes.heard(request.box, message_id)
    if request.mailbox.options.moveheard:
        request.deps.mailboxes.retire(request.box, [message_id])


@route(
    "DELETE", "/mailboxes/{mailbox}/messages/{message}", Right.MESSAGE_CHANGE, "Put a message into the trash", tag=_TAG,
)  # fmt: skip
def delete_message(request: Request) -> None:
    """It can be restored for `trash_days`. One that lies there already stays there."""
    message = found_message(request)
    request.deps.mailboxes.delete(request.box, message.id)


@route(
    "POST", "/mailboxes/{mailbox}/messages/{message}/restore", Right.MESSAGE_CHANGE, "Take a message out of the trash",
    tag=_TAG,
)  # fmt: skip
def restore_message(request: Request) -> MessageView:
    """Back to its place and folder. One that is not in the trash stays where it is."""
    message = found_message(request)
    request.deps.mailboxes.restore(request.box, message.id)
    return _view(request, request.deps.mailboxes.message(request.box, message.id))
