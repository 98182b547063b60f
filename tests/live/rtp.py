"""A telephone's sound: any codec sent, PCMU heard, keys as RFC 2833 events, everything with the time at which it was."""

from __future__ import annotations

import secrets
import socket
import struct
from collections import deque
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from live import codecs
from live.telephone_sound import FRAME, RATE, from_ulaw

if TYPE_CHECKING:
    from collections.abc import Callable

    from live.codecs import Codec
    from live.loop import Loop

PCMU, KEYS, COMFORT_NOISE = 0, 101, 13
"""Payload types. That of the keys is ours to choose: the offer names it."""
FRAME_S = FRAME / RATE
KEY_FRAMES, PAUSE_FRAMES = 4, 3
"""A key of 80 ms, 60 ms until the next: as fast as a telephone that dials a stored number."""
PAUSE = 5
"""Time stamps that skip more frames than this are a pause."""
_EVENTS = "0123456789*#"
TONES = {key: ((697, 770, 852, 941)[at // 3], (1209, 1336, 1477)[at % 3]) for at, key in enumerate("123456789*0#")}
"""The two frequencies of each key, in Hz (ITU-T Q.23)."""
_HEAD = struct.Struct("!BBHII")
_MARKER = 0x80


class Quiet(Enum):
    """What a telephone sends while nobody talks: silence as sound, nothing at all (DTX), or comfort noise (RFC 3389)."""

    SILENCE = "silence"
    NOTHING = "nothing"
    COMFORT_NOISE = "comfort noise"


@dataclass(frozen=True)
class Sends:
    """What a telephone sends: in which codec, and what while nobody talks."""

    codec: Codec = codecs.PCMU
    quiet: Quiet = Quiet.SILENCE


@dataclass(frozen=True)
class Arrived:
    """A packet of sound: when it came (seconds since 1970), its number, time stamp and mark, and its sound."""

    at: float
    number: int
    stamp: int
    mark: bool
    sound: bytes


class RtpStream:
    """The sound of one call. It sends silence, the voice while talking, and keys; it keeps what it hears.

    Args:
        loop: its clock.
        voice: what is said while talking, over and over; at the codec's rate.
        pressed: called with each key as it is released.
        sends: what it is sent as.

    Attributes:
        leaks_ms: so much of a key's tone is heard before the key is told, as with many a gateway.
        key_frames: for how many packets a key is held.
    """

    def __init__(self, loop: Loop, voice: np.ndarray, pressed: Callable[[str], None], sends: Sends) -> None:
        self.arrived: list[Arrived] = []
        self.leaks_ms = 0
        self.key_frames = KEY_FRAMES
        self._loop = loop
        self._codec = sends.codec
        self._quiet = sends.quiet
        self._voice = self._codec.packets(voice)
        self._pressed = pressed
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._far: tuple[str, int] | None = None
        self._source = secrets.randbits(32)
        self._number, self._stamp = secrets.randbits(15), secrets.randbits(31)
        self._due = 0.0
        self._said: int | None = None  # the next packet of the voice; None: silent
        self._frames: deque[Callable[[], None]] = deque()  # what is to be sent instead of sound
        loop.watch(self._socket, self._read)

    def start(self, far: tuple[str, int]) -> None:
        """Begin to send, a packet every 20 ms."""
        self._far = far
        self._due = self._loop.now()
        self._tick()

    def change(self, codec: Codec, voice: np.ndarray) -> None:
        """Go on in another codec, from the beginning of that voice."""
        self._codec = codec
        self._voice = codec.packets(voice)
        self._said = None if self._said is None else 0

    def close(self) -> None:
        """Send and hear no more."""
        self._far = None
        self._loop.forget(self._socket)

    def talk(self) -> None:
        """Begin to talk, from the beginning of the voice."""
        self._said = 0

    def quiet(self) -> None:
        """Be silent."""
        self._said = None

    def dial(self, keys: str) -> float:
        """Press keys, after those that are still to be pressed; returns when the last one is over."""
        for key in keys:
            self._frames.extend(self._leaked(key))
            code, begun = _EVENTS.index(key), [0]
            for frame in range(self.key_frames):
                last = frame == self.key_frames - 1
                self._frames.append(
                    lambda code=code, begun=begun, frame=frame, last=last: self._key(code, begun, frame, last)
                )
            self._frames[-1] = self._released(self._frames[-1], key)
            self._frames.extend([self._sound] * PAUSE_FRAMES)
        return self._due + len(self._frames) * FRAME_S

    def _leaked(self, key: str) -> list[Callable[[], None]]:
        """The beginning of a key's tone, in the sound, where it leaks."""
        seconds = np.arange(self._codec.rate * self.leaks_ms // 1000) / self._codec.rate
        tone = sum(6000 * np.sin(2 * np.pi * hertz * seconds) for hertz in TONES[key]) if len(seconds) else seconds
        packets = self._codec.packets(np.asarray(tone).astype(np.int16)) if len(seconds) else []
        return [lambda packet=packet: self._send(self._codec.payload, self._stamp, packet) for packet in packets]

    def _tick(self) -> None:
        if self._far is None:
            return
        self._stamp = (self._stamp + self._codec.step) & 0xFFFFFFFF
        (self._frames.popleft() if self._frames else self._sound)()
        self._due += FRAME_S
        self._loop.call_at(self._due, self._tick)

    def _sound(self) -> None:
        if self._said is not None:
            self._send(self._codec.payload, self._stamp, self._voice[self._said])
            self._said = (self._said + 1) % len(self._voice)
        elif self._quiet is Quiet.SILENCE:
            self._send(self._codec.payload, self._stamp, codecs.silence(self._codec))
        elif self._quiet is Quiet.COMFORT_NOISE:
            self._send(COMFORT_NOISE, self._stamp, b"\x50")

    def _key(self, code: int, begun: list[int], frame: int, last: bool) -> None:
        """A packet of a key: all have the time stamp of its beginning; the last, its end, is sent three times."""
        if self._said is not None:  # the voice goes on meanwhile, unheard
            self._said = (self._said + 1) % len(self._voice)
        if not frame:
            begun[0] = self._stamp
        event = struct.pack("!BBH", code, 0x80 | 10 if last else 10, (frame + 1) * self._codec.step)
        for _ in range(3 if last else 1):
            self._send(KEYS | (0 if frame else _MARKER), begun[0], event)

    def _released(self, send: Callable[[], None], key: str) -> Callable[[], None]:
        def both() -> None:
            send()
            self._pressed(key)

        return both

    def _send(self, payload_type: int, stamp: int, payload: bytes) -> None:
        assert self._far is not None
        self._number = (self._number + 1) & 0xFFFF
        self._socket.sendto(_HEAD.pack(0x80, payload_type, self._number, stamp, self._source) + payload, self._far)

    def _read(self) -> None:
        while True:
            try:
                packet = self._socket.recv(2048)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # FreeSWITCH has closed its end already
                continue
            packet_type = packet[1] & 0x7F
            if packet_type == PCMU:
                _, mark, number, stamp, _ = _HEAD.unpack_from(packet)
                self.arrived.append(Arrived(self._loop.now(), number, stamp, bool(mark & _MARKER), packet[12:]))


def runs(arrived: list[Arrived]) -> list[list[Arrived]]:
    """The packets in stretches without a pause. FreeSWITCH sends nothing while no application runs.

    Within a stretch the sound goes on from packet to packet. On a busy machine FreeSWITCH's time stamps skip a frame here
    and there (a telephone plays 20 ms of nothing), but no sound is left out for it.
    """
    stretches: list[list[Arrived]] = []
    for packet in arrived:
        if not stretches or _frames_between(stretches[-1][-1], packet) > PAUSE:
            stretches.append([])
        stretches[-1].append(packet)
    return stretches


def holes(arrived: list[Arrived]) -> int:
    """How many times FreeSWITCH's time stamps skipped within a stretch."""
    return sum(_frames_between(a, b) > 1 for run in runs(arrived) for a, b in pairwise(run))


def recording_of(arrived: list[Arrived], began: float, until: float) -> np.ndarray:
    """What was heard from one moment to another, silence where nothing came; each stretch whole, from when it began."""
    heard = np.zeros(max(0, round((until - began) * RATE)), dtype=np.int16)
    for run in runs(arrived):
        sound = sound_of(run)
        # The packet that was delayed least tells when the stretch began.
        start = min(packet.at - place * FRAME_S for place, packet in enumerate(run))
        first = max(0, round((start - began) * RATE))
        sound = sound[: max(0, len(heard) - first)]
        heard[first : first + len(sound)] = sound
    return heard


def sound_of(arrived: list[Arrived]) -> np.ndarray:
    """The sound of these packets, one after the other."""
    return from_ulaw(b"".join(packet.sound for packet in arrived))


def _frames_between(first: Arrived, second: Arrived) -> int:
    """By how many frames the second packet's time stamp is later; much, if FreeSWITCH began to count anew."""
    return ((second.stamp - first.stamp) & 0xFFFFFFFF) // FRAME
