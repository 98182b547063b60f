"""Building a prompt folder: recordings of any type become WAV that FreeSWITCH plays, what is missing is synthesized.

The result is a pack `asterisk` that needs no other. What a synthesizer speaks is listed in `synthetic.txt` in the
language's folder, so that nobody takes it for a recording, and is replaced by a recording once there is one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from esl_vm.model.errors import InvalidValueError
from esl_vm.sound.resample import resampled
from esl_vm.speech.recordings import OWN_SOUNDS, SYNTHETIC_LIST, Coverage
from esl_vm.speech.utterance import Prompt
from esl_vm.speech.voice import LANGUAGES
from esl_vm.speech.words import prompt_names, word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from esl_vm.sound.resample import Samples
    from esl_vm.speech.packs import PromptPack

    Synthesizer = Callable[[str, str, Path], None]

RATES = (8000, 16000)

_RAW = {
    "ulaw": ("ULAW", 8000),
    "alaw": ("ALAW", 8000),
    "gsm": ("GSM610", 8000),
    "sln": ("PCM_16", 8000),
    "sln16": ("PCM_16", 16000),
}
_ESPEAK_VOICES = {"fr": "fr", "en": "en-us"}
_ESPEAK_S = 30


@dataclass
class BuiltLanguage:
    """What was done for a language; every prompt the service can ask for is in exactly one of these.

    Args:
        language: `fr` or `en`. folder: where the files are.
        converted: made from recordings. kept: recordings that were there already.
        synthesized: spoken by the synthesizer. substituted: said by other prompts, no file needed.
        missing: with the reason.
    """

    language: str
    folder: Path
    converted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    synthesized: list[str] = field(default_factory=list)
    substituted: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def build_pack(
    pack: PromptPack,
    target: Path,
    *,
    rate: int = 8000,
    languages: Iterable[str] = LANGUAGES,
    synthesizer: Synthesizer | None = None,
) -> list[BuiltLanguage]:
    """Make a prompt folder out of a pack's recordings.

    A file already in the target stays as it is, unless a synthesizer spoke it. Files appear whole or not at all.

    Args:
        pack: where the recordings are.
        target: the folder to make or complete.
        rate: samples a second, 8000 or 16000.
        languages: which ones.
        synthesizer: called with words, language and the WAV file to write for each prompt without a recording;
            None: such prompts stay missing.

    Raises:
        InvalidValueError: another rate.
        OSError: the target can't be written.
    """
    if rate not in RATES:
        raise InvalidValueError(f"not a rate prompts are built at: {rate} (8000, 16000)")
    return [_build_language(pack, target / language, language, rate, synthesizer) for language in languages]


def _build_language(
    pack: PromptPack, folder: Path, language: str, rate: int, synthesizer: Synthesizer | None
) -> BuiltLanguage:
    built = BuiltLanguage(language, folder)
    listed = folder / SYNTHETIC_LIST
    synthetic = set(listed.read_text(encoding="utf-8").splitlines()) if listed.is_file() else set()
    for name in prompt_names(language):
        path = folder / f"{name}.wav"
        if path.is_file() and name not in synthetic:
            built.kept.append(name)
            continue
        prompt = Prompt(name, language)
        try:
            if _convert(pack, prompt, path, rate):
                built.converted.append(name)
                synthetic.discard(name)
            elif pack.coverage(prompt) is Coverage.SUBSTITUTED:
                built.substituted.append(name)
            elif synthesizer is None:
                built.missing[name] = "no recording"
            else:
                _synthesize(synthesizer, prompt, path, rate)
                built.synthesized.append(name)
                synthetic.add(name)
        except (soundfile.SoundFileError, subprocess.SubprocessError, ValueError) as error:
            built.missing[name] = str(error)
    if synthetic:
        listed.write_text("".join(f"{name}\n" for name in sorted(synthetic)), encoding="utf-8")
    else:
        listed.unlink(missing_ok=True)
    return built


def _convert(pack: PromptPack, prompt: Prompt, path: Path, rate: int) -> bool:
    """Write a prompt's recordings, one after another, to one file; False if there are none."""
    own = OWN_SOUNDS / prompt.language / f"{prompt.name}.wav"
    sources = pack.sources(prompt) or ((own,) if own.is_file() else ())
    if not sources:
        return False
    _write(path, np.concatenate([resampled(*read_sound(source), rate) for source in sources]), rate)
    return True


def _synthesize(synthesizer: Synthesizer, prompt: Prompt, path: Path, rate: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        synthesizer(word(prompt.name, prompt.language), prompt.language, spoken)
        _write(path, resampled(*read_sound(spoken), rate), rate)


def read_sound(path: Path) -> tuple[Samples, int]:
    """A recording's samples, channels mixed into one, from -1 to 1, and its rate.

    Raises:
        soundfile.SoundFileError: it can't be read: broken, or of a type that must be converted by other means (G.722).
    """
    kind = path.suffix.removeprefix(".")
    if kind in _RAW:
        subtype, rate = _RAW[kind]
        samples, _ = soundfile.read(
            path, format="RAW", subtype=subtype, samplerate=rate, channels=1, endian="LITTLE", always_2d=True
        )
    else:
        samples, rate = soundfile.read(path, always_2d=True)
    return np.asarray(samples, dtype=np.float32).mean(axis=1), int(rate)


def _write(path: Path, samples: Samples, rate: int) -> None:
    """Write 16-bit WAV; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-", suffix=".wav")
    os.close(handle)
    try:
        soundfile.write(partial, np.clip(samples, -1, 1), rate, subtype="PCM_16", format="WAV")
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)


def espeak_ng() -> Synthesizer | None:
    """The synthesizer espeak-ng, if it is installed."""
    program = shutil.which("espeak-ng")
    if program is None:
        return None

    def speak(text: str, language: str, path: Path) -> None:
        voice = _ESPEAK_VOICES[language]
        command = [program, "-v", voice, "-s", "150", "-w", str(path), "--", text]
        subprocess.run(command, check=True, capture_output=True, timeout=_ESPEAK_S)

    return speak
