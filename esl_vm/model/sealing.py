"""What lies encrypted in the stores: how it is known, and what a part that stores something needs to seal and open it."""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
from typing import TYPE_CHECKING, Protocol

from esl_vm.model.errors import SealedError
from esl_vm.model.rate_limited_log import RateLimitedLog

if TYPE_CHECKING:
    from esl_vm.model.transcript import Transcript

MAGIC = b"ESL-VM\x001"
"""What every sealed object begins with; no sound and no text does."""
KEY_ID_BYTES = 8
_SEALED_TEXT = "sealed:"

_unreadable = RateLimitedLog(logging.getLogger(__name__), logging.ERROR, most=1)


class Seal(Protocol):
    """Seals what is stored, and opens it again. Content that was stored before there was a key stays readable.

    Attributes:
        key: the id of the key that seals, hexadecimal; `` = nothing is sealed.
        keys: the ids of all keys that open, that one first.
        trouble: why there is no key although the settings name one; `` = there is none wanted, or it is there.
    """

    @property
    def key(self) -> str:
        """See the class."""
        ...

    @property
    def keys(self) -> tuple[str, ...]:
        """See the class."""
        ...

    @property
    def trouble(self) -> str:
        """See the class."""
        ...

    def close(self, content: bytes) -> bytes:
        """Content as it is to be stored; what is sealed already stays as it is. Raises SealedError without the key."""
        ...

    def open(self, stored: bytes) -> bytes:
        """The content again; what is not sealed as it is. Raises SealedError."""
        ...

    def renewed(self, stored: bytes) -> bytes | None:
        """The same under the key that seals now, None if it is. Of what is sealed only the head changes. Raises SealedError."""
        ...


class Keyless:
    """A Seal where there is no key. What is sealed can't be opened.

    Args:
        trouble: see Seal. Then nothing is stored either, since it would lie in the clear: recordings wait in the spool.
    """

    key = ""
    keys: tuple[str, ...] = ()

    def __init__(self, trouble: str = "") -> None:
        self.trouble = trouble

    def close(self, content: bytes) -> bytes:
        """The content as it is."""
        if self.trouble:
            raise SealedError(self.trouble)
        return content

    def open(self, stored: bytes) -> bytes:
        """What is not sealed."""
        if is_sealed(stored):
            missing = "the settings name no key (privacy.key_file, privacy.key_command)"
            raise SealedError(f"it is sealed under the key {key_of(stored)}: {self.trouble or missing}")
        return stored

    def renewed(self, stored: bytes) -> bytes | None:
        """Nothing can be sealed."""
        self.open(stored)
        raise SealedError(self.trouble or "the settings name no key")


def is_sealed(stored: bytes) -> bool:
    """Whether that is a sealed object."""
    return stored.startswith(MAGIC)


def key_of(stored: bytes) -> str:
    """The id of the key that a sealed object needs, hexadecimal."""
    return stored[len(MAGIC) : len(MAGIC) + KEY_ID_BYTES].hex()


def close_text(seal: Seal, text: str) -> str:
    """A text as it is stored: sealed where there is a key. Raises SealedError."""
    if not text or not (seal.key or seal.trouble):
        return text
    return _SEALED_TEXT + base64.b64encode(seal.close(text.encode())).decode()


def open_text(seal: Seal, stored: str) -> str:
    """The text again; `` for one that can't be opened: the log says why, once a minute."""
    try:
        return text_of(seal, stored)
    except SealedError as error:
        _unreadable.log("a note can't be read: %s", error)
        return ""


def text_of(seal: Seal, stored: str) -> str:
    """As `open_text`; raises SealedError."""
    sealed = _sealed_bytes(stored)
    return stored if sealed is None else seal.open(sealed).decode("utf-8", "replace")


def renew_text(seal: Seal, stored: str) -> str | None:
    """A stored text under the key that seals now, None if it is. Raises SealedError."""
    sealed = _sealed_bytes(stored)
    renewed = seal.renewed(stored.encode() if sealed is None else sealed)
    return None if renewed is None else _SEALED_TEXT + base64.b64encode(renewed).decode()


def _sealed_bytes(stored: str) -> bytes | None:
    """What is in a sealed text; None: it lies in the clear, whatever it begins with."""
    if not stored.startswith(_SEALED_TEXT):
        return None
    try:
        sealed = base64.b64decode(stored.removeprefix(_SEALED_TEXT), validate=True)
    except ValueError:
        return None
    return sealed if is_sealed(sealed) else None


def close_transcript(seal: Seal, transcript: Transcript) -> Transcript:
    """A transcript whose words are sealed, where there is a key; state, language and engine stay readable."""
    if transcript.sealed or not transcript.segments or not (seal.key or seal.trouble):
        return transcript
    sealed = base64.b64encode(seal.close(transcript.words().encode())).decode()
    return dataclasses.replace(transcript, segments=(), sealed=sealed)


def open_transcript(seal: Seal, transcript: Transcript | None) -> Transcript | None:
    """A transcript with its words; as it is, without any, where they can't be opened: the log says why, once a minute."""
    if transcript is None or not transcript.sealed:
        return transcript
    try:
        words = seal.open(base64.b64decode(transcript.sealed))
        return dataclasses.replace(transcript, segments=transcript.segments_of(json.loads(words)), sealed="")
    except (SealedError, ValueError, TypeError) as error:
        _unreadable.log("a transcript can't be read: %s", error)
        return transcript


def renew_transcript(seal: Seal, stored: str) -> str | None:
    """A stored transcript under the key that seals now, None if it is, or says nothing. Raises SealedError."""
    try:
        parsed = json.loads(stored)
        sealed = base64.b64decode(parsed["sealed"]) if "sealed" in parsed else b""
        words = sealed or (json.dumps(parsed["segments"], ensure_ascii=False).encode() if parsed["segments"] else b"")
    except (ValueError, TypeError, KeyError):
        return None  # written by hand: it is no transcript for anybody
    renewed = seal.renewed(words) if words else None
    if renewed is None:
        return None
    parsed |= {"segments": [], "sealed": base64.b64encode(renewed).decode()}
    return json.dumps(parsed, ensure_ascii=False, separators=(",", ":"))
