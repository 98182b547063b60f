"""A time that a person reads says in which zone it is: the log beside it may be in another one."""

import re

from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller

NOON_UTC = 1_795_003_600.0  # 2026-11-18 12:06:40 UTC, 07:06:40 in Toronto
WITH_ZONE = r"20\d\d-\d\d-\d\d \d\d:\d\d(:\d\d)?[+-]\d\d:\d\d"


def test_every_table_and_line_with_a_time_has_its_zone(vm, leave, node, tone):
    vm("mailbox", "add", "1001", "--no-pin")
    leave("1001", caller=Caller("1002"))
    vm("greeting", "import", "1001", "temporary", tone(1.0), "--from", "2026-12-24", "--until", "2099-01-04")
    box = MailboxId("1001")
    node.outbox.add(Job("mail:1", JobKind.MAIL, box, {"message": {"id": "m"}}, created=NOON_UTC, due=NOON_UTC))
    for command in (
        ("message", "list", "1001"),
        ("mail", "list"),
        ("greeting", "list", "1001"),
        ("events",),
        ("top", "--once"),
        ("greeting", "set-dates", "1001", "--from", "2090-12-24T17:00", "--until", "2091-01-04"),
    ):
        ran = vm(*command)
        assert re.search(WITH_ZONE, ran.out), (command, ran.out, ran.err)
        assert not re.search(r"20\d\d-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(?![:\d+-])", ran.out), (command, ran.out)


def test_a_mailbox_s_own_zone_is_said(vm, leave):
    vm("mailbox", "add", "1001", "--no-pin", "timezone=Europe/Paris")
    leave("1001", received=NOON_UTC)
    assert "2026-11-18 13:06+01:00" in vm("message", "list", "1001").out
