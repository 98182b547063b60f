"""Whether a FreeSWITCH can record into a folder: tried with a recording of nothing, until it was seen to work."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from esl_vm.model.rate_limited_log import RateLimitedLog
from esl_vm.recordings.probe import can_record

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.esl.session import CallSession

log = logging.getLogger(__name__)

#: With it FreeSWITCH hangs up a call that it can't record (switch_ivr_play_say.c).
_REFUSED = "DESTINATION_OUT_OF_ORDER"


class RecordingFolders:
    """What was seen of them; one for all calls of a process.

    Once it worked, that FreeSWITCH (its process: the groups of its user are those it was started with) is not asked again, until
    a recording could not be made.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._trouble = RateLimitedLog(log, logging.ERROR, most=1)

    def seen(self, switch: str, folder: Path) -> bool:
        """Whether that FreeSWITCH was seen to record there."""
        return (switch, str(folder)) in self._seen

    def try_one(self, session: CallSession, uuid: str, switch: str, folder: Path) -> bool:
        """Try it on a call whose media flows; False: nothing can be recorded there, though it can be elsewhere.

        Raises:
            CallerGoneError: the call is over.
        """

        def ask(lines: list[str]) -> list[str]:
            return [reply.data for reply in session.ask([f"api {line}" for line in lines])]

        if not can_record(ask, uuid, folder):
            self._trouble.log(
                "FreeSWITCH can't write into %s: both users must be in its group. Callers hear an apology", folder
            )
            return False
        self._seen.add((switch, str(folder)))
        return True

    def ended(self, gone: str, uuid: str, switch: str, recording: Path) -> None:
        """Told when a call was over in a recording, and why: one that could not be made is tried for with the next call."""
        if _REFUSED in gone and not recording.exists():
            self._seen.discard((switch, str(recording.parent)))
            self._trouble.log("call %s: FreeSWITCH can't write %s, and hung up", uuid, recording)
