"""Prompts prepared on this host are played where FreeSWITCH sees them; elsewhere the pack's own recordings are."""

from pathlib import Path

import pytest
from esl_peer import Switch
from support.clocks import Clock

from esl_vm.esl.elsewhere import Elsewhere
from esl_vm.esl.session import CallSession

PROOF = Path("/var/lib/esl-vm/prompts/here-1")


@pytest.fixture
def clock():
    return Clock(100.0)


@pytest.fixture
def elsewhere(clock):
    return Elsewhere(None, PROOF, clock.now)


def asked(elsewhere, answer, switch="media1"):
    """Whether it is here for a call of that FreeSWITCH, and how often that one was asked."""
    peer = Switch(answers={"file_exists": answer})
    session = CallSession(("127.0.0.1", 40000), peer, clock=peer.clock)
    session.connect()
    here = elsewhere.is_here(session, switch)
    return here, sum(command == f"api file_exists {PROOF}" for command in peer.commands)


def test_the_first_call_asks_and_the_next_ones_know(elsewhere):
    assert asked(elsewhere, "true") == (True, 1)
    assert asked(elsewhere, "true") == (True, 0)


def test_each_freeswitch_is_asked_for_itself(elsewhere):
    assert asked(elsewhere, "true") == (True, 1)
    assert asked(elsewhere, "false", "media2") == (False, 1)
    assert asked(elsewhere, "true") == (True, 0)


def test_after_a_minute_it_is_asked_again(elsewhere, clock):
    assert asked(elsewhere, "false") == (False, 1)
    clock.at += 61
    assert asked(elsewhere, "true") == (True, 1)
