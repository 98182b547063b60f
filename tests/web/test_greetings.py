"""Greetings in a browser: listed, heard, sent in whatever the browser recorded, judged by content; dated, erased."""

import io
import shutil
import subprocess

import pytest
import soundfile


def path(box, *more):
    return "/".join(["/api/v1/mailboxes", str(box), "greetings", *more])


def test_sent_in_heard_dated_and_erased(house):
    box = house.box(timezone="America/Toronto")
    alice = house.owner(box)
    assert alice.get(path(box)).json == {"greetings": []}
    put = alice.put(path(box, "temporary", "sound"), house.sound(3000).read_bytes(), kind="audio/wav")
    assert put.json == {"greeting": "temporary", "duration_ms": 3000, "in_force": True, "starts": None, "ends": None}
    dated = alice.patch(
        path(box, "temporary"), {"starts": "2126-12-24T17:00:00-05:00", "ends": "2127-01-04T00:00:00Z"}
    ).json
    assert (dated["in_force"], dated["starts"], dated["ends"]) == (
        False, "2126-12-24T17:00:00-05:00", "2127-01-03T19:00:00-05:00",
    )  # fmt: skip
    assert alice.patch(path(box, "temporary"), {"starts": "2126-12-24T17:00:00"}).problem == "invalid"
    assert alice.patch(path(box, "temporary"), {"ends": "2020-01-01T00:00:00Z"}).problem == "invalid"
    assert alice.patch(path(box, "busy"), {}).problem == "invalid"
    assert alice.patch(path(box, "temporary"), {"starts": None, "ends": None}).json["in_force"] is True
    heard = alice.get(path(box, "temporary", "sound"))
    assert soundfile.info(io.BytesIO(heard.body)).duration == 3.0
    assert alice.delete(path(box, "temporary")).status == 204
    assert alice.get(path(box, "temporary", "sound")).problem == "not-found"
    assert alice.get(path(box, "nonsense", "sound")).problem == "not-found"


def test_a_greeting_replaced_is_the_new_one_at_the_next_play(house):
    box = house.box()
    alice = house.owner(box)
    etags = []
    for milliseconds in (2000, 3000):
        alice.put(path(box, "busy", "sound"), house.sound(milliseconds).read_bytes(), kind="audio/wav")
        heard = alice.get(path(box, "busy", "sound"), headers={"If-None-Match": etags[-1]} if etags else {})
        assert heard.status == 200
        assert soundfile.info(io.BytesIO(heard.body)).duration == milliseconds / 1000
        assert "no-cache" in heard.headers["Cache-Control"]
        etags.append(heard.headers["ETag"])


def encoded(sound, ending, *options):
    ran = subprocess.run(
        [shutil.which("ffmpeg"), "-v", "error", "-i", str(sound), "-ar", "48000", *options, "-f", ending, "-movflags",
         "frag_keyframe+empty_moov", "pipe:1"],
        capture_output=True, check=True,
    )  # fmt: skip
    return ran.stdout


@pytest.mark.parametrize(
    ("ending", "options"),
    [("webm", ("-c:a", "libopus")), ("mp4", ("-c:a", "aac")), ("ogg", ("-c:a", "libopus")), ("mp3", ()), ("wav", ())],
)
def test_what_any_browser_records_is_taken_whatever_it_is_called(house, ending, options):
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg here, which reads WebM and MP4")
    box = house.box()
    alice = house.owner(box)
    content = encoded(house.sound(3000), ending, *options)
    reply = alice.put(path(box, "unavailable", "sound"), content, kind="text/html; name=x.php")
    assert reply.status == 200, reply.body
    assert reply.json["duration_ms"] == pytest.approx(3000, abs=150)
    samples, rate = soundfile.read(io.BytesIO(alice.get(path(box, "unavailable", "sound")).body))
    assert rate == 8000
    assert abs(samples[: rate // 2]).max() > 0.1  # the first half second is there


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"<?php system('id'); ?>", b"\0" * 4000, b"RIFF\xff\xff\xff\xffWAVE", b"OggS" + b"\1" * 300,
     b"\x1aE\xdf\xa3" + b"\2" * 300, b"ID3" + b"\xff" * 500, b"#!/bin/sh\n"],
)  # fmt: skip
def test_rubbish_is_refused_and_replaces_nothing(house, content):
    box = house.box()
    alice = house.owner(box)
    alice.put(path(box, "busy", "sound"), house.sound().read_bytes(), kind="audio/wav")
    refused = alice.put(path(box, "busy", "sound"), content, kind="audio/wav")
    assert (refused.status, refused.problem) == (422, "no-sound")
    assert house.store.mailboxes.open(box).greetings["busy"].duration_ms == 2000


def test_one_that_is_too_long_says_how_long_it_may_be(house):
    box = house.box(maxgreet="2")
    refused = house.owner(box).put(path(box, "busy", "sound"), house.sound(3000).read_bytes(), kind="audio/wav")
    assert refused.problem == "too-long"
    assert "2 s" in refused.json["detail"]


def test_one_that_is_too_large_is_refused(house):
    box = house.box()
    refused = house.owner(box).put(path(box, "busy", "sound"), b"RIFF" + b"\0" * (2 << 20), kind="audio/wav")
    assert refused.problem == "too-large"
