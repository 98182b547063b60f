"""A simulated node with a dialplan around `socket`, and with what it is asked for in no call of the telephone in a terminal."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any

from esl_vm.sim.api import ABOUT_CALL, ABOUT_NODE, run_api
from esl_vm.sim.applications import APPLICATIONS
from esl_vm.sim.call import SimCall
from esl_vm.sim.channel import HOST, plain
from esl_vm.sim.eventsocket import EventSocket
from esl_vm.sim.node import SimNode
from esl_vm.sim.orders import TICK_S, Holder, SimOrder
from esl_vm.sim.playback import Playback
from esl_vm.sim.subscription import TOLD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esl_vm.sim.channel import Headers

WITHOUT_FULL = {"connect", "getvar", "myevents", "sendmsg", "resume", "linger", "nolinger", "exit"}
"""What a socket opened without `full` takes."""
_LONGEST_VALUE = 511


# Applications


def _nothing(call, running):
    call.completed(running)


def _set(call, running):
    _assign(call, running.argument)
    call.completed(running)


def _multiset(call, running):
    text, separator = running.argument, " "
    if text.startswith("^^") and len(text) > 2:
        text, separator = text[3:], text[2]
    for assignment in text.split(separator):
        _assign(call, assignment)
    call.completed(running)


def _unset(call, running):
    call.channel.set(running.argument.strip(), None)
    call.completed(running)


def _assign(call, text):
    name, equals, value = text.partition("=")
    if equals:
        call.channel.set(name.strip(), value)


def _park(_call, _running):
    """It has no end of its own."""


def _hangup(call, running):
    call.hang_up(running.argument.strip() or "NORMAL_CLEARING")


# Commands


def _kill(call, cause):
    call.kill(cause or "NORMAL_CLEARING")
    return "+OK\n"


def _transfer(call, rest):
    words = [word for word in rest.split() if not word.startswith("-")]
    if not words:
        return "-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n"
    call.node.schedule.call_later(0, lambda: call.transfer(words[0], words[2] if len(words) > 2 else ""))
    return "+OK\n"


def _dump(call, _rest):
    node = call.node
    return plain(call.channel.event("CHANNEL_DATA", node.schedule.now(), node.next_sequence(), [])).decode()


def _fileman(call, rest):
    handle = call.running.handle if call.running else None
    if not isinstance(handle, Playback):
        return "-ERR No file handle!\n"
    if rest.partition(":")[0] == "pause":
        if "resume" in vars(handle):  # it is paused
            del handle.resume
            handle.resume()
        else:
            handle.suspend()
            handle.resume = lambda: None  # nor does it go on when what interrupted it is over
    return "+OK\n"  # whatever was asked for


def _sched_api(node, rest):
    when, _, command = rest.partition(" ")
    _group, _, command = command.partition(" ")
    if not re.fullmatch(r"\+\d+", when) or not command:
        return "-USAGE: [+@]<time> <group_name> <command_string>[&]\n"
    node.schedule.call_later(int(when), lambda: run_api(node, command))
    return "+OK Added: 1\n"


class WholeSocket(EventSocket):
    """An event socket that knows more commands."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._mine = False

    def event(self, name: str, headers: Headers) -> None:
        """Send an event, if the service listens to it."""
        if not self._mine or dict(headers)["Unique-ID"] == self.call.uuid:
            super().event(name, headers)

    def killed(self) -> None:
        """The call is being hung up from outside its session: who lingers is told at once."""
        if self.open and self._linger is not None:
            self._lingers()

    def _do(self, line: str, headers: dict[str, str], body: str) -> None:
        if "full" not in self.call.node.words and line.partition(" ")[0] not in WITHOUT_FULL:
            self._send(b"Content-Type: command/reply\nReply-Text: -ERR command not found\n\n", late=False)
        else:
            super()._do(line, headers, body)

    def _reply(self, word: str, rest: str, headers: dict[str, str], body: str) -> str:
        match word:
            case "myevents" if self._mine:
                return "-ERR aready enabled."
            case "myevents":
                self._mine = True
                self._listens.change("event", " ".join(TOLD))
                return "+OK Events Enabled"
            case "nolinger":
                self._linger = None
                return "+OK will not linger"
            case "getvar" if rest:
                value = self.call.channel.variables.get(rest, "-ERR command not found")
                return value.encode()[:_LONGEST_VALUE].decode("utf-8", "ignore")
            case "resume":
                self.call.channel.set("socket_resume", "true")
                return "+OK"
        return super()._reply(word, rest, headers, body)


class WholeCall(SimCall):
    """A call that goes on in the dialplan, and comes back from it."""

    socket_of = WholeSocket
    applications = APPLICATIONS | {
        "set": _set,
        "export": _set,
        "multiset": _multiset,
        "unset": _unset,
        "log": _nothing,
        "flush_dtmf": _nothing,
        "park": _park,
        "hangup": _hangup,
    }

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._dialplan: deque[tuple[str, str]] = deque()

    def kill(self, cause: str) -> None:
        """Hang up from outside the session (uuid_kill): it is told at once, and done at the next tick."""
        if not self._told_hang_up:
            self._cause = cause
            self._tell_hang_up(by_caller=False)
            self.socket.killed()
            self.node.schedule.call_later(TICK_S, self.line.end)

    def release(self) -> None:
        """The service closed its socket.

        With the variable `socket_resume` true the dialplan goes on at once, even if the call was moved meanwhile; and
        whatever has parked the call since is over.
        """
        resumes = self.channel.variables.get("socket_resume") == "true"
        if self.line.ended:
            return
        if self.holder is Holder.DIALPLAN:
            for running in reversed(self._stack):
                if resumes or running.name == "park":
                    self._stop(running)
            if resumes:
                self.after_socket()
            return
        if self.holder is Holder.SOCKET and resumes:
            self._released = True
            self._queue.clear()
            for running in reversed(self._stack):
                self._stop(running)
        super().release()

    def routed(self, extension: str) -> None:
        """The call was sent to an extension."""
        self._start_dialplan(self.node.dialplan.get(extension, (("hangup", "NO_ROUTE_DESTINATION"),)))

    def after_socket(self) -> None:
        """The dialplan goes on."""
        self._start_dialplan(self.node.after_socket)

    def _execute(self, order: SimOrder) -> None:
        super()._execute(SimOrder(order.application, self._expanded(order.argument), order.locked, order.uuid))

    def _expanded(self, text: str) -> str:
        """An argument with `${variable}` and the node's `$${variable}` replaced."""
        if "${" not in text:
            return text
        channel = self.channel
        profile = {
            "caller_id_number": channel.caller,
            "caller_id_name": channel.name,
            "destination_number": channel.call.destination,
            "context": channel.call.context,
        }
        known = {**profile, **channel.variables}
        text = re.sub(r"\$\$\{([A-Za-z0-9_.-]+)\}", lambda found: self.node.variables.get(found[1], ""), text)
        return re.sub(r"\$\{([A-Za-z0-9_.-]+)\}", lambda found: known.get(found[1], ""), text)

    def _go_on(self) -> None:
        super()._go_on()
        if self.holder is Holder.DIALPLAN and not self._stack and not self._queue and not self.line.ended:
            self._next_in_dialplan()

    def _start_dialplan(self, applications: Sequence[tuple[str, str]]) -> None:
        self.holder = Holder.DIALPLAN
        self._dialplan = deque(applications)
        self._next_in_dialplan()

    def _next_in_dialplan(self) -> None:
        while self._dialplan and not self._stack and not self.line.ended:
            name, argument = self._dialplan.popleft()
            self._take(SimOrder(name, argument))
        if not self._stack and not self.line.ended and not self._dialplan:
            self.hang_up("NORMAL_CLEARING")


class WholeNode(SimNode):
    """See the module.

    Args:
        dialplan: the applications, with their arguments, of each extension a service may transfer to. Any other
            extension has no route: the call is hung up.
        after_socket: the applications that follow `socket` in the dialplan; the call is hung up at their end.
        words: what follows `socket HOST:PORT` there.

    Attributes:
        variables: the node's global variables, `$${…}` in the dialplan.
    """

    call_of = WholeCall
    about_call = ABOUT_CALL | {
        "uuid_dump": _dump,
        "uuid_kill": _kill,
        "uuid_transfer": _transfer,
        "uuid_fileman": _fileman,
    }
    about_node = ABOUT_NODE | {"sched_api": _sched_api}

    def __init__(self, schedule, prompts=None, dialplan=None, after_socket=(), words="async full", **more) -> None:
        super().__init__(schedule, prompts, **more)
        self.dialplan = dialplan or {}
        self.after_socket = after_socket
        self.words = words
        self.variables = {"domain": HOST}
