"""Messages, their sounds, and what is done with them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from esl_vm.model.mailbox import Folder
from esl_vm.model.message import LONGEST_HANDLER, LONGEST_NOTE
from esl_vm.model.transcript import Segment
from esl_vm.web.schemas.base import NUMBERS, Cursor, Id, Limit, Moment, RequestSchema, ResponseSchema


class TranscriptView(ResponseSchema, frozen=True):
    """What is said in a message, as a machine heard it. It may be wrong: the sound counts."""

    state: Annotated[
        Literal["done", "no-speech", "unsure", "too-long", "failed"],
        Meta(description="Only one that is done has words."),
    ]
    language: str
    engine: Annotated[str, Meta(description="What heard it.")]
    confidence: Annotated[float, Meta(description="How sure it was, 0 to 1; 0 = it did not say.")]
    text: str
    segments: tuple[Segment, ...]


class MessageView(ResponseSchema, frozen=True):
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
        TranscriptView | None, Meta(description="null: not there (yet), or not for who may not hear the message.")
    ] = None
    handled_by: Annotated[str, Meta(description="Who said that he deals with it; empty: nobody.")] = ""
    handled_at: str | None = None
    note: Annotated[str, Meta(description="What was noted on it; empty for who may not hear the message.")] = ""
    until: Annotated[str | None, Meta(description="When it is withdrawn if nobody hears it: its broadcast's end.")] = (
        None
    )
    receipt: Annotated[str, Meta(description="The mailbox that wants to know when it is heard; empty: none.")] = ""


class MessagePage(ResponseSchema, frozen=True):
    """A part of a folder."""

    messages: list[MessageView]
    total: Annotated[int, Meta(description="All messages of the folder, whatever is filtered.")]
    next: Annotated[str | None, Meta(description="Cursor of the next page; null at the end.")] = None


class FindQuery(RequestSchema, frozen=True):
    """By which call messages came, or what is said in them: one of the two."""

    call_id: Annotated[str, Meta(max_length=200, description="SIP's Call-ID, or FreeSWITCH's uuid.")] = ""
    text: Annotated[
        str, Meta(max_length=80, description="What is said; accents and case don't count. Needs message.hear.")
    ] = ""
    domain: Annotated[str, Meta(description="With text: only in mailboxes of this domain.", max_length=128)] = ""
    mailbox: Annotated[str, Meta(description="With text: only in this mailbox.", max_length=200)] = ""
    limit: Limit = 50
    cursor: Cursor = ""


class FoundMessage(ResponseSchema, frozen=True):
    """A message, and in which mailbox it lies."""

    mailbox: str
    message: MessageView


class FoundMessages(ResponseSchema, frozen=True):
    """By a call: the first received first. By what is said: by mailbox, its newest first."""

    messages: list[FoundMessage]
    next: Annotated[
        str | None, Meta(description="With text: where it goes on. A page ends with a mailbox, and may be empty.")
    ] = None


class MessageQuery(RequestSchema, frozen=True):
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


class MessageChange(RequestSchema, frozen=True):
    """Where a message is to lie, whether it counts as heard, who handles it, and what is noted on it."""

    folder: Folder | UnsetType = UNSET
    heard: bool | UnsetType = UNSET
    handled_by: (
        Annotated[str, Meta(max_length=LONGEST_HANDLER, description="Who deals with it; empty: nobody.")] | UnsetType
    ) = UNSET
    note: Annotated[str, Meta(max_length=LONGEST_NOTE, description="Needs message.hear; empty: none.")] | UnsetType = (
        UNSET
    )


Later = Annotated[
    str,
    Meta(
        max_length=40,
        description="When it arrives, ISO 8601; without an offset by the mailbox’s clock. Empty: at once.",
    ),
]


Receipted = Annotated[bool, Meta(description="Whether you want to know when it is heard: `/receipts`.")]


class Forward(RequestSchema, frozen=True):
    """To whom: mailboxes and distribution lists of the same domain, by number."""

    to: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(min_length=1, max_length=200)]
    at: Later = ""
    receipt: Receipted = False


class ForwardQuery(RequestSchema, frozen=True):
    """To whom. The spoken introduction is the body."""

    to: Annotated[str, Meta(pattern=NUMBERS, min_length=1, max_length=2000, description="Numbers, commas between.")]
    at: Later = ""
    receipt: Receipted = False


class ForwardView(ResponseSchema, frozen=True):
    """What became of it. `waiting`: it is kept, and delivered as soon as possible; `scheduled`: at its time."""

    id: str
    result: Literal["delivered", "waiting", "scheduled"]
    to: list[str]


class ScheduledView(ResponseSchema, frozen=True):
    """A message that waits for its time."""

    id: str
    at: Moment
    to: list[str]
    duration_ms: int
    urgent: bool


class ScheduledPage(ResponseSchema, frozen=True):
    """All of a mailbox's, the first that arrives first."""

    scheduled: list[ScheduledView]


class ReceiptView(ResponseSchema, frozen=True):
    """A receipt that was asked for."""

    id: Annotated[str, Meta(description="The message’s, in the mailbox it went to.")]
    to: str
    sent: Moment
    heard: Annotated[Moment | None, Meta(description="When it was first heard; null: not yet, or not told.")] = None


class ReceiptsPage(ResponseSchema, frozen=True):
    """A mailbox's latest, the latest first."""

    receipts: list[ReceiptView]


class Batch(RequestSchema, frozen=True):
    """One action for many messages; each id gets an answer of its own."""

    action: Literal["move", "heard", "new", "delete", "restore", "forward"]
    ids: Annotated[list[Id], Meta(min_length=1, max_length=200)]
    folder: Folder | UnsetType = UNSET
    to: list[str] = field(default_factory=list)


class BatchEntry(ResponseSchema, frozen=True):
    """What became of one id."""

    id: str
    result: Literal["done", "already", "gone", "full", "refused"]


class BatchView(ResponseSchema, frozen=True):
    """What became of each id, in the order of the request."""

    results: list[BatchEntry]


class RequestedCall(ResponseSchema, frozen=True):
    """A call that was requested. The events say what becomes of it: `call-back`, with this `call`."""

    call: str
    number: Annotated[str, Meta(description="Which is dialled once the owner's telephone is answered.")]


class SoundQuery(RequestSchema, frozen=True):
    """How the sound is wanted."""

    format: (
        Annotated[
            Literal["wav", "mp3", "opus"],
            Meta(description="wav: as it is stored; opus: in Ogg. Without it what `Accept` prefers, else wav."),
        ]
        | UnsetType
    ) = UNSET
    download: Annotated[bool, Meta(description="As a file to keep, under the caller's name.")] = False
