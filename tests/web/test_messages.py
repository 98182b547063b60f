"""Messages as an owner's page and a portal have them: lists, pages, actions by id; looking leaves a message new."""

import io

import soundfile
from support.browser import CHOSEN_PIN
from support.hostile_names import FORGED, hostile_callers
from support.waiting import wait_until

from esl_vm.model.mailbox import Folder
from esl_vm.model.message import CallDetails, Message


def path(box, *more):
    return "/".join(["/api/v1/mailboxes", str(box), "messages", *more])


def ids(reply):
    return [one["id"] for one in reply.json["messages"]]


def test_the_newest_or_the_oldest_first_with_an_offset_in_the_mailboxs_zone(house):
    box = house.box(timezone="America/Halifax")
    at = 1_790_000_000
    first, urgent, last = (house.message(box, at=at + n, urgent=n == 1) for n in range(3))
    alice = house.owner(box)
    assert ids(alice.get(path(box))) == [last, urgent, first]
    reply = alice.get(path(box), query={"order": "oldest"})
    assert ids(reply) == [first, urgent, last]
    assert reply.json["messages"][0] | {"id": ""} == {
        "id": "", "folder": "new", "caller_number": "5145550101", "caller_name": "Zoé Côté",
        "received": "2026-09-21T11:13:20-03:00", "duration_ms": 2000, "urgent": False, "heard": False, "origin": "call",
        "forwarded_by": "", "introduction_ms": 0, "cut": False, "call_id": "", "call_uuid": "", "dialled": "",
        "diverted_from": "", "label": "", "transcript": None, "handled_by": "", "handled_at": None, "note": "", "until": None, "receipt": "",
    }  # fmt: skip


def test_pages_neither_skip_nor_repeat_while_messages_come_and_go(house):
    box = house.box()
    left = [house.message(box, at=1_790_000_000 + n, urgent=n % 3 == 0) for n in range(25)]
    alice = house.owner(box)
    seen, cursor = [], ""
    for number in range(10):
        reply = alice.get(path(box), query={"limit": 4} | ({"cursor": cursor} if cursor else {}))
        seen += ids(reply)
        house.message(box, at=1_790_001_000 + number)
        if number == 1:
            alice.delete(path(box, left[0]))
            alice.delete(path(box, seen[-1]))
        cursor = reply.json["next"]
        if not cursor:
            break
    assert seen == left[:0:-1]


def test_a_cursor_of_another_list_is_refused_clearly(house):
    box = house.box()
    for n in range(3):
        house.message(box, at=1_790_000_000 + n)
    alice = house.owner(box)
    cursor = alice.get(path(box), query={"limit": 1}).json["next"]
    for query in ({"cursor": "rubbish!"}, {"cursor": cursor, "folder": "old"}, {"cursor": cursor, "order": "oldest"}):
        reply = alice.get(path(box), query=query)
        assert (reply.status, reply.problem) == (400, "unknown-cursor")


def test_filters_by_caller_date_and_urgency(house):
    box = house.box()
    zoe = house.message(box, at=1_790_000_000)
    bob = house.message(box, number="4185550102", name="Bob", at=1_790_000_100, urgent=True)
    alice = house.owner(box)
    assert ids(alice.get(path(box), query={"caller": "ZOE cote"})) == [zoe]
    assert ids(alice.get(path(box), query={"caller": "418"})) == [bob]
    assert ids(alice.get(path(box), query={"urgent": "true"})) == [bob]
    assert ids(alice.get(path(box), query={"since": "2026-09-21T14:14:00Z"})) == [bob]
    assert ids(alice.get(path(box), query={"until": "2026-09-21T10:14:00-04:00"})) == [zoe]
    assert alice.get(path(box), query={"since": "2026-09-21T14:14:00"}).problem == "invalid"  # without an offset
    assert alice.get(path(box), query={"sinse": "x"}).problem == "invalid"
    assert alice.get(path(box), query={"urgent": "true"}).json["total"] == 2


def test_looking_leaves_a_message_new_and_hearing_it_takes_the_lamp_down_once(house):
    box = house.box()
    message_id = house.message(box)
    alice = house.owner(box)
    for method in ("GET", "HEAD"):
        alice.ask(method, path(box))
        alice.ask(method, path(box, message_id))
        alice.ask(method, path(box, message_id, "sound"))
        alice.ask(method, path(box, message_id, "sound"), query={"download": "true"})
    assert house.store.mailboxes.counts(box).new == 1
    assert "heard" not in house.events(box)
    heard = alice.patch(path(box, message_id), {"heard": True})
    assert (heard.json["heard"], heard.json["folder"]) == (True, "old")
    assert house.store.mailboxes.counts(box).new == 0
    new = alice.patch(path(box, message_id), {"heard": False})
    assert (new.json["heard"], new.json["folder"]) == (False, "new")


def test_delete_restore_and_move(house):
    box = house.box()
    message_id = house.message(box)
    alice = house.owner(box)
    assert alice.patch(path(box, message_id), {"folder": "family"}).json["folder"] == "family"
    assert alice.delete(path(box, message_id)).status == 204
    assert alice.get(path(box, message_id)).json["folder"] == "trash"
    assert alice.delete(path(box, message_id)).status == 204  # it lies there already
    assert alice.post(path(box, message_id, "restore")).json["folder"] == "family"
    assert alice.get(path(box), query={"folder": "trash"}).json["messages"] == []
    assert alice.delete(path(box, "19fb0a5c100-000000000003")).problem == "not-found"


def test_a_full_folder_says_so(house):
    box = house.box(maxmsg="1")
    first = house.message(box)
    alice = house.owner(box)
    alice.patch(path(box, first), {"folder": "work"})
    second = house.message(box)
    reply = alice.patch(path(box, second), {"folder": "work"})
    assert (reply.status, reply.problem) == (409, "full")


def test_many_at_once_and_an_answer_for_each(house):
    box = house.box()
    one, two, gone = house.message(box), house.message(box), "19fb0a5c100-000000000003"
    alice = house.owner(box)
    house.store.mailboxes.delete(box, two)

    def batch(action, *wanted, **more):
        reply = alice.post(path(box, "batch"), {"action": action, "ids": list(wanted), **more})
        return [entry["result"] for entry in reply.json["results"]]

    assert batch("delete", one, two, gone) == ["done", "already", "gone"]
    assert batch("restore", one, two, gone) == ["done", "done", "gone"]
    assert batch("move", one, gone, folder="work") == ["done", "gone"]
    assert batch("heard", two) == ["done"]
    assert batch("new", one, two) == ["done", "done"]
    assert house.store.mailboxes.counts(box).new == 2
    assert alice.post(path(box, "batch"), {"action": "move", "ids": [one]}).problem == "invalid"


def test_forwarded_under_the_telephones_rules(house):
    alice, bob, carol = house.box("1001"), house.box("1002"), house.box("1003", announce_only="yes")
    elsewhere = house.box("1004", domain=f"{house.domain}-other")
    house.store.lists.add(type(alice)("900", house.domain), [alice, bob])
    message_id = house.message(alice)
    browser = house.owner(alice)

    def forward(*to):
        return browser.post(path(alice, message_id, "forward"), {"to": list(to)})

    done = forward("1002")
    assert done.json["result"] == "delivered"
    (copy,) = house.owner(bob).get(path(bob)).json["messages"]
    assert (copy["id"], copy["origin"], copy["forwarded_by"]) == (done.json["id"], "forward", str(alice))
    sound = house.owner(bob).get(path(bob, copy["id"], "sound"))
    assert sound.body == house.sound().read_bytes()
    assert forward("900").json["to"] == [str(bob)]
    for wrong in ("7777", "1003", str(elsewhere), "1001", str(carol)):
        refused = forward("1002", wrong)
        assert (refused.status, list(refused.json["errors"])) == (422, [wrong])
    house.store.registry.change(alice, {"send_lists": "no"})
    assert "not for this mailbox" in forward("900").json["errors"]["900"]
    wait_until(lambda: house.store.mailboxes.counts(bob).new == 2)


def test_forwarded_with_a_spoken_introduction(house):
    alice, bob = house.box("1001"), house.box("1002")
    message_id = house.message(alice, ms=2000)
    browser = house.owner(alice)
    spoken = house.sound(3000).read_bytes()
    done = browser.post(path(alice, message_id, "introduce"), spoken, query={"to": "1002"}, kind="audio/webm")
    assert done.json["result"] == "delivered"
    (copy,) = house.owner(bob).get(path(bob)).json["messages"]
    assert (copy["duration_ms"], copy["introduction_ms"]) == (2000, 3000)
    introduction = house.owner(bob).get(path(bob, copy["id"], "introduction"))
    assert soundfile.info(io.BytesIO(introduction.body)).duration == 3.0
    for to, content, problem in (
        ("7777", spoken, "recipients"),
        ("1002", b"rubbish", "no-sound"),
        (",", spoken, "recipients"),
    ):
        assert browser.post(path(alice, message_id, "introduce"), content, query={"to": to}).problem == problem
    assert house.store.mailboxes.counts(bob).new == 1


def test_the_badge_is_the_list(house):
    box = house.box()
    for _ in range(3):
        house.message(box)
    house.message(box, folder=Folder.WORK)
    alice = house.owner(box)
    told = alice.get(f"/api/v1/mailboxes/{box}").json["folders"]
    for folder, count in told.items():
        reply = alice.get(path(box), query={"folder": folder})
        assert len(reply.json["messages"]) == count == reply.json["total"]


def test_a_portal_finds_the_messages_of_a_call_within_its_reach(house):
    box, theirs = house.box(), house.box(domain=f"{house.domain}-other")
    call = CallDetails(call_id=f"{house.domain}@10.0.0.1", dialled="1001", diverted_from="1005")
    mine, _ = house.message(box, call=call), house.message(theirs, call=call)
    found = house.token().get("/api/v1/messages", query={"call_id": call.call_id}).json["messages"]
    assert [(one["mailbox"], one["message"]["id"], one["message"]["diverted_from"]) for one in found] == [
        (str(box), mine, "1005")
    ]
    assert house.owner(box).get("/api/v1/messages").problem == "invalid"


def test_what_a_caller_is_called_stays_text(house):
    box = house.box()
    name = '"><script>alert(1)</script>\u202e=1+1'
    house.message(box, name=name, number="'; DROP--")
    reply = house.owner(box).get(path(box))
    assert reply.json["messages"][0]["caller_name"].startswith('"><script>')
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert CHOSEN_PIN not in reply.body.decode()


def test_whatever_a_caller_sends_is_text(house):
    box, callers = house.box(), hostile_callers()[::50]
    now = house.node.clock.now()
    for number, caller in enumerate(callers):
        message = Message(f"m{number:04}", caller.caller, now, call=caller.call)
        house.store.mailboxes.deliver(box, message, even_if_full=True)
    answer = house.owner(box).get(f"/api/v1/mailboxes/{box}/messages", query={"order": "oldest", "limit": "100"})
    assert [(one["caller_number"], one["caller_name"], CallDetails.of(one)) for one in answer.json["messages"]] == [
        (caller.caller.number, caller.caller.name, caller.call) for caller in callers
    ]
    assert FORGED not in answer.headers
    portal = house.token("*")
    for caller in callers[::4]:
        if caller.call.call_id:
            found = portal.get("/api/v1/messages", query={"call_id": caller.call.call_id})
            assert CallDetails.of(found.json["messages"][0]["message"]).call_id == caller.call.call_id


def test_one_time_for_all_also_over_a_change_of_clocks(house):
    box = house.box(timezone="America/Toronto")
    before, after = 1_793_509_140, 1_793_512_860  # 1 November 2026: on both sides of the hour that comes twice
    for at in (before, after):
        house.message(box, at=at)
    told = house.owner(box).get(path(box), query={"order": "oldest"}).json["messages"]
    assert [one["received"] for one in told] == ["2026-11-01T00:59:00-04:00", "2026-11-01T01:01:00-05:00"]


def test_nothing_is_hidden_because_it_is_old(house):
    box = house.box()
    old = house.message(box, at=1_400_000_000)
    assert ids(house.owner(box).get(path(box))) == [old]


def test_folders_have_the_same_names_in_every_language(house):
    box = house.box(language="fr")
    message_id = house.message(box)
    alice = house.owner(box)
    moved = alice.patch(path(box, message_id), {"folder": "family"}, headers={"Accept-Language": "fr-CA"})
    assert moved.json["folder"] == "family"
    assert alice.get(path(box), query={"folder": "famille"}).problem == "invalid"


def test_a_message_that_is_broken_is_shown_and_hides_no_other(house, web_redis):
    box = house.box()
    broken, whole = house.message(box, at=1_790_000_000), house.message(box, at=1_790_000_001)
    keys = house.store.keys.of(box)
    with web_redis.client() as client:
        client.hset(keys.message(broken), mapping={"folder": "attic", "duration_ms": "long", "received": "once"})
        client.hset(keys.box, mapping={"maxmsg": "many", "nonsense": "1", "timezone": "Atlantis/City"})
    house.node.audio.delete(whole)
    alice = house.owner(box)
    assert ids(alice.get(path(box))) == [whole, broken]
    assert alice.get(path(box, broken)).json["duration_ms"] == 0
    assert alice.get(f"/api/v1/mailboxes/{box}").status == 200


def test_with_a_redis_that_takes_no_changes_owners_still_see_and_hear(house, web_redis):
    box = house.box()
    message_id = house.message(box)
    alice, portal = house.owner(box), house.token("message.*")
    with web_redis.client() as client:
        client.config_set("min-replicas-to-write", "1")
        try:
            for browser in (alice, portal):
                assert ids(browser.get(path(box))) == [message_id]
                assert browser.get(path(box, message_id, "sound")).status == 200
                refused = browser.delete(path(box, message_id))
                assert (refused.status, refused.problem) == (503, "away")
        finally:
            client.config_set("min-replicas-to-write", "0")
    assert alice.delete(path(box, message_id)).status == 204


def test_who_handles_a_message_and_a_note_on_it(house):
    box = house.box()
    alice, message = house.owner(box), house.message(box)
    told = alice.patch(path(box, message), {"handled_by": "1002 Bruno", "note": "Rappelé"}).json
    assert (told["handled_by"], told["note"]) == ("1002 Bruno", "Rappelé")
    assert told["handled_at"]
    told = alice.patch(path(box, message), {"handled_by": ""}).json
    assert (told["handled_by"], told["handled_at"], told["note"]) == ("", None, "Rappelé")
    assert alice.patch(path(box, message), {"note": "x" * 501}).problem == "invalid"
    assert alice.patch(path(box, "0-0"), {"note": "x"}).status == 404


def test_a_note_is_for_who_may_hear_the_message(house):
    box = house.box()
    message = house.message(box)
    house.owner(box).patch(path(box, message), {"handled_by": "Bruno", "note": "Rappelé"})
    desk = house.token("message.read", "message.change", everywhere=True)
    told = desk.get(path(box, message)).json
    assert (told["handled_by"], told["note"]) == ("Bruno", "")
    refused = desk.patch(path(box, message), {"note": "", "handled_by": ""})
    assert refused.status == 403
    found = house.store.mailboxes.message(box, message)
    assert (found.handled_by, found.note) == ("Bruno", "Rappelé")
    assert desk.patch(path(box, message), {"handled_by": "Carla"}).status == 200
