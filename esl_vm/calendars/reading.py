"""Reading calendars from where they are, by the background process: bounded in time and size, never in a call's way."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import re
import socket
import ssl
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from esl_vm import __version__
from esl_vm.model.calendars import Calendar
from esl_vm.model.deadline import cut, deadline
from esl_vm.model.masking import mask_url, mask_urls
from esl_vm.model.message import one_line
from esl_vm.model.open_internet import PrivateAddressError, open_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.calendars.folder import CalendarFolder
    from esl_vm.model.settings import CalendarSettings
    from esl_vm.ports import Clock

log = logging.getLogger(__name__)

_WEBCAL = re.compile(r"^webcals?(?=://)")
_REDIRECTS = 3


class CalendarError(Exception):
    """A calendar can't be read; the sentence says why."""


class CalendarReader:
    """Keeps a node's calendars as they are where they come from; what can't be read stays as it was read last.

    Args:
        settings: which there are, and their bounds.
        folder: where they are kept.
        clock: the time.
        timezone: of times that name none.
        dates: what reads days and times out of bytes; None: a process of its own.
    """

    def __init__(
        self,
        settings: CalendarSettings,
        folder: CalendarFolder,
        clock: Clock,
        timezone: str,
        dates: Callable[[str, str, bytes, int], dict[str, Any]] | None = None,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._clock = clock
        self._timezone = timezone
        self._dates = dates or dates_by_process

    def read_all(self) -> None:
        """Read every calendar once."""
        sources = dict(source.split("=", 1) for source in self._settings.sources)
        self._folder.forget_others({*sources, *self._settings.holidays})
        for region in self._settings.holidays if find_spec("holidays") else ():
            self._read(
                region,
                "public holidays",
                lambda region=region: self._dates("holidays", region, b"", self._settings.timeout_s),
            )
        for name, source in sources.items():
            source = _WEBCAL.sub("https", source)
            self._read(
                name,
                mask_url(source) if "://" in source else source,
                lambda source=source: self._dates(
                    "icalendar", self._timezone, self._content(source), self._settings.timeout_s
                ),
            )

    def _read(self, name: str, source: str, read: Any) -> None:
        before = self._folder.get(name) or Calendar(name)
        try:
            found = read()
            spans = tuple((start, end) for start, end in found["spans"])
            after = Calendar(name, source, frozenset(found["days"]), spans, self._clock.now())
        except (CalendarError, OSError, http.client.HTTPException, ValueError) as wrong:
            problem = mask_urls(one_line(str(wrong) or type(wrong).__name__, 200))
            after = replace(before, source=source, problem=problem)
            if before.problem != problem:
                log.warning(
                    "calendar %s can't be read%s: %s", name, "; its last copy holds" * bool(before.read), problem
                )
        self._folder.put(after)

    def _content(self, source: str) -> bytes:
        """What an address or a file holds; raises CalendarError, OSError."""
        limit = self._settings.largest_kb << 10
        if "://" not in source:
            path = Path(source)
            if not path.is_file():
                raise CalendarError("there is no such file")
            with path.open("rb") as opened:
                content = opened.read(limit + 1)
        else:
            content = self._fetched(source, limit)
        if len(content) > limit:
            raise CalendarError(f"it has more than {self._settings.largest_kb} KB")
        return content

    def _fetched(self, url: str, limit: int) -> bytes:
        for _ in range(_REDIRECTS + 1):
            status, location, content = self._asked(url, limit)
            if status in {301, 302, 303, 307, 308} and location:
                url = urljoin(url, location)
                continue
            if status != 200:
                raise CalendarError(f"{mask_url(url)} answers {status}")
            return content
        raise CalendarError(f"it is sent on more than {_REDIRECTS} times")

    def _asked(self, url: str, limit: int) -> tuple[int, str, bytes]:
        """One answer: status, where it sends us, and at most one byte more than the limit."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        if parts.scheme not in {"http", "https"} or not host:
            raise CalendarError(f"{mask_url(url)} is no web address")
        line = http.client.HTTPConnection(host, port, timeout=self._settings.timeout_s)
        held: list[socket.socket | None] = [None]
        with contextlib.closing(line), deadline(self._settings.timeout_s, lambda: cut(held[0])) as struck:
            try:
                # The address that was judged is the one that is connected to: a name may have another a moment later.
                plain = socket.create_connection((self._address(host, port), port), self._settings.timeout_s)
                held[0] = plain
                line.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
                held[0] = line.sock
                target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
                line.request(
                    "GET",
                    target,
                    headers={"Accept": "text/calendar", "User-Agent": f"esl-vm/{__version__}", "Connection": "close"},
                )
                answer = line.getresponse()
                content = answer.read(limit + 1)
            except (OSError, http.client.HTTPException, ValueError) as wrong:
                if struck.is_set() or isinstance(wrong, TimeoutError):
                    raise CalendarError(f"{mask_url(url)}: no answer within {self._settings.timeout_s} s") from wrong
                raise CalendarError(f"{mask_url(url)}: {wrong}") from wrong
            if struck.is_set():
                raise CalendarError(f"{mask_url(url)}: no answer within {self._settings.timeout_s} s")
        return answer.status, answer.headers.get("location", ""), content

    def _address(self, host: str, port: int) -> str:
        """The address of a host; raises CalendarError for one that is not of the open internet, unless that is allowed."""
        try:
            return open_address(host, port, private=self._settings.private)
        except PrivateAddressError as private:
            raise CalendarError(f"{private} (calendars.private)") from None


def dates_by_process(kind: str, what: str, content: bytes, timeout_s: int) -> dict[str, Any]:
    """Days and spans, read by a process of its own (`dates.py`) that is killed when it takes too long; raises CalendarError."""
    command = [sys.executable, "-m", "esl_vm.calendars.dates", kind, what]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=timeout_s, check=False)
        found: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise CalendarError(f"it takes more than {timeout_s} s to read") from None
    except ValueError:
        raise CalendarError("reading it ends before its end: it may be too large") from None
    if "problem" in found:
        raise CalendarError(found["problem"])
    return found
