"""One process that holds the listening socket and keeps the others running: starts, restarts, reloads, drains.

Rules it follows
- It serves no call and imports nothing that does: children are forked before gevent or Redis are loaded.
- A child tells that it is ready, and then that it lives, through its heartbeat pipe. It learns through another one, whose
  end the supervisor holds, that the supervisor is gone, and drains as if told to stop.
- A child that dies is started again: at once if it had lived a while, else after a pause that doubles. One that
  leaves with exit code 2 before its first call can't work with these settings: then everything stops, or, at a
  reload, the former processes go on.
- Stopping: the listener is closed, so FreeSWITCH goes to the next service; the children that serve calls may finish
  them; the others stop last. A second signal ends everything now: recordings are in the spool, nothing is lost.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.errors import VoicemailError
from esl_vm.ops import logs
from esl_vm.service import hangups
from esl_vm.service.heartbeat_pipe import BEAT_S, READY, HeartbeatPipe

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from esl_vm.service.heartbeat_pipe import ProcessRole
    from esl_vm.service.systemd import ServiceManager

log = logging.getLogger(__name__)

LIVED_A_WHILE_S = 10.0
LONGEST_PAUSE_S = 30.0
WRONG_SETTINGS = 2
LAST_STOP_S = 10.0
TERMINAL_GOES_S, TERMINAL_LOOK_S = 5.0, 0.2


@dataclass(slots=True)
class _Child:
    role: ProcessRole
    generation: int
    pid: int
    pipe: int
    started: float
    failures: int
    seen: float
    ready: bool = False
    stopping: bool = False


@dataclass(slots=True)
class _Planned:
    role: ProcessRole
    generation: int
    at: float
    failures: int


class Supervisor:
    """Keeps a set of roles running.

    Args:
        roles: what to run. listener: the socket they share; closed here when stopping begins.
        reload: makes the roles anew from new settings at SIGHUP; a VoicemailError leaves the running ones alone.
        on_ready: called once, when every role is ready for the first time.
        drain_s: seconds running calls may take at a stop. hang_s: seconds of silence after which a child is killed.
        tend: done again and again, at least every `BEAT_S` seconds.
    """

    def __init__(
        self,
        roles: list[ProcessRole],
        listener: socket.socket,
        *,
        reload: Callable[[], list[ProcessRole]],
        on_ready: Callable[[], None],
        manager: ServiceManager,
        drain_s: float,
        hang_s: float,
        tend: Callable[[], None] = lambda: None,
    ) -> None:
        self._tend = tend
        self._roles = self._former_roles = roles
        self._listener = listener
        self._reload = reload
        self._on_ready = on_ready
        self._manager = manager
        self._drain_s = drain_s
        self._hang_s = hang_s
        self._children: dict[int, _Child] = {}
        self._planned: list[_Planned] = []
        self._generation = 0
        self._announced = False
        self._stop_asked = 0
        self._reload_asked = False
        self._needs_terminal = hangups.needs_terminal()
        self._terminal_may_go_until = 0.0
        self._stop_by = 0.0
        self._exit_code = 0
        self._parent_read, self._parent_write = os.pipe()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def run(self) -> int:
        """Work until told to stop and everything has stopped; returns the exit code."""
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_hangup)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # hangups.hold had it wait
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for role in self._roles:
            self._start(role, self._generation, 0)
        next_alive = 0.0
        while self._children or not self._stop_asked:
            if self._manager.watchdog_s and time.monotonic() >= next_alive:
                self._manager.alive()
                next_alive = time.monotonic() + self._manager.watchdog_s / 3
            self._wait(next_alive)
            self._tend()
            self._reap()
            self._step()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # it is as stopped as can be
        return self._exit_code

    def _on_stop(self, _number: int, _frame: object) -> None:
        self._stop_asked += 1

    def _on_hangup(self, _number: int, _frame: object) -> None:
        self._reload_asked = True

    # -- children ---------------------------------------------------------------------------------

    def _start(self, role: ProcessRole, generation: int, failures: int) -> None:
        tell_read, tell_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._be_child(role, tell_read, tell_write)
        os.close(tell_write)
        os.set_blocking(tell_read, False)
        now = time.monotonic()
        self._children[pid] = _Child(role, generation, pid, tell_read, now, failures, now)

    def _be_child(self, role: ProcessRole, tell_read: int, tell_write: int) -> None:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            # Ctrl-C, a closed terminal and `systemctl kill` reach every process; only the supervisor acts.
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            logs.take_standard_error()
            for fd in (tell_read, self._parent_write, self._wake_read, self._wake_write):
                os.close(fd)
            for other in self._children.values():
                os.close(other.pipe)
            os.set_blocking(tell_write, False)
            if not role.serves_calls:
                self._listener.close()  # while one copy of it is open, the kernel refuses nobody
            code = role.run(HeartbeatPipe(tell_write, self._parent_read))
        except VoicemailError as wrong:
            log.error("%s can't start: %s", role.name, wrong)  # noqa: TRY400 - the sentence says it all
            code = WRONG_SETTINGS
        except BaseException:  # a child's outermost handler: reported, then the process ends
            traceback.print_exc()
        finally:
            logs.finish()
            os._exit(code)

    def _wait(self, next_alive: float) -> None:
        """Until a child says something, a signal comes, or something is due."""
        now = time.monotonic()
        due = [now + BEAT_S, *(p.at for p in self._planned)]
        if self._manager.watchdog_s:
            due.append(next_alive)
        if self._stop_by:
            due.append(self._stop_by)
        if now < self._terminal_may_go_until:
            due.append(now + TERMINAL_LOOK_S)
        lines = {child.pipe: child for child in self._children.values()}
        readable, _, _ = select.select([self._wake_read, *lines], [], [], max(0.0, min(due) - now))
        for fd in readable:
            if fd == self._wake_read:
                os.read(fd, 4096)
                continue
            child = lines[fd]
            said = os.read(fd, 4096)
            if said:
                child.seen = time.monotonic()
                child.ready = child.ready or READY in said
            else:  # it is ending; waitpid tells how. Until then its end must not wake us again and again
                self._reap(blocking_pid=child.pid)

    def _reap(self, blocking_pid: int = 0) -> None:
        pids = [blocking_pid] if blocking_pid in self._children else list(self._children)
        for pid in pids:
            done, status = os.waitpid(pid, 0 if blocking_pid else os.WNOHANG)
            if done:
                child = self._children.pop(pid)
                os.close(child.pipe)
                self._buried(child, os.waitstatus_to_exitcode(status))

    def _buried(self, child: _Child, code: int) -> None:
        """A child is gone: was it told to, and if not, what now."""
        if child.stopping or self._stop_asked:
            log.info("%s (%d) stopped", child.role.name, child.pid)
            return
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        log.error("%s (%d) died: %s", child.role.name, child.pid, how)
        if child.generation == self._generation and not child.ready and self._reloading():
            log.error("the new settings don't work; the former processes go on")
            self._give_up_generation()
            return
        if code == WRONG_SETTINGS and not child.ready and not self._announced:
            self._exit_code = WRONG_SETTINGS
            self._stop_asked += 1
            return
        lived = time.monotonic() - child.started
        failures = 0 if child.ready and lived >= LIVED_A_WHILE_S else child.failures + 1
        pause = min(LONGEST_PAUSE_S, 0.5 * 2 ** (failures - 2)) if failures > 1 else 0.0
        self._planned.append(_Planned(child.role, child.generation, time.monotonic() + pause, failures))

    # -- what to do next --------------------------------------------------------------------------

    def _step(self) -> None:
        now = time.monotonic()
        if self._stop_asked:
            self._step_stopping(now)
            return
        if self._hung_up(now):
            log.info("its terminal was closed")
            self._stop_asked = 1
            return
        if self._reload_asked and not self._reloading():
            self._reload_asked = False
            self._begin_reload()
        for planned in [p for p in self._planned if p.at <= now]:
            self._planned.remove(planned)
            self._start(planned.role, planned.generation, planned.failures)
        for child in self._children.values():
            if now - child.seen > self._hang_s and not child.stopping:
                log.error("%s (%d) gave no sign of life for %.0f s", child.role.name, child.pid, self._hang_s)
                os.kill(child.pid, signal.SIGKILL)
                child.seen = now
        current = [child for child in self._children.values() if child.generation == self._generation]
        if len(current) == len(self._roles) and all(child.ready for child in current):
            self._all_ready()

    def _hung_up(self, now: float) -> bool:
        """Whether a SIGHUP came with the end of our terminal; a shell that ends sends it before the terminal is gone."""
        if self._reload_asked:
            self._terminal_may_go_until = now + TERMINAL_GOES_S
        return self._needs_terminal and now < self._terminal_may_go_until and not hangups.terminal_is_there()

    def _all_ready(self) -> None:
        for child in self._children.values():
            if child.generation < self._generation and not child.stopping:
                self._tell_to_stop(child)
                self._manager.ready()
        if not self._announced:
            self._announced = True
            self._on_ready()
            self._manager.ready()

    def _reloading(self) -> bool:
        """Whether former processes still wait for the new ones to be ready."""
        return any(c.generation < self._generation and not c.stopping for c in self._children.values())

    def _begin_reload(self) -> None:
        self._manager.reloading()
        try:
            roles = self._reload()
        except VoicemailError as wrong:
            log.error("not reloaded: %s", wrong)  # noqa: TRY400 - the sentence says it all
            self._manager.ready()
            return
        log.info("reloading")
        self._former_roles, self._roles = self._roles, roles
        self._planned.clear()
        self._generation += 1
        for role in roles:
            self._start(role, self._generation, 0)

    def _give_up_generation(self) -> None:
        """Back to the former roles; what of them had died meanwhile is started again."""
        for child in self._children.values():
            if child.generation == self._generation:
                child.stopping = True
                os.kill(child.pid, signal.SIGKILL)
        self._generation -= 1
        self._roles = self._former_roles
        self._planned.clear()
        running = [child.role for child in self._children.values() if child.generation == self._generation]
        for role in self._roles:
            if role not in running:
                self._planned.append(_Planned(role, self._generation, time.monotonic(), 0))
        self._manager.ready()

    def _step_stopping(self, now: float) -> None:
        if not self._stop_by:
            self._manager.stopping()
            self._listener.close()
            self._planned.clear()
            self._stop_by = now + self._drain_s + LAST_STOP_S
            log.info("stopping; running calls have %.0f s to end", self._drain_s)
        at_once = self._stop_asked > 1
        if at_once or now >= self._stop_by:
            for child in self._children.values():
                if child.stopping or at_once:
                    child.stopping = True
                    os.kill(child.pid, signal.SIGKILL)
            self._stop_by = now + LAST_STOP_S
        serving = [child for child in self._children.values() if child.role.serves_calls]
        for child in serving or self._children.values():
            if not child.stopping:
                self._tell_to_stop(child)
                if not serving:
                    self._stop_by = now + LAST_STOP_S

    def _tell_to_stop(self, child: _Child) -> None:
        child.stopping = True
        os.kill(child.pid, signal.SIGTERM)
