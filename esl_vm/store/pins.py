"""PINs: ports.Pins on Redis. Hashed with scrypt away from the calls' loop, compared and counted inside Redis.

The hash never leaves Redis: the typed PIN's hash goes there, and the script that compares also counts, so guessing
from many telephones at once is counted like guessing from one.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gevent import monkey
from gevent.threadpool import ThreadPool

from esl_vm.model.actor import caller
from esl_vm.model.errors import InvalidValueError, NoSuchMailboxError
from esl_vm.model.options import option_text
from esl_vm.model.pins import PinCheck, PinRules, check_pin
from esl_vm.store.keys import lock_member
from esl_vm.store.records import text
from esl_vm.store.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.store.base import Base
    from esl_vm.store.keys import BoxKeys

_HOW = re.compile(r"scrypt\$([0-9]{1,9})\$([0-9]{1,3})\$([0-9]{1,3})\$([A-Za-z0-9_-]{8,64})")
_DIGEST = re.compile(r"[A-Za-z0-9_-]{27}")
_MOST_MEMORY = 256 * 1024 * 1024
_TRIES = 3
"""More than one, for a PIN that is changed between being hashed and being compared."""


@dataclass(frozen=True, slots=True)
class Scrypt:
    """What hashing costs: 128 * n * r bytes of memory, about 50 ms of one core with the defaults.

    Args:
        n: a power of two. r, p: see RFC 7914.
    """

    n: int = 16384
    r: int = 8
    p: int = 1

    def new_salt(self) -> str:
        """How a new PIN is hashed: these costs and a salt of 96 random bits."""
        return f"scrypt${self.n}${self.r}${self.p}${_encode(secrets.token_bytes(12))}"


class Hashers:
    """Runs hashing in threads of its own where gevent serves the calls: scrypt leaves Python's lock, the calls go on.

    Their own, and few: however many PINs are guessed at once, what waits for a disk has its threads to itself. Elsewhere
    it runs here and now.

    Attributes:
        threads: those threads; None before the first that was needed.
    """

    _THREADS = 2

    def __init__(self) -> None:
        self.threads: ThreadPool | None = None

    def __call__(self, function: Callable[[], str]) -> str:
        """Run it; returns what it returns."""
        if not monkey.is_module_patched("socket"):
            return function()
        if self.threads is None:
            self.threads = ThreadPool(self._THREADS)
        return self.threads.apply(function)  # type: ignore[no-any-return]


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

    def check(
        self,
        box: MailboxId,
        typed: str,
        source: str = "",
        *,
        outside: bool = False,
        rest: Callable[[int], None] | None = None,
    ) -> PinCheck:
        """As the port; source: where the caller is (the event tells it), `` = the telephone that acts; never the PIN."""
        if not typed:
            return PinCheck.WRONG
        checked = self._check(box, typed, (source or caller())[:200], outside=outside, rest=rest)
        if self.observe is not None:
            self.observe(checked.value)
        return checked

    def _check(
        self, box: MailboxId, typed: str, source: str, *, outside: bool, rest: Callable[[int], None] | None
    ) -> PinCheck:
        keys, rules = self._base.keys.of(box), self._rules
        failures = keys.failures_outside if outside else keys.failures
        member = lock_member(box, outside=outside)
        here = option_text(not outside or rules.initial_from_outside)
        obvious = option_text(rules.is_nobodys_choice(typed, box.number))
        limits = [str(rules.failures), str(rules.window_s), str(rules.lock_s)]
        for _ in range(_TRIES):
            locked, failed, how = self._before(keys, failures, member)
            uncounted = self._uncounted.failed(member, self._base.now())
            if locked or uncounted >= rules.failures:
                return PinCheck.LOCKED
            pause_ms = rules.pause_ms(failed + uncounted)
            if pause_ms and rest is not None:
                rest(pause_ms)
                rest = None
            how = how if _HOW.fullmatch(how) else self._nobody  # none, or written by hand: no PIN is right
            args = [how, self._hash(typed, how), *limits, source, member, option_text(outside), here, obvious]
            answer = text(self._base.change(keys, "check_pin", [failures, keys.locked], args))
            if answer == "uncounted":
                self._uncounted.count(member, self._base.now())
                return PinCheck.WRONG
            if answer == PinCheck.RIGHT.value:
                self._uncounted.forget(member)
            if answer != "changed":
                return PinCheck(answer)
        return PinCheck.WRONG

    def _before(self, keys: BoxKeys, failures: str, member: str) -> tuple[bool, int, str]:
        """Whether it is locked, how many wrong ones count, how the PIN is hashed: asked before the hash, which is dear."""
        args = [member, f"{self._base.now():.3f}", str(self._rules.window_s)]
        touched = [keys.box, failures, keys.locked]
        until, failed, how = self._base.link.script(keys.partition, script("before_pin"), touched, args)
        return text(until) != "0", int(failed), text(how)

    def change(self, box: MailboxId, pin: str, *, initial: bool = False) -> None:
        """Set a PIN (rules were checked by the caller of this); `` = none is asked."""
        stored = self.hashed(pin)
        keys = self._base.keys.of(box)
        kept = [str(self._rules.remember), option_text(self._rules.max_age_days > 0)]
        if not self._base.change(keys, "change_pin", [], [stored, "yes" if initial else "", *kept]):
            raise NoSuchMailboxError(f"no mailbox {box}")

    def refusal(self, box: MailboxId, pin: str) -> str:
        """Why its owner may not choose that PIN: it is weak, or was chosen before; `` = they may."""
        weakness = self._rules.weakness(pin, box.number)
        return weakness or ("it was used before" if self.used_before(box, pin) else "")

    def used_before(self, box: MailboxId, pin: str) -> bool:
        """Whether that is the mailbox's PIN or a former one that may not be chosen again (`PinRules.remember`).

        Asked of the current one also where PINs have an age (`max_age_days`): a new one is another one.
        """
        if not (self._rules.remember or self._rules.max_age_days):
            return False
        keys = self._base.keys.of(box)
        hows = [text(how) for how in self._base.link.script(keys.partition, script("used_before"), [keys.box], [])]
        hashes = [f"{how}${self._hash(pin, how)}" if _HOW.fullmatch(how) else "" for how in hows]
        return bool(hashes and self._base.link.script(keys.partition, script("used_before"), [keys.box], hashes))

    def hashed(self, pin: str) -> str:
        """A PIN as Redis keeps it, salted anew; `` for ``; raises InvalidValueError, whose text does not show it."""
        if not pin:
            return ""
        check_pin(pin)
        how = self._cost.new_salt()
        return f"{how}${self._hash(pin, how)}"

    def _hash(self, pin: str, how: str) -> str:
        return self._run(lambda: hash_pin(pin, how))


def is_hash(stored: str) -> bool:
    """Whether that is what `RedisPins.hashed` returns for a PIN."""
    how, _, digest = stored.rpartition("$")
    return _HOW.fullmatch(how) is not None and _DIGEST.fullmatch(digest) is not None


def hash_pin(pin: str, how: str) -> str:
    """The hash of a PIN, hashed like that (`scrypt$n$r$p$salt`): 160 bits, URL-safe base64 without padding.

    With its costs and salt it has at most 64 characters, which is what Redis stores compactly in a small hash.

    Raises:
        InvalidValueError: it can't be hashed like that.
    """
    found = _HOW.fullmatch(how)
    if found is None:
        raise InvalidValueError("not a way to hash a PIN that this version knows")
    n, r, p = int(found[1]), int(found[2]), int(found[3])
    if n < 2 or n & (n - 1) or not r or not p or 128 * n * r * p > _MOST_MEMORY:
        raise InvalidValueError("not a way to hash a PIN that this version knows")
    salt = found[4].encode()
    digest = hashlib.scrypt(pin.encode(), salt=salt, n=n, r=r, p=p, maxmem=2 * 128 * n * r * p + 2**20, dklen=20)
    return _encode(digest)


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
