"""Ringing a telephone through this node's FreeSWITCH in the background, and hearing how that ended."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

from esl_vm.model.errors import SwitchDownError

if TYPE_CHECKING:
    from esl_vm.esl.inbound import EventSocketSwitch

_RESULT_S = 15.0
"""FreeSWITCH tells the end of its ringing so much later at most, seconds."""
_WHY = {
    "USER_BUSY": "busy",
    "CALL_REJECTED": "rejected",
    **dict.fromkeys(("NO_ANSWER", "NO_USER_RESPONSE", "ALLOTTED_TIMEOUT", "ORIGINATOR_CANCEL"), "no-answer"),
}


def why_not(cause: str) -> str:
    """Why a telephone was not answered, as events tell it: `busy`, `rejected`, `no-answer`, `switch`; `unknown` for none."""
    return _WHY.get(cause, "switch") if cause else "unknown"


class Ringing:
    """The background jobs of one FreeSWITCH; several threads may use one.

    Args:
        switch: this node's.
    """

    def __init__(self, switch: EventSocketSwitch) -> None:
        self._switch = switch
        self._results: dict[str, str] = {}
        self._waiting: dict[str, threading.Event] = {}

    def listen(self) -> None:
        """Take in how background jobs ended, for as long as FreeSWITCH is there."""
        for event in self._switch.events(["BACKGROUND_JOB"]):
            waits = self._waiting.get(event.get("Job-UUID", ""))
            if waits is not None:
                self._results[event["Job-UUID"]] = event.get("_body", "").strip()
                waits.set()

    def ring(self, words: str, seconds: float) -> str:
        """What became of an originate that rings so long: `+OK LEG` or `-ERR CAUSE`, `` where FreeSWITCH does not say."""
        name = str(uuid.uuid4())
        self._waiting[name] = ended = threading.Event()
        try:
            began = self._switch.api(f"bgapi uuid:{name} {words}")
            if not began.startswith("+OK"):
                return began
            ended.wait(seconds + _RESULT_S)
            return self._results.pop(name, "")
        except SwitchDownError:
            return ""
        finally:
            del self._waiting[name]
