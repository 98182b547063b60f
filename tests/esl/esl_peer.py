"""FreeSWITCH's end of a call for tests: in memory, in virtual time, as much of it as these tests need.

A `Switch` is the stream given to a session. What the session writes is answered by scheduled bytes; when the session
waits, time goes on to the next of them. Nothing sleeps.
"""

from __future__ import annotations

import heapq
from itertools import count
from urllib.parse import quote

UUID = "1017a36e-bc27-445a-9115-9ea9420a8488"
TICK = 0.02


def headers(pairs: dict[str, str]) -> bytes:
    """Headers as FreeSWITCH writes those of events: values URL-encoded, some marks left alone."""
    return "".join(f"{name}: {quote(value, safe='/,()!*-._~ '.strip())}\n" for name, value in pairs.items()).encode()


def event(name: str, **more: str) -> bytes:
    """A `text/event-plain` frame."""
    body = (
        headers({"Event-Name": name, "Unique-ID": UUID, **{k.replace("__", "-"): v for k, v in more.items()}}) + b"\n"
    )
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(body), body)


def described(**more: str) -> bytes:
    """The reply to `connect`."""
    about = {
        "Event-Name": "CHANNEL_DATA",
        "FreeSWITCH-Hostname": "media1",
        "Unique-ID": UUID,
        "Answer-State": "ringing",
        "Channel-Read-Codec-Rate": "8000",
        "Caller-Caller-ID-Name": "Anné Dupont",
        "Caller-Caller-ID-Number": "1001",
        "Caller-Destination-Number": "*97",
        "Caller-Privacy-Hide-Number": "false",
        "variable_vm_action": "check",
        "variable_domain_name": "example.org",
        "variable_sip_full_via": "SIP/2.0/UDP",
    }
    about |= {name.replace("__", "-"): value for name, value in more.items()}
    return (
        headers({k: v for k, v in about.items() if v} | {"Content-Type": "command/reply", "Reply-Text": "+OK\n"})
        + b"\n"
    )


def reply(text: str = "+OK") -> bytes:
    return f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()


def answer(text: str) -> bytes:
    return f"Content-Type: api/response\nContent-Length: {len(text.encode())}\n\n{text}".encode()


LINGER = (
    f"Content-Type: text/disconnect-notice\nControlled-Session-UUID: {UUID}\nContent-Disposition: linger\n"
    "Linger-Time: 30\nContent-Length: 0\n\n"
).encode()
GOODBYE = b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
DISCONNECT = (
    b"Content-Type: text/disconnect-notice\nContent-Disposition: disconnect\nContent-Length: %d\n\n" % len(GOODBYE)
) + GOODBYE


class Pack:
    """Prompts as files of their own name; `two` is said by two files, `none` by none."""

    spaced = False
    as_of = 0

    def files(self, prompt):
        return {"two": ("/p/fr/a.wav", "/p/fr/b.wav"), "none": ()}.get(prompt.name, (f"/p/fr/{prompt.name}.wav",))


class Running:
    """An application as it runs."""

    def __init__(self, name: str, argument: str, uuid: str) -> None:
        self.name, self.argument, self.uuid = name, argument, uuid
        self.over = False


class Switch:
    """One call on FreeSWITCH, as a socket-like object with a clock of its own.

    Args:
        lasts: seconds the applications take whose argument contains this text; 2 otherwise, 0 but for sounds.
        answers: what api commands answer that begin so.
        description: headers of the reply to `connect`.
    """

    def __init__(
        self, lasts: dict[str, float] | None = None, answers: dict[str, str] | None = None, **description: str
    ):
        self.time = 0.0
        self.commands: list[str] = []
        self.executed: list[tuple[str, str]] = []
        self.variables: dict[str, str] = {}
        self.closed = False  # whether FreeSWITCH has closed the connection
        self.hung_up_on = False  # whether the service has
        self.lasts = lasts or {}
        usual = {"uuid_exists": "true", "file_exists": "true", "uuid_": "+OK\n"}
        self.answers = (answers or {}) | {start: said for start, said in usual.items() if start not in (answers or {})}
        self.description = description
        self.running: Running | None = None
        self.silent = False
        self.after_hang_up = True  # whether the running application's end is told after the hang-up
        self.late_keys = False  # whether the application's end is told before the key's event
        self._queue: list[Running] = []
        self._unread = b""
        self._written = b""
        self._heap: list = []
        self._count = count()

    # -- the socket --------------------------------------------------------------------------------------------------

    def clock(self) -> float:
        return self.time

    def settimeout(self, value: float | None) -> None:
        self._timeout = value

    def close(self) -> None:
        self.hung_up_on = True

    def stop_reading(self) -> None:
        self.closed = True

    def recv(self, size: int) -> bytes:
        end = float("inf") if self._timeout is None else self.time + self._timeout
        while not self._unread:
            if self.hung_up_on:
                raise OSError(9, "closed in another greenlet")
            if self.closed:
                return b""
            if not self._heap or self._heap[0][0] > end:
                if end == float("inf"):
                    raise AssertionError("waiting for ever")
                self.time = end
                raise BlockingIOError if self._timeout == 0 else TimeoutError
            at, _, what = heapq.heappop(self._heap)
            self.time = max(self.time, at)
            what()
        data, self._unread = self._unread[:size], self._unread[size:]
        return data

    def send(self, data: bytes) -> int:
        """Takes commands in pieces, so that none relies on being taken whole."""
        piece = data[:50]
        self.sendall(piece)
        return len(piece)

    def sendall(self, data: bytes) -> None:
        if self.closed:
            raise BrokenPipeError
        *whole, self._written = (self._written + data).split(b"\n\n")
        for block in whole:
            self.commands.append(block.decode())
            self._command(block.decode())

    # -- what a test makes happen ------------------------------------------------------------------------------------

    def at(self, seconds: float, what, *args) -> None:
        """Let something happen at that time."""
        heapq.heappush(self._heap, (seconds, next(self._count), lambda: what(*args)))

    def passes(self, seconds: float) -> None:
        """Let time pass without anybody reading."""
        end = self.time + seconds
        while self._heap and self._heap[0][0] <= end:
            self.time, _, what = heapq.heappop(self._heap)
            what()
        self.time = end

    def press(self, keys: str) -> None:
        """The caller presses keys now. FreeSWITCH stops the running application by its terminators."""
        for key in keys:
            heard = event("DTMF", DTMF__Digit=key, DTMF__Duration="2000")
            stops = self._stops(key)
            if not self.late_keys:
                self._write(heard)
            if stops:
                self._end(terminator=key)
            if self.late_keys:
                self.at(self.time + 0.005, self._write, heard)

    def hang_up(self, cause: str = "NORMAL_CLEARING") -> None:
        self._write(event("CHANNEL_HANGUP", Hangup__Cause=cause))
        self._queue.clear()
        if self.running and self.after_hang_up:
            self.at(self.time + 0.001, self._end)
        self.at(self.time + 0.002, self._write, event("CHANNEL_EXECUTE_COMPLETE", Application="socket", **_id("sock")))
        self.at(self.time + 0.003, self._write, LINGER)

    def falls_silent(self) -> None:
        """Nothing is said any more, not even what was on its way."""
        self.silent = True
        self._heap.clear()

    def cut(self) -> None:
        """The connection breaks."""
        self.closed = True

    def write(self, data: bytes) -> None:
        """FreeSWITCH sends these bytes."""
        self._write(data)

    # -- FreeSWITCH --------------------------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        self._unread += data

    def soon(self, data: bytes) -> None:
        """An answer; tests that answer otherwise call it too."""
        if not self.silent:
            self.at(self.time + 0.001, self._write, data)

    def _command(self, block: str) -> None:
        line = block.split("\n")[0]
        if line == "connect":
            self.soon(described(**self.description))
        elif line == "exit":
            self.soon(reply("+OK bye") + DISCONNECT)
            self.at(self.time + 0.002, self.stop_reading)
        elif line.startswith("api "):
            self.api(line[4:])
        elif line == "sendmsg":
            self.soon(reply())
            fields = dict(field.split(": ", 1) for field in block.split("\n")[1:])
            assert fields["event-lock"] == "true"
            self._queue.append(
                Running(fields["execute-app-name"], fields.get("execute-app-arg", ""), fields["Event-UUID"])
            )
            self.at(self.time + TICK, self._next)
        else:
            self.soon(reply())

    def api(self, text: str) -> None:
        """An api command; tests replace it."""
        if text.startswith("uuid_setvar "):
            _, _, name, *value = text.split(" ", 3)
            self.variables[name] = "".join(value)
        if text.startswith("uuid_setvar_multi "):
            for assignment in text.split(" ", 2)[2].split(";"):
                name, _, text_value = assignment.partition("=")
                self.variables[name] = text_value
        if text.startswith("uuid_break ") and self.running:
            self.at(self.time + TICK, self._end)
        self.soon(answer(next((said for start, said in self.answers.items() if text.startswith(start)), "-ERR\n")))

    def _next(self) -> None:
        if self.running or not self._queue:
            return
        self.running = running = self._queue.pop(0)
        self.executed.append((running.name, running.argument))
        lasts = 2.0 if running.name in {"playback", "record"} else 0.0
        lasts = next((seconds for text, seconds in self.lasts.items() if text in running.argument), lasts)
        self.at(self.time + lasts, self._over, running)

    def _over(self, running: Running) -> None:
        if self.running is running:
            self._end()

    def _stops(self, key: str) -> bool:
        wanted = self.variables.get("playback_terminators", "*")
        wanted = {"any": "0123456789*#", "none": ""}.get(wanted, wanted)
        return self.running is not None and self.running.name in {"playback", "record"} and key in wanted

    def _end(self, terminator: str = "") -> None:
        running, self.running = self.running, None
        if running is None:
            return
        more = {"Application": running.name, **_id(running.uuid), "Channel__Write__Codec__Rate": "8000"}
        more["Application__Response"] = "FILE PLAYED" if running.name == "playback" else "_none_"
        if "missing" in running.argument:
            more["Application__Response"] = "FILE NOT FOUND"
        if terminator:
            more["variable_playback_terminator_used"] = terminator
        more |= self.results(running)
        self._write(event("CHANNEL_EXECUTE_COMPLETE", **more))
        if self._queue:
            self._next()

    def results(self, running: Running) -> dict[str, str]:
        """Headers of an application's end; tests replace it."""
        return {"variable_record_ms": "1960"} if running.name == "record" else {}


def _id(uuid: str) -> dict[str, str]:
    return {"Application__UUID": uuid}
