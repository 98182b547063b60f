"""What the conversation needs of the world, in its own words. Adapters are in esl/, store/, audio/ and sim/.

Every method may raise StoreDownError (stores) or CallerGoneError (Phone) besides what it names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from esl_vm.model.owners import FIRST
from esl_vm.model.units import Milliseconds, Seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from esl_vm.model.calendars import Calendar
    from esl_vm.model.call import Call, Listened, Recorded
    from esl_vm.model.events import EventType
    from esl_vm.model.lists import DistributionList
    from esl_vm.model.mailbox import Folder, Greeting, Mailbox, MailboxId, StoredGreeting
    from esl_vm.model.manner import Manner
    from esl_vm.model.message import Counts, Message
    from esl_vm.model.pins import PinCheck
    from esl_vm.model.receipts import Receipt
    from esl_vm.model.scheduled import Scheduled
    from esl_vm.model.store import Announced, Delivery, Entered, Fate, Page, Place
    from esl_vm.model.transcript import Transcript
    from esl_vm.speech.utterance import Sound, Utterance


class Clock(Protocol):
    """What time it is; tests pass their own."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...


class CallerLine(Protocol):
    """The caller's line as a dialogue has it: all but playing, for which it has `Conversation.ask`, `skim` and `tell`.

    Keys dialled ahead wait in a queue and are never lost: each method takes from it first. What a sentence's key does is
    decided where the sentence is said, so nobody else can play something and drop the key that ended it.

    Any method may raise CallerGoneError; the first that plays LineError, where nothing can be heard on this line.
    """

    @property
    def call(self) -> Call:
        """What is known of the call: caller, destination, channel variables."""
        ...

    def answer(self) -> None:
        """Answer the call; nothing happens if it is answered."""
        ...

    def wait_key(self, milliseconds: Milliseconds, keys: str) -> str | None:
        """Wait for one of `keys`, in silence; None when the time is over. Other keys are dropped."""
        ...

    def listen(self, sound: Sound, start_ms: int, keys: str) -> Listened:
        """Play a sound from a position (milliseconds); tells which of `keys` ended it, and where."""
        ...

    def can_record(self, path: Path) -> bool:
        """Whether a recording can begin there: this host and the call's FreeSWITCH both may enter its folder."""
        ...

    def record(
        self,
        path: Path,
        *,
        max_s: Seconds,
        silence_s: Seconds,
        threshold: int,
        keys: str,
        then: Mapping[str, str] | None = None,
        then_ms: Milliseconds = Milliseconds(0),
        following: Callable[[], Path] | None = None,
    ) -> Recorded:
        """Record to a file until one of `keys`, `silence_s` seconds of silence (0: never) or `max_s` (0: no limit).

        Where the line's sample rate changes meanwhile, it goes on in another file, which `following` names.
        Once it has lasted `then_ms` milliseconds the channel variables `then` are set: for one who hangs up after that.
        The caller hanging up raises CallerGoneError once the file is whole on disk. Keys dialled before are
        dropped (they were meant for what came before the tone); keys outside `keys` do nothing.
        """
        ...

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set channel variables; the last ones before the dialplan goes on are certain to be set by then."""
        ...

    def transfer(self, extension: str, context: str = "") -> None:
        """Send the caller on to an extension of the dialplan (`` = the call's own context). Ends the conversation."""
        ...


class Phone(CallerLine, Protocol):
    """The caller's line."""

    def play(self, utterance: Utterance, keys: str) -> str | None:
        """Play until its end or until one of `keys` is pressed; returns that key, None at the end.

        A key of `keys` dialled before is returned at once and nothing is played. Keys outside `keys`
        do not stop the sound and are dropped; with `keys` empty nothing stops it and all keys stay in the queue.
        """
        ...

    def unread(self, key: str) -> None:
        """Put a key back at the head of the queue: it is the next that is taken."""
        ...


class Mailboxes(Protocol):
    """Where messages lie. Each method is one atomic step and one round trip; all that change can be repeated."""

    def open(self, box: MailboxId) -> Mailbox | None:
        """Everything about a mailbox in one look; None if there is none."""
        ...

    def enter(self, box: MailboxId, most: int) -> Entered | None:
        """As `open`, with up to `most` messages of the folder that opens for its owner; None if there is none."""
        ...

    def counts(self, box: MailboxId) -> Counts:
        """How many messages lie in each folder."""
        ...

    def page(
        self,
        box: MailboxId,
        folder: Folder,
        *,
        urgent: bool | None,
        after: Place | None,
        most: int,
        newest: bool = False,
    ) -> Page:
        """A part of a folder in the order in which it is played, from just after a place (None: the start).

        urgent: True only the urgent ones, False only the others, None all: in New urgent ones first, in other folders by
        their arrival there. after: of the last message had, which may have gone elsewhere meanwhile. newest: backwards;
        all of them then by their arrival alone.
        """
        ...

    def message(self, box: MailboxId, message_id: str) -> Message:
        """One message; raises NoSuchMessageError."""
        ...

    def deliver(self, box: MailboxId, message: Message, *, even_if_full: bool = False) -> Delivery:
        """Put a message in its folder (`message.folder`, New for calls), unless the mailbox is full or takes none.

        That is what `Mailbox.takes_messages` and `Mailbox.is_full` say, asked of that folder. even_if_full: put it in all
        the same, as what was promised to its caller or brought from another system.

        Delivering an id twice, or one that was deleted meanwhile, changes nothing and says so.
        """
        ...

    def fates(self, announced: Sequence[Announced]) -> list[Fate]:
        """What became of each of these; never raises StoreDownError."""
        ...

    def schedule(self, scheduled: Scheduled) -> None:
        """Keep a message until its time; one that was delivered or cancelled meanwhile does not come back."""
        ...

    def scheduled(self, sender: MailboxId | None = None) -> list[Scheduled]:
        """Messages that wait for their time, of a sender or all, the first that is due first."""
        ...

    def scheduled_due(self) -> list[Scheduled]:
        """Those whose time has come."""
        ...

    def scheduled_delivered(self, message_id: str) -> None:
        """Forget one that was delivered."""
        ...

    def cancel_scheduled(self, message_id: str) -> bool:
        """Cancel one before its time; False if there is none (any more)."""
        ...

    def receipt(self, sender: MailboxId, receipt: Receipt) -> bool:
        """Write down in a sender's mailbox that a receipt is awaited, or when it was heard; False if that is known."""
        ...

    def receipts(self, sender: MailboxId) -> list[Receipt]:
        """Those that a mailbox's owner asked for, the latest first."""
        ...

    def heard(self, box: MailboxId, message_id: str) -> None:
        """Mark a message heard; it stays where it is. A message that is gone is no error."""
        ...

    def retire(self, box: MailboxId, message_ids: Sequence[str]) -> int:
        """Move these heard messages from New to the end of Old, as far as Old has room (`maxmsg`); how many went.

        One that isn't in New any more, or was put back there as unheard meanwhile, stays.
        """
        ...

    def move(self, box: MailboxId, message_id: str, to: Folder, *, even_if_full: bool = False) -> Delivery:
        """Move a message to the end of a folder unless `maxmsg` lie there (0: no limit); moving to New makes it unheard.

        even_if_full: move it all the same, as what is brought back to where it lay. Raises NoSuchMessageError.
        """
        ...

    def delete(self, box: MailboxId, message_id: str) -> bool:
        """To the trash, remembered with where it lay; False if it was not there. The id is remembered as deleted."""
        ...

    def restore(self, box: MailboxId, message_id: str) -> bool:
        """Out of the trash, back to its place and folder; False if it is not in the trash."""
        ...

    def transcribed(self, box: MailboxId, message_id: str, transcript: Transcript) -> bool:
        """Put a message's transcript with it; False if it has one (other than `failed`) or there is no such message."""
        ...

    def handle(self, box: MailboxId, message_id: str, by: str) -> None:
        """Say who handles a message (80 letters), `` = nobody; raises NoSuchMessageError."""
        ...

    def set_greeting(self, box: MailboxId, greeting: Greeting, stored: StoredGreeting) -> str:
        """Activate a recorded greeting; returns the sound id it replaced, `` if none.

        The store itself sees to it that the replaced sound is erased, once no call can be about to play it. A sound that
        was replaced or removed before never becomes active again: then nothing is done, and `` returned.
        """
        ...

    def remove_greeting(self, box: MailboxId, greeting: Greeting) -> str:
        """Deactivate a greeting; returns its sound id, `` if there was none."""
        ...

    def count_call(
        self,
        box: MailboxId,
        most: int,
        *,
        hourly: int | None = None,
        number: str = "",
        how: str = "",
        message_id: str = "",
        mark: str = "",
    ) -> bool:
        """Count one call placed from this mailbox (3 2, 3 4), and write it down; False if it may not be placed.

        That is if `most` were placed within 24 hours, or `hourly` (None: no limit) within one. number: the one called.
        how: `call-back`, `call`, `web-call-back` or `exit`. message_id: whose caller it is. mark: by which the call is known; the
        same one counts once.
        """
        ...

    def log_outgoing_call(self, box: MailboxId, number: str, how: str, *, refused: str = "") -> None:
        """Write down a call that is not counted: one to the operator, or one `refused` for that reason."""
        ...

    def log_event(self, box: MailboxId, what: EventType, message_id: str = "", **details: str) -> None:
        """Write down what was done with a mailbox without changing it (a message heard again, exported)."""
        ...


class Pins(Protocol):
    """PINs, hashed; failures are counted for all nodes together. Hashing never holds up other calls."""

    def whose(
        self, box: MailboxId, typed: str, *, outside: bool = False, rest: Callable[[int], None] | None = None
    ) -> tuple[PinCheck, int]:
        """Whether that PIN opens, and the number of the owner whose it is (0: it does not).

        Counts a failure, locks after too many. Nothing typed counts as no attempt. A mailbox that isn't there, or has no
        PIN, takes as long as any other, and is counted and locked as any other: nobody learns by it what is there.
        outside: another telephone than the mailbox's own: counted and locked apart; a PIN that its owner did not choose is
        WRONG (`PinRules.initial_from_outside`). rest: called with the milliseconds that are to pass before the PIN is
        looked at, if any are.
        """
        ...

    def change(self, box: MailboxId, pin: str, *, initial: bool = False, owner: int = FIRST) -> None:
        """Set an owner's PIN, 1 to 32 digits (rules were checked by the caller of this); `` = none is asked.

        initial: its owner did not choose it, and is to choose another. Raises InvalidValueError for what is no PIN, for
        one that another owner of the mailbox has, and for none where there are other owners; the PIN is in no text.
        Raises NoSuchMailboxError and NoSuchOwnerError.
        """
        ...

    def add_owner(self, box: MailboxId, name: str, pin: str, *, initial: bool = False) -> int:
        """One more owner of a mailbox, with a PIN as of `change`; returns the owner's number, 2 to 8.

        Raises InvalidValueError too where the mailbox has no PIN, as many owners as it can have, or one of that name.
        """
        ...

    def rename_owner(self, box: MailboxId, owner: int, name: str) -> None:
        """Give an owner besides the first another name; raises as `add_owner`, and NoSuchOwnerError."""
        ...

    def remove_owner(self, box: MailboxId, owner: int) -> None:
        """An owner besides the first has the mailbox no more; raises NoSuchOwnerError and NoSuchMailboxError."""
        ...

    def refusal(self, box: MailboxId, pin: str, *, owner: int = FIRST) -> str:
        """Why an owner (0: one who is to be added) may not choose that PIN; `` = they may. It never has the PIN in it.

        It is weak, was chosen before, or is another owner's of that mailbox.
        """
        ...

    def hashed(self, pin: str) -> str:
        """A PIN as the store keeps it, for a mailbox that is made with it; `` for ``; raises InvalidValueError."""
        ...


class Directory(Protocol):
    """Mailboxes by their owners' names."""

    def by_keys(self, domain: str, keys: str, *, by_first_name: bool) -> Iterator[Mailbox]:
        """Mailboxes whose owner's name begins with those keys on the keypad, in the order of names."""
        ...

    def domains(self) -> frozenset[str]:
        """The domains in which there are mailboxes: all of them, or at least two if there are several."""
        ...


class Lists(Protocol):
    """Distribution lists, as owners send to them."""

    def find(self, box: MailboxId) -> DistributionList | None:
        """The list of that number with everybody on it; None if there is none."""
        ...


class Calendars(Protocol):
    """Calendars that greeting rules name, as they were read last; asking them waits for nothing."""

    def covers(self, name: str, at: datetime) -> bool:
        """Whether a calendar has something at that time (aware); one that there is none of never has."""
        ...

    def all(self) -> list[Calendar]:
        """All of them, by name."""
        ...


class AudioStore(Protocol):
    """Sounds by id. A sound is stored once and never changes."""

    def put(self, audio_id: str, source: Path) -> None:
        """Store a file's content under an id; putting the same id again changes nothing.

        Raises:
            SoundTooLargeError: it can't be stored here, whatever is waited for.
        """
        ...

    def put_many(self, audio_ids: Sequence[str], source: Path) -> None:
        """Store a file's content under each of these ids, copies of one message (`spool.manifest.copy_id`), as `put` does.

        Where the store can, it is kept once, for as long as one of them is not deleted.
        """
        ...

    def playable(self, audio_id: str) -> Path:
        """A file on this node with that sound, for as long as a call plays it; raises AudioMissingError."""
        ...

    def stored(self, audio_id: str) -> bytes:
        """What lies in the store, sealed where there is a key (model/sealing.py); raises AudioMissingError."""
        ...

    def replace(self, audio_id: str, content: bytes) -> None:
        """Put the same sound in its place, sealed otherwise; for all copies of it, or for those that are asked for."""
        ...

    def delete(self, audio_id: str) -> None:
        """Forget a sound; one that isn't there is no error."""
        ...

    def exists(self, audio_id: str) -> bool:
        """Whether there is a sound under that id."""
        ...

    def missing(self, audio_ids: Sequence[str]) -> set[str]:
        """Those of these sounds that were stored and are not there now; none where the store never loses what it took."""
        ...

    def ids(self) -> Iterable[str]:
        """All ids, in any order."""
        ...

    def owner(self) -> str:
        """The id of the installation these sounds belong to; `` where none has said so."""
        ...

    def claim(self, installation: str, *, over: bool = False) -> None:
        """Say which installation they belong to, unless one did; `over`: even then."""
        ...


class Renditions(Protocol):
    """Sounds slower, faster or louder than they are."""

    def of(self, sound: Path, manner: Manner) -> Path:
        """A file on this node with that sound in that manner; the sound itself where it can't be made. It may take a second."""
        ...


class Transcriber(Protocol):
    """An engine that writes down what is said in a sound. It may take minutes, and several threads may ask at once."""

    @property
    def engine(self) -> str:
        """What it is, for people; it is told with each transcript."""
        ...

    def transcribe(self, sound: Path, language: str, names: Sequence[str]) -> Transcript:
        """What is said in a WAV file.

        Args:
            sound: the file. It is not changed.
            language: `fr` or `en`; `` = the engine finds out.
            names: people and places that may be spoken of, the likeliest last.

        Raises:
            EngineAwayError: no sound can be transcribed now. TranscriptionError: this one can't, now.
            NotTranscribableError: this one never can.
        """
        ...


class Registry(Protocol):
    """Mailboxes as an administrator keeps them: plain fields, as they lie in the store."""

    def add(self, box: MailboxId, fields: Mapping[str, str], *, pin_hash: str = "", pin_initial: bool = False) -> None:
        """Make a mailbox with its PIN (`Pins.hashed`; `` = none is asked): there is no moment in which it opens to anybody.

        fields: name, language, timezone, email, pager, extensions (commas between), and options. pin_initial: its owner did
        not choose it, and is to choose another.

        Raises:
            InvalidValueError: a field that does not exist, or a value it can't have; a PIN that is not hashed.
            MailboxExistsError: it is there already, or a distribution list has that number.
        """
        ...

    def fields(self, box: MailboxId) -> dict[str, str]:
        """All fields but the PIN's hash; raises NoSuchMailboxError."""
        ...

    def change(self, box: MailboxId, fields: Mapping[str, str], unset: Iterable[str] = ()) -> None:
        """Set and unset fields; raises NoSuchMailboxError."""
        ...

    def remove(self, box: MailboxId) -> list[str]:
        """Remove a mailbox with everything in it, and from every list; returns the sound ids nothing points to any more."""
        ...

    def boxes(self, domain: str | None = None) -> Iterator[MailboxId]:
        """All mailboxes, in the order of domain and number."""
        ...

    def locked_for(self, box: MailboxId, *, outside: bool | None = None) -> int:
        """Seconds for which the PIN is still locked, 0 if it is not.

        outside: for other telephones than its own; False: for its own; None: for either of them.
        """
        ...

    def unlock(self, box: MailboxId) -> None:
        """Forget failures and lift the lock."""
        ...
