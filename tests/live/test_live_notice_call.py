"""A message is announced by a call to a telephone that a rule names: a machine, then its owner, who presses 1 and the PIN."""

from __future__ import annotations

import pytest
from live.called_phone import CalledPhone
from live.freeswitch import FreeSwitch, why_not
from live.live_node import Service
from live.loop import Loop
from support.sounds import write_wav
from support.waiting import wait_until

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message
from esl_vm.service.wiring import open_node

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

BOX = MailboxId("1001", "line-1")
NUMBER = "5145550100"


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_it_rings_until_the_owner_presses_1_and_the_pin(tmp_path):
    """A machine that answers and presses no key; nobody who answers; then the owner. Each hears only what is his."""
    loop = Loop()
    mobile = CalledPhone(loop, "200 OK")
    switch = FreeSwitch(tmp_path / "freeswitch", {"default": "127.0.0.1:1"}, [BOX.domain])
    service = None
    try:
        service = Service(
            tmp_path / "service",
            settings=f'[notify]\nfreeswitch = "127.0.0.1:{switch.event_port}"\npassword = "{switch.password}"\n'
            f'[notice_calls]\ndial = "{mobile.dial_string.replace("phone", "{number}")}"\npause_s = 10\ntries = 5\n',
            workers=1,
        )
        switch.api(f"global_setvar vm_services={service.address}")
        with open_node(load_settings(service.settings, {})) as node:
            store = node.store
            store.registry.add(BOX, {"notify_rules": f"call:{NUMBER}", "language": "en"})
            store.pins.change(BOX, "4821")

            def states() -> list[tuple[str, str]]:
                events = [one for one in store.events.tail(100, box=BOX) if one.what is EventType.NOTICE_CALL]
                assert {one.details["number"] for one in events} <= {NUMBER}
                return [(one.details["state"], one.details.get("why", "")) for one in events]

            node.audio.put("m1", write_wav(tmp_path / "m1.wav", 3.0))
            message = Message("m1", Caller("5145550142"), node.clock.now(), duration_ms=3000)
            assert store.mailboxes.deliver(BOX, message).kept
            wait_until(lambda: states()[-1:] == [("answered", "")])
            mobile.behaves("180 Ringing", "480 Temporarily Unavailable")
            wait_until(lambda: states()[-1:] == [("failed", "no-answer")])
            mobile.behaves("200 OK", "keys 1 4821# bye")
            wait_until(lambda: states()[-1:] == [("confirmed", "")])
            assert states() == [
                *(("ringing", ""), ("answered", ""), ("ringing", ""), ("failed", "no-answer")),
                *(("ringing", ""), ("answered", ""), ("confirmed", "")),
            ]
            assert mobile.rung == 3
    finally:
        mobile.close()
        loop.stop()
        if service is not None:
            service.stop()
        switch.stop()
    assert not loop.errors, "\n".join(loop.errors)
