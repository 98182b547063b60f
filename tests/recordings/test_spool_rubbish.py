"""Whatever one take holds, the others are settled; what can't be settled is set aside, with a reason for people."""

from __future__ import annotations

import errno
import os
import re
import socket
import struct
import time

import pytest
from redis_service import ALICE, SAID, id_of
from spool_cast import RATE, freeswitch_records, process_dies

from esl_vm.model.settings import SpoolSettings
from esl_vm.recordings import Settled, settle
from esl_vm.recordings.manifest import VERSION, encode
from esl_vm.recordings.settle import MENDING_S
from esl_vm.sound import disk
from esl_vm.sound.wav import wave, wave_header

GOOD = 500


def a_take(service, number, sound=None) -> str:
    """A take whose process died when the recording had ended."""
    take = service.take(number)
    if sound is None:
        freeswitch_records(take.path, SAID)
    else:
        take.path.write_bytes(sound)
    process_dies(take, recorded_ms=1500)
    return take.id


def odd_header(channels=1, rate=RATE) -> bytes:
    content = bytearray(wave(SAID, RATE))
    struct.pack_into("<HIIHH", content, 22, channels, rate, 0, 2 * channels, 16)
    return bytes(content)


def manifest_of(**fields) -> bytes:
    usual = {
        "kind": "message",
        "id": "",
        "boxes": [str(ALICE)],
        "message": {"id": "m", "caller": {"number": "", "name": ""}, "folder": "new"},
        "promised": True,
    }
    return bytes([VERSION]) + encode(usual | fields)


def message(**fields):
    return {"id": "m", "caller": {"number": "", "name": ""}, "folder": "new"} | fields


MANIFESTS = {
    "empty": (b"", "is empty"),
    "text": (b"hello", "no manifest of this service"),
    "zeros": (bytes(4096), "no manifest of this service"),
    "damaged": (bytes([VERSION]) + b"\xff" * 40, "nothing in it can be read"),
    "no-keys": (bytes([VERSION]) + encode({"part": 1}), "does not say its kind and id"),
    "no-box": (manifest_of(boxes=[]), "has no boxes"),
    "boxes": (manifest_of(boxes=[5]), "'boxes' makes no sense"),
    "attempts": (manifest_of(part=1 << 30), "no attempt number"),
    "counts": (manifest_of(message=message(duration_ms=1 << 62)), "'message' makes no sense"),
    "time": (manifest_of(message=message(received=float("nan"))), "'message' makes no sense"),
    "caller": (manifest_of(message=message(caller={"number": ["1"], "name": ""})), "'message' makes no sense"),
    "other": (manifest_of(id=id_of(7)), "another take's"),
}
SOUNDS = {
    "rate": (odd_header(rate=4294967295), "4294967295 Hz"),
    "channels": (odd_header(channels=30000), "30000 channels"),
    "no-sound": (b"", "the file is empty"),
    "mp3": (b"ID3\x04" + bytes(500), "not a RIFF WAVE file"),
}


def put_rubbish(service) -> dict[str, str]:
    """One of each kind among the others; what must be said of each."""
    takes = service.spool.folder.takes
    expected = {}
    for name, (content, reason) in MANIFESTS.items():
        take_id = f"1a204fcb4ff-{name}"
        whole = content.replace(b"\xa2id\xa0", b"\xa2id" + bytes([0xA0 + len(take_id)]) + take_id.encode())
        if whole != content:
            fields = {"id": take_id}
            whole = content + encode(fields)
        (takes / f"{take_id}.take").write_bytes(whole)
        expected[take_id] = reason
    for number, (content, reason) in enumerate(SOUNDS.values()):
        expected[a_take(service, 10_000 + number, content)] = reason
    first = "1a204fcb4fe"
    os.mkfifo(takes / f"{first}-pipe.take")
    (takes / f"{first}-folder.take").mkdir()
    (takes / f"{first}-link.take").symlink_to(takes / "nowhere")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(takes / f"{first}-socket.take"))
    with (takes / f"{first}-huge.take").open("wb") as file:
        file.write(bytes([VERSION]))
        file.truncate(3 << 30)
    expected |= {
        f"{first}-pipe": "a named pipe",
        f"{first}-folder": "a folder",
        f"{first}-link": "a symbolic link",
        f"{first}-socket": "a socket",
        f"{first}-huge": "longer than 4 MiB",
    }
    pipe, folder, link, large = (service.take(20_000 + number) for number in range(4))
    os.mkfifo(pipe.path)
    folder.path.mkdir()
    link.path.symlink_to("/etc/hostname")
    with large.path.open("wb") as file:
        size = (513 << 20) + len(SAID)
        file.write(wave_header(size, RATE))
        file.seek(44 + (513 << 20))
        file.write(SAID)
    for take, reason in ((pipe, "a named pipe"), (folder, "a folder"), (link, "a symbolic link"), (large, "too large")):
        process_dies(take, recorded_ms=1500, promised=True)
        expected[take.id] = reason
    # What is being removed, and what a crash left half-written.
    (takes / f"{first}-settled.done").mkdir()
    os.mkfifo(takes / f"{first}-settled2.done")
    (takes / f".{first}.take.0011aabb.part").mkdir()
    return expected


def test_of_500_takes_among_all_kinds_of_rubbish_every_good_one_is_delivered_within_a_minute(service):
    service.spool.folder.make_ready()
    good = {a_take(service, number) for number in range(GOOD // 2)}
    rubbish = put_rubbish(service)
    good |= {a_take(service, 30_000 + number) for number in range(GOOD // 2)}

    sweeps = 0
    while {message.id for message in service.lie()} != good:
        sweeps += 1
        assert sweeps * SpoolSettings().sweep_s <= 60
        service.sweeper.sweep_once()

    found = {take.id: take for take in service.spool.takes() if take.state != "stray"}
    assert {take_id: (take.state, rubbish[take_id] in take.reason) for take_id, take in found.items()} == dict.fromkeys(
        rubbish, ("aside", True)
    )
    assert service.sweeper.sweep_once() == []


@pytest.fixture
def barred(monkeypatch):
    """Paths that this service's user may not read."""
    paths = set()
    really = disk.open_file

    def open_file(path, flags=os.O_RDONLY):
        if path in paths:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return really(path, flags)

    monkeypatch.setattr(disk, "open_file", open_file)
    return paths


@pytest.mark.parametrize("which", ["recording", "manifest"])
def test_what_the_service_may_not_read_holds_up_nobody_and_is_delivered_once_it_may(service, barred, which):
    service.spool.folder.make_ready()
    shut, other = a_take(service, 1), a_take(service, 2)
    folder = service.spool.folder
    barred.add(folder.recording(shut, 1) if which == "recording" else folder.manifest(shut))

    service.sweeper.sweep_once()

    assert [message.id for message in service.lie()] == [other]
    assert [take.state for take in service.spool.takes()] in (["unfinished"], ["waiting"])
    barred.clear()
    service.sweeper.sweep_once()
    assert {message.id for message in service.lie()} == {other, shut}


@pytest.mark.parametrize("which", ["recording", "manifest"])
def test_what_nobody_mends_for_an_hour_is_set_aside_and_settled_again_by_command(service, barred, which):
    service.spool.folder.make_ready()
    shut = a_take(service, 1)
    folder = service.spool.folder
    barred.add(folder.recording(shut, 1) if which == "recording" else folder.manifest(shut))
    service.sweeper.sweep_once()
    later = time.time() - MENDING_S - 1
    os.utime(folder.manifest(shut), (later, later))

    [outcome] = service.sweeper.sweep_once()

    assert outcome.settled is Settled.BROKEN
    assert re.search("may not read|can't be read", outcome.reason)
    barred.clear()
    assert [one.settled for one in service.sweeper.settle_all()] == [Settled.DELIVERED]
    assert [message.id for message in service.lie()] == [shut]


def test_an_error_nobody_thought_of_holds_up_nobody(service, monkeypatch, caplog):
    service.spool.folder.make_ready()
    takes = [a_take(service, number) for number in range(5)]
    really = settle.look

    def look(folder, journal, rate):
        if journal.manifest.id == takes[0]:
            raise ZeroDivisionError("a slip")
        return really(folder, journal, rate)

    monkeypatch.setattr(settle, "look", look)

    service.sweeper.sweep_once()

    assert [message.id for message in service.lie()] == takes[1:]
    [left] = service.spool.takes()
    assert "a slip" in left.reason


def test_what_is_set_aside_replaces_nothing_that_lies_there(desk):
    desk.spool.folder.make_ready()
    for content in ("first", "second"):
        (desk.folder / "takes" / "same.take").write_text(content)
        desk.sweeper().sweep_once()

    assert {path.name: path.read_text() for path in (desk.folder / "aside").iterdir()} == {
        "same.take": "first",
        "2-same.take": "second",
    }
