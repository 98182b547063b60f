"""Encryption at rest as an administrator sees it: what doctor finds, and putting everything under the key of today."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import AudioMissingError, SealedError
from esl_vm.model.findings import Finding, Level
from esl_vm.model.sealing import is_sealed, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.ops.node import Node

_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def check_sealing(node: Node) -> Iterator[Finding]:
    """The keys that the settings name, those that were used, and where clear copies lie; raises StoreDownError."""
    seal, used = node.seal, node.store.seal_keys.used()
    if seal.trouble:
        remedy = (
            "restore the key, or let this user read it: without it messages wait in the spool and none can be heard"
        )
        yield Finding("privacy", Level.ERROR, seal.trouble, remedy)
        return
    if missing := [key for key in used if key not in seal.keys]:
        said = f"sounds and transcripts may be encrypted under {', '.join(missing)}, which the settings' keys are not"
        remedy = "restore that key as a further line of `privacy.key_file`; `esl-vm privacy encrypt` says what needs it"
        yield Finding("privacy", Level.ERROR, said, remedy)
    if not seal.key:
        return
    yield Finding("privacy", Level.OK, f"sounds and transcripts are encrypted under {seal.key}")
    mounts = Path("/proc/self/mounts")
    if mounts.exists() and not _in_memory(node.cache.folder, mounts.read_text()):
        said = f"{node.cache.folder}, where FreeSWITCH plays clear copies from, is on a disk"
        yield Finding("privacy", Level.WARNING, said, 'set `privacy.clear_folder = "/run/esl-vm"`')


def _in_memory(folder: Path, mounts: str) -> bool:
    """Whether that folder lies in memory; its nearest mount says so, the last one of several in one place."""
    kinds = {Path(words[1]): words[2] for words in map(str.split, mounts.splitlines()) if len(words) > 2}
    nearest = next((kinds[place] for place in (folder, *folder.parents) if place in kinds), "")
    return nearest in _IN_MEMORY


def encrypt_all(node: Node, *, dry_run: bool = False) -> Counter[str]:
    """Put every sound and transcript under the key that seals now, while calls go on; doing it again does no harm.

    Returns:
        How many `sounds` and `texts` (and browsers that are told of messages) were changed (or would be), were `right` before, are `unreadable` (their key is
        not among the settings').

    Raises:
        SealedError: there is no key. StoreDownError: it is to be begun again.
    """
    if not node.seal.key:
        raise SealedError(node.seal.trouble or "the settings name no key: privacy.key_file or privacy.key_command")
    count: Counter[str] = Counter()
    before = [key for key in node.store.seal_keys.used() if key != node.seal.key]
    if not dry_run:
        node.store.seal_keys.note(node.seal.key)
    for audio_id in node.audio.ids():
        count[_renew_sound(node, audio_id, dry_run=dry_run)] += 1
    for changed in node.store.seal_keys.renew(node.registry.boxes(), dry_run=dry_run):
        count["unreadable" if changed is None else "texts" if changed else "right"] += 1
    if not (dry_run or count["unreadable"]):
        node.store.seal_keys.forget(before)
    return count


def _renew_sound(node: Node, audio_id: str, *, dry_run: bool) -> str:
    try:
        stored = node.audio.stored(audio_id)
        if dry_run:
            if is_sealed(stored) and key_of(stored) not in node.seal.keys:
                return "unreadable"
            return "right" if is_sealed(stored) and key_of(stored) == node.seal.key else "sounds"
        renewed = node.seal.renewed(stored)
    except AudioMissingError:
        return "gone"
    except SealedError:
        return "unreadable"
    if renewed is None:
        return "right"
    node.audio.replace(audio_id, renewed)
    return "sounds"
