"""Typing what pages tell one to type, and writing down what came of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence

    from docs_check.hosts import Host

ADMINISTRATION, OPERATIONS, SECURITY = "docs/administration.md", "docs/operations.md", "docs/security.md"
NOTIFY, OPTIONS, README, WEB = "docs/notify.md", "docs/options.md", "README.md", "docs/web.md"
#: They fetch packages: with this machine's network.
ONLINE = ("apt-get ", "python3 -m venv", "/opt/esl-vm/bin/pip")
#: What is missing on a host without FreeSWITCH, does not come from an old system, or is a call of another
#: installation's, is a finding (exit code 1, doctor's 3 where it is a warning).
FINDS = ("esl-vm doctor", "esl-vm import", "esl-vm --data-dir rehearsal import", "esl-vm message search")
#: They go on until Ctrl-C.
ENDLESS = ("esl-vm events --follow", "esl-vm top", "esl-vm notify")
#: FreeSWITCH is there before us: its user and the password of its event socket.
BEFORE = "useradd --system freeswitch; echo ClueCon > event-socket"


def is_well(line: str, ran: subprocess.CompletedProcess[str]) -> bool:
    """Whether a command did what it is there for."""
    if line.startswith(ENDLESS) and ran.returncode == 124:
        return "Traceback" not in ran.stderr
    return not ran.returncode or (ran.returncode in {1, 3} and line.startswith(FINDS) and "Traceback" not in ran.stderr)


class Followed:
    """What was typed, and what came of it."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str, str]] = []
        self.failures: list[str] = []
        self.lines: set[tuple[str, str]] = set()

    def type_in(
        self, page: str, section: str, line: str, on: Sequence[Host], user: str = "root", typed: str = ""
    ) -> None:
        """Type a line on each of these hosts.

        Args:
            page, section: where it stands. line: as it stands there. on, user: where, and as whom.
            typed: what is typed, where the page leaves something open.
        """
        self.lines.add((page, line))
        code = 0
        for host in on:
            ran = self._ran(host, typed or line, user)
            if not is_well(line, ran):
                code = ran.returncode
                self.failures.append(
                    f"{page}, {section}: {line}\n  on {host.address}: {(ran.stdout + ran.stderr)[-1500:]}"
                )
        who = on[0].address if len(on) == 1 else f"{len(on)} hosts"
        self.rows.append(
            (
                page,
                section,
                line if len(line) < 90 else line[:89] + "…",
                f"{user}, {who}",
                "ok" if not code else f"exit {code}",
            )
        )
        print(f"  {self.rows[-1][-1]:8} {line[:110]}", flush=True)

    def _ran(self, host: Host, line: str, user: str) -> subprocess.CompletedProcess[str]:
        if line.startswith(ENDLESS) and "--once" not in line and "--json" not in line:
            line = f"timeout --signal INT 3 {line}"
        return host.run(line, user, online=any(word in line for word in ONLINE))

    def expect(self, what: str, page: str, section: str, seconds: float, true: Callable[[], bool]) -> None:
        """Something the page says comes by itself, within so many seconds."""
        until = time.monotonic() + seconds
        while not (there := true()) and time.monotonic() < until:
            time.sleep(0.2)
        self.rows.append((page, section, what, "", "ok" if there else "not seen"))
        if not there:
            self.failures.append(f"{page}, {section}: {what}: not seen in {seconds:g} s")
        print(f"  {self.rows[-1][-1]:8} {what}", flush=True)

    def table(self) -> str:
        """As Markdown."""
        head = "| page | section | command | as, on | result |\n|---|---|---|---|---|"
        return "\n".join(
            [
                head,
                *(
                    f"| {page} | {section} | `{line}` | {who} | {result} |"
                    for page, section, line, who, result in self.rows
                ),
            ]
        )
