"""The codec of a line, as FreeSWITCH's events tell it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from esl_vm.esl.sounds import USUAL_RATE

if TYPE_CHECKING:
    from esl_vm.esl.wire import Frame

# `record` counts frames of silence by the file's rate over the codec's samples a packet, which SDP says as if it were 8 kHz.
_COUNTED_TWICE = "G722"


class Codec(NamedTuple):
    """What is known of a line's codec: its name, and its samples a second."""

    name: str
    rate: int

    @classmethod
    def read_by(cls, frame: Frame) -> Codec:
        """The codec that is read, as an application's end tells it."""
        return cls(frame.get("Channel-Read-Codec-Name") or "", rate_of(frame, "Channel-Read-Codec-Rate"))

    def silence(self, seconds: int) -> int:
        """What `record` is to be told for so many seconds of silence."""
        return (seconds + 1) // 2 if self.name == _COUNTED_TWICE else seconds


def changes(told: list[Codec], frame: Frame) -> bool:
    """Take notice of a line's codec; whether its rate is another.

    Of what is read FreeSWITCH tells nothing new, and both ways have one codec; so what is written tells it.
    """
    rate = rate_of(frame, "Channel-Write-Codec-Rate", last=True)
    if rate == told[-1].rate:
        return False
    told.append(Codec(frame.last("Channel-Write-Codec-Name") or "", rate))
    return True


def rate_of(frame: Frame, name: str, *, last: bool = False) -> int:
    """A codec's samples a second, of several as told first or last; the usual rate if the header isn't there."""
    text = (frame.last(name) if last else frame.get(name)) or ""
    return int(text) if re.fullmatch(r"[1-9][0-9]{3,5}", text) else USUAL_RATE
