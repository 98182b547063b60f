"""A receiver of webhooks that misbehaves at each step: whether it counts as told, and who waits for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from house import ALICE, House
from support.neighbour import Manner
from support.strikes import Strikes
from support.tables import stands_in, written
from support.waiting import PATIENCE_S
from support.web_neighbour import WebNeighbour

from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.settings import WebhookSettings
from esl_vm.notify import webhook
from esl_vm.notify.job_worker import Deferred, Refused, Sent
from esl_vm.notify.webhook import WebhookCaller

TOLD, RESTS, HOLDS, PASSED, NEVER = (
    "told",
    "again soon, the host is let alone",
    "again soon, its mailbox waits",
    "again later, the next one goes on",
    "given up",
)
MANNERS = {manner.value: manner for manner in Manner}
STATUS = {
    f"answers {code}": f"HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n".encode()
    for code in (204, 302, 400, 410, 429, 500, 503)
}
EXPECTED = {
    "at once": dict.fromkeys(MANNERS, RESTS),
    "after the request": {
        **dict.fromkeys(MANNERS, RESTS),
        **dict.fromkeys(STATUS, PASSED),
        "answers 204": TOLD,
        "answers 410": NEVER,
        "answers 429": HOLDS,
        "answers 503": HOLDS,
    },
    "after the head of its answer": dict.fromkeys(MANNERS, TOLD),
}
#: What ends by the clock.
WAITED_FOR = {(step, manner) for step in list(EXPECTED)[:2] for manner in (Manner.HANG, Manner.DRIP)}
STEPS = {"at once": "connect", "after the request": "answer", "after the head of its answer": "body"}


@pytest.fixture
def house(redis_here, tmp_path):
    there = House(redis_here.url, tmp_path)
    there.add()
    yield there
    there.close()


def outcome_of(house, step, manner, strikes):
    done = strikes.then(manner) if (step, manner) in WAITED_FOR else manner
    with WebNeighbour({STEPS[step]: done}) as neighbour:
        caller = WebhookCaller(WebhookSettings(neighbour.url, timeout_s=PATIENCE_S), house.registry, house.clock)
        job = Job("webhook:1", JobKind.WEBHOOK, ALICE, {"event": "delivered"}, attempts=1)
        outcome = caller.carry(job)
        rests = isinstance(caller.carry(job), Deferred) and neighbour.steps.count("connect") == 1
        match outcome:
            case Sent():
                return TOLD
            case Refused():
                return NEVER
            case Deferred(holds=True):
                return RESTS if rests else HOLDS
            case Deferred():
                return PASSED


def test_every_manner_at_every_step_has_the_outcome_that_the_docs_say(house, monkeypatch):
    every, strikes = MANNERS | STATUS, Strikes(monkeypatch, webhook)
    cases = [(step, name) for step, row in EXPECTED.items() for name in row]
    with ThreadPoolExecutor(len(cases)) as pool:
        found = list(pool.map(lambda case: outcome_of(house, case[0], every[case[1]], strikes), cases))
    assert dict(zip(cases, found, strict=True)) == {(s, n): EXPECTED[s][n] for s, n in cases}


def test_the_docs_have_the_table():
    table = [
        ["the receiver", *EXPECTED],
        *([name, *(row.get(name, "") for row in EXPECTED.values())] for name in MANNERS | STATUS),
    ]
    assert stands_in("notify.md", table), written(table)
