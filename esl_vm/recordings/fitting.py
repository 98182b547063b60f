"""Making of what FreeSWITCH recorded what is stored: mono, at one rate, trimmed, whole; and whether it is a message at all."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from esl_vm.sound.wav import convert, cut_to, measure, measured

if TYPE_CHECKING:
    from esl_vm.recordings.folder import SpoolFolder
    from esl_vm.recordings.journal import Journal
    from esl_vm.recordings.manifest import Manifest
    from esl_vm.sound.wav import Wave

#: A recording that has so much less than FreeSWITCH said (milliseconds) was cut short, by a full disk for example.
MISSING_MS = 1000


def fit(
    folder: SpoolFolder, manifest: Manifest, rate: int, recorded_ms: int, key: str = ""
) -> tuple[Wave, dict[str, Any]]:
    """Look at a recording, and fit it where it is not yet as it is stored. It may be done twice.

    Args:
        folder: the spool. What FreeSWITCH recorded stays there as it is until the take is settled.
        manifest: of the take.
        rate: samples a second of what is stored.
        recorded_ms: its length as FreeSWITCH reported it; -1 = it did not, then nothing is trimmed.
        key: the one that ended it, `` if none did.

    Returns:
        The recording, and what changes in the manifest.

    Raises:
        BrokenSoundError, OSError.
    """
    pieces = measured(folder.recordings(manifest.id, manifest.part), manifest.threshold)
    fitted = folder.fitted(manifest.id, manifest.part)
    (source, sound), finished = pieces[0], pieces[-1][1].finished
    changes: dict[str, Any] = {}
    if not finished or sum(one.ms for _, one in pieces) + MISSING_MS < recorded_ms:
        changes["cut"] = True
    if len(pieces) > 1 or (sound.frames and (sound.rate, sound.channels) != (rate, 1)):
        convert(pieces, rate, fitted)
        source = fitted
        sound = dataclasses.replace(measure(source, manifest.threshold), finished=finished)
    if key:
        sound = dataclasses.replace(measure(source, manifest.threshold, key), finished=sound.finished)
    frames = sound.trimmed() if manifest.trim and recorded_ms >= 0 else sound.frames
    if frames and (frames < sound.frames or sound.tone_frames or (source != fitted and not sound.finished)):
        cut_to(source, sound, frames, fitted)
        source = fitted
    if frames and source == fitted:
        changes["fitted"] = True
    return dataclasses.replace(sound, frames=frames), changes


def look(folder: SpoolFolder, journal: Journal, rate: int) -> Wave:
    """The sound that counts, measured; fitted first where nobody has done it yet. Raises as `fit`."""
    manifest = journal.manifest
    if manifest.fitted:
        return measure(folder.counting(manifest), manifest.threshold)
    sound, changes = fit(folder, manifest, rate, manifest.recorded_ms)
    if changes:
        journal.append(**changes)
    return sound


def too_short(manifest: Manifest, sound: Wave) -> bool:
    """Whether a message is too short to be kept, or nothing but silence."""
    length = sound.heard_ms if manifest.trim else sound.ms
    return not sound.heard_frames or length < manifest.min_ms
