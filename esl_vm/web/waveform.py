"""The picture of a sound: how loud it is from beginning to end, as the path of an SVG of 600 by 64."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from esl_vm.model.errors import InvalidValueError
from esl_vm.sound.decode import read_sound

if TYPE_CHECKING:
    from pathlib import Path

_BARS = 120
_STEP = 5
_MIDDLE = 32
_HIGHEST = 28
_LOWEST = 2


@lru_cache(maxsize=2048)
def waveform_path(path: Path) -> str:
    """120 bars, each as high as the loudest moment of its part. A sound never changes, so it is looked at once.

    Raises:
        InvalidValueError: it is no sound.
    """
    try:
        samples, _ = read_sound(path)
    except (OSError, ValueError) as wrong:
        raise InvalidValueError(f"{path.name}: {wrong}") from None
    mono = np.abs(samples)
    edges = np.linspace(0, len(mono), _BARS + 1).astype(int)
    peaks = [float(mono[a:b].max()) if b > a else 0.0 for a, b in pairwise(edges)]
    loudest = max(peaks, default=0.0) or 1.0
    bars = [max(_LOWEST, round(_HIGHEST * (peak / loudest) ** 0.7)) for peak in peaks]
    return "".join(f"M{2 + _STEP * i} {_MIDDLE - bar}v{2 * bar}" for i, bar in enumerate(bars))
