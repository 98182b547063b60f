"""The crash campaign: each call is played once for each point in it, with a failure at that point, then looked at.

What must hold afterwards, whatever failed wherever: a message that the caller heard saved is there exactly once, with
its sound; a greeting that was heard saved is in force; none of the old ones is lost; a message lies in one folder; and
nothing is there that nobody left.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from calls import play_book
from calls.book import IN, LEAVE, OWN, TWO, Box, Msg, PhoneCall
from chaos.points import Points, kill_this_process
from support.real_rig import RealRig
from support.redis_servers import RedisServer, redis_server
from support.waiting import wait_until

from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.recordings.scheduled import deliver_due
from esl_vm.recordings.sweeper import Sweeper

STUCK_S = 20
"""Seconds of real time after which a call that should take none is stuck."""
ALICE, BRUNO = MailboxId("1001"), MailboxId("1002")


class Failure(Enum):
    """What fails."""

    WORKER = "the worker is killed"
    REDIS = "Redis is killed"
    LINE = "the event socket is cut"


CALLS = [
    PhoneCall(
        "leaving",
        "a caller leaves a message, listens to it, records it again, marks it urgent and accepts it",
        "1001",
        "w:beep talk s:3 d:# quiet w:vm-review d:2 w:vm-review d:3 w:vm-intro* d:# w:beep talk s:3 d:# quiet w:vm-review d:4 "
        "w:vm-marked-urgent d:1 end:40",
        "vm-review vm-marked-urgent vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
    ),
    PhoneCall(
        "hanging-up",
        "a caller speaks and hangs up",
        "1001",
        "w:beep talk s:3 hang",
        "beep",
        caller="0612345678",
        variables=LEAVE,
    ),
    PhoneCall(
        "greeting",
        "an owner records the unavailable greeting again and accepts it",
        OWN,
        IN + "w:vm-opts d:0 w:vm-options d:1 w:beep talk s:3 d:# quiet w:vm-review d:1 w:vm-msgsaved hang",
        "vm-rec-unv vm-review vm-msgsaved",
        boxes=(Box(greetings=("unavailable",)),),
    ),
    PhoneCall(
        "moving",
        "an owner listens, saves one message in Work, deletes the other, takes it back and deletes it again",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-repeat d:9 w:vm-savefolder d:2 w:vm-savedto d:6 w:<sound> w:vm-repeat d:7 w:vm-deleted d:7 "
        "w:vm-undeleted d:7 w:vm-deleted d:# end:20",
        "vm-savedto vm-deleted vm-undeleted vm-deleted vm-goodbye",
        boxes=(Box(messages=TWO),),
    ),
    PhoneCall(
        "forwarding",
        "an owner forwards a message with an introduction",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:8 w:vm-extension d:1002# w:vm-forwardoptions d:1 w:beep talk s:2 d:# quiet "
        "w:vm-msgforwarded d:# end:20",
        "vm-forwardoptions beep vm-msgforwarded vm-goodbye",
        boxes=(Box(messages=TWO), Box("1002", "Bruno Petit", "7319")),
    ),
    PhoneCall(
        "sending",
        "an owner sends a message to a list of three, one of whom is full",
        OWN,
        IN + "w:vm-opts d:3 w:vm-leavemsg d:5 w:vm-extension d:900# w:beep talk s:2 d:# quiet w:vm-review d:1 "
        "w:vm-msgsaved d:# end:20",
        "vm-extension beep vm-review vm-msgsaved",
        boxes=(
            Box(),
            Box("1002", "Bruno Petit", "7319"),
            Box("1003", "Carla Grand", "7319", messages=(Msg(),), options={"maxmsg": "1"}),
            Box("1004", "Denis Roy", "7319"),
        ),
        lists={"900": ("1002", "1003", "1004")},
    ),
    PhoneCall(
        "sending-later",
        "an owner sends a message that is to arrive tomorrow at eight",
        OWN,
        IN
        + "w:vm-opts d:3 w:vm-leavemsg d:8 w:vm-extension d:1002# w:vm-star-cancel d:2 w:beep talk s:2 d:# quiet w:vm-review d:1 "
        "w:vm-msgsaved d:# end:20",
        "vm-extension vm-star-cancel beep vm-review vm-msgsaved",
        boxes=(Box(), Box("1002", "Bruno Petit", "7319")),
    ),
]


@dataclass
class Result:
    """What came of a campaign: points struck, by call and failure; what was found wrong."""

    struck: Counter = field(default_factory=Counter)
    kinds: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def points(self) -> int:
        """How many points in all."""
        return sum(self.struck.values())

    def table(self) -> str:
        """The counts as text."""
        lines = [f"{count:5}  {call}: {failure}" for (call, failure), count in sorted(self.struck.items())]
        lines += [f"{count:5}  at {kind}" for kind, count in sorted(self.kinds.items())]
        return "\n".join(
            [*lines, f"{self.points:5}  points in all, {len(self.wrong)} with something wrong", *self.wrong]
        )


def run(every: int = 1, calls: list[PhoneCall] | None = None, tell=lambda _: None) -> Result:
    """Play each call with each failure at every `every`-th point."""
    result = Result()
    for call in calls or CALLS:
        for failure in Failure:
            with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
                _strike_everywhere(call, failure, every, server, result)
            tell(f"{call.name}, {failure.value}: {result.struck[call.name, failure.value]} points")
    return result


def _strike_everywhere(call: PhoneCall, failure: Failure, every: int, server: RedisServer, result: Result) -> None:
    at = 1
    while True:
        told = play(call, failure, at, server)
        if told.get("passed", at) < at:
            missing = play_book.not_heard(call.hears.split(), told["heard"])
            result.wrong += [f"{call.name} with nothing struck: {missing} was not heard"] if missing else []
            return
        result.struck[call.name, failure.value] += 1
        result.kinds[told["kind"]] += 1
        result.wrong += [f"{call.name}, {failure.value} at point {at} ({told['kind']}): {w}" for w in told["wrong"]]
        at += every


def play(call: PhoneCall, failure: Failure, at: int, server: RedisServer) -> dict:
    """Play a call in a process of its own, with a failure at a point; what is wrong afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        with server.client() as client:
            client.flushall()
        rig = RealRig(folder, server.url, now=play_book.NOON)
        play_book.furnish(call, rig, folder / "before")
        rig.close()
        told = _in_a_process(call, failure, at, server, folder)
        if failure is Failure.REDIS and told["kind"]:
            server.process.wait(100)
            server.start()
            wait_until(lambda: _loaded(server), what="Redis having read its file")
        wrong = _look(call, told, server, folder)
        return told | {"wrong": [*wrong, f"stuck for {STUCK_S} s"] if told["stuck"] else wrong}
    finally:
        shutil.rmtree(folder)


def _loaded(server: RedisServer) -> bool:
    with server.client() as client:
        return not client.info("persistence")["loading"]


def _in_a_process(call: PhoneCall, failure: Failure, at: int, server: RedisServer, folder: Path) -> dict:
    """Fork; the child plays the call and tells through a pipe what was heard, as it is heard, and the point struck."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with contextlib.suppress(BaseException):
            _child(call, failure, at, server, folder, writing)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        lines = [json.loads(line) for line in pipe if line.endswith("\n")]
    _, status = os.waitpid(child, 0)
    told: dict = {"heard": [line["heard"] for line in lines if "heard" in line], "kind": ""}
    told["stuck"] = os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0
    for line in lines:
        told |= {name: value for name, value in line.items() if name != "heard"}
    return told


def _child(call: PhoneCall, failure: Failure, at: int, server: RedisServer, folder: Path, writing: int) -> None:
    def tell(**what: object) -> None:
        os.write(writing, (json.dumps(what) + "\n").encode())

    faulthandler.dump_traceback_later(STUCK_S, exit=True, file=sys.__stderr__)
    rig = RealRig(folder, server.url, now=play_book.NOON)
    points = Points(folder, at, lambda: None)

    def strike() -> None:
        tell(kind=points.last)
        if failure is Failure.WORKER:
            kill_this_process()
        elif failure is Failure.REDIS:
            os.kill(server.pid, signal.SIGKILL)
        else:
            rig.cut()

    points.strike = strike
    rig.on_heard = lambda name: tell(heard=name)
    try:
        with points.counting():
            rig.ring(play_book.call_of(call), call.does)
    finally:
        points.active = False
        tell(passed=points.passed, heard="(end)")


def _look(call: PhoneCall, told: dict, server: RedisServer, folder: Path) -> list[str]:
    """A new service on the same node, some time later: what it finds, after the sweeper was there."""
    rig = RealRig(folder, server.url, now=play_book.NOON + 3600)
    try:
        for _ in range(2):
            Sweeper(rig.spool, quiet_s=0, stray_s=0).sweep_once()
        wrong = [f"still in the spool: {take}" for take in rig.spool.takes() if take.state != "aside"]
        wrong += MUST[call.name](rig, told["heard"])
        wrong += _sounds(rig)
    finally:
        rig.close()
    return wrong


def _sounds(rig: RealRig) -> list[str]:
    """Every message and greeting has its sound, and every sound a message or a greeting."""
    rig.clock.pass_time(7200)  # a replaced greeting may still be playing for a while
    rig.real.housekeeping.erase_sounds(rig.audio.delete)
    wanted: dict[str, str] = {}
    for box in rig.real.registry.boxes():
        for folder in Folder:
            for message in rig.messages(box, folder):
                wanted[message.id] = f"message {message.id} in {folder}"
                if message.intro_id:
                    wanted[message.intro_id] = f"introduction of {message.id}"
        for kind, stored in rig.mailbox(box).greetings.items():
            wanted[stored.audio_id] = f"greeting {kind} of {box}"
    there = set(rig.audio.ids())
    wrong = [f"no sound of {what}" for audio_id, what in wanted.items() if audio_id not in there]
    return wrong + [f"a sound that belongs to nothing: {audio_id}" for audio_id in there - set(wanted)]


def left(rig: RealRig, heard: list[str]) -> list[str]:
    messages = [m for folder in Folder for m in rig.messages(ALICE, folder)]
    if len(messages) > 1:
        return [f"{len(messages)} messages"]
    if "vm-msgsaved" in heard and not messages:
        return ["heard saved, and it is not there"]
    return [] if not messages or messages[0].duration_ms > 500 else ["the message is empty"]


def _greeting(rig: RealRig, heard: list[str]) -> list[str]:
    greetings = rig.mailbox(ALICE).greetings
    if list(greetings) != ["unavailable"]:
        return [f"greetings: {list(greetings)}"]
    old = next(iter(greetings.values())).audio_id == "1001-unavailable"
    return ["heard saved, and the old one is in force"] if old and "vm-msgsaved" in heard else []


def _moved(rig: RealRig, heard: list[str]) -> list[str]:
    lie = {m.id: folder for folder in Folder for m in rig.messages(ALICE, folder)}
    count = sum(len(rig.messages(ALICE, folder)) for folder in Folder)
    wrong = [] if count == 2 and set(lie) == {"1001-m0", "1001-m1"} else [f"messages: {lie}"]
    if "vm-savedto" in heard and lie.get("1001-m0") is not Folder.WORK:
        wrong.append(f"heard saved to Work, lies in {lie.get('1001-m0')}")
    last = [name for name in heard if name in {"vm-deleted", "vm-undeleted"}][-1:]
    later = heard.count("vm-deleted") + heard.count("vm-undeleted") == 3
    if last == ["vm-deleted"] and later and lie.get("1001-m1") is not Folder.TRASH:
        wrong.append(f"heard deleted, lies in {lie.get('1001-m1')}")
    return wrong


def _forwarded(rig: RealRig, heard: list[str]) -> list[str]:
    there = rig.messages(BRUNO, Folder.NEW)
    own = sorted(m.id for folder in Folder for m in rig.messages(ALICE, folder))
    wrong = [] if own == ["1001-m0", "1001-m1"] else [f"the owner's messages: {own}"]
    if len(there) > 1 or ("vm-msgforwarded" in heard and len(there) != 1):
        wrong.append(f"{len(there)} copies")
    return wrong + [f"{m.id} has no introduction" for m in there if not m.intro_id]


def _sent(rig: RealRig, heard: list[str]) -> list[str]:
    there = {number: len(rig.messages(MailboxId(number), Folder.NEW)) for number in ("1002", "1003", "1004")}
    # What was promised while Redis was away is put into a full mailbox too.
    wrong = [] if there["1003"] in {1, 2} else [f"the full mailbox has {there['1003']} messages"]
    copies = {there["1002"], there["1004"]}
    if "vm-msgsaved" in heard and copies != {1}:
        wrong.append("heard saved, and it is not there, or twice")
    return wrong + ([] if copies in ({0}, {1}) else [f"copies: {there}"])


def _arrived(rig: RealRig, heard: list[str]) -> list[str]:
    early = len(rig.messages(BRUNO, Folder.NEW))
    rig.clock.pass_time(86400)
    for _ in range(2):
        deliver_due(rig.real.mailboxes, rig.audio)
    there = len(rig.messages(BRUNO, Folder.NEW))
    wrong = [f"{early} came before the time"] if early else []
    wrong += [f"{len(rig.real.mailboxes.scheduled())} still wait"] if rig.real.mailboxes.scheduled() else []
    return wrong + ([f"{there} came"] if there > 1 or ("vm-msgsaved" in heard and not there) else [])


MUST = {"leaving": left, "hanging-up": left, "greeting": _greeting, "moving": _moved, "forwarding": _forwarded}
MUST["sending"] = _sent
MUST["sending-later"] = _arrived


def main() -> int:
    """`make chaos`: the whole campaign."""
    logging.disable(logging.CRITICAL)  # what is told of failures made on purpose; the table tells what came of them
    started = time.monotonic()
    result = run(tell=lambda line: print(line, flush=True))
    print(result.table())
    print(f"{time.monotonic() - started:.0f} s")
    return 0 if result.points >= 500 and not result.wrong else 1


if __name__ == "__main__":
    sys.exit(main())
