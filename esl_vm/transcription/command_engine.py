"""A program of the operator's choice that writes what it hears on its standard output."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.deadline import deadline
from esl_vm.model.errors import EngineAwayError, NotTranscribableError, TranscriptionError
from esl_vm.transcription.answers import LARGEST_ANSWER, hint, transcript_of_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esl_vm.model.transcript import Transcript

_DATA_ERROR, _TEMPORARY = os.EX_DATAERR, os.EX_TEMPFAIL


class CommandEngine:
    """ports.Transcriber.

    The sound is the program's standard input, too. Exit code 65 says that this sound will never do, 75 that no sound does
    now, any other but 0 that it is to be tried again. Its standard error is not read: it may say what was said.

    Args:
        command: program and arguments; in these `{file}` is the sound's name, `{language}` its language (`auto` if it is
            to be found out) and `{names}` what may be spoken of. No shell reads them.
        timeout_s: seconds after which the program, and all it started, is killed.
    """

    def __init__(self, command: Sequence[str], timeout_s: float) -> None:
        self._command = command
        self._timeout_s = timeout_s
        self.engine = Path(command[0]).name

    def transcribe(self, sound: Path, language: str, names: Sequence[str]) -> Transcript:
        """See the port."""
        values = {"{file}": str(sound), "{language}": language or "auto", "{names}": hint(names)}
        program, *words = self._command
        if shutil.which(program) is None:
            raise EngineAwayError(f"{program}: there is no such program")
        try:
            with sound.open("rb") as heard:
                code, answer = self._run([program, *(_filled(word, values) for word in words)], heard.fileno())
        except OSError as wrong:
            raise EngineAwayError(f"{program}: {wrong.strerror}") from wrong
        if code == _DATA_ERROR:
            raise NotTranscribableError(f"{program}: it can't read this sound")
        if code == _TEMPORARY:
            raise EngineAwayError(f"{program}: not now")
        if code:
            raise TranscriptionError(f"{program}: exit code {code}")
        if len(answer) > LARGEST_ANSWER:
            raise TranscriptionError(f"{program}: its answer has more than {LARGEST_ANSWER} bytes")
        return transcript_of_text(answer, self.engine, asked=language)

    def _run(self, command: list[str], heard: int) -> tuple[int, bytes]:
        """Run it to its end; its exit code and at most LARGEST_ANSWER and one bytes of what it wrote."""
        with (
            subprocess.Popen(
                command, stdin=heard, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
            ) as running,
            deadline(self._timeout_s, lambda: _kill(running)) as struck,
        ):
            try:
                answer = running.stdout.read(LARGEST_ANSWER + 1) if running.stdout else b""
                if len(answer) <= LARGEST_ANSWER:
                    running.wait()
            finally:
                _kill(running)  # what it started may live longer than itself
        if struck.is_set():
            raise TranscriptionError(f"{command[0]}: no answer within {self._timeout_s:g} s")
        return running.returncode if len(answer) <= LARGEST_ANSWER else 0, answer


def _filled(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word


def _kill(running: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.pid, signal.SIGKILL)
