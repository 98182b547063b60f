"""The recordings of one caller in a spool: on their way, in quarantine, kept after their delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.callers import HOLD, Trace, TraceKind, names, same_number
from esl_vm.model.errors import SpoolError, StoreDownError
from esl_vm.model.events import EventType
from esl_vm.recordings.journal import Journal, read
from esl_vm.recordings.manifest import ManifestError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.recordings.folder import SpoolFolder
    from esl_vm.recordings.manifest import Manifest
    from esl_vm.recordings.spool import Spool


def takes_of(spool: Spool, number: str, held: Collection[MailboxId] = ()) -> Iterator[tuple[Trace, list[Path]]]:
    """Each recording of that caller, with its sounds, oldest first; held: mailboxes under a legal hold. Raises SpoolError."""
    try:
        for path, manifest, busy in _theirs(spool.folder, number):
            kept = HOLD if _is_held(manifest, held) else "a call, or who settles it, is at work on it" if busy else ""
            trace = Trace(TraceKind.RECORDING, spool.node, manifest.id, manifest.made, _state(spool.folder, path), kept)
            yield trace, [one for one in spool.folder.sounds(manifest, path.parent) if one.exists()]
    except OSError as error:
        raise SpoolError(f"the spool can't be read: {error}") from error


def erase_takes_of(spool: Spool, number: str, held: Collection[MailboxId] = ()) -> int:
    """Erase them, but those that somebody is at work on, and those for mailboxes under a hold; how many. Its mailboxes are told of one that was not delivered.

    Raises SpoolError. Repeating is harmless.
    """
    erased = 0
    try:
        for path, found, _ in list(_theirs(spool.folder, number)):
            journal = None if _is_held(found, held) else Journal.open(path)
            if journal is None:
                continue
            manifest, kept = journal.manifest, path.name.endswith(spool.folder.KEPT)
            if path.parent == spool.folder.quarantine:
                spool.folder.bring_back(journal)
            spool.folder.remove(journal)
            erased += 1
            if not kept:
                _tell(spool, manifest)
    except (OSError, ManifestError) as error:
        raise SpoolError(f"the spool can't be read or written: {error}") from error
    return erased


def _is_held(manifest: Manifest, held: Collection[MailboxId]) -> bool:
    return any(box in held for box in manifest.boxes)


def _tell(spool: Spool, manifest: Manifest) -> None:
    for box in manifest.boxes:
        try:
            spool.destinations.mailboxes.log_event(box, EventType.NOT_DELIVERED, manifest.id, why="privacy")
        except StoreDownError:
            return


def _theirs(folder: SpoolFolder, number: str) -> Iterator[tuple[Path, Manifest, bool]]:
    for path in (*folder.manifests(), *folder.kept(), *folder.manifests(folder.quarantine)):
        try:
            manifest, busy = read(path)
        except (FileNotFoundError, ManifestError):
            continue
        message = manifest.message
        if message is None:
            continue
        who = (message.caller.number, message.caller.name)
        if any(same_number(one, number) for one in who) or names({"by": manifest.by}, number):
            yield path, manifest, busy


def _state(folder: SpoolFolder, path: Path) -> str:
    if path.parent == folder.quarantine:
        return "quarantined"
    return "delivered" if path.name.endswith(folder.KEPT) else "waiting"
