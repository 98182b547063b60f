"""A notifier in a process of its own, to be killed: REDIS_URL SMTP_PORT AUDIO_FOLDER CLOCK_OFFSET_S."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()  # as the service runs

import logging
import os
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from house import notifier_of


class AheadClock:
    """The clock of a notifier that comes later, without waiting for it."""

    def __init__(self, ahead):
        self._ahead = ahead

    def now(self):
        return time.time() + self._ahead


def main(url, port, folder, ahead):
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    service = notifier_of(url, int(port), Path(folder), AheadClock(float(ahead)), f"p{os.getpid()}")
    service.start()
    print("ready", flush=True)
    service.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
