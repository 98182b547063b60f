"""What a conversation is given: the ports, and the settings it follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from esl_vm.dialogue.menus import WhileListening
from esl_vm.model.call import ALL_KEYS, AnswerPolicy
from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinRules
from esl_vm.model.waits import Waits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.ports import AudioStore, Calendars, Clock, Directory, Lists, Mailboxes, Pins, Registry, Renditions
    from esl_vm.recordings.spool import Spool


@dataclass(frozen=True, slots=True)
class World:
    """Everything a conversation may ask for; one for all calls.

    Args:
        mailboxes, pins, directory, audio, spool, clock: the ports.
        registry: mailboxes' settings, where an owner changes one by telephone.
        lists: distribution lists that can be sent to; None = there are none.
        defaults: a mailbox's options where the mailbox itself is unknown.
        waits, pin_rules: how long to wait, which PINs may be chosen.
        language: `fr` or `en`, where neither call nor mailbox names one. timezone: an IANA name, likewise.
        domain: the mailbox domain where the call names none.
        answer: when a caller who leaves a message is answered.
        call_context: the dialplan context in which 3 2 and 3 4 dial; empty = the call's own.
        calendars: those that greeting rules name; None = there are none.
        renditions: makes messages slower, faster and louder; None = they are heard as they are.
        mails: a mail server is set.
        listen_keys: what the keys do while a message plays; None: they end it, and act as in the main menu.
    """

    mailboxes: Mailboxes
    pins: Pins
    directory: Directory
    audio: AudioStore
    spool: Spool
    clock: Clock
    registry: Registry
    lists: Lists | None = None
    defaults: MailboxOptions = field(default_factory=MailboxOptions)
    waits: Waits = field(default_factory=Waits)
    pin_rules: PinRules = field(default_factory=PinRules)
    language: str = "fr"
    timezone: str = "America/Toronto"
    domain: str = "default"
    answer: AnswerPolicy = AnswerPolicy.ALWAYS
    call_context: str = ""
    calendars: Calendars | None = None
    renditions: Renditions | None = None
    mails: bool = True
    listen_keys: Mapping[str, WhileListening | None] = field(
        default_factory=lambda: {key: WhileListening.of(key) for key in ALL_KEYS}
    )
