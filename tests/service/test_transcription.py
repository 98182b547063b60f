"""Messages in writing, by a real service and a server of the API."""

import json
import os
import re
import signal
import socket
import sys
from collections import deque
from pathlib import Path

import pytest
from support.clocks import WallClock
from support.served import Service
from support.waiting import wait_until

sys.path[:0] = [str(Path(__file__).parents[1] / "transcription"), str(Path(__file__).parents[1] / "notify")]

from engine_server import engine_server
from house import House
from notify_cast import ALICE
from written_engine import speech

from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Message
from esl_vm.notify.plan import Wishes, transcript_job
from esl_vm.store.keys import outbox_due

SETTINGS = """
[mailbox]
transcribe = true
[transcription]
engine = "http"
url = "{url}"
"""


@pytest.fixture
def engine():
    with engine_server() as running:
        yield running


def niceness(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])


#: These tests may themselves stand back behind others.
WANTED = max(15, os.nice(0))


def test_what_a_message_says_is_shown_soon_and_nobody_waits_for_it(tmp_path, engine):
    service = Service(tmp_path, settings=SETTINGS.format(url=engine.url))
    try:
        voice = tmp_path / "voice.wav"
        voice.write_bytes(speech())
        service.run("message", "send", voice, "--to", "1001", "--from-number", "1002")
        wait_until(lambda: engine.asked, "the engine is asked")
        [found] = json.loads(service.run("message", "list", "1001", "--folder", "new", "--json"))
        told = wait_until(
            lambda: json.loads(service.run("message", "show", "1001", found["id"], "--json"))["transcript"]
        )
        assert (told["text"], told["language"]) == ("Bonjour, c'est Zoé. Rappelez-moi.", "fr")
        assert [one["start_ms"] for one in told["segments"]] == [0, 1900]
        assert "1.9 s       Rappelez-moi." in service.run("message", "show", "1001", found["id"])
        assert "Rappelez" not in service.log.read_text()
        assert max(niceness(pid) for pid in service.workers()) == WANTED
    finally:
        service.close()


def test_another_host_may_transcribe(tmp_path, engine, program, empty_redis):
    (tmp_path / "esl-vm.toml").write_text(
        SETTINGS.format(url=engine.url)
        + f'[audio]\nstore = "folder"\nfolder = "{tmp_path}"\n[redis]\npartitions = 4\nurl = "{empty_redis.url}"\n'
    )
    house = House(empty_redis.url, tmp_path, WallClock())
    house.add(transcribe="yes")
    house.leave()
    house.audio.delete("m1")
    (tmp_path / "take.wav").write_bytes(speech())
    house.audio.put("m1", tmp_path / "take.wav")
    house.plan(Wishes(mail=False, transcribe=False))
    apart = program("-m", "esl_vm", "--config", tmp_path / "esl-vm.toml", "--data-dir", tmp_path / "data", "transcribe")
    apart.says("transcribed by whisper-1 at 127.0.0.1")
    assert wait_until(lambda: house.mailboxes.message(ALICE, "m1").transcript).language == "fr"
    assert niceness(apart.process.pid) == WANTED
    assert wait_until(house.store.cluster.transcribers) == [f"whisper-1 at 127.0.0.1 ({socket.gethostname()})"]
    apart.signal(signal.SIGTERM)
    assert apart.ends() == 0
    house.close()


def memory_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


@pytest.mark.parametrize("number", [100, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])])
def test_all_that_waits_is_drained_with_one_sound_in_memory(tmp_path, engine, program, empty_redis, number):
    engine.asked = deque(maxlen=1)
    (tmp_path / "esl-vm.toml").write_text(
        SETTINGS.format(url=engine.url)
        + f'[audio]\nstore = "folder"\nfolder = "{tmp_path}"\n[redis]\npartitions = 4\nurl = "{empty_redis.url}"\n'
    )
    house = House(empty_redis.url, tmp_path, WallClock())
    take = tmp_path / "take.wav"
    take.write_bytes(speech(2))
    for place in range(number):
        box = MailboxId(str(2000 + place // 100))
        if place % 100 == 0:
            house.registry.add(box, {"transcribe": "yes"})
        message = Message(f"m{place}", received=house.clock.now(), duration_ms=2000)
        house.audio.put(message.id, take)
        assert house.mailboxes.deliver(box, message).kept
        body = {"id": message.id}
        now = house.clock.now()
        house.outbox.add(Job(transcript_job(box, message.id), JobKind.TRANSCRIPT, box, body, now, now))
    apart = program("-m", "esl_vm", "--config", tmp_path / "esl-vm.toml", "--data-dir", tmp_path / "data", "transcribe")
    apart.says("transcribed by")
    due = outbox_due(JobKind.TRANSCRIPT)

    def left():
        return house.link.run(None, lambda client: client.zcard(due))

    def drained_to(least):
        """In small steps: a slow machine takes its time."""
        for most in range(left() - 1, least - 1, -10):
            wait_until(lambda most=most: left() <= most, f"{most} are left")

    drained_to(number * 9 // 10)
    early = memory_kb(apart.process.pid)
    drained_to(0)
    wait_until(lambda: not left(), "none is left")
    late = memory_kb(apart.process.pid)
    assert house.mailboxes.message(box, f"m{number - 1}").transcript.language == "fr"
    assert late - early < 8 * 1024, f"{early} kB after a tenth of {number}, {late} kB after all"
    print(f"{number} messages: {early} kB after a tenth, {late} kB after all")
    apart.signal(signal.SIGTERM)
    assert apart.ends() == 0
    house.close()
