"""Signing in, and where one is signed in."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from esl_vm.web.schemas.base import Box, Pin, RequestSchema, ResponseSchema


class SignIn(RequestSchema, frozen=True):
    """An owner's mailbox and PIN."""

    mailbox: Box
    pin: Pin


class SignInByLink(RequestSchema, frozen=True):
    """The secret of an administrator's one-time link."""

    link: Annotated[str, Meta(max_length=200)]


class SessionView(ResponseSchema, frozen=True):
    """Who is signed in, and what he may."""

    name: str
    role: str
    rights: list[str]
    mailbox: str | None = None
    owner: Annotated[str | None, Meta(description="Which of a mailbox's several owners.")] = None


class SessionEntry(ResponseSchema, frozen=True):
    """A browser that is signed in."""

    id: str
    address: str
    since: str
    until: str
    current: bool
    owner: Annotated[str | None, Meta(description="Which of a mailbox's several owners.")] = None


class Sessions(ResponseSchema, frozen=True):
    """All browsers in which the owner is signed in."""

    sessions: list[SessionEntry]
