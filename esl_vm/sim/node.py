"""A simulated FreeSWITCH node: calls, with callers on them, that it hands to a service over outbound event sockets.

Its time is the schedule that it is given. `tcp.call_over_tcp` connects a call to a service in another process.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from esl_vm.sim.api import ABOUT_CALL, ABOUT_NODE
from esl_vm.sim.call import SimCall
from esl_vm.sim.channel import Channel, Incoming
from esl_vm.sim.prompts import Prompts

if TYPE_CHECKING:
    from esl_vm.sim.channel import Headers
    from esl_vm.sim.eventsocket import EventSocket, Transport
    from esl_vm.sim.schedule import Schedule
    from esl_vm.sim.sounddevice import Speaker

__all__ = ["Incoming", "SimNode"]


class SimNode:
    """A FreeSWITCH without telephones.

    Args:
        schedule: the clock everything on it runs on.
        prompts: how long what is played is.
        service: where the dialplan says the service is, as the call's variables tell it.

    Attributes:
        calls: the calls that are up, by uuid.
        words: what follows it there.
        channel_of, call_of: what makes a call's channel, and the call.
        about_call, about_node: the api commands it knows.
    """

    words = "async full"
    channel_of: type[Channel] = Channel
    call_of = SimCall
    about_call = ABOUT_CALL
    about_node = ABOUT_NODE

    def __init__(
        self,
        schedule: Schedule,
        prompts: Prompts | None = None,
        service: str = "127.0.0.1:8084",
    ) -> None:
        self.schedule = schedule
        self.prompts = prompts or Prompts()
        self.service = service
        self.calls: dict[str, SimCall] = {}
        self._sockets: list[EventSocket] = []
        self._sequences = count(1)

    def call(
        self, incoming: Incoming, transport: Transport, voice: Speaker | None = None
    ) -> tuple[SimCall, EventSocket]:
        """Let a call come in that the dialplan hands to a service; bytes from the service go to `EventSocket.feed`."""
        created = round(self.schedule.now() * 1_000_000)
        channel = self.channel_of(incoming, created, f"{self.service} {self.words}")
        call = self.call_of(self, channel, transport, voice)
        self.calls[call.uuid] = call
        self._sockets.append(call.socket)
        return call, call.socket

    def publish(self, call: SimCall, name: str, more: Headers) -> None:
        """Tell an event about a call to all who listen, other calls' services included (as FreeSWITCH does)."""
        sequence = self.next_sequence()
        if self._sockets:
            headers = call.channel.event(name, self.schedule.now(), sequence, more)
            for socket in tuple(self._sockets):
                socket.event(name, headers)

    def forget(self, socket: EventSocket) -> None:
        """An event socket is closed."""
        if socket in self._sockets:
            self._sockets.remove(socket)

    def next_sequence(self) -> int:
        """The number of the next event."""
        return next(self._sequences)
