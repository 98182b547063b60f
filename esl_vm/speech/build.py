"""Building a prompt folder: recordings of any type become WAV that FreeSWITCH plays, what is missing is synthesized.

The result is a pack `asterisk` that needs no other. What a synthesizer speaks is listed in `synthetic.txt` in the
language's folder, so that nobody takes it for a recording, and is replaced by a recording once there is one.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.speech.recordings import SYNTHETIC_LIST
from esl_vm.speech.sound_files import as_heard, write_wave
from esl_vm.speech.utterance import Prompt
from esl_vm.speech.voice import LANGUAGES
from esl_vm.speech.words import prompt_names, word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from esl_vm.speech.recordings import PromptPack

    Synthesizer = Callable[[str, str, Path], None]

RATES = (8000, 16000)

_ESPEAK_VOICES = {"fr": "fr", "en": "en-us"}
_ESPEAK_S = 30


@dataclass
class BuiltLanguage:
    """What was done for a language; every prompt the service can ask for is in exactly one of these.

    Args:
        language: `fr` or `en`. folder: where the files are.
        converted: made from recordings. kept: recordings that were there already.
        synthesized: spoken by the synthesizer. missing: with the reason.
    """

    language: str
    folder: Path
    converted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    synthesized: list[str] = field(default_factory=list)
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
            elif synthesizer is None:
                built.missing[name] = "no recording"
            else:
                _synthesize(synthesizer, prompt, path, rate)
                built.synthesized.append(name)
                synthetic.add(name)
        except (subprocess.SubprocessError, ValueError) as error:
            built.missing[name] = str(error)
    if synthetic:
        listed.write_text("".join(f"{name}\n" for name in sorted(synthetic)), encoding="utf-8")
    else:
        listed.unlink(missing_ok=True)
    return built


def _convert(pack: PromptPack, prompt: Prompt, path: Path, rate: int) -> bool:
    """Write a prompt's recordings, one after another, to one file; False if there are none."""
    recordings = pack.recordings(prompt)
    if not recordings:
        return False
    _write(path, prompt, recordings, rate)
    return True


def _synthesize(synthesizer: Synthesizer, prompt: Prompt, path: Path, rate: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        synthesizer(word(prompt.name, prompt.language), prompt.language, spoken)
        _write(path, prompt, [spoken], rate)


def _write(path: Path, prompt: Prompt, recordings: Sequence[Path], rate: int) -> None:
    samples, _ = as_heard(prompt, recordings, rate)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wave(path, samples, rate)


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
