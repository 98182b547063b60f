"""Calling back from the API: FreeSWITCH rings the owner's telephone, and puts who answers through by its dialplan."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from live.called_phone import CalledPhone
from live.freeswitch import FreeSwitch, why_not
from live.live_node import Service
from live.loop import Loop
from support.browser import Browser
from support.waiting import wait_until

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message
from esl_vm.model.rights import Reach, Right
from esl_vm.service.wiring import open_node

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

BOX = MailboxId("1001", "line-1")
NUMBER = "5145550123"
TRUNK = """<include>
  <extension name="trunk"><condition field="destination_number" expression="^(514[0-9]{7})$">
    <action application="log" data="NOTICE asked for by ${vm_dialed_by}, ${caller_id_number}, ${domain_name}"/>
    <action application="bridge" data="${live_trunk}"/>
  </condition></extension>
</include>
"""


class Office:
    """A node with a web address, and the telephones of an owner and of a caller."""

    def __init__(self, folder: Path) -> None:
        self.switch = FreeSwitch(
            folder / "freeswitch",
            {"default": "127.0.0.1:1"},
            [BOX.domain],
            {"conf/dialplan/default/00_trunk.xml": TRUNK},
        )
        self.loop = Loop()
        self.owner, self.caller = CalledPhone(self.loop, "200 OK"), CalledPhone(self.loop, "200 OK")
        self.busy = CalledPhone(self.loop, "486 Busy Here")
        self.away = CalledPhone(self.loop, "180 Ringing", "480 Temporarily Unavailable")
        self.switch.api(f"global_setvar live_trunk={self.caller.dial_string}")
        self.service = Service(
            folder / "service",
            settings=f'[notify]\nfreeswitch = "127.0.0.1:{self.switch.event_port}"\npassword = "{self.switch.password}"\n'
            '[web]\nlisten = "127.0.0.1:0"\n',
            workers=1,
        )

    def close(self) -> None:
        for phone in (self.owner, self.caller, self.away, self.busy):
            phone.close()
        self.loop.stop()
        self.service.stop()
        self.switch.stop()
        assert not self.loop.errors, "\n".join(self.loop.errors)


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_the_owner_is_rung_and_put_through_or_told_why_not(tmp_path):
    office = Office(tmp_path)
    try:
        with open_node(load_settings(office.service.settings, {})) as node:
            store = node.store
            store.registry.add(BOX, {"callback": "yes", "call_patterns": "514XXXXXXX"})
            message = Message("m1", Caller(NUMBER, "Zoé"), node.clock.now(), duration_ms=1000)
            assert store.mailboxes.deliver(BOX, message).kept
            _, words = store.access.add_token("portal", {Right.CALL_PLACE, Right.SERVICE_READ}, Reach(everywhere=True))
            [web] = wait_until(lambda: re.findall(r"http://127\.0\.0\.1:\d+", office.service.log.read_text()))
            portal = Browser(web, token=words)

            def freeswitch_is(state: str) -> bool:
                nodes = portal.get("/api/v1/nodes").json["nodes"]
                return [one["state"].get("freeswitch") for one in nodes] == [state]

            def asked(telephone: str) -> list[tuple[str, str]]:
                office.switch.api(f"global_setvar live_telephone={telephone}")
                reply = portal.post(f"/api/v1/mailboxes/{BOX}/messages/m1/call-back")
                assert reply.status == 202, reply.body

                def told() -> list[tuple[str, str]]:
                    events = store.events.tail(100, box=BOX)
                    mine = [one.details for one in events if one.what is EventType.CALL_BACK]
                    mine = [one for one in mine if one["call"] == reply.json["call"]]
                    return [(one["state"], one.get("why", "")) for one in mine]

                wait_until(lambda: told()[-1:] and told()[-1][0] != "ringing")
                return told()

            wait_until(lambda: freeswitch_is("up"))
            assert asked(office.owner.dial_string) == [("ringing", ""), ("answered", "")]
            wait_until(lambda: office.caller.rung == 1, "the caller being called")
            log = office.switch.log.read_text()
            assert f"asked for by {BOX}, 1001, {BOX.domain}" in log
            assert asked(office.busy.dial_string) == [("ringing", ""), ("failed", "busy")]
            assert asked("error/USER_NOT_REGISTERED") == [("ringing", ""), ("failed", "not-registered")]
            assert asked(office.away.dial_string) == [("ringing", ""), ("failed", "no-answer")]
            assert (office.owner.rung, office.caller.rung) == (1, 1)
            office.switch.stop()
            wait_until(lambda: freeswitch_is("down"))
            refused = portal.post(f"/api/v1/mailboxes/{BOX}/messages/m1/call-back")
            assert (refused.status, refused.problem) == (503, "no-telephone")
    finally:
        office.close()
