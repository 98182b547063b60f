"""Whoever takes sounds out of a mailbox by command leaves a trace: who, what, when."""

import pytest


@pytest.fixture
def alice(vm, tone, leave):
    vm("mailbox", "add", "1001", "--pin-stdin", typed="4821\n")
    vm("greeting", "import", "1001", "busy", tone(1.0))
    leave("1001")


def told(vm):
    events = vm("events", "--box", "1001", "--last", "20", "--json").out.splitlines()
    return [line for line in events if '"exported"' in line]


@pytest.mark.parametrize(
    ("command", "part"),
    [
        (("greeting", "export", "1001", "busy"), "busy"),
        (("export", "asterisk", "--to"), "mailbox"),
        (("backup",), "backup"),
    ],
    ids=["a greeting", "a mailbox for Asterisk", "all"],
)
def test_an_export_is_an_event_of_the_mailbox(vm, alice, tmp_path, command, part):
    assert vm(*command, tmp_path / "out").code == 0
    [event] = told(vm)
    assert f'"{part}"' in event
