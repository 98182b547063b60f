"""Out to Asterisk and in again: equal."""

import stat

import pytest
from import_rig import Place, wav_bytes, wav_seconds, write
from test_import_expected import asterisk, fusionpbx, mod_voicemail

from esl_vm.importers.asterisk import read_asterisk
from esl_vm.importers.asterisk_text import read_text
from esl_vm.importers.export_asterisk import export_asterisk
from esl_vm.importers.plan import ImportSourceError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.message import CallDetails, Caller, Message
from esl_vm.model.transcript import Segment, Transcript, TranscriptState

BOX = MailboxId("1001")


def export(place, folder):
    report = export_asterisk(place.target, place.store.registry.boxes(), folder)
    assert report.reconciled, report.to_text()
    return report


def back(folder):
    return read_asterisk(folder / "voicemail.conf", folder / "voicemail")


def told(message):
    """What of a message Asterisk can hold: whole seconds, and no introduction apart."""
    return (
        message.folder,
        message.caller,
        int(message.received),
        message.duration_ms + message.intro_ms,
        message.urgent,
        message.call.call_uuid,
        message.call.diverted_from,
    )


def picture(place):
    """All that goes through Asterisk and back; ids, PINs and numbered greetings do not."""
    there = {}
    for box in place.store.registry.boxes():
        fields = place.store.registry.fields(box)
        mailbox = place.store.mailboxes.open(box)
        there[str(box)] = (
            {
                name: value
                for name, value in fields.items()
                if not name.startswith(("greeting.", "created", "pin", "imported"))
            },
            mailbox.has_pin,
            mailbox.options.pin_locked,
            {kind: stored.duration_ms for kind, stored in mailbox.greetings.items() if kind.number == 1},
            [told(message) for message in place.messages(box)],
        )
    return there


@pytest.mark.parametrize("read", [asterisk, mod_voicemail, fusionpbx])
def test_what_goes_to_asterisk_comes_back_equal(read, place, empty_redis, tmp_path):
    place.bring(read())
    before = picture(place)
    report = export(place, tmp_path / "out")
    assert report.messages.imported == report.messages.found > 10
    with empty_redis.client(db=1) as client:
        other = Place(client, tmp_path / "other", place.defaults)
        again = other.bring(back(tmp_path / "out"))
        after = picture(other)
    if read is not asterisk:
        # what Asterisk has no word for
        for fields, *_ in before.values():
            for name in ("quota_seconds", "skip_instructions", "operator"):
                fields.pop(name, None)
            if fields.pop("announce_only", None):
                fields["maxmsg"] = "0"
    assert after == before
    assert again.counts == {}


def test_what_was_exported_from_here_is_not_brought_twice(place, tmp_path):
    place.bring(asterisk())
    export(place, tmp_path / "out")
    before = place.picture()
    report = place.bring(back(tmp_path / "out"))
    assert report.messages.imported == 0
    assert place.picture() == before


def test_a_transcript_comes_along_and_its_times_count_from_the_introduction(place, empty_redis, tmp_path):
    place.bring(asterisk())
    first, second, *_ = place.messages(BOX)
    said = Transcript(
        language="fr",
        engine="faster-whisper base",
        confidence=0.87,
        segments=(
            Segment(0, 1900, 'L\'été; --; 100 % "là" 🙂'),
            *(Segment(n, n, "mot " * 60) for n in range(2000, 2080)),
        ),
    )
    place.store.mailboxes.transcribed(BOX, first.id, said)
    place.store.mailboxes.transcribed(BOX, second.id, Transcript(TranscriptState.NO_SPEECH))
    export(place, tmp_path / "out")
    files = list((tmp_path / "out").rglob("msg*.txt"))
    assert max(len(line) for file in files for line in file.read_bytes().split(b"\n")) < 8191
    assert sum(b"\n; esl-vm transcript: " in file.read_bytes() for file in files) == 2
    with empty_redis.client(db=1) as client:
        other = Place(client, tmp_path / "other", place.defaults)
        other.bring(back(tmp_path / "out"))
        there, quiet, *rest = other.messages(BOX)
        assert there.transcript == said
        assert quiet.transcript == Transcript(TranscriptState.NO_SPEECH)
        assert {one.transcript for one in rest} == {None}
        found = other.store.transcripts.find([BOX], "l'ete")
        assert [one.id for _, one in found] == [there.id]


def test_the_times_of_a_transcript_count_from_the_start_of_the_introduction(place, tmp_path):
    place.bring(asterisk())
    place.audio.put("m1", write(tmp_path / "m1.wav", wav_bytes(2)))
    place.audio.put("m1-intro", write(tmp_path / "intro.wav", wav_bytes(1)))
    said = Transcript(segments=(Segment(0, 900, "Bonjour"), Segment(1000, 2000, "au revoir")))
    message = Message(
        "m1", Caller(), 1795217407.0, duration_ms=2000, intro_id="m1-intro", intro_ms=1000, transcript=said
    )
    place.store.mailboxes.deliver(MailboxId("1007"), message)
    export(place, tmp_path / "out")
    texts = [read_text(file.read_bytes()) for file in (tmp_path / "out/voicemail/default/1007").rglob("*.txt")]
    [written] = [text.transcript for text in texts if text.msg_id == "m1"]
    assert written.segments == (Segment(1000, 1900, "Bonjour"), Segment(2000, 3000, "au revoir"))


@pytest.mark.parametrize("stored", ["", "{", "[]", "\xff\xfe", '{"state": "invented"}'])
def test_a_transcript_that_cannot_be_read_hides_nothing_else(stored):
    text = read_text(f"callerid=5145550101\norigdate=x\nmsg_id=m1\n; esl-vm transcript: {stored}\n".encode("latin-1"))
    assert (text.caller.number, text.msg_id, text.transcript) == ("5145550101", "m1", None)


def test_a_caller_whose_name_looks_like_a_transcript_has_none():
    said = Transcript(segments=(Segment(0, 1, "I owe you"),)).stored()
    text = read_text(f'callerid="Bob\n; esl-vm transcript: {said}\n" <514>\norigdate=x\nmsg_id=m1\n'.encode())
    assert text.transcript is None


def test_an_id_from_here_in_another_mailbox_takes_nothing_away(place, tmp_path):
    """In Asterisk a forwarded message keeps its id: it is another message all the same."""
    place.bring(asterisk())
    export(place, tmp_path / "out")
    inbox = tmp_path / "out" / "voicemail" / "default"
    (inbox / "1007" / "INBOX").mkdir(parents=True, exist_ok=True)
    for kind in ("txt", "wav"):
        (inbox / "1007" / "INBOX" / f"msg0000.{kind}").write_bytes(
            (inbox / "1001/INBOX" / f"msg0000.{kind}").read_bytes()
        )
    place.bring(back(tmp_path / "out"))
    (copy,) = place.messages(MailboxId("1007"))
    original = place.messages(BOX, Folder.NEW)[0]
    assert copy.id != original.id
    assert copy.caller == place.messages(BOX, Folder.NEW)[1].caller
    assert place.audio.exists(copy.id)


def test_hostile_names_come_through(place, tmp_path):
    names = ['Smith; "Bob" \\ Sons', "a=b|c", "[general]", "#include x", "Côté ;-- x --;", "100% $(id) `x`"]
    for number, name in enumerate(names):
        place.store.registry.add(MailboxId(str(1001 + number)), {"name": name})
    sound = write(tmp_path / "s.wav", wav_bytes())
    callers = [
        Caller("5145550100", 'She said "hi" \\o/'),
        Caller("anonymous", "Bob <1> \\"),
        Caller("", "5145550100"),
        Caller("", "Unknown"),
        Caller("", ""),
        Caller("anonymous", ""),
        Caller("+1514", "origdate=x"),
    ]
    for number, caller in enumerate(callers):
        place.audio.put(f"m{number}", sound)
        message = Message(f"m{number}", caller, received=1795000000 + number, duration_ms=1000)
        place.store.mailboxes.deliver(BOX, message)
    before = picture(place)
    export(place, tmp_path / "out")
    place.client.flushall()
    place.store.verify()
    place.bring(back(tmp_path / "out"))
    assert picture(place) == before


def test_the_tree_is_as_asterisk_writes_it(place, tmp_path):
    place.store.registry.add(
        BOX,
        {
            "name": "Alice, Martin",
            "email": "a@example.com,b@example.com",
            "timezone": "America/Toronto",
            "language": "fr",
            "extensions": "3001",
            "force_name": "yes",
            "pin_locked": "yes",
            "maxgreet": "60",
            "operator": "1007",
        },
    )
    place.store.pins.change(BOX, "4821")
    sound, intro = write(tmp_path / "s.wav", wav_bytes(1.0)), write(tmp_path / "i.wav", wav_bytes(0.5))
    place.audio.put("m1", sound)
    place.audio.put("m1.intro", intro)
    place.audio.put("g1", sound)
    place.store.mailboxes.set_greeting(BOX, Greeting.TEMPORARY, StoredGreeting("g1", 1000))
    place.store.mailboxes.deliver(
        BOX,
        Message(
            *("m1", Caller("514", "Bob"), 1795217407.25),
            duration_ms=1000,
            urgent=True,
            intro_id="m1.intro",
            intro_ms=500,
            call=CallDetails("5360@x", "1017-a3", "15145550123", "1900", "Sales"),
        ),
    )
    place.store.mailboxes.deliver(BOX, Message("gone", Caller("514"), 1795217407, duration_ms=1000))
    report = export(place, tmp_path / "out")
    conf = tmp_path / "out" / "voicemail.conf"
    assert stat.S_IMODE(conf.stat().st_mode) == 0o600
    lines = conf.read_text().splitlines()
    assert lines[:4] == ["; written by esl-vm export asterisk", "[general]", "format = wav", "charset = UTF-8"]
    assert "maxgreet = 60" in lines
    assert "3001@default => 1001@default" in lines
    (line,) = [line for line in lines if line.startswith("1001 =>")]
    pin, name, mail, pager, options = line.removeprefix("1001 => ").split(",")
    assert pin[0] == "-"
    assert len(pin) == 9
    assert not place.opens(BOX, pin[1:])
    assert (name, mail, pager) == ("Alice Martin", "a@example.com|b@example.com", "")
    assert options == "language=fr|tz=America/Toronto|forcename=yes|operator=yes"
    urgent = tmp_path / "out" / "voicemail" / "default" / "1001" / "Urgent"
    assert sorted(path.name for path in urgent.iterdir()) == ["msg0000.txt", "msg0000.wav"]
    assert wav_seconds(urgent / "msg0000.wav") == 1.5
    assert (urgent / "msg0000.txt").read_text().splitlines()[3:] == [
        "[message]",
        "origmailbox=1001",
        "context=default",
        "exten=15145550123",
        "rdnis=1900",
        "priority=1",
        "callerchan=1017-a3",
        'callerid="Bob" <514>',
        "origdate=Fri Nov 20 11:30:07 PM UTC 2026",
        "origtime=1795217407",
        "category=",
        "msg_id=m1",
        "flag=Urgent",
        "duration=1",
    ]
    assert (urgent.parent / "temp.wav").exists()
    assert {remark.kind for remark in report.findings.remarks} == {
        "audio_missing",
        "introduction_joined",
        "name_changed",
        "option_not_carried",
        "pin_new",
    }
    assert report.to_json()["messages"]["exported"] == report.messages.reported == 1
    assert report.to_text().startswith("asterisk: exported")


def test_the_greeting_that_is_heard_goes_to_asterisk_and_the_others_are_told(place, tmp_path):
    place.store.registry.add(BOX, {"greeting_rules": "unavailable-3 mon; unavailable-2; busy-4"})
    for number, greeting in enumerate(
        (Greeting.UNAVAILABLE, Greeting.UNAVAILABLE_2, Greeting.UNAVAILABLE_3, Greeting.BUSY), 1
    ):
        place.audio.put(f"g{number}", write(tmp_path / f"{number}.wav", wav_bytes(number)))
        place.store.mailboxes.set_greeting(BOX, greeting, StoredGreeting(f"g{number}", number * 1000))
    report = export(place, tmp_path / "out")
    folder = tmp_path / "out" / "voicemail" / "default" / "1001"
    assert {path.name: wav_seconds(path) for path in folder.glob("*.wav")} == {"unavail.wav": 2.0, "busy.wav": 4.0}
    assert [remark.where for remark in report.findings.remarks if remark.kind == "greeting_not_carried"] == [
        "1001@default unavailable", "1001@default unavailable-3",
    ]  # fmt: skip
    assert (report.greetings.found, report.greetings.imported, report.greetings.reported) == (4, 2, 2)


def test_nothing_is_written_over(place, tmp_path):
    write(tmp_path / "out" / "voicemail.conf", "[default]\n")
    with pytest.raises(ImportSourceError, match="not empty"):
        export(place, tmp_path / "out")
    assert (tmp_path / "out" / "voicemail.conf").read_text() == "[default]\n"
    with pytest.raises(ImportSourceError, match="can't write"):
        export(place, tmp_path / "out" / "voicemail.conf" / "below")
