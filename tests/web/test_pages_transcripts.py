"""What is said in a message, in writing, by the API and on the page: as private as its sound."""

from urllib.parse import urlencode

import pytest

from esl_vm.model.transcript import Segment, Transcript, TranscriptState

FORGED = '<script>alert(1)</script> "quoted" & caf\N{LATIN SMALL LETTER E WITH ACUTE}'
SAID = Transcript(
    language="fr",
    engine="faster-whisper base",
    confidence=0.87,
    segments=(
        Segment(0, 900, "Bonjour, c'est Zoé."),
        Segment(900, 1900, "Le cœur de l'été."),
        Segment(1900, 2000, FORGED),
    ),
)


def path(box, *more):
    return "/".join(["/api/v1/mailboxes", str(box), *more])


def write(house, box, message_id, transcript=SAID):
    assert house.store.mailboxes.transcribed(box, message_id, transcript)


def test_the_api_tells_all_of_it(house):
    box = house.box()
    message_id = house.message(box)
    alice = house.owner(box)
    assert alice.get(path(box, "messages", message_id)).json["transcript"] is None
    write(house, box, message_id)
    told = alice.get(path(box, "messages", message_id)).json["transcript"]
    assert told | {"segments": []} == {
        "state": "done",
        "language": "fr",
        "engine": "faster-whisper base",
        "confidence": 0.87,
        "text": f"Bonjour, c'est Zoé. Le cœur de l'été. {FORGED}",
        "segments": [],
    }
    assert told["segments"][1] == {"start_ms": 900, "end_ms": 1900, "text": "Le cœur de l'été."}
    assert alice.get(path(box, "messages")).json["messages"][0]["transcript"] == told


def test_who_may_not_hear_a_message_does_not_read_it_either(house):
    box = house.box()
    write(house, box, house.message(box))
    reader = house.token("message.read", boxes=[box])
    assert reader.get(path(box, "messages")).json["messages"][0]["transcript"] is None
    for name in ("text", "search"):
        assert reader.get(path(box, "messages"), query={name: "coeur"}).json["messages"] == []
    assert reader.get(path(box, "messages"), query={"search": "zoe"}).json["messages"] != []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"text": "COEUR"}, True),
        ({"text": "l'ete"}, True),
        ({"text": "bob"}, False),
        ({"search": "coeur"}, True),
        ({"search": "cote"}, True),
        ({"search": "0101"}, True),
        ({"search": "hiver"}, False),
        ({"text": "coeur", "caller": "cote"}, True),
        ({"text": "coeur", "caller": "bob"}, False),
    ],
)
def test_messages_are_found_by_what_is_said(house, query, found):
    box = house.box()
    message_id = house.message(box)
    house.message(box, name="", number="4185550101")
    write(house, box, message_id)
    told = house.owner(box).get(path(box, "messages"), query=query).json["messages"]
    assert (message_id in [one["id"] for one in told]) is found


def test_an_owner_switches_his_own_off_where_an_administrator_switched_them_on(house):
    box = house.box(transcribe="yes")
    alice = house.owner(box)
    assert alice.get(path(box, "notifications")).json["transcripts"] is True
    assert alice.patch(path(box, "notifications"), {"transcripts": False}).json["transcripts"] is False
    assert house.store.mailboxes.open(box).options.transcripts_wanted is False
    assert alice.patch(path(box), {"settings": {"transcribe": "no"}}, headers={"If-Match": "*"}).status == 403
    other = house.box("1002")
    assert house.owner(other).get(path(other, "notifications")).json["transcripts"] is None


def test_the_settings_page_asks_only_where_there_is_something_to_ask(house):
    box = house.box(transcribe="yes", language="en")
    alice = house.owner(box)
    address = f"/mailbox/{box}/settings"
    assert "Write messages down" in alice.get(address).body.decode()
    form = {"action": "notices", "email": "", "pager": "", "attach": "1"}
    assert alice.post(address, urlencode(form).encode(), kind="application/x-www-form-urlencoded").status == 303
    assert house.store.mailboxes.open(box).options.transcripts_wanted is False
    other = house.box("1002", language="en")
    assert "Write messages down" not in house.owner(other).get(f"/mailbox/{other}/settings").body.decode()


def test_the_page_shows_the_words_as_text_and_where_they_are_heard(house):
    box = house.box(language="fr")
    message_id = house.message(box)
    write(house, box, message_id)
    page = house.owner(box).get(f"/mailbox/{box}/folder/new/{message_id}").body.decode()
    assert 'data-start="900" data-end="1900">Le cœur de l&#39;été.</a>' in page
    assert "<script>alert" not in page
    assert "Texte fait par une machine (faster-whisper base)" in page


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("no-speech", "Nobody speaks"),
        ("unsure", "not understood well enough"),
        ("too-long", "too long"),
        ("failed", "could not be written down"),
    ],
)
def test_the_page_says_why_there_are_none(house, state, words):
    box = house.box(language="en")
    message_id = house.message(box)
    write(house, box, message_id, Transcript(TranscriptState(state)))
    assert words in house.owner(box).get(f"/mailbox/{box}/folder/new/{message_id}").body.decode()


def test_a_domain_is_searched_within_ones_reach_page_by_page(house):
    boxes = [house.box(str(number)) for number in range(1001, 1013)]
    for box in boxes:
        write(house, box, house.message(box))
    stranger = house.box("1001", domain=f"other-{house.domain}")
    write(house, stranger, house.message(stranger))
    portal, seen, cursor = house.token(), [], ""
    while True:
        reply = portal.get(
            "/api/v1/messages", query={"text": "coeur", "limit": 4} | ({"cursor": cursor} if cursor else {})
        )
        seen += [one["mailbox"] for one in reply.json["messages"]]
        cursor = reply.json["next"]
        if not cursor:
            break
    assert seen == [str(box) for box in boxes]
    assert reply.json["messages"][-1]["message"]["transcript"]["language"] == "fr"
    other = portal.get("/api/v1/messages", query={"text": "coeur", "domain": stranger.domain})
    assert other.json["messages"] == []
    assert house.owner(boxes[0]).get("/api/v1/messages", query={"text": "coeur"}).json["messages"][0]["mailbox"] == str(
        boxes[0]
    )


def test_one_mailbox_of_many_is_searched(house):
    boxes = [house.box(str(number)) for number in (1001, 1002)]
    for box in boxes:
        write(house, box, house.message(box))
    portal = house.token()
    for box in boxes:
        told = portal.get("/api/v1/messages", query={"text": "coeur", "mailbox": str(box)}).json
        assert ([one["mailbox"] for one in told["messages"]], told["next"]) == ([str(box)], None)
    stranger = house.box("1001", domain=f"other-{house.domain}")
    write(house, stranger, house.message(stranger))
    beyond = portal.get("/api/v1/messages", query={"text": "coeur", "mailbox": str(stranger)}).json
    assert beyond["messages"] == []


@pytest.mark.parametrize(("language", "found"), [("en", "Find what was said"), ("fr", "Chercher dans les messages")])
def test_an_administrator_finds_words_in_all_in_a_domain_or_in_one_mailbox(house, language, found):
    box, other = house.box(), house.box("1002")
    for place in (box, other):
        write(house, place, house.message(place))
    marie = house.administrator()
    marie.headers["Accept-Language"] = language
    for where, places in ((house.domain, 2), (str(box), 1), (f"nobody@{house.domain}", 0), (f"no-{house.domain}", 0)):
        reply = marie.get("/admin/messages", query={"q": "le COEUR", "in": where})
        page = reply.body.decode()
        assert (reply.status, page.count("<mark>Le cœur</mark>")) == (200, places)
        assert f"<h1>{found}</h1>" in page
    assert "<mark>" not in marie.get("/admin/messages").body.decode()
    assert "&lt;script&gt;" in marie.get("/admin/messages", query={"q": "coeur", "in": str(box)}).body.decode()
    assert marie.get("/admin/messages", query={"q": "coeur", "cursor": "??"}).status == 400


def test_what_is_looked_for_must_be_said_and_may_be_heard(house):
    box = house.box()
    portal = house.token()
    for query in ({}, {"text": "a", "call_id": "b"}):
        assert portal.get("/api/v1/messages", query=query).problem == "invalid"
    assert portal.get("/api/v1/messages", query={"text": "a", "cursor": "??"}).problem == "unknown-cursor"
    reader = house.token("message.read", boxes=[box])
    assert reader.get("/api/v1/messages", query={"text": "coeur"}).problem == "forbidden"
