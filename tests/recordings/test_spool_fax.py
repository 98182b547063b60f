"""A fax machine's calling tones are set aside and told; what a person says is a message, whatever sounds beside it."""

from __future__ import annotations

import math
import random
import struct

import pytest
from spool_cast import ALICE, Desk, freeswitch_records, recorded
from support.sounds import silence, voice

from esl_vm.model.events import EventType
from esl_vm.recordings import Settled
from esl_vm.recordings.settle import FAX


def tone(hertz, ms, level=6000, rate=8000, noise=0):
    drawn = random.Random(7)
    return b"".join(
        struct.pack("<h", round(level * math.sin(2 * math.pi * hertz * i / rate) + drawn.uniform(-noise, noise)))
        for i in range(ms * rate // 1000)
    )


def fax(seconds, hertz=1100, on=500, off=3000, starts=0, level=6000, rate=8000, noise=0):
    """What a fax machine sends; `starts`: milliseconds into its first tone."""
    period = tone(hertz, on, level, rate, noise) + (tone(0, off, 0, rate, noise) if noise else silence(off, rate))
    cut = 2 * (starts * rate // 1000)
    return (period * (seconds * 1000 // (on + off) + 2))[cut : cut + 2 * seconds * rate]


def settled(desk, data, rate=8000):
    with desk.take() as take:
        freeswitch_records(take.path, data, rate)
        take.recorded(recorded(len(data) * 500 // rate))
        return take.settle(), take


@pytest.mark.parametrize(
    "tones",
    [
        {}, {"starts": 200}, {"starts": 3000}, {"hertz": 1062}, {"hertz": 1138}, {"on": 425, "off": 2550},
        {"on": 575, "off": 3450}, {"level": 600}, {"level": 30000}, {"noise": 150}, {"rate": 16000}, {"rate": 48000},
    ],
    ids=str,
)  # fmt: skip
def test_a_fax_machine_is_set_aside_with_the_reason_and_no_message(desk, caplog, tones):
    what, take = settled(desk, fax(31, **tones), tones.get("rate", 8000))

    assert what is Settled.BROKEN
    assert take.reason == FAX
    assert "fax tones" in caplog.text
    assert desk.mailboxes.messages(ALICE) == {}
    assert [info.reason for info in desk.spool.takes()] == [FAX]


def test_one_that_hangs_up_too(desk):
    with desk.take() as take:
        freeswitch_records(take.path, fax(31))

    assert [info.state for info in desk.spool.takes()] == ["aside"]
    assert desk.mailboxes.messages(ALICE) == {}
    assert take.settled is Settled.BROKEN


def test_an_administrator_can_have_it_delivered(desk):
    _, take = settled(desk, fax(31))

    assert desk.sweeper().settle(take.id).settled is Settled.DELIVERED
    assert list(desk.mailboxes.messages(ALICE)) == [take.id]


@pytest.mark.parametrize(
    "data",
    [
        voice(8000),
        fax(12) + voice(3000),
        voice(3000) + fax(12),
        tone(1100, 500) + silence(2000) + voice(4000),
        tone(1100, 12000),
        tone(440, 500) + silence(3000) + tone(440, 500) + silence(3000) + tone(440, 500),
        fax(12, hertz=1000),
        fax(12, on=200),
        fax(12, off=500),
        silence(3000) + tone(1100, 500),
        random.Random(3).randbytes(160000),
    ],
    ids=[
        "a voice", "a fax, then a voice", "a voice, then a fax", "one beep, then a voice", "one long tone", "another tone",
        "nearly its tone", "too short tones", "too often", "one alone", "noise",
    ],
)  # fmt: skip
def test_anything_else_is_a_message(desk, data):
    assert settled(desk, data)[0] is Settled.DELIVERED


@pytest.mark.parametrize("kept", [8000, 16000])
def test_on_any_line_and_at_any_rate_that_is_kept(tmp_path, kept):
    desk = Desk(tmp_path, rate=kept)

    assert settled(desk, fax(20, rate=48000), 48000)[0] is Settled.BROKEN


def test_the_mailbox_has_an_event_that_tells_of_it(desk):
    _, take = settled(desk, fax(31))

    assert desk.mailboxes.told == [(ALICE, EventType.NOT_DELIVERED, take.id, "fax")]
