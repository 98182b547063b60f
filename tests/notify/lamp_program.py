"""A notifier beside a real FreeSWITCH, in a process of its own: REDIS_URL ESL_PORT PASSWORD AUDIO_FOLDER RECONCILE_S."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import logging
import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from house import notifier_of
from support.clocks import WallClock

from esl_vm.esl.inbound import EventSocketSwitch, SwitchSettings


def main(url, port, password, folder, reconcile_s):
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    switch = EventSocketSwitch(SwitchSettings(port=int(port), password=password, retry_most_s=1.0))
    service = notifier_of(
        url, 0, Path(folder), WallClock(), f"p{os.getpid()}", switch=switch, reconcile_s=float(reconcile_s)
    )
    switch.start()
    service.start()
    print("ready", flush=True)
    service.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
