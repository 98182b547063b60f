"""The log: lines for people, or one JSON object a line for machines, on the standard error.

Whoever logs waits for nobody. A reader that stopped reading (a stalled `| tee`, a container's log driver) or a disk that
is full would otherwise stop every call: so lines are written by a thread of their own, a real one also where gevent runs,
and those that find the queue full are dropped, counted, and spoken of as soon as something can be written again.
"""

from __future__ import annotations

import atexit
import io
import logging
import os
import sys
import time
from _queue import SimpleQueue  # the real ones: gevent, where it runs, has replaced those of `queue` and `threading`
from _thread import start_new_thread
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from esl_vm.model.visible import json_text, many_lines, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_LINES = 5000
"""Lines that may wait to be written, in each process."""
_FULL_FOR_NOW_S = 0.05
_TOGETHER_S = 0.02
"""After a line, those of so long are written in one go: each waking of the thread takes the interpreter from the calls."""
_LOOK_S = 0.01
_STDERR = 2


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= getattr(record, "fields", {})  # a call's record, each part under its name
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json_text(said)


class _TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s [%(process)d] %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return many_lines(super().format(record))  # a traceback has lines of its own


class Writer:
    """Writes lines to a file descriptor from a thread of its own; who gives it one never waits, and nothing is raised.

    Args:
        descriptor: where to.
        dropped: the line that tells how many were dropped; None: nothing is told.

    Attributes:
        lost: lines that this process dropped: the queue was full, or they could not be written.
    """

    def __init__(self, descriptor: int, dropped: Callable[[int], str] | None = None) -> None:
        self.lost = 0
        self._descriptor = descriptor
        self._dropped = dropped
        self._reported = 0
        self._torn = False
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._started = False
        self._given = self._done = 0
        os.register_at_fork(after_in_child=self._begin)  # the thread is the parent's, and so is what waits

    def put(self, line: str) -> None:
        """Have a line written; its end is added."""
        if not self._started:
            self._started = True
            start_new_thread(self._run, (self._lines,))
        if self._given - self._done >= MOST_LINES:
            self.lost += 1
            return
        self._given += 1
        self._lines.put(line)

    def finish(self, seconds: float) -> None:
        """Wait until everything is written, so many seconds at most."""
        until = time.monotonic() + seconds
        while self._done < self._given and time.monotonic() < until:
            time.sleep(_LOOK_S)

    def _begin(self) -> None:
        self._lines = SimpleQueue()
        self._started = False
        self._given = self._done = 0
        self.lost = self._reported = 0  # the parent counts its own

    def _run(self, lines: SimpleQueue[str]) -> None:
        while True:
            waiting = [lines.get()]
            waiting += [lines.get() for _ in range(lines.qsize())]
            if self._write("\n".join(waiting)) and self._dropped and self.lost > self._reported:
                lost = self.lost
                if self._write(self._dropped(lost - self._reported)):
                    self._reported = lost
            self._done += len(waiting)
            _sleep(_TOGETHER_S)

    def _write(self, line: str) -> bool:
        left = ("\n" * self._torn + line + "\n").encode("utf-8", "backslashreplace")
        try:
            while left:
                try:
                    left = left[os.write(self._descriptor, left) :]
                except BlockingIOError:  # somebody who shares it made it so
                    _sleep(_FULL_FOR_NOW_S)
        except OSError:  # closed, its reader gone, its disk full
            self.lost += left.lstrip(b"\n").count(b"\n")
            return False
        finally:
            self._torn = bool(left)
        return True


_sleep = time.sleep  # the real one: this thread has no other greenlets


class _Handler(logging.Handler):
    """Gives what is logged to the writer."""

    def __init__(self) -> None:
        super().__init__()
        self.writer = Writer(_STDERR, self._dropped)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.writer.put(self.format(record))
        except Exception:  # as logging has it: a line that can't be made is reported, and ends nothing
            self.handleError(record)

    def _dropped(self, lines: int) -> str:
        said = f"{lines} lines of the log were dropped: nobody read the standard error, or its disk was full"
        return self.format(logging.LogRecord(__name__, logging.WARNING, "", 0, said, None, None))


class _StandardError(io.TextIOBase):
    """What is written to the standard error by others (gevent's tracebacks, warnings), as lines of the log."""

    def __init__(self) -> None:
        self._line = ""

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if line:
                logging.getLogger("stderr").error("%s", line)
        return len(text)


def formatter(log_format: str) -> logging.Formatter:
    """What makes a line of a record: `text` for people, `json` for machines."""
    return _JsonFormatter() if log_format == "json" else _TextFormatter()


def configure(level: str, log_format: str) -> None:
    """Log from that level on (`debug`, `info`, `warning`, `error`), as `text` or `json`; replaces what was before."""
    handler = _Handler()
    handler.setFormatter(formatter(log_format))
    # What no line shows need not be found out for each: the source's place, and the thread (a greenlet here).
    logging._srcfile = None  # noqa: SLF001 - as the logging HOWTO's "Optimization" says
    logging.logThreads = False
    logging.logMultiprocessing = False
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    atexit.register(finish)


def take_standard_error() -> None:
    """From now on whatever this process writes to `sys.stderr` is a line of the log: it must wait for nobody either."""
    sys.stderr = _StandardError()


def dropped() -> int:
    """How many lines of the log this process has dropped."""
    return sum(writer.lost for writer in _writers())


def finish(seconds: float = 1.0) -> None:
    """Have what was logged written, in so many seconds at most; a process that ends by `os._exit` must ask for it."""
    for writer in _writers():
        writer.finish(seconds)


def _writers() -> list[Writer]:
    return [handler.writer for handler in logging.getLogger().handlers if isinstance(handler, _Handler)]
