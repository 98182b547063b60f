"""What processes, hosts and stores left behind is settled: once, by whoever comes first, never under a live call."""

from __future__ import annotations

import contextlib
import multiprocessing
import os

import pytest
from spool_cast import ALICE, BOB, DEFAULTS, RATE, Desk, freeswitch_records, process_dies, recorded
from support.sounds import cut_off, voice

from esl_vm.model.errors import CallerGoneError, InvalidValueError, SpoolError
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Greeting
from esl_vm.recordings import HANDOVER_SUFFIX, Settled
from esl_vm.recordings.journal import Journal
from esl_vm.sound.wav import wave

FORK = multiprocessing.get_context("fork")


def dies(*_, **__):
    raise SystemExit


@pytest.fixture
def left_behind(desk):
    """A message whose process died after the recording had ended."""
    take = desk.take()
    freeswitch_records(take.path, voice(2000))
    take.recorded(recorded(2000))
    process_dies(take)
    return take.id


def test_the_message_of_a_dead_process_arrives(desk, left_behind):
    [outcome] = desk.sweeper().sweep_once()

    assert (outcome.id, outcome.boxes, outcome.settled) == (left_behind, ("1001@default",), Settled.DELIVERED)
    message = desk.mailboxes.messages(ALICE)[left_behind]
    assert (message.duration_ms, message.cut, message.received) == (2000, False, desk.clock.now())
    assert desk.on_the_way() == []


def test_a_live_call_is_left_alone(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))

        assert desk.sweeper().sweep_once() == []
        assert [info.state for info in desk.spool.takes()] == ["recording"]
        take.settle()


def test_another_process_sees_that_a_call_is_live_until_that_process_is_killed(tmp_path):
    ready, parent = FORK.Pipe()

    def call():
        take = Desk(tmp_path).take()
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        ready.send(take.id)
        ready.recv()

    child = FORK.Process(target=call)
    child.start()
    take_id = parent.recv()
    desk = Desk(tmp_path)

    assert desk.sweeper().sweep_once() == []
    child.kill()
    child.join(100)
    [outcome] = desk.sweeper().sweep_once()

    assert (outcome.id, outcome.settled) == (take_id, Settled.DELIVERED)


def test_of_several_sweepers_at_once_each_take_falls_to_one(tmp_path):
    desk = Desk(tmp_path)
    desk.mailboxes.maxmsg = 40
    for _ in range(40):
        take = desk.take()
        freeswitch_records(take.path, voice(1500))
        take.recorded(recorded(1500))
        process_dies(take)
    together = FORK.Barrier(3)
    answers = FORK.Queue()

    def sweep():
        together.wait(100)
        held = [journal for path in desk.spool.folder.manifests() if (journal := Journal.open(path))]
        together.wait(100)
        answers.put([journal.manifest.id for journal in held])

    children = [FORK.Process(target=sweep) for _ in range(3)]
    for child in children:
        child.start()
    held = [take_id for _ in children for take_id in answers.get(timeout=100)]
    for child in children:
        child.join(100)
    outcomes = desk.sweeper().sweep_once()

    assert len(held) == len(set(held)) == 40
    assert sorted(outcome.id for outcome in outcomes) == sorted(held)
    assert len(desk.mailboxes.messages(ALICE)) == 40


@pytest.mark.parametrize("content", [None, b"", cut_off(b"")], ids=["no file", "empty file", "header only"])
def test_a_process_that_died_at_the_beep_leaves_nothing_in_the_mailbox(desk, content):
    take = desk.take()
    if content is not None:
        take.path.write_bytes(content)
    process_dies(take)

    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is (Settled.TOO_SHORT if content is None else Settled.BROKEN)
    assert (desk.mailboxes.messages(ALICE), desk.sounds(), desk.on_the_way()) == ({}, [], [])
    assert bool(desk.set_aside()) is (content is not None)


def test_freeswitch_and_the_service_died_and_what_reached_the_disk_arrives_as_cut(desk):
    take = desk.take()
    take.path.write_bytes(cut_off(voice(4000)))
    process_dies(take)

    desk.sweeper().sweep_once()

    message = desk.mailboxes.messages(ALICE)[take.id]
    assert (message.duration_ms, message.cut) == (4000, True)
    assert desk.content(take.id) == wave(voice(4000), RATE)


def test_freeswitch_and_the_service_died_after_too_little(desk):
    take = desk.take()
    take.path.write_bytes(cut_off(voice(500)))
    process_dies(take)

    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is Settled.TOO_SHORT
    assert (desk.mailboxes.messages(ALICE), desk.on_the_way()) == ({}, [])


def test_the_service_died_and_freeswitch_records_on_until_it_is_quiet(desk):
    take = desk.take()
    take.path.write_bytes(cut_off(voice(1500)))
    process_dies(take)
    wall = take.path.stat().st_mtime
    sweeper = desk.sweeper(quiet_s=15, wall=lambda: wall)

    wall += 14
    assert sweeper.sweep_once() == []

    freeswitch_records(take.path, voice(5000))
    os.utime(take.path, (wall, wall))
    wall += 14
    assert sweeper.sweep_once() == []

    wall += 1
    [outcome] = sweeper.sweep_once()
    assert outcome.settled is Settled.DELIVERED
    message = desk.mailboxes.messages(ALICE)[take.id]
    assert (message.duration_ms, message.cut) == (5000, False)


def test_a_recording_that_is_about_to_begin_is_waited_for_as_well(desk):
    take = desk.take()
    process_dies(take)
    begun = (desk.folder / "takes" / f"{take.id}.take").stat().st_mtime

    assert desk.sweeper(quiet_s=15, wall=lambda: begun + 14).sweep_once() == []
    assert take.path.parent.exists()
    [outcome] = desk.sweeper(quiet_s=15, wall=lambda: begun + 16).sweep_once()
    assert outcome.settled is Settled.TOO_SHORT


def test_a_mark_a_second_attempt_and_a_discard_survive_the_process(desk):
    takes = {}
    for name in ("urgent", "again", "discarded"):
        takes[name] = take = desk.take()
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
    takes["urgent"].mark(urgent=True)
    takes["again"].again()
    freeswitch_records(takes["again"].path, voice(3000))
    for name, take in takes.items():
        process_dies(take, **{"discarded": True} if name == "discarded" else {})

    desk.sweeper().sweep_once()

    messages = desk.mailboxes.messages(ALICE)
    assert set(messages) == {takes["urgent"].id, takes["again"].id}
    assert messages[takes["urgent"].id].urgent
    assert messages[takes["again"].id].duration_ms == 3000
    assert desk.on_the_way() == []


def test_a_crash_of_the_sweeper_itself_harms_nothing(desk, left_behind, monkeypatch):
    for where in ("put", "deliver", "remove"):
        target = {"put": desk.audio, "deliver": desk.mailboxes, "remove": desk.spool.folder}[where]
        with monkeypatch.context() as patch:
            patch.setattr(target, where, dies)
            with pytest.raises(SystemExit):
                desk.sweeper().sweep_once()

    desk.sweeper().sweep_once()

    assert list(desk.mailboxes.messages(ALICE)) == [left_behind]
    assert desk.on_the_way() == []


def test_with_the_store_still_down_the_take_stays_and_a_few_tries_are_enough(desk):
    for _ in range(10):
        take = desk.take()
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        process_dies(take)
    desk.mailboxes.down = 100
    sweeper = desk.sweeper()

    assert [outcome.settled for outcome in sweeper.sweep_once()] == [Settled.WAITING] * 3
    assert desk.mailboxes.down == 97

    desk.mailboxes.down = 0
    assert len(sweeper.sweep_once()) == 10
    assert len(desk.mailboxes.messages(ALICE)) == 10


def test_takes_that_always_fail_do_not_hold_up_the_others(desk):
    for box in (ALICE, ALICE, ALICE, BOB):
        take = desk.take(box)
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        process_dies(take)
    deliver = desk.mailboxes.deliver

    def stubborn(box, message, **how):
        desk.mailboxes.down = 1 if box == ALICE else 0
        return deliver(box, message, **how)

    desk.mailboxes.deliver = stubborn
    sweeper = desk.sweeper()
    sweeper.sweep_once()
    assert desk.mailboxes.messages(BOB) == {}

    sweeper.sweep_once()

    assert len(desk.mailboxes.messages(BOB)) == 1


def test_a_full_mailbox_sets_aside_what_nobody_was_told_and_an_administrator_delivers_it(desk, left_behind):
    desk.mailboxes.fill(ALICE, 10)
    [outcome] = desk.sweeper().sweep_once()
    assert (outcome.settled, outcome.reason) == (Settled.FULL, "the mailbox is full")
    assert desk.set_aside() == [f"{left_behind}-1.wav", f"{left_behind}.take"]
    assert desk.mailboxes.told == [(ALICE, EventType.NOT_DELIVERED, left_behind, "full")]

    outcome = desk.sweeper().settle(left_behind)

    assert outcome.settled is Settled.DELIVERED
    assert left_behind in desk.mailboxes.messages(ALICE)
    assert (desk.set_aside(), desk.on_the_way()) == ([], [])


def test_a_mailbox_that_is_gone_sets_aside(desk, left_behind):
    desk.mailboxes.remove_box(ALICE)

    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is Settled.NO_MAILBOX
    assert [info.reason for info in desk.spool.takes()] == ["there is no such mailbox"]
    assert desk.mailboxes.told == [(ALICE, EventType.NOT_DELIVERED, left_behind, "unknown")]
    assert desk.sounds() == []


def test_settled_again_a_broken_take_goes_back_where_it_was(desk):
    take = desk.take()
    take.path.write_bytes(b"rubbish, not sound")
    process_dies(take)
    desk.sweeper().sweep_once()

    outcome = desk.sweeper().settle(take.id)

    assert outcome.settled is Settled.BROKEN
    assert desk.set_aside() == [f"{take.id}-1.wav", f"{take.id}.take"]


def test_what_is_in_quarantine_is_erased_when_an_administrator_says_so_and_its_mailbox_is_told(desk, left_behind):
    desk.mailboxes.fill(ALICE, 10)
    desk.sweeper().sweep_once()

    assert desk.sweeper().discard(left_behind) == (ALICE,)

    assert (desk.set_aside(), desk.on_the_way()) == ([], [])
    assert desk.mailboxes.told == [(ALICE, EventType.NOT_DELIVERED, left_behind, why) for why in ("full", "discarded")]
    with pytest.raises(InvalidValueError, match="is in quarantine"):
        desk.sweeper().discard(left_behind)


def test_nobody_erases_what_is_on_its_way(desk, left_behind):
    with pytest.raises(InvalidValueError, match="is in quarantine"):
        desk.sweeper().discard(left_behind)
    desk.sweeper().sweep_once()
    assert left_behind in desk.mailboxes.messages(ALICE)


@pytest.mark.parametrize("lost", [False, True])
def test_what_can_not_be_read_any_more_is_erased_too(desk, left_behind, lost):
    desk.spool.folder.manifest(left_behind).write_bytes(b"rubbish")
    desk.sweeper().sweep_once()
    if lost:
        (desk.spool.folder.quarantine / f"{left_behind}.take").unlink()
    assert desk.sweeper().discard(left_behind) == ()
    assert desk.set_aside() == []


@pytest.mark.parametrize("wrong", ["nothing-like-it", "", "../aside/x", "/etc/passwd"])
def test_settling_what_is_not_there_is_an_error(desk, left_behind, wrong):
    with pytest.raises(InvalidValueError):
        desk.sweeper().settle(wrong)


def test_a_live_call_cannot_be_settled_by_an_administrator(desk):
    with desk.take() as take:
        outcome = desk.sweeper().settle(take.id)
        assert (outcome.settled, outcome.reason) == (None, "somebody is at work on it")


def test_an_administrator_settles_what_is_still_waiting_for_quiet(desk):
    take = desk.take()
    freeswitch_records(take.path, voice(2000))
    process_dies(take)

    assert desk.sweeper(quiet_s=10**6).sweep_once() == []
    assert desk.sweeper(quiet_s=10**6).settle(take.id).settled is Settled.DELIVERED


def test_the_list_says_what_lies_there_and_why(desk, left_behind):
    live = desk.take(ALICE, BOB)
    desk.clock.at += 90
    waiting = desk.take(BOB)
    freeswitch_records(waiting.path, voice(1000))
    desk.mailboxes.down = 1
    waiting.settle()
    greeting = desk.spool.take_greeting(ALICE, Greeting.NAME, desk.sound_id())
    process_dies(greeting)
    (desk.folder / "takes" / "stray-1.wav").write_bytes(b"x" * 10)

    shown = {info.id: info for info in desk.spool.takes()}

    assert {info.id: info.state for info in shown.values()} == {
        left_behind: "unfinished",
        live.id: "recording",
        waiting.id: "waiting",
        greeting.id: "unfinished",
        "stray": "stray",
    }
    assert shown[live.id].boxes == ("1001@default", "1002@default")
    assert (shown[live.id].age_s, shown[waiting.id].age_s) == (90, 0)
    assert shown[left_behind].size == 44 + 32000
    assert "does not answer" in shown[waiting.id].reason
    assert (shown[greeting.id].kind, shown[live.id].kind) == ("greeting", "message")
    live.discard()


def test_an_empty_spool_lists_and_sweeps_nothing(desk):
    assert list(desk.spool.takes()) == []
    assert desk.sweeper().sweep_once() == []


@pytest.mark.parametrize("rubbish", [b"", b"\x00" * 4096, b"\x01\xc1", b"\x01\x80", b"\x01\x81\xa4kind\xa3odd"])
def test_a_manifest_that_says_nothing_is_set_aside_with_its_recording(desk, left_behind, rubbish):
    manifest = desk.folder / "takes" / f"{left_behind}.take"
    manifest.write_bytes(rubbish)

    [outcome] = desk.sweeper().sweep_once()

    assert (outcome.id, outcome.settled) == (left_behind, Settled.BROKEN)
    assert "manifest" in outcome.reason
    assert desk.set_aside() == [f"{left_behind}-1.wav", f"{left_behind}.take"]
    [info] = desk.spool.takes()
    assert info.state == "aside"
    assert "manifest" in info.reason
    with pytest.raises(SpoolError, match="manifest"):
        desk.sweeper().settle(left_behind)


def test_what_a_newer_version_wrote_is_left_to_it(desk, left_behind):
    manifest = desk.folder / "takes" / f"{left_behind}.take"
    manifest.write_bytes(b"\x02" + manifest.read_bytes()[1:])

    assert desk.sweeper().sweep_once() == []
    assert desk.on_the_way() == [f"{left_behind}-1.wav", f"{left_behind}.take"]
    assert "version 2" in next(desk.spool.takes()).reason


def test_an_unreadable_spool_is_an_error_with_its_name(desk):
    (desk.folder).mkdir()
    (desk.folder / "takes").write_text("not a folder")

    with pytest.raises(SpoolError, match="takes"):
        desk.sweeper().sweep_once()
    with pytest.raises(SpoolError, match="takes"):
        list(desk.spool.takes())


# Several hosts.


@pytest.fixture
def hosts(tmp_path):
    """Two hosts that share mailboxes and sounds, each with a spool of its own."""
    return tuple(Desk(tmp_path, node=name, spool=tmp_path / f"spool-{name}") for name in ("media1", "media2"))


def test_on_a_shared_folder_each_host_settles_its_own(tmp_path):
    one, other = Desk(tmp_path, node="media1"), Desk(tmp_path, node="media2")
    take = one.take()
    freeswitch_records(take.path, voice(2000))
    take.recorded(recorded(2000))
    process_dies(take)

    assert other.sweeper().sweep_once() == []
    [outcome] = one.sweeper().sweep_once()
    assert outcome.settled is Settled.DELIVERED


def test_an_administrator_settles_the_takes_of_a_host_that_does_not_come_back(tmp_path):
    one, other = Desk(tmp_path, node="media1"), Desk(tmp_path, node="media2")
    take = one.take()
    freeswitch_records(take.path, voice(2000))
    process_dies(take)

    assert other.sweeper().settle(take.id).settled is Settled.DELIVERED


def test_on_a_shared_folder_a_service_on_another_host_than_freeswitch_delivers_at_once(tmp_path):
    desk = Desk(tmp_path, node="media1")
    with desk.take(call_node="media2") as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        assert not take.elsewhere
        assert take.settle() is Settled.DELIVERED


def served_elsewhere(service, switch, data=None, *, call_node="media2.example.net", **options):
    """A call on one host's FreeSWITCH that another host's service serves; the folders are not shared."""
    message = options.pop("message", None) or service.message()
    options = DEFAULTS | {"call_node": call_node} | options
    take = service.spool.take_message((ALICE,), message, **options)
    there = switch.folder / "takes" / take.path.name
    there.parent.mkdir(parents=True, exist_ok=True)
    freeswitch_records(there, voice(2000) if data is None else data)
    return take


@pytest.mark.parametrize("call_node", ["media2.example.net", ""])
def test_a_recording_on_another_host_is_noticed_and_delivered_by_that_host(hosts, call_node):
    service, switch = hosts
    with served_elsewhere(service, switch, call_node=call_node) as take:
        take.recorded(recorded(2000))
        take.mark(urgent=True)
        assert take.elsewhere
        assert take.settle() is Settled.WAITING
        assert "another host" in take.reason or "media2" in take.reason
    assert service.on_the_way() == []
    assert service.sounds() == [take.id + HANDOVER_SUFFIX]

    [outcome] = switch.sweeper().sweep_once()

    assert (outcome.id, outcome.settled) == (take.id, Settled.DELIVERED)
    message = switch.mailboxes.messages(ALICE)[take.id]
    assert (message.urgent, message.duration_ms, message.cut) == (True, 2000, False)
    assert switch.content(take.id) == wave(voice(2000), RATE)
    assert (switch.sounds(), switch.on_the_way()) == ([take.id], [])


def test_hanging_up_on_another_host_keeps_the_message_too(hosts):
    service, switch = hosts
    with contextlib.suppress(CallerGoneError), served_elsewhere(service, switch) as take:
        raise CallerGoneError

    switch.sweeper().sweep_once()

    assert list(switch.mailboxes.messages(ALICE)) == [take.id]


def test_what_was_discarded_on_another_host_is_removed_there(hosts):
    service, switch = hosts
    with served_elsewhere(service, switch) as take:
        take.recorded(recorded(2000))
        take.discard()

    [outcome] = switch.sweeper().sweep_once()

    assert outcome.settled is Settled.DISCARDED
    assert (switch.mailboxes.messages(ALICE), switch.sounds(), switch.on_the_way()) == ({}, [], [])


def test_a_greeting_accepted_on_another_host_comes_in_force(hosts):
    service, switch = hosts
    take = service.spool.take_greeting(ALICE, Greeting.NAME, service.sound_id(), call_node="media2")
    there = switch.folder / "takes" / take.path.name
    there.parent.mkdir(parents=True)
    freeswitch_records(there, voice(2000))
    take.recorded(recorded(2000))
    assert take.settle() is Settled.WAITING

    switch.sweeper().sweep_once()

    assert switch.mailboxes.greeting(ALICE, Greeting.NAME).audio_id == take.id


def test_an_introduction_recorded_on_another_host_cannot_be_sent_from_here(hosts):
    service, _ = hosts
    preface = service.spool.take_sound(service.sound_id(), call_node="media2")
    preface.recorded(recorded(2000))
    source = served_elsewhere(service, service)
    source.settle()

    with preface, pytest.raises(SpoolError):
        service.spool.forward((BOB,), service.message(), source_id=source.id, preface=preface)
    assert service.mailboxes.messages(BOB) == {}


def test_with_the_store_down_the_handing_over_waits_too(hosts):
    service, switch = hosts
    with served_elsewhere(service, switch) as take:
        take.recorded(recorded(2000))
        (service.shared / "audio").rename(service.shared / "away")
        assert take.settle() is Settled.WAITING
    assert [info.state for info in service.spool.takes()] == ["elsewhere"]
    assert switch.sweeper().sweep_once()[0].settled is None

    (service.shared / "away").rename(service.shared / "audio")
    service.sweeper().sweep_once()
    switch.sweeper().sweep_once()

    assert list(switch.mailboxes.messages(ALICE)) == [take.id]
    assert (service.on_the_way(), switch.on_the_way(), switch.sounds()) == ([], [], [take.id])


def test_a_recording_nobody_knows_anything_of_is_set_aside_after_a_day(hosts):
    service, switch = hosts
    take = served_elsewhere(service, switch)
    process_dies(take)
    stray = switch.folder / "takes" / take.path.name
    born = stray.stat().st_mtime

    assert switch.sweeper(stray_s=86400, wall=lambda: born + 80000).sweep_once() == []
    [outcome] = switch.sweeper(stray_s=86400, wall=lambda: born + 87000).sweep_once()

    assert (outcome.settled, outcome.reason) == (Settled.BROKEN, "a recording without a manifest")
    assert switch.set_aside() == [stray.name]
    assert [info.state for info in switch.spool.takes()] == ["stray"]


def test_a_process_that_dies_while_adopting_leaves_nothing_handed_over(hosts, monkeypatch):
    service, switch = hosts
    with served_elsewhere(service, switch) as take:
        take.recorded(recorded(2000))
        take.settle()

    sweeper = switch.sweeper()
    with monkeypatch.context() as patch:
        patch.setattr(sweeper, "_settle", dies)
        with pytest.raises(SystemExit):
            sweeper.sweep_once()
    switch.sweeper().sweep_once()

    assert list(switch.mailboxes.messages(ALICE)) == [take.id]
    assert switch.sounds() == [take.id]


def test_a_manifest_handed_over_under_a_false_name_is_not_believed(hosts):
    service, switch = hosts
    with served_elsewhere(service, switch) as take:
        take.recorded(recorded(2000))
        take.settle()
    handed = service.audio.playable(take.id + HANDOVER_SUFFIX)
    service.audio.put("other.take", handed)
    (switch.folder / "takes" / "other-1.wav").write_bytes(wave(voice(2000), RATE))

    outcomes = switch.sweeper(stray_s=10**9).sweep_once()

    assert {outcome.id: outcome.settled for outcome in outcomes} == {"other": None, take.id: Settled.DELIVERED}


def test_a_recording_that_vanished_on_the_host_itself_is_set_aside(tmp_path):
    desk = Desk(tmp_path, node="media1")
    with desk.take(call_node="MEDIA1") as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        take.path.unlink()
        assert take.settle() is Settled.BROKEN

    assert "vanished" in next(desk.spool.takes()).reason


def test_what_a_crash_left_half_written_goes_after_an_hour(desk, left_behind):
    half = desk.folder / "takes" / ".x.take.00000000.part"
    half.write_bytes(b"half")
    born = half.stat().st_mtime

    desk.sweeper(wall=lambda: born + 3000).sweep_once()
    assert half.exists()
    desk.sweeper(wall=lambda: born + 3700).sweep_once()
    assert desk.on_the_way() == []
