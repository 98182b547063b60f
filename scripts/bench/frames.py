"""Frames of real size: captures of FreeSWITCH 1.11 with this call's ids put in."""

from __future__ import annotations

from pathlib import Path

from esl_vm.esl.wire import Decoder

_CAPTURES = Path(__file__).absolute().parents[2] / "tests" / "data" / "wire"
OK = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
API_OK = b"Content-Type: api/response\nContent-Length: 4\n\n+OK\n"
API_TRUE = b"Content-Type: api/response\nContent-Length: 4\n\ntrue"


def _captured(name: str, event: str) -> bytes:
    decoder = Decoder()
    decoder.feed((_CAPTURES / name).read_bytes())
    found = next(frame for frame in decoder if frame.event == event)
    return found.body or found.head + b"\n\n"


def _header(block: bytes, name: bytes) -> bytes:
    start = block.index(b"\n" + name + b": ") + len(name) + 3
    return block[start : block.index(b"\n", start)]


class Frames:
    """What FreeSWITCH writes of one call.

    Args:
        uuid: the call's. destination: the number that was dialled. variables: channel variables on top of the captured ones.
    """

    _connect = _captured("executes-with-event-lock.esl", "CHANNEL_DATA")
    _execute = _captured("executes-with-event-lock.esl", "CHANNEL_EXECUTE")
    _complete = _captured("executes-with-event-lock.esl", "CHANNEL_EXECUTE_COMPLETE")
    _dtmf = _captured("type-ahead.esl", "DTMF")

    def __init__(self, uuid: str, destination: str, variables: dict[str, str]) -> None:
        own = uuid.encode()

        def mine(block: bytes) -> bytes:
            return block.replace(_header(block, b"Unique-ID"), own)

        more = "".join(f"variable_{name}: {value}\n" for name, value in variables.items()).encode()
        dialled = _header(self._connect, b"Caller-Destination-Number")
        self.connect = mine(self._connect).replace(dialled, destination.replace("*", "%2A").encode())
        self.connect = self.connect.replace(b"variable_socket_host", more + b"variable_socket_host")
        self._before_application = (
            mine(self._complete)
            .rpartition(b"Application: ")[0]
            .replace(b"variable_current_application: answer", b"variable_current_application: playback")
        )
        self._execute_start = mine(self._execute).rpartition(b"Application-UUID: ")[0]
        before, _, after = mine(self._dtmf).rpartition(b"DTMF-Digit: ")
        self._dtmf_parts = before + b"DTMF-Digit: ", after[after.index(b"\n") :]

    def executing(self, application_uuid: bytes) -> list[bytes]:
        """CHANNEL_EXECUTE, 5.9 kB."""
        return _event(self._execute_start + b"Application-UUID: %s\n\n" % application_uuid)

    def completed(self, application: bytes, application_uuid: bytes, key: str) -> list[bytes]:
        """CHANNEL_EXECUTE_COMPLETE, 6.6 kB; of a playback, one that this key ended (`` = its end)."""
        response = b"FILE%20PLAYED" if application == b"playback" else b"_none_"
        used = b"variable_playback_terminator_used: %s\n" % _encoded(key) if key else b""
        about = b"Application: %s\nApplication-Response: %s\nApplication-UUID: %s\n\n"
        return _event(self._before_application + used + about % (application, response, application_uuid))

    def pressed(self, key: str) -> list[bytes]:
        """DTMF, 2.1 kB."""
        before, after = self._dtmf_parts
        return _event(before + _encoded(key) + after)


def _encoded(key: str) -> bytes:
    return {"#": b"%23", "*": b"%2A"}.get(key) or key.encode()


def _event(body: bytes) -> list[bytes]:
    """An event in the two pieces in which FreeSWITCH writes it."""
    return [b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(body), body]
