"""What a browser is told is encrypted as RFC 8291 has it, and proved to be ours as RFC 8292 has it."""

import json

import pytest

ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec", reason="cryptography is not installed")

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from esl_vm.model.push import decoded
from esl_vm.sealing.web_push import authorization, encrypted, new_key, public_key

#: RFC 8291, appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
BROWSER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH, SALT = "BTBZMqHH6r4Tts7J_aSIgg", "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_rfc_comes_out_byte_for_byte():
    sender = ec.derive_private_key(int.from_bytes(decoded(SENDER), "big"), ec.SECP256R1())
    assert encrypted(PLAIN, BROWSER, AUTH, salt=decoded(SALT), sender=sender) == decoded(BODY)


def test_the_same_content_is_never_the_same_twice():
    assert encrypted(PLAIN, BROWSER, AUTH) != encrypted(PLAIN, BROWSER, AUTH)


def test_the_proof_is_signed_by_the_key_that_browsers_were_told():
    key = new_key()
    header = authorization(key, "https://push.example.net", "mailto:admin@example.com", 1_795_018_000.7)
    token, told = header.removeprefix("vapid t=").split(", k=")
    assert told == public_key(key)
    head, claims, signature = token.split(".")
    assert json.loads(decoded(head)) == {"typ": "JWT", "alg": "ES256"}
    assert json.loads(decoded(claims)) == {
        "aud": "https://push.example.net", "exp": 1_795_018_000 + 12 * 3600, "sub": "mailto:admin@example.com",
    }  # fmt: skip
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(told))
    r, s = (int.from_bytes(half, "big") for half in (decoded(signature)[:32], decoded(signature)[32:]))
    public.verify(encode_dss_signature(r, s), f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
