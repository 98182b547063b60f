"""Sound files that commands are given."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.actions.target import Converted
from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def converted(source: str | Path, rate: int) -> Iterator[Converted]:
    """A sound file of any format that libsndfile, sox or ffmpeg reads, as the store keeps it, for as long as this is open.

    Args:
        source: the file.
        rate: samples a second, the setting `audio.rate`.

    Raises:
        InvalidValueError: there is no such file, or it is no sound.
    """
    from esl_vm.importers.audio import convert
    from esl_vm.importers.plan import SoundFiles

    path = Path(source)
    if not path.is_file():
        raise InvalidValueError(f"{source}: no such file")
    with tempfile.TemporaryDirectory(prefix="esl-vm-sound-") as folder:
        target = Path(folder) / "sound.wav"
        yield Converted(target, convert(SoundFiles((path.resolve(),), path.resolve().parent), target, rate))
