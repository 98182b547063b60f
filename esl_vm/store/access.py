"""Who may use the browser's pages and the API: sessions, one-time links and tokens. Of each secret only a hash is kept.

A secret has 192 random bits, so a plain SHA-256 of it can't be guessed back; what it is a secret of stands before it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import InvalidValueError, StoreDownError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import one_line
from esl_vm.model.owners import FIRST
from esl_vm.model.rights import Reach, Right, Session, Token
from esl_vm.store.base import Part
from esl_vm.store.keys import ADMIN_LINKS, ADMIN_SESSIONS, TOKENS, TOKENS_USED, login_address, owner_link, used
from esl_vm.store.records import number, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esl_vm.store.base import Base

MOST_SESSIONS = 50
"""Of one mailbox, or of all administrators; the oldest ends where another begins."""
_USED_EVERY_S = 60.0
_PREFIX = "eslvm_"


class RedisAccess(Part):
    """Who is who: sessions, one-time links, tokens, and wrong PINs by address."""

    def __init__(self, base: Base) -> None:
        super().__init__(base)
        self._told: dict[str, float] = {}  # when a token's use was written down last

    def begin(
        self,
        box: MailboxId | None,
        *,
        seconds: float,
        address: str = "",
        name: str = "",
        pin_mark: str = "",
        way: str = "",
        owner: int = FIRST,
    ) -> str:
        """Begin a session of a mailbox's owner (which of several), or (None) of an administrator; returns its secret, which nobody has again."""
        secret = secrets.token_urlsafe(24)
        now = self._base.now()
        fields = {
            "name": name,
            "address": address,
            "since": now,
            "until": now + seconds,
            "pin_mark": pin_mark,
            "way": way,
            "owner": owner if owner != FIRST else 0,
        }
        key, partition = self._place(box)
        kept = sorted(self.sessions(box), key=lambda session: session.since, reverse=True)
        gone = [("HDEL", key, session.id) for session in kept[MOST_SESSIONS - 1 :]]
        value = json.dumps({n: value for n, value in fields.items() if value})
        put = [("HSET", key, _digest(secret), value), ("EXPIRE", key, int(seconds) + 1)]
        self._base.link.pipe(partition, [*gone, *put])
        return secret

    def session(self, box: MailboxId | None, secret: str) -> Session | None:
        """The session of that secret, unless it is over."""
        key, partition = self._place(box)
        digest = _digest(secret)
        found = self._base.link.run(partition, lambda client: client.hget(key, digest))
        session = _session(digest, found)
        return session if session is not None and session.until > self._base.now() else None

    def sessions(self, box: MailboxId | None) -> list[Session]:
        """Those that are not over, the oldest first."""
        key, partition = self._place(box)
        found = self._base.link.run(partition, lambda client: client.hgetall(key))
        now = self._base.now()
        sessions = [_session(text(digest), value) for digest, value in found.items()]
        return sorted((one for one in sessions if one and one.until > now), key=lambda one: one.since)

    def end(self, box: MailboxId | None, *ids: str) -> int:
        """End sessions; returns how many there were."""
        key, partition = self._place(box)
        return int(self._base.link.run(partition, lambda client: client.hdel(key, *ids))) if ids else 0

    def link(self, name: str, seconds: float) -> str:
        """A secret with which an administrator of that name signs in, once; others of that name end."""
        if not one_line(name) or name != one_line(name, 64):
            raise InvalidValueError(f"an administrator's name is 1 to 64 letters in a line, not {name!r}")
        secret = secrets.token_urlsafe(24)
        self.drop_links(name)
        value = json.dumps({"name": name, "until": self._base.now() + seconds})
        self._base.link.run(ADMIN_LINKS, lambda client: client.hset(ADMIN_LINKS, _digest(secret), value))
        return secret

    def use_link(self, secret: str) -> str:
        """The name of the administrator whose link it is, `` if it is none, too old, or was used. It is used up by that."""
        use = [(name, ADMIN_LINKS, _digest(secret)) for name in ("HGET", "HDEL")]
        found, _ = self._base.link.pipe(ADMIN_LINKS, use, atomic=True)  # of two who use it at once one has it
        link = _loaded(found)
        return str(link["name"]) if link and float(link["until"]) > self._base.now() else ""

    def drop_links(self, name: str) -> None:
        """Links of that administrator, and those that are too old, open nothing any more."""
        links = {
            text(digest): _loaded(value)
            for digest, value in self._base.link.run(ADMIN_LINKS, lambda c: c.hgetall(ADMIN_LINKS)).items()
        }
        now = self._base.now()
        gone = [digest for digest, link in links.items() if not link or link["name"] == name or link["until"] < now]
        if gone:
            self._base.link.run(ADMIN_LINKS, lambda client: client.hdel(ADMIN_LINKS, *gone))

    def owner_link(self, box: MailboxId, pin_mark: str, seconds: int) -> str:
        """A secret with which a mailbox's owner signs in, once, while `Mailbox.pin_mark` is that."""
        secret = secrets.token_urlsafe(24)
        key, value = owner_link(_digest(secret)), json.dumps({"box": str(box), "pin_mark": pin_mark})
        self._base.link.run(key, lambda client: client.set(key, value, ex=seconds))
        return secret

    def use_owner_link(self, secret: str) -> tuple[MailboxId, str] | None:
        """The mailbox that a link opens, and its `pin_mark` then; None: nothing. It is used up by that."""
        key = owner_link(_digest(secret))
        found, _ = self._base.link.pipe(
            key, [("GET", key), ("DEL", key)], atomic=True
        )  # of two who use it at once one has it
        link = _loaded(found)
        return (MailboxId.parse(link["box"]), link["pin_mark"]) if link else None

    def add_token(self, name: str, rights: Iterable[Right], reach: Reach, *, seconds: float = 0.0) -> tuple[Token, str]:
        """Make a token that is good for so many seconds (0 = for ever); it, and the words a machine presents."""
        now = self._base.now()
        token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(24)
        token = Token(
            token_id, one_line(name, 64), frozenset(rights), reach, now, now + seconds if seconds else 0.0, 0.0
        )
        fields = {
            "name": token.name,
            "hash": _digest(secret),
            "may": sorted(token.rights),
            "boxes": sorted(map(str, reach.boxes)),
            "domains": sorted(reach.domains),
            "everywhere": reach.everywhere,
            "made": token.made,
            "expires": token.expires,
        }
        value = json.dumps(fields)
        self._base.link.run(TOKENS, lambda client: client.hset(TOKENS, token_id, value))
        return token, f"{_PREFIX}{token_id}_{secret}"

    def token(self, presented: str) -> Token | None:
        """The token of what a machine presents, unless it is over; its use is written down, once a minute."""
        token_id, _, secret = presented.removeprefix(_PREFIX).partition("_")
        if not presented.startswith(_PREFIX) or not token_id or not secret:
            return None
        fields = _loaded(self._base.link.run(TOKENS, lambda client: client.hget(TOKENS, token_id)))
        if not fields or not secrets.compare_digest(str(fields.get("hash", "")), _digest(secret)):
            return None
        token = _token(token_id, fields, 0.0)
        now = self._base.now()
        if token.expires and token.expires <= now:
            return None
        if now - self._told.get(token_id, 0.0) >= _USED_EVERY_S:
            self._told[token_id] = now
            with contextlib.suppress(StoreDownError):  # a Redis that takes no changes lets one read all the same
                self._base.link.run(TOKENS_USED, lambda client: client.hset(TOKENS_USED, token_id, f"{now:.0f}"))
        return token

    def tokens(self) -> list[Token]:
        """All tokens, also those that are over, the oldest first."""
        found = self._base.link.run(TOKENS, lambda client: client.hgetall(TOKENS))
        used = self._base.link.run(TOKENS_USED, lambda client: client.hgetall(TOKENS_USED))
        tokens = [
            _token(text(token_id), fields, float(number(text(used.get(token_id)))))
            for token_id, value in found.items()
            if (fields := _loaded(value))
        ]
        return sorted(tokens, key=lambda token: token.made)

    def revoke(self, token_id: str) -> bool:
        """A token opens nothing from now on; False: there is none of that id."""
        self._base.link.run(TOKENS_USED, lambda client: client.hdel(TOKENS_USED, token_id))
        return bool(self._base.link.run(TOKENS, lambda client: client.hdel(TOKENS, token_id)))

    def failures(self, address: str) -> int:
        """Wrong PINs that came from an address lately."""
        key = login_address(address)
        return number(text(self._base.link.run(key, lambda client: client.get(key))))

    def count_failure(self, address: str, window_s: int) -> None:
        """One more; they are forgotten that many seconds after the last."""
        key = login_address(address)
        self._base.link.pipe(key, [("INCR", key), ("EXPIRE", key, window_s)])

    def first_use(self, secret: str, seconds: int) -> bool:
        """Whether what may be used once is used for the first time; it is remembered for so many seconds."""
        key = used(_digest(secret))
        return bool(self._base.link.run(key, lambda client: client.set(key, "1", nx=True, ex=seconds)))

    def _place(self, box: MailboxId | None) -> tuple[str, int | str]:
        if box is None:
            return ADMIN_SESSIONS, ADMIN_SESSIONS
        keys = self._base.keys.of(box)
        return keys.sessions, keys.partition


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _loaded(value: bytes | None) -> dict[str, Any]:
    """What was kept; nothing where it can't be read."""
    try:
        fields = json.loads(value or b"{}")
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _session(digest: str, value: bytes | None) -> Session | None:
    fields = _loaded(value)
    if not fields:
        return None
    words = {name: str(fields.get(name, "")) for name in ("name", "address", "pin_mark", "way")}
    since, until = float(fields.get("since", 0)), float(fields.get("until", 0))
    return Session(digest, since=since, until=until, owner=int(fields.get("owner", FIRST)), **words)


def _token(token_id: str, fields: dict[str, Any], used: float) -> Token:
    known = frozenset(Right)
    return Token(
        id=token_id,
        name=str(fields.get("name", "")),
        rights=frozenset(Right(word) for word in fields.get("may", []) if word in known),
        reach=Reach(
            frozenset(MailboxId.parse(word) for word in fields.get("boxes", [])),
            frozenset(fields.get("domains", [])),
            bool(fields.get("everywhere")),
        ),
        made=float(fields.get("made", 0)),
        expires=float(fields.get("expires", 0)),
        used=used,
    )
