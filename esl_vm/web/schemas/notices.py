"""What a message makes known, and to whom."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from esl_vm.model.notify_rules import Way
from esl_vm.web.schemas.base import Moment, RequestSchema, ResponseSchema


class NoticeQuery(RequestSchema, frozen=True):
    """A message that could come."""

    at: Annotated[Moment | None, Meta(description="When; now, where it is left out.")] = None
    caller: Annotated[str, Meta(description="The number that leaves it.", max_length=80)] = ""
    internal: Annotated[bool, Meta(description="It comes from a colleague.")] = False
    urgent: Annotated[bool, Meta(description="It is marked urgent.")] = False


class NoticeView(ResponseSchema, frozen=True):
    """One notice."""

    way: Way
    to: Annotated[str, Meta(description="An address; of a webhook its name in the settings.")]


class NoticePreview(ResponseSchema, frozen=True):
    """What such a message makes."""

    at: str
    notices: list[NoticeView]
    rule: Annotated[
        str | None, Meta(description="The one of the mailbox's notify_rules that decides; null: none does.")
    ]
    calendars_missing: Annotated[
        list[str],
        Meta(description="Calendars that rules name and that this node has not read: such a rule never fits."),
    ]
