"""`socket` without `async`, or without `full`: the caller hears the apology at once, log and doctor say what is wrong."""

from dataclasses import replace

import pytest
from live.live_rig import LiveRig
from live.scenes import Scene
from support.waiting import wait_until

from esl_vm.cli.settings_file import load_settings
from esl_vm.ops.check_dialplan import check_dialplan

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

MISSING = {"single": "full", "sync": "async"}


def rings(context):
    def act(node, folder):
        rig = LiveRig(node, folder)
        rig.context = context
        rig.dials("*97", "w:im-sorry w:<tone> end:20", "1001", context=context)
        return rig

    return act


@pytest.mark.parametrize("scene", [Scene(f"mode_{name}", rings(name)) for name in MISSING], ids=list(MISSING))
def test_a_call_that_was_handed_over_wrongly_goes_back_at_once(played, live_node):
    assert played.problems == [], played.transcript
    assert played.heard == ["im-sorry", "please-try-call-later", "<tone>"]
    assert played.line.sounds[0].at - played.line.started_at < 3, "no silence"
    assert (played.status, played.line.variable("vm_cause")) == ("FAILED", "socket")
    word = MISSING[played.context]

    def errors():
        lines = live_node.service.log.read_text().splitlines()
        return [line for line in lines if played.line.uuid in line and "ERROR" in line]

    (said,) = wait_until(errors)
    assert f"the dialplan's `socket` lacks '{word}'" in said


@pytest.mark.parametrize("context", MISSING)
def test_doctor_finds_it_in_the_dialplan(live_node, context):
    settings = load_settings(live_node.service.settings, {})
    service = replace(settings.service, listen=live_node.service.address, call_context=context)
    found = list(check_dialplan(replace(settings, service=service), live_node.switch))
    assert f"context {context}, extension voicemail_own: socket without {MISSING[context]}" in [
        one.said for one in found
    ]
