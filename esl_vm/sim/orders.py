"""What a service asks a simulated node to do with a call, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esl_vm.sim.playback import Playback
    from esl_vm.sim.recording import Recording
    from esl_vm.sim.schedule import Timer

TICK_S = 0.02
"""How often a session looks at its queues."""


class Holder(Enum):
    """Who has the call."""

    SOCKET = "a service, over the event socket"
    DIALPLAN = "the dialplan"
    NOBODY = "nobody: it is parked until the caller hangs up"


@dataclass(frozen=True, slots=True)
class SimOrder:
    """What `sendmsg` asks for: an application, or with none the hang-up."""

    application: str
    argument: str = ""
    locked: bool = False
    uuid: str = ""


@dataclass(slots=True, eq=False)
class SimApplication:
    """An application that runs.

    Args:
        name, argument, uuid: as events tell them. locked: with event-lock.
        handle: the line's playback or recording. timer: the end of a sleep. cut_by_keys: any key ends it.
        listed: it plays files divided by `playback_delimiter`: a break ends one of them.
    """

    name: str
    argument: str
    uuid: str
    locked: bool = False
    handle: Playback | Recording | None = None
    timer: Timer | None = None
    cut_by_keys: bool = False
    listed: bool = False
