"""FusionPBX's tables and files as they are found in the field; dumps of every shape; a live PostgreSQL."""

import base64
import glob
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from import_rig import DATA, wav_bytes, write
from support.ports import free_port
from support.waiting import wait_until

from esl_vm.importers.fusionpbx import read_fusionpbx
from esl_vm.importers.plan import Findings, ImportSourceError
from esl_vm.importers.postgres_dump import PostgresDump
from esl_vm.model.mailbox import Folder, Greeting, MailboxId

DOMAIN = "3ceaaf30-8142-48ea-91d9-3080f9b439fc"
VOICEMAIL = "c1acc990-6424-450a-a36b-f9b3ddcb369d"
BOX = MailboxId("1001", "pbx.example")
BOX_COLUMNS = (
    "domain_uuid",
    "voicemail_uuid",
    "voicemail_id",
    "voicemail_password",
    "greeting_id",
    "voicemail_mail_to",
)
MESSAGE_COLUMNS = (
    *("domain_uuid", "voicemail_message_uuid", "voicemail_uuid", "created_epoch", "caller_id_name"),
    *("caller_id_number", "message_length", "message_status", "message_intro_base64", "message_base64"),
)


def uuid_of(number):
    return f"37fb8c56-9486-4242-ad3b-{number:012x}"


class Tree:
    """Tables and a storage folder, made as a test needs them, written as a dump with COPY."""

    def __init__(self, folder):
        self.folder = folder
        self.storage = folder / "storage"
        (self.storage / "voicemail" / "default" / "pbx.example" / "1001").mkdir(parents=True)
        self.tables = {
            "v_domains": [{"domain_uuid": DOMAIN, "domain_name": "pbx.example", "domain_enabled": "t"}],
            "v_voicemails": [self.box()],
            "v_voicemail_messages": [],
        }

    def box(self, number="1001", uuid=VOICEMAIL, **fields):
        return {
            "domain_uuid": DOMAIN,
            "voicemail_uuid": uuid,
            "voicemail_id": number,
            "voicemail_password": "4821",
            "greeting_id": None,
            "voicemail_enabled": "t",
            "voicemail_description": "Alice Martin",
            **fields,
        }

    def message(self, number=0, sound=None, kind="wav", **fields):
        """A row and its file (sound False: no file)."""
        uuid = uuid_of(number)
        if sound is not False:
            self.file(f"msg_{uuid}.{kind}", wav_bytes() if sound is None else sound)
        self.tables["v_voicemail_messages"].append(
            {
                "domain_uuid": DOMAIN,
                "voicemail_message_uuid": uuid,
                "voicemail_uuid": VOICEMAIL,
                "created_epoch": str(1795217000 + number),
                "caller_id_name": "Bob",
                "caller_id_number": "5145550100",
                "message_length": "1",
                "message_status": None,
                "message_intro_base64": None,
                "message_base64": None,
                **fields,
            }
        )

    def setting(self, category, subcategory, value, enabled="t"):
        self.tables.setdefault("v_domain_settings", []).append(
            {
                "domain_uuid": DOMAIN,
                "domain_setting_category": category,
                "domain_setting_subcategory": subcategory,
                "domain_setting_value": value,
                "domain_setting_enabled": enabled,
            }
        )

    def file(self, name, content):
        return write(self.storage / "voicemail" / "default" / "pbx.example" / "1001" / name, content)

    def dump(self):
        lines = ["\\restrict abc", "SET client_encoding = 'UTF8';"]
        for table, rows in self.tables.items():
            if rows:
                columns = list(dict.fromkeys(name for row in rows for name in row))
                lines.append(f"COPY public.{table} ({', '.join(columns)}) FROM stdin;")
                lines += ["\t".join(copied(row.get(name)) for name in columns) for row in rows]
                lines.append("\\.")
        lines.append("\\unrestrict abc")
        return write(self.folder / "dump.sql", "\n".join(lines) + "\n")

    def read(self, **more):
        return read_fusionpbx(self.storage, dump=self.dump(), **more)


def copied(value):
    if value is None:
        return "\\N"
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def encoded(content):
    return base64.b64encode(content).decode()


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "fusionpbx")


# --- rows and files ------------------------------------------------------------------------------------------------


def test_statuses(tree, place):
    for number, status in enumerate((None, "", "new", "Saved ", "deleted", "archived", "ÿ")):
        tree.message(number, message_status=status)
    report = place.bring(tree.read())
    counts = place.store.mailboxes.counts(BOX)
    assert (counts.new, counts.old, counts.of(Folder.TRASH)) == (3, 3, 1)
    assert report.counts == {"deleted_flag": 1, "unknown_status": 2}
    told = {item.why for item in report.findings.items if item.kind == "unknown_status"}
    assert "message_status=archived: it is an old message" in told
    assert report.reconciled


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("O''Brien", "O'Brien"),
        ("Jean D''''''''Amours", "Jean D'Amours"),
        ("O'Brien", "O'Brien"),
        ("a\tb\nc\\d", "a b c\\d"),
        ("'); DROP TABLE v_voicemails; --", "'); DROP TABLE v_voicemails; --"),
        ("\\.", "\\."),
        ("\\N", "\\N"),
    ],
)
def test_callers(tree, place, written, name):
    tree.message(caller_id_name=written)
    place.bring(tree.read())
    assert place.messages(BOX)[0].caller.name == name


def test_base64_and_files_and_both(tree, place):
    tree.setting("voicemail", "storage_type", "base64")
    tree.message(0, sound=False, message_base64=encoded(wav_bytes(2.0)))
    tree.message(1, sound=wav_bytes(1.0), message_base64=encoded(wav_bytes(3.0)))
    tree.message(2, sound=wav_bytes(1.0))
    tree.message(3, sound=False, message_base64="!" * 100)
    tree.message(4, sound=False, message_base64="")
    tree.message(5, sound=False, message_base64=encoded(b"not a sound, only long enough to be taken for one"))
    tree.message(6, sound=False, message_base64=encoded(wav_bytes()[:44]))
    report = place.bring(tree.read())
    assert [message.duration_ms for message in place.messages(BOX)] == [2000, 3000, 1000]
    assert report.counts == {"empty_audio": 1, "row_without_file": 1, "unreadable_audio": 2}
    assert report.messages.found == 7


def test_a_broken_introduction_costs_no_message(tree, place):
    tree.message(0, message_intro_base64="?" * 50)
    tree.message(1)
    tree.file(f"intro_{uuid_of(1)}.wav", wav_bytes()[:44])
    tree.message(2)
    tree.file(f"intro_{uuid_of(2)}.wav", wav_bytes(0.7))
    report = place.bring(tree.read())
    assert report.messages.imported == 3
    assert [message.intro_ms for message in place.messages(BOX)] == [0, 0, 700]
    assert [remark.kind for remark in report.findings.remarks] == ["introduction_unreadable"] * 2


def test_orphans_both_ways(tree, place):
    tree.message(0)
    tree.message(1, sound=False)
    tree.file("msg_0123.wav", wav_bytes())
    tree.file(f"msg_{uuid_of(9)}.mp3", b"no sound")
    tree.message(2, sound=False, voicemail_uuid="00000000-0000-0000-0000-000000000000")
    tree.message(3, sound=False, voicemail_uuid=None)
    report = place.bring(tree.read())
    assert report.counts == {"file_without_row": 2, "mailbox_without_configuration": 2, "row_without_file": 1}
    assert (report.messages.found, report.messages.imported) == (4, 1)


def test_files_of_another_mailbox_or_outside_are_not_taken(tree, place, tmp_path):
    secret = write(tmp_path / "secret.wav", wav_bytes(3.0))
    tree.message(0, sound=False)
    write(tree.storage / "voicemail" / "default" / "pbx.example" / "1002" / f"msg_{uuid_of(0)}.wav", wav_bytes())
    tree.message(1, sound=False)
    tree.file("x", "").with_name(f"msg_{uuid_of(1)}.wav").symlink_to(secret)
    tree.message(2, sound=False, voicemail_message_uuid="../../../../secret")
    report = place.bring(tree.read())
    assert report.messages.imported == 0
    assert report.counts == {"path_outside_storage": 1, "row_unreadable": 1, "row_without_file": 1}


def test_names_in_capitals(tree, place):
    tree.message(0, sound=False)
    tree.file(f"msg_{uuid_of(0).upper()}.WAV", wav_bytes())
    tree.tables["v_voicemails"][0]["greeting_id"] = "1"
    tree.file("greeting_1.WAV", wav_bytes(0.5))
    report = place.bring(tree.read())
    assert report.counts == {}
    assert (report.messages.imported, report.greetings.imported) == (1, 1)


def test_one_number_twice_in_a_domain(tree, place):
    other = "9ad9b9a2-5e78-454d-b065-a1c284cc4549"
    tree.tables["v_voicemails"] += [
        tree.box(uuid=other, voicemail_password="9911", voicemail_description="Off", voicemail_enabled="f")
    ]
    tree.message(0)
    tree.message(1, voicemail_uuid=other)
    report = place.bring(tree.read())
    assert report.counts == {"configuration_duplicate": 1}
    assert place.store.mailboxes.counts(BOX).new == 2
    assert place.opens(BOX, "4821")


@pytest.mark.parametrize("number", ["../../etc", "", "10 01", "1001\t2", "*98"])
def test_numbers_that_can_be_no_mailbox(tree, place, number):
    tree.tables["v_voicemails"].append(tree.box(number, uuid=uuid_of(99)))
    tree.message(0, voicemail_uuid=uuid_of(99))
    tree.message(1)
    report = place.bring(tree.read())
    assert report.counts == {"invalid_mailbox": 1}
    assert (report.messages.imported, report.messages.reported) == (1, 1)


def test_greetings(tree, place):
    box = tree.tables["v_voicemails"][0]
    box |= {"greeting_id": "2", "voicemail_name_base64": encoded(wav_bytes(0.5))}
    tree.tables["v_voicemail_greetings"] = [
        {
            "domain_uuid": DOMAIN,
            "voicemail_id": "1001",
            "greeting_id": n,
            "greeting_name": f"Greeting {n}",
            "greeting_base64": None,
        }
        for n in ("1", "2", "3", "12")
    ]
    tree.file("greeting_1.wav", wav_bytes(1.0))
    tree.file("greeting_2.wav", wav_bytes(2.0))
    tree.file("greeting_12.wav", wav_bytes(3.0))
    tree.file("greeting_2.tmp.wav", wav_bytes(9.0))
    plan = tree.read()
    place.bring(plan)
    here = place.store.mailboxes.open(BOX).greetings
    assert {kind: stored.duration_ms for kind, stored in here.items()} == {
        Greeting.UNAVAILABLE: 2000,
        Greeting("unavailable-2"): 1000,  # the first one, which is not chosen, has the chosen one's place
        Greeting.NAME: 500,
    }
    assert [remark.where for remark in plan.remarks] == [
        "1001@pbx.example greeting_3 Greeting 3",  # without a file
        "1001@pbx.example greeting_12 Greeting 12",  # there are nine
    ]


@pytest.mark.parametrize("chosen", ["0", "", None, "-1", "default", "3"])
def test_no_greeting_in_force(tree, place, chosen):
    tree.tables["v_voicemails"][0]["greeting_id"] = chosen
    report = place.bring(tree.read())
    assert not place.store.mailboxes.open(BOX).greetings
    assert report.counts == ({"greeting_without_file": 1} if chosen == "3" else {})


def test_settings_of_the_mailbox_and_its_domain(tree, place):
    tree.setting("domain", "time_zone", "Europe/Paris")
    tree.setting("domain", "language", "fr-fr")
    tree.setting("domain", "time_zone", "Mars/Olympus", enabled="f")
    tree.tables["v_voicemails"][0] |= {
        "voicemail_mail_to": "a@example.com, b@example.com;nobody",
        "voicemail_file": "link",
        "voicemail_local_after_email": "f",
        "voicemail_recording_instructions": "false",
        "voicemail_recording_options": "f",
        "voicemail_sms_to": "15145550199",
        "voicemail_enabled": "f",
    }
    tree.tables["v_voicemail_options"] = [
        {"voicemail_uuid": VOICEMAIL, "voicemail_option_digits": "0", "voicemail_option_param": "transfer 1000 XML x"}
    ]
    report = place.bring(tree.read())
    here = place.store.mailboxes.open(BOX)
    assert (here.timezone, here.language, here.email, here.pager) == (
        "Europe/Paris",
        "fr",
        "a@example.com,b@example.com",
        "",
    )
    options = here.options
    assert (options.attach, options.delete, options.skip_instructions, options.review) == (False, True, True, False)
    assert (options.operator, options.announce_only) == ("1000", True)
    kinds = {remark.kind for remark in report.findings.remarks}
    assert kinds == {"email_unusable", "pager_not_carried", "switched_off"}


def test_a_default_setting_holds_where_the_domain_has_none(tree):
    tree.tables["v_default_settings"] = [
        {
            "default_setting_category": "domain",
            "default_setting_subcategory": "time_zone",
            "default_setting_value": "America/Toronto",
            "default_setting_enabled": "true",
        }
    ]
    assert tree.read().mailboxes[0].timezone == "America/Toronto"


# --- dumps ---------------------------------------------------------------------------------------------------------


def rows_of(text, tmp_path, tables=("v_domains",)):
    findings = Findings()
    path = write(tmp_path / "x.sql", text)
    return [row for _table, row in PostgresDump(path, set(tables), findings).rows()], findings


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("COPY public.v_domains (a, b) FROM stdin;\n1\t\\N\n\\.\n", [{"a": "1", "b": None}]),
        ("COPY public.v_domains (b, a) FROM stdin;\nx\\ty\\nz\\\\\t\n\\.\n", [{"b": "x\ty\nz\\", "a": ""}]),
        ('COPY v_domains ("a") FROM stdin WITH (FORMAT text);\n\\x41\\101\n\\.\n', [{"a": "AA"}]),
        ("COPY other (a) FROM stdin;\nINSERT INTO v_domains (a) VALUES (1);\n\\.\n", []),
        ("INSERT INTO public.v_domains (a, b) VALUES (1, NULL);\n", [{"a": "1", "b": None}]),
        ("INSERT INTO v_domains (a) VALUES ('it''s');\n", [{"a": "it's"}]),
        ("INSERT INTO v_domains (a) VALUES ('back\\slash');\n", [{"a": "back\\slash"}]),
        ("INSERT INTO v_domains (a) VALUES (E'a\\nb\\'c');\n", [{"a": "a\nb'c"}]),
        ("INSERT INTO v_domains (a) VALUES ('two\nlines);\n'';');\n", [{"a": "two\nlines);\n';"}]),
        ("INSERT INTO v_domains (a) VALUES ('x'::text), ('(,'';'), (true);\n", [{"a": "x"}, {"a": "(,';"}, {"a": "true"}]),
        ("INSERT INTO v_domains (a) VALUES\n\t('x'),\n\t('y');\n", [{"a": "x"}, {"a": "y"}]),
        ('INSERT INTO "public"."v_domains" ("a") VALUES (-1.5);\n', [{"a": "-1.5"}]),
        ("CREATE TABLE public.v_domains (\n    a uuid,\n    b text\n);\nINSERT INTO public.v_domains VALUES ('1', '2');\n", [{"a": "1", "b": "2"}]),
        ("\\restrict x\n--\n-- it's a comment\n\nINSERT INTO v_domains (a) VALUES (1);\n\\unrestrict x\n", [{"a": "1"}]),
        ("SET standard_conforming_strings = off;\nINSERT INTO v_domains (a) VALUES ('a\\'b');\n", [{"a": "a'b"}]),
    ],
)  # fmt: skip
def test_dumps_of_every_shape(text, rows, tmp_path):
    assert rows_of(text, tmp_path)[0] == rows


def test_the_encoding_of_a_dump_is_what_it_says(tmp_path):
    text = "SET client_encoding = 'LATIN1';\nINSERT INTO v_domains (a) VALUES ('Hélène');\n".encode("latin-1")
    assert rows_of(text, tmp_path)[0] == [{"a": "Hélène"}]
    text = "SET client_encoding = 'SQL_ASCII';\nINSERT INTO v_domains (a) VALUES ('Hélène');\n"
    assert rows_of(text, tmp_path)[0] == [{"a": "Hélène"}]


def test_rows_that_cannot_be_read_are_counted(tmp_path):
    text = "COPY v_voicemail_messages (a, b) FROM stdin;\n1\n1\t2\n1\t2\t3\n"
    rows, findings = rows_of(text, tmp_path, ["v_voicemail_messages"])
    assert rows == [{"a": "1", "b": "2"}]
    assert [item.lost for item in findings.items] == [1, 1, 0]
    rows, findings = rows_of(
        "INSERT INTO v_voicemail_messages (a) VALUES ('x' ||| 1);\n", tmp_path, ["v_voicemail_messages"]
    )
    assert not rows
    assert [item.lost for item in findings.items] == [1]


def test_a_dump_of_carriage_returns_or_compressed(tree, place):
    tree.message()
    dump = tree.dump()
    crlf = write(tree.folder / "crlf.sql", dump.read_bytes().replace(b"\n", b"\r\n"))
    packed = write(tree.folder / "dump.sql.gz", gzip.compress(dump.read_bytes()))
    assert place.bring(read_fusionpbx(tree.storage, dump=crlf)).messages.imported == 1
    assert place.bring(read_fusionpbx(tree.storage, dump=packed)).messages.already == 1


def test_a_huge_message_in_a_dump(tree, place):
    tree.message(sound=False, message_base64=encoded(wav_bytes(600.0)))
    report = place.bring(tree.read())
    assert place.messages(BOX)[0].duration_ms == 600_000
    assert report.exit_code == 0


def test_sources_that_cannot_be_read(tree, tmp_path):
    with pytest.raises(ImportSourceError, match="pg_restore"):
        read_fusionpbx(tree.storage, dump=write(tmp_path / "x.dump", b"PGDMP\x01\x0e"))
    with pytest.raises(ImportSourceError, match="v_voicemails"):
        read_fusionpbx(tree.storage, dump=write(tmp_path / "x.sql", os.urandom(5000)))
    with pytest.raises(ImportSourceError, match=r"missing\.sql"):
        read_fusionpbx(tree.storage, dump=tmp_path / "missing.sql")
    with pytest.raises(ImportSourceError, match="missing"):
        read_fusionpbx(tmp_path / "missing", dump=tree.dump())
    with pytest.raises(ImportSourceError, match="either"):
        read_fusionpbx(tree.storage)


# --- a live database -----------------------------------------------------------------------------------------------


ENCODINGS = ("UTF8", "SQL_ASCII")


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL of its own on a free loopback port: by its encoding, a database with the test tree's dump in it."""
    pytest.importorskip("psycopg", reason="psycopg, which --dsn needs, is not installed")
    programs = {name: shutil.which(name) for name in ("initdb", "pg_ctl", "postgres", "psql")}
    for name, found in programs.items():
        installed = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
        programs[name] = installed[-1] if installed else found
        if not programs[name]:
            pytest.skip(f"no PostgreSQL on this machine ({name})")
    owner = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:  # whose parents its user may pass
        if owner:
            shutil.chown(folder, "nobody")
        yield from _running(Path(folder), programs, owner)


def _running(folder, programs, owner):
    data, port = folder / "data", free_port()
    subprocess.run(
        [programs["initdb"], "-D", data, "-A", "trust", "-U", "fusionpbx", "-N", "--locale=C"],
        check=True,
        capture_output=True,
        **owner,
    )
    command = [programs["postgres"], "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
    command += ["-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
    log = (folder / "log").open("wb")
    server = subprocess.Popen(command, stdout=log, stderr=log, **owner)
    server_of = f"postgresql://fusionpbx@127.0.0.1:{port}/"
    try:
        dump = DATA / "fusionpbx" / "fusionpbx.sql"
        psql = [programs["psql"], "-q", "-v", "ON_ERROR_STOP=1", "-d", f"{server_of}postgres"]
        wait_until(
            lambda: subprocess.run([*psql, "-c", "SELECT 1"], check=False, capture_output=True).returncode == 0,
            what="PostgreSQL",
        )
        # psql of another version may not know \\restrict
        text = "\n".join(line for line in dump.read_text().split("\n") if "restrict " not in line)
        for encoding in ENCODINGS:
            made = f"CREATE DATABASE {encoding} ENCODING '{encoding}' TEMPLATE template0"
            subprocess.run([*psql, "-c", made], check=True, capture_output=True)
            filled = [*psql[:-1], f"{server_of}{encoding.lower()}"]
            subprocess.run(filled, input=text.encode(), check=True, capture_output=True)
        yield {encoding: f"{server_of}{encoding.lower()}" for encoding in ENCODINGS}
    finally:
        server.terminate()
        server.wait(100)
        log.close()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_live_database_gives_what_its_dump_gives(postgres, place, encoding):
    storage = DATA / "fusionpbx" / "storage"
    place.bring(read_fusionpbx(storage, dump=DATA / "fusionpbx" / "fusionpbx.sql"))
    before = place.picture()
    report = place.bring(read_fusionpbx(storage, dsn=postgres[encoding]))
    assert report.messages.already == 13
    assert report.counts == {"deleted_flag": 1, "file_without_row": 1, "row_without_file": 1}
    assert place.picture() == before


def test_a_database_that_does_not_answer_says_so_without_its_password():
    pytest.importorskip("psycopg", reason="psycopg, which --dsn needs, is not installed")
    dsn = f"postgresql://fusionpbx:hunter2@127.0.0.1:{free_port()}/fusionpbx"
    with pytest.raises(ImportSourceError) as caught:
        read_fusionpbx(DATA / "fusionpbx" / "storage", dsn=dsn)
    assert "hunter2" not in str(caught.value)


def test_without_psycopg_a_dsn_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ImportSourceError, match="psycopg"):
        read_fusionpbx(DATA / "fusionpbx" / "storage", dsn="postgresql://127.0.0.1/x")
