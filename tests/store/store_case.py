"""A store to be tested, with what its tests say often."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from support.clocks import MONDAY, Clock
from support.redis_servers import PATIENT

from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller, Message
from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinRules
from esl_vm.store.connect import connect
from esl_vm.store.pin_hashes import Scrypt
from esl_vm.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

ALICE = MailboxId("1001")
BOB = MailboxId("1002", "autre.example")
NOBODY = MailboxId("9999")
QUICK = Scrypt(n=16)


class Case:
    """A store on a Redis (its URL, or a client), whose clock stands still."""

    def __init__(self, redis, *, clock: Clock | None = None, rules: PinRules | None = None, **options) -> None:
        self.clock = clock or Clock()
        link = connect(redis, PATIENT) if isinstance(redis, str) else redis
        self.store = Store(
            link,
            clock=self.clock,
            defaults=MailboxOptions(**options),
            pin_rules=rules or PinRules(failures=3, window_s=900, lock_s=600),
            pin_cost=QUICK,
        )
        self.mailboxes = self.store.mailboxes
        self.registry = self.store.registry

    def with_mailbox(self, box: MailboxId = ALICE, **fields: str) -> Case:
        self.registry.add(box, fields)
        return self

    def leave(self, *ids: str, box: MailboxId = ALICE, **fields) -> None:
        """Messages left for a mailbox, a second after each other."""
        for message_id in ids:
            self.clock.passes(seconds=1)
            self.mailboxes.deliver(box, message(message_id, self.clock.now(), **fields), even_if_full=True)

    def meanwhile(self, does: Callable[[], object]) -> None:
        """Before the next script reaches Redis, and after what was read for it, another process does something."""
        link, script = self.store.link, self.store.link.script

        def late(*args, **named):
            link.script = script
            does()
            return script(*args, **named)

        link.script = late

    def lie(self, folder: Folder, box: MailboxId = ALICE, *, urgent: bool | None = None) -> list[str]:
        """The ids in a folder, in the order in which they are played; read in small pages."""
        found: list[str] = []
        after = None
        while True:
            page = self.mailboxes.page(box, folder, urgent=urgent, after=after, most=3)
            found += [m.id for m in page.messages]
            if not page.places:
                assert page.total == len(found)
                return found
            after = page.places[-1]

    def happened(self, box: MailboxId = ALICE) -> list[str]:
        """What the stream says happened to a mailbox."""
        return [event.what.value for event in self.store.events.tail(1000, box=box)]


def message(message_id: str, received: float = MONDAY, **fields) -> Message:
    usual = Message(message_id, Caller("5145550100", "Bob Tremblay"), received, duration_ms=4000)
    return replace(usual, **fields)
