"""Who is doing what is being done: the caller of a call, the administrator of a command. The store writes it down.

Each greenlet and each thread has its own, so no method has to hand it on.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 200
PHONE, WEB = "phone", "web"
_AS = " as "
_actor: ContextVar[str] = ContextVar("actor", default="")


def actor() -> str:
    """Who acts now: `phone NUMBER CALL-UUID`, `web ROLE:NAME ADDRESS REQUEST`, `command USER@HOST`, `housekeeping NODE`.

    `` = nobody in particular. Of a mailbox of several owners it is said which: `phone NUMBER CALL-UUID as Bob Lee`.
    """
    return _actor.get()


def caller() -> str:
    """The number of the telephone that acts now, or the browser's address; `` if none does."""
    words = [*actor().split(), "", "", ""]
    return {PHONE: words[1], WEB: words[2]}.get(words[0], "")


def phone(number: str, call: str) -> str:
    """The actor that a call is: a number without blanks, and FreeSWITCH's uuid of the call."""
    return f"{PHONE} {''.join(number.split()) or 'unknown'} {call}"


def browser(who: str, address: str, request: str) -> str:
    """The actor that a request to the pages or the API is: whose, from which address, its id in the log."""
    return f"{WEB} {':'.join(who.split()) or 'nobody'} {address} {request}"


def act_as(owner: str) -> None:
    """From now on, until `acting` ends, it is an owner of that name who does it; `` = nobody knows which owner it is."""
    who = actor().partition(_AS)[0]
    _actor.set(f"{who}{_AS}{owner}"[:LONGEST] if who and owner else who)


@contextmanager
def acting(who: str) -> Iterator[None]:
    """What is done inside is done by that one; cut to 200 characters."""
    token = _actor.set(who[:LONGEST])
    try:
        yield
    finally:
        _actor.reset(token)
