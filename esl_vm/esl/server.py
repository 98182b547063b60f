"""The listener FreeSWITCH's `socket` application connects to: a greenlet for each call, and limits for all that isn't one.

What holds here:

- An accepted connection always gets its `connect`, also when the call can't be taken: FreeSWITCH parks a call for
  ever whose socket closes before that (seen on FreeSWITCH 1.11). A call that can't be taken is handed back at once
  with `vm_status` FAILED, and the dialplan goes on to its apology.
- Nothing of one call reaches another: its errors end in its greenlet.
- Connections that have not answered `connect` yet are few and short-lived, and may send little (see pending.py). Of many
  the log tells a few.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import gevent
from gevent.pool import Group
from gevent.server import StreamServer

from esl_vm.esl.networks import LOOPBACK, Network, allowed
from esl_vm.esl.pending import PendingConnections
from esl_vm.esl.phone import EslPhone
from esl_vm.esl.recording_folders import RecordingFolders
from esl_vm.esl.session import CallSession
from esl_vm.esl.socket_mode import problem
from esl_vm.esl.tcp import prepare
from esl_vm.esl.wire import FrameLimits
from esl_vm.esl.worker_load import MOST_PENDING, worker_loads
from esl_vm.model.call import Cause, Status
from esl_vm.model.errors import CallerGoneError, WireError
from esl_vm.model.rate_limited_log import RateLimitedLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from gevent import socket

    from esl_vm.esl.elsewhere import Elsewhere
    from esl_vm.esl.sounds import SpokenPrompts
    from esl_vm.esl.worker_load import WorkerLoad
    from esl_vm.model.call import Call

log = logging.getLogger(__name__)

# Connections FreeSWITCH may have opened that we haven't accepted yet.
BACKLOG = 1024
# Connections at once that have not answered `connect`.
MOST_WAITING = 1024
# Seconds between looks at calls that have heard nothing for long.
WATCH_S = 20.0
# Seconds for which no connection is taken, because another worker is to have it or there is no room.
PAUSE_S = 0.005
# Seconds a conversation that is cut short by the end of the service has for settling what it holds.
SETTLE_S = 10.0


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Limits of the listener.

    Args:
        max_calls: calls held at once, at least 1; those beyond are handed back at once.
        max_waiting: connections at once that have not answered `connect`, at least 1.
        connect_s: seconds they have for it.
        allow: the networks FreeSWITCH may call from; calls from others are handed back.
        limits: the longest frames.
    """

    max_calls: int = 2000
    max_waiting: int = MOST_WAITING
    connect_s: float = 5.0
    allow: tuple[Network, ...] = LOOPBACK
    limits: FrameLimits = field(default_factory=FrameLimits)


@dataclass(frozen=True, slots=True)
class CallEnd:
    """A call's end, for its record.

    Args:
        call: as it came.
        seconds: how long it was ours.
        applications: how many FreeSWITCH ran for it.
        keys: how many were pressed (never which).
        end: `completed`, `failed` (an error of ours), `cut short` (the service stopped), `refused` (it was not taken),
            or why the caller is gone.
    """

    call: Call
    seconds: float
    applications: int
    keys: int
    end: str


class CallServer:
    """Takes calls and runs `handle` for each, in a greenlet that has no other meanwhile.

    Args:
        listener: a listening socket (shared by several processes, or not), or the address to listen on.
        handle: the whole conversation. The call goes back to the dialplan when it returns or raises.
        pack: where the prompts lie.
        settings: limits.
        ended: told every call's end.
        load: this worker's load, seen by the service's others; None: it is the only one.
        elsewhere: what is played instead where FreeSWITCH does not see the pack; None: it always does.
        clock: seconds, monotonic.

    Attributes:
        pauses: how often no connection was accepted for a moment, as another worker was to have it or there was no room.
    """

    def __init__(
        self,
        listener: socket.socket | tuple[str, int],
        handle: Callable[[EslPhone], None],
        pack: SpokenPrompts,
        settings: ServerSettings,
        ended: Callable[[CallEnd], None],
        load: WorkerLoad | None = None,
        elsewhere: Elsewhere | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pauses = 0
        self._clock = clock
        self._handle = handle
        self._pack = pack
        self._elsewhere = elsewhere
        self._folders = RecordingFolders()
        self._settings = settings
        self._ended = ended
        self._pending = PendingConnections(settings.max_waiting, settings.limits, clock)
        self._pool = Group()  # a greenlet for each connection
        self._sessions: set[CallSession] = set()  # those that are calls
        self._watcher: gevent.Greenlet | None = None
        self._no_calls = RateLimitedLog(log, logging.INFO, clock=clock)
        backlog = BACKLOG if isinstance(listener, tuple) else None  # a socket listens already
        self._server = StreamServer(listener, self._connection, spawn=self._pool.spawn, backlog=backlog)
        # One connection a turn of the loop: the workers that share the listener have their turns between.
        self._server.max_accept = 1
        self._stopped = False
        self._load = load or worker_loads(1)[0]
        self._server.full = self._pause  # asked by gevent before each connection

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, with the port the system chose if 0 was asked for."""
        host, port = self._server.address[:2]
        return host, port

    @property
    def calls(self) -> int:
        """How many calls are being held."""
        return len(self._sessions)

    @property
    def waiting(self) -> int:
        """How many connections have not answered `connect` yet."""
        return len(self._pending)

    @property
    def watching(self) -> bool:
        """Whether it looks after calls that have heard nothing for long; without calls it has no timer."""
        return bool(self._watcher)

    def start(self) -> None:
        """Listen, and return; raises OSError if the address can't be had."""
        self._load.accept(True)
        self._server.start()
        prepare(self._server.socket)

    def stop(self, drain_s: float = 0.0) -> bool:
        """Take no new calls, let the running ones finish; returns whether all did in time.

        New connections are refused from now on, so FreeSWITCH goes on to the next service of its list. Those that
        were waiting to be accepted are still served: their calls would stay parked for ever.

        Args:
            drain_s: seconds for calls to finish; then their greenlets are killed, which settles what they hold and
                hands the calls back.
        """
        self._stopped = True
        self._load.accept(False)
        self._server.stop_accepting()
        while waiting := self._accept():
            self._pool.spawn(self._connection, *waiting)
        self._server.close()
        if drain_s > 0:
            self._pool.join(timeout=drain_s)
        if not self._pool:
            return True
        log.warning("%d calls did not finish within %g s and are handed back", self.calls, drain_s)
        self._pool.kill(timeout=SETTLE_S)
        return False

    def _accept(self) -> tuple[socket.socket, tuple[str, int]] | None:
        """A connection that is waiting to be accepted, None if there is none."""
        try:
            client: tuple[socket.socket, tuple[str, int]] | None = self._server.do_read()
        except (OSError, AttributeError):  # gevent's server has no socket before it starts, and once it is closed
            return None
        return client

    def _pause(self) -> bool:
        """Whether the connection that waits is not to be taken now; then none is for a moment."""
        if self._pending.full:
            gevent.spawn_later(PAUSE_S, self._go_on, take=False)
        elif len(self._pending) <= MOST_PENDING and self._load.is_higher:
            gevent.spawn_later(PAUSE_S, self._go_on, take=True)  # if nobody else wanted it
        else:
            return False
        self.pauses += 1
        return True  # gevent listens no more

    def _go_on(self, *, take: bool) -> None:
        if self._stopped:
            return
        waiting = self._accept() if take else None
        if waiting:
            self._pool.spawn(self._connection, *waiting)
        self._server.start_accepting()

    def _connection(self, stream: socket.socket, address: tuple[str, int]) -> None:
        self._load.add(+1)
        try:
            prepare(stream)
            session = CallSession(address, stream, limits=self._pending.limits)
            try:
                self._serve(session, address)
            finally:
                session.hand_back()
        except Exception:  # the outermost handler: what is wrong with one connection reaches no other, and is logged
            log.exception("connection from %s", address)
        finally:
            stream.close()
            self._load.add(-1)

    def _serve(self, session: CallSession, address: tuple[str, int]) -> None:
        began = self._clock()
        self._pending.add(session)
        try:
            frame = session.connect(self._settings.connect_s)
        except (CallerGoneError, WireError) as error:
            self._no_calls.log("no call from %s: %s", address, error)
            return
        finally:
            self._pending.remove(session)
        session.allow(self._settings.limits)
        phone = EslPhone(session, frame, self._pack, self._elsewhere, self._folders)
        del frame
        refusal = problem(session.missing) if session.missing else self._refusal(address)
        if refusal:
            log.error("call %s from %s not taken: %s", phone.call.uuid, address, refusal)
            if not session.missing:
                _fail(phone, Cause.REFUSED)
            self._ended(CallEnd(phone.call, self._clock() - began, session.executed, session.keys.pressed, "refused"))
            return
        end = "cut short"
        self._sessions.add(session)
        if not self._watcher:
            self._watcher = gevent.spawn(self._watch)
        try:
            self._handle(phone)
            end = session.gone or "completed"
        except CallerGoneError as error:
            end = str(error)
        except Exception:  # the outermost handler: whatever is wrong with one call ends with it, and its caller is told
            log.exception("call %s", phone.call.uuid)
            end = "failed"
            _fail(phone, Cause.ERROR)
        finally:
            self._sessions.discard(session)
            self._ended(CallEnd(phone.call, self._clock() - began, session.executed, session.keys.pressed, end))

    def _watch(self) -> None:
        """Look after calls that have heard nothing for long; ends with the last call, so an idle process has no timer."""
        while self._sessions:
            gevent.sleep(WATCH_S)
            for session in list(self._sessions):
                session.nudge()

    def _refusal(self, address: tuple[str, int]) -> str:
        if self.calls >= self._settings.max_calls:
            return f"{self.calls} calls are being held, which is the limit"
        if not allowed(address[0] if address else "", self._settings.allow):
            return "its address is not in the list of those allowed"
        return ""


def _fail(phone: EslPhone, cause: Cause) -> None:
    """Tell the dialplan that it did not work, so that it can apologise."""
    try:
        phone.set_variables({"vm_status": Status.FAILED, "vm_cause": cause, "vm_handed_back": "false"})
    except CallerGoneError as error:
        log.info("call %s: %s", phone.call.uuid, error)
