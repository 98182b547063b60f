"""Peers that are no FreeSWITCH, or one gone mad, at the port on which the service takes calls.

    python -m chaos.hostile 127.0.0.1:8084 --seconds 10 --each 40 --crowd 10000

Every kind keeps so many connections up at once and connects again whenever it is thrown out. On a line of its own it
prints how many connections were made, and ends after so many seconds. What it sleeps is the pace of such a peer: nothing
is waited for by it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import sys
from collections import Counter
from typing import TYPE_CHECKING

import gevent
from gevent import socket
from gevent.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable

DESCRIBED = (
    b"Event-Name: CHANNEL_DATA\nUnique-ID: 5f0c1d0e-0000-4000-8000-%012x\nCaller-Caller-ID-Number: 666\n"
    b"Caller-Destination-Number: 2001\nvariable_vm_action: leave\nvariable_vm_mailbox: 2001\nAnswer-State: ringing\n"
    b"Content-Type: command/reply\nReply-Text: +OK\nSocket-Mode: async\nControl: full\n\n"
)
"""A reply to `connect` that passes for a call's."""
_calls = itertools.count(1)


def silence(peer: socket.socket) -> None:
    """Connects, and says nothing."""
    _until_thrown_out(peer)


def half_a_frame(peer: socket.socket) -> None:
    """Begins the answer to `connect` and never ends it."""
    peer.sendall(DESCRIBED[:100])
    _until_thrown_out(peer)


def slowly(peer: socket.socket) -> None:
    """A byte now, a byte then."""
    for place in range(len(DESCRIBED)):
        peer.sendall(DESCRIBED[place : place + 1])
        gevent.sleep(0.2)


def endless_headers(peer: socket.socket) -> None:
    """Headers without end, as fast as they are taken."""
    line = b"X-Header: " + b"x" * 990 + b"\n"
    while True:
        peer.sendall(line * 64)
        gevent.sleep(0.01)


def one_endless_header(peer: socket.socket) -> None:
    """A header that never ends."""
    while True:
        peer.sendall(b"x" * 65536)
        gevent.sleep(0.01)


def huge_length(peer: socket.socket) -> None:
    """Announces more than there is memory for."""
    peer.sendall(b"Content-Type: command/reply\nContent-Length: 99999999999\n\n" + b"x" * 65536)
    _until_thrown_out(peer)


def fat_body(peer: socket.socket) -> None:
    """Announces as much as is allowed, sends it but for the last byte, and waits."""
    peer.sendall(b"Content-Type: api/response\nContent-Length: 1000000\n\n" + b"x" * 999_999)
    _until_thrown_out(peer)


def garbage(peer: socket.socket) -> None:
    """Whatever comes."""
    peer.sendall(os.urandom(20_000))
    _until_thrown_out(peer)


def web_browser(peer: socket.socket) -> None:
    """Takes it for a web server."""
    peer.sendall(b"GET / HTTP/1.1\r\nHost: voicemail\r\n\r\n")
    _until_thrown_out(peer)


def reset(peer: socket.socket) -> None:
    """Connects and resets the connection."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    gevent.sleep(0.01)


def deaf_call(peer: socket.socket) -> None:
    """Passes for a call, then neither reads nor answers."""
    peer.sendall(DESCRIBED % next(_calls))
    gevent.sleep(3600)


def mad_call(peer: socket.socket) -> None:
    """Passes for a call, then sends headers without end."""
    peer.sendall(DESCRIBED % next(_calls))
    endless_headers(peer)


def flooding_call(peer: socket.socket) -> None:
    """Passes for a call, then sends replies to nothing and events of others."""
    peer.sendall(DESCRIBED % next(_calls))
    event = b"Event-Name: DTMF\nUnique-ID: another\nDTMF-Digit: 1\n\n"
    told = b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(event), event)
    for _ in range(100):
        peer.sendall(told * 10)
        gevent.sleep(0.02)
    peer.sendall(b"Content-Type: command/reply\nReply-Text: +OK\n\n" * 1000)
    _until_thrown_out(peer)


KINDS: tuple[Callable[[socket.socket], None], ...] = (
    silence,
    half_a_frame,
    slowly,
    endless_headers,
    one_endless_header,
    huge_length,
    fat_body,
    garbage,
    web_browser,
    reset,
    deaf_call,
    mad_call,
    flooding_call,
)


def _until_thrown_out(peer: socket.socket) -> None:
    while peer.recv(65536):
        pass


def attack(address: tuple[str, int], kind: Callable[[socket.socket], None], made: Counter) -> None:
    """Be that kind of peer again and again."""
    while True:
        try:
            with socket.create_connection(address, timeout=30) as peer:
                made[kind.__name__] += 1
                kind(peer)
        except OSError:
            made["thrown_out"] += 1
        gevent.sleep(0.05)


def crowd(address: tuple[str, int], size: int, made: Counter) -> None:
    """So many connections that say nothing, all kept open by this end."""
    held: list[socket.socket] = []

    def one() -> None:
        try:
            held.append(socket.create_connection(address, timeout=30))
            made["crowd"] += 1
        except OSError:
            made["crowd_refused"] += 1

    pool = Pool(200)
    for _ in range(size):
        pool.spawn(one)
    pool.join()


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--each", type=int, default=20, help="connections at once of each kind")
    parser.add_argument("--crowd", type=int, default=0, help="connections at once that say nothing")
    asked = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    host, port = asked.address.rsplit(":", 1)
    address, made = (host, int(port)), Counter()
    running = [gevent.spawn(attack, address, kind, made) for kind in KINDS for _ in range(asked.each)]
    if asked.crowd:
        running.append(gevent.spawn(crowd, address, asked.crowd, made))
    gevent.sleep(asked.seconds)
    gevent.killall(running)
    print(" ".join(f"{kind}={count}" for kind, count in sorted(made.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
