"""Keys that seal: a file or a command tells them, one a line; the first seals, all open."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError, SealedError, SettingsError
from esl_vm.model.sealing import KEY_ID_BYTES, MAGIC, Keyless, is_sealed, key_of
from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esl_vm.model.sealing import Seal
    from esl_vm.model.settings import PrivacySettings

KEY_BYTES = 32
_NONCE_BYTES = 12  # as NIST SP 800-38D recommends for GCM
_TAG_BYTES = 16
_COMMAND_S = 30.0
_NAMED = len(MAGIC) + KEY_ID_BYTES
_HEAD = _NAMED + _NONCE_BYTES + KEY_BYTES + _TAG_BYTES
_MOST_KEYS = 100


class KeyRing:
    """model.sealing.Seal with keys: AES-256-GCM (NIST SP 800-38D), a random data key for every object.

    A sealed object is MAGIC, the id of the key, a nonce, the data key under that key; then a nonce, the content under the
    data key. A data key seals one object, so its nonce can't be used twice; under a key there is one nonce for an object.

    Args:
        keys: 32 bytes each; the first one seals.
    """

    trouble = ""

    def __init__(self, keys: Sequence[bytes]) -> None:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            problem = "privacy: a key needs cryptography; install it with pip install 'esl-vm[encryption]'"
            raise SettingsError([problem]) from None
        self._cipher, self._wrong = AESGCM, InvalidTag
        self._keys = {key_id(key): AESGCM(key) for key in keys}
        self.keys = tuple(self._keys)
        self.key = self.keys[0]

    def close(self, content: bytes) -> bytes:
        """See the protocol."""
        if is_sealed(content):
            return content
        data_key, nonce = secrets.token_bytes(KEY_BYTES), os.urandom(_NONCE_BYTES)
        return b"".join((self._head(data_key), nonce, self._cipher(data_key).encrypt(nonce, content, MAGIC)))

    def open(self, stored: bytes) -> bytes:
        """See the protocol."""
        if not is_sealed(stored):
            return stored
        cipher, start = self._cipher(self._data_key(stored)), _HEAD + _NONCE_BYTES
        try:
            return cipher.decrypt(stored[_HEAD:start], memoryview(stored)[start:], MAGIC)
        except self._wrong:
            raise SealedError("what is stored is not what was sealed: it was altered or cut short") from None

    def renewed(self, stored: bytes) -> bytes | None:
        """See the protocol."""
        if not is_sealed(stored):
            return self.close(stored)
        if key_of(stored) == self.key:
            return None
        return self._head(self._data_key(stored)) + stored[_HEAD:]

    def _head(self, data_key: bytes) -> bytes:
        named, nonce = MAGIC + bytes.fromhex(self.key), os.urandom(_NONCE_BYTES)
        return named + nonce + self._keys[self.key].encrypt(nonce, data_key, named)

    def _data_key(self, stored: bytes) -> bytes:
        wanted = key_of(stored)
        if wanted not in self._keys:
            raise SealedError(f"it is sealed under the key {wanted}, the settings' are {', '.join(self.keys)}")
        named, start = stored[:_NAMED], _NAMED + _NONCE_BYTES
        try:
            return self._keys[wanted].decrypt(stored[_NAMED:start], stored[start:_HEAD], named)
        except self._wrong:
            raise SealedError("what is stored is not what was sealed: its head was altered or cut short") from None


class KeyFile:
    """model.sealing.Seal with the keys of a file, read anew whenever it changes; what can't be read changes nothing.

    So who began before (a call that goes on through a reload, an import) seals under the key of now, and what was just put
    under another key lacks nothing.

    Raises:
        OSError, InvalidValueError: the file can't be read. SettingsError: cryptography is not installed.
    """

    trouble = ""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _stamp(path)
        self._ring = self._read()

    @property
    def key(self) -> str:
        """See the protocol."""
        return self._now().key

    @property
    def keys(self) -> tuple[str, ...]:
        """See the protocol."""
        return self._now().keys

    def close(self, content: bytes) -> bytes:
        """See the protocol."""
        return self._now().close(content)

    def open(self, stored: bytes) -> bytes:
        """See the protocol."""
        return self._now().open(stored)

    def renewed(self, stored: bytes) -> bytes | None:
        """See the protocol."""
        return self._now().renewed(stored)

    def _now(self) -> KeyRing:
        with contextlib.suppress(OSError, ValueError):  # it is just being copied
            if (seen := _stamp(self._path)) != self._seen:
                self._ring, self._seen = self._read(), seen
        return self._ring

    def _read(self) -> KeyRing:
        return KeyRing(keys_in(self._path.read_text(encoding="ascii"), str(self._path)))


def _stamp(path: Path) -> tuple[int, int, int]:
    """What is another when a file was written."""
    seen = path.stat()
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def key_id(key: bytes) -> str:
    """What a key is called, hexadecimal: it tells nothing of the key."""
    return hashlib.sha256(b"esl-vm key " + key).digest()[:KEY_ID_BYTES].hex()


def open_seal(settings: PrivacySettings) -> Seal:
    """The seal that the settings ask for. A key that can't be read is the seal's trouble, not an error: calls go on.

    Raises:
        SettingsError: a key is named, and cryptography is not installed.
    """
    try:
        if settings.key_file:
            return KeyFile(Path(settings.key_file))
        if settings.key_command:
            return KeyRing(keys_in(_told_by(settings.key_command), "what privacy.key_command prints"))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        named = "privacy.key_file" if settings.key_file else "privacy.key_command"
        why = getattr(error, "strerror", None) or str(error)
        return Keyless(f"{named}: the key can't be read: {why}")
    return Keyless()


def keys_in(text: str, where: str) -> list[bytes]:
    """The keys of a file: lines of base64, `#` begins a comment; raises InvalidValueError, in which no key stands."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not 1 <= len(lines) <= _MOST_KEYS:
        raise InvalidValueError(f"{where} has {len(lines)} keys, one a line are wanted (esl-vm privacy new-key)")
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(base64.b64decode(line, validate=True))
        except ValueError:
            found.append(b"")
        if len(found[-1]) != KEY_BYTES:
            raise InvalidValueError(f"{where}: key {number} is not {KEY_BYTES} bytes in base64")
    return found


def add_key(path: Path) -> str:
    """Put a new key at the end of a key file, which is made for its user alone if it is not there; the key's id.

    Raises:
        OSError, InvalidValueError: the file can't be written, or holds something else.
    """
    lines = _lines(path)
    key = secrets.token_bytes(KEY_BYTES)
    _write(path, [*lines, base64.b64encode(key).decode()])
    return key_id(key)


def use_last_key(path: Path) -> str:
    """Put the last key of a key file first, so that it seals from now on; its id. Raises OSError, InvalidValueError."""
    *others, last = _lines(path) or [""]
    keys = keys_in("\n".join([last, *others]), str(path))
    _write(path, [last, *others])
    return key_id(keys[0])


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise InvalidValueError(f"{path} is no file of keys") from None
    if text.strip():
        keys_in(text, str(path))
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _write(path: Path, lines: Sequence[str]) -> None:
    """The file keeps its mode and owner: the service's user must be able to read it."""
    before = path.stat() if path.exists() else None
    with disk.unfinished(path.parent, path.name, 0o600) as (fd, part):
        disk.write_all(fd, "".join(f"{line}\n" for line in lines).encode())
        if before is not None:
            os.fchown(fd, before.st_uid, before.st_gid)
            os.fchmod(fd, before.st_mode & 0o777)
        os.fsync(fd)
        part.rename(path)
    disk.sync_folder(path.parent)


def _told_by(words: Sequence[str]) -> str:
    """What a command prints; raises InvalidValueError, OSError, SubprocessError."""
    done = subprocess.run(words, capture_output=True, timeout=_COMMAND_S, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InvalidValueError(f"{words[0]} ended with {done.returncode}: {said[-1] if said else 'it said nothing'}")
    return done.stdout.decode("ascii", "replace")
