"""Mailboxes by their owners' names: ports.Directory on Redis.

Each partition keeps the beginnings of its owners' names as keys (`vm:{pNN}:names:DOMAIN`); a look-up reads the range
that begins with the keys dialled from all partitions at once, and then the mailboxes found, so it costs the same
however many mailboxes there are.
"""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import TYPE_CHECKING, Any

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Counts
from esl_vm.model.names import FEWEST_KEYS, INDEXED_KEYS, keypad_name
from esl_vm.store.base import Part
from esl_vm.store.records import mailbox_of, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from esl_vm.model.mailbox import Mailbox

MOST = 500
"""How many mailboxes are put in order at once; a caller listens to a few of them."""


class RedisDirectory(Part):
    """ports.Directory."""

    def by_keys(self, domain: str, keys: str, *, by_first_name: bool) -> Iterator[Mailbox]:
        """Mailboxes whose owner's name begins with those keys on the keypad, in the order of names.

        Those with the option `hidefromdir` are left out; so are all if fewer than three keys are given. The
        mailboxes' counts are not read. Where more than 500 mailboxes begin with these keys, they come in portions
        of 500, each in the order of names.
        """
        if len(keys) < FEWEST_KEYS or not keys.isascii() or not keys.isdigit():
            return
        domain = domain.lower()
        numbers = self._numbers(domain, keys[:INDEXED_KEYS])
        for start in range(0, len(numbers), MOST):
            found = self._mailboxes(domain, numbers[start : start + MOST])
            matching = [
                mailbox
                for mailbox in found
                if not mailbox.options.hidefromdir
                and keypad_name(mailbox.name).begins(keys, by_first_name=by_first_name)
            ]
            yield from sorted(matching, key=_order)

    def domains(self) -> frozenset[str]:
        """The domains in which there are mailboxes: each partition's first and last, so two at least where there are several."""

        def ask(client: Any, partition: int, *, last: bool) -> Any:
            key = self._base.keys.part(partition).boxes
            if last:
                return client.zrevrangebylex(key, "+", "-", start=0, num=1)
            return client.zrangebylex(key, "-", "+", start=0, num=1)

        found = [part for last in (False, True) for part in self._base.each_partition(partial(ask, last=last), ())]
        return frozenset(text(member).partition(" ")[0] for part in found for member in part)

    def _numbers(self, domain: str, keys: str) -> list[str]:
        """The numbers of all who are entered under something that begins with these keys, each once."""

        def ask(client: Any, partition: int) -> Any:
            # "~" sorts behind digits and the blank before the number: all that begins with the keys
            return client.zrangebylex(self._base.keys.part(partition).names_of(domain), f"[{keys}", f"[{keys}~")

        found = self._base.each_partition(ask, ())
        entries = sorted(text(member) for part in found for member in part)
        return list(dict.fromkeys(entry.partition(" ")[2] for entry in entries))

    def _mailboxes(self, domain: str, numbers: Sequence[str]) -> list[Mailbox]:
        boxes = [box for number in numbers if (box := MailboxId.of(number, domain)) is not None]
        found = self._base.link.pipe(None, (("HGETALL", self._base.keys.of(box).box) for box in boxes))
        return [
            mailbox_of(box, texts(fields), Counts(), self._base.defaults)
            for box, fields in zip(boxes, found, strict=True)
            if fields
        ]


def _order(mailbox: Mailbox) -> tuple[str, str]:
    """Names as a list of names has them: accents and capitals don't count; then the number."""
    plain = unicodedata.normalize("NFKD", mailbox.name.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char)), mailbox.id.number
