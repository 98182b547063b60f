"""A SIP telephone that makes calls over UDP (RFC 3261, as much as a telephone on loopback needs)."""

from __future__ import annotations

import re
import secrets
import socket
from typing import TYPE_CHECKING

from live.rtp import COMFORT_NOISE, KEYS, Quiet, RtpStream, Sends

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from live.codecs import Codec
    from live.loop import Loop

T1_S = 0.5
"""RFC 3261's T1: an INVITE without any answer is sent again after it."""
_AGENT = "ESL-VM test telephone"


class SipMessage:
    """A request or an answer, as it came."""

    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
        self.first, *lines = head.split("\r\n")
        self.headers: list[tuple[str, str]] = []
        for line in lines:
            name, _, value = line.partition(":")
            self.headers.append((name.strip().lower(), value.strip()))

    @property
    def status(self) -> int:
        """An answer's code, 0 for a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """A request's method; of an answer, that of the request it answers."""
        return self.get("cseq").split()[1] if self.status else self.first.split()[0]

    def get(self, name: str) -> str:
        """A header's value, of several the first; `` if there is none."""
        return next((value for header, value in self.headers if header == name), "")

    @property
    def contact(self) -> str:
        """Where the other end is reached from now on, `` if it does not say."""
        found = re.search(r"<([^>]+)>", self.get("contact"))
        return found[1] if found else ""

    def answer(self, status: str, tag: str = "", contact: str = "", body: str = "") -> bytes:
        """The answer to this request."""
        lines = [f"SIP/2.0 {status}"]
        for name, value in self.headers:
            if name in {"via", "from", "call-id", "cseq"}:
                lines.append(f"{name}: {value}")
            elif name == "to":
                lines.append(f"to: {value}{f';tag={tag}' if tag and ';tag=' not in value else ''}")
        if contact:
            lines += [f"contact: {contact}", "content-type: application/sdp"]
        return "\r\n".join([*lines, f"content-length: {len(body)}", "", body]).encode("utf-8", "surrogateescape")


class SipPhone:
    """A telephone that makes one call.

    Args:
        loop: its clock.
        server: FreeSWITCH's SIP port on loopback.
        number, name: who calls; a number with `tel:` is an address of its own. What is no UTF-8 in them is sent as the
            bytes it came from (`surrogateescape`). domain: the host named in the addresses.
        voice: what the caller says while talking. sends: what it is sent as.
        pressed: called with each key as it is released.
        answered: called when the call is answered.
        ended: called once when the call is over, with `` after `hang_up`, else with what the far end said.
    """

    def __init__(
        self,
        loop: Loop,
        server: int,
        *,
        number: str,
        name: str,
        domain: str,
        voice: np.ndarray,
        pressed: Callable[[str], None],
        answered: Callable[[], None],
        ended: Callable[[str], None],
        sends: Sends,
    ) -> None:
        self._loop = loop
        self._sends = sends
        self._server = ("127.0.0.1", server)
        self._domain = domain
        self._answered, self._ended = answered, ended
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._here = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.call_id = secrets.token_hex(12)
        self.sound = RtpStream(loop, voice, pressed, sends)
        address = number if number.startswith("tel:") else f"sip:{number}@{domain}"
        self._from = f'"{name}" <{address}>;tag={secrets.token_hex(4)}'
        self._to = ""
        self._target = ""
        self._cseq = 1
        self._branch = ""
        self._invite = b""
        self._then: Callable[[], None] | None = None  # what the answer to a re-INVITE begins
        self._state = "idle"
        loop.watch(self._socket, self._read)

    def call(self, number: str, headers: Mapping[str, str]) -> None:
        """Dial, with headers of one's own besides."""
        self._target = f"sip:{number}@{self._domain}"
        self._to = f"<{self._target}>"
        more = [f"{name}: {value}" for name, value in headers.items()]
        self._branch = new_branch()
        self._invite = self._request(
            "INVITE", self._branch, [*more, "Content-Type: application/sdp"], offer(self.sound.port, self._sends)
        )
        self._state = "calling"
        self._send_invite(T1_S, 6)

    def change(self, codec: Codec, voice: np.ndarray) -> None:
        """Go on in another codec (a re-INVITE), with that voice, once the far end agrees."""
        self._cseq += 1
        self._then = lambda: self.sound.change(codec, voice)
        sdp = offer(self.sound.port, Sends(codec), self._cseq)
        self._send(self._request("INVITE", new_branch(), ["Content-Type: application/sdp"], sdp))

    def hang_up(self) -> None:
        """End the call; before it is answered, give it up."""
        if self._state == "talking":
            self._cseq += 1
            self._send(self._request("BYE", new_branch()))
        elif self._state in {"calling", "ringing"}:
            self._send(self._request("CANCEL", self._branch))
        self._over("")

    def hold(self, *, on: bool) -> None:
        """Put the call on hold, or come back to it."""
        self._cseq += 1
        body = offer(self.sound.port, self._sends, self._cseq, "sendonly" if on else "sendrecv")
        self._send(self._request("INVITE", new_branch(), ["Content-Type: application/sdp"], body))

    def close(self) -> None:
        """Give the sockets back."""
        self.sound.close()
        self._loop.forget(self._socket)

    def _send_invite(self, again_s: float, times: int) -> None:
        if self._state != "calling":
            return
        if not times:
            self._over("FreeSWITCH does not answer the INVITE")
            return
        self._send(self._invite)
        self._loop.call_later(again_s, lambda: self._send_invite(again_s * 2, times - 1))

    def _request(self, method: str, branch: str, more: list[str] | None = None, body: str = "") -> bytes:
        lines = [
            f"{method} {self._target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._here};rport;branch={branch}",
            "Max-Forwards: 70",
            f"From: {self._from}",
            f"To: {self._to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self._cseq} {method}",
            f"Contact: <sip:phone@{self._here}>",
            f"User-Agent: {_AGENT}",
            *(more or []),
            f"Content-Length: {len(body.encode())}",
            "",
            body,
        ]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape")

    def _read(self) -> None:
        while True:
            try:
                message = SipMessage(self._socket.recv(65536))
            except (BlockingIOError, ConnectionRefusedError):
                return
            if message.status:
                if message.method == "INVITE":
                    self._answer(message)
            elif message.method == "BYE":
                self._send(message.answer("200 OK"))
                self._over(message.get("reason") or "BYE")
            elif message.method != "ACK":
                self._send(message.answer("200 OK"))

    def _answer(self, message: SipMessage) -> None:
        if message.status < 200:
            if self._state == "calling":
                self._state = "ringing"
            return
        self._to = message.get("to")
        if message.status >= 300:
            self._send(self._request("ACK", self._branch))
            self._over(message.first)
            return
        self._target = message.contact or self._target
        self._send(self._request("ACK", new_branch()))  # for every copy of the 200
        if self._state == "over":  # it was answered as it was given up
            self._cseq += 1
            self._send(self._request("BYE", new_branch()))
        elif self._state != "talking":
            self._state = "talking"
            port = re.search(r"^m=audio (\d+) ", message.body, re.MULTILINE)
            assert port, f"an answer without sound: {message.body}"
            self.sound.start(("127.0.0.1", int(port[1])))
            self._answered()
        elif self._then:
            then, self._then = self._then, None
            then()

    def _over(self, why: str) -> None:
        if self._state != "over":
            self._state = "over"
            self._ended(why)

    def _send(self, data: bytes) -> None:
        self._socket.sendto(data, self._server)


def offer(port: int, sends: Sends, version: int = 1, direction: str = "sendrecv") -> str:
    """SDP: a codec and keys at a port of this machine."""
    codec = sends.codec
    noise = f" {COMFORT_NOISE}" if sends.quiet is Quiet.COMFORT_NOISE else ""
    return "\r\n".join(
        [
            "v=0",
            f"o=- 1 {version} IN IP4 127.0.0.1",
            "s=-",
            "c=IN IP4 127.0.0.1",
            "t=0 0",
            f"m=audio {port} RTP/AVP {codec.payload}{noise} {KEYS}",
            codec.rtpmap,
            f"a=rtpmap:{KEYS} telephone-event/{codec.clock or codec.rate}",
            f"a=fmtp:{KEYS} 0-15",
            "a=ptime:20",
            f"a={direction}",
            "",
        ]
    )


def new_branch() -> str:
    """A transaction's name."""
    return "z9hG4bK" + secrets.token_hex(8)
