"""What a telephone can send its sound as: PCMU, G.722, L16, Opus and (always the same) G.729, 20 ms a packet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from live.telephone_sound import to_ulaw


@dataclass(frozen=True)
class Codec:
    """How sound is sent.

    Args:
        name: as SDP says it. payload: RTP's number for it. rate: samples a second that it carries. channels: 1 or 2.
        clock: time stamps a second. av: FFmpeg's name for it, `` = none is needed.
    """

    name: str
    payload: int
    rate: int
    channels: int = 1
    clock: int = 0
    av: str = ""

    @property
    def step(self) -> int:
        """By how much a packet's time stamp is later than the one before."""
        return (self.clock or self.rate) // 50

    @property
    def rtpmap(self) -> str:
        """SDP's line on it."""
        channels = f"/{self.channels}" if self.channels > 1 else ""
        return f"a=rtpmap:{self.payload} {self.name}/{self.clock or self.rate}{channels}"

    def packets(self, samples: np.ndarray) -> list[bytes]:
        """16-bit samples at its rate as packets; stereo has the same on both sides."""
        frame = self.rate // 50
        whole = np.asarray(samples, dtype=np.int16)[: len(samples) // frame * frame]
        if self.channels == 2:
            whole = np.repeat(whole, 2)
        if self.name == "PCMU":
            return [to_ulaw(one) for one in whole.reshape(-1, frame)]
        if self.name == "G729":
            return [bytes(20)] * (len(whole) // frame)
        if self.name == "L16":
            return [one.astype(">i2").tobytes() for one in whole.reshape(-1, frame * self.channels)]
        return _by_av(self, whole.reshape(-1, frame * self.channels))


PCMU = Codec("PCMU", 0, 8000)
G722 = Codec("G722", 9, 16000, clock=8000, av="g722")
L16 = Codec("L16", 96, 16000)
WIDE = Codec("L16", 97, 48000, 2)
OPUS = Codec("opus", 98, 48000, 2, av="libopus")
G729 = Codec("G729", 18, 8000)


def why_not(codec: Codec) -> str:
    """Why this telephone can't send it, `` if it can."""
    if not codec.av:
        return ""
    try:
        import av

        av.codec.Codec(codec.av, "w")
    except (ImportError, ValueError) as error:
        return f"no encoder for {codec.name} (the package av): {error}"
    return ""


def _by_av(codec: Codec, frames: np.ndarray) -> list[bytes]:
    import av

    encoder = av.CodecContext.create(codec.av, "w")
    encoder.sample_rate = codec.rate
    encoder.layout = "stereo" if codec.channels == 2 else "mono"
    encoder.format = "s16"
    packets = []
    for samples in frames:
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", encoder.layout.name)
        frame.sample_rate = codec.rate
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


@lru_cache(maxsize=8)
def silence(codec: Codec) -> bytes:
    """A packet of silence."""
    return codec.packets(np.zeros(codec.rate // 10, dtype=np.int16))[-1]
