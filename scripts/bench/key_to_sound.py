"""What a caller waits: from a key's release to the first sample of the answer, heard in the RTP.

    PYTHONPATH=scripts:tests python -m bench.key_to_sound [--calls 8] [--keys 20]

The service and mod_voicemail one after the other on one FreeSWITCH, telephones of the live tests. Needs FreeSWITCH with
mod_voicemail. Keys are pressed in the middle of a menu. Every prompt is a tone from its first sample on, one pitch for
the main menu and another for the options, so the moment at which the other menu begins can be heard to a packet (20 ms of
sound, its time of arrival to the millisecond).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from live.freeswitch import PROMPTS, find_freeswitch
from live.loop import Loop
from live.sip_phone import SipPhone
from live.telephone_sound import RATE, from_ulaw, read_wav, write_wav

from bench.processes import CORES, Service
from bench.real import MACROS, Node
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import MailboxId
from esl_vm.service.wiring import open_node

if TYPE_CHECKING:
    from live.rtp import Arrived

MAIN_HZ, OPTIONS_HZ = 400, 1000
TONE_S, SHORT_S = 8.0, 0.2
FIRST_KEY_S, EVERY_S, KEY_S = 4.0, 1.5, 0.08
OPTIONS = ("vm-options", "voicemail_config_menu")
# mod_voicemail says these before and after the menus, and takes no key meanwhile.
NO_MENUS = ("voicemail_hello", "voicemail_message_count", "voicemail_goodbye")


class Caller:
    """One call: into the options and back, a key every second and a half."""

    def __init__(self, loop: Loop, node: Node, context: str, keys: str) -> None:
        self.released: list[tuple[str, float]] = []
        self.over = threading.Event()
        self._loop, self._keys = loop, keys
        self._phone = SipPhone(
            loop,
            node.sip_port,
            number="1001",
            name="Alice",
            domain="127.0.0.1",
            voice=np.zeros(RATE, dtype=np.int16),
            pressed=lambda key: self.released.append((key, loop.now())),
            answered=self._answered,
            ended=lambda _why: self.over.set(),
        )
        self._phone.call("*97", {"X-Context": context, "X-vm_skip_pin": "true"})

    def _answered(self) -> None:
        for place, key in enumerate(self._keys):
            self._loop.call_later(FIRST_KEY_S + place * EVERY_S, lambda key=key: self._phone.sound.dial(key))
        self._loop.call_later(FIRST_KEY_S + len(self._keys) * EVERY_S, self._phone.hang_up)

    def waits_ms(self, into_options: str) -> list[float]:
        """For each key the milliseconds to the first packet of the other menu; a key without answer is missing."""
        arrived = self._phone.sound.arrived
        found = []
        for key, at in self.released:
            wanted = OPTIONS_HZ if key == into_options else MAIN_HZ
            first = next(
                (one.at for one in arrived if at <= one.at < at + EVERY_S - KEY_S and _pitch(one) == wanted), None
            )
            if first is not None:
                found.append((first - at) * 1000)
        return found

    def close(self) -> None:
        self._phone.close()


def _pitch(packet: Arrived) -> int:
    """Which of the two tones a packet is, 0 if none."""
    samples = from_ulaw(packet.sound).astype(np.int32)
    if np.abs(samples).mean() < 1000:
        return 0
    hertz = np.count_nonzero(np.diff(np.signbit(samples))) / 2 / (len(samples) / RATE)
    return next((tone for tone in (MAIN_HZ, OPTIONS_HZ) if abs(hertz - tone) < 150), 0)


def _tones(folder: Path) -> tuple[Path, dict[str, Path]]:
    """A folder of English prompts that are all tones; and mod_voicemail's macros."""
    times = np.arange(round(TONE_S * RATE)) / RATE
    main, options = (
        write_wav(folder / f"{hertz}.wav", (8000 * np.sin(2 * np.pi * hertz * times)).astype(np.int16))
        for hertz in (MAIN_HZ, OPTIONS_HZ)
    )
    for source in (PROMPTS / "en").rglob("*.wav"):
        prompt = folder / "sounds" / source.relative_to(PROMPTS)
        prompt.parent.mkdir(parents=True, exist_ok=True)
        prompt.symlink_to(options if prompt.stem in OPTIONS else main)
    short = write_wav(folder / "short.wav", read_wav(main)[: round(SHORT_S * RATE)])
    said = {name: options if name in OPTIONS else short if name in NO_MENUS else main for name in MACROS}
    return folder / "sounds", said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("--keys", type=int, default=20)
    given = parser.parse_args()
    if find_freeswitch() is None:
        sys.exit("no FreeSWITCH here")
    with tempfile.TemporaryDirectory() as temporary:
        sounds, macros = _tones(Path(temporary))
        pack = f'[speech]\npack = "asterisk"\nprompts = "{sounds}"\nlanguage = "en"\n'
        with Service(1, set(CORES), pack) as service:
            with open_node(load_settings(service.settings, {})) as stores:
                stores.registry.add(MailboxId("1001", "127.0.0.1"), {"name": "Alice Martin", "language": "en"})
            node, loop = Node(Path(temporary) / "node", f"127.0.0.1:{service.port}", macros), Loop()
            try:
                for context, keys in (("service", "0*"), ("mod_voicemail", "50")):
                    callers: list[Caller] = []
                    dialled = (keys * given.keys)[: given.keys]
                    loop.do(
                        lambda context=context, dialled=dialled, callers=callers: callers.extend(
                            Caller(loop, node, context, dialled) for _ in range(given.calls)
                        )
                    )
                    threading.Event().wait(FIRST_KEY_S + given.keys * EVERY_S + 4)
                    waits = sorted(wait for caller in callers for wait in caller.waits_ms(keys[0]))
                    if not waits:
                        sys.exit(f"{context}: nothing heard; {loop.errors} {service.log.read_text()[-400:]}")
                    print(
                        f"{context}: {len(waits)} of {given.calls * given.keys} keys answered, median "
                        f"{statistics.median(waits):.0f} ms, 95 % within {waits[len(waits) * 95 // 100]:.0f} ms, "
                        f"longest {waits[-1]:.0f} ms",
                        flush=True,
                    )
                    for caller in callers:
                        loop.do(caller.close)
            finally:
                loop.stop()
                node.stop()


if __name__ == "__main__":
    main()
