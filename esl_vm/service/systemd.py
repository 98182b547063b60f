"""What systemd and the service tell each other: sd_notify(3), the watchdog, sockets passed in (sd_listen_fds(3))."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST_PASSED_FD = 3


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """The service manager that started us; without one nothing is told.

    Args:
        address: its notification socket, empty = none. An abstract one begins with `@`.
        watchdog_s: seconds within which it wants a sign of life, 0 = never.
        passed_fds: listening sockets it opened for us.
    """

    address: str = ""
    watchdog_s: float = 0
    passed_fds: tuple[int, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> ServiceManager:
        """The manager that this environment tells of; variables meant for another process are left alone."""
        pid = str(os.getpid())
        watchdog = environment.get("WATCHDOG_USEC", "")
        mine = environment.get("WATCHDOG_PID", pid) == pid
        fds = environment.get("LISTEN_FDS", "") if environment.get("LISTEN_PID", "") == pid else ""
        return cls(
            address=environment.get("NOTIFY_SOCKET", ""),
            watchdog_s=int(watchdog) / 1e6 if mine and watchdog.isdigit() else 0,
            passed_fds=tuple(range(_FIRST_PASSED_FD, _FIRST_PASSED_FD + int(fds))) if fds.isdigit() else (),
        )

    def ready(self) -> None:
        """Started, or reloaded."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """New settings are being taken up; `ready` follows."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """No new calls; running ones may take a while."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._tell("WATCHDOG=1")

    def status(self, sentence: str) -> None:
        """One line for `systemctl status`."""
        self._tell(f"STATUS={sentence}")

    def passed_listener(self) -> socket.socket | None:
        """The listening socket systemd opened for us, None if it passed none."""
        if not self.passed_fds:
            return None
        return socket.socket(fileno=self.passed_fds[0])

    def _tell(self, text: str) -> None:
        if not self.address:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        # A manager that does not listen is its own trouble; calls go on.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(text.encode(), address)
