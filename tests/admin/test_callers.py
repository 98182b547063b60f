"""All that there is about a caller's number: found, exported, erased, on all nodes, in all mailboxes of all domains."""

import io
import json
import shlex
import threading
import zipfile

import pytest
from docs_check.pages import command_lines
from support.closed_redis import CLOSED, SAYS, closed_redis
from support.hostile_names import some_hostile_callers

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.actor import acting, phone
from esl_vm.model.call import Ended, Recorded
from esl_vm.model.callers import caller_number, masked, same_number, stands_in
from esl_vm.model.errors import InvalidValueError, StoreDownError
from esl_vm.model.events import PRIVACY, EventType
from esl_vm.model.jobs import Job, JobKind, JobState
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import CallDetails, Caller, Message, new_id
from esl_vm.model.transcript import Segment, Transcript
from esl_vm.ops.callers import Callers
from esl_vm.ops.copies import Copies
from esl_vm.recordings.outcome import Settled
from esl_vm.service.reporter import Reporter
from esl_vm.service.wiring import open_node
from esl_vm.sound import disk
from esl_vm.sound.wav import wave
from esl_vm.store import keys

NUMBER, ZOE = "5145550199", Caller("+15145550199", "Zoé Côté")
ALICE, BOB = MailboxId("1001"), MailboxId("1002", "clinic.example")
SAID = Transcript(language="fr", engine="e", segments=(Segment(0, 900, "Rappelez-moi au 514 555-0199"),))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+15145550199", "514 555-0199", True),
        ("tel:+1-514-555-0199", "15145550199", True),
        ("5145550199", "4185550199", False),
        ("+33145550199", "145550199", False),
        ("1002", "1002", True),
        ("11002", "1002", False),
        ("anonymous", "anonymous", False),
        ("", "", False),
    ],
)
def test_numbers_are_compared_as_people_read_them(one, other, same):
    assert same_number(one, other) is same


@pytest.mark.parametrize("wrong", ["", " ", "anonymous", "Unknown", "+", "514\n555", "5" * 65])
def test_what_would_be_everybodys_number_is_refused(wrong, vm):
    with pytest.raises(InvalidValueError):
        caller_number(wrong)
    assert vm("privacy", "erase", wrong, "--yes").code == 2


def test_a_number_is_found_in_a_text_unless_it_is_too_short():
    assert stands_in("from:+15145550199,1002 mail", NUMBER)
    assert not stands_in("from:514* 1002", NUMBER)
    assert not stands_in("maxmsg 50", "50")
    assert masked("+1 514 555-0199") == "…99"


@pytest.fixture
def boxes(vm):
    for box in (ALICE, BOB):
        assert vm("mailbox", "add", str(box), "--no-pin").code == 0


@pytest.fixture
def lived_in(boxes, node, leave):
    """Zoé left something everywhere, and so did Bruno; their messages' ids."""
    theirs = leave("1001", caller=ZOE)
    node.mailboxes.transcribed(ALICE, theirs, SAID)
    trashed = leave("1001", caller=Caller("15145550199"))
    node.mailboxes.delete(ALICE, trashed)
    received = node.clock.now()
    elsewhere = Message(new_id(received), Caller("514-555-0199"), received, duration_ms=900)
    with node.spool.take_message([BOB], elsewhere, min_ms=0, trim_silence=False, threshold=0) as take:
        take.path.write_bytes(wave(bytes(16000), 8000))
        take.recorded(Recorded(1000, Ended.LIMIT))
        assert take.settle() is Settled.DELIVERED
    bruno = leave("1001", caller=Caller("1002", "Bruno"), call=CallDetails(diverted_from=NUMBER))
    noted = leave("1001", caller=Caller("1003"))
    node.mailboxes.note(ALICE, noted, "Voir avec le (514) 555-0199")
    with acting(phone(ZOE.number, "uuid-9")):
        node.mailboxes.log_event(ALICE, EventType.LOGIN_FAILED, outside="yes", **{"from": ZOE.number})
    node.mailboxes.log_outgoing_call(ALICE, NUMBER, "call")
    now = node.clock.now()
    for job in (
        Job("sms:a", JobKind.SMS, ALICE, {"to": ["+15145550199"]}, now, now),
        Job("mail:a", JobKind.MAIL, ALICE, {"message": {"id": theirs, "caller_number": ZOE.number}}, now, now + 60),
        Job("transcript:a", JobKind.TRANSCRIPT, ALICE, {"id": theirs}, now, now),
        Job("mail:b", JobKind.MAIL, ALICE, {"message": {"id": bruno, "caller_number": "1002"}}, now, now + 60),
    ):
        node.outbox.add(job)
    node.outbox.give_up(node.outbox.claim(JobKind.SMS, now, 60.0), "no")
    return {"theirs": [theirs, trashed, elsewhere.id], "others": [bruno, noted]}


def everything(node):
    """All that Redis has, as bytes."""

    def read(client):
        kinds = {
            b"string": client.get, b"hash": client.hgetall, b"stream": client.xrange,
            b"zset": lambda key: client.zrange(key, 0, -1), b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
        }  # fmt: skip
        return b"\n".join(repr((key, kinds[client.type(key)](key))).encode() for key in client.keys("*"))

    return node.store.link.run(None, read)


def kinds(found):
    return sorted((one["kind"], one["what"]) for one in found["found"])


def test_all_of_it_is_found_in_all_mailboxes_and_nothing_of_others(vm, lived_in):
    found = vm("privacy", "find", "(514) 555-0199", "--json").json
    assert kinds(found) == [
        *[("event", "call-placed"), *[("event", "delivered")] * 4, ("event", "login-failed"), ("job", "mail")],
        *[("job", "sms"), ("mention", "diverted_from"), ("mention", "note"), ("message", "new"), ("message", "new")],
        *[("message", "trash"), ("recording", "delivered")],
    ]
    assert {one["id"] for one in found["found"] if one["kind"] == "message"} == set(lived_in["theirs"])
    assert {one["place"] for one in found["found"] if one["kind"] == "message"} == {str(ALICE), str(BOB)}
    assert {one["id"] for one in found["found"] if one["kept"]} == set(lived_in["others"])
    table = vm("privacy", "find", NUMBER)
    assert table.code == 0
    assert "another's message" in table.out


def test_a_number_that_nobody_has_is_found_nowhere(vm, lived_in, tmp_path):
    ran = vm("privacy", "find", "4185550000")
    assert (ran.code, ran.out) == (1, "")
    assert "nothing is there" in ran.err
    assert vm("privacy", "find", "4185550000", "--json").out.count("4185550000") == 1
    assert vm("privacy", "export", "4185550000", tmp_path / "none.zip").code == 1
    assert not (tmp_path / "none.zip").exists()
    assert vm("privacy", "erase", "4185550000", "--yes").code == 0


def test_the_archive_has_sounds_texts_and_says_what_each_is(vm, lived_in, node, tmp_path):
    file = tmp_path / "zoe.zip"
    assert vm("privacy", "export", NUMBER, file).code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    theirs = lived_in["theirs"]
    assert files[f"messages/{ALICE}/{theirs[0]}.wav"] == node.audio.playable(theirs[0]).read_bytes()
    assert "514 555-0199" in files[f"messages/{ALICE}/{theirs[0]}.txt"].decode()
    assert json.loads(files[f"messages/{BOB}/{theirs[2]}.json"])["caller_number"] == "5145550199"
    assert any(name.startswith("recordings/") and name.endswith(".wav") for name in files)
    assert len(json.loads(files["found.json"])) == 14
    assert {one["what"] for one in json.loads(files["events.json"])} == {"delivered", "login-failed", "call-placed"}
    assert {one["id"] for one in json.loads(files["jobs.json"])} == {"mail:a", "sms:a"}
    assert not any(other in name for other in lived_in["others"] for name in files)
    readme = files["README.txt"].decode()
    assert "Missing" not in readme
    assert all(name in readme for name in {f.split("/")[0] + "/" * ("/" in f) for f in files} - {"README.txt"})
    [told] = [one for one in node.store.events.tail(50, box=PRIVACY) if one.what is EventType.CALLER_EXPORTED]
    assert told.details["caller"] == "…99"
    assert told.details["by"].startswith("command ")
    exported = [one for one in node.store.events.tail(50, box=ALICE) if one.what is EventType.EXPORTED]
    assert {one.message_id for one in exported} >= set(theirs[:2])
    assert vm("privacy", "export", NUMBER, file).code == 2  # nothing is written over


def test_all_of_it_is_erased_with_a_record_that_does_not_name_him(vm, lived_in, node):
    looked = vm("privacy", "erase", NUMBER, "--dry-run")
    assert looked.code == 0
    assert "would erase 3 messages" in looked.out
    assert vm("privacy", "erase", NUMBER, typed="yes\n").code == 2  # no terminal, no --yes
    assert NUMBER.encode() in everything(node)
    for theirs in lived_in["theirs"]:
        assert node.audio.playable(theirs).exists()
    ran = vm("privacy", "erase", NUMBER, "--yes")
    assert ran.code == 0
    assert "3 messages" in ran.out
    assert "1 recording" in ran.out
    left = vm("privacy", "find", NUMBER, "--json").json["found"]
    assert {one["id"] for one in left} == set(lived_in["others"])
    assert [one.id for state in JobState for one in node.outbox.jobs(state)] == ["mail:b"]
    assert not any(node.audio.exists(one) for one in lived_in["theirs"])
    assert all(node.audio.exists(one) for one in lived_in["others"])
    data = node.spool.folder.takes.parents[1]
    files = [path for path in data.rglob("*") if path.is_file()]
    assert not [path for path in files for one in lived_in["theirs"] if one in path.name]
    begun, done = (one for one in node.store.events.tail(50, box=PRIVACY) if one.what is EventType.CALLER_ERASED)
    assert (begun.details["state"], done.details["state"], done.details["caller"]) == ("begun", "done", "…99")
    assert "message=3" in done.details["counts"]
    assert done.details["left"] == "mention=2"
    # What others said and noted is all that still has the number.
    node.mailboxes.note(ALICE, lived_in["others"][1], "")
    node.store.housekeeping.erase(ALICE, [])
    kept = everything(node).replace(b"diverted_from", b"")
    assert kept.count(NUMBER.encode()) == 1
    assert b"514) 555" not in kept


def test_the_commands_of_the_page_do_what_it_says(vm, lived_in, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _, line in command_lines("docs/privacy.md"):
        words = shlex.split(line)[1:]
        assert vm(*words, *(["--yes"] if "erase" in words and "--dry-run" not in words else [])).code == 0, line
    told = vm("events", "--mailbox", "privacy@service.invalid").out
    assert "state=done" in told
    assert "hold-lifted" in told


def test_an_archive_has_names_and_texts_as_they_came(boxes, node, leave):
    for caller in some_hostile_callers()[:40]:
        leave("1001", caller=Caller(NUMBER, caller.name))
    file = io.BytesIO()
    Callers(node).export(NUMBER, file)
    with zipfile.ZipFile(file) as archive:
        assert all(name.isprintable() and not name.startswith(("/", ".")) for name in archive.namelist())
        names = [
            json.loads(archive.read(one))["caller_name"]
            for one in archive.namelist()
            if "messages/" in one and ".json" in one
        ]
    assert len(names) == 40
    assert set(names) == {Caller(NUMBER, caller.name).name for caller in some_hostile_callers()[:40]}


def test_broken_off_it_is_begun_again_and_the_rest_goes(vm, lived_in, node, monkeypatch):
    def away(*_):
        raise StoreDownError("Redis is gone")

    with monkeypatch.context() as broken:
        broken.setattr(type(node.store.traces), "forget_events", away)
        assert vm("privacy", "erase", NUMBER, "--yes").code == 1
    found = vm("privacy", "find", NUMBER, "--json").json["found"]
    assert {one["kind"] for one in found if not one["kept"]} == {"event"}
    assert vm("privacy", "erase", NUMBER, "--yes").code == 0
    states = [one.details["state"] for one in node.store.events.tail(50, box=PRIVACY)]
    assert states == ["begun", "begun", "done"]


@pytest.fixture
def other_node(redis_url, tmp_path, node):
    """A node beside the commands', alive, with a data folder of its own."""
    given = {"redis.url": redis_url, "data_dir": str(tmp_path / "other"), "service.node": "media-2"}
    with open_node(load_settings(None, given)) as opened:
        opened.store.cluster.report("media-2", "1", 1, {})
        opened.store.link.run(keys.NODES, lambda client: client.persist(keys.node("media-2")))
        yield opened


@pytest.fixture
def answering(other_node):
    """That node sees to what it is asked, as its service does."""
    over = threading.Event()
    reporter = Reporter(other_node, None, lambda: 0.0)

    def see_to():
        while not over.wait(0.05):
            reporter.step()

    thread = threading.Thread(target=see_to)
    thread.start()
    yield other_node
    over.set()
    thread.join()


def quarantined(node, box=ALICE):
    """A recording of Zoé's in a node's quarantine; its id."""
    message = Message(new_id(node.clock.now()), ZOE, node.clock.now())
    with node.spool.take_message([box], message, min_ms=0, trim_silence=False, threshold=0) as take:
        take.path.write_bytes(wave(b"\1\2" * 8000, 8000))
        take.recorded(Recorded(1000, Ended.LIMIT))
        node.spool.folder.put_in_quarantine(take.journal, "no mailbox")
    return message.id


def test_another_node_s_quarantine_is_found_exported_and_erased(lived_in, node, answering):
    held = quarantined(answering)
    callers = Callers(node, wait_s=60.0)
    [found] = [one for one in callers.find(NUMBER).traces if one.place == "media-2"]
    assert (found.kind, found.id, found.what, found.kept) == ("recording", held, "quarantined", "")
    file = io.BytesIO()
    callers.export(NUMBER, file)
    with zipfile.ZipFile(file) as archive:
        assert b"\1\2" * 8000 in archive.read(f"recordings/media-2/{held}-1.wav")
    done = callers.erase(NUMBER)
    assert done.complete
    assert done.erased["recording"] == 2
    assert not list(answering.spool.folder.takes.parent.rglob(f"{held}*"))
    [told] = [one for one in node.store.events.tail(50, box=ALICE) if one.message_id == held]
    assert (told.what, told.details["why"]) == (EventType.NOT_DELIVERED, "privacy")


def test_a_copy_that_another_node_played_goes(lived_in, node, other_node):
    theirs = lived_in["theirs"][0]
    copies = Copies(other_node.store.cluster, [other_node.cache], disk.at_once)
    copy = other_node.audio.playable(theirs)
    faster = copy.with_name(f"{theirs}~fast.wav")
    faster.write_bytes(copy.read_bytes())
    kept = other_node.audio.playable(lived_in["others"][0])
    assert copies.look() == 0
    Callers(node, wait_s=0.0).erase(NUMBER)
    assert copies.look() == 2
    assert not copy.exists()
    assert not faster.exists()
    assert kept.exists()
    assert Copies(other_node.store.cluster, [other_node.cache], disk.at_once).look() == 0


def test_a_node_that_does_not_answer_is_named_and_nothing_is_said_to_be_complete(vm, lived_in, node, other_node):
    done = Callers(node, wait_s=0.0).erase(NUMBER)
    assert done.away == ("media-2",)
    assert not done.complete
    assert [one.details["state"] for one in node.store.events.tail(9, box=PRIVACY)] == ["begun", "incomplete"]
    other_node.store.cluster.leave("media-2")
    assert vm("privacy", "find", NUMBER).code == 0


@pytest.mark.parametrize("why", CLOSED)
def test_where_redis_takes_no_changes_it_is_said_and_done_again_later(vm, lived_in, redis_of_commands, why):
    with closed_redis(redis_of_commands, why) as url:
        found = vm("privacy", "find", NUMBER, "--json", at=url)
        assert len(found.json["found"]) == 14
        ran = vm("privacy", "erase", NUMBER, "--yes", at=url)
        assert ran.code == 1
        assert SAYS[why] in ran.err
