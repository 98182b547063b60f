"""Broadcasts under way: what makes one that was broken off and begun again the same broadcast."""

from __future__ import annotations

from esl_vm.model.errors import InvalidValueError
from esl_vm.store.base import DAY_S, Part
from esl_vm.store.keys import broadcast
from esl_vm.store.records import text
from esl_vm.store.scripts import script

REMEMBERED_S = 90 * DAY_S
"""For how long a broadcast can be gone on with."""


class RedisBroadcasts(Part):
    """Broadcasts by name."""

    def begin(self, name: str, sound: str) -> float:
        """Begin a broadcast, or go on with the one of that name; returns when it was begun, epoch seconds.

        Args:
            name: letters, digits, `_ . -`.
            sound: tells its sound from others: a digest.

        Raises:
            InvalidValueError: a broadcast of that name within the last 90 days was another sound.
        """
        args = [self._base.now_ms(), sound, str(REMEMBERED_S)]
        begun, known = self._base.link.script(None, script("broadcast_begin"), [broadcast(name)], args)
        if text(known) != sound:
            raise InvalidValueError(f"broadcast {name} was another sound; give this one an --id of its own")
        return float(text(begun)) / 1000
