"""Broadcasts under way: what makes one that was broken off and begun again the same broadcast."""

from __future__ import annotations

from esl_vm.model.errors import InvalidValueError
from esl_vm.store.base import DAY_S, Part
from esl_vm.store.keys import BROADCASTS_ENDING, broadcast
from esl_vm.store.records import number, text
from esl_vm.store.scripts import script

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
