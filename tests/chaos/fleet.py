"""Services on ports of their own with one Redis, and a real FreeSWITCH whose dialplan names them; callers on telephones."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from live.freeswitch import PROMPTS, EventSocket, FreeSwitch
from live.live_line import LiveLine
from live.live_node import EVENTS, voices
from live.loop import Loop
from support.call_text import call_text
from support.ports import free_port
from support.script import Caller
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from esl_vm.esl.wire import Frame

DOMAIN = "default"
LONGEST_S = 90.0


class Service:
    """`esl-vm serve` on a port of its own, which it has again when it is started again.

    Args:
        folder: for its settings, data and log.
        redis_url: the Redis it shares with the others.
        within: words put before its command, to start it in surroundings of its own (`other_disk`).
        node: its host's name; `` = the folder's.
        data: its data folder; None = one of its own.
        start: start it now.
        settings: more of its settings, TOML.

    Attributes:
        address: where FreeSWITCH reaches it. data: its data folder. log: what it said, all its lives.
    """

    def __init__(
        self,
        folder: Path,
        redis_url: str,
        *,
        within: Sequence[str] = (),
        node: str = "",
        data: Path | None = None,
        settings: str = "",
        start: bool = True,
    ) -> None:
        folder.mkdir(parents=True)
        self.name = folder.name
        self.data = data or folder / "data"
        self.address = f"127.0.0.1:{free_port()}"
        self.log = folder / "serve.log"
        self._settings = folder / "esl-vm.toml"
        prompts = f'[speech]\npack = "asterisk"\nprompts = "{PROMPTS}"\n' if PROMPTS.is_dir() else ""
        self._settings.write_text(
            f'data_dir = "{self.data}"\n[service]\nnode = "{node or self.name}"\nworkers = 2\n'
            f'[redis]\nurl = "{redis_url}"\n{prompts}[spool]\nsweep_s = 2\n{settings}'
        )
        self._within = within
        self._lives = 0
        self._process: subprocess.Popen | None = None
        if start:
            self.start()

    @property
    def takes(self) -> Path:
        """Where its recordings are made."""
        return self.data / "spool/takes"

    def waiting(self) -> list[Path]:
        """What is on its way there: all but what is kept, for a while, of takes that were delivered."""
        kept = {path.stem for path in self.takes.glob("*.kept")}
        return [path for path in self.takes.iterdir() if not {path.stem, path.stem.rpartition("-")[0]} & kept]

    def start(self) -> None:
        """Start it; returns when it takes calls."""
        self._lives += 1
        command = [sys.executable, "-m", "esl_vm", "--config", self._settings, "serve", "--listen", self.address]
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [*self._within, *map(str, command)], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        wait_until(self._takes_calls, what=f"{self.name} taking calls; it said:\n{self.log.read_text()[-2000:]}")

    def run(self, *words: str) -> str:
        """Run another command on its data; what it printed."""
        command = [sys.executable, "-m", "esl_vm", "--config", self._settings, *words]
        ran = subprocess.run(
            [*self._within, *map(str, command)], capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def tell_to_stop(self) -> None:
        """SIGTERM: it takes no new calls, and ends when those it has are over."""
        self._process.send_signal(signal.SIGTERM)

    def ended(self, within_s: float) -> int:
        """Wait for its end; its exit code."""
        return self._process.wait(within_s)

    def kill(self) -> None:
        """SIGKILL to it and its workers: a host without power."""
        self._process.send_signal(signal.SIGSTOP)  # or it replaces a worker that is killed before itself
        children = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
        with contextlib.suppress(OSError), open(children) as listed:
            for pid in listed.read().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """See that it is gone."""
        if self._process is not None and self._process.poll() is None:
            self.tell_to_stop()
            try:
                self.ended(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def served(self) -> set[str]:
        """The numbers of the callers whose calls it had, as its log tells them."""
        return set(re.findall(r"\bfrom (5\d{5})\b", self.log.read_text()))

    def _takes_calls(self) -> bool:
        assert self._process.poll() is None, f"{self.name} ended:\n{self.log.read_text()[-2000:]}"
        return len(re.findall("takes calls on", self.log.read_text())) >= self._lives


def other_disk(mounted: Path, at: Path) -> list[str]:
    """Words before a command that let it see one folder where all others see another: a host with a disk of its own.

    The command's process is the one that is started. Needs mount namespaces; `no_other_disk` says whether they are there.
    """
    mounted.mkdir(exist_ok=True)
    at.mkdir(exist_ok=True)
    return ["unshare", "-rm", "sh", "-c", f"mount --bind '{mounted}' '{at}' && exec \"$@\"", "sh"]


def no_other_disk(folder: Path) -> str:
    """Why a command can't be given a disk of its own here, `` if it can."""
    try:
        ran = subprocess.run(
            [*other_disk(folder / "one", folder / "other"), "true"], capture_output=True, text=True, check=False
        )
    except OSError as error:
        return f"no mount namespaces: {error}"
    return "" if ran.returncode == 0 else f"no mount namespaces: {ran.stderr.strip()}"


@dataclass
class Rung:
    """A call that is over: who called which mailbox, and how it went."""

    number: str
    box: str
    line: LiveLine
    caller: Caller

    @property
    def status(self) -> str:
        """`vm_status` at its end."""
        return self.line.variable("vm_status")

    def wrong(self) -> str:
        """What was not as it should be, `` if nothing."""
        problems = list(self.caller.problems)
        if self.status != "SUCCESS":
            problems.append(f"vm_status {self.status or 'unset'}")
        if "vm-msgsaved" not in self.line.heard:
            problems.append(f"never heard saved, but {self.line.heard}")
        return f"{self.number}: {'; '.join(problems)}\n{call_text(self.line)}" if problems else ""


@dataclass
class Fleet:
    """FreeSWITCH and telephones.

    Args:
        folder: for FreeSWITCH.
        contexts: by the name of a dialplan context, the services in the order in which they are tried.
    """

    folder: Path
    contexts: Mapping[str, str]
    rung: list[Rung] = field(default_factory=list)

    def __post_init__(self) -> None:
        voices()  # made now, for it takes a while and the telephones would wait
        self._lines: dict[str, LiveLine] = {}
        self._begun = 0
        self._lock = threading.Lock()
        self.switch = FreeSwitch(self.folder, self.contexts, [DOMAIN])
        self.loop = Loop()
        events = EventSocket(self.switch.event_port, self.switch.password)
        events.listen(self.loop, EVENTS, self._event)

    def close(self) -> None:
        """Stop all of it."""
        self.loop.stop()
        self.switch.stop()
        assert not self.loop.errors, "\n".join(self.loop.errors)

    @contextlib.contextmanager
    def ringing(self, callers: int, script: str) -> Iterator[threading.Event]:
        """So many callers leave messages, one after the other each, until the block is left (or its event is set)."""
        enough = threading.Event()
        contexts = list(self.contexts)

        def keeps_calling(place: int) -> None:
            while not enough.is_set():
                self.rung.append(self.call(f"{1100 + place}", script, contexts[place % len(contexts)]))

        with ThreadPoolExecutor(callers, thread_name_prefix="caller") as pool:
            calling: list[Future[None]] = []
            for place in range(callers):
                calling.append(pool.submit(keeps_calling, place))
                enough.wait(0.1)  # they do not all dial at once
            try:
                yield enough
            finally:
                enough.set()
        for one in calling:
            one.result()

    def call(self, box: str, script: str, context: str, longest_s: float = LONGEST_S) -> Rung:
        """One call that leaves a message in a mailbox; returns when it is over."""
        begun = self.begin(box, script, context)
        if not begun.line.over.wait(longest_s):
            self.loop.do(begun.line.hang_up)
            begun.line.over.wait(5)
            begun.caller.problems.append(f"the call was not over after {longest_s:g} s")
        return begun

    def begin(self, box: str, script: str, context: str) -> Rung:
        """One call, dialled; it goes on by itself."""
        with self._lock:
            self._begun += 1
            number = f"5{self._begun:05}"
        ready = threading.Event()
        begun: list[Rung] = []

        def dial() -> None:
            line = LiveLine(
                self.loop, self.switch.sip_port, f"*{box}", number=number, name="Load", domain=DOMAIN, voice=voices()[0]
            )
            self._lines[line.phone.call_id] = line
            caller = Caller(line, self.loop, script)
            line.on_answer.append(caller.start)
            line.dial({"X-Context": context})
            begun.append(Rung(number, box, line, caller))
            ready.set()

        self.loop.do(dial)
        assert ready.wait(100), self.loop.errors
        return begun[0]

    def _event(self, frame: Frame) -> None:
        line = self._lines.get(frame.get("variable_sip_call_id") or "")
        if line is not None:
            line.event(frame.event, frame)
