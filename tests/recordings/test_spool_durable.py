"""What is said to be on the disk is on the disk: full disks, power cuts, folders that can't be used."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess

import pytest
from spool_cast import ALICE, BOB, Desk, freeswitch_records, process_dies, recorded
from support.small_disk import small_disk, take_inodes
from support.sounds import voice

from esl_vm.model.errors import CallerGoneError, SpoolError
from esl_vm.recordings import Settled
from esl_vm.recordings.journal import read
from esl_vm.sound import disk as spool_disk


@pytest.fixture
def synced(monkeypatch):
    """What was brought to the disk, in order: names of files and folders; by the name they were or will be given."""
    order = []
    really = os.fsync

    def fsync(fd):
        name = os.path.basename(os.readlink(f"/proc/self/fd/{fd}")).removesuffix(" (deleted)")
        order.append(re.sub(r"^\.(.*)\.[0-9a-f]{8}\.part$", r"\1", name))
        really(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    return order


def test_before_the_beep_the_manifest_and_its_name_are_on_the_disk(desk, synced):
    desk.spool.folder.make_ready()
    synced.clear()

    take = desk.take()

    assert synced == [f"{take.id}.take", "takes"]
    take.discard()


def test_a_decision_is_on_the_disk_before_the_caller_hears_of_it(desk, synced):
    take = desk.take()
    freeswitch_records(take.path, voice(2000))
    for decide in (
        lambda: take.recorded(recorded(2000)),
        lambda: take.mark(urgent=True),
        take.again,
        take.discard,
    ):
        synced.clear()
        decide()
        assert f"{take.id}.take" in synced


def test_before_kept_is_promised_the_recording_itself_is_on_the_disk(desk, synced):
    take = desk.take()
    freeswitch_records(take.path, voice(2000))
    take.recorded(recorded(2000))
    desk.mailboxes.down = 1
    synced.clear()

    assert take.settle() is Settled.WAITING

    assert synced[-3:] == [take.path.name, "takes", f"{take.id}.take"]


def test_what_cannot_be_brought_to_the_disk_is_not_promised_but_kept_all_the_same(desk, monkeypatch):
    def broken(_):
        raise OSError(5, "Input/output error")

    def call():
        with desk.take() as take:
            freeswitch_records(take.path, voice(2000))
            take.recorded(recorded(2000))
            monkeypatch.setattr(os, "fsync", broken)
            take.settle()

    with pytest.raises(SpoolError, match="can't be kept"):
        call()
    monkeypatch.undo()

    desk.sweeper().sweep_once()
    assert len(desk.mailboxes.messages(ALICE)) == 1


def test_a_take_that_was_settled_between_a_look_and_its_lock_is_let_go(desk, monkeypatch):
    from esl_vm.recordings import journal

    take = desk.take()
    process_dies(take)
    path = desk.folder / "takes" / f"{take.id}.take"
    content = path.read_bytes()
    really = journal.fcntl.flock

    def late(file, operation):
        path.unlink()
        path.write_bytes(content)  # a take of the same name, but not the one that was opened
        really(file, operation)

    monkeypatch.setattr(journal.fcntl, "flock", late)
    assert journal.Journal.open(path) is None

    def gone(file, operation):
        path.unlink()
        really(file, operation)

    monkeypatch.setattr(journal.fcntl, "flock", gone)
    assert journal.Journal.open(path) is None


def test_a_disk_with_too_little_room_is_noticed_before_the_beep(tmp_path):
    desk = Desk(tmp_path, min_free=1 << 60)

    with pytest.raises(SpoolError, match="MiB free"):
        desk.take()

    assert desk.on_the_way() == []


@pytest.mark.parametrize("step", ["write", "fsync", "link"])
def test_a_disk_that_is_full_after_all_is_noticed_before_the_beep(desk, monkeypatch, step):
    desk.spool.folder.make_ready()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(SpoolError, match="No space left"):
        desk.take()
    monkeypatch.undo()

    assert desk.on_the_way() == []


@pytest.mark.parametrize("owner_says", ["a file", "read only"])
def test_a_folder_that_cannot_be_used_is_noticed_before_the_beep(desk, owner_says, monkeypatch):
    if owner_says == "a file":
        desk.folder.write_text("not a folder")
    else:

        def read_only(*_, **__):
            raise OSError(30, "Read-only file system")

        monkeypatch.setattr(os, "mkdir", read_only)
    with pytest.raises(SpoolError, match="spool"):
        desk.take()


def test_as_another_user_without_rights_the_spool_is_an_error_and_not_a_crash(tmp_path):
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    desk = Desk(tmp_path)
    desk.spool.folder.make_ready()
    child = os.fork()
    if child == 0:
        answer = 9
        try:
            os.setgid(65534)
            os.setuid(65534)
            try:
                desk.take()
            except SpoolError:
                answer = 0
        finally:
            os._exit(answer)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def tiny_disk(tmp_path):
    """A real disk of half a megabyte."""
    if os.getuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a tmpfs")
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_on_a_really_full_disk_the_caller_hears_an_apology_instead_of_a_beep(tmp_path, tiny_disk):
    desk = Desk(tmp_path, spool=tiny_disk / "spool")
    desk.spool.folder.make_ready()
    fill(tiny_disk)

    with pytest.raises(SpoolError, match="No space left"):
        desk.take()

    (tiny_disk / "filler").unlink()
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        assert take.settle() is Settled.DELIVERED


def test_a_disk_that_fills_up_during_the_call_loses_nothing_that_reached_it(tmp_path, tiny_disk):
    desk = Desk(tmp_path, spool=tiny_disk / "spool")

    def call():
        with desk.take() as take:
            freeswitch_records(take.path, voice(2000))
            fill(tiny_disk)
            take.recorded(recorded(2000))
            raise CallerGoneError

    with contextlib.suppress(CallerGoneError, SpoolError):
        call()
    assert len(desk.mailboxes.messages(ALICE)) == 1

    (tiny_disk / "filler").unlink()
    desk.sweeper().sweep_once()
    assert len(desk.mailboxes.messages(ALICE)) == 1
    assert desk.on_the_way() == []


def test_what_cannot_be_trimmed_for_want_of_room_arrives_later(tmp_path, tiny_disk):
    desk = Desk(tmp_path, spool=tiny_disk / "spool")
    with contextlib.suppress(SpoolError), desk.take(ALICE, BOB) as take:
        freeswitch_records(take.path, voice(6000) + bytes(32000))
        fill(tiny_disk)
        take.recorded(recorded(8000))
        assert take.settle() is not Settled.DELIVERED
    assert desk.mailboxes.messages(ALICE) == {}

    (tiny_disk / "filler").unlink()
    desk.sweeper().sweep_once()

    assert desk.mailboxes.messages(ALICE)[take.id].duration_ms == 6200
    assert desk.on_the_way() == []


def test_a_file_that_another_process_wrote_and_its_name_are_brought_to_the_disk(tmp_path, synced):
    (tmp_path / "recording.wav").write_bytes(b"x")

    spool_disk.sync_file(tmp_path / "recording.wav")

    assert synced == ["recording.wav", tmp_path.name]


@pytest.mark.parametrize("trouble", ["full", "no inodes", "read-only"])
def test_a_disk_that_takes_nothing_more_is_told_to_callers_and_once_a_minute_to_the_log(tmp_path, trouble, caplog):
    with small_disk(tmp_path / "disk") as disk_folder:
        desk = Desk(tmp_path, spool=disk_folder / "spool", keep_s=600)
        with desk.take() as kept:
            freeswitch_records(kept.path, voice(1500))
            kept.recorded(recorded(1500))
            assert kept.settle() is Settled.DELIVERED
        if trouble == "full":
            fill(disk_folder)
        elif trouble == "no inodes":
            take_inodes(disk_folder)
        else:
            subprocess.run(["mount", "-o", "remount,ro", disk_folder], check=True)

        for _ in range(5):
            with pytest.raises(SpoolError):
                desk.take()
            desk.sweeper().sweep_once()

    said = [line for line in caplog.messages if "nothing can be recorded now" in line]
    assert len(said) == 1
    assert desk.mailboxes.messages(ALICE)


def test_what_cannot_be_written_down_any_more_is_delivered_all_the_same(tmp_path, monkeypatch):
    desk = Desk(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    with desk.take() as take:
        freeswitch_records(take.path, voice(1500))
        monkeypatch.setattr("os.pwrite", full)
        take.recorded(recorded(1500))
        take.mark(urgent=True)
        assert take.settle() is Settled.DELIVERED

    assert desk.mailboxes.messages(ALICE)[take.id].urgent


def test_what_could_not_be_written_down_is_with_the_next_that_can(tmp_path, monkeypatch):
    desk = Desk(tmp_path)
    with desk.take() as take:
        freeswitch_records(take.path, voice(1500))
        with monkeypatch.context() as context:
            context.setattr("os.pwrite", lambda *_: os.open("/no/such/folder", os.O_RDONLY))
            take.mark(urgent=True)
        take.recorded(recorded(1500))

        manifest, _ = read(take.path.parent / f"{take.id}.take")
        assert (manifest.urgent, manifest.recorded_ms) == (True, 1500)


def test_without_a_store_either_nothing_is_promised(tmp_path, monkeypatch):
    desk = Desk(tmp_path)
    with contextlib.suppress(SpoolError), desk.take() as take:
        freeswitch_records(take.path, voice(1500))
        (desk.shared / "audio").rename(desk.shared / "away")
        monkeypatch.setattr("os.pwrite", lambda *_: os.open("/no/such/folder", os.O_RDONLY))
        take.recorded(recorded(1500))
        with pytest.raises(SpoolError):
            take.settle()
