"""Addresses of the open internet, and none of a network at home: for what others name and the service asks."""

from __future__ import annotations

import ipaddress
import socket


class PrivateAddressError(Exception):
    """A host is not of the open internet; the sentence says which address it has."""


def open_address(host: str, port: int, *, private: bool) -> str:
    """An address of a host, which is the one to connect to: its name may have another a moment later.

    Args:
        host: a name or an address.
        port: the one that is connected to.
        private: addresses that are not of the open internet will do too.

    Raises:
        PrivateAddressError: one of its addresses is not of the open internet.
        OSError: there is no such host.
    """
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if not private and not ipaddress.ip_address(address.partition("%")[0]).is_global:
            raise PrivateAddressError(f"{host} is {address}, a private address")
    return found[0]
