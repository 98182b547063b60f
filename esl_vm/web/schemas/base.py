"""The API's schemas: what requests and responses hold, validated and described from that (`openapi.py`).

Times are ISO 8601 with an offset, in the mailbox's zone; lengths are milliseconds. Folders have the same names in every
language. A PIN is in no response.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

Box = Annotated[str, Meta(description="A mailbox, `1001@default`; without a domain the service's own.", max_length=200)]
Moment = Annotated[datetime, Meta(tz=True, description="ISO 8601 with an offset.")]
Limit = Annotated[int, Meta(ge=1, le=200, description="Most entries of a page.")]
Cursor = Annotated[str, Meta(max_length=400, description="`next` of the page before.")]
Pin = Annotated[str, Meta(pattern="^[0-9]{1,32}$", description="Digits; leading zeros count.")]
NUMBERS = "^[A-Za-z0-9_.+@, -]*$"
"""Mailboxes or lists in a parameter; a request's line has at most 8 KiB, as they are written there."""
Id = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]


class RequestSchema(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent in: what is not known is refused, not overlooked."""


class ResponseSchema(Struct, frozen=True):
    """What is answered."""
