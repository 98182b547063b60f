"""Messages in writing while the engine, Redis and those who transcribe are killed or stopped at every step, and starved.

    python -m chaos.transcripts [--every N]

All are programs of their own: a redis-server (append-only file on), an engine with OpenAI's API, `esl-vm notify`, and `esl-vm
transcribe` as two hosts have it. The one transcribes a message, and at one point of that (each word to Redis and to the engine,
each answer) it, Redis or the engine is killed (SIGKILL) or stopped (SIGSTOP); time passes, the other host goes on, what was
stopped too. Then the same with `esl-vm serve`, whose process for it is killed or stopped while no other host is there, or
its supervisor is killed. What must hold: the message has its text, put there once; its one mail went out, with the text;
nothing waits.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("transcription", "notify")]

from chaos.points import Points, install
from engine_server import engine_server
from house import House
from notify_cast import ALICE
from smtp_peer import post_office
from support.clocks import WallClock
from support.ports import free_port
from support.redis_servers import redis_server
from support.waiting import wait_until
from written_engine import speech

from esl_vm.model.events import EventType
from esl_vm.model.jobs import JobKind, JobState
from esl_vm.notify.job_worker import LEASE_S
from esl_vm.notify.plan import transcript_job, worded_jobs
from esl_vm.store.keys import outbox_due

if TYPE_CHECKING:
    from collections.abc import Iterator

KILLED, STOPPED = signal.SIGKILL, signal.SIGSTOP
TROUBLES = (
    *((whom, how) for whom in ("worker", "Redis", "engine", "serve's process") for how in (KILLED, STOPPED)),
    ("serve's supervisor", KILLED),
)
SAID = "Rappelez-moi."
#: Instead of a process id: whom the one that transcribes strikes.
_ITSELF, _PARENT = 0, 1
#: What an engine answers once, and what becomes of that message then: it waits with all others, alone, or is given up.
STARVED = {
    "503": "all wait", "429": "all wait", "404": "all wait", "drop": "all wait", "refuses": "all wait",
    "silence": "it alone waits", "slow": "it alone waits", "empty": "it alone waits", "partial": "it alone waits",
    "rubbish": "it alone waits", "huge": "it alone waits", "500": "it alone waits", "413": "given up",
}  # fmt: skip
_SETTINGS = """
service = {{node = "{node}", listen = "127.0.0.1:0", hang_s = 8}}
redis = {{partitions = 4, url = "{redis}"}}
audio = {{store = "folder", folder = "{sounds}"}}
mail = {{host = "127.0.0.1", port = {smtp}, security = "none", sender = "vm@pbx.example.com"}}
transcription = {{engine = "http", url = "{engine}", timeout_s = 12, wait_s = 3600}}
"""


class Engine:
    """The engine's process. It answers each of `steps` once, then as it should."""

    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    def start(self) -> None:
        words = [sys.executable, "-m", "chaos.transcripts", "--engine", str(self.port)]
        paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=paths)
        self.tell()

    def tell(self, *steps: str) -> None:
        """What it answers next."""
        self.process.stdin.write(json.dumps(steps) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "told\n"

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


class Installation:
    """All of it but the worker that is struck."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self.post = stack.enter_context(post_office())
        self.redis = stack.enter_context(redis_server("--appendonly", "yes", "--appendfsync", "always"))
        self.engine = Engine()
        stack.callback(self._end_engine)
        self.house = House(self.redis.url, folder, WallClock())
        stack.callback(self.house.close)
        self.house.add(transcribe="yes", maxmsg="9999")  # whole, it leaves hundreds: none is to be about a full mailbox
        self.wait_report()
        self.notify = self._program("notify", "notify")
        self.other = self._program("other", "transcribe")
        self.number = 0

    def _end_engine(self) -> None:
        self.engine.end()  # the one that is there by then

    def words(self, node: str, *command: str) -> list[str]:
        file = self._folder / f"{node}.toml"
        engine = f"http://127.0.0.1:{self.engine.port}"
        smtp = self.post.port
        file.write_text(
            _SETTINGS.format(node=node, redis=self.redis.url, sounds=self._folder, smtp=smtp, engine=engine)
        )
        return ["--config", str(file), "--data-dir", str(self._folder / node), *command]

    def _program(self, node: str, command: str) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self._folder / f"{node}.log").open("ab"))
        started = subprocess.Popen([sys.executable, "-m", "esl_vm", *self.words(node, command)], stdout=log, stderr=log)
        self._stack.callback(_end, started)
        return started

    def logs(self) -> str:
        """All that the programs wrote down."""
        return "".join(path.read_text() for path in self._folder.glob("*.log"))

    def wait_report(self) -> None:
        """Mails wait for their text."""
        self.house.store.cluster.transcribes("campaign")

    def leave(self) -> str:
        """Leave a message; returns its id when its jobs are planned."""
        self.number += 1
        name = f"m{self.number}"
        take = self._folder / "spoken.wav"
        take.write_bytes(speech())
        self.wait_report()
        self.house.audio.put(name, take)
        self.house.leave(message_id=f"{name}", seconds=1.5)
        planned = {transcript_job(ALICE, name), *worded_jobs(ALICE, name)[:1]}
        wait_until(lambda: planned.issubset(self.waiting()), "mail and transcript are planned")
        return name

    def leave_and_transcribe(self) -> str:
        """Leave a message, with nobody in a way; the other host begins when its jobs are planned."""
        self.other.send_signal(signal.SIGSTOP)
        try:
            return self.leave()
        finally:
            self.other.send_signal(signal.SIGCONT)

    def waiting(self, state: JobState = JobState.WAITING) -> list[str]:
        return [job.id for job in self.house.outbox.jobs(state)]

    def time_passes(self, *, leases: bool = False) -> None:
        """What waits for its time is due; with `leases`, that of a worker that is struck is over."""

        def work(client: object) -> None:
            due = outbox_due(JobKind.TRANSCRIPT)
            for job in client.zrange(due, 0, -1):
                if leases or not client.hexists("vm:{outbox}:leases", job):
                    # Only what is there still: one that was done meanwhile must not come back, with nothing in it.
                    client.zadd(due, {job: -(LEASE_S if leases else 3600)}, xx=True, incr=True)

        self.house.link.run(None, work)

    def settled(self) -> bool:
        """Whether all is done; the other host's pause for an engine that was away is seconds long."""
        self.time_passes()
        return not self.waiting()

    def wrong(self, name: str, mails: int) -> list[str]:
        """What is not as it must be with a message, after all is done; mails: how many there were before."""
        written = self.house.mailboxes.message(ALICE, name).transcript
        put = [one for one in self.house.events() if one.what is EventType.TRANSCRIBED and one.message_id == name]
        sent = self.post.letters.mails[mails:]
        found = [] if written is not None and SAID in written.text else [f"its transcript is {written}"]
        found += [] if len(put) == 1 else [f"it was put there {len(put)} times"]
        found += [] if len(sent) == 1 else [f"{len(sent)} mails"]
        found += [f"a mail without its text: {mail['Message-ID']}" for mail in sent if SAID not in _text(mail)]
        return found + [f"given up: {job}" for job in self.waiting(JobState.DEAD)]


def struck(there: Installation, whom: str, how: signal.Signals, at: int) -> tuple[str, list[str]]:
    """One message, and the trouble at one point of its transcription: at which, `` = there are not so many; what is wrong."""
    there.other.send_signal(signal.SIGSTOP)
    name, mails = there.leave(), len(there.post.letters.mails)
    pids = {"Redis": there.redis.pid, "engine": there.engine.process.pid, "serve's supervisor": _PARENT}
    pid = pids.get(whom, _ITSELF)
    words = [sys.executable, "-m", "chaos.transcripts", "--worker", str(at), str(pid), str(int(how))]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = ("serve", "--no-notify") if whom.startswith("serve") else ("transcribe",)
    worker = subprocess.Popen(
        [*words, "--", *there.words("struck", *command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=paths,
    )
    try:
        told = json.loads(next(line for line in worker.stdout if line.startswith(b"{")))
        kind = told.get("kind", "")
        if kind:
            _mend(there, worker, whom, how, Path(f"/proc/{told['pid']}"))
        if whom != "serve's process":  # its supervisor has another by now
            there.other.send_signal(signal.SIGCONT)
        wait_until(there.settled, f"{name}: all is done after {whom}: {how.name} at point {at} ({kind})")
        if whom == "worker" and how is STOPPED:
            worker.send_signal(signal.SIGCONT)  # it believes that the message is still its own, and ends what it began
        if (whom, how) != ("serve's supervisor", KILLED):
            worker.terminate()
            worker.wait(100)
            wait_until(there.settled)
    finally:
        there.other.send_signal(signal.SIGCONT)
        _end(worker)
    return kind, there.wrong(name, mails)


def _mend(
    there: Installation, worker: subprocess.Popen[bytes], whom: str, how: signal.Signals, transcribing: Path
) -> None:
    pid = {"worker": worker.pid, "Redis": there.redis.pid, "engine": there.engine.process.pid}.get(whom)
    if pid and how is STOPPED:
        wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", f"{whom} stops")
    match whom, how:
        case (("serve's process" | "serve's supervisor"), _):
            # The supervisor kills what is stopped, and nothing outlives the supervisor.
            wait_until(lambda: not transcribing.exists(), f"{whom}: what transcribes has ended")
            there.time_passes(leases=True)
        case "worker", _:
            if how is KILLED:
                worker.wait(100)
            there.time_passes(leases=True)
        case "Redis", signal.SIGKILL:
            there.redis.process.wait(100)
            there.redis.start()
            wait_until(lambda: there.house.link.run(None, lambda client: not client.info("persistence")["loading"]))
        case "Redis", _:
            threading.Event().wait(1)  # whatever waits for it meanwhile; what must hold does not depend on how long
            there.redis.resume()
        case "engine", signal.SIGKILL:
            there.engine.end()
            there.engine.start()
        case _:
            there.engine.process.send_signal(signal.SIGCONT)


def campaign(there: Installation, every: int = 1) -> Iterator[tuple[str, str, str, list[str]]]:
    """Each trouble at every so many points: whom it struck, how, at which kind of point, what is wrong."""
    for whom, how in TROUBLES:
        at = 1
        while True:
            kind, wrong = struck(there, whom, how, at)
            if not kind:
                break
            yield whom, "killed" if how is KILLED else "stopped", kind, [f"at {at}: {one}" for one in wrong]
            at += every


def starved(there: Installation) -> Iterator[tuple[str, str, list[str]]]:
    """Each bad answer once: what becomes of the message at first, and what is wrong when all is over."""
    for answer, becomes in STARVED.items():
        there.other.send_signal(signal.SIGSTOP)
        name, mails = there.leave(), len(there.post.letters.mails)
        if answer == "refuses":
            there.engine.end()
        else:
            there.engine.tell(answer)
        there.other.send_signal(signal.SIGCONT)
        state = JobState.DEAD if becomes == "given up" else JobState.WAITING
        of_this = transcript_job(ALICE, name)  # its mail waits with a reason of its own
        job = wait_until(
            lambda state=state, job_id=of_this: next(
                (one for one in there.house.outbox.jobs(state) if one.id == job_id and one.error), None
            ),
            f"{answer} fails",
        )
        # Its own `due` may be the end of the lease of the next try already.
        again_s = re.search(rf"job {re.escape(job.id)}: attempt \d+: .*; again in (\d+) s", there.logs())
        soon = again_s is not None and int(again_s[1]) < LEASE_S / 2
        came = "given up" if state is JobState.DEAD else "all wait" if soon else "it alone waits"
        if answer == "refuses":
            there.engine.start()
        if state is JobState.DEAD:
            there.house.outbox.retry(job.id, there.house.clock.now())
            wait_until(there.settled)
            wrong = [one for one in there.wrong(name, mails) if "text" not in one and "2 times" not in one]
        else:
            wait_until(there.settled, f"all is done after {answer}")
            wrong = there.wrong(name, mails)
        yield answer, f"{came}, as the job said {job.error!r}", wrong


@contextlib.contextmanager
def installation() -> Iterator[Installation]:
    with contextlib.ExitStack() as stack:
        made = Installation(stack, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-"))))
        try:
            yield made
        except AssertionError:  # what was waited for in vain: why may stand there
            print(made.logs()[-10_000:], flush=True)
            raise


def _text(mail: object) -> str:
    return str(mail.get_body(("plain",)).get_content())


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
        process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


# -- the programs ---------------------------------------------------------------------------------


def _engine(port: int) -> int:
    with engine_server(port) as engine:
        for line in sys.stdin:
            engine.steps = [int(step) if step.isdigit() else step for step in json.loads(line)]
            print("told", flush=True)
    return 0


def _say(**said: object) -> None:
    """A line at once: the supervisor, and who takes a killed process's place, write there too."""
    os.write(1, f"{json.dumps(said)}\n".encode())


def _worker(at: int, pid: int, how: int, words: list[str]) -> int:
    """`esl-vm transcribe` or `serve`, struck once, at that point of its first message."""
    from esl_vm.cli.main import main
    from esl_vm.notify.job_worker import JobWorker

    once, fill = os.pipe()  # shared with what is forked later: who takes a killed one's place is let alone
    os.write(fill, b"1")
    os.set_blocking(once, False)

    def strike() -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(once, 1)
            _say(kind=points.last, pid=os.getpid())
            os.kill({_ITSELF: os.getpid(), _PARENT: os.getppid()}.get(pid, pid), how)

    class OneThread(Points):
        def point(self, kind: str) -> None:
            if threading.current_thread().name == "transcription 1":
                super().point(kind)

    points = OneThread(Path("/nowhere"), at, strike, active=True)
    install(points)
    for name, kind in (("request", "engine: before it is asked"), ("getresponse", "engine: before its answer")):
        plain = getattr(http.client.HTTPConnection, name)

        def asked(*args: object, plain=plain, kind: str = kind, **more: object) -> object:
            points.point(kind)
            return plain(*args, **more)

        setattr(http.client.HTTPConnection, name, asked)
    carry = JobWorker.carry

    def carried(self: JobWorker, job: object) -> None:
        try:
            carry(self, job)
        finally:
            points.active = False
            _say(passed=points.passed)

    JobWorker.carry = carried
    return main(words)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m chaos.transcripts")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth point")
    parser.add_argument("--engine", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--worker", nargs=3, type=int, help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.engine:
        return _engine(given.engine)
    if given.worker:
        return _worker(*given.worker, given.words)
    seen: Counter[tuple[str, str]] = Counter()
    bad: list[str] = []
    with installation() as there:
        for whom, how, kind, wrong in campaign(there, given.every):
            seen[whom, how] += 1
            bad += [f"{whom} {how}, {kind}, {one}" for one in wrong]
            print(f"{whom} {how}, {kind}: {'; '.join(wrong) or 'as it must be'}", flush=True)
        for answer, came, wrong in starved(there):
            if not came.startswith(f"{STARVED[answer]},"):
                wrong.append(f"expected: {STARVED[answer]}")
            bad += [f"{answer}: {one}" for one in wrong]
            print(f"the engine answers {answer}: {came}; {'; '.join(wrong) or 'as it must be'}", flush=True)
    print("\n".join(f"| {whom} | {how} | {count} |" for (whom, how), count in seen.items()))
    print(f"{seen.total()} points, {len(STARVED)} bad answers; wrong: {len(bad)}", *bad, sep="\n")
    return bool(bad)


if __name__ == "__main__":
    raise SystemExit(main())
