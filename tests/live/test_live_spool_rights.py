"""A spool that FreeSWITCH may enter but not write into: callers hear the apology, until it can.

FreeSWITCH runs with mounts of its own (`unshare --mount`), where the spool becomes read-only: the service, beside it, sees
nothing of that, as of a group that FreeSWITCH's user is not in.
"""

import subprocess
from contextlib import closing, contextmanager

import pytest
from calls.book import Box
from live.live_node import LiveNode
from live.live_rig import LiveRig, furnish
from support.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

OWN_MOUNTS = ("unshare", "--mount", "--propagation", "private")
LEAVE = "w:beep talk s:3 d:# quiet w:vm-review d:1 w:vm-msgsaved end:20"
REFUSED = "w:im-sorry end:30"
CUT_OFF = "w:beep talk s:3 hang"


@pytest.fixture
def node(tmp_path):
    if subprocess.run([*OWN_MOUNTS, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mounts of its own can be made here: that needs root")
    with closing(LiveNode(tmp_path / "node", before=OWN_MOUNTS, workers=1)) as running:
        yield running


@contextmanager
def read_only(node):
    """The spool, as FreeSWITCH sees it."""
    takes = node.folder / "service" / "data" / "spool" / "takes"
    within = ["nsenter", "--target", str(node.switch.pid), "--mount"]
    subprocess.run([*within, "mount", "--bind", takes, takes], check=True)
    subprocess.run([*within, "mount", "-o", "remount,bind,ro", takes], check=True)
    yield
    subprocess.run([*within, "umount", takes], check=True)


def rings(rig, script):
    rig.dials("1001", script, "0612345678")
    return rig.heard, (rig.status, rig.line.variable("vm_cause"))


def test_callers_hear_the_apology_instead_of_the_greeting_until_it_can(node, tmp_path):
    rig = LiveRig(node, tmp_path / "call")
    furnish(rig, Box())
    node.stores.spool.folder.make_ready()

    with read_only(node):  # from the beginning
        for _ in range(2):
            heard, told = rings(rig, REFUSED)
            assert heard[:2] == ["im-sorry", "please-try-call-later"], rig.transcript
            assert told == ("FAILED", "away")
    heard, told = rings(rig, LEAVE)
    assert "vm-msgsaved" in heard, rig.transcript
    assert told == ("SUCCESS", "")

    with read_only(node):  # later: the first is cut off by FreeSWITCH, the next are told
        heard, _ = rings(rig, CUT_OFF)
        assert "beep" in heard, rig.transcript
        heard, told = rings(rig, REFUSED)
        assert heard[:2] == ["im-sorry", "please-try-call-later"], rig.transcript
        assert told == ("FAILED", "away")
    heard, _ = rings(rig, LEAVE)
    assert "vm-msgsaved" in heard, rig.transcript
    wait_until(lambda: "FreeSWITCH can't write into" in node.service.log.read_text())
    assert ".probe" not in " ".join(path.name for path in node.stores.spool.folder.takes.iterdir())
