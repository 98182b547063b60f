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
_REFUSALS = {
    "'maxmemory'": "is full (maxmemory)",
    "NOREPLICAS": "takes no changes, as too few replicas are connected (min-replicas-to-write)",
    "MISCONF": "takes no changes, as it can't write to its disk",
}
_REMEDIES = {
    "is full": "raise Redis' maxmemory: `redis-cli config set maxmemory SIZE`; or erase messages: "
    "`esl-vm message delete --for-good MAILBOX ID`",
    "too few replicas": "start the replicas, or see why they don't reach the master: `redis-cli info replication`",
    "can't write to its disk": "make room on Redis' disk, see its log",
    "is a replica": "name the master in redis.url, or the Sentinels (redis+sentinel://)",
    "refuses the user": "correct the user or password in redis.url, or Redis' ACL",
    "are missing": "put them back: `esl-vm restore FILE`",
    "holds installation": "correct redis.url",
    "was begun with": "set redis.partitions to the number it was begun with",
    "this version knows": "upgrade this node's esl-vm",
    "still loading": "wait until Redis has read its data",
    "no answer in time": "see why Redis hangs: its host's load; when it answers again, `redis-cli slowlog get 10`",
}
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
    for word, meaning in _REFUSALS.items():
        if word in text:
            return f"{meaning}: {text}"
    if isinstance(error, wrong.MaxConnectionsError):
        return f"too many calls at once: {text}"
    if isinstance(error, wrong.ConnectionError | wrong.RedisClusterException | OSError):
        return f"can't be reached: {text}"
    return f"refuses: {text}"


def remedy(said: str, redis_cli: str = "redis-cli") -> str:
    """What to do about what `sentence` said; `redis_cli` is the command that reaches the server."""
    found = next((what for words, what in _REMEDIES.items() if words in said), "start Redis, or correct redis.url")
    return found.replace("redis-cli", redis_cli)
