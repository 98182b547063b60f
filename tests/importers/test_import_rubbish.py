"""Whatever lies in a source's files, a reader ends: with what it understood, or by saying that it can't read it."""

import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_rig import wav_bytes, write

from esl_vm.importers.asterisk import read_asterisk
from esl_vm.importers.asterisk_text import read_text
from esl_vm.importers.freeswitch_directory import FreeswitchDirectory
from esl_vm.importers.fusionpbx_tables import TABLES
from esl_vm.importers.mod_voicemail import read_mod_voicemail
from esl_vm.importers.plan import Findings, ImportSourceError
from esl_vm.importers.postgres_dump import PostgresDump
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import ID_PATTERN

WORDS = {
    "conf": [
        *(
            "[general]",
            "[default]",
            "[t](!)",
            "[d](t)",
            "[default](+)",
            "[",
            "]",
            "(",
            ")",
            "=>",
            "=",
            "+=",
            ",",
            "|",
            "\n",
            ";",
        ),
        *(
            ";--",
            "--;",
            "\\;",
            "#include x",
            "#exec y",
            "1001",
            "1002",
            "-",
            "4821",
            "Name",
            "tz=est",
            "est",
            "\r",
            "\0",
            "é",
            "*",
        ),
        *("[zonemessages]", "Europe/Paris|x", "maxmsg=", "99999999999", "aliasescontext=a", "[a]", "1001@default"),
    ],
    "text": [
        *(
            "callerid=",
            '"',
            "<",
            ">",
            "\\",
            "\n",
            "\r",
            "origdate=",
            "origtime=",
            "1795217407",
            "msg_id=",
            "flag=Urgent",
            "x",
        ),
        *("[message]", "\0", "é", "callerid = ", "duration=", ";", "9" * 30, "-", "Unknown"),
    ],
    "xml": [
        *(
            "<domain name='a'>",
            "</domain>",
            "<user id='1'",
            ">",
            "/>",
            "</user>",
            "<params>",
            "</params>",
            "\n",
            "&",
            "<!--",
            "-->",
        ),
        *(
            "<param name='vm-password' value='1'/>",
            '<X-PRE-PROCESS cmd="set" data="a=b"/>',
            "$${a}",
            "<include>",
            "<?",
            "é",
            "\0",
        ),
        *(
            '<X-PRE-PROCESS cmd="include" data="*.xml"/>',
            "<groups>",
            "<group>",
            "<users>",
            "<",
            "]]>",
            "<![CDATA[",
            "&#0;",
            "&lt;",
        ),
    ],
    "sql": [
        *(
            "COPY v_voicemails (a, b) FROM stdin;",
            "\n",
            "\t",
            "\\.",
            "\\N",
            "\\",
            "INSERT INTO v_voicemails (a) VALUES (",
            "'",
            "''",
        ),
        *(
            ");",
            ",",
            "NULL",
            "E'",
            "1",
            "CREATE TABLE v_voicemails (",
            "SET client_encoding = 'x';",
            "é",
            "\0",
            "VALUES",
            "--",
            ";",
        ),
    ],
}


def some(kind):
    return st.lists(st.sampled_from(WORDS[kind]) | st.text(max_size=4), max_size=40).map("".join)


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(conf=some("conf"), included=some("conf"))
def test_any_voicemail_conf(conf, included, tmp_path):
    write(tmp_path / "etc" / "x", included)
    path = write(tmp_path / "etc" / "voicemail.conf", conf)
    write(tmp_path / "spool" / "default" / "1001" / "INBOX" / "msg0000.wav", wav_bytes(0.1))
    plan = read_asterisk(path, tmp_path / "spool", unconfigured=True)
    assert plan.messages + sum(item.lost for item in plan.items) == 1
    names = [str(box.box) for box in plan.mailboxes]
    assert len(names) == len(set(names))


@QUICK
@given(text=some("text") | st.binary(max_size=300))
def test_any_message_text(text):
    read = read_text(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    assert len(read.caller.number) <= 64
    assert "\n" not in read.caller.name
    assert read.received is None or 0 < read.received < 2**33


@QUICK
@given(first=some("xml"), second=some("xml"))
def test_any_directory(first, second, tmp_path):
    write(tmp_path / "directory" / "a.xml", first)
    write(tmp_path / "directory" / "b.xml", second)
    users = list(FreeswitchDirectory(tmp_path / "directory", Findings()).users())
    assert len({(user.id, user.domain) for user in users}) == len(users)


@QUICK
@given(text=some("sql") | st.binary(max_size=300))
def test_any_dump(text, tmp_path):
    path = write(tmp_path / "x.sql", text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        rows = list(PostgresDump(path, TABLES, Findings()).rows())
    except ImportSourceError:
        rows = []
    assert all(table in TABLES for table, _row in rows)


CELL = st.none() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=30) | st.binary(max_size=30)


@QUICK
@given(rows=st.lists(st.lists(CELL, min_size=6, max_size=6), max_size=5))
def test_any_rows(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    write(folder / "directory" / "x.xml", "<domain name='pbx'><user id='1001'/></domain>")
    (folder / "storage").mkdir()
    with sqlite3.connect(folder / "x.db") as db:
        db.execute("CREATE TABLE voicemail_msgs (created_epoch, username, domain, uuid, cid_name, file_path)")
        db.executemany("INSERT INTO voicemail_msgs VALUES (?,?,?,?,?,?)", rows)
    db.close()
    plan = read_mod_voicemail(folder / "x.db", folder / "storage", folder / "directory")
    assert plan.messages + sum(item.lost for item in plan.items) == len(rows)
    assert [box.box for box in plan.mailboxes] == [MailboxId("1001", "pbx")]
    assert all(ID_PATTERN.fullmatch(message.id) for box in plan.mailboxes for message in box.messages)


def test_a_file_with_one_endless_line(tmp_path):
    path = write(tmp_path / "voicemail.conf", b"1001 => " + b"x" * (17 * 2**20))
    (tmp_path / "spool").mkdir()
    with pytest.raises(ImportSourceError, match="larger"):
        read_asterisk(path, tmp_path / "spool")
