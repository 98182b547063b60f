"""What is told to a browser, encrypted for it alone (RFC 8291), and who tells it (VAPID, RFC 8292)."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from esl_vm.model.push import decoded, encoded
from esl_vm.model.visible import json_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

KEY_BYTES = 32
_RECORD = 4096
_LIVES_S = 12 * 3600
"""For how long the proof of who tells it is good; RFC 8292 allows a day."""


def is_available() -> bool:
    """Whether this host has what it takes (`esl-vm[push]`)."""
    return find_spec("cryptography") is not None


def new_key() -> bytes:
    """A new private key of the service, 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(KEY_BYTES, "big")


def public_key(key: bytes) -> str:
    """What browsers are told of a private key: `applicationServerKey`, base64url."""
    return encoded(_point(_private(key)))


def encrypted(
    content: bytes, p256dh: str, auth: str, *, salt: bytes = b"", sender: EllipticCurvePrivateKey | None = None
) -> bytes:
    """Content that the browser of these keys alone can read, as the body of the request (`aes128gcm`).

    Args:
        content: up to 3993 bytes, so that push services take it (RFC 8291, section 4).
        p256dh: the browser's public key.
        auth: the browser's secret.
        salt: 16 bytes; made anew but for tests, as is the `sender`.
        sender: a key for this content alone.

    Raises:
        ValueError: no public key.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    def derived(length: int, salt: bytes, info: bytes, secret: bytes) -> bytes:
        return HKDF(SHA256(), length, salt, info).derive(secret)

    browser, salt = decoded(p256dh), salt or os.urandom(16)
    sender = sender or ec.generate_private_key(ec.SECP256R1())
    point = _point(sender)
    shared = sender.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), browser))
    secret = derived(32, decoded(auth), b"WebPush: info\x00" + browser + point, shared)
    key = derived(16, salt, b"Content-Encoding: aes128gcm\x00", secret)
    nonce = derived(12, salt, b"Content-Encoding: nonce\x00", secret)
    head = salt + _RECORD.to_bytes(4, "big") + bytes([len(point)]) + point
    return head + AESGCM(key).encrypt(nonce, content + b"\x02", None)  # 2: it is the last record


def authorization(key: bytes, origin: str, contact: str, now: float) -> str:
    """The header that proves who tells it to the push service of that origin.

    Args:
        key: the service's private one.
        origin: the push service's.
        contact: whom its operator writes to, `mailto:` or `https:`.
        now: epoch seconds.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    claims = {"aud": origin, "exp": int(now) + _LIVES_S, "sub": contact}
    parts = [encoded(json_text(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims)]
    r, s = decode_dss_signature(_private(key).sign(".".join(parts).encode(), ec.ECDSA(SHA256())))
    signed = encoded(r.to_bytes(KEY_BYTES, "big") + s.to_bytes(KEY_BYTES, "big"))
    return f"vapid t={'.'.join([*parts, signed])}, k={public_key(key)}"


def _private(key: bytes) -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256R1())


def _point(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
