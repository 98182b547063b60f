"""A call of the book on a real line: what the simulated rig is for tests/calls, with everything real."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from calls import play_book
from calls.book import Box, PhoneCall
from live.freeswitch import FreeSwitch
from live.live_node import voices
from live.telephone_sound import RATE, read_wav, write_wav
from support.waiting import wait_until

from esl_vm.model.mailbox import Folder, Greeting, Mailbox, MailboxId, StoredGreeting
from esl_vm.model.message import Caller, Message
from esl_vm.model.options import FIELDS, MailboxOptions, option_text
from esl_vm.model.pins import PinCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from live.called_phone import CalledPhone
    from live.live_line import LiveLine
    from live.live_node import LiveNode
    from live.rtp import Sends

    from esl_vm.model.call import Call
    from esl_vm.model.events import Event
    from esl_vm.model.receipts import Receipt

ALIKE = 0.95
"""From this likeness on it is the same sound: two different prompts come to 0.76 at most, the same one to 0.9998."""


def furnish(rig: LiveRig, *boxes: Box) -> None:
    """Make these mailboxes, as the book does for its calls."""
    play_book.furnish(PhoneCall("", "", "", "", "", boxes=boxes), rig, rig.folder / "before")


def can_say(variables: Mapping[str, str]) -> bool:
    """Whether the shipped dialplan, with what a test may set before it, hands a call over with these variables."""
    never = {"vm_mailbox", "vm_domain", "dialed_user", "sip_req_user"}
    known = {"vm_action", "vm_reason", "domain_name", *FreeSwitch.SETTABLE} - never
    return variables.get("vm_action", "leave") == "leave" and set(variables) <= known


class LiveRig:
    """One call, in a mailbox domain of its own.

    Args:
        node: where.
        folder: of this call; what was heard is left there as `heard-1.wav` and so on.

    Attributes:
        line, caller: of the last call.
    """

    def __init__(self, node: LiveNode, folder: Path) -> None:
        self.node = node
        self.folder = folder
        self.clock = node.stores.clock
        self.domain = node.take_domain()
        self.calls = 0
        self._extension = ""
        self._stores = node.stores.store
        folder.mkdir(parents=True, exist_ok=True)

    # What the book asks for before and after a call

    def add_mailbox(
        self,
        box: MailboxId,
        name: str,
        options: MailboxOptions,
        *,
        language: str = "",
        email: str = "",
        aliases: str = "",
    ) -> None:
        usual = MailboxOptions()
        fields = {one: option_text(getattr(options, one)) for one in FIELDS}
        fields = {one: text for one, text in fields.items() if text != option_text(getattr(usual, one))}
        self._stores.registry.add(
            self._own(box), {"name": name, "language": language, "email": email, "aliases": aliases, **fields}
        )

    def add_list(self, box: MailboxId, members: tuple[MailboxId, ...]) -> None:
        self._stores.lists.add(self._own(box), map(self._own, members))

    def set_pin(self, box: MailboxId, pin: str, *, initial: bool = False) -> None:
        self._stores.pins.change(self._own(box), pin, initial=initial)

    def add_owner(self, box: MailboxId, name: str, pin: str) -> None:
        self._stores.pins.add_owner(self._own(box), name, pin)

    def put_receipt(self, box: MailboxId, receipt: Receipt) -> None:
        self._stores.mailboxes.receipt(self._own(box), replace(receipt, to=self._own(receipt.to)))

    def copy_to(self, box: MailboxId, copies: str) -> None:
        self._stores.registry.change(self._own(box), {"copies": copies})

    def wait_for_copies(self, messages: int, *boxes: MailboxId) -> None:
        """The notifier of the node copies what was left."""
        wait_until(lambda: sum(len(self.messages(box, Folder.NEW)) for box in boxes) >= messages)

    def put(self, audio_id: str, source: Path) -> None:
        """Store a sound. The book's sounds are tones of a length; here each is someone speaking for as long."""
        length = len(read_wav(source))
        spoken = voices()[3 + sum(map(ord, audio_id)) % 3]  # callers have the first three
        self.node.stores.audio.put(self._sound(audio_id), write_wav(source, spoken[:length]))

    def deliver(self, box: MailboxId, message: Message) -> None:
        mine = replace(message, id=self._sound(message.id))
        assert self._stores.mailboxes.deliver(self._own(box), mine, even_if_full=True).kept

    def set_greeting(self, box: MailboxId, greeting: Greeting, stored: StoredGreeting) -> None:
        mine = replace(stored, audio_id=self._sound(stored.audio_id))
        self._stores.mailboxes.set_greeting(self._own(box), greeting, mine)

    def mailbox(self, box: MailboxId) -> Mailbox:
        mailbox = self._stores.mailboxes.open(self._own(box))
        assert mailbox is not None
        return mailbox

    def messages(self, box: MailboxId, folder: Folder) -> list[Message]:
        return list(self._stores.mailboxes.page(self._own(box), folder, urgent=None, after=None, most=50).messages)

    def happened(self, box: MailboxId) -> list[Event]:
        """What the stream says happened to a mailbox."""
        return self._stores.events.tail(100, box=self._own(box))

    def left_by(self, call_id: str) -> list[str]:
        """The messages that a call left, by one of its ids."""
        return [message.id for _, message in self._stores.calls.messages(call_id)]

    def pin_opens(self, box: MailboxId, pin: str) -> bool:
        return self._stores.pins.check(self._own(box), pin) is PinCheck.RIGHT

    def leave_lying(self, number: str, source: Path) -> np.ndarray:
        """Put a message into a mailbox; returns what is said in it."""
        self.put("lies", source)
        length = round(len(read_wav(source)) * 1000 / RATE)
        self.deliver(MailboxId(number), Message("lies", Caller("1002"), self.clock.now() - 3600, duration_ms=length))
        return read_wav(source)

    # The call

    def ring(self, call: Call, script: str) -> None:
        """A call of the book. What is wanted is said by the dialplan under test, as far as it can; else by one of its own."""
        node = self.node
        variables = {name: text for name, text in call.variables.items() if name in node.switch.SETTABLE}
        dialled = call.variable("sip_req_user") or call.destination
        if not can_say(call.variables):
            variables |= {"context": "plain", "Extension": call.destination}
            variables["vm_domain"] = self.domain.title() if call.variable("vm_domain") else ""
        telephone = node.busy if call.variable("vm_reason") == "busy" else node.away
        if call.destination == "*411":
            telephone = node.answering
        self._extension = call.destination
        self.dials(dialled, script, call.caller.number, call.caller.name, telephone=telephone, **variables)

    def dials(
        self,
        dialled: str,
        script: str,
        number: str,
        name: str = "Alice",
        *,
        telephone: CalledPhone | None = None,
        context: str = "",
        voice: np.ndarray | None = None,
        shell: Callable[[LiveLine, str], None] | None = None,
        sends: Sends | None = None,
        late: bool = False,
        sip: Mapping[str, str] | None = None,
        host: str = "",
        **variables: str,
    ) -> None:
        """One call from beginning to end.

        Args:
            dialled, script: what the caller dials and does. number, name: who it is. voice: what the caller says.
            telephone: what the telephones of this domain are; away unless given.
            shell: what `sh:` in the script does. sends, late: see `LiveNode.call`. context: the dialplan context.
            sip: more headers of the INVITE. host: the domain as the telephone writes it. variables: channel variables from before the dialplan.
        """
        headers = {**variables, "Telephone": (telephone or self.node.away).dial_string}
        if context:
            headers["Context"] = context
        self.line, self.caller = self.node.call(
            dialled, script, host or self.domain,
            number=number, name=name, headers=headers, sip=sip, voice=voice, shell=shell, sends=sends, late=late,
        )  # fmt: skip
        self.calls += 1
        write_wav(self.folder / f"heard-{self.calls}.wav", self.line.recording())

    @property
    def heard(self) -> list[str]:
        return self.line.heard

    @property
    def problems(self) -> list[str]:
        return self.caller.problems

    @property
    def transcript(self) -> str:
        return (
            f"{self.line.transcript()}\n(heard: {self.folder}/heard-{self.calls}.wav, service: {self.node.service.log})"
        )

    @property
    def status(self) -> str:
        return self.line.variable("vm_status")

    @property
    def sent_to(self) -> str:
        return self.line.sent_to if self.line.sent_to != self._extension else ""

    def _own(self, box: MailboxId) -> MailboxId:
        return MailboxId(box.number, self.domain)

    def _sound(self, audio_id: str) -> str:
        return f"{self.domain}-{audio_id}"
