"""Prompts for a FreeSWITCH on another host, which does not see those prepared on this one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from esl_vm.esl.sounds import safe_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from esl_vm.esl.session import CallSession
    from esl_vm.esl.sounds import SpokenPrompts

#: For so long a FreeSWITCH is taken to see what it saw when it was last asked, seconds.
_ASKED_S = 60.0


class Elsewhere:
    """What is played where FreeSWITCH does not see the folder of the prepared prompts.

    Args:
        pack: the recordings as they are, which every host has in the same place.
        proof: a file of this host's folder whose name no other folder has.
        now: seconds, of a clock that only goes on.
    """

    def __init__(self, pack: SpokenPrompts, proof: Path, now: Callable[[], float] = time.monotonic) -> None:
        self.pack = pack
        self._question = f"api file_exists {safe_path(str(proof))}"
        self._now = now
        self._told: dict[str, tuple[float, bool]] = {}

    def is_here(self, session: CallSession, switch: str) -> bool:
        """Whether that FreeSWITCH sees this host's folder; it is asked once a minute, with one round trip.

        Raises:
            CallerGoneError: the call is over.
        """
        until, here = self._told.get(switch, (0.0, False))
        if self._now() >= until:
            here = session.ask([self._question])[0].data.strip() == "true"
            self._told[switch] = self._now() + _ASKED_S, here
        return here
