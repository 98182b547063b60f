"""The keys of one call, in the order in which they were pressed, as FreeSWITCH's DTMF events tell them.

A key may reach FreeSWITCH two ways: as an RFC 2833 event, and beside it by SIP INFO or as a tone in the sound. Each makes an event
of its own, with another `DTMF-Source`, 40 to 100 ms apart (seen on FreeSWITCH 1.11), or further where one is told when the key is pressed
and the other when it is released; `DTMF-Duration` then says when it was pressed. Counted twice, no PIN is ever right.
"""

from __future__ import annotations

from collections import deque

from esl_vm.model.call import ALL_KEYS

# Keys kept for later. Nobody dials more ahead.
MOST_KEYS = 64
# Seconds within which the same key from another source, told or pressed, is the same press. Nobody presses a key twice so quickly that one
# source tells the first press and another the second.
TWICE_S = 0.2
_DIGIT, _SOURCE, _DURATION = b"\nDTMF-Digit: ", b"\nDTMF-Source: ", b"\nDTMF-Duration: "
# DTMF-Duration counts samples, of 8000 a second on every line.
_SAMPLES_S = 8000
_TOLD_AT = b"\nEvent-Date-Timestamp: "
# The keys there are, as FreeSWITCH writes them. The four of a military telephone are none.
_KEYS = {key.encode(): key for key in ALL_KEYS} | {b"%23": "#", b"%2A": "*"}


class KeyQueue(deque[str]):
    """The queue of keys that nobody has asked for yet.

    Attributes:
        pressed: how many were pressed so far. repeats: how often one was told a second time, by another way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pressed = 0
        self.repeats = 0
        self._last = "", b"", 0.0

    def told(self, event: bytes, now: float) -> None:
        """Take a DTMF event of this call.

        Args:
            event: its headers as they came.
            now: when it came, seconds, for an event that does not say when it was made. By FreeSWITCH's clock, as it is for all others:
                while a PIN is being checked nobody reads.
        """
        key = _KEYS.get(_value(event, _DIGIT))
        if key is None:
            return
        last_key, before, before_at = self._last
        if key == last_key and _is_same_press(before, before_at, event, now):
            self.repeats += 1
            return
        self._last = key, event, now
        self.pressed += 1
        if len(self) < MOST_KEYS:
            self.append(key)

    def take(self, keys: str) -> str | None:
        """The first of `keys` in the queue; those before it are dropped. None, and an empty queue, if there is none."""
        while self:
            key = self.popleft()
            if key in keys:
                return key
        return None


def _is_same_press(before: bytes, before_at: float, event: bytes, now: float) -> bool:
    """Whether two events of a key tell of one press, by two ways."""
    if _value(before, _SOURCE) == _value(event, _SOURCE):
        return False
    (told_before, pressed_before), (told, pressed) = _times(before, before_at), _times(event, now)
    return told - told_before < TWICE_S or abs(pressed - pressed_before) < TWICE_S


def _times(event: bytes, now: float) -> tuple[float, float]:
    """When a key was told, and when it was pressed."""
    micros, samples = _value(event, _TOLD_AT), _value(event, _DURATION)
    at = int(micros) / 1e6 if micros.isdigit() else now
    return at, at - (int(samples) / _SAMPLES_S if samples.isdigit() else 0.0)


def _value(event: bytes, name: bytes) -> bytes:
    """The value of an event's last header of that name, as FreeSWITCH writes it; empty if there is none."""
    at = event.rfind(name)
    return event[at + len(name) : event.find(b"\n", at + len(name))] if at >= 0 else b""
