"""Sounds over HTTP: ranges as Safari asks for them, one finished file with a strong ETag, names that open on Windows."""

import io

import pytest
import soundfile
from support.s3_neighbour import S3Neighbour
from support.web_house import House, Served

from esl_vm.model.mailbox import Greeting, StoredGreeting
from esl_vm.model.message import new_id


@pytest.fixture
def recording(house):
    box = house.box()
    message_id = house.message(box, name="Zoé Côté \u202e../../x")
    return house.owner(box), f"/api/v1/mailboxes/{box}/messages/{message_id}/sound", house.sound().read_bytes()


@pytest.mark.parametrize("kind", ["wav", "mp3", "opus"])
def test_ranges(recording, kind):
    alice, path, _ = recording
    whole = alice.get(path, query={"format": kind})
    content, size = whole.body, len(whole.body)
    assert (whole.status, whole.headers["Accept-Ranges"], int(whole.headers["Content-Length"])) == (200, "bytes", size)
    etag = whole.headers["ETag"]
    assert etag.startswith('"')
    for asked, start, end in (
        ("bytes=0-1", 0, 1), ("bytes=100-", 100, size - 1), ("bytes=-500", size - 500, size - 1),
        (f"bytes=10-{size + 1000}", 10, size - 1), (f"bytes=-{size * 2}", 0, size - 1), (f"bytes={size - 1}-", size - 1, size - 1),
    ):  # fmt: skip
        part = alice.get(path, query={"format": kind}, headers={"Range": asked})
        assert part.status == 206, asked
        assert part.headers["Content-Range"] == f"bytes {start}-{end}/{size}"
        assert int(part.headers["Content-Length"]) == len(part.body)
        assert part.body == content[start : end + 1]
        assert part.headers["ETag"] == etag
    for asked in (f"bytes={size}-", "bytes=-0"):
        beyond = alice.get(path, query={"format": kind}, headers={"Range": asked})
        assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    for ignored in ("bytes=", "bytes=5-2", "bytes=0-1,5-6", "items=0-1", "bytes=a-b"):
        assert alice.get(path, query={"format": kind}, headers={"Range": ignored}).body == content


@pytest.mark.parametrize(("kind", "media_type"), [("mp3", "audio/mpeg"), ("opus", "audio/ogg")])
def test_the_stored_sound_is_given_as_it_is_or_smaller(recording, kind, media_type):
    alice, path, stored = recording
    assert alice.get(path).body == stored
    smaller = alice.get(path, query={"format": kind, "download": "true"})
    assert smaller.headers["Content-Type"] == media_type
    assert f".{kind}" in smaller.headers["Content-Disposition"]
    samples, rate = soundfile.read(io.BytesIO(smaller.body))
    assert rate == 8000
    assert len(samples) / rate == pytest.approx(2.0, abs=0.2)


def test_without_a_format_the_client_gets_what_it_prefers(recording):
    alice, path, stored = recording
    for accept, media_type in (
        ("*/*", "audio/wav"),
        ("audio/webm,audio/ogg,audio/wav,audio/*;q=0.9,*/*;q=0.5", "audio/wav"),
        ("audio/mpeg", "audio/mpeg"),
        ("audio/mpeg;q=0.5, audio/ogg", "audio/ogg"),
    ):
        reply = alice.get(path, headers={"Accept": accept})
        assert (reply.headers["Content-Type"], reply.headers["Vary"]) == (media_type, "Accept")
    refused = alice.get(path, headers={"Accept": "video/mp4"})
    assert (refused.status, refused.problem) == (406, "not-acceptable")
    assert alice.get(path, query={"format": "wav"}, headers={"Accept": "video/mp4"}).body == stored


def test_what_the_browser_has_is_not_sent_again(recording):
    alice, path, _ = recording
    etag = alice.get(path).headers["ETag"]
    assert alice.get(path, headers={"If-None-Match": etag}).status == 304
    assert alice.get(path, headers={"If-Range": etag, "Range": "bytes=0-1"}).status == 206
    assert alice.get(path, headers={"If-Range": '"another"', "Range": "bytes=0-1"}).status == 200


def test_head_says_how_long_it_is(recording):
    alice, path, stored = recording
    head = alice.ask("HEAD", path)
    assert (head.status, int(head.headers["Content-Length"]), head.body) == (200, len(stored), b"")


def test_a_downloads_name_keeps_accents_and_nothing_that_a_file_system_refuses(recording):
    alice, path, _ = recording
    told = alice.get(path, query={"download": "true"}).headers["Content-Disposition"]
    assert told.startswith("attachment; ")
    assert "Zo%C3%A9%20C%C3%B4t%C3%A9" in told
    assert not {"/", "\\", "\u202e", ":"} & set(told.split("filename*=UTF-8''")[1])
    assert told.isascii()


def test_a_sound_that_is_gone_is_said_to_be(house):
    box = house.box()
    message_id = house.message(box)
    house.node.audio.delete(message_id)
    alice = house.owner(box)
    assert alice.get(f"/api/v1/mailboxes/{box}/messages/{message_id}").status == 200
    gone = alice.get(f"/api/v1/mailboxes/{box}/messages/{message_id}/sound")
    assert (gone.status, gone.problem) == (404, "sound-missing")


def test_who_is_not_the_owner_and_takes_a_sound_is_in_the_audit(house):
    box = house.box()
    message_id = house.message(box)
    path = f"/api/v1/mailboxes/{box}/messages/{message_id}/sound"
    house.owner(box).get(path)
    assert "exported" not in house.events(box)
    house.token("message.hear").get(path, headers={"X-Forwarded-For": "198.51.100.7"})
    (exported,) = [event for event in house.store.events.tail(20, box=box) if event.what == "exported"]
    assert exported.details["by"].startswith("web token:program 198.51.100.7 ")


def test_a_new_temporary_greeting_keeps_its_dates_unless_they_are_over(house):
    box, now = house.box(), int(house.node.clock.now())
    alice, path = house.owner(box), f"/api/v1/mailboxes/{box}/greetings/temporary"
    for ends, kept in ((now + 3600, True), (now - 60, False)):
        house.store.mailboxes.set_greeting(box, Greeting.TEMPORARY, StoredGreeting(new_id(now), 1000, 5, ends))
        told = alice.put(f"{path}/sound", house.sound().read_bytes(), kind="audio/wav").json
        assert told["in_force"]
        assert (told["starts"] is not None, told["ends"] is not None) == (kept, kept)
    for dates in ({"ends": "2001-01-01T00:00:00Z"}, {"starts": "1901-01-01T00:00:00Z"}):
        refused = alice.patch(path, dates)
        assert (refused.status, refused.problem) == (422, "invalid")


def ranges_of(redis_url, folder, settings):
    """What a browser gets of a sound's end, and of one as Opus that nobody asked for before, from such a store."""
    running = Served(folder, redis_url, settings)
    try:
        house = House(running)
        box = house.box()
        path = f"/api/v1/mailboxes/{box}/messages/{house.message(box)}/sound"
        alice = house.owner(box)
        part = alice.get(path, headers={"Range": "bytes=-100"})
        assert (part.status, part.body) == (206, house.sound().read_bytes()[-100:])
        first = alice.get(path, query={"format": "opus"}, headers={"Range": "bytes=0-3"})
        assert (first.status, first.body) == (206, b"OggS")
    finally:
        running.close()


def test_ranges_are_the_same_where_sounds_are_files(web_redis, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    ranges_of(web_redis.url, tmp_path, f'audio.store = "folder"\naudio.folder = "{shared}"\n')


def test_ranges_are_the_same_where_sounds_are_in_s3(web_redis, tmp_path):
    pytest.importorskip("boto3", reason="esl-vm[s3] is not installed")
    with S3Neighbour() as s3:
        settings = {"store": "s3", "bucket": "sounds", "endpoint": s3.url, "access_key": "one", "secret_key": "two"}
        ranges_of(web_redis.url, tmp_path, "".join(f'audio.{name} = "{value}"\n' for name, value in settings.items()))
        assert s3.objects


def test_a_sound_that_is_broken_is_said_to_be(house):
    box = house.box()
    message_id = house.message(box)
    house.node.audio.delete(message_id)
    broken = house.served.folder / "broken.wav"
    broken.write_bytes(b"RIFF\0\0\0\0WAVEjunk")
    house.node.audio.put(message_id, broken)
    reply = house.owner(box).get(f"/api/v1/mailboxes/{box}/messages/{message_id}/sound", query={"format": "mp3"})
    assert (reply.status, reply.problem) == (404, "sound-missing")


def test_a_host_that_makes_no_smaller_sounds_says_so(web_redis, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import soundfile\nsoundfile.check_format = lambda *_: False\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    running = Served(tmp_path, web_redis.url)
    try:
        house = House(running)
        box = house.box()
        alice, path = house.owner(box), f"/api/v1/mailboxes/{box}/messages/{house.message(box)}/sound"
        refused = alice.get(path, query={"format": "opus"})
        assert (refused.status, refused.problem) == (406, "not-acceptable")
        assert refused.json["detail"] == "this host's libsndfile makes no opus: ask for `wav`."
        assert alice.get(path).status == 200
    finally:
        running.close()
