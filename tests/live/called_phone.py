"""A SIP telephone that is only called."""

from __future__ import annotations

import re
import secrets
import socket
from typing import TYPE_CHECKING

import numpy as np
from live.rtp import RtpStream, Sends
from live.sip_phone import SipMessage, new_branch, offer
from live.telephone_sound import RATE

if TYPE_CHECKING:
    from live.loop import Loop


class CalledPhone:
    """A telephone that is called: it is busy, rings until the caller gives up, or is answered and soon hung up.

    Args:
        loop: its clock.
        answer: what it answers a call with: "486 Busy Here", "180 Ringing", "183 Session Progress" (with a sound of its
            own: early media), "200 OK" …
        then: what it does half a second later: an answer (`486 Busy Here`); once the call is answered `refer *1001` (sends
            the caller there), `keys *8` (presses them) or `keys *7 1001 bye` (one after the other, two seconds between, then
            hangs up). `` = nothing more: an answered call is hung up.

    Attributes:
        dial_string: how FreeSWITCH reaches it. rung: how often it was called.
    """

    TALKS_S = 0.5
    BETWEEN_S = 2.0

    def __init__(self, loop: Loop, answer: str, then: str = "") -> None:
        self._loop, self._status, self._then = loop, answer, then
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._sound: RtpStream | None = None
        self._here = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.dial_string = f"sofia/live/phone@{self._here}"
        self.rung = 0
        self._invites: dict[str, SipMessage] = {}
        self._tag = secrets.token_hex(4)
        loop.do(self._listen)

    def behaves(self, answer: str, then: str = "") -> None:
        """From the next call on it answers, and does then, what this says."""
        self._status, self._then = answer, then

    def close(self) -> None:
        """Give the sockets back."""
        self._loop.do(lambda: self._loop.forget(self._socket))
        if self._sound is not None:
            self._loop.do(self._sound.close)

    def _listen(self) -> None:
        self._sound = RtpStream(self._loop, np.zeros(RATE, dtype=np.int16), lambda _: None, Sends())
        self._loop.watch(self._socket, self._read)

    def _read(self) -> None:
        while True:
            try:
                data, far = self._socket.recvfrom(65536)
            except BlockingIOError:
                return
            message = SipMessage(data)
            if message.method == "INVITE":
                if message.get("call-id") not in self._invites:
                    self.rung += 1
                    self._invites[message.get("call-id")] = message
                self._answer(message, far, self._status)
                if self._then[:1].isdigit():
                    self._loop.call_later(self.TALKS_S, lambda m=message, far=far: self._answer(m, far, self._then))  # type: ignore[misc]
            elif message.method == "CANCEL":
                self._socket.sendto(message.answer("200 OK", self._tag), far)
                invite = self._invites[message.get("call-id")]
                self._socket.sendto(invite.answer("487 Request Terminated", self._tag), far)
            elif message.method == "ACK" and self._status.startswith("200"):
                self._loop.call_later(self.TALKS_S, lambda far=far, ack=message: self._goes_on(ack, far))  # type: ignore[misc]
            elif message.method in {"BYE", "NOTIFY"} and not message.status:
                self._socket.sendto(message.answer("200 OK"), far)

    def _answer(self, invite: SipMessage, far: tuple[str, int], status: str) -> None:
        if not status.startswith(("200", "183")):
            self._socket.sendto(invite.answer(status, self._tag), far)
            return
        assert self._sound is not None
        body = offer(self._sound.port, Sends())
        self._socket.sendto(invite.answer(status, self._tag, f"<sip:phone@{self._here}>", body), far)

    def _goes_on(self, ack: SipMessage, far: tuple[str, int]) -> None:
        what, _, detail = self._then.partition(" ")
        match what:
            case "refer":
                self._request("REFER", ack, far, f"Refer-To: <sip:{detail}@{far[0]}:{far[1]}>")
            case "keys":
                assert self._sound is not None
                port = re.search(r"^m=audio (\d+) ", self._invites[ack.get("call-id")].body, re.MULTILINE)
                assert port
                self._sound.start(("127.0.0.1", int(port[1])))
                self._dials(detail.split(), ack, far)
            case _:
                self._request("BYE", ack, far)

    def _dials(self, words: list[str], ack: SipMessage, far: tuple[str, int]) -> None:
        if words[0] == "bye":
            self._request("BYE", ack, far)
            return
        assert self._sound is not None
        self._sound.dial(words[0])
        if words[1:]:
            self._loop.call_later(self.BETWEEN_S, lambda: self._dials(words[1:], ack, far))

    def _request(self, method: str, ack: SipMessage, far: tuple[str, int], *more: str) -> None:
        invite = self._invites[ack.get("call-id")]
        lines = [
            f"{method} {invite.contact or f'sip:{far[0]}:{far[1]}'} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._here};rport;branch={new_branch()}",
            "Max-Forwards: 70",
            f"From: {ack.get('to')}",
            f"To: {ack.get('from')}",
            f"Call-ID: {ack.get('call-id')}",
            f"CSeq: 1 {method}",
            f"Contact: <sip:phone@{self._here}>",
            *more,
            "Content-Length: 0",
            "",
            "",
        ]
        self._socket.sendto("\r\n".join(lines).encode(), far)
