"""Where messages lie: ports.Mailboxes on Redis. Each method is one script, hence one step and one round trip."""

from __future__ import annotations

import dataclasses
import json
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from esl_vm.model.actor import caller
from esl_vm.model.errors import NoSuchMailboxError, NoSuchMessageError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import LONGEST_HANDLER, LONGEST_NOTE, one_line
from esl_vm.model.options import option_text
from esl_vm.model.sealing import close_text, close_transcript, open_transcript
from esl_vm.model.store import Delivery, Entered
from esl_vm.store.calls import scored_members
from esl_vm.store.fates import fates
from esl_vm.store.keys import FOLDERS
from esl_vm.store.receipts import Receipts
from esl_vm.store.records import (
    GREETING_FIELDS,
    counts_of,
    mailbox_of,
    message_fields,
    message_of,
    message_payload,
    pack_payload,
    pairs,
    text,
    texts,
)
from esl_vm.store.replies import is_name, page_of
from esl_vm.store.scheduled import ScheduledMessages
from esl_vm.store.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from esl_vm.model.events import EventType
    from esl_vm.model.mailbox import Greeting, Mailbox, StoredGreeting
    from esl_vm.model.message import Counts, Message
    from esl_vm.model.store import Announced, Fate, Page, Place
    from esl_vm.model.transcript import Transcript
    from esl_vm.store.base import Base


class RedisMailboxes(ScheduledMessages, Receipts):
    """ports.Mailboxes.

    Attributes:
        observe: told of every outgoing call whether it was placed or refused.
    """

    def __init__(self, base: Base) -> None:
        super().__init__(base)
        self.observe: Callable[[bool], None] | None = None

    def open(self, box: MailboxId) -> Mailbox | None:
        """Everything about a mailbox in one look; None if there is none. An alias's takes another."""
        box, reply = self._asked(box, "open")
        return None if reply is None else self._mailbox(box, *json.loads(text(reply)))

    def enter(self, box: MailboxId, most: int) -> Entered | None:
        """As `open`, with up to `most` messages of the folder that opens for its owner; None if there is none."""
        box, reply = self._asked(box, "enter", str(most), option_text(self._base.defaults.newest_first))
        if reply is None:
            return None
        mailbox, page = reply
        return Entered(self._mailbox(box, *json.loads(text(mailbox))), partial(page_of, page, self._base.seal))

    def _asked(self, box: MailboxId, how: str, *args: str) -> tuple[MailboxId, Any]:
        """What a script says of a mailbox, or of the one whose alias that is; None if there is none."""
        for _ in range(2):
            keys = self._base.keys.of(box)
            said = [keys.name, *([keys.messages] if args else []), *args]
            reply = self._base.link.script(keys.partition, script(how), [keys.box, *keys.folders, keys.aliases], said)
            if not is_name(reply):
                break
            box, reply = MailboxId.stored(*text(reply).split("@", 1)), None
        if reply is None:
            self._base.still_ours()
        return box, reply

    def counts(self, box: MailboxId) -> Counts:
        """How many messages lie in each folder; none where there is no such mailbox."""
        keys = self._base.keys.of(box)
        return counts_of(self._base.link.script(keys.partition, script("counts"), [keys.box, *keys.folders], []))

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
        """A part of a folder in the order in which it is played, from just after a place (None: the start)."""
        if urgent is not None:
            return self._part(box, folder, ("urgent" if urgent else "other") + "-back" * newest, after, most)
        all_of_it = "newest" if newest else "first" if folder is Folder.NEW else "time"
        return self._part(box, folder, all_of_it, after, most)

    def listed(self, box: MailboxId, folder: Folder, *, newest: bool, after: Place | None, most: int) -> Page:
        """A part of a folder by the time of arrival there, the oldest or the newest first, from just after a place."""
        return self._part(box, folder, "newest" if newest else "time", after, most)

    def _part(self, box: MailboxId, folder: Folder, which: str, after: Place | None, most: int) -> Page:
        keys = self._base.keys.of(box)
        place = (f"{after.score:.0f}", after.id) if after is not None else ("", "")
        args = [keys.messages, which, *place, str(most)]
        reply = self._base.link.script(keys.partition, script("page"), [keys.folder(folder)], args)
        return page_of(reply, self._base.seal)

    def message(self, box: MailboxId, message_id: str) -> Message:
        """One message, also from the trash; raises NoSuchMessageError."""
        keys = self._base.keys.of(box)
        fields = self._base.link.run(keys.partition, lambda client: client.hgetall(keys.message(message_id)))
        if not fields:
            raise NoSuchMessageError(f"no message {message_id} in {box}")
        return message_of(message_id, texts(fields), self._base.seal)

    def deliver(self, box: MailboxId, message: Message, *, even_if_full: bool = False) -> Delivery:
        """Put a message in its folder, at the place its time gives it: an alias's in its mailbox, a renamed one's in the new one."""
        keys = self._base.keys.of(box)
        message = dataclasses.replace(message, transcript=open_transcript(self._base.seal, message.transcript))
        fields = message_fields(message, self._base.seal)
        args: list[str | bytes] = [
            message.id,
            message.folder.value,
            f"{(message.arrived or message.received) * 1000:.0f}",
            *(option_text(getattr(self._base.defaults, name)) for name in ("maxmsg", "quota_seconds", "announce_only")),
            option_text(even_if_full),
            pack_payload(message_payload(message)),
            json.dumps(scored_members(keys.name, message.id, fields)),
        ]
        for name, value in fields.items():
            args += (name, value)
        touched = [keys.message(message.id), keys.deleted, keys.erase]
        delivery = Delivery(text(self._base.change(keys, "deliver", touched, args)))
        if delivery is Delivery.NO_MAILBOX:
            asked = (("GET", keys.moved), ("HGET", keys.aliases, keys.name))
            for meant in filter(None, map(text, self._base.link.pipe(keys.partition, asked))):
                return self.deliver(MailboxId.parse(meant), message, even_if_full=even_if_full)
            self._base.still_ours()
        return delivery

    def fates(self, announced: Sequence[Announced]) -> list[Fate]:
        """What became of each of these; a round trip for each partition. Raises nothing."""
        return fates(self._base, announced)

    def heard(self, box: MailboxId, message_id: str) -> None:
        """Mark a message heard; it stays where it is. A message that is gone is no error."""
        keys = self._base.keys.of(box)
        self._base.change(keys, "heard", [keys.message(message_id)], [message_id])

    def retire(self, box: MailboxId, message_ids: Sequence[str]) -> int:
        """Move these heard messages from New to the end of Old, as far as Old has room (`maxmsg`); how many went."""
        if not message_ids:
            return 0
        keys = self._base.keys.of(box)
        messages = [keys.message(message_id) for message_id in message_ids]
        return int(self._base.change(keys, "retire", messages, [str(self._base.defaults.maxmsg), *message_ids]))

    def move(self, box: MailboxId, message_id: str, to: Folder, *, even_if_full: bool = False) -> Delivery:
        """Move a message to the end of a folder unless `maxmsg` lie there; out of the trash too; to the trash is `delete`."""
        if to is Folder.TRASH:
            if self.delete(box, message_id):
                return Delivery.DONE
            self.message(box, message_id)  # which raises where it is not
            return Delivery.ALREADY
        keys = self._base.keys.of(box)
        args = [message_id, to.value, str(self._base.defaults.maxmsg), option_text(even_if_full)]
        answer = text(self._base.change(keys, "move", [keys.message(message_id)], args))
        if answer == "gone":
            raise NoSuchMessageError(f"no message {message_id} in {box}")
        return Delivery(answer)

    def delete(self, box: MailboxId, message_id: str) -> bool:
        """To the trash, remembered with where it lay; erased at once where `trash_days` is 0. False: it wasn't there."""
        return self.delete_because(box, message_id, "")

    def restore(self, box: MailboxId, message_id: str) -> bool:
        """Out of the trash, back to its place and folder; False if it is not in the trash."""
        keys = self._base.keys.of(box)
        return bool(self._base.change(keys, "restore", [keys.message(message_id)], [message_id]))

    def transcribed(self, box: MailboxId, message_id: str, transcript: Transcript) -> bool:
        """Put a message's transcript with it; False if it has one (other than `failed`) or there is no such message."""
        keys = self._base.keys.of(box)
        summary = [transcript.state.value, transcript.language, str(len(transcript.text))]
        stored = close_transcript(self._base.seal, transcript).stored()
        return bool(self._base.change(keys, "transcribed", [keys.message(message_id)], [message_id, stored, *summary]))

    def handle(self, box: MailboxId, message_id: str, by: str) -> None:
        """Say who handles a message, `` = nobody; raises NoSuchMessageError."""
        self._annotate(box, message_id, "handled_by", one_line(by, LONGEST_HANDLER))

    def note(self, box: MailboxId, message_id: str, note: str) -> None:
        """Note something on a message in place of what was noted, `` = nothing; raises NoSuchMessageError."""
        self._annotate(box, message_id, "note", one_line(note, LONGEST_NOTE))

    def _annotate(self, box: MailboxId, message_id: str, field: str, value: str) -> None:
        keys = self._base.keys.of(box)
        if field == "note" and value and self._base.seal.key and self.message(box, message_id).note == value:
            return  # sealed anew it would seem to be another
        stored = close_text(self._base.seal, value) if field == "note" else value
        args = [message_id, field, stored, str(len(value))]
        if text(self._base.change(keys, "annotate", [keys.message(message_id)], args)) == "gone":
            raise NoSuchMessageError(f"no message {message_id} in {box}")

    def set_greeting(self, box: MailboxId, greeting: Greeting, stored: StoredGreeting) -> str:
        """Activate a recorded greeting; returns the sound id it replaced, `` if none; raises NoSuchMailboxError."""
        keys = self._base.keys.of(box)
        args: list[str | bytes] = [
            *(f"greeting.{greeting.value}", stored.audio_id, str(stored.duration_ms)),
            *(str(stored.starts), str(stored.ends), str(self._base.remember_s), str(self._base.grace_ms)),
            pack_payload({"audio_id": stored.audio_id, "duration_ms": stored.duration_ms}),
            *GREETING_FIELDS,
        ]
        answer = text(self._base.change(keys, "set_greeting", [keys.deleted, keys.erase], args))
        if answer == "no mailbox":
            self._base.still_ours()
            raise NoSuchMailboxError(f"no mailbox {box}")
        return answer

    def remove_greeting(self, box: MailboxId, greeting: Greeting) -> str:
        """Deactivate a greeting; returns its sound id, `` if there was none or another greeting has it too."""
        keys = self._base.keys.of(box)
        args = [f"greeting.{greeting.value}", str(self._base.remember_s), str(self._base.grace_ms), *GREETING_FIELDS]
        return text(self._base.change(keys, "remove_greeting", [keys.deleted, keys.erase], args))

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
        """Count one call placed from this mailbox, and write it down; False if it may not be placed: see the port."""
        most_in = [str(most), "" if hourly is None else str(hourly)]
        return self._call(box, [*most_in, number, how, "", message_id, mark], mark)

    def log_outgoing_call(self, box: MailboxId, number: str, how: str, *, refused: str = "") -> None:
        """Write down a call that is not counted: one to the operator, or one `refused` for that reason."""
        self._call(box, ["", "", number, how, refused, "", ""])

    def _call(self, box: MailboxId, args: list[str], mark: str = "") -> bool:
        keys = self._base.keys.of(box)
        args = [mark or secrets.token_hex(8), caller(), *args]
        placed = bool(self._base.change(keys, "count_call", [keys.calls], args))
        if self.observe is not None:
            self.observe(placed)
        return placed

    def log_event(self, box: MailboxId, what: EventType, message_id: str = "", **details: str) -> None:
        """Write down what was done with a mailbox without changing it; a detail of `` is left out."""
        self._base.log_event(box, what, message_id, **details)

    # What administrators and the service's own housekeeping need besides the port.

    def message_ids(self, box: MailboxId) -> dict[Folder, list[str]]:
        """All ids, by folder, in the order in which the folder keeps them. One round trip."""
        keys = self._base.keys.of(box)
        found = self._base.link.pipe(keys.partition, (("ZRANGE", folder, 0, -1) for folder in keys.folders))
        return {folder: [text(word) for word in ids] for folder, ids in zip(FOLDERS, found, strict=True)}

    def sounds(self, box: MailboxId) -> set[str]:
        """The ids of all sounds this mailbox points to: messages (what a legal hold keeps, too), their introductions, greetings."""
        keys = self._base.keys.of(box)
        ids = [message_id for found in self.message_ids(box).values() for message_id in found]
        held = [text(one) for one in self._base.link.pipe(keys.partition, [("ZRANGE", keys.held, 0, -1)])[0]]
        messages = [*map(keys.message, ids), *(f"{keys.held}:{one}" for one in held)]
        asked = [("HMGET", keys.box, *GREETING_FIELDS), *(("HGET", one, "intro_id") for one in messages)]
        greetings, *intros = self._base.link.pipe(keys.partition, asked)
        return {*ids, *held, *(text(sound) for sound in [*greetings, *intros] if sound)}

    def delete_because(self, box: MailboxId, message_id: str, why: str, *, came_before: float = 0.0) -> bool:
        """As `delete`, with a reason in the event; only what came before that time (epoch seconds, 0 = any)."""
        keys = self._base.keys.of(box)
        before = f"{came_before * 1000:.0f}" if came_before else ""
        args = [message_id, str(self._base.defaults.trash_days), str(self._base.remember_s), why, before]
        touched = [keys.message(message_id), keys.deleted, keys.erase]
        return bool(self._base.change(keys, "delete", touched, args))

    def may_come_back(self, box: MailboxId, sound: str) -> None:
        """Forget that a message or a greeting was removed: a repair is undone. Its sound is not erased either."""
        keys = self._base.keys.of(box)
        self._base.link.pipe(keys.partition, [("ZREM", key, sound) for key in (keys.deleted, keys.erase)])

    def _mailbox(self, box: MailboxId, flat: Sequence[str], numbers: Sequence[int]) -> Mailbox:
        """The mailbox that open.lua found."""
        return mailbox_of(box, pairs(flat), counts_of(numbers), self._base.defaults)
