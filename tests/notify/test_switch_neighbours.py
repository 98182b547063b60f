"""A FreeSWITCH that misbehaves at each step of its event socket: nothing waits for it long, and it is found again."""

from __future__ import annotations

import gevent
from support.neighbour import Manner
from support.switch_neighbour import SwitchNeighbour, reply
from support.tables import stands_in, written
from support.waiting import PATIENCE_S, eventually

from esl_vm.esl.inbound import EventSocketSwitch, SwitchSettings

AGAIN, REFUSED = "connected anew, the lamps are sent again", "that lamp is sent again in the next round"
MANNERS = {
    **{manner.value: manner for manner in Manner},
    "says -ERR": reply("-ERR no"),
    "answers twice": reply("+OK") * 2,
    "says it ends": b"Content-Type: text/disconnect-notice\nContent-Length: 4\n\nbye\n",
}
EXPECTED = {
    "connect": dict.fromkeys(MANNERS, AGAIN),
    "auth": {**dict.fromkeys(MANNERS, AGAIN)},
    "event": {**dict.fromkeys(MANNERS, AGAIN), "says -ERR": "an error in the log"},
    "sendevent": {**dict.fromkeys(MANNERS, AGAIN), "says -ERR": REFUSED},
}


def outcome_of(step, manner):
    """One connection behaves so, the next as usual."""
    with SwitchNeighbour({step: [manner]}) as neighbour:
        # One that answers is never given up, however slow the machine; all the others it may be.
        waits = PATIENCE_S if manner == MANNERS["says -ERR"] else 0.5
        settings = SwitchSettings(
            port=neighbour.port, password="x", connect_s=waits, reply_s=waits, retry_first_s=0.05, retry_most_s=0.1
        )
        switch = EventSocketSwitch(settings)
        seen = []
        reader = gevent.spawn(lambda: [seen.append(event) for event in switch.events(["MESSAGE_QUERY"])])
        gevent.sleep(0)
        switch.start()
        try:
            eventually(lambda: switch.fire("MESSAGE_WAITING", {"MWI-Messages-Waiting": "no"}))
            if manner != MANNERS["says -ERR"]:
                eventually(lambda: neighbour.steps.count("connect") >= 2 and seen)
                assert switch.wait_connected(PATIENCE_S)
        finally:
            switch.close()
            reader.kill()
        if neighbour.steps.count("connect") > 1:
            return AGAIN
        return REFUSED if step == "sendevent" else "an error in the log"


def test_every_manner_at_every_step_has_the_outcome_that_the_docs_say():
    cases = [(step, name) for step in EXPECTED for name in MANNERS]
    jobs = [gevent.spawn(outcome_of, step, MANNERS[name]) for step, name in cases]
    gevent.joinall(jobs, raise_error=True)
    found = [job.value for job in jobs]
    assert dict(zip(cases, found, strict=True)) == {(s, n): EXPECTED[s][n] for s, n in cases}


def test_the_docs_have_the_table():
    table = [
        ["FreeSWITCH", *(f"at `{step}`" for step in EXPECTED)],
        *([name, *(row[name] for row in EXPECTED.values())] for name in MANNERS),
    ]
    assert stands_in("notify.md", table), written(table)
