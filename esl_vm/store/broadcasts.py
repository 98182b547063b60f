"""Broadcasts under way: what makes one that was broken off and begun again the same broadcast."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import InvalidValueError
from esl_vm.store.base import DAY_S, Part
from esl_vm.store.keys import BROADCASTS_ENDING, broadcast
from esl_vm.store.records import number, text
from esl_vm.store.scripts import script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.store.link import Client

REMEMBERED_S = 90 * DAY_S
"""For how long a broadcast can be gone on with."""


class RedisBroadcasts(Part):
    """Broadcasts by name."""

    def begin(self, name: str, sound: str, until: int = 0) -> float:
        """Begin a broadcast, or go on with the one of that name; returns when it was begun, epoch seconds.

        Args:
            name: letters, digits, `_ . -`.
            sound: tells its sound from others: a digest.
            until: when it ends, epoch seconds: what nobody heard by then is withdrawn; 0 = never.

        Raises:
            InvalidValueError: a broadcast of that name within the last 90 days was another sound, or ends at another time;
                this one would be over already.
        """
        if until and until <= self._base.now():
            raise InvalidValueError("the broadcast would be over before it is begun: choose a later end")
        args = [self._base.now_ms(), sound, str(REMEMBERED_S), str(until)]
        begun, known, end = self._base.link.script(None, script("broadcast_begin"), [broadcast(name)], args)
        if text(known) != sound:
            raise InvalidValueError(f"broadcast {name} was another sound; give this one an --id of its own")
        if number(text(end)) != until:
            raise InvalidValueError(f"broadcast {name} was begun with another end; give this one an --id of its own")
        if until:
            self._base.link.run(None, lambda client: client.zadd(BROADCASTS_ENDING, {name: until}))
        return float(text(begun)) / 1000

    def ending(self) -> list[dict[str, Any]]:
        """Those with an end, as `put` takes them: name, end (epoch seconds), fields (name and value in turn)."""
        run = self._base.link.run
        ends = run(None, lambda client: client.zrange(BROADCASTS_ENDING, 0, -1, withscores=True))
        fields = [run(None, partial(_fields, key=broadcast(text(name)))) for name, _ in ends]
        return [
            {"name": text(name), "until": int(until), "fields": [word for pair in found.items() for word in pair]}
            for (name, until), found in zip(ends, fields, strict=True)
        ]

    def put(self, record: Mapping[str, Any]) -> None:
        """Put in one with its end, out of a backup: its unheard messages are withdrawn then, and it can be gone on with."""
        key = broadcast(record["name"])
        if record["fields"]:
            self._base.link.run(None, lambda client: client.execute_command("HSET", key, *record["fields"]))
            self._base.link.run(None, lambda client: client.expire(key, REMEMBERED_S))
        self._base.link.run(None, lambda client: client.zadd(BROADCASTS_ENDING, {record["name"]: record["until"]}))


def _fields(client: Client, key: str) -> dict[bytes, bytes]:
    return client.hgetall(key)  # type: ignore[no-any-return]
