"""One call on a simulated node: what a FreeSWITCH session's thread does with what the event socket queues for it.

Executes wait in a queue that is looked at every 20 ms. While an application with `event-lock` runs nothing is taken
from it; while one without runs the next nests in it: it interrupts, completes first, and the outer one goes on.
"""

from __future__ import annotations

import uuid as uuids
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.sim.applications import APPLICATIONS
from esl_vm.sim.eventsocket import EventSocket
from esl_vm.sim.line import Happening, Line
from esl_vm.sim.orders import TICK_S, Holder, SimApplication, SimOrder
from esl_vm.sim.playback import Playback, Stopped

if TYPE_CHECKING:
    from esl_vm.sim.channel import Channel, Headers
    from esl_vm.sim.eventsocket import Transport
    from esl_vm.sim.node import SimNode
    from esl_vm.sim.schedule import Timer
    from esl_vm.sim.sounddevice import Speaker


class SimCall:
    """One call.

    Args:
        node: where it is. channel: what FreeSWITCH knows of it. transport: the way to its service.
        voice: what the caller says.

    Attributes:
        socket: its event socket. line: the caller's line, for a script and for looking at what was heard.
        channel: its variables and states.
        holder: who has the call now.
        transferred: where a service sent the caller: (extension, context); None if nowhere.
        applications: those it knows. socket_of: what makes its event socket.
    """

    applications = APPLICATIONS
    socket_of = EventSocket

    def __init__(self, node: SimNode, channel: Channel, transport: Transport, voice: Speaker | None = None) -> None:
        self.node = node
        self.channel = channel
        self.socket = self.socket_of(self, transport)
        self.line = Line(node.schedule, node.prompts, voice)
        self.holder = Holder.NOBODY
        self.transferred: tuple[str, str] | None = None
        self._queue: deque[SimOrder] = deque()
        self._stack: list[SimApplication] = []
        self._tick: Timer | None = None
        self._released = False
        self._idle = True
        self._told_hang_up = False
        self._cause = ""
        self._socket_uuid = str(uuids.uuid4())
        self.line.on_key.append(self._pressed)
        self.line.on_ending.append(self._ending)
        self.line.on_ended.append(self._ended)

    @property
    def uuid(self) -> str:
        """The channel's."""
        return self.channel.uuid

    @property
    def running(self) -> SimApplication | None:
        """The innermost application that runs."""
        return self._stack[-1] if self._stack else None

    def post(self, order: SimOrder) -> None:
        """Queue what a service asks for; after the hang-up nothing comes of it."""
        if not self._told_hang_up:
            self._queue.append(order)
            self._look_later()

    def stop(self, *, everything: bool) -> None:
        """End the innermost application (uuid_break); with `everything` drop the queue, too."""
        if everything:
            self._queue.clear()
        running = self.running
        if running is not None:
            self.node.schedule.call_later(TICK_S, lambda: self._break(running, everything=everything))

    def answer(self) -> None:
        """Answer the call, if it is not answered."""
        if not self.channel.answered:
            self.channel.answered = round(self.node.schedule.now() * 1_000_000)
            self.channel.answer_state = "answered"
            self.tell("CHANNEL_ANSWER")

    def start_media(self) -> None:
        """Early media, if the call is not answered: what is played is heard all the same."""
        if self.channel.answer_state == "ringing":
            self.channel.answer_state = "early"
            self.tell("CHANNEL_PROGRESS_MEDIA")

    def completed(self, running: SimApplication, response: str = "", *, broken: bool = False) -> None:
        """An application is over."""
        channel = self.channel
        if running not in self._stack:
            return
        self.node.schedule.cancel(running.timer)
        if response:
            channel.set("current_application_response", response)
        self._told_complete(running.name, running.argument, running.uuid)
        self._stack.remove(running)
        channel.set("current_loop", None)
        channel.set("total_loops", None)
        if self.line.ended:
            return
        if broken:
            self._look_later()
        else:
            self._go_on()

    def hang_up(self, cause: str) -> None:
        """Hang up from the node's side."""
        self._cause = cause
        self.line.end()

    def transfer(self, extension: str, context: str, running: SimApplication | None = None) -> None:
        """Send the caller to an extension of the dialplan."""
        channel = self.channel
        at = int(self.node.schedule.now())
        context = context or channel.call.context
        channel.set("transfer_history", f"{at}:{uuids.uuid4()}:bl_xfer:{extension}/{context}/XML")
        self.transferred = (extension, context)
        self._queue.clear()
        channel.state = (channel.state[0], 2)  # the new one is set first; what runs then ends in it
        if running is not None:
            self.completed(running)
        for other in reversed(self._stack):
            self._stop(other)
        self._leave_socket()
        channel.call = replace(channel.call, destination=extension, context=context)
        for state in (("CS_ROUTING", 2), ("CS_EXECUTE", 4)):
            channel.state = state
            self.tell("CHANNEL_STATE")
        self.routed(extension)

    def routed(self, _extension: str) -> None:
        """The call was sent to an extension: there is none."""
        self.hang_up("NO_ROUTE_DESTINATION")

    def release(self) -> None:
        """The service closed its socket: once what is queued has run the dialplan goes on after `socket`."""
        if self.holder is Holder.SOCKET and not self.line.ended:
            self._released = True
            self._go_on()

    def after_socket(self) -> None:
        """The dialplan goes on: it is at its end."""
        self.hang_up("NORMAL_CLEARING")

    def tell(self, name: str, more: Headers | None = None) -> None:
        """Publish an event about this call."""
        self.node.publish(self, name, more or [])

    def _told_complete(self, name: str, argument: str, uuid: str) -> None:
        response = self.channel.variables.get("current_application_response", "_none_")
        data = [("Application-Data", argument)] if argument else []
        more = [("Application", name), *data, ("Application-Response", response), ("Application-UUID", uuid)]
        self.tell("CHANNEL_EXECUTE_COMPLETE", more)

    def _break(self, running: SimApplication, *, everything: bool) -> None:
        if running.listed and not everything and isinstance(running.handle, Playback):
            running.handle.skip()
        else:
            self._stop(running)

    def _stop(self, running: SimApplication) -> None:
        if running not in self._stack:
            return
        if running.handle is not None:
            running.handle.end(Stopped.BREAK)
        else:
            self.completed(running, broken=True)

    def _pressed(self, key: str) -> None:
        running = self.running
        if running is not None and running.cut_by_keys:
            self.completed(running)
        more = [("DTMF-Digit", key), ("DTMF-Duration", "800"), ("DTMF-Source", "RTP")]
        self.tell("DTMF", more)

    def _look_later(self) -> None:
        if self._tick is None and not self._locked:
            self._tick = self.node.schedule.call_later(TICK_S, self._go_on)

    @property
    def _locked(self) -> bool:
        return any(running.locked for running in self._stack)

    def _go_on(self) -> None:
        """Take from the queue what may run now; with nothing left go on behind `socket`, if the service has let go."""
        self.node.schedule.cancel(self._tick)
        self._tick = None
        while self._queue and not self.line.ended and not self._locked:
            depth = len(self._stack)
            self._take(self._queue.popleft())
            if len(self._stack) > depth:  # one that lasts: the next nests in it a moment later, unless it is locked
                self._look_later()
                return
        if self._stack or self._queue or self.line.ended:
            return
        if self._released and self.holder is Holder.SOCKET:
            self._leave_socket()
            self.after_socket()

    def _take(self, order: SimOrder) -> None:
        if not order.application:
            self.hang_up(order.argument or "NORMAL_CLEARING")
        elif order.application not in self.applications:
            self.channel.set("app_uuid", order.uuid)
            self.hang_up("DESTINATION_OUT_OF_ORDER")
        else:
            self._execute(order)

    def _execute(self, order: SimOrder) -> None:
        channel = self.channel
        argument = order.argument
        running = SimApplication(order.application, argument, order.uuid or str(uuids.uuid4()), order.locked)
        channel.set_all([("current_loop", "1"), ("total_loops", "1")])
        channel.set("current_application_response", None)
        channel.set("current_application", running.name)
        channel.set("current_application_data", argument)
        data = [("Application-Data", argument)] if argument else []
        self.tell("CHANNEL_EXECUTE", [("Application", running.name), *data, ("Application-UUID", running.uuid)])
        channel.set("current_application", running.name)
        self._stack.append(running)
        self.applications[running.name](self, running)

    def _leave_socket(self) -> None:
        if self.holder is Holder.SOCKET:
            self.tell("CHANNEL_UNPARK")
            self._told_complete("socket", self.channel.socket, self._socket_uuid)
        self.holder = Holder.DIALPLAN

    # The end of the call

    def _ending(self) -> None:
        self._tell_hang_up(by_caller=self.line.ended is Happening.HANG_UP)

    def _tell_hang_up(self, *, by_caller: bool) -> None:
        channel = self.channel
        if self._told_hang_up:
            return
        self._told_hang_up = True
        channel.cause = self._cause or "NORMAL_CLEARING"
        channel.state = (channel.state[0], 10)
        channel.answer_state = "hangup"
        self._idle = not self._stack
        self.node.schedule.cancel(self._tick)
        if by_caller and not channel.answered:
            channel.cause = "ORIGINATOR_CANCEL"
        self.tell("CHANNEL_HANGUP")

    def _ended(self) -> None:
        channel = self.channel
        for running in reversed(self._stack):
            self.completed(running)
        for order in self._queue:
            channel.set("app_uuid", order.uuid)
        self._queue.clear()
        if self.holder is Holder.SOCKET:
            self._leave_socket()
        channel.state = ("CS_HANGUP", 10)
        self.tell("CHANNEL_STATE")
        self.node.calls.pop(self.uuid, None)
        self.socket.hung_up(idle=self._idle)
        channel.state = ("CS_REPORTING", 11)
        self.tell("CHANNEL_STATE")
        self.tell("CHANNEL_HANGUP_COMPLETE")
        self.socket.reported()
