"""What the notifier's tests stand on: a clock, a FreeSWITCH that writes down what it is told, events by hand."""

from __future__ import annotations

import itertools

from support.clocks import Clock

from esl_vm.model.errors import SwitchDownError
from esl_vm.model.events import Event, EventType
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Counts

ALICE = MailboxId("1001")
BOB = MailboxId("1002")
NOON = 1_795_018_000.0  # Wednesday 18 November 2026, 11:06:40 in Toronto


class TestClock(Clock):
    """It is noon until it is moved."""

    __test__ = False

    def __init__(self, now=NOON):
        super().__init__(now)

    later = Clock.passes


class WrittenSwitch:
    """A FreeSWITCH of one profile and one domain that writes down every event fired at it."""

    def __init__(self, api=None, connected=True):
        self.fired = []
        self.connected = connected
        self.answers = {
            "global_getvar domain": "pbx.example.com",
            "sofia xmlstatus": "<profiles>\n<profile>\n<name>internal</name>\n<state>RUNNING (0)</state>\n</profile>\n"
            "<profile>\n<name>broken</name>\n<state>DOWN</state>\n</profile></profiles>",
            "sofia xmlstatus profile internal": "<profile-info><db-name>sofia_reg_internal</db-name>"
            "<sip-ip>10.0.0.1</sip-ip><challenge-realm>auto_from</challenge-realm></profile-info>",
            "show registrations as json": '{"row_count":1,"rows":[{"reg_user":"1001","realm":"pbx.example.com"}]}',
            "module_exists mod_voicemail": "false",
            **(api or {}),
        }

    def fire(self, name, headers, subclass=""):
        if not self.connected:
            return False
        self.fired.append((name, subclass, dict(headers)))
        return True

    def api(self, command):
        if not self.connected:
            raise SwitchDownError("FreeSWITCH does not answer")
        return self.answers.get(command, "-ERR no reply")

    def events(self, names):
        yield {}

    def waiting(self):
        """What was fired to the lamps: account, what it shows."""
        return [
            (h["MWI-Message-Account"], h.get("MWI-Voice-Message", "-"))
            for n, _, h in self.fired
            if n == "MESSAGE_WAITING"
        ]

    def forget(self):
        self.fired.clear()


def counts(new=0, old=0, urgent=0, urgent_old=0):
    return Counts({Folder.NEW: new, Folder.OLD: old}, urgent, urgent_old)


_ids = itertools.count(1)


def event(what, box=ALICE, *, new=0, old=0, urgent_new=0, message="m1", at=NOON, **details):
    return Event(
        f"{int(at * 1000)}-{next(_ids)}", 3, EventType(what), box, at, counts(new, old, urgent_new), message, details
    )


def delivered(box=ALICE, *, new=1, old=0, urgent_new=0, message="m1", **details):
    fields = {
        "caller_number": "5145551234",
        "caller_name": "Zoé Bélanger",
        "received": NOON,
        "duration_ms": 12400,
        "urgent": False,
        "folder": "new",
        "origin": "call",
    }
    return event("delivered", box, new=new, old=old, urgent_new=urgent_new, message=message, **fields | details)
