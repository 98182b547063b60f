"""A notifier in a process of its own, to be killed: REDIS_URL SMTP_PORT AUDIO_FOLDER CLOCK_OFFSET_S."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()  # as the service runs

import logging
import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from house import notifier_of
from support.clocks import WallClock


def main(url, port, folder, ahead):
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    service = notifier_of(url, int(port), Path(folder), WallClock(float(ahead)), f"p{os.getpid()}")
    service.start()
    print("ready", flush=True)
    service.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
