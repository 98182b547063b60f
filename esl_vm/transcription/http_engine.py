"""A server with OpenAI's API of transcriptions: whisper.cpp, speaches, vLLM, LocalAI, or OpenAI's own."""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from esl_vm import __version__
from esl_vm.model.deadline import asked_to_wait, cut, deadline
from esl_vm.model.errors import EngineAwayError, NotTranscribableError, TranscriptionError
from esl_vm.model.masking import mask_url
from esl_vm.model.message import one_line
from esl_vm.transcription.answers import LARGEST_ANSWER, hint, transcript_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from esl_vm.model.settings import TranscriptionSettings
    from esl_vm.model.transcript import Transcript

PATH = "/v1/audio/transcriptions"
#: Answers that say that this sound will never do, and those that say nothing of it: the server, or its settings, must change.
_NEVER = {400, 413, 415, 422}
_AWAY = {401, 402, 403, 404, 405, 407, 408, 421, 425, 429, 502, 503, 504}
_PIECE = 65536


class HttpEngine:
    """ports.Transcriber.

    Args:
        settings: its `url`, `key`, `model` and `timeout_s`, which bounds a whole exchange.
        tls: how certificates are checked; None = as the system does, host name included.
    """

    def __init__(self, settings: TranscriptionSettings, tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._tls = tls
        self._target = urlsplit(settings.url.rstrip("/"))
        self.engine = f"{settings.model} at {self._target.hostname}"

    def transcribe(self, sound: Path, language: str, names: Sequence[str]) -> Transcript:
        """See the port. It uses no proxy and follows no redirection: sounds go where the settings say, or nowhere."""
        fields = {"model": self._settings.model, "response_format": "verbose_json", "temperature": "0"}
        fields["timestamp_granularities[]"] = "segment"
        if language:
            fields["language"] = language
        if names:
            fields["prompt"] = hint(names)
        status, headers, answer = self._exchange(sound, fields)
        if status in _NEVER:
            raise NotTranscribableError(f"{self._shown}: {status}")
        if status in _AWAY or 300 <= status < 400:
            raise EngineAwayError(f"{self._shown}: {status}", asked_to_wait(headers.get("retry-after", "")))
        if status != 200:
            raise TranscriptionError(f"{self._shown}: {status}")
        try:
            return transcript_of(json.loads(answer), self.engine, asked=language)
        except (ValueError, RecursionError) as wrong:
            raise TranscriptionError(f"{self._shown}: its answer is no JSON") from wrong
        except TranscriptionError as wrong:
            raise TranscriptionError(f"{self._shown}: {wrong}") from wrong

    @property
    def _shown(self) -> str:
        return mask_url(self._settings.url)

    def _exchange(self, sound: Path, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """POST a sound; status, headers and at most LARGEST_ANSWER bytes of the answer.

        Raises:
            EngineAwayError: nobody is there, or they hang up on us. TranscriptionError: it took too long, or said too much.
        """
        timeout_s = self._settings.timeout_s
        line = self._line(timeout_s)
        held: list[socket.socket | None] = [None]
        with contextlib.closing(line), deadline(timeout_s, lambda: cut(held[0])) as struck:
            try:
                line.connect()
                held[0] = line.sock  # which a connection forgets as soon as it has read an answer's head
                status, headers, answer = self._ask(line, sound, fields)
            except (OSError, http.client.HTTPException, ValueError) as wrong:
                if struck.is_set() or isinstance(wrong, TimeoutError):
                    raise TranscriptionError(f"{self._shown}: no answer within {timeout_s} s") from wrong
                raise EngineAwayError(one_line(f"{self._shown}: {type(wrong).__name__}: {wrong}", 200)) from wrong
            if struck.is_set():
                raise TranscriptionError(f"{self._shown}: no answer within {timeout_s} s")
        if len(answer) > LARGEST_ANSWER:
            raise TranscriptionError(f"{self._shown}: its answer has more than {LARGEST_ANSWER} bytes")
        return status, headers, answer

    def _ask(
        self, line: http.client.HTTPConnection, sound: Path, fields: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        boundary = secrets.token_hex(16)
        before, after = _around(fields, boundary)
        length = len(before) + sound.stat().st_size + len(after)
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(length),
            "Accept": "application/json",
            "User-Agent": f"esl-vm/{__version__}",
            "Connection": "close",
        }
        if self._settings.key:
            headers["Authorization"] = f"Bearer {self._settings.key}"
        # One that has seen enough (too large, no key) answers before it has read all, and hangs up.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            line.request("POST", self._target.path + PATH, _pieces(before, sound, after), headers)
        got = line.getresponse()
        return got.status, {name.lower(): value for name, value in got.headers.items()}, got.read(LARGEST_ANSWER + 1)

    def _line(self, timeout_s: float) -> http.client.HTTPConnection:
        """A connection not yet made."""
        host, port = self._target.hostname or "", self._target.port
        if self._target.scheme == "https":
            tls = self._tls or ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=tls)
        return http.client.HTTPConnection(host, port, timeout=timeout_s)


def _around(fields: Mapping[str, str], boundary: str) -> tuple[bytes, bytes]:
    """What comes before the sound in a form, and after it (RFC 7578)."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    form = "".join(f'{head}{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    file = f'{head}file"; filename="message.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    return (form + file).encode(), f"\r\n--{boundary}--\r\n".encode()


def _pieces(before: bytes, sound: Path, after: bytes) -> Iterator[bytes]:
    """A form with a file in it, which is never in memory as a whole."""
    yield before
    with sound.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
    yield after
