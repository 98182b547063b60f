"""A browser's side of Web Push: its keys, and reading what it is told (RFC 8291, from the receiver's end)."""

from __future__ import annotations

import json
import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from esl_vm.model.push import encoded

#: In place of Chromium's own, which asks a service of Google's: hands over the keys of the test.
_MANAGER = """
const subscription = (keys, options) => ({
  endpoint: keys.endpoint, options, unsubscribe: async () => { delete window.told; return true; },
  toJSON: () => ({ endpoint: keys.endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } }),
});
PushManager.prototype.getSubscription = async () => window.told ?? null;
PushManager.prototype.subscribe = async (options) => {
  if (!options.userVisibleOnly || options.applicationServerKey.length !== 65) throw new Error("not as it is wanted");
  return (window.told = subscription(KEYS, { applicationServerKey: options.applicationServerKey.buffer }));
};
"""


class PushedBrowser:
    """One that signs up at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._key, self._auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
        self._point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def keys(self) -> dict[str, str]:
        return {"endpoint": self.endpoint, "p256dh": encoded(self._point), "auth": encoded(self._auth)}

    @property
    def manager(self) -> str:
        """A script in whose pages `PushManager` is this browser's."""
        return _MANAGER.replace("KEYS", json.dumps(self.keys))

    def read(self, body: bytes) -> dict[str, str]:
        """What it is told by a request's body."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        point, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(sealed) <= size
        sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        shared = self._key.exchange(ec.ECDH(), sender)
        secret = HKDF(SHA256(), 32, self._auth, b"WebPush: info\x00" + self._point + point).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
        plain = AESGCM(key).decrypt(nonce, sealed, None)
        assert plain.endswith(b"\x02")
        told: dict[str, str] = json.loads(plain[:-1])
        return told
