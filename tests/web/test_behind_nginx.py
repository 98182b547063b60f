"""Behind nginx as docs/web.md sets it up: events arrive at once, sounds in ranges, and who asks is known."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.browser import Browser
from support.ports import free_port
from support.waiting import wait_until
from test_events import Stream

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
PAGE = Path(__file__).parents[2] / "docs/web.md"

pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx on this machine")


@pytest.fixture
def proxied(served, tmp_path):
    """The address at which nginx answers for the service, by the page's own settings but for TLS."""
    port = free_port()
    [server] = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for usual, ours in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        ("proxy_pass http://127.0.0.1:8088;", f"proxy_pass {served.url};"),
    ):
        assert usual in server
        server = server.replace(usual, ours)
    places = "".join(
        f"{name}_temp_path {tmp_path}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    settings = tmp_path / "nginx.conf"
    settings.write_text(
        f"daemon off;\nmaster_process off;\npid {tmp_path}/pid;\nerror_log {tmp_path}/log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{places}{server}\n}}\n"
    )
    running = subprocess.Popen(
        [NGINX, "-p", tmp_path, "-e", tmp_path / "log", "-c", settings], stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"

    def answers():
        assert running.poll() is None, (tmp_path / "log").read_text()
        try:
            return Browser(address).get("/api/problems").status == 200
        except OSError:
            return False

    try:
        wait_until(answers)
        yield address
    finally:
        running.terminate()
        running.wait(20)


def test_events_arrive_at_once_and_are_gone_on_with(house, proxied):
    box = house.box()
    alice = Browser(proxied).sign_in(box)
    path = f"/api/v1/mailboxes/{box}/events"
    stream = Stream(alice, path)
    first = house.message(box)
    assert stream.next()["message"] == first  # while the answer goes on: nothing waits for a buffer to be full
    stream.close()
    missed = house.message(box)
    again = Stream(alice, path, last=stream.last)
    assert again.next()["message"] == missed
    again.close()


def test_ranges_and_who_asks_come_through(house, proxied):
    box = house.box()
    message_id = house.message(box)
    alice = Browser(proxied).sign_in(box)
    sound = f"/api/v1/mailboxes/{box}/messages/{message_id}/sound"
    part = alice.get(sound, headers={"Range": "bytes=-100"})
    assert (part.status, part.body) == (206, house.sound().read_bytes()[-100:])
    alice.delete(f"/api/v1/mailboxes/{box}/messages/{message_id}", headers={"X-Forwarded-For": "198.51.100.7"})
    deleted = house.store.events.tail(5, box=box)[-1]
    # The proxies of this host are trusted, so what came before them is what the client's own proxy said.
    assert deleted.details["by"].startswith(f"web owner:{box} 198.51.100.7 ")
