"""A node as an administrator runs it: a FreeSWITCH, `esl-vm serve` as processes of its own, a Redis; and its callers."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from live.called_phone import CalledPhone
from live.event_socket import EventSocket
from live.freeswitch import PROMPTS, FreeSwitch
from live.live_line import LiveLine
from live.loop import Loop
from live.recipes import recipes
from live.rtp import Sends
from live.telephone_sound import RATE, read_wav, without_pauses
from support.script import Caller
from support.waiting import wait_until

from esl_vm.cli.settings_file import load_settings
from esl_vm.ops.node import Node
from esl_vm.service.wiring import open_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from esl_vm.esl.wire import Frame

LINES = 400
"""How many mailbox domains there are: each call of the book has one to itself."""
LONGEST_S = 150.0
VOICE_S = 15
_START_S = 30.0
EVENTS = "CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_HANGUP_COMPLETE"

#: What telephones and gateways answer instead of ringing.
REFUSALS = (
    "404 Not Found", "480 Temporarily Unavailable", "487 Request Terminated", "488 Not Acceptable Here",
    "500 Server Internal Error", "502 Bad Gateway", "603 Decline",
)  # fmt: skip


class Service:
    """`esl-vm serve` in a process of its own, on a free port.

    Args:
        folder: for its settings, data and log.

    Attributes:
        address: where FreeSWITCH reaches it. settings: its settings file. log: what it said.
    """

    def __init__(self, folder: Path, name: str = "service", settings: str = "", workers: int = 2) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = folder / f"{name}.toml"
        self.log = folder / f"{name}.log"
        self.settings.write_text(
            f'data_dir = "{folder / "data"}"\n'
            f'[service]\nnode = "{name}"\ntimezone = "{midday_zone()}"\nworkers = {workers}\n'
            f'[speech]\npack = "asterisk"\nprompts = "{PROMPTS}"\n{settings}'
        )
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "esl_vm", "--config", self.settings, "serve", "--listen", "127.0.0.1:0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.address = self._address()

    def reload(self) -> None:
        """Have it read its settings anew; returns when the processes with them take calls."""

        def former() -> int:
            return len(re.findall(r"background process \(\d+\) stopped", self.log.read_text()))

        before = former()
        self._process.send_signal(signal.SIGHUP)
        wait_until(lambda: former() > before, what=f"a reload; it said:\n{self.log.read_text()[-2000:]}")

    def stop(self, seconds: float = 20.0) -> int:
        """Have it finish its calls and end; returns its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        return self._process.returncode

    def _address(self) -> str:
        until = time.monotonic() + _START_S
        while not (found := re.search(r"takes calls on (\S+:\d+)", self.log.read_text())):
            assert self._process.poll() is None, f"esl-vm serve ended:\n{self.log.read_text()}"
            assert time.monotonic() < until, f"esl-vm serve does not start:\n{self.log.read_text()}"
            threading.Event().wait(0.05)
        return found[1]


def midday_zone() -> str:
    """A time zone in which it is between 12 and 13 o'clock: an hour ago was today, an hour from now is."""
    behind = datetime.now(UTC).hour - 12
    return f"Etc/GMT{'+' if behind >= 0 else '-'}{abs(behind)}"


class LiveNode:
    """All of it, running.

    Args:
        folder: for everything. web: where its FreeSWITCH asks for dialplan and users, before it looks into its own files.
        before: words before FreeSWITCH's command line: in which surroundings it runs. workers: processes that take calls.
        settings: more of the service's settings file.

    Attributes:
        loop: the telephones' time. switch: FreeSWITCH. service: the service its dialplan names.
        busy, away, answering: telephones that can be called. telephones: more of them, by what they do.
        stores: the same stores the service works on.
    """

    def __init__(
        self, folder: Path, web: str = "", before: Sequence[str] = (), workers: int = 2, settings: str = ""
    ) -> None:
        self.folder = folder
        voices()  # made now, for it takes a while and the telephones would wait
        self._closing = contextlib.ExitStack()
        with contextlib.ExitStack() as starting:
            self.service = Service(folder / "service", settings=settings, workers=workers)
            starting.callback(self.service.stop)
            self.stores: Node = starting.enter_context(open_node(load_settings(self.service.settings, {})))
            with _refusing_port() as nobody:
                self.switch = FreeSwitch(
                    folder / "freeswitch",
                    {
                        "live": self.service.address,
                        "second": f"127.0.0.1:{nobody}|{self.service.address}",
                        "single": f"{self.service.address} async",
                        "sync": f"{self.service.address} full",
                        "nobody": f"127.0.0.1:{nobody}|127.0.0.1:{nobody}",
                        "default": self.service.address,
                    },
                    self.domains,
                    recipes(),
                    web,
                    before,
                )
            starting.callback(self.switch.stop)
            self.loop = Loop()
            starting.callback(self.loop.stop)
            self._lines: dict[str, LiveLine] = {}
            events = EventSocket(self.switch.event_port, self.switch.password)
            events.listen(self.loop, EVENTS, self._event)
            self._free = deque(self.domains)
            self.busy, self.away, self.answering = (
                CalledPhone(self.loop, answer) for answer in ("486 Busy Here", "180 Ringing", "200 OK")
            )
            self.telephones = {
                "early media": CalledPhone(self.loop, "183 Session Progress"),
                "busy after early media": CalledPhone(self.loop, "183 Session Progress", "486 Busy Here"),
                **{status: CalledPhone(self.loop, status) for status in REFUSALS},
            }
            self._closing = starting.pop_all()

    @property
    def domains(self) -> list[str]:
        """The mailbox domains."""
        return [f"line-{number}" for number in range(1, LINES + 1)]

    def close(self) -> None:
        """Stop everything."""
        self._closing.close()

    def take_domain(self) -> str:
        """A domain in which nobody has a mailbox yet."""
        return self._free.popleft()

    def call(
        self,
        dialled: str,
        script: str,
        domain: str,
        *,
        number: str = "1001",
        name: str = "Alice",
        headers: Mapping[str, str] | None = None,
        sip: Mapping[str, str] | None = None,
        voice: np.ndarray | None = None,
        shell: Callable[[LiveLine, str], None] | None = None,
        sends: Sends | None = None,
        late: bool = False,
    ) -> tuple[LiveLine, Caller]:
        """Hold one call, the caller following the script; returns when it is over, at most after LONGEST_S seconds.

        shell: does what `sh:` in the script says, in the loop's thread.
        sends: what the telephone sends, PCMU unless given; the voice is at that codec's rate.
        late: the call comes to a profile whose codec is negotiated when the call is answered, as in FreeSWITCH's vanilla one.
        """
        begun: list[tuple[LiveLine, Caller]] = []
        ready = threading.Event()

        def begin() -> None:
            spoken = voices()[sum(map(ord, domain)) % 3] if voice is None else voice
            port = self.switch.late_port if late else self.switch.sip_port
            line = LiveLine(
                self.loop, port, dialled, number=number, name=name, domain=domain, voice=spoken, sends=sends or Sends()
            )
            self._lines[line.phone.call_id] = line
            caller = Caller(line, self.loop, script, shell and (lambda words: shell(line, words)))
            line.on_answer.append(caller.start)
            begun.append((line, caller))
            line.dial({**(sip or {}), **{f"X-{header}": value for header, value in (headers or {}).items()}})
            ready.set()

        self.loop.do(begin)
        assert ready.wait(10), self.loop.errors
        line, caller = begun[0]
        if not line.over.wait(LONGEST_S):
            self.loop.do(line.hang_up)
            line.over.wait(5)
            caller.problems.append(f"the call was not over after {LONGEST_S:g} s: {line.why_ended or 'no end'}")
        return line, caller

    def _event(self, frame: Frame) -> None:
        line = self._lines.get(frame.get("variable_sip_call_id") or "")
        if line is not None:
            line.event(frame.event, frame)


@lru_cache(maxsize=1)
def voices() -> tuple[np.ndarray, ...]:
    """Six things to say, 15 s each, without a pause: passages of texts that no prompt of the voicemail has a word of."""
    texts = [read_wav(PROMPTS / "en" / f"demo-{name}.wav") for name in ("instruct", "congrats", "echotest")]
    text = without_pauses(np.concatenate(texts))
    return tuple(text[start : start + VOICE_S * RATE] for start in range(0, 6 * VOICE_S * RATE, VOICE_S * RATE))


@contextlib.contextmanager
def _refusing_port() -> Iterator[int]:
    """A port at which nobody listens. It stays bound while FreeSWITCH chooses its own."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield nobody.getsockname()[1]
