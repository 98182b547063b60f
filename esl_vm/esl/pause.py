"""What plays is paused while the caller holds the call: nobody misses a message for having taken another call.

FreeSWITCH tells of the hold (CHANNEL_HOLD) and plays on into it. `uuid_fileman … pause` pauses, and asked again goes on; before the
sound has begun it is refused, so it is asked until it has worked (seen on FreeSWITCH 1.11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.esl.commands import command
from esl_vm.esl.exchange import NEVER

if TYPE_CHECKING:
    from esl_vm.esl.session import CallSession
    from esl_vm.esl.wire import Frame

# Seconds until it is asked again.
AGAIN_S = 0.05


class Pause:
    """Of one call.

    Attributes:
        held: the caller holds the call.
    """

    def __init__(self) -> None:
        self.held = False
        self._playing = False
        self._paused = False
        self._asked: list[Frame] | None = None
        self._again_at = 0.0

    @property
    def pending(self) -> bool:
        """Whether `keep` has something to do."""
        return self._playing and (self._asked is not None or self.held != self._paused)

    def begins(self, *, playing: bool) -> None:
        """An application begins; a sound can be paused."""
        self._playing, self._paused, self._asked = playing, False, None

    def keep(self, session: CallSession) -> float:
        """Have what plays be paused, or go on, as the call is held or not; returns when to look again."""
        if self._asked:
            worked = self._asked[0].data.startswith("+OK")
            self._asked, self._again_at = None, session.now() + AGAIN_S
            self._paused = self._paused != worked
        if self._asked is None and self.held != self._paused:
            if session.now() < self._again_at:
                return self._again_at
            self._asked, self._again_at = [], 0.0
            session.post(command(f"api uuid_fileman {session.uuid} pause"), 1, self._asked)
        return NEVER
