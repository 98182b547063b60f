"""What lies in the spool, for people: `esl-vm spool list`, doctor, metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.errors import SpoolError
from esl_vm.recordings.journal import read
from esl_vm.recordings.manifest import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from esl_vm.recordings.folder import SpoolFolder


@dataclass(frozen=True, slots=True)
class TakeInfo:
    """A take as `esl-vm spool list` shows it.

    Args:
        id: of the message or sound. kind: message, greeting, sound or forward; `` = can't be read.
        boxes: where it goes, as text. node: whose service holds it.
        state: `recording` (a call, or whoever settles it, is at work on it), `waiting` (kept until it can be
            delivered), `unfinished` (left by a process that died), `elsewhere` (the recording is on another host),
            `aside` (needs an administrator), `stray` (a recording of which nothing is known here).
        age_s: seconds since it was begun. size: bytes of sound.
        reason: why it is still here, `` = nothing went wrong.
    """

    id: str
    kind: str
    boxes: tuple[str, ...]
    node: str
    state: str
    age_s: int
    size: int
    reason: str


def listed(spool: SpoolFolder, now: float) -> Iterator[TakeInfo]:
    """All takes, oldest first, then those in quarantine, then recordings without a manifest; `now` in epoch seconds.

    Raises:
        SpoolError: the spool can't be read.
    """
    try:
        for path in (*spool.manifests(), *spool.manifests(spool.quarantine)):
            if info := _info(spool, path, now):
                yield info
        for folder in (spool.takes, spool.quarantine):
            for take_id, paths in spool.strays(folder).items():
                size = sum(path.stat().st_size for path in paths if path.exists())
                yield TakeInfo(take_id, "", (), "", "stray", 0, size, "there is no manifest")
    except OSError as error:
        raise SpoolError(f"the spool can't be read: {error}") from error


def _info(spool: SpoolFolder, path: Path, now: float) -> TakeInfo | None:
    """What there is to say about a manifest; None if it has gone meanwhile."""
    quarantined = path.parent == spool.quarantine
    try:
        manifest, busy = read(path)
        age = int(now - manifest.made)
    except FileNotFoundError:
        return None
    except (ManifestError, OSError) as error:
        return TakeInfo(path.stem, "", (), "", "aside" if quarantined else "unfinished", 0, 0, str(error))
    state = (
        "aside" if quarantined
        else "recording" if busy
        else "elsewhere" if manifest.elsewhere
        else "waiting" if manifest.promised or manifest.accepted
        else "unfinished"
    )  # fmt: skip
    sound = path.with_name(spool.counting(manifest).name)
    return TakeInfo(
        id=manifest.id,
        kind=manifest.kind,
        boxes=tuple(str(box) for box in manifest.boxes),
        node=manifest.node,
        state=state,
        age_s=max(0, age),
        size=sound.stat().st_size if sound.exists() else 0,
        reason=manifest.aside or manifest.problem,
    )
