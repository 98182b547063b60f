"""What requests hold and answers tell: typed once, checked and described from that (`openapi.py`).

Times are ISO 8601 with an offset, in the mailbox's zone; lengths are milliseconds. Folders have the same names in every
language. A PIN is in no answer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from esl_vm.model.mailbox import Folder, Greeting

Box = Annotated[str, Meta(description="A mailbox, `1001@default`; without a domain the service's own.", max_length=200)]
Moment = Annotated[datetime, Meta(tz=True, description="ISO 8601 with an offset.")]
Limit = Annotated[int, Meta(ge=1, le=200, description="Most entries of a page.")]
Cursor = Annotated[str, Meta(max_length=400, description="`next` of the page before.")]
Pin = Annotated[str, Meta(pattern="^[0-9]{1,32}$", description="Digits; leading zeros count.")]
NUMBERS = "^[A-Za-z0-9_.+@, -]*$"
"""Mailboxes or lists in a parameter; a request's line has at most 8 KiB, as they are written there."""
Id = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]


class Given(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent in: what is not known is refused, not overlooked."""


class Told(Struct, frozen=True):
    """What is answered."""


# -- sessions -------------------------------------------------------------------------------------


class SignIn(Given, frozen=True):
    """An owner's mailbox and PIN."""

    mailbox: Box
    pin: Pin


class SignInByLink(Given, frozen=True):
    """The secret of an administrator's one-time link."""

    link: Annotated[str, Meta(max_length=200)]


class SessionTold(Told, frozen=True):
    """Who is signed in, and what he may."""

    name: str
    role: str
    rights: list[str]
    mailbox: str | None = None


class SessionEntry(Told, frozen=True):
    """A browser that is signed in."""

    id: str
    address: str
    since: str
    until: str
    current: bool


class Sessions(Told, frozen=True):
    """All browsers in which the owner is signed in."""

    sessions: list[SessionEntry]


# -- mailboxes ------------------------------------------------------------------------------------


class MailboxTold(Told, frozen=True):
    """A mailbox. `settings` has what differs from the service's defaults."""

    mailbox: str
    name: str
    language: str
    timezone: str
    folders: dict[str, int]
    urgent: int
    takes_messages: bool
    filled: Annotated[float, Meta(description="How full it is: 1 = no message can be left.")]
    has_pin: bool
    pin_is_initial: Annotated[bool, Meta(description="Its owner did not choose it; it does not open from a browser.")]
    locked_s: Annotated[int, Meta(description="Seconds for which the PIN is locked.")]
    greetings: dict[str, bool]
    settings: dict[str, str]


class MailboxEntry(Told, frozen=True):
    """A mailbox in a list."""

    mailbox: str
    name: str
    email: str
    new: int
    old: int
    urgent: int
    filled: float
    pin_is_initial: bool
    locked_s: int


class MailboxPage(Told, frozen=True):
    """A part of the list of mailboxes, by domain and number."""

    mailboxes: list[MailboxEntry]
    next: str | None = None


class MailboxQuery(Given, frozen=True):
    """Which mailboxes."""

    domain: Annotated[str, Meta(description="Only of this domain.", max_length=128)] = ""
    search: Annotated[
        str, Meta(description="In number, name or e-mail; accents and case don't count.", max_length=80)
    ] = ""
    limit: Limit = 50
    cursor: Cursor = ""


class NewMailbox(Given, frozen=True):
    """A mailbox to make. `settings`: fields and options as `esl-vm mailbox set` has them."""

    mailbox: Box
    settings: dict[str, str] = {}
    pin: Pin | None = None


class TableQuery(Given, frozen=True):
    """What is done with a table of mailboxes."""

    apply: Annotated[bool, Meta(description="Make the changes; else they are only told.")] = False
    domain: Annotated[str, Meta(description="Of mailboxes that name none; else the service's own.", max_length=128)] = (
        ""
    )
    reset_pins: Annotated[bool, Meta(description="Set the table's PINs where owners have one too.")] = False


class FieldChange(Told, frozen=True):
    """A field before and after; empty = the default."""

    before: str
    after: str


class RowTold(Told, frozen=True):
    """What a row of the table changes."""

    where: Annotated[str, Meta(description="`line 7`, `item 3`.")]
    mailbox: str
    new: bool
    fields: dict[str, FieldChange]
    pin: Annotated[bool | None, Meta(description="true: one is set; false: none is asked any more; null: it stays.")]
    greetings: Annotated[list[str], Meta(description="Those that are taken away.")]


class TableTold(Told, frozen=True):
    """What a table changes, row by row; what is wrong with it; how many rows were applied."""

    changes: list[RowTold]
    problems: list[str]
    applied: int


class MailboxChange(Given, frozen=True):
    """Fields and options to set; null goes back to the default."""

    settings: dict[str, str | None]


class PinChange(Given, frozen=True):
    """A new PIN. An owner gives the one in force too; of an administrator's it is said that its owner did not choose it."""

    pin: Pin
    current: Pin | None = None


class Notifications(Told, frozen=True):
    """How an owner is told of messages."""

    email: str
    pager: str
    attach: Annotated[bool, Meta(description="The sound goes with the mail.")]
    transcripts: Annotated[
        bool | None, Meta(description="Messages are written down; null: an administrator switched that off.")
    ] = None


class NotificationsChange(Given, frozen=True):
    """What of it to change."""

    email: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    pager: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    attach: bool | UnsetType = UNSET
    transcripts: bool | UnsetType = UNSET


# -- messages -------------------------------------------------------------------------------------


class SegmentTold(Told, frozen=True):
    """A piece of a transcript, and when it is heard."""

    start_ms: int
    end_ms: int
    text: str


class TranscriptTold(Told, frozen=True):
    """What is said in a message, as a machine heard it. It may be wrong: the sound counts."""

    state: Annotated[
        Literal["done", "no-speech", "too-long", "failed"], Meta(description="Only one that is done has words.")
    ]
    language: str
    engine: Annotated[str, Meta(description="What heard it.")]
    confidence: Annotated[float, Meta(description="How sure it was, 0 to 1; 0 = it did not say.")]
    text: str
    segments: list[SegmentTold]


class MessageTold(Told, frozen=True):
    """A message."""

    id: str
    folder: Folder
    caller_number: str
    caller_name: str
    received: str
    duration_ms: int
    urgent: bool
    heard: bool
    origin: str
    forwarded_by: str
    introduction_ms: Annotated[int, Meta(description="Length of the spoken introduction of a forward; 0 = none.")]
    cut: Annotated[bool, Meta(description="The recording was cut short by a failure.")]
    call_id: Annotated[str, Meta(description="SIP's Call-ID of the call by which it came.")]
    call_uuid: Annotated[str, Meta(description="FreeSWITCH's.")]
    dialled: str
    diverted_from: str
    label: Annotated[str, Meta(description="What the dialplan called the call.")]
    transcript: Annotated[
        TranscriptTold | None, Meta(description="null: not there (yet), or not for who may not hear the message.")
    ] = None


class MessagePage(Told, frozen=True):
    """A part of a folder."""

    messages: list[MessageTold]
    total: Annotated[int, Meta(description="All messages of the folder, whatever is filtered.")]
    next: Annotated[str | None, Meta(description="Cursor of the next page; null at the end.")] = None


class FindQuery(Given, frozen=True):
    """By which call messages came, or what is said in them: one of the two."""

    call_id: Annotated[str, Meta(max_length=200, description="SIP's Call-ID, or FreeSWITCH's uuid.")] = ""
    text: Annotated[
        str, Meta(max_length=80, description="What is said; accents and case don't count. Needs message.hear.")
    ] = ""
    domain: Annotated[str, Meta(description="With text: only in mailboxes of this domain.", max_length=128)] = ""
    limit: Limit = 50
    cursor: Cursor = ""


class MessageFound(Told, frozen=True):
    """A message, and in which mailbox it lies."""

    mailbox: str
    message: MessageTold


class MessagesFound(Told, frozen=True):
    """By a call: the first received first. By what is said: by mailbox, its newest first."""

    messages: list[MessageFound]
    next: Annotated[
        str | None, Meta(description="With text: where it goes on. A page ends with a mailbox, and may be empty.")
    ] = None


class MessageQuery(Given, frozen=True):
    """Which messages."""

    folder: Folder = Folder.NEW
    order: Annotated[Literal["newest", "oldest"], Meta(description="By when they came into the folder.")] = "newest"
    limit: Limit = 50
    cursor: Cursor = ""
    caller: Annotated[
        str, Meta(description="In the caller's number or name; accents and case don't count.", max_length=80)
    ] = ""
    text: Annotated[
        str, Meta(description="In what is said; accents and case don't count. Needs message.hear.", max_length=80)
    ] = ""
    search: Annotated[str, Meta(description="In the caller's number or name, or in what is said.", max_length=80)] = ""
    since: Annotated[Moment | None, Meta(description="Received at that time or later.")] = None
    until: Annotated[Moment | None, Meta(description="Received before that time.")] = None
    urgent: bool | None = None


class MessageChange(Given, frozen=True):
    """Where a message is to lie, and whether it counts as heard."""

    folder: Folder | UnsetType = UNSET
    heard: bool | UnsetType = UNSET


class Forward(Given, frozen=True):
    """To whom: mailboxes and distribution lists of the same domain, by number."""

    to: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(min_length=1, max_length=200)]


class ForwardQuery(Given, frozen=True):
    """To whom. The spoken introduction is the body."""

    to: Annotated[str, Meta(pattern=NUMBERS, min_length=1, max_length=2000, description="Numbers, commas between.")]


class ForwardTold(Told, frozen=True):
    """What became of it. `waiting`: it is kept, and delivered as soon as possible."""

    id: str
    result: Literal["delivered", "waiting"]
    to: list[str]


class Batch(Given, frozen=True):
    """One action for many messages; each id gets an answer of its own."""

    action: Literal["move", "heard", "new", "delete", "restore", "forward"]
    ids: Annotated[list[Id], Meta(min_length=1, max_length=200)]
    folder: Folder | UnsetType = UNSET
    to: list[str] = []


class BatchEntry(Told, frozen=True):
    """What became of one id."""

    id: str
    result: Literal["done", "already", "gone", "full", "refused"]


class BatchTold(Told, frozen=True):
    """What became of each id, in the order of the request."""

    results: list[BatchEntry]


class CallAsked(Told, frozen=True):
    """A call that was asked for. What becomes of it is told in the events: `call-back`, with this `call`."""

    call: str
    number: Annotated[str, Meta(description="Which is dialled once the owner's telephone is answered.")]


class SoundQuery(Given, frozen=True):
    """How the sound is wanted."""

    format: (
        Annotated[
            Literal["wav", "mp3", "opus"],
            Meta(description="wav: as it is stored; opus: in Ogg. Without it what `Accept` prefers, else wav."),
        ]
        | UnsetType
    ) = UNSET
    download: Annotated[bool, Meta(description="As a file to keep, under the caller's name.")] = False


# -- greetings ------------------------------------------------------------------------------------


class GreetingTold(Told, frozen=True):
    """A recorded greeting."""

    greeting: Greeting
    duration_ms: int
    in_force: Annotated[bool, Meta(description="Callers hear it now (the temporary one before all others).")]
    starts: str | None = None
    ends: str | None = None


class Greetings(Told, frozen=True):
    """What the owner recorded for callers."""

    greetings: list[GreetingTold]


class GreetingDates(Given, frozen=True):
    """From when until when the temporary greeting is in force; null = open."""

    starts: Moment | None = None
    ends: Moment | None = None


# -- lists, broadcasts, the service ---------------------------------------------------------------


class ListTold(Told, frozen=True):
    """A distribution list."""

    number: str = field(name="list")
    name: str
    members: list[str]
    recorded_name: bool


class Lists(Told, frozen=True):
    """Distribution lists, by domain and number."""

    lists: list[ListTold]


class ListQuery(Given, frozen=True):
    """Which lists."""

    domain: Annotated[str, Meta(description="Only of this domain.", max_length=128)] = ""


class ListChange(Given, frozen=True):
    """A list as it is to be."""

    members: Annotated[list[Box], Meta(max_length=10000)]
    name: Annotated[str, Meta(max_length=80)] = ""


class BroadcastQuery(Given, frozen=True):
    """To whom a broadcast goes, and as what. The sound is the body."""

    to: Annotated[str, Meta(description="Mailboxes, commas between.", pattern=NUMBERS, max_length=1500)] = ""
    list: Annotated[str, Meta(description="Distribution lists, commas between.", pattern=NUMBERS, max_length=300)] = ""
    domain: Annotated[str, Meta(description="A domain: all its mailboxes.", max_length=128)] = ""
    urgent: bool = False
    from_number: Annotated[str, Meta(max_length=64)] = ""
    from_name: Annotated[str, Meta(max_length=80)] = ""
    id: Annotated[str, Meta(description="Its name: the same one is delivered to each mailbox once.", max_length=64)] = (
        ""
    )


class BroadcastTold(Told, frozen=True):
    """What became of a broadcast, mailbox by mailbox."""

    id: str
    mailboxes: int
    sent: int
    already: int
    full: list[str]
    closed: list[str]
    missing: list[str]


class NodeTold(Told, frozen=True):
    """A node, as it last told of itself."""

    name: str
    alive: bool
    at: str
    version: str
    state: dict[str, str]


class Nodes(Told, frozen=True):
    """All nodes that were alive within a day."""

    nodes: list[NodeTold]


class Queues(Told, frozen=True):
    """What waits, and what is wrong."""

    mail: int
    webhook: int
    dead: int
    overdue_s: float
    locked_mailboxes: int
    refuses: Annotated[str, Meta(description="Why Redis takes no changes; empty = it does.")]


class JobsQuery(Given, frozen=True):
    """Which jobs."""

    state: Annotated[Literal["", "waiting", "dead"], Meta(description="dead: given up; empty: both.")] = ""


class JobTold(Told, frozen=True):
    """A mail, a webhook call or the like that is still to be sent, or was given up."""

    id: str
    kind: str
    mailbox: str
    state: str
    created: str
    attempts: int
    error: Annotated[str, Meta(description="Why the last attempt failed; empty: there was none.")]


class Jobs(Told, frozen=True):
    """Jobs; what was given up comes first."""

    jobs: list[JobTold]


class JobsDone(Told, frozen=True):
    """To how many it was done."""

    jobs: int


class FindingTold(Told, frozen=True):
    """Something that is wrong with a node, as `esl-vm doctor` there says it."""

    node: str
    area: str
    level: Annotated[str, Meta(description="error or warning.")]
    said: str
    remedy: Annotated[str, Meta(description="What to do about it.")]
    at: Annotated[str, Meta(description="When it was looked at.")]


class Findings(Told, frozen=True):
    """What needs attention, errors of each node first."""

    findings: list[FindingTold]


class HeldTold(Told, frozen=True):
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


class HeldRecordings(Told, frozen=True):
    """Recordings in the spools of all nodes that are alive, those first that are in quarantine; at most 100 of each."""

    recordings: list[HeldTold]


class ProblemTold(Told, frozen=True):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request: Annotated[str, Meta(description="Under which the service's log has it.")]
    errors: dict[str, str] | UnsetType = UNSET


class EventLogQuery(Given, frozen=True):
    """Which of the latest events."""

    mailbox: Annotated[str, Meta(description="Only of this mailbox.", max_length=200)] = ""
    what: Annotated[
        str, Meta(description="Only of this kind: `delivered`, `moved` …", pattern="^[a-z-]*$", max_length=40)
    ] = ""
    by: Annotated[str, Meta(description="Only of whom this text names: part of `details.by`.", max_length=200)] = ""
    limit: Limit = 100


class EventTold(Told, frozen=True):
    """Something that happened; the counts are those right after it."""

    at: str
    what: str
    mailbox: str
    message: str
    new: int
    old: int
    urgent: int
    details: dict[str, Any]


class EventLogTold(Told, frozen=True):
    """The latest events, the newest first."""

    events: list[EventTold]


class EventsQuery(Given, frozen=True):
    """From where on events are wanted."""

    last_event_id: Annotated[str, Meta(pattern="^[0-9:,-]*$", max_length=2000, description="As the header.")] = ""
