"""An S3 that misbehaves at each step: nobody waits long for it, and nothing counts as stored that it has not got."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.neighbour import Manner
from support.s3_neighbour import S3Neighbour, answer, refusal
from support.tables import stands_in, written

pytest.importorskip("boto3")
PROGRAM = Path(__file__).with_name("s3_program.py")
SOUND = b"RIFF" * 5000
AWAY, MISSING, HEARD, STORED, FORGOTTEN = "away", "missing", "heard", "stored", "forgotten"
HURRIED = {"connect_s": 1.0, "answer_s": 1.0, "whole_s": 2.5}
PATIENT = {"connect_s": 60.0, "answer_s": 60.0, "whole_s": 60.0}
"""For those who do answer: how soon depends on the machine."""
LIE = "says 200 with a page of a proxy"
PAGE = b"<html><body>Please log in to the network</body></html>"
MANNERS = {manner.value: manner for manner in Manner}
ANSWERS = {
    "says 403": refusal(403, "AccessDenied"),
    "says 404": refusal(404, "NoSuchKey"),
    "says 500": refusal(500, "InternalError"),
    "says 503": refusal(503, "SlowDown"),
    LIE: answer(200, PAGE),
}
#: By what is done and at which step: what becomes of it.
EXPECTED = {
    ("hear", "connect"): dict.fromkeys(MANNERS, AWAY),
    ("hear", "get"): {**dict.fromkeys(MANNERS | ANSWERS, AWAY), "says 404": MISSING},
    ("hear", "body"): {**dict.fromkeys(MANNERS, AWAY), "says less than it promised": AWAY, "says something else": AWAY},
    ("store", "head"): {**dict.fromkeys(MANNERS | ANSWERS, AWAY), "says 404": STORED},
    ("store", "put"): {**dict.fromkeys(MANNERS | ANSWERS, AWAY), "says 404": MISSING},
    ("list", "list"): dict.fromkeys(MANNERS | ANSWERS, AWAY),
    ("forget", "delete"): {**dict.fromkeys(MANNERS | ANSWERS, AWAY), "says 404": FORGOTTEN, LIE: FORGOTTEN},
}
HEADS = {
    ("hear", "connect"): "hearing, at once",
    ("hear", "get"): "hearing, after the request",
    ("hear", "body"): "hearing, in the sound",
    ("store", "head"): "storing, asked whether it is there",
    ("store", "put"): "storing",
    ("list", "list"): "listing",
    ("forget", "delete"): "forgetting",
}
SAID = {
    **MANNERS,
    **ANSWERS,
    "says less than it promised": lambda _: Manner.DROP,
    "says something else": b"other" * 4000,
}


def outcomes(cases):
    """What becomes of each, all at once in one process as the service's are: what, and seconds."""
    ran = subprocess.run(
        [sys.executable, PROGRAM],
        input=json.dumps(cases), capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def neighbour_for(step, name):
    neighbour = S3Neighbour({step: SAID[name]})
    neighbour.keep("0199-a.wav", SOUND)
    return neighbour


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    every = [(what, step, name) for (what, step), row in EXPECTED.items() for name in row]
    with contextlib.ExitStack() as stack:
        there = [stack.enter_context(neighbour_for(step, name)) for _, step, name in every]
        cases = [
            {
                "url": one.url,
                "what": what,
                "folder": str(tmp_path_factory.mktemp("node")),
                "times": HURRIED if name in MANNERS else PATIENT,
            }
            for one, (what, _, name) in zip(there, every, strict=True)
        ]
        said = outcomes(cases)
        return {case: (*one, neighbour) for case, one, neighbour in zip(every, said, there, strict=True)}


def test_every_manner_at_every_step_has_the_outcome_that_the_docs_say(found):
    assert {case: said for case, (said, _, _) in found.items()} == {
        (what, step, name): outcome for (what, step), row in EXPECTED.items() for name, outcome in row.items()
    }


def test_what_counts_as_stored_is_there(found):
    stored = [neighbour for (_, _, _), (said, _, neighbour) in found.items() if said == STORED]
    assert stored
    assert all(neighbour.objects["0199-b.wav"] == SOUND for neighbour in stored)


def test_a_healthy_bucket_beside_fifty_that_hang_is_served_at_once(tmp_path):
    """It does not wait for their time to be over."""
    with contextlib.ExitStack() as stack:
        sick = [stack.enter_context(S3Neighbour({"connect": Manner.HANG})) for _ in range(50)]
        healthy = stack.enter_context(S3Neighbour())
        healthy.keep("0199-a.wav", SOUND)
        times = [HURRIED] * len(sick) + [PATIENT]
        cases = [
            {"url": one.url, "what": "hear", "folder": str(tmp_path), "times": given}
            for one, given in zip([*sick, healthy], times, strict=True)
        ]
        *them, (said, seconds) = outcomes(cases)
        assert said == HEARD
        assert {one for one, _ in them} == {AWAY}
        assert seconds < max(waited for _, waited in them)


def test_the_docs_have_the_table():
    rows = [[name, *(row.get(name, "") for row in EXPECTED.values())] for name in SAID]
    table = [["the service", *(HEADS[case] for case in EXPECTED)], *rows]
    assert stands_in("durability.md", table), written(table)
