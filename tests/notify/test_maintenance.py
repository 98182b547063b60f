"""What listens to mod_voicemail's events goes on working: the same names, the same values, never the PIN."""

from __future__ import annotations

from dataclasses import replace

import pytest
from notify_cast import NOON, counts, delivered, event

from esl_vm.model.events import SIGN_INS, EventType
from esl_vm.notify.maintenance import maintenance_events

HOST = "pbx.example.com"


def fired(happened, sound=lambda audio_id: f"/var/cache/{audio_id}.wav"):
    return list(maintenance_events(happened, HOST, sound))


class MessageLog:
    """A listener as FreeSWITCH's documentation of mod_voicemail has it: counts and paths by user, from event headers."""

    def __init__(self):
        self.lines = []
        self.boxes = {}

    def on_event(self, headers):
        who = f"{headers['VM-User']}@{headers['VM-Domain']}"
        match headers["VM-Action"]:
            case "leave-message":
                urgent = headers["VM-Flags"] == "A_URGENT"
                self.lines.append(
                    f"{who} {headers['VM-UUID']} from {headers['VM-Caller-ID-Name']} <{headers['VM-Caller-ID-Number']}> "
                    f"{int(headers['VM-Message-Len'])} s{' urgent' if urgent else ''} in {headers['VM-Folder']} "
                    f"at {int(headers['VM-Timestamp'])}: {headers['VM-File-Path']}"
                )
            case "mwi-update":
                names = ("VM-Total-New", "VM-Total-Saved", "VM-Total-New-Urgent", "VM-Total-Saved-Urgent")
                self.boxes[who] = tuple(int(headers[name]) for name in names)
            case "folder-summary":
                names = ("New", "Saved", "New-Urgent", "Saved-Urgent")
                figures = [int(headers[f"VM-Total-{name}-Messages"]) for name in names]
                self.lines.append(f"{who} opened {headers['VM-Folder']} {figures}")
            case "authentication":
                self.lines.append(f"{who} login {headers['VM-Auth-Result']}")
            case "record-greeting" | "change-greeting" as action:
                self.lines.append(f"{who} {action} {headers['VM-Greeting-Path']}")
            case "record-name":
                self.lines.append(f"{who} name {headers['VM-Name-Path']}")
            case action:
                self.lines.append(f"{who} {action}")


def test_a_listener_written_for_mod_voicemail_follows_a_whole_day():
    listener = MessageLog()
    for happened in (
        delivered(new=1, message="m1"),
        delivered(new=2, urgent_new=1, message="m2", duration_ms=61600, caller_name="", caller_number=""),
        event("login-failed", new=2),
        event("login", new=2, urgent_new=1),
        event("heard", new=2, urgent_new=1),
        event("retired", new=1, old=1),
        event("deleted", new=1, old=0),
        event("greeting-set", greeting="unavailable", audio_id="g1"),
        event("greeting-set", greeting="name", audio_id="n1"),
        event("greeting-removed", greeting="unavailable"),
        event("pin-changed"),
    ):
        for headers in fired(happened):
            listener.on_event(headers)
    assert listener.lines == [
        f"1001@{HOST} m1 from Zoé Bélanger <5145551234> 12 s in inbox at {int(NOON)}: /var/cache/m1.wav",
        f"1001@{HOST} m2 from  <> 62 s in inbox at {int(NOON)}: /var/cache/m2.wav",
        f"1001@{HOST} login fail",
        f"1001@{HOST} login success",
        f"1001@{HOST} opened inbox [2, 0, 1, 0]",
        f"1001@{HOST} record-greeting /var/cache/g1.wav",
        f"1001@{HOST} change-greeting /var/cache/g1.wav",
        f"1001@{HOST} name /var/cache/n1.wav",
        f"1001@{HOST} remove-greeting",
        f"1001@{HOST} change-password",
    ]
    assert listener.boxes == {f"1001@{HOST}": (1, 0, 0, 0)}


def test_an_urgent_message_has_mod_voicemails_flag():
    [left, _] = fired(delivered(urgent=True))
    assert left["VM-Flags"] == "A_URGENT"


def test_leave_message_comes_before_the_counts_and_has_every_header_of_mod_voicemail():
    left, update = fired(delivered())
    assert list(left) == [
        *("VM-Action", "VM-User", "VM-Domain", "VM-Caller-ID-Name", "VM-Caller-ID-Number", "VM-File-Path", "VM-Flags"),
        *("VM-Folder", "VM-UUID", "VM-Message-Len", "VM-Timestamp", "VM-Event-ID"),
    ]
    assert update["VM-Action"] == "mwi-update"


def test_every_event_says_which_it_is_so_that_one_seen_twice_can_be_told():
    happened = delivered()
    assert {headers["VM-Event-ID"] for headers in fired(happened)} == {f"3-{happened.id}"}


def test_a_sound_that_cannot_be_had_leaves_the_path_empty():
    assert fired(delivered(), lambda _: "")[0]["VM-File-Path"] == ""


def test_a_message_filed_in_another_folder_says_which():
    assert fired(delivered(folder="work"))[0]["VM-Folder"] == "work"


@pytest.mark.parametrize("what", list(EventType))
def test_no_event_tells_a_pin_whatever_it_was_told(what):
    happened = event(what, new=1, pin="4821937506", password="4821937506", greeting="busy", audio_id="a")
    assert "4821937506" not in str(fired(happened))


def test_what_mod_voicemail_does_not_know_fires_nothing():
    for what in ("locked", "box-added", "box-changed"):
        assert fired(event(what)) == []


def test_who_signs_in_without_a_mailbox_is_nobody_to_mod_voicemail():
    for what in (EventType.LOGIN, EventType.LOGIN_FAILED):
        assert fired(replace(event(what), box=SIGN_INS)) == []


def test_counts_of_other_folders_are_not_saved_messages():
    happened = event("moved", new=0, old=2, folder="work")
    assert fired(happened)[0]["VM-Total-Saved"] == "2"
    assert counts(1).new == 1
