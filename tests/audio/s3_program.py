"""What a service does with S3, as it does it: greenlets on sockets of gevent.

Reads a JSON list of cases from the standard input: the bucket's address, what is to be done, a folder, how long to wait. Does all at once, and
writes what became of each, and how long it took.
"""

from gevent import monkey

monkey.patch_all()

import json
import sys
import time
from pathlib import Path

import gevent

from esl_vm.audio.cache import Cache
from esl_vm.audio.s3_audio import S3Audio
from esl_vm.audio.s3_client import S3Address, connect
from esl_vm.model.errors import AudioMissingError, StoreDownError


def outcome(case):
    folder = Path(case["folder"])
    times = case["times"]
    whole_s = times.pop("whole_s")
    address = S3Address("voicemail", "", case["url"], access_key="a", secret_key="b", **times)
    store = S3Audio(connect(address), "voicemail", Cache(folder / "cache", limit_bytes=1 << 30), whole_s=whole_s)
    began = time.monotonic()
    try:
        match case["what"]:
            case "hear":
                said = "heard" if store.playable("0199-a").read_bytes() == b"RIFF" * 5000 else "heard something else"
            case "store":
                (folder / "sound.wav").write_bytes(b"RIFF" * 5000)
                store.put("0199-b", folder / "sound.wav")
                said = "stored"
            case "list":
                said = f"{len(list(store.ids()))} sounds"
            case "forget":
                store.delete("0199-a")
                said = "forgotten"
    except AudioMissingError:
        said = "missing"
    except StoreDownError:
        said = "away"
    return said, time.monotonic() - began


jobs = [gevent.spawn(outcome, case) for case in json.load(sys.stdin)]
gevent.joinall(jobs, raise_error=True)
print(json.dumps([job.value for job in jobs]))
