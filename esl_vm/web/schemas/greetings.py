"""Greetings."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from esl_vm.model.mailbox import Greeting
from esl_vm.web.schemas.base import Moment, RequestSchema, ResponseSchema


class GreetingView(ResponseSchema, frozen=True):
    """A recorded greeting."""

    greeting: Greeting
    duration_ms: int
    in_force: Annotated[bool, Meta(description="Callers hear it now (the temporary one before all others).")]
    starts: str | None = None
    ends: str | None = None


class Greetings(ResponseSchema, frozen=True):
    """What the owner recorded for callers."""

    greetings: list[GreetingView]


class GreetingDates(RequestSchema, frozen=True):
    """From when until when the temporary greeting is in force; null = open."""

    starts: Moment | None = None
    ends: Moment | None = None
