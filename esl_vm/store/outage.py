"""What an error of redis-py means: is Redis away, is it worth another try at once, and how to say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis import exceptions as wrong

if TYPE_CHECKING:
    from collections.abc import Sequence

_STATES = (
    "LOADING",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "TRYAGAIN",
    "UNKILLABLE",
    "BUSY",
)
_CONFIGURATION = ("NOAUTH", "WRONGPASS", "NOPERM", "NOPROTO", "INVALID PASSWORD", "AUTHENTICATION")


class TooLongError(BaseException):
    """The call as a whole took too long. Not an Exception: redis-py must not take it for one of its own."""


def may_be_better_at_once(error: Exception) -> bool:
    """A connection that was closed, a master that is one no more, a slot that nobody served: look again."""
    if isinstance(error, wrong.TimeoutError | wrong.AuthenticationError | wrong.MaxConnectionsError):
        return False
    if isinstance(error, wrong.ConnectionError | wrong.RedisClusterException):
        return True
    return isinstance(error, wrong.ReadOnlyError) or "READONLY" in str(error)


def is_away(error: BaseException) -> bool:
    """Whether waiting is to be avoided until it is back: not for what only this call was refused.

    One that takes no changes (NOREPLICAS, MISCONF, full, a replica) says so at once, and can be read all the while.
    """
    if isinstance(error, wrong.MaxConnectionsError):
        return False
    if isinstance(error, wrong.ResponseError):
        return isinstance(error, wrong.ClusterDownError) or _has(error, _STATES)
    return True


def _has(error: BaseException, words: Sequence[str]) -> bool:
    text = str(error).upper()
    return any(word in text for word in words)


def sentence(error: BaseException) -> str:
    """What happened, for the operator; no argument of the call is in it."""
    text = " ".join(str(error).split())[:300] or type(error).__name__
    if isinstance(error, TooLongError | wrong.TimeoutError):
        return "no answer in time"
    if isinstance(error, wrong.AuthenticationError | wrong.AuthorizationError) or _has(error, _CONFIGURATION):
        return f"refuses the user or password: {text}"
    if isinstance(error, wrong.BusyLoadingError):
        return "still loading its data"
    if isinstance(error, wrong.ReadOnlyError) or "READONLY" in text:
        return "is a replica that takes no changes"
    if isinstance(error, wrong.MaxConnectionsError):
        return f"too many calls at once: {text}"
    if isinstance(error, wrong.ConnectionError | wrong.RedisClusterException | OSError):
        return f"can't be reached: {text}"
    return f"refuses: {text}"
