"""A certificate for 127.0.0.1 and who trusts it."""

from __future__ import annotations

import ssl

from support.certificate import certificate_and_key


def make_certificate(folder):
    """TLS contexts for a server on 127.0.0.1 and for a client that trusts it."""
    pem = folder / "certificate.pem"
    pem.write_bytes(b"".join(certificate_and_key()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=pem)
