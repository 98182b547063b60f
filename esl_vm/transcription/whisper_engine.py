"""faster-whisper in this process, with a model from a folder: no sound leaves the host (extra `transcription`)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import EngineAwayError, NotTranscribableError, SettingsError, TranscriptionError
from esl_vm.sound.decode import read_sound
from esl_vm.sound.resample import resampled
from esl_vm.transcription.answers import hint, transcript_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esl_vm.model.transcript import Transcript

_RATE = 16000
#: Where it begins to repeat itself, as it does now and then, it is asked again with more chance. Without that a quarter of the
#: words of French messages of 25 s were wrong, with it and the silence below 4 %.
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6)
#: Of the silence around speech so much is left: at sharp edges it repeats itself too.
_AROUND_MS = 600
#: Below it the language that was detected is not taken for one.
_SURE_OF_LANGUAGE = 0.5


class WhisperEngine:
    """ports.Transcriber. The model is loaded when it is built, and stays in memory.

    Args:
        folder: the model as CTranslate2 has it: `model.bin`, `config.json`, `tokenizer.json`.
        threads: processors for one sound.
        timeout_s: seconds for one sound; looked at after each piece of it.

    Raises:
        SettingsError: faster-whisper is not installed, or there is no such model.
    """

    def __init__(self, folder: str, threads: int, timeout_s: float) -> None:
        try:
            from faster_whisper import WhisperModel
        except ImportError as missing:
            raise SettingsError(
                ['transcription.engine: faster-whisper is not installed: pip install "esl-vm[transcription]"']
            ) from missing
        if not (Path(folder) / "model.bin").is_file():
            raise SettingsError([f"transcription.folder: there is no model.bin in {folder}"])
        try:
            self._model = WhisperModel(
                folder, device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as wrong:
            raise SettingsError([f"transcription.folder: the model in {folder} can't be used: {wrong}"]) from wrong
        self._timeout_s = timeout_s
        self.engine = f"faster-whisper {Path(folder).name}"

    def transcribe(self, sound: Path, language: str, names: Sequence[str]) -> Transcript:
        """See the port."""
        try:
            samples, rate = read_sound(sound)
        except ValueError as wrong:
            raise NotTranscribableError(str(wrong)) from wrong
        except OSError as wrong:
            raise TranscriptionError(f"the sound can't be read: {wrong.strerror}") from wrong
        began = time.monotonic()
        found, about = self._model.transcribe(
            resampled(samples, rate, _RATE),
            language=language or None,
            initial_prompt=hint(names) or None,
            beam_size=5,
            temperature=_TEMPERATURES,
            condition_on_previous_text=False,  # a slip in one piece is not carried on into all that follow
            vad_filter=True,
            vad_parameters={"speech_pad_ms": _AROUND_MS},
        )
        pieces = []
        try:
            for one in found:
                pieces.append(one)
                if time.monotonic() - began > self._timeout_s:
                    raise TranscriptionError(f"faster-whisper took more than {self._timeout_s:g} s")
        except MemoryError as wrong:
            raise EngineAwayError("faster-whisper: out of memory") from wrong
        heard = about.language if language or about.language_probability >= _SURE_OF_LANGUAGE else "unsure"
        return transcript_of(
            {
                "language": heard,
                "text": "",
                "segments": [
                    {
                        "start": one.start,
                        "end": one.end,
                        "text": one.text,
                        "avg_logprob": one.avg_logprob,
                        "no_speech_prob": one.no_speech_prob,
                    }
                    for one in pieces
                ],
            },
            self.engine,
        )
