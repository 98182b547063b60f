"""The server itself: its headers, its bounds, its log; slow and greedy clients; Redis away; its end."""

import contextlib
import gzip
import http.client
import re
import socket
import wave
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.browser import Browser
from support.redis_servers import redis_server
from support.waiting import wait_until
from support.web_house import House, Served

from esl_vm.model.settings import Settings, WebSettings
from esl_vm.ops.check_web import check_web


def connected(served):
    where = urlsplit(served.url)
    return socket.create_connection((where.hostname, where.port), timeout=100)


def all_of(line):
    """What comes until the server closes."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := line.recv(65536):
            got += piece
    return got


def test_every_answer_has_the_headers_of_one_that_trusts_nobody(house):
    box = house.box()
    alice = house.owner(box)
    for reply in (
        alice.get(f"/api/v1/mailboxes/{box}"), alice.get("/api/v1/nowhere"), alice.get("/api/"), alice.post("/api/"),
        alice.get(f"/api/v1/mailboxes/{box}/messages/x/sound"),
    ):  # fmt: skip
        policy = reply.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["Cache-Control"] == "no-store"
        assert len(reply.headers["X-Request-Id"]) == 12


def test_pages_have_nothing_inline(house):
    for path in ("/api/", "/api/problems", "/admin/link/x"):
        page = house.served.browser().get(path)
        assert page.status == 200
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        for inline in (b"<script>", b"<style", b" style=", b" onclick=", b"javascript:", b"http://", b"https://"):
            assert inline not in page.body


def test_a_style_sheets_address_is_its_contents(house):
    browser = house.served.browser()
    said = browser.get("/api/").body.decode().split('"')
    (address,) = {word for word in said if word.startswith("/static/") and ".css" in word}
    sheet = browser.get(address)
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert "immutable" in sheet.headers["Cache-Control"]
    assert browser.get(address, headers={"If-None-Match": sheet.headers["ETag"]}).status == 304
    packed = browser.get(address, headers={"Accept-Encoding": "gzip"})
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(packed.body) == sheet.body


def test_what_a_search_or_a_form_is_answered_is_not_compressed(house):
    box = house.box()
    alice, packs = house.owner(box), {"Accept-Encoding": "gzip"}
    folder = f"/mailbox/{box}/folder/new"
    assert alice.get(folder, headers=packs).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in alice.get(folder, query={"q": "a"}, headers=packs).headers
    assert (
        "Content-Encoding"
        not in alice.post("/", b"mailbox=1&pin=1", kind="application/x-www-form-urlencoded", headers=packs).headers
    )


def test_a_problem_has_its_id_in_the_log(house):
    reply = house.served.browser().get("/api/v1/mailboxes")
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert set(reply.json) == {"type", "title", "status", "detail", "request"}
    assert reply.headers["X-Request-Id"] == reply.json["request"]
    wait_until(lambda: reply.json["request"] in house.served.log.read_text())


def test_what_is_wrong_with_a_request_is_said(house):
    box = house.box()
    portal = house.token()
    path = f"/api/v1/mailboxes/{box}/messages/batch"
    for body, kind, problem in (
        (b"{", "application/json", "bad-request"),
        (b"\xff\xfe", "application/json", "bad-request"),
        (b"[" * 100_000, "application/json", "invalid"),
        (b'{"action": "dance", "ids": ["x"]}', "application/json", "invalid"),
        (b'{"action": "delete", "ids": []}', "application/json", "invalid"),
        (b'{"action": "delete", "ids": ["x"], "more": 1}', "application/json", "invalid"),
        (b"action=delete", "application/x-www-form-urlencoded", "media-type"),
        (b"[" + b" " * 300_000 + b"]", "application/json", "too-large"),
    ):
        assert portal.post(path, body, kind=kind).problem == problem, body[:40]
    refused = portal.put(path)
    assert (refused.status, refused.headers["Allow"], refused.problem) == (405, "POST, OPTIONS", "method-not-allowed")


@pytest.fixture(scope="module")
def hurried(web_redis, tmp_path_factory):
    """A server that waits for nobody long."""
    running = Served(tmp_path_factory.mktemp("hurried"), web_redis.url, "web.arrival_s = 1\nweb.stall_s = 1\n")
    yield running
    running.close()


@pytest.fixture(scope="module")
def narrow(web_redis, tmp_path_factory):
    """A server that takes few at once, and little from each."""
    running = Served(tmp_path_factory.mktemp("narrow"), web_redis.url, "web.connections = 8\nweb.upload_mb = 1\n")
    yield running
    running.close()


def test_who_never_ends_his_request_is_dropped(hurried):
    with connected(hurried) as line:
        line.sendall(b"GET /api/ HTTP/1.1\r\nHost: x\r\n")
        assert all_of(line) == b""


def test_who_never_sends_his_body_is_told_and_dropped(hurried):
    house = House(hurried)
    words = house.token().token
    with connected(hurried) as line:
        head = f"POST /api/v1/mailboxes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {words}\r\n"
        line.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        got = all_of(line)
    assert got.startswith(b"HTTP/1.1 408 ")
    assert b"#too-slow" in got


def test_who_does_not_read_what_he_asked_for_is_dropped_without_ado(hurried):
    house = House(hurried)
    box = house.box()
    message_id = house.message(box)
    long = hurried.folder / "long.wav"
    with wave.open(str(long), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(32 << 20))  # more than a socket's buffers hold
    house.node.audio.delete(message_id)
    house.node.audio.put(message_id, long)
    words = house.token().token
    with connected(hurried) as line:
        path = f"/api/v1/mailboxes/{box}/messages/{message_id}/sound"
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {words}\r\n\r\n".encode())
        line.recv(10)
        wait_until(lambda: is_dropped(hurried, line), "the connection being dropped")
    assert "Traceback" not in hurried.log.read_text()


def is_dropped(served, line):
    """Whether the server has no such connection any more."""
    _, port = line.getsockname()
    listed = Path(f"/proc/{served.process.pid}/net/tcp").read_text()
    server = f":{urlsplit(served.url).port:04X}"
    return not any(
        words[1].endswith(server) and words[2].endswith(f":{port:04X}") and words[3] == "01"
        for words in map(str.split, listed.splitlines())
    )


def test_those_who_only_hold_on_make_room_for_those_who_ask(narrow):
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connected(narrow)) for _ in range(8)]
        for line in idle:
            line.sendall(b"GET /api/ HTTP/1.1\r\n")
        assert narrow.browser().get("/api/problems").status == 200


@pytest.mark.parametrize("how", ["announced", "in pieces"])
def test_a_gigabyte_is_refused_when_a_megabyte_has_come(narrow, how):
    house = House(narrow)
    box = house.box()
    words = house.token().token
    head = f"PUT /api/v1/mailboxes/{box}/greetings/busy/sound HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {words}\r\n"
    head += "Content-Type: audio/wav\r\n"
    head += f"Content-Length: {1 << 30}\r\n\r\n" if how == "announced" else "Transfer-Encoding: chunked\r\n\r\n"
    piece = b"\0" * 65536
    sent = 0
    with connected(narrow) as line:
        line.sendall(head.encode())
        with contextlib.suppress(OSError):
            while sent < 1 << 30:
                line.sendall(piece if how == "announced" else b"10000\r\n" + piece + b"\r\n")
                sent += len(piece)
        got = all_of(line)
    assert sent < 200 << 20
    assert got.startswith(b"HTTP/1.1 413 ") or not got
    assert house.store.mailboxes.open(box).greetings == {}
    assert narrow.browser().get("/api/problems").status == 200


def test_redis_away_is_said_with_what_to_do_and_passes(tmp_path):
    with redis_server(folder=tmp_path / "redis") as server:
        running = Served(tmp_path, server.url)
        try:
            house = House(running)
            box = house.box()
            alice = house.owner(box)
            path = f"/api/v1/mailboxes/{box}/messages"
            assert alice.get(path).status == 200
            server.kill()
            away = alice.get(path)
            assert (away.status, away.problem) == (503, "away")
            assert int(away.headers["Retry-After"]) > 0
            assert b"Traceback" not in away.body
            assert "kept" in away.json["detail"]
            assert alice.get("/api/").status == 200
            server.start()
            house.store.registry  # noqa: B018
            wait_until(lambda: alice.get("/api/v1/session").status in {200, 401}, what="Redis being found again")
        finally:
            running.close()
        assert "Traceback" not in running.log.read_text()


def test_told_to_stop_it_ends_with_nothing_wrong(tmp_path, web_redis):
    running = Served(tmp_path, web_redis.url)
    assert running.browser().get("/api/problems").status == 200
    running.close()
    assert running.process.returncode == 0
    assert "Traceback" not in running.log.read_text()


def test_a_stop_waits_for_nobody_who_only_listens_or_holds_on(tmp_path, web_redis):
    running = Served(tmp_path, web_redis.url)
    house = House(running)
    words = house.token("events.read").token
    with connected(running) as stream, connected(running) as idle:
        stream.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {words}\r\n\r\n".encode())
        begun = b""
        while b"retry: 2000" not in begun:
            begun += stream.recv(65536)
        idle.sendall(b"GET /api/problems HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200 ")
        running.process.terminate()
        assert all_of(stream).endswith(b"0\r\n\r\n")
        all_of(idle)
    running.close()
    assert running.process.returncode == 0


@pytest.mark.parametrize(
    ("listen", "url", "level"),
    [
        ("", "", None),
        ("127.0.0.1:8088", "", "ok"),
        ("0.0.0.0:8088", "", "warning"),
        ("0.0.0.0:8088", "http://voicemail.example.com", "warning"),
        ("0.0.0.0:8088", "https://voicemail.example.com", "ok"),
    ],
)
def test_doctor_warns_of_pins_that_travel_in_clear(listen, url, level):
    found = list(check_web(Settings(web=WebSettings(listen=listen, url=url))))
    assert [str(one.level) for one in found] == ([level] if level else [])


def test_one_that_runs_by_itself_has_figures_of_its_own(web_redis, tmp_path):
    running = Served(tmp_path, web_redis.url, words=("--status", "127.0.0.1:0"))
    try:
        status = Browser(re.search(r"http://[0-9.:]+", running.process.stdout.readline())[0])
        assert status.get("/healthz").status == 200
        portal = House(running).token()
        parts = urlsplit(running.url)
        line = http.client.HTTPConnection(parts.hostname, parts.port, timeout=100)
        line.request("GET", "/api/v1/events", headers={"Authorization": f"Bearer {portal.token}"})
        assert line.getresponse().readline()
        assert b"esl_vm_web_streams 1.0" in status.get("/metrics").body
        assert b'esl_vm_web_answers_total{kind="events",status="2xx"} 1.0' in status.get("/metrics").body
    finally:
        running.close()
