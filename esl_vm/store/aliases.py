"""Aliases: further numbers of mailboxes, each in the partition of its own number, so that no mailbox or list gets it too.

A mailbox's field `aliases` says which it has; the partitions' hashes say whose each is, and are what calls go by. An alias is
entered before it stands in the field and goes after it: what is broken off in between, `esl-vm doctor` finds.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from esl_vm.model.errors import MailboxExistsError
from esl_vm.model.mailbox import MailboxId
from esl_vm.store.base import Part
from esl_vm.store.records import text
from esl_vm.store.scripts import script

if TYPE_CHECKING:
    from collections.abc import Iterable

_PORTION = 500


class RedisAliases(Part):
    """Whose each further number is."""

    def claim(self, box: MailboxId, numbers: Iterable[str]) -> None:
        """Give numbers of its domain to a mailbox; one that it has stays. The mailbox of an alias that is taken over is gone.

        Raises:
            MailboxExistsError: a mailbox or a list has the number, or it is another mailbox's alias; those before it are given.
        """
        for number in numbers:
            alias, gone = MailboxId.stored(number, box.domain), ""
            while has := self._claimed(alias, box, gone):
                if has in {"mailbox", "list"}:
                    what = "mailbox" if has == "mailbox" else "distribution list"
                    raise MailboxExistsError(f"{alias} is a {what}: an alias is a number that nobody else has")
                if has == gone or self._is_there(has):
                    raise MailboxExistsError(f"{alias} is an alias of {has}")
                gone = has

    def hand_over(self, old: MailboxId, new: MailboxId, numbers: Iterable[str]) -> None:
        """Give the aliases of a mailbox to the one that it becomes; raises MailboxExistsError, in another domain only."""
        for number in numbers:
            if old.domain == new.domain:
                self._claimed(MailboxId.stored(number, new.domain), new, str(old))
            else:
                self.claim(new, [number])
                self.release(old, [number])

    def release(self, box: MailboxId, numbers: Iterable[str]) -> None:
        """Take numbers from a mailbox; those that are not its aliases are no error."""
        for number in numbers:
            alias = MailboxId.stored(number, box.domain)
            keys = self._base.keys.of(alias)
            self._base.link.script(keys.partition, script("alias_release"), [keys.aliases], [keys.name, str(box)])

    def all(self) -> dict[MailboxId, MailboxId]:
        """All aliases there are, and whose they are; one round trip."""
        found = self._base.link.pipe(None, (("HGETALL", part.aliases) for part in self._base.keys.parts()))
        pairs = ((text(alias), text(box)) for part in found for alias, box in part.items())
        return {MailboxId.stored(*alias.split("@", 1)): MailboxId.stored(*box.split("@", 1)) for alias, box in pairs}

    def fields(self, boxes: Iterable[MailboxId]) -> dict[MailboxId, list[str]]:
        """What stands in these mailboxes' fields, by mailbox; many in one look."""
        rest, found = iter(boxes), dict[MailboxId, list[str]]()
        while portion := list(islice(rest, _PORTION)):
            asked = (("HGET", self._base.keys.of(box).box, "aliases") for box in portion)
            read = self._base.link.pipe(None, asked)
            found |= {box: numbers_of(text(field)) for box, field in zip(portion, read, strict=True)}
        return found

    def _claimed(self, alias: MailboxId, box: MailboxId, gone: str) -> str:
        keys = self._base.keys.of(alias)
        touched = [keys.aliases, keys.box, keys.dist_list]
        return text(self._base.link.script(keys.partition, script("alias_claim"), touched, [keys.name, str(box), gone]))

    def _is_there(self, name: str) -> bool:
        keys = self._base.keys.of(MailboxId.stored(*name.split("@", 1)))
        return bool(self._base.link.run(keys.partition, lambda client: client.exists(keys.box)))


def numbers_of(field: str) -> list[str]:
    """The numbers in a field of that name."""
    return [number for number in field.split(",") if number]
