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


class PreviewQuery(RequestSchema, frozen=True):
    """A call that could come."""

    at: Annotated[Moment | None, Meta(description="When; now, where it is left out.")] = None
    caller: Annotated[str, Meta(description="The number that calls.", max_length=80)] = ""
    internal: Annotated[bool, Meta(description="It is a telephone of this system.")] = False
    busy: Annotated[bool, Meta(description="The line is busy, rather than nobody answers.")] = False


class GreetingPreview(ResponseSchema, frozen=True):
    """What such a caller hears."""

    at: str
    greeting: Annotated[Greeting | None, Meta(description="null: the default sentence.")]
    rule: Annotated[str | None, Meta(description="The one of the mailbox's greeting_rules that chose it.")]
    calendars_missing: Annotated[
        list[str],
        Meta(description="Calendars that rules name and that this node has not read: such a rule never fits."),
    ]
    unrecorded: Annotated[
        list[Greeting],
        Meta(description="Greetings that rules name and that are not recorded: such a rule never counts."),
    ]
    led_to: Annotated[
        str | None,
        Meta(description="Where the mailbox's exits lead such a caller before any greeting; null: nowhere."),
    ]
