"""A manifest says the same after any crash: all that was decided, and never half a decision."""

from __future__ import annotations

import dataclasses
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spool_cast import ALICE, BOB

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.message import CallDetails, Caller, Message
from esl_vm.recordings.journal import Journal, read
from esl_vm.recordings.manifest import VERSION, Manifest, ManifestError, NewerManifestError, TakeKind, decode, encode

MESSAGE = Message("0199-a", Caller("5145550100", "Zoé « la » Côté"), 1.5, urgent=True, folder=Folder.WORK)
MANIFEST = Manifest(TakeKind.MESSAGE, "0199-a", "media1", made=2.5, boxes=(ALICE, BOB), message=MESSAGE, min_ms=1000)

names = st.text(st.characters(codec="utf-8"), max_size=20)
messages = st.builds(
    Message,
    id=st.just("0199-b"),
    caller=st.builds(Caller, names, names),
    received=st.floats(0, 4e9),
    duration_ms=st.integers(0, 10**8),
    urgent=st.booleans(),
    folder=st.sampled_from(Folder),
    origin=names,
    forwarded_by=names,
    call=st.builds(CallDetails, names, names, names, names, names),
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "part": st.integers(1, 50),
        "recorded_ms": st.integers(-1, 10**7),
        "fitted": st.booleans(),
        "cut": st.booleans(),
        "urgent": st.booleans(),
        "promised": st.booleans(),
        "discarded": st.booleans(),
        "elsewhere": st.booleans(),
        "problem": names,
        "aside": names,
        "message": messages,
        "made": st.floats(0, 4e9),
        "boxes": st.lists(st.sampled_from([ALICE, BOB, MailboxId("a", "b")]), min_size=1).map(tuple),
    },
)


def test_a_manifest_of_a_version_that_knew_of_no_calls_is_read():
    """And the other way round: that version leaves out what it does not know, as this one does."""
    message = {"id": "0199-a", "caller": {"number": "5145550100", "name": "Zoé"}, "folder": "work", "received": 1.5}
    fields = {"kind": "message", "id": "0199-a", "boxes": ["1001@default"]}
    told = {"call": {"call_id": "a@x", "to_be_invented": 1}, "to_be_invented": [1]}
    for more, call in (({}, CallDetails()), (told, CallDetails("a@x"))):
        read_back, _ = decode(bytes([VERSION]) + encode(fields | {"message": message | more}))
        expected = Message("0199-a", Caller("5145550100", "Zoé"), 1.5, folder=Folder.WORK, call=call)
        assert read_back.message == expected


@given(st.lists(changes, max_size=6))
def test_what_was_written_down_is_what_is_read(all_changes):
    content = bytes([VERSION]) + encode({f.name: getattr(MANIFEST, f.name) for f in dataclasses.fields(MANIFEST)})
    expected = MANIFEST
    for changed in all_changes:
        content += encode(changed)
        expected = dataclasses.replace(expected, **changed)

    assert decode(content) == (expected, len(content))


def test_cut_at_every_byte_it_says_what_was_decided_before(tmp_path):
    journal = Journal.create(tmp_path / "0199-a.take", MANIFEST)
    known = [((tmp_path / "0199-a.take").stat().st_size, MANIFEST)]
    for changed in ({"urgent": True}, {"recorded_ms": 4711, "fitted": True}, {"problem": "é" * 40}, {"part": 2}):
        journal.append(**changed)
        known.append(((tmp_path / "0199-a.take").stat().st_size, journal.manifest))
    journal.close()
    content = (tmp_path / "0199-a.take").read_bytes()

    for size in range(len(content) + 1):
        whole = [one for one in known if one[0] <= size]
        if whole:
            assert decode(content[:size]) == (whole[-1][1], whole[-1][0])
            assert decode(content[:size].ljust(len(content), b"\0"))[0] == whole[-1][1]
        else:
            with pytest.raises(ManifestError):
                decode(content[:size])


def test_a_decision_after_half_a_decision_is_written_in_its_place(tmp_path):
    path = tmp_path / "0199-a.take"
    Journal.create(path, MANIFEST).close()
    with path.open("ab") as file:
        file.write(encode({"problem": "x" * 100})[:50])

    journal = Journal.open(path)
    assert journal.manifest == MANIFEST
    journal.append(part=2)
    journal.close()

    assert read(path) == (dataclasses.replace(MANIFEST, part=2), False)


@pytest.mark.parametrize("fails", ["pwrite", "fsync", "ftruncate"])
def test_a_decision_that_the_disk_refuses_is_not_there(tmp_path, monkeypatch, fails):
    path = tmp_path / "0199-a.take"
    journal = Journal.create(path, MANIFEST)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, fails, refuse)
    with pytest.raises(OSError, match="No space"):
        journal.append(discarded=True)
    monkeypatch.undo()

    assert not journal.manifest.discarded
    journal.append(part=2)
    assert read(path)[0] == dataclasses.replace(MANIFEST, part=2)


def test_a_disk_that_takes_a_few_bytes_at_a_time_is_enough(tmp_path, monkeypatch):
    write, pwrite = os.write, os.pwrite
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:3], at))
    journal = Journal.create(tmp_path / "0199-a.take", MANIFEST)

    journal.append(problem="rather long a sentence")

    assert read(tmp_path / "0199-a.take")[0] == dataclasses.replace(MANIFEST, problem="rather long a sentence")


def test_who_has_it_open_has_it_alone(tmp_path):
    path = tmp_path / "0199-a.take"
    journal = Journal.create(path, MANIFEST)

    assert Journal.open(path) is None
    assert read(path) == (MANIFEST, True)
    journal.close()
    again = Journal.open(path)
    assert again.manifest == MANIFEST
    assert Journal.open(path) is None
    again.rename(tmp_path / "0199-a.done")
    assert Journal.open(path) is None
    assert Journal.open(tmp_path / "0199-a.done") is None


def test_one_that_is_there_is_never_replaced(tmp_path):
    path = tmp_path / "0199-a.take"
    Journal.create(path, MANIFEST).close()

    with pytest.raises(FileExistsError):
        Journal.create(path, dataclasses.replace(MANIFEST, part=9))

    assert read(path)[0] == MANIFEST
    assert [one.name for one in tmp_path.iterdir()] == ["0199-a.take"]


def test_a_field_of_a_newer_version_is_passed_over(tmp_path):
    content = bytes([VERSION]) + encode({"kind": TakeKind.SOUND, "id": "0199-a", "colour": "blue"})

    assert decode(content)[0] == Manifest(TakeKind.SOUND, "0199-a")


def test_a_newer_form_is_told_apart_from_rubbish():
    with pytest.raises(NewerManifestError):
        decode(bytes([VERSION + 1]) + b"whatever")
    with pytest.raises(ManifestError, match="no manifest"):
        decode(b"\0\0\0")


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "message", "id": "0199-a"},
        {"kind": "message", "id": "../x", "boxes": ["1001"], "message": {"id": "x", "caller": {}, "folder": "new"}},
        {"kind": "greeting", "id": "a", "boxes": ["1001@default"], "greeting": "shouted"},
        {"kind": "greeting", "id": "a", "boxes": ["10 01@default"], "greeting": "busy"},
        {"kind": "sound", "id": "a", "part": "two"},
        {"kind": "sound", "id": "a", "urgent": 3.5},
        {"kind": "song", "id": "a"},
        {"kind": "sound"},
        {"kind": "sound", "id": 7},
        {"kind": "sound", "id": "a", "boxes": 7},
        {"kind": "message", "id": "a", "boxes": ["1"], "message": {"id": "a"}},
        {"kind": "message", "id": "a", "boxes": ["1"], "message": 7},
    ],
)
def test_what_cannot_be_is_refused(fields):
    with pytest.raises(ManifestError):
        decode(bytes([VERSION]) + encode(fields))


@given(st.binary(max_size=200))
def test_rubbish_is_never_more_than_refused(rubbish):
    with pytest.raises(ManifestError):
        decode(bytes([VERSION]) + rubbish)


def test_the_parts_of_a_manifest_must_fit_its_kind():
    with pytest.raises(InvalidValueError):
        Manifest(TakeKind.SOUND, "0199-a", boxes=(ALICE,))
    with pytest.raises(InvalidValueError):
        Manifest(TakeKind.GREETING, "0199-a", boxes=(ALICE,), greeting=Greeting.BUSY, message=MESSAGE)


@pytest.mark.parametrize(
    ("node", "call_node", "foreign", "at_home"),
    [
        ("media1", "media1", False, True),
        ("media1", "MEDIA1.example.net", False, True),
        ("media1", "media2", True, False),
        ("", "media2", False, False),
        ("media1", "", False, False),
    ],
)
def test_whose_freeswitch_records_is_told_from_the_hosts_names(node, call_node, foreign, at_home):
    manifest = Manifest(TakeKind.SOUND, "0199-a", node, call_node)

    assert (manifest.foreign, manifest.at_home) == (foreign, at_home)
