"""Whether a FreeSWITCH can record into the spool: tried with a recording of nothing.

It has no question for it, and a recording that it can't begin hangs up the call. `uuid_record`, begun and stopped at once,
answers that it can't, and leaves nothing where it can: an empty recording is discarded (seen on FreeSWITCH 1.11).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ELSEWHERE = "/tmp"  # noqa: S108 - of FreeSWITCH's host; whoever has taken the name only makes this prove nothing


def can_record(ask: Callable[[list[str]], list[str]], uuid: str, folder: Path) -> bool:
    """Whether FreeSWITCH can, on a call whose media flows; False: not there, though elsewhere.

    Args:
        ask: gives the answers to api commands.
        uuid: of the call.
        folder: one that FreeSWITCH may enter.
    """

    def records(place: object) -> bool:
        path = f"{place}/.probe-{uuid}.wav"
        return ask([f"uuid_record {uuid} start {path} 1", f"uuid_record {uuid} stop {path}"])[0].startswith("+OK")

    if any(sign in str(folder) for sign in " '\"\\"):  # it would have to be quoted for two readers
        return True
    if not records(folder):
        return not records(_ELSEWHERE)
    with contextlib.suppress(OSError):  # of a FreeSWITCH that keeps the shortest recording
        (folder / f".probe-{uuid}.wav").unlink(missing_ok=True)
    return True
