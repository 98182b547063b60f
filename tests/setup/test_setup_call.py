"""The call with which setup tries itself, to a FreeSWITCH that does as it is told here."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import pytest
from support.sounds import RATE, silence, voice

from esl_vm.model.mailbox import MailboxId
from esl_vm.setup.call import TEST_NAME, SelfCall
from esl_vm.setup.ears import tone_seconds
from esl_vm.sound.wav import wave


@dataclass
class Message:
    id: str
    duration_ms: int


@dataclass
class Page:
    messages: list


def tone(path, ms, hertz, channels=1):
    """A file with a tone after a second of silence."""
    samples = silence(1000 * channels) + voice(ms * channels, 2000, 2 * math.pi * hertz / RATE / channels)
    path.write_bytes(wave(samples, RATE, channels))
    return path


class Node:
    """A FreeSWITCH with a service behind it: what it does is asked of by name, and events come from what it was told.

    Args:
        wrong: what goes wrong: `no loopback`, `no dialplan`, `no service`, `no group`, `not delivered`, `no lamp`, `vmain`,
            `not played`, `not heard`.
    """

    def __init__(self, ears, wrong=""):
        self.ears, self.wrong, self.now = ears, wrong, 0.0
        self.made, self.removed, self.told = {}, [], []
        self.older = []
        self._events, self._messages, self._keys = [], [], []
        self.mailboxes = self

    # -- the mailboxes

    def make(self, box, name, pin):
        self.made[box] = (name, pin)

    def remove(self, box):
        self.removed.append(box)

    def left(self):
        return self.older

    def page(self, box, folder, **_):
        return Page(self._messages)

    # -- FreeSWITCH

    def api(self, line):
        self.told.append(line)
        command, _, rest = line.partition(" ")
        if command == "sched_api":
            if self.wrong == "no loopback":
                return "-ERR no"
            self._ring(re.search(r"origination_uuid=([^,]+)", rest)[1], re.search(r"loopback/(.+?)/default", rest)[1])
        elif command == "uuid_recv_dtmf":
            self._keys.append(rest.split()[1])
            self._pressed()
        elif command == "uuid_record" and rest.split()[1] == "start":
            tone(self.ears / rest.rpartition("/")[2], 500 if self.wrong == "not heard" else 3000, 440)
        elif command == "uuid_kill" and self._recording:
            self._delivered()
        return "+OK Added: 1"

    def event(self, seconds):
        if self._events:
            return self._events.pop(0)
        self.now += max(seconds, 0.001)
        return None

    def _ring(self, uuid, number):
        self.uuid, self._recording = uuid, False
        (box,) = self.made
        if self.wrong == "no dialplan":
            self._say("CHANNEL_HANGUP_COMPLETE", uuid, **{"Hangup-Cause": "NO_ROUTE_DESTINATION"})
            return
        if number == "*98" and self.wrong == "vmain":
            self._runs("voicemail", "check default")
            self._say("CHANNEL_HANGUP_COMPLETE", uuid, **{"Hangup-Cause": "NORMAL_CLEARING"})
            return
        self._runs("socket", "127.0.0.1:8084 async full")
        if self.wrong == "no service":
            self._runs("execute_extension", "vm_ended_NONE")
        elif number == "*98":
            self._runs("playback", "/prompts/vm-login.wav")
        elif self.wrong == "no group":
            self._runs("playback", "/prompts/im-sorry.wav!/prompts/please-try-call-later.wav")
        else:
            self._runs("playback", "/prompts/beep.wav")
            self._runs("record", f"/spool/{box.number}.wav")
            self._recording = True

    def _delivered(self):
        self._recording = False
        (box,) = self.made
        if self.wrong != "not delivered":
            self._messages.append(Message("1a2b-3c", 3000))
        self._say("MESSAGE_WAITING", "", **{"MWI-Messages-Waiting": "yes", "MWI-Message-Account": "1001@192.0.2.1"})
        if self.wrong != "no lamp":
            account = f"sip:{box.number}@192.0.2.1"
            self._say("MESSAGE_WAITING", "", **{"MWI-Messages-Waiting": "yes", "MWI-Message-Account": account})

    def _pressed(self):
        (box,) = self.made
        right = [f"{box.number}#", f"{self.made[box][1]}#", "1"]
        assert self._keys == right[: len(self._keys)]
        if len(self._keys) < 3:
            self._runs("playback", "/prompts/vm-password.wav")
        elif self.wrong != "not played":
            self._runs("playback", "/prompts/vm-first.wav!/data/cache/1a/1a2b-3c.wav")

    def _runs(self, application, data):
        for name in ("CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE"):
            own = {"Application": application, "Application-Data": data, "variable_other_loopback_leg_uuid": self.uuid}
            self._say(name, "the-other-end", **own)

    def _say(self, name, uuid, **headers):
        self._events.append({"Event-Name": name, "Unique-ID": uuid, **headers})


def tried(node, **how):
    return list(SelfCall(node, node, "default", node.event, ears=node.ears, clock=lambda: node.now, **how)())


def test_a_message_is_left_its_lamp_lit_and_it_is_heard(tmp_path):
    node = Node(tmp_path)
    assert [(one.step, one.ok, one.remedy) for one in tried(node)] == [
        ("leave a message", True, ""), ("light the lamp", True, ""), ("hear it", True, ""),
    ]  # fmt: skip
    assert list(node.made) == node.removed
    [(box, (name, pin))] = node.made.items()
    assert (box.domain, name) == ("default", TEST_NAME)
    assert len(pin) == 8
    rings = [line for line in node.told if line.startswith("sched_api")]
    assert [re.search(r"loopback/(\S+)/default", line)[1] for line in rings] == ["vm_leave", "*98"]
    assert f"vm_mailbox={box.number}" in rings[0]
    assert "domain_name" not in rings[0]
    assert sum(line.startswith("uuid_kill") for line in node.told) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "step", "said", "remedy"),
    [
        ("no loopback", "leave a message", "does not call: -ERR no", "load mod_loopback"),
        ("no dialplan", "leave a message", "the call ended: NO_ROUTE_DESTINATION", "esl-vm doctor"),
        ("no service", "leave a message", "no service took the call", "systemctl start esl-vm"),
        ("no group", "leave a message", "it can't take messages", "systemctl restart freeswitch"),
        ("not delivered", "leave a message", "did not come into its mailbox", "esl-vm spool list"),
        ("no lamp", "light the lamp", "no MESSAGE_WAITING", "systemctl reload esl-vm"),
        ("vmain", "hear it", "the call ended: NORMAL_CLEARING", "esl-vm doctor"),
        ("not played", "hear it", "was not played", "journalctl -u esl-vm"),
        ("not heard", "hear it", "it was played, and 0.5 s of its tone came back", "journalctl -u esl-vm"),
    ],
)
def test_what_goes_wrong_is_the_last_step_and_has_its_remedy(wrong, step, said, remedy, tmp_path):
    node = Node(tmp_path, wrong)
    *well, failed = tried(node)
    assert all(one.ok for one in well)
    assert (failed.step, failed.ok) == (step, False)
    assert said in failed.said
    assert remedy in failed.remedy
    assert list(node.made) == node.removed


def test_a_mailbox_that_a_killed_run_left_is_removed(tmp_path):
    node = Node(tmp_path)
    node.older = [MailboxId("912345678")]
    tried(node)
    assert node.removed[0] == MailboxId("912345678")


def test_where_each_call_says_its_domain_the_call_does(tmp_path):
    node = Node(tmp_path)
    tried(node, each_call=True)
    ring = next(line for line in node.told if line.startswith("sched_api"))
    assert "domain_name=default" in ring
    assert "loopback_export='vm_mailbox,vm_reason,domain_name'" in ring


def test_a_tone_is_heard_and_nothing_else(tmp_path):
    assert tone_seconds(tone(tmp_path / "right.wav", 2000, 440), 440) == pytest.approx(2)
    assert tone_seconds(tone(tmp_path / "other.wav", 2000, 620), 440) == 0
    assert tone_seconds(tone(tmp_path / "quiet.wav", 0, 440), 440) == 0
    (tmp_path / "none.wav").write_bytes(b"RIFF")
    assert tone_seconds(tmp_path / "none.wav", 440) == 0
    assert tone_seconds(tmp_path / "no-such.wav", 440) == 0
