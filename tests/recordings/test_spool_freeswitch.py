"""A real FreeSWITCH is killed while it records: what reached the disk arrives, marked as cut."""

from __future__ import annotations

import pytest
from live.freeswitch import FreeSwitch, find_freeswitch
from spool_cast import ALICE, process_dies
from support.waiting import wait_until

from esl_vm.recordings import Settled
from esl_vm.sound.wav import measure


@pytest.fixture
def freeswitch(request, tmp_path):
    if "live" not in request.config.option.markexpr:
        pytest.skip("needs a real FreeSWITCH: `make live` runs it")
    if find_freeswitch() is None:
        pytest.skip("no FreeSWITCH on this machine")
    running = FreeSwitch(tmp_path / "freeswitch", {"public": "127.0.0.1:1"}, ["default"])
    yield running
    running.stop()


def record(freeswitch, path, *, buffered: str = "false", uuid: str = "") -> None:
    """Have FreeSWITCH record a line on which there is only noise, without end."""
    variables = f"enable_file_write_buffering={buffered}" + (f",origination_uuid={uuid}" if uuid else "")
    answer = freeswitch.api(f"originate {{{variables}}}null/noise &record({path})")
    assert answer.startswith("+OK"), answer


def grown_to(path, size):
    wait_until(lambda: path.exists() and path.stat().st_size >= size, what=f"{path.name} growing to {size} bytes")


@pytest.mark.live
def test_freeswitch_and_the_service_are_killed_in_mid_recording(freeswitch, desk):
    take = desk.take(threshold=0)
    record(freeswitch, take.path)
    grown_to(take.path, 30_000)
    freeswitch.process.kill()
    freeswitch.process.wait()
    reached = take.path.stat().st_size
    process_dies(take)

    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is Settled.DELIVERED
    message = desk.mailboxes.messages(ALICE)[take.id]
    assert message.cut
    assert message.duration_ms == (reached - 44) // 16
    sound = measure(desk.audio.playable(take.id), 0)
    assert (sound.finished, sound.ms) == (True, message.duration_ms)


@pytest.mark.live
def test_the_service_is_killed_and_freeswitch_records_on_to_the_proper_end(freeswitch, desk):
    take = desk.take(threshold=0)
    record(freeswitch, take.path, uuid="the-caller")
    grown_to(take.path, 20_000)
    process_dies(take)
    written = take.path.stat().st_mtime
    assert desk.sweeper(quiet_s=15, wall=lambda: written + 1).sweep_once() == []

    grown_to(take.path, 40_000)
    freeswitch.api("uuid_kill the-caller")
    wait_until(lambda: freeswitch.api("show channels count").startswith("0"), what="the call ending")
    desk.sweeper().sweep_once()

    message = desk.mailboxes.messages(ALICE)[take.id]
    assert not message.cut
    assert message.duration_ms >= 2400


@pytest.mark.live
def test_what_freeswitch_keeps_in_its_buffer_process_dies_it_so_the_take_is_set_aside(freeswitch, desk):
    take = desk.take(threshold=0)
    record(freeswitch, take.path, buffered="true")
    grown_to(take.path, 44)
    freeswitch.process.kill()
    freeswitch.process.wait()
    process_dies(take)

    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is Settled.BROKEN
    assert "before any of it reached the disk" in outcome.reason
