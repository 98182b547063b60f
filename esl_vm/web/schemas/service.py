"""The service itself: nodes, queues, findings; problems."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from esl_vm.web.schemas.base import RequestSchema, ResponseSchema


class NodeView(ResponseSchema, frozen=True):
    """A node, as it last reported itself."""

    name: str
    alive: bool
    at: str
    version: str
    state: dict[str, str]


class Nodes(ResponseSchema, frozen=True):
    """All nodes that were alive within a day."""

    nodes: list[NodeView]


class Queues(ResponseSchema, frozen=True):
    """What waits, and what is wrong."""

    mail: int
    webhook: int
    dead: int
    overdue_s: float
    locked_mailboxes: int
    refuses: Annotated[str, Meta(description="Why Redis takes no changes; empty = it does.")]


class JobsQuery(RequestSchema, frozen=True):
    """Which jobs."""

    state: Annotated[Literal["", "waiting", "dead"], Meta(description="dead: given up; empty: both.")] = ""


class JobView(ResponseSchema, frozen=True):
    """A mail, a webhook call or the like that is still to be sent, or was given up."""

    id: str
    kind: str
    mailbox: str
    state: str
    created: str
    attempts: int
    error: Annotated[str, Meta(description="Why the last attempt failed; empty: there was none.")]


class Jobs(ResponseSchema, frozen=True):
    """Jobs; what was given up comes first."""

    jobs: list[JobView]


class JobsDone(ResponseSchema, frozen=True):
    """To how many it was done."""

    jobs: int


class FindingView(ResponseSchema, frozen=True):
    """Something that is wrong with a node, as `esl-vm doctor` there says it."""

    node: str
    area: str
    level: Annotated[str, Meta(description="error or warning.")]
    said: str
    remedy: Annotated[str, Meta(description="What to do about it.")]
    at: Annotated[str, Meta(description="When it was looked at.")]


class Findings(ResponseSchema, frozen=True):
    """What needs attention, errors of each node first."""

    findings: list[FindingView]


class HeldRecording(ResponseSchema, frozen=True):
    """A recording that has not reached its mailbox, and lies in a node's spool."""

    node: str
    id: str
    kind: str
    mailboxes: list[str]
    state: Annotated[
        str,
        Meta(description="aside: in quarantine, it needs somebody; waiting, unfinished, elsewhere: not yet; stray."),
    ]
    age_s: int
    bytes: int
    reason: str


class HeldRecordings(ResponseSchema, frozen=True):
    """Recordings in the spools of all nodes that are alive, those first that are in quarantine; at most 100 of each."""

    recordings: list[HeldRecording]


class ProblemDetails(ResponseSchema, frozen=True):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request: Annotated[str, Meta(description="Under which the service's log has it.")]
    errors: dict[str, str] | UnsetType = UNSET
