"""Whether anybody may speak in a sound: silence, and tones that stay as they are, are no speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from esl_vm.sound.decode import read_sound

if TYPE_CHECKING:
    from pathlib import Path

_FRAME_MS = 32
#: A frame counts that is louder (root mean square, full scale 1): -52 dB, 10 dB below a quiet caller.
_LOUD = 0.0025
#: Of speech there are at least so many milliseconds.
_SHORTEST_MS = 250
#: How alike the spectra of the loud frames are, 1 = all the same: dial and ringing tones 0.97 and more, speech 0.4 to 0.8.
_ALIKE = 0.95
_MOST_FRAMES = 2000


def nobody_speaks(path: Path) -> bool:
    """Whether a sound is certain to have no speech in it.

    Args:
        path: any sound file.

    Raises:
        OSError, ValueError: it can't be read.
    """
    samples, rate = read_sound(path)
    length = rate * _FRAME_MS // 1000
    frames = samples[: len(samples) // length * length].reshape(-1, length)
    loud = np.flatnonzero(np.sqrt(np.mean(frames**2, axis=1, dtype=np.float64)) > _LOUD)
    if len(loud) * _FRAME_MS < _SHORTEST_MS:
        return True
    chosen = loud[:: 1 + len(loud) // _MOST_FRAMES]
    spectra = np.abs(np.fft.rfft(frames[chosen] * np.hanning(length).astype(np.float32), axis=1))
    spectra /= np.linalg.norm(spectra, axis=1, keepdims=True) + 1e-9
    usual = spectra.mean(axis=0)
    return bool((spectra @ (usual / np.linalg.norm(usual))).mean() > _ALIKE)
