"""What `--json` prints, command by command: the shapes that programs rely on, of which `esl-vm schema` makes JSON Schema.

A version may add a key; none goes, or means something else, but as docs/releasing.md says. Times are ISO 8601 with their
offset, `_ms` and `_s` are milliseconds and seconds, what is not known is `` or null.
"""

from typing import Any, Literal, TypedDict

from msgspec import UNSET, UnsetType

from esl_vm.model.callers import TraceKind
from esl_vm.model.findings import Finding
from esl_vm.model.mailbox import Folder, Greeting
from esl_vm.model.settings import Settings
from esl_vm.setup.call import Tried
from esl_vm.web.schemas.events import EventView
from esl_vm.web.schemas.greetings import GreetingPreview
from esl_vm.web.schemas.lists import BroadcastView, ListView
from esl_vm.web.schemas.messages import MessageView
from esl_vm.web.schemas.notices import NoticePreview
from esl_vm.web.schemas.service import JobView


class MailboxSummary(TypedDict):
    """A mailbox in a list: its messages by folder, which greetings are recorded, whether its PIN is locked."""

    mailbox: str
    name: str
    language: str
    timezone: str
    folders: dict[Folder, int]
    urgent: int
    greetings: dict[Greeting, bool]
    locked: bool


GreetingShape = TypedDict(
    "GreetingShape",
    {"greeting": Greeting, "duration_ms": int, "in_force": bool, "from": str | None, "until": str | None},
)
GreetingShape.__doc__ = "A recorded greeting, whether callers hear it now, and from when until when it is active."


class CalendarShape(TypedDict):
    """A calendar that rules may name, as this node read it last; days and times: how many there are in it."""

    calendar: str
    source: str
    days: int
    times: int
    read: str | None
    problem: str | None


class PinShape(TypedDict):
    """How a mailbox opens: `initial` is a PIN that its owner did not choose. Locks: for its own telephone, for others."""

    state: Literal["none", "initial", "chosen"]
    changed: str | None
    locked_s: int
    locked_outside_s: int


class Room(TypedDict):
    """What a mailbox holds and can hold; most_sound_ms null: any. filled: 0 to 1, by messages or by sound."""

    new: int
    most_new: int
    sound_ms: int
    most_sound_ms: int | None
    filled: float
    full: bool
    takes_messages: bool


class OwnerShape(TypedDict):
    """One of a mailbox's owners; `initial` is a PIN that he did not choose. The first has the mailbox's own name and PIN."""

    owner: int
    name: str
    pin: Literal["none", "initial", "chosen"]


class MailboxShape(MailboxSummary):
    """A mailbox with all that is known of it. options: all, as they are in force; set: those that are its own."""

    created: str | None
    email: str
    pager: str
    webhook: str
    extensions: list[str]
    aliases: list[str]
    copies: list[str]
    urgent_old: int
    recorded: list[GreetingShape]
    pin: PinShape
    owners: list[OwnerShape]
    room: Room
    options: dict[str, bool | int | str]
    set: list[str]


class MessageShape(MessageView, frozen=True, kw_only=True):
    """A message. arrived: when it came into this mailbox, where it was forwarded later than `received`."""

    arrived: str
    introduction_ms: int | None  # type: ignore[assignment]


class MessageShown(MessageShape, frozen=True, kw_only=True):
    """A message, and whether its sound is in the store."""

    stored: bool


class MessageFound(MessageShape, frozen=True, kw_only=True):
    """A message, and in which mailbox it is."""

    mailbox: str


class ListShape(ListView, frozen=True, kw_only=True):
    """A distribution list; recorded_name: it is said back by a recording, recorded_name_ms long, not by its number."""

    recorded_name_ms: int | None


class SessionShape(TypedDict):
    """An administrator who is signed in to the pages; way: `` = a link, `oidc`."""

    id: str
    name: str
    address: str
    way: str
    since: str
    until: str


class TokenShape(TypedDict):
    """A program's token, without its secret; expires and used are null for never."""

    id: str
    name: str
    may: list[str]
    mailboxes: list[str]
    domains: list[str]
    all: bool
    made: str
    expires: str | None
    used: str | None


class NewToken(TokenShape):
    """A token that was made; token: its secret, shown this once."""

    token: str


class TakeShape(TypedDict):
    """A recording in the spool; state `aside`: in quarantine, and why."""

    id: str
    kind: str
    boxes: list[str]
    node: str
    state: str
    age_s: int
    bytes: int
    reason: str


class OutcomeShape(TypedDict):
    """What became of a recording; null: nothing could be done about it."""

    id: str
    boxes: list[str]
    settled: str | None
    reason: str


class JobShape(JobView, frozen=True, kw_only=True):
    """A mail, webhook call or transcript that is still to be done (`waiting`), or was given up (`dead`), and why."""

    due: str


class EventShape(EventView, frozen=True, kw_only=True):
    """What happened, with the messages there are after it. One object a line."""

    id: str


class BroadcastShape(BroadcastView, frozen=True, kw_only=True):
    """How many mailboxes got it now, had it already, which did not get it and why; to: with --dry-run, who would."""

    to: list[str] | UnsetType = UNSET


class ReportShape(TypedDict):
    """What an import or export did: counts of what was found, came, was there already."""

    source: str
    dry_run: bool
    mailboxes: dict[str, int]
    messages: dict[str, int]
    greetings: dict[str, int]
    reconciled: bool
    counts: dict[str, int]
    items: list[dict[str, Any]]
    remarks: list[dict[str, Any]]


class PromptsShape(TypedDict):
    """The prompts of a language; prompts: their names by how they are covered."""

    language: str
    pack: str
    folder: str
    total: int
    complete: bool
    prompts: dict[str, list[str]]
    advice: str


class NodeShape(TypedDict):
    """A node, as it reported itself last."""

    name: str
    alive: bool
    told_s_ago: float
    version: str
    knows_schema: int
    listen: str
    started: str
    workers: int
    calls: int
    calls_total: int
    calls_failed: int
    spool_waiting: int
    spool_aside: int
    spool_oldest_s: int
    lamp_wait_s: float
    freeswitch: str
    ready: str


class ClusterShape(TypedDict):
    """All nodes, and the queues they share."""

    at: str
    redis: str
    schema: int
    nodes: list[NodeShape]
    locked_mailboxes: int
    mail_waiting: int
    texts_waiting: int
    webhooks_waiting: int
    given_up: int
    overdue_s: float


class TraceShape(TypedDict):
    """Something about a caller's number; kept: why erasing leaves it, `` = it does not."""

    kind: TraceKind
    place: str
    id: str
    at: str | None
    what: str
    kept: str


class CallerShape(TypedDict):
    """All that there is about a caller's number; away: nodes that did not answer."""

    number: str
    found: list[TraceShape]
    away: list[str]


class ReceiptShape(TypedDict):
    """A receipt that was asked for; `heard` is empty until it is."""

    id: str
    to: str
    sent: str
    heard: str


class ScheduledShape(TypedDict):
    """A message that waits for its time."""

    id: str
    at: str
    to: list[str]
    duration_ms: int
    urgent: bool


class DueShape(TypedDict):
    """Messages of a folder that are older than its mailbox keeps them; those of the trash are erased, others go there."""

    mailbox: str
    folder: Folder
    days: int
    messages: int


class HoldShape(TypedDict):
    """A legal hold on a mailbox; until null: until it is released. kept: messages that it keeps of what was erased."""

    mailbox: str
    in_force: bool
    since: str | None
    until: str | None
    by: str
    reason: str
    kept: int


class SetupStep(TypedDict):
    """A step of setup, what it changes and why; done: false with --dry-run."""

    step: str
    what: str
    why: str
    changes: list[str]
    done: bool


class SetupShape(TypedDict, total=False):
    """What setup did; to_do: what it left. With --undo only `undo`, what was to be put back, and what of it was `done` or `left`."""

    freeswitch: dict[str, str]
    steps: list[SetupStep]
    notes: list[str]
    to_do: list[str]
    call: list[Tried]
    undo: list[str]
    done: list[str]
    left: list[str]


SHAPES: dict[str, Any] = {
    "admin list": list[SessionShape],
    "broadcast": BroadcastShape,
    "config": Settings,
    "doctor": list[Finding],
    "events": EventShape,
    "greeting calendars": list[CalendarShape],
    "greeting list": list[GreetingShape],
    "greeting preview": GreetingPreview,
    **dict.fromkeys(
        ("export asterisk", *(f"import {one}" for one in ("asterisk", "fusionpbx", "mod-voicemail"))), ReportShape
    ),
    "list list": list[ListShape],
    "list show": ListShape,
    "mail list": list[JobShape],
    "mailbox list": list[MailboxSummary],
    "mailbox notices": NoticePreview,
    "mailbox show": MailboxShape,
    "message list": list[MessageShape],
    "message receipts": list[ReceiptShape],
    "message scheduled": list[ScheduledShape],
    "message search": list[MessageFound],
    "message send": BroadcastShape,
    "message show": MessageShown,
    "owner list": list[OwnerShape],
    "privacy find": CallerShape,
    "privacy holds": list[HoldShape],
    "privacy retention": list[DueShape],
    "prompts check": list[PromptsShape],
    "setup": SetupShape,
    "spool list": list[TakeShape],
    "spool settle": list[OutcomeShape],
    "token add": NewToken,
    "token list": list[TokenShape],
    "top": ClusterShape,
}
"""By command; of `events` it is each line."""
