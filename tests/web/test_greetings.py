"""Greetings in a browser: listed, heard, sent in whatever the browser recorded, judged by content; dated, erased."""

import io
import re
import shutil
import subprocess
from urllib.parse import urlencode

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


FRIDAY = "2126-11-29T18:30:00-05:00"
"""A Friday evening in Toronto."""
RULES = "unavailable-2 mon-fri 18:00-08:00; unavailable-3 from:514*; unavailable-3 calendar:nowhere"


def test_an_owner_sets_rules_and_sees_what_would_be_heard(house):
    box = house.box(timezone="America/Toronto")
    alice = house.owner(box)
    preview = f"/api/v1/mailboxes/{box}/greeting-preview"

    def heard(query=""):
        answer = alice.get(f"{preview}?at={FRIDAY}{query}").json
        return answer["greeting"], answer["rule"]

    assert heard() == (None, None)
    for name in ("unavailable-2", "unavailable-3", "busy"):
        alice.put(path(box, name, "sound"), house.sound(2000).read_bytes(), kind="audio/wav")
    assert [one["greeting"] for one in alice.get(path(box)).json["greetings"]] == [
        "busy",
        "unavailable-2",
        "unavailable-3",
    ]
    mailbox = f"/api/v1/mailboxes/{box}"
    etag = alice.get(mailbox).headers["ETag"]
    changed = alice.patch(mailbox, {"settings": {"greeting_rules": RULES}}, headers={"If-Match": etag})
    assert changed.json["settings"]["greeting_rules"] == RULES
    told = alice.get(f"{preview}?at={FRIDAY}").json
    assert told == {
        "at": FRIDAY, "greeting": "unavailable-2", "rule": "unavailable-2 mon-fri 18:00-08:00", "calendars_missing": ["nowhere"],
        "unrecorded": [], "led_to": None,
    }  # fmt: skip
    assert heard("&busy=true") == ("busy", None)
    assert (
        alice.get(f"{preview}?at=2126-11-29T12:00:00-05:00&caller=5145550102").json["rule"] == "unavailable-3 from:514*"
    )
    assert alice.get(f"{preview}?at=2126-11-29T12:00:00-05:00&caller=6135550102").json["greeting"] is None
    assert alice.get(f"{preview}?at=yesterday").problem == "invalid"
    wrong = alice.patch(mailbox, {"settings": {"greeting_rules": "unavailable-2 funday"}}, headers={"If-Match": "*"})
    assert (wrong.problem, "funday" in wrong.json["detail"]) == ("invalid", True)


def test_the_page_has_numbered_greetings_rules_and_a_preview(house):
    box = house.box(timezone="America/Toronto", language="en")
    alice = house.owner(box)
    page = f"/mailbox/{box}/greetings"

    def shown(query=""):
        return alice.get(page + query).body.decode()

    def sent(rules):
        return alice.post(page, urlencode({"rules": rules}).encode(), kind="application/x-www-form-urlencoded")

    alice.put(path(box, "unavailable-2", "sound"), house.sound(2000).read_bytes(), kind="audio/wav")
    assert 'data-greeting="unavailable-2"' in shown()
    assert 'data-greeting="unavailable-3"' not in shown()
    assert 'data-greeting="unavailable-3"' in shown("?add=unavailable-3")
    assert sent("unavailable-2 fri\r\nunavailable-2 sat").status == 303
    assert house.store.registry.fields(box)["greeting_rules"] == "unavailable-2 fri; unavailable-2 sat"
    assert "unavailable-2 fri\nunavailable-2 sat</textarea>" in shown()
    assert "<code>unavailable-2 fri</code>" in shown("?preview=1&at=2126-11-29T18:30&caller=")
    assert "the usual sentence" in shown("?preview=1&at=2126-12-02T18:30")
    assert alice.get(f"{page}?preview=1&at=yesterday").status == 422
    house.store.registry.change(box, {"exits": "busy=mailbox:1002", "greeting_rules": "busy-2 sat; unavailable-2 fri"})
    led = shown("?preview=1&at=2126-11-29T18:30&busy=1")
    assert "led on to <code>mailbox:1002</code>" in led
    assert "busy-2 is not recorded" in led
    assert "led on to" not in shown("?preview=1&at=2126-11-29T18:30")
    house.store.registry.change(box, {"greeting_rules": "unavailable-2 fri; unavailable-2 sat"})
    wrong = sent("unavailable-2 funday")
    assert wrong.status == 422
    assert "unavailable-2 funday</textarea>" in wrong.body.decode()
    assert house.store.registry.fields(box)["greeting_rules"] == "unavailable-2 fri; unavailable-2 sat"


def test_the_page_has_the_keys_that_an_owner_sets_and_shows_the_administrators(house):
    box = house.box(language="en", exits="0=2000; 2=directory")
    house.box("1002")
    page = f"/mailbox/{box}/greetings"
    fields = lambda: house.store.registry.fields(box)  # noqa: E731

    def sent(client, exits, **more):
        form = urlencode({"action": "exits", "exits": exits, **more}).encode()
        return client.post(page, form, kind="application/x-www-form-urlencoded")

    alice = house.owner(box)
    shown = alice.get(page).body.decode()
    assert "<code>0=2000</code>" in shown
    assert ">2=directory</textarea>" in shown
    assert sent(alice, "3=mailbox:1002\r\nbusy=mailbox:1002", press="1").status == 303
    assert (fields()["exits"], fields()["press_to_leave"]) == ("0=2000; 3=mailbox:1002; busy=mailbox:1002", "yes")
    for wrong, status in (("5=mailbox:1009", 422), ("5=2001", 403), ("0=directory", 403), ("mailbox:1002", 422)):
        answer = sent(alice, wrong)
        assert (answer.status, f">{wrong}</textarea>" in answer.body.decode()) == (status, True)
    assert fields()["exits"] == "0=2000; 3=mailbox:1002; busy=mailbox:1002"
    assert sent(alice, "").status == 303
    assert (fields()["exits"], fields()["press_to_leave"]) == ("0=2000", "no")
    marie = house.administrator()
    assert ">0=2000</textarea>" in marie.get(page).body.decode()
    assert sent(marie, "0=2001").status == 303
    assert fields()["exits"] == "0=2001"


def test_the_page_says_which_greetings_callers_hear_now(house):
    box = house.box(language="en", greeting_rules="unavailable-3 external; busy-2 internal")
    alice = house.owner(box)

    def said():
        text = alice.get(f"/mailbox/{box}/greetings").body.decode()
        cards = [part.split("</h2>")[0] for part in text.split("<h2>")[1:]]
        return {re.sub("<.*", "", card).strip(): "In force" in card for card in cards if "chip" in card}

    for name in ("unavailable", "unavailable-3", "busy", "busy-2", "name"):
        alice.put(path(box, name, "sound"), house.sound(2000).read_bytes(), kind="audio/wav")
    assert said() == {"Unavailable": False, "Busy": True, "Unavailable 3": True, "Busy 2": False}
    alice.put(path(box, "temporary", "sound"), house.sound(2000).read_bytes(), kind="audio/wav")
    assert {name for name, heard in said().items() if heard} == {"Temporary"}
