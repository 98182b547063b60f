"""Links in mails, each to one message of one mailbox: signed, so that Redis keeps their key and no link.

A key signs for as long as a link lives and is kept for as long again, so that another key takes over and no link dies by
that. All nodes share the keys; whoever has Redis has them.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import ID_PATTERN
from esl_vm.model.rights import MessageLink
from esl_vm.store.base import Part
from esl_vm.store.keys import LINK_KEYS
from esl_vm.store.records import text

_MAC_BYTES = 24


class RedisMessageLinks(Part):
    """web.world.MessageLinks on Redis, and what makes them."""

    def make(self, box: MailboxId, message_id: str, until: float, lives_s: float) -> str:
        """What a link to that message has in it.

        Args:
            box: the mailbox.
            message_id: the message.
            until: until when it opens, epoch seconds.
            lives_s: for how long links live: the same for all, but for a change of the settings.
        """
        key_id, secret = self._key(until, lives_s)
        payload = f"{key_id} {until:.0f} {box} {message_id}"
        return f"{_encoded(payload.encode())}.{_encoded(_mac(secret, payload))}"

    def read(self, token: str) -> MessageLink | None:
        """What a link opens, whether or not it is too old; None: no key that is kept has signed it."""
        payload, _, mac = token.partition(".")
        try:
            payload = _decoded(payload).decode()
            key_id, until, named, message_id = payload.split(" ")
            box, mac_bytes, until_s = MailboxId.parse(named), _decoded(mac), float(int(until))
        except (ValueError, binascii.Error, InvalidValueError):
            return None
        kept = self._base.link.run(LINK_KEYS, lambda client: client.hget(LINK_KEYS, key_id))
        if kept is None or not hmac.compare_digest(_mac(json.loads(kept)["secret"], payload), mac_bytes):
            return None
        return MessageLink(self._now_named(box), message_id, until_s) if ID_PATTERN.fullmatch(message_id) else None

    def revoke(self) -> int:
        """Links made so far open nothing any more; returns how many keys signed them."""
        kept = self._base.link.run(LINK_KEYS, lambda client: client.hkeys(LINK_KEYS))
        return int(self._base.link.run(LINK_KEYS, lambda client: client.delete(LINK_KEYS)) and len(kept))

    def _now_named(self, box: MailboxId) -> MailboxId:
        """The mailbox by the name that it has, should it have been renamed."""
        keys = self._base.keys.of(box)
        moved = text(self._base.link.run(keys.partition, lambda client: client.get(keys.moved)))
        return MailboxId.parse(moved) if moved else box

    def _key(self, until: float, lives_s: float) -> tuple[str, str]:
        """A key that may sign a link until then, made where there is none; those that nothing needs are dropped."""
        now = self._base.now()
        kept = {
            text(key_id): json.loads(key)
            for key_id, key in self._base.link.run(LINK_KEYS, lambda client: client.hgetall(LINK_KEYS)).items()
        }
        for key_id, key in kept.items():
            if now < key["signs_until"] and until <= key["kept_until"]:
                return key_id, key["secret"]
        key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        made = {"secret": secret, "signs_until": now + lives_s, "kept_until": max(now + 2 * lives_s, until)}
        gone = [old for old, key in kept.items() if key["kept_until"] < now]
        if gone:
            self._base.link.run(LINK_KEYS, lambda client: client.hdel(LINK_KEYS, *gone))
        self._base.link.run(LINK_KEYS, lambda client: client.hset(LINK_KEYS, key_id, json.dumps(made)))
        return key_id, secret


def _mac(secret: str, payload: str) -> bytes:
    return hmac.new(secret.encode(), payload.encode(), "sha256").digest()[:_MAC_BYTES]


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(word: str) -> bytes:
    return base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
