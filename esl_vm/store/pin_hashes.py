"""How a PIN is hashed: scrypt, in threads of its own where gevent serves the calls."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gevent import monkey
from gevent.threadpool import ThreadPool

from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

_HOW = re.compile(r"scrypt\$([0-9]{1,9})\$([0-9]{1,3})\$([0-9]{1,3})\$([A-Za-z0-9_-]{8,64})")
_DIGEST = re.compile(r"[A-Za-z0-9_-]{27}")
_MOST_MEMORY = 256 * 1024 * 1024


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


def is_way(how: str) -> bool:
    """Whether that is a way to hash a PIN, with its salt: `scrypt$n$r$p$salt`."""
    return _HOW.fullmatch(how) is not None


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
