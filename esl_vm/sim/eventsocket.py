"""FreeSWITCH's side of one outbound event socket: commands in, replies and events out.

It speaks as mod_event_socket of FreeSWITCH 1.11 was seen to speak: the reply to `connect` is one block with encoded
values, other replies are not encoded; a first command that is no `connect` is done but not answered; `api` output and
replies come before the events they cause. Not simulated: sync mode, logging, XML and JSON events, `bgapi`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from esl_vm.sim.api import run_api
from esl_vm.sim.channel import Headers, plain
from esl_vm.sim.orders import Holder, SimOrder
from esl_vm.sim.subscription import Subscription

if TYPE_CHECKING:
    from esl_vm.sim.call import SimCall
    from esl_vm.sim.schedule import Timer

CONNECT_WITHIN_S = 25.0
"""Without any command FreeSWITCH drops the socket after so long; the call stays parked."""
_GOODBYE = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"


class Transport(Protocol):
    """What carries bytes to the service."""

    def deliver(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def finish(self) -> None:
        """Close, after what was sent."""
        ...


class EventSocket:
    """One outbound event socket. `feed` and `closed` are called by what carries the bytes.

    Args:
        call: the call it is for. transport: the way to the service.

    Attributes:
        open: it is not closed. abandoned: the service closed it without a word, in the middle of the call.
    """

    def __init__(self, call: SimCall, transport: Transport) -> None:
        self.call = call
        self.open = True
        self.abandoned = False
        self._transport = transport
        self._buffer = bytearray()
        self._listens = Subscription()
        self._linger: int | None = None
        self._lingering = False
        self._silent = True
        self._answering = False
        self._late: list[bytes] = []
        self._timers: list[Timer] = [call.node.schedule.call_later(CONNECT_WITHIN_S, self._close)]

    def feed(self, data: bytes) -> None:
        """Bytes came from the service."""
        self._buffer += data.replace(b"\r\n", b"\n") if b"\r" in data else data
        while self.open and (command := self._next_command()) is not None:
            self._answering = True
            try:
                self._do(*command)
            finally:
                self._answering = False
            for late in self._late:
                self._transport.deliver(late)
            self._late.clear()

    def closed(self) -> None:
        """The service closed its end."""
        if self.open:
            self.abandoned = self.call.line.ended is None
            self._close()
            if self.call.holder is Holder.SOCKET:
                self.call.release()

    def event(self, name: str, headers: Headers) -> None:
        """Send an event, if the service listens to it."""
        if not self.open or not self._listens.wants(name, headers):
            return
        text = plain(headers)
        self._send(f"Content-Length: {len(text)}\nContent-Type: text/event-plain\n\n".encode() + text)

    def hung_up(self, *, idle: bool) -> None:
        """The call is over. Without linger, a call in which nothing ran is let go before it is reported."""
        if not self.open or self._lingering:
            return
        if self._silent or (self._linger is None and idle):
            self._goodbye()
        elif self._linger is not None and self._linger >= 0:
            self._lingers()

    def reported(self) -> None:
        """CHANNEL_HANGUP_COMPLETE was told."""
        if not self.open or self._lingering:
            return
        if self._linger is None:
            self._goodbye()
        elif self._linger < 0:
            self._lingers()

    # Commands

    def _next_command(self) -> tuple[str, dict[str, str], str] | None:
        """The next whole command: its line, its headers by name in lower case, its body."""
        while self._buffer[:1] == b"\n":
            del self._buffer[:1]
        end = self._buffer.find(b"\n\n")
        if end < 0:
            return None
        lines = self._buffer[:end].decode("utf-8", "replace").split("\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = headers.get("content-length", "0")
        whole = end + 2 + (int(length) if length.isdecimal() else 0)
        if len(self._buffer) < whole:
            return None
        body = self._buffer[end + 2 : whole].decode("utf-8", "replace")
        del self._buffer[:whole]
        return lines[0].strip(), headers, body

    def _do(self, line: str, headers: dict[str, str], body: str) -> None:
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        first, self._silent = self._silent, False
        if first:
            self.call.node.schedule.cancel(self._timers.pop(0))
            self.call.holder = Holder.SOCKET
        if word == "connect":
            node, channel = self.call.node, self.call.channel
            self._send(channel.connect_reply(node.schedule.now(), node.next_sequence(), node.words), late=False)
            if first:
                self.call.tell("CHANNEL_PARK")
            return
        if word == "api":
            output = run_api(self.call.node, rest).encode()
            reply = f"Content-Type: api/response\nContent-Length: {len(output)}\n\n".encode() + output
        else:
            text = self._reply(word.lower(), rest, headers, body)
            reply = f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()
        if not first:
            self._send(reply, late=False)
        if word == "exit":
            self._goodbye()
            self.call.release()

    def _reply(self, word: str, rest: str, headers: dict[str, str], body: str) -> str:
        """Do a command; returns the text of its reply."""
        match word:
            case "sendmsg":
                return self._sendmsg(rest, headers, body)
            case "event" | "nixevent":
                return self._listens.change(word, rest)
            case "filter":
                return self._listens.filter(rest)
            case "linger":
                self._linger = int(rest) if rest.isdecimal() else -1
                return "+OK will linger" + (f" {self._linger} seconds" if self._linger >= 0 else "")
            case "exit":
                return "+OK bye"
            case _:
                return "-ERR command not found"

    def _sendmsg(self, rest: str, headers: dict[str, str], body: str) -> str:
        call = self.call.node.calls.get(rest) if rest else self.call
        if call is None:
            return f"-ERR invalid session id [{rest}]"
        match headers.get("call-command", ""):
            case "execute" if headers.get("execute-app-name"):
                locked = headers.get("event-lock", "").lower() in {"true", "yes", "on", "1"}
                argument = headers.get("execute-app-arg") or body
                call.post(SimOrder(headers["execute-app-name"], argument, locked, headers.get("event-uuid", "")))
            case "hangup":
                call.post(SimOrder("", headers.get("hangup-cause", "NORMAL_CLEARING")))
        return "+OK"

    # What FreeSWITCH says of itself

    def _send(self, data: bytes, *, late: bool = True) -> None:
        if late and self._answering:
            self._late.append(data)
        else:
            self._transport.deliver(data)

    def _notice(self, disposition: str, more: str, body: str) -> None:
        self._send(
            f"Content-Type: text/disconnect-notice\nControlled-Session-UUID: {self.call.uuid}\n"
            f"Content-Disposition: {disposition}\n{more}Content-Length: {len(body)}\n\n{body}".encode()
        )

    def _lingers(self) -> None:
        self._lingering = True
        linger = -1 if self._linger is None else self._linger
        name = self.call.channel.full_name
        self._notice("linger", f"Channel-Name: {name}\nLinger-Time: {linger}\n", "")
        if linger >= 0:
            # FreeSWITCH compares whole seconds of the clock and waits for more than the number.
            until = math.floor(self.call.node.schedule.now()) + linger + 1
            self._timers.append(self.call.node.schedule.call_at(until, self._goodbye))

    def _goodbye(self) -> None:
        if not self.open:
            return
        self._notice("disconnect", "", _GOODBYE)
        for late in self._late:
            self._transport.deliver(late)
        self._late.clear()
        self._close()

    def _close(self) -> None:
        self.open = False
        for timer in self._timers:
            self.call.node.schedule.cancel(timer)
        self._transport.finish()
        self.call.node.forget(self)
