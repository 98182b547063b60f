"""Several owners of one mailbox."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from esl_vm.model.owners import LONGEST_OWNER
from esl_vm.web.schemas.base import Pin, RequestSchema, ResponseSchema

OwnerName = Annotated[str, Meta(min_length=1, max_length=LONGEST_OWNER)]
Current = Annotated[str, Meta(pattern="^[0-9]{1,32}$", description="An owner's own PIN; an administrator gives none.")]


class OwnerEntry(ResponseSchema, frozen=True):
    """An owner. The first has the mailbox's own name and PIN."""

    number: int
    name: str
    pin_is_initial: Annotated[
        bool, Meta(description="The owner did not choose the PIN; it does not open from a browser.")
    ]


class Owners(ResponseSchema, frozen=True):
    """All owners of a mailbox."""

    owners: list[OwnerEntry]


class NewOwner(RequestSchema, frozen=True):
    """One more owner, with a PIN that no other owner of the mailbox has."""

    name: OwnerName
    pin: Pin
    current: Current | None = None


class OwnerChange(RequestSchema, frozen=True):
    """Another name, or another PIN, for an owner besides the first."""

    name: OwnerName | UnsetType = UNSET
    pin: Pin | UnsetType = UNSET
    current: Current | None = None
