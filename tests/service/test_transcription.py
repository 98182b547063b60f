"""Messages in writing, by a real service and a server of the API."""

import json
import os
import signal
import sys
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

from esl_vm.notify.plan import Wishes

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
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16]) - os.nice(0)


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
        assert max(niceness(pid) for pid in service.workers()) == 15
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
    assert niceness(apart.process.pid) == 15
    apart.signal(signal.SIGTERM)
    assert apart.ends() == 0
    house.close()
