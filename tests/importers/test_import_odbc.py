"""A CSV dump of the table in which Asterisk keeps voicemail with ODBC storage."""

import base64
import csv
import io

import pytest
from import_rig import message_text, wav_bytes, write

from esl_vm.importers.asterisk import read_asterisk
from esl_vm.importers.plan import ImportSourceError
from esl_vm.importers.scratch import from_base64
from esl_vm.model.mailbox import Folder, Greeting, MailboxId

BOX = MailboxId("1001")
SPOOL = "/var/spool/asterisk/voicemail"
COLUMNS = (
    *("dir", "msgnum", "context", "macrocontext", "callerid", "origtime", "duration", "recording", "flag", "category"),
    *("mailboxuser", "mailboxcontext", "msg_id"),
)


class Dump:
    def __init__(self, folder):
        self.folder = folder
        self.rows = []
        (folder / "spool").mkdir(parents=True)
        write(folder / "voicemail.conf", "[general]\nformat=gsm|wav\n[default]\n1001 => 4821,Alice\n")

    def row(self, number, folder="INBOX", recording=None, **fields):
        place = f"{SPOOL}/default/1001/{folder}"
        row = {
            "dir": place,
            "msgnum": str(number),
            "callerid": '"Bob, the ""builder""" <514>'.replace('""', '\\"'),
            "origtime": str(1795217000 + number),
            "recording": "\\x" + wav_bytes().hex() if recording is None else recording,
            "mailboxuser": "1001",
            "mailboxcontext": "default",
            "msg_id": f"{1795217000 + number}-0000000{number}" if number >= 0 else "",
            **fields,
        }
        self.rows.append({name: row.get(name, "") for name in COLUMNS})

    def read(self, encoding="utf-8", **more):
        text = io.StringIO()
        table = csv.DictWriter(text, COLUMNS)
        table.writeheader()
        table.writerows(self.rows)
        path = write(self.folder / "dump.csv", text.getvalue().encode(encoding))
        return read_asterisk(self.folder / "voicemail.conf", self.folder / "spool", odbc=path, **more)


@pytest.fixture
def dump(tmp_path):
    return Dump(tmp_path / "odbc")


def test_messages_and_greetings_of_a_dump(dump, place):
    sound = wav_bytes(2.0)
    dump.row(1)
    dump.row(0, recording="0x" + sound.hex())
    dump.row(0, "Old", sound.hex(), flag="Urgent", msg_id="")
    dump.row(0, "Work", base64.b64encode(sound).decode())
    dump.row(0, "Deleted")
    dump.row(-1, "unavail", origtime="")
    dump.row(-1, "greet", origtime="")
    report = place.bring(dump.read())
    assert report.counts == {}
    assert report.messages.imported == 5
    messages = place.messages(BOX)
    assert [message.folder for message in messages] == [Folder.NEW, Folder.NEW, Folder.OLD, Folder.WORK, Folder.TRASH]
    assert [message.duration_ms for message in messages] == [2000, 1000, 2000, 2000, 1000]
    assert messages[0].received == 1795217000
    assert (messages[0].caller.number, messages[0].caller.name) == ("514", 'Bob, the "builder"')
    assert messages[2].urgent
    assert set(place.store.mailboxes.open(BOX).greetings) == {Greeting.UNAVAILABLE, Greeting.NAME}
    before = place.picture()
    assert place.bring(dump.read()).messages.already == 5
    assert place.picture() == before


def test_a_recording_without_a_header_is_what_format_says_first(dump, place):
    dump.row(0, recording="\\x" + (b"\xd0" + bytes(32)).hex() * 50)  # 50 frames of GSM
    place.bring(dump.read())
    assert place.messages(BOX)[0].duration_ms == 1000


@pytest.mark.parametrize("mark", ["\\x4155444d41474943", "AUDMAGIC", "QVVETUFHSUM="])
def test_sound_that_is_left_on_disk_is_found_there_and_is_no_message_of_its_own(dump, place, mark):
    dump.row(0, recording=mark)
    dump.row(1, recording=mark)
    dump.row(-1, "busy", mark)
    box = dump.folder / "spool" / "default" / "1001"
    write(box / "INBOX" / "msg0000.wav", wav_bytes(2.0))
    write(box / "busy.wav", wav_bytes(0.5))
    write(box / "INBOX" / "msg0007.wav", wav_bytes())  # of before the database: it has its text
    write(box / "INBOX" / "msg0007.txt", message_text())
    report = place.bring(dump.read())
    assert report.counts == {"row_without_file": 1}
    assert sorted(message.duration_ms for message in place.messages(BOX)) == [1000, 2000]
    assert set(place.store.mailboxes.open(BOX).greetings) == {Greeting.BUSY}


def test_rows_that_are_none_are_reported_and_the_sums_are_right(dump, place):
    dump.row(0)
    dump.row(1, dir="INBOX")
    dump.row(2, "Holidays")
    dump.row(3, recording="no sound, but long enough to look like something")
    dump.row(4, recording="\\x" + wav_bytes()[:44].hex())
    dump.row(5, dir=f"{SPOOL}/default/../../etc/INBOX", mailboxuser="", mailboxcontext="")
    dump.row(6, mailboxuser="1099")
    report = place.bring(dump.read())
    assert report.messages.imported == 1
    assert report.counts == {
        "empty_audio": 1,
        "mailbox_without_configuration": 2,
        "row_unreadable": 1,
        "row_without_file": 1,
        "unknown_folder": 1,
    }
    assert report.messages.found == 7


def test_a_dump_in_latin_1(dump, place):
    dump.row(0, callerid='"Hélène" <514>')
    place.bring(dump.read("latin-1"))
    assert place.messages(BOX)[0].caller.name == "Hélène"


def test_mailboxes_that_are_only_in_the_dump_come_when_asked_for(dump, place):
    dump.row(0, mailboxuser="1099", dir=f"{SPOOL}/default/1099/INBOX")
    report = place.bring(dump.read(unconfigured=True))
    assert report.messages.imported == 1
    assert len(place.messages(MailboxId("1099"))) == 1


def test_a_file_that_is_no_such_table(dump, tmp_path):
    for content in (b"", b"a,b\n1,2\n", b"\x00\x01\x02"):
        path = write(tmp_path / "x.csv", content)
        with pytest.raises(ImportSourceError, match=r"header|NUL"):
            read_asterisk(dump.folder / "voicemail.conf", dump.folder / "spool", odbc=path)
    with pytest.raises(ImportSourceError, match=r"missing\.csv"):
        read_asterisk(dump.folder / "voicemail.conf", dump.folder / "spool", odbc=tmp_path / "missing.csv")


@pytest.mark.parametrize(
    ("text", "data"), [("aGk=", b"hi"), ("aGk", b"hi"), (" aG\nk= ", b"hi"), ("a", None), ("*", None)]
)
def test_base64(text, data):
    assert from_base64(text) == data
