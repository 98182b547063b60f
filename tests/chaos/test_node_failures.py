"""A FreeSWITCH that dies while somebody speaks, and a service that is not on the host of the call's FreeSWITCH."""

import os
import signal
import subprocess
import sys
import time

import pytest
from chaos.fleet import DOMAIN, Fleet, Service, no_other_disk, other_disk
from live.freeswitch import why_not
from support.redis_servers import redis_server
from support.waiting import wait_until

from esl_vm.audio.cache import Cache
from esl_vm.audio.redis_audio import RedisAudio
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.sound.wav import measure
from esl_vm.store import keys
from esl_vm.store.connect import connect
from esl_vm.store.store import Store

BOX = "1100"
SPEAKS = "w:vm-intro* d:# w:beep talk s:60"
LEAVES_A_MESSAGE = "w:vm-intro* d:# w:beep talk s:3 d:# quiet w:vm-review d:1 end:20"
BYTES_A_SECOND = 16_000
LATE_S = 0.5
"""What may be missing of a recording: FreeSWITCH's way from the network to the file, and the test's to its looking."""


@pytest.fixture
def store(tmp_path):
    with redis_server("--appendonly", "yes") as server:
        store = Store(connect(server.url))
        store.url = server.url
        store.sounds = RedisAudio(store.link, keys.audio, Cache(tmp_path / "cache", limit_bytes=1 << 24))
        store.registry.add(MailboxId(BOX, DOMAIN), {"name": "Alice"})
        yield store
        store.close()


@pytest.fixture
def live(request):
    """Only where a real FreeSWITCH is asked for."""
    if "live" not in request.config.option.markexpr:
        pytest.skip("needs a real FreeSWITCH: `make live` runs it")
    if why_not():
        pytest.skip(why_not())


@pytest.fixture
def serving(store, tmp_path):
    """Make services, which are gone at the end."""
    made = []

    def make(name, **options):
        made.append(Service(tmp_path / name, store.url, **options))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def freeswitch(tmp_path):
    """Start one that tries these services."""
    begun = []

    def begin(*services):
        begun.append(Fleet(tmp_path / "freeswitch", {"all": "|".join(service.address for service in services)}))
        return begun[-1]

    yield begin
    for fleet in begun:
        fleet.close()


def messages(store):
    page = store.mailboxes.page(MailboxId(BOX, DOMAIN), Folder.NEW, urgent=None, after=None, most=10)
    return list(page.messages)


def arrived(store):
    """The one message, once it is there."""
    wait_until(lambda: messages(store), what="the message")
    [message] = messages(store)
    return message


def spoken(service, seconds):
    """Wait until so much of a recording is on the disk; its file."""

    def found():
        sounds = list(service.takes.glob("*-1.wav")) if service.takes.is_dir() else []
        return [sound for sound in sounds if sound.stat().st_size > seconds * BYTES_A_SECOND]

    return wait_until(found, what="a recording")[0]


def grown_old(service):
    """As if what lies in its spool had been there for a minute."""
    for path in service.takes.iterdir():
        os.utime(path, (time.time() - 60, time.time() - 60))


def nothing_left(service):
    wait_until(lambda: not service.waiting(), what=f"nothing waiting in {service.name}'s spool")


# -- FreeSWITCH dies in mid-recording


@pytest.mark.live
@pytest.mark.usefixtures("live")
def test_what_a_caller_said_until_freeswitch_died_is_delivered_at_once(store, serving, freeswitch):
    service = serving("media1")
    fleet = freeswitch(service)
    call = fleet.begin(BOX, SPEAKS, "all")
    spoken(service, 0.1)
    began = time.monotonic()
    spoken(service, 5)
    lasted = time.monotonic() - began
    fleet.switch.process.kill()
    fleet.switch.process.wait()

    message = arrived(store)
    assert message.cut
    assert message.caller.number == call.number
    assert lasted - LATE_S < message.duration_ms / 1000
    sound = measure(store.sounds.playable(message.id), 0)
    assert sound.finished
    assert sound.ms == message.duration_ms
    nothing_left(service)
    assert "Traceback" not in service.log.read_text()


@pytest.mark.live
@pytest.mark.usefixtures("live")
def test_what_a_caller_said_until_the_whole_host_died_is_delivered_when_it_is_back(store, serving, freeswitch):
    service = serving("media1")
    fleet = freeswitch(service)
    call = fleet.begin(BOX, SPEAKS, "all")
    recording = spoken(service, 4)
    fleet.switch.process.send_signal(signal.SIGSTOP)  # it does not see the service go, and end the recording properly
    service.kill()
    fleet.switch.process.kill()
    fleet.switch.process.wait()
    reached_ms = (recording.stat().st_size - 44) // 16
    assert messages(store) == []

    grown_old(service)
    service.start()
    message = arrived(store)
    assert message.cut
    assert message.caller.number == call.number
    assert message.duration_ms == reached_ms
    assert measure(store.sounds.playable(message.id), 0).ms == reached_ms
    nothing_left(service)


# -- a service on another host


@pytest.fixture
def two_hosts(serving, tmp_path):
    """The caller's host, media2, whose service is away, and media1, which has a disk of its own."""
    reason = no_other_disk(tmp_path)
    if reason:
        pytest.skip(reason)
    disk = tmp_path / "disk"
    own = serving("media2", data=disk, start=False)
    other = serving("media1", data=disk, within=other_disk(tmp_path / "disk-of-media1", disk))
    (disk / "spool/takes").mkdir(parents=True)  # media2's service has run before
    return own, other


def phone(address, tmp_path, *words):
    """A call of media2's, in a terminal; its exit code and what was heard."""
    command = ["phone", BOX, "--service", address, "--from", "500001", "--keys", "# # 1", "--mute", *words]
    ran = subprocess.run(
        [sys.executable, "-m", "esl_vm", *command],
        capture_output=True, text=True, timeout=100, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return ran.returncode, ran.stdout + ran.stderr


def is_handed_over_and_delivered(store, own, other, disk_of_other, number):
    """What has become of a message whose recording is on media2's disk, taken by media1's service."""
    [recording] = own.takes.glob("*.wav")
    assert messages(store) == []
    left = disk_of_other / "spool/takes"
    wait_until(lambda: not list(left.iterdir()), what="nothing of it being left where it can't be settled")
    wait_until(lambda: "do the hosts share the spool's folder?" in other.log.read_text())
    size = recording.stat().st_size

    grown_old(own)
    own.start()
    message = arrived(store)
    assert message.caller.number == number
    assert not message.cut
    assert message.duration_ms == pytest.approx((size - 44) / 16, abs=300)
    assert measure(store.sounds.playable(message.id), 0).ms == message.duration_ms
    nothing_left(own)
    wait_until(lambda: list(store.sounds.ids()) == [message.id], what="what was handed over being removed")


def test_a_message_taken_by_a_service_on_another_host_is_delivered_by_its_own(store, two_hosts, tmp_path):
    own, other = two_hosts
    code, heard = phone(other.address, tmp_path)
    assert code == 0, heard
    assert "SUCCESS" in heard
    is_handed_over_and_delivered(store, own, other, tmp_path / "disk-of-media1", "500001")


def test_a_caller_whose_recording_could_be_nowhere_hears_an_apology(store, two_hosts, tmp_path):
    """The host of the call's FreeSWITCH has no spool in that place."""
    own, other = two_hosts
    own.takes.rmdir()
    code, heard = phone(other.address, tmp_path)
    assert code == 1, heard
    assert "FAILED" in heard
    assert "SUCCESS" not in heard
    wait_until(lambda: "can't be used, here or by the call's FreeSWITCH" in other.log.read_text())
    assert messages(store) == []
    assert not own.takes.exists()


@pytest.mark.live
@pytest.mark.usefixtures("live")
def test_a_real_freeswitch_whose_own_service_is_away_loses_nothing(store, two_hosts, freeswitch, tmp_path):
    own, other = two_hosts
    fleet = freeswitch(own, other)
    call = fleet.call(BOX, LEAVES_A_MESSAGE, "all")
    assert call.wrong() == ""
    is_handed_over_and_delivered(store, own, other, tmp_path / "disk-of-media1", call.number)


@pytest.mark.live
@pytest.mark.usefixtures("live")
def test_on_a_real_freeswitch_a_caller_who_hangs_up_is_heard_as_well(store, two_hosts, freeswitch, tmp_path):
    own, other = two_hosts
    fleet = freeswitch(own, other)
    call = fleet.call(BOX, "w:vm-intro* d:# w:beep talk s:3 hang", "all")
    is_handed_over_and_delivered(store, own, other, tmp_path / "disk-of-media1", call.number)


def test_the_disks_are_two(two_hosts, tmp_path):
    """What the tests above stand on: the same path is another folder for media1."""
    own, other = two_hosts
    (own.data / "here").write_text("media2's")
    assert not (tmp_path / "disk-of-media1/here").exists()
    wait_until((tmp_path / "disk-of-media1/spool/takes").is_dir, what="media1's service making its folder")
    other.tell_to_stop()
    assert other.ended(20) == 0
