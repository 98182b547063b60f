"""PINs: ports.Pins on Redis. Hashed with scrypt away from the calls' loop, compared and counted inside Redis.

The hash never leaves Redis: the typed PIN's hash goes there, and the script that compares also counts, so guessing
from many telephones at once is counted like guessing from one.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from esl_vm.model.actor import caller
from esl_vm.model.errors import InvalidValueError, NoSuchMailboxError, NoSuchOwnerError, StoreDownError
from esl_vm.model.fields import owner_name
from esl_vm.model.options import option_text
from esl_vm.model.owners import FIRST, MOST_OWNERS
from esl_vm.model.pins import PinCheck, PinRules, check_pin
from esl_vm.store.keys import lock_member
from esl_vm.store.pin_hashes import hash_pin, is_way
from esl_vm.store.records import text
from esl_vm.store.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.store.base import Base
    from esl_vm.store.keys import BoxKeys
    from esl_vm.store.pin_hashes import Scrypt

_SAME = "\n"
"""Stands for the name that an owner has."""
TAKEN = "it is not free in this mailbox, whose owners are told apart by their PINs"
_REFUSED = {
    "no pin": "give the mailbox a PIN first: it is its first owner's, and without one it opens to anybody",
    "name": "another owner of this mailbox has that name",
    "full": f"a mailbox has {MOST_OWNERS} owners at most",
    "owners": "its owners are told apart by their PINs: remove the others first",
}
_TRIES = 3
"""More than one, for a PIN that is changed between being hashed and being compared."""


class Uncounted:
    """Wrong PINs that a Redis which takes no changes could not count: counted here, by each process for itself."""

    _MOST = 10_000

    def __init__(self, rules: PinRules) -> None:
        self._rules = rules
        self._at: OrderedDict[str, list[float]] = OrderedDict()

    def count(self, member: str, now: float) -> None:
        """One more, at epoch seconds `now`."""
        self._at.setdefault(member, []).append(now)
        self._at.move_to_end(member)
        if len(self._at) > self._MOST:
            self._at.popitem(last=False)

    def failed(self, member: str, now: float) -> int:
        """How many there were lately."""
        at = [one for one in self._at.get(member, []) if one > now - self._rules.window_s]
        return len(at)

    def forget(self, member: str) -> None:
        """The right one came."""
        self._at.pop(member, None)


class RedisPins:
    """ports.Pins.

    Args:
        base: what the parts of the store share.
        rules: when wrong PINs lock.
        cost: of new hashes; old ones keep theirs.
        run: calls a function that takes a while, and returns what it returns; in the service, in a thread.

    Attributes:
        observe: told of every check how it went (a PinCheck's value).
    """

    def __init__(self, base: Base, rules: PinRules, cost: Scrypt, run: Callable[[Callable[[], str]], str]) -> None:
        self._base = base
        self._rules = rules
        self._cost = cost
        self._run = run
        self._nobody = cost.new_salt()
        self._uncounted = Uncounted(rules)
        self.observe: Callable[[str], None] | None = None

    def check(self, box: MailboxId, typed: str, source: str = "", **how: Any) -> PinCheck:
        """Whether that PIN opens: as `whose`."""
        return self.whose(box, typed, source, **how)[0]

    def whose(
        self,
        box: MailboxId,
        typed: str,
        source: str = "",
        *,
        outside: bool = False,
        rest: Callable[[int], None] | None = None,
    ) -> tuple[PinCheck, int]:
        """As the port; source: where the caller is (the event tells it), `` = the telephone that acts; never the PIN."""
        if not typed:
            return PinCheck.WRONG, 0
        checked, number = self._check(box, typed, (source or caller())[:200], outside=outside, rest=rest)
        if self.observe is not None:
            self.observe(checked.value)
        return checked, number

    def _check(
        self, box: MailboxId, typed: str, source: str, *, outside: bool, rest: Callable[[int], None] | None
    ) -> tuple[PinCheck, int]:
        keys, rules = self._base.keys.of(box), self._rules
        failures = keys.failures_outside if outside else keys.failures
        member = lock_member(box, outside=outside)
        here = option_text(not outside or rules.initial_from_outside)
        obvious = option_text(rules.is_nobodys_choice(typed, box.number))
        limits = [str(rules.failures), str(rules.window_s), str(rules.lock_s)]
        for _ in range(_TRIES):
            locked, failed, how, _ = self._before(keys, failures, member)
            uncounted = self._uncounted.failed(member, self._base.now())
            if locked or uncounted >= rules.failures:
                return PinCheck.LOCKED, 0
            pause_ms = rules.pause_ms(failed + uncounted)
            if pause_ms and rest is not None:
                rest(pause_ms)
                rest = None
            how = how if is_way(how) else self._nobody  # none, or written by hand: no PIN is right
            args = [how, self._hash(typed, how), *limits, source, member, option_text(outside), here, obvious]
            answer, _, number = text(self._base.change(keys, "check_pin", [failures, keys.locked], args)).partition(" ")
            if answer == "uncounted":
                self._uncounted.count(member, self._base.now())
                return PinCheck.WRONG, 0
            if answer == PinCheck.RIGHT.value:
                self._uncounted.forget(member)
                return PinCheck.RIGHT, int(number)
            if answer != "changed":
                return PinCheck(answer), 0
        return PinCheck.WRONG, 0

    def _before(self, keys: BoxKeys, failures: str, member: str) -> tuple[bool, int, str, bool]:
        """Whether it is locked, how many wrong ones count, how the PIN is hashed, which is dear, and whether others are too."""
        args = [member, f"{self._base.now():.3f}", str(self._rules.window_s)]
        touched = [keys.box, failures, keys.locked]
        until, failed, how, several = self._base.link.script(keys.partition, script("before_pin"), touched, args)
        return text(until) != "0", int(failed), text(how), bool(several)

    def change(self, box: MailboxId, pin: str, *, initial: bool = False, owner: int = FIRST) -> None:
        """Set a PIN: see the port."""
        if owner != FIRST:
            self._set_owner(box, owner, None, pin, initial=initial)
            return
        keys = self._base.keys.of(box)
        for _ in range(_TRIES):
            *_, how, several = self._before(keys, keys.failures, str(box))
            stored = self._hashed(pin, how if several else self._cost.new_salt())
            args = [stored, "yes" if initial else "", *self._kept(), secrets.token_hex(8)]
            answer = text(self._base.change(keys, "change_pin", [], args))
            if answer != "changed":
                _judge(answer, box)
                return
        raise StoreDownError(f"the PIN of {box} is being changed all the time")

    def add_owner(self, box: MailboxId, name: str, pin: str, *, initial: bool = False) -> int:
        """One more owner: see the port."""
        if not pin:
            raise InvalidValueError("an owner of a shared mailbox has a PIN, by which he is known")
        return self._set_owner(box, 0, owner_name(name), pin, initial=initial)

    def rename_owner(self, box: MailboxId, owner: int, name: str) -> None:
        """Another name: see the port."""
        self._set_owner(box, owner, owner_name(name), "")

    def remove_owner(self, box: MailboxId, owner: int) -> None:
        """Take an owner away: see the port."""
        self._set_owner(box, owner, "", "")

    def _set_owner(self, box: MailboxId, owner: int, name: str | None, pin: str, *, initial: bool = False) -> int:
        """Name None: it stays; ``: the owner goes. PIN ``: it stays."""
        keys, mark = self._base.keys.of(box), secrets.token_hex(8)
        if name is None and not pin:
            raise InvalidValueError("an owner of a shared mailbox has a PIN, by which he is known")
        for _ in range(_TRIES):
            *_, how, _ = self._before(keys, keys.failures, str(box))
            stored = self._hashed(pin, how if is_way(how) else self._nobody)
            args = [str(owner), _SAME if name is None else name, stored, mark, "yes" if initial else "", *self._kept()]
            answer, number = [*map(text, self._base.change(keys, "set_owner", [], args)), "0"][:2]
            if answer != "changed":
                _judge(answer, box)
                return int(number)
        raise StoreDownError(f"the PIN of {box} is being changed all the time")

    def _kept(self) -> list[str]:
        return [str(self._rules.remember), option_text(self._rules.max_age_days > 0)]

    def refusal(self, box: MailboxId, pin: str, *, owner: int = FIRST) -> str:
        """Why its owner may not choose that PIN: see the port."""
        weakness = self._rules.weakness(pin, box.number)
        if weakness:
            return weakness
        return {"before": "it was used before", "taken": TAKEN}.get(self._known(box, pin, owner), "")

    def used_before(self, box: MailboxId, pin: str, *, owner: int = FIRST) -> bool:
        """Whether that is the owner's PIN or a former one that may not be chosen again (`PinRules.remember`).

        Asked of the current one also where PINs have an age (`max_age_days`): a new one is another one.
        """
        return self._known(box, pin, owner) == "before"

    def _known(self, box: MailboxId, pin: str, owner: int) -> str:
        """`before`, `taken` (another owner has it), or ``."""
        keys = self._base.keys.of(box)
        args = [str(owner), option_text(bool(self._rules.remember or self._rules.max_age_days))]
        hows = [text(how) for how in self._base.link.script(keys.partition, script("used_before"), [keys.box], args)]
        hashed = {how: f"{how}${self._hash(pin, how)}" if is_way(how) else "" for how in set(hows)}
        if not hows:
            return ""
        args += [hashed[how] for how in hows]
        return text(self._base.link.script(keys.partition, script("used_before"), [keys.box], args))

    def hashed(self, pin: str) -> str:
        """A PIN as Redis keeps it, salted anew; `` for ``; raises InvalidValueError, whose text does not show it."""
        return self._hashed(pin, self._cost.new_salt())

    def _hashed(self, pin: str, how: str) -> str:
        if not pin:
            return ""
        check_pin(pin)
        return f"{how}${self._hash(pin, how)}"

    def _hash(self, pin: str, how: str) -> str:
        return self._run(lambda: hash_pin(pin, how))


def _judge(answer: str, box: MailboxId) -> None:
    """Raise what a script's answer to a change says, unless it was done."""
    if answer == "no mailbox":
        raise NoSuchMailboxError(f"no mailbox {box}")
    if answer == "gone":
        raise NoSuchOwnerError(f"{box} has no such owner (any more)")
    if answer == "taken":
        raise InvalidValueError(f"that PIN can't be used: {TAKEN}; nothing was changed")
    if answer != "done":
        raise InvalidValueError(_REFUSED[answer])
