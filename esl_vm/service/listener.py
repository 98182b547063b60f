"""The sockets a service listens on."""

from __future__ import annotations

import errno
import logging
import os
import socket
import time

from esl_vm.model.settings_check import parse_address

log = logging.getLogger(__name__)

_BACKLOG = 1024
LOOK_UP_S, LOOK_UP_EVERY_S = 60, 1.0
# Of <linux/in.h> and <linux/in6.h>; Python's socket does not name them.
_IP_FREEBIND, _IPV6_FREEBIND = 15, 78


def listen_on(address: str, option: str = "--listen") -> socket.socket:
    """A listening socket; raises OSError that says what to do."""
    host, port = parse_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return _listening(_found(host, family), port, family)
    except socket.gaierror as wrong:
        raise OSError(wrong.errno, f"can't listen on {address}: {host}: {wrong.strerror}") from None
    except OSError as wrong:
        hint = f"; is another esl-vm running? {option} HOST:PORT chooses another" if "in use" in str(wrong) else ""
        why = os.strerror(wrong.errno) if wrong.errno else str(wrong)  # create_server's own words have the address too
        raise OSError(wrong.errno, f"can't listen on {address}: {why}{hint}") from None


def _found(host: str, family: socket.AddressFamily) -> str:
    """A host's address. A name that can't be looked up now, as at boot, is asked for again for a while; that is said."""
    until = time.monotonic() + LOOK_UP_S
    said = False
    while True:
        try:
            return str(socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)[0][4][0])
        except socket.gaierror as wrong:
            if wrong.errno != socket.EAI_AGAIN or time.monotonic() > until:
                raise
        if not said:
            log.warning("the name %s can't be looked up now; it is tried again for %d s", host, LOOK_UP_S)
            said = True
        time.sleep(LOOK_UP_EVERY_S)


def _listening(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
    """A listening socket, also on an address that this host does not have yet, as at boot; that is said in the log."""
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as wrong:
        if wrong.errno != errno.EADDRNOTAVAIL:
            raise
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        level, option = (
            (socket.IPPROTO_IPV6, _IPV6_FREEBIND) if family == socket.AF_INET6 else (socket.IPPROTO_IP, _IP_FREEBIND)
        )
        listener.setsockopt(level, option, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except BaseException:  # closed whatever happens, and raised
        listener.close()
        raise
    log.warning("%s is no address of this host now; as soon as it is one, %s:%d can be reached there", host, host, port)
    return listener


def address_of(listener: socket.socket) -> str:
    """Where it listens, as it is written in settings."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
