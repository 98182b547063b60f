"""The threads that carry jobs of transcription, in a process of its own (`esl-vm transcribe`)."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from esl_vm.model.actor import acting
from esl_vm.model.errors import StoreDownError
from esl_vm.model.jobs import JobKind
from esl_vm.model.rate_limited_log import RateLimitedLog
from esl_vm.notify.job_worker import JobWorker

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.model.jobs import Job
    from esl_vm.notify.job_worker import Outcome
    from esl_vm.ports import Clock
    from esl_vm.store.outbox import RedisOutbox

log = logging.getLogger(__name__)

_PAUSE_S = 1.0
_REPORT_S = 15.0


class Transcribing:
    """Runs until it is stopped.

    Args:
        outbox, clock: see the ports.
        carry: transcribes one message, as TranscriptMaker does.
        at_once: messages at once, each in a thread and with one sound in memory.
        retry_s: how long after it was planned a job is tried again, seconds.
        poll_s: seconds between looks for jobs.
        report: says that somebody is here who transcribes; called every fifteen seconds.
    """

    def __init__(
        self,
        outbox: RedisOutbox,
        carry: Callable[[Job], Outcome],
        clock: Clock,
        *,
        at_once: int = 1,
        retry_s: float = 86400.0,
        poll_s: float = 2.0,
        report: Callable[[], None] = lambda: None,
    ) -> None:
        self._worker = JobWorker(JobKind.TRANSCRIPT, outbox, carry, clock, patience_s=retry_s, at_once=at_once)
        self._poll_s, self._report = poll_s, report
        self._stopping = threading.Event()
        self._waits = RateLimitedLog(log, logging.WARNING, most=1)
        self._threads = [
            threading.Thread(target=self._run, name=f"transcription {number + 1}", daemon=True)
            for number in range(at_once)
        ]
        self._threads.append(threading.Thread(target=self._keep_reporting, name="transcription reports", daemon=True))

    def start(self) -> None:
        """Begin; returns at once."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 5.0) -> bool:
        """Stop; what is being transcribed may end within so many seconds, else another worker begins it anew."""
        self._stopping.set()
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with acting("transcription"):
                    idle = not self._worker.step()
                if idle:
                    self._stopping.wait(self._poll_s)
            except StoreDownError as away:
                self._waits.log("transcription waits: %s", away)
                self._stopping.wait(_PAUSE_S)
            except Exception:  # the outermost handler: the next job may succeed
                log.exception("transcription failed; goes on")
                self._stopping.wait(_PAUSE_S)

    def _keep_reporting(self) -> None:
        while True:
            try:
                self._report()
            except StoreDownError as away:
                self._waits.log("transcription waits: %s", away)
            except Exception:  # the outermost handler: the next report may succeed
                log.exception("reporting that messages are transcribed here")
            if self._stopping.wait(_REPORT_S):
                return
