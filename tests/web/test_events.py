"""Events as they happen: at once, to whom they belong, gone on with without loss or double, ended with the session."""

import contextlib
import http.client
import json
from urllib.parse import urlsplit

import pytest
from support.browser import CHOSEN_PIN
from support.redis_servers import redis_server
from support.waiting import wait_until
from support.web_house import House, Served

from esl_vm.model.errors import StoreDownError
from esl_vm.web.streams import Hub


class Stream:
    """A client of an event stream."""

    def __init__(self, browser, path, last=""):
        parts = urlsplit(browser.url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=100)
        headers = {"Cookie": browser.cookie} if browser.cookie else {"Authorization": f"Bearer {browser.token}"}
        self.connection.request("GET", path, headers=headers | ({"Last-Event-ID": last} if last else {}))
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        self.last = last
        assert self.answer.readline() == b"retry: 2000\n"

    def next(self, *, named="event"):
        """The next event's data; None at the end."""
        told = {}
        while line := self.answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if not name and told:
                self.last = told.get("id", self.last)
                return json.loads(told["data"]) | {"event": told["event"]}
            if name and not line.startswith(b":"):
                told[name] = value
        return None

    def close(self):
        self.connection.close()


@pytest.fixture
def listen():
    with contextlib.ExitStack() as stack:

        def begin(*words, **more):
            stream = Stream(*words, **more)
            stack.callback(stream.close)
            return stream

        yield begin


def test_a_message_left_is_told_at_once_with_the_new_counts(house, listen):
    box, other = house.box(), house.box("1002")
    stream = listen(house.owner(box), f"/api/v1/mailboxes/{box}/events")
    assert stream.answer.headers["Content-Type"] == "text/event-stream"
    assert stream.answer.headers["X-Accel-Buffering"] == "no"
    house.message(other)
    message_id = house.message(box)
    told = stream.next()
    assert (told["event"], told["message"], told["mailbox"], told["new"]) == ("delivered", message_id, str(box), 1)
    house.store.mailboxes.heard(box, message_id)
    assert stream.next()["event"] == "heard"


def test_gone_on_with_nothing_is_missed_and_nothing_told_twice(house, listen):
    box = house.box()
    alice = house.owner(box)
    stream = listen(alice, f"/api/v1/mailboxes/{box}/events")
    first = house.message(box)
    assert stream.next()["message"] == first
    stream.close()
    missed = [house.message(box) for _ in range(3)]
    again = listen(alice, f"/api/v1/mailboxes/{box}/events", last=stream.last)
    after = house.message(box)
    assert [again.next()["message"] for _ in range(4)] == [*missed, after]


def test_one_who_was_away_too_long_is_told_to_look_anew(house, listen):
    box = house.box()
    alice = house.owner(box)
    partition = house.store.keys.partition(box)
    house.message(box)
    stream = listen(alice, f"/api/v1/mailboxes/{box}/events", last=f"{partition}:1-1")
    assert stream.next()["event"] == "reset"


def test_an_id_that_is_none_is_refused(house):
    box = house.box()
    reply = house.owner(box).get(f"/api/v1/mailboxes/{box}/events", query={"last_event_id": "yesterday"})
    assert reply.problem == "invalid"


def test_a_token_hears_of_all_within_its_reach_and_of_nothing_beyond(house, listen):
    one, two = house.box(), house.box("1002")
    theirs = house.box(domain=f"{house.domain}-other")
    portal = house.token("events.read")
    stream = listen(portal, "/api/v1/events")
    house.message(theirs)
    told = {(house.message(box), str(box)) for box in (one, two)}
    got = {(event["message"], event["mailbox"]) for event in (stream.next(), stream.next())}
    assert got == told
    stream.close()
    house.message(theirs)
    missed = house.message(two)
    assert listen(portal, "/api/v1/events", last=stream.last).next()["message"] == missed


def test_another_pin_ends_the_stream(house, listen):
    box = house.box()
    stream = listen(house.owner(box), f"/api/v1/mailboxes/{box}/events")
    house.store.pins.change(box, "739152")
    assert stream.next()["event"] == "pin-changed"
    assert stream.next() is None


def test_what_a_browser_does_is_told_to_the_others_with_who_and_from_where(house, listen):
    box = house.box()
    message_id = house.message(box)
    alice = house.owner(box)
    stream = listen(alice, f"/api/v1/mailboxes/{box}/events")
    alice.delete(f"/api/v1/mailboxes/{box}/messages/{message_id}", headers={"X-Forwarded-For": "198.51.100.7"})
    told = stream.next()
    assert told["event"] == "deleted"
    assert told["details"]["by"].startswith(f"web owner:{box} 198.51.100.7 ")
    assert CHOSEN_PIN not in json.dumps(told)


def test_one_who_saw_what_a_fail_over_lost_is_told_to_look_anew_once(house, listen, web_redis):
    box = house.box()
    alice, path = house.owner(box), f"/api/v1/mailboxes/{box}/events"
    stream = listen(alice, path)
    house.message(box)
    seen = stream.next()
    name = house.store.keys.part(house.store.keys.partition(box)).events
    with web_redis.client() as client:
        older = client.dump(name)
        lost = house.message(box)
        assert (seen["new"], stream.next()["message"]) == (1, lost)
        client.restore(name, 0, older, replace=True)
    again = listen(alice, path, last=stream.last)
    assert again.next()["event"] == "reset"
    after = house.message(box)
    assert again.next()["message"] == after
    house.store.mailboxes.heard(box, after)
    assert listen(alice, path, last=again.last).next()["event"] == "heard"


def test_a_redis_that_is_started_anew_is_gone_on_with_without_loss_or_double(tmp_path, listen):
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as redis:
        running = Served(tmp_path, redis.url)
        try:
            house = House(running)
            box = house.box()
            alice, path = house.owner(box), f"/api/v1/mailboxes/{box}/events"
            stream = listen(alice, path)
            first = house.message(box)
            assert stream.next()["message"] == first
            redis.kill()
            assert alice.get(path).problem == "away"
            redis.start()
            wait_until(lambda: alice.get(f"/api/v1/mailboxes/{box}").status == 200)
            second = house.message(box)
            assert stream.next()["message"] == second
            missed = house.message(box)
            assert stream.next()["message"] == missed
            assert listen(alice, path, last=stream.last).answer.status == 200
        finally:
            running.close()


class EventsOf:
    """A log whose end was lost while it was away."""

    def __init__(self):
        self.newest = "9-0"

    def end(self):
        return {0: self.newest}

    def read(self, after, _wait_ms):
        if self.newest == "9-0":
            self.newest = "5-0"
            raise StoreDownError("away")
        raise AssertionError(f"read from {after}")


def test_who_listens_while_a_fail_over_loses_events_begins_anew():
    hub = Hub(EventsOf(), again_s=0.0)
    queue = hub.listen()
    assert queue.get(timeout=10) is None
    assert not hub.has(queue)
    assert hub.reached == {0: "5-0"}
