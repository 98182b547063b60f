"""mod_voicemail's database, files and directory as they are found in the field."""

import os
import sqlite3

import pytest
from import_rig import wav_bytes, write

from esl_vm.importers.mod_voicemail import read_mod_voicemail
from esl_vm.importers.plan import ImportSourceError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.message import CallDetails

OLD = "/var/lib/freeswitch/storage"
BOX = MailboxId("1001", "pbx.example")
COLUMNS = (
    "created_epoch",
    "read_epoch",
    "username",
    "domain",
    "uuid",
    "cid_name",
    "cid_number",
    "in_folder",
    "file_path",
    "message_len",
    "flags",
    "read_flags",
    "forwarded_by",
)


class Tree:
    """A database, a storage folder and a directory, made as a test needs them."""

    def __init__(self, folder):
        self.database = folder / "voicemail_default.db"
        self.storage = folder / "storage"
        self.directory = folder / "directory"
        self.storage.mkdir(parents=True)
        self.db = sqlite3.connect(self.database)
        self.db.execute(f"CREATE TABLE voicemail_msgs ({', '.join(COLUMNS)})")
        self.db.execute("CREATE TABLE voicemail_prefs (username, domain, name_path, greeting_path, password)")
        self.users(user())

    def users(self, *users, domain="pbx.example", name="pbx.xml"):
        return write(
            self.directory / name,
            f'<include>\n<domain name="{domain}">\n<groups><group name="default"><users>\n'
            + "\n".join(users)
            + "\n</users></group></groups>\n</domain>\n</include>\n",
        )

    def message(self, file="msg_a.wav", content=None, path=None, **fields):
        """A row and its file (content False: no file)."""
        tail = f"voicemail/default/pbx.example/1001/{file}"
        if content is not False:
            write(self.storage / tail, wav_bytes() if content is None else content)
        row = dict.fromkeys(COLUMNS, "") | {
            "created_epoch": 1795217407,
            "read_epoch": 0,
            "username": "1001",
            "domain": "pbx.example",
            "uuid": f"uuid-{file}",
            "cid_name": "Bob",
            "cid_number": "5145550100",
            "in_folder": "inbox",
            "file_path": f"{OLD}/{tail}" if path is None else path,
            "read_flags": "B_NORMAL",
        }
        row |= fields
        self.db.execute(
            f"INSERT INTO voicemail_msgs VALUES ({', '.join('?' * len(COLUMNS))})", [row[c] for c in COLUMNS]
        )
        return self.storage / tail

    def prefs(self, username="1001", domain="pbx.example", name=None, greeting=None, password=""):
        self.db.execute("INSERT INTO voicemail_prefs VALUES (?,?,?,?,?)", (username, domain, name, greeting, password))

    def read(self, **more):
        self.db.commit()
        return read_mod_voicemail(self.database, self.storage, self.directory, **more)


def user(number="1001", params="", variables="", attributes=""):
    params = "".join(f'<param name="{n}" value="{v}"/>' for n, v in (params or {"vm-password": "4821"}).items())
    variables = "".join(f'<variable name="{n}" value="{v}"/>' for n, v in (variables or {}).items())
    return f'<user id="{number}" {attributes}><params>{params}</params><variables>{variables}</variables></user>'


@pytest.fixture
def tree(tmp_path):
    tree = Tree(tmp_path / "freeswitch")
    yield tree
    tree.db.close()


def test_a_message_has_the_uuid_of_its_call_but_not_of_the_one_that_forwarded_it(tree, place):
    tree.message("msg_a.wav", uuid="1017-a3", created_epoch=1795217407)
    tree.message("msg_b.wav", uuid="2044-b7", created_epoch=1795217507, forwarded_by="1002@pbx.example")
    place.bring(tree.read())
    left = place.messages(BOX, Folder.NEW)
    assert [message.call for message in left] == [CallDetails(call_uuid="1017-a3"), CallDetails()]


@pytest.mark.parametrize(
    ("fields", "folder", "heard"),
    [
        ({"read_epoch": 0}, Folder.NEW, False),
        ({"read_epoch": "1795217500"}, Folder.OLD, True),
        ({"read_epoch": 0, "flags": "save"}, Folder.NEW, False),
        ({"read_epoch": None, "flags": None}, Folder.NEW, False),
        ({"read_epoch": 1795217500, "flags": "delete"}, Folder.TRASH, True),
        ({"read_epoch": 0, "flags": "delete"}, Folder.TRASH, False),
    ],
)
def test_folder_and_heard(tree, place, fields, folder, heard):
    tree.message(**fields)
    report = place.bring(tree.read())
    (message,) = place.messages(BOX)
    assert (message.folder, message.heard) == (folder, heard)
    assert report.counts == ({"deleted_flag": 1} if folder is Folder.TRASH else {})
    if folder is Folder.TRASH:
        place.store.mailboxes.restore(BOX, message.id)
        assert place.store.mailboxes.message(BOX, message.id).folder is (Folder.OLD if heard else Folder.NEW)


@pytest.mark.parametrize("fields", [{"flags": "archived"}, {"in_folder": "2019"}, {"flags": "?", "in_folder": "x"}])
def test_what_mod_voicemail_does_not_know_lights_no_lamp(tree, place, fields):
    tree.message(read_epoch=0, **fields)
    report = place.bring(tree.read())
    (message,) = place.messages(BOX)
    assert (message.folder, message.heard) == (Folder.OLD, True)
    assert report.counts == {"unknown_status": 1}
    assert all(f"{name}={word}" in report.findings.items[0].why for name, word in fields.items())


def test_callers_in_whatever_bytes_came(tree, place):
    tree.message("msg_a.wav", cid_name="Hélène".encode("latin-1"), cid_number="0000000000", created_epoch=1795000001)
    tree.message("msg_b.wav", cid_name="Hélène".encode(), cid_number="", created_epoch=1795000002)
    tree.message("msg_c.wav", cid_name="a\nb\x00c\r\nvm: x", cid_number="anonymous", created_epoch=1795000003)
    tree.message("msg_d.wav", cid_name=None, cid_number=5145550100, created_epoch=1795000004)
    place.bring(tree.read())
    callers = [(message.caller.number, message.caller.name) for message in place.messages(BOX)]
    assert callers == [("", "Hélène"), ("", "Hélène"), ("anonymous", "a bc vm: x"), ("5145550100", "")]


def test_one_uuid_in_several_mailboxes_is_a_message_in_each(tree, place):
    tree.users(user("1001"), user("1002"), user("1003"))
    for number in ("1001", "1002", "1003"):
        tree.message(
            "msg_a.wav", uuid="same", username=number, path=f"{OLD}/voicemail/default/pbx.example/1001/msg_a.wav"
        )
    report = place.bring(tree.read())
    assert report.messages.imported == 3
    assert report.counts == {}


def test_equal_rows_are_one_message_and_unequal_ones_with_one_uuid_are_not(tree, place):
    tree.message("msg_a.wav", uuid="same")
    tree.message("msg_a.wav", uuid="same")
    tree.message("msg_b.wav", uuid="same")
    tree.message("moved/msg_b.wav", uuid="same")
    report = place.bring(tree.read())
    assert report.messages.imported == 3
    assert report.counts == {"duplicate_row": 1}


def test_orphans_both_ways_and_the_rests_of_a_killed_freeswitch(tree, place):
    tree.message("msg_a.wav")
    tree.message("msg_gone.wav", content=False)
    tree.message("msg_empty.wav", content=wav_bytes()[:44])
    tree.message("msg_nothing.wav", content=b"")
    tree.message("msg_rubbish.wav", content=os.urandom(5000))
    folder = tree.storage / "voicemail" / "default" / "pbx.example" / "1001"
    write(folder / "msg_orphan.wav", wav_bytes())
    write(folder / "msg_cut.wav", wav_bytes()[:44])
    write(folder / "notes.txt", "no sound")
    write(folder / "from somewhere.wav", wav_bytes())
    write(tree.storage / "recordings" / "of something else.wav", wav_bytes())
    write(folder / "greeting_2_TMP.wav", wav_bytes())
    write(folder / "greeting_1.wav", wav_bytes()[:44])
    tree.prefs(greeting=f"{OLD}/voicemail/default/pbx.example/1001/greeting_1.wav")
    report = place.bring(tree.read())
    assert report.counts == {
        "empty_audio": 3,  # two messages and the greeting
        "file_without_row": 3,
        "row_without_file": 1,
        "unreadable_audio": 1,
    }
    assert report.messages.to_json() == {"found": 5, "imported": 1, "already": 0, "deleted_since": 0, "reported": 4}
    assert not place.store.mailboxes.open(BOX).greetings


def test_paths_are_taken_by_their_end_wherever_the_old_folder_was(tree, place):
    tree.message("msg_a.wav", created_epoch=1795000001)
    tree.message("msg_b.wav", path="/usr/local/freeswitch/storage/voicemail/default/pbx.example/1001/msg_b.wav")
    tree.message("msg_c.wav", path="voicemail/default/pbx.example/1001/msg_c.wav")
    tree.message("msg_d.wav", path=r"C:\FreeSWITCH\storage\voicemail\default\pbx.example\1001\msg_d.wav")
    write(tree.storage / "reception" / "msg_e.wav", wav_bytes())
    tree.message("msg_e.wav", content=False, path=f"{OLD}/reception/msg_e.wav")
    report = place.bring(tree.read())
    assert report.counts == {}
    assert report.messages.imported == 5


def test_paths_that_lead_outside_are_reported_and_never_read(tree, place, tmp_path):
    tree.message("msg_ok.wav")
    secret = write(tmp_path / "secret.wav", wav_bytes(3.0))
    write(tmp_path / "secret" / "msg_link.wav", wav_bytes(3.0))
    outside = {
        "a": str(secret),
        "b": f"{OLD}/../../../../{secret}",
        "c": f"{OLD}/voicemail/default/pbx.example/1001/../../../../../../../../../../{secret}",
        "d": "/etc/passwd",
        "e": "../../secret.wav",
        "f": "\x00",
        "g": "",
        "h": "/" + "x" * 5000,
    }
    for number, (name, path) in enumerate(outside.items()):
        tree.message(f"msg_{name}.wav", content=False, path=path, created_epoch=1795000000 + number)
    box = tree.storage / "voicemail" / "default" / "pbx.example" / "1001"
    (box / "msg_link.wav").symlink_to(secret)
    tree.message("msg_link.wav", content=False)
    (tree.storage / "elsewhere").symlink_to(tmp_path / "secret")
    tree.message("msg_folder.wav", content=False, path=f"{OLD}/elsewhere/msg_link.wav")
    tree.prefs(greeting=str(secret), name=f"{OLD}/voicemail/default/pbx.example/1001/msg_link.wav")
    report = place.bring(tree.read())
    assert report.messages.imported == 1
    assert place.messages(BOX)[0].duration_ms == 1000
    assert not place.store.mailboxes.open(BOX).greetings
    assert set(report.counts) <= {"path_outside_storage", "row_without_file"}
    assert report.counts["path_outside_storage"] >= 8
    assert report.messages.reported == 10


def test_greetings_in_force_and_others(tree, place):
    box = tree.storage / "voicemail" / "default" / "pbx.example" / "1001"
    for number in (1, 2, 4):
        write(box / f"greeting_{number}.wav", wav_bytes(number))
    write(box / "recorded_name.wav", wav_bytes(0.5))
    tree.prefs(greeting=f"{OLD}/voicemail/default/pbx.example/1001/greeting_1.wav")
    # no key is unique: of several rows the last counts
    tree.prefs(
        greeting=f"{OLD}/voicemail/default/pbx.example/1001/greeting_2.wav",
        name=f"{OLD}/voicemail/default/pbx.example/1001/recorded_name.wav",
    )
    plan = tree.read()
    place.bring(plan)
    here = place.store.mailboxes.open(BOX).greetings
    assert {kind: stored.duration_ms for kind, stored in here.items()} == {
        Greeting.UNAVAILABLE: 2000,
        Greeting("unavailable-2"): 1000,  # the first one, which is not chosen, has the chosen one's place
        Greeting("unavailable-4"): 4000,
        Greeting.NAME: 500,
    }
    assert not place.store.mailboxes.open(BOX).options.greeting_rules
    assert not [remark for remark in plan.remarks if remark.kind == "greeting_not_in_force"]


@pytest.mark.parametrize(
    ("params", "chosen", "opens", "shut"),
    [
        ({"vm-password": "4821"}, "", "4821", "1234"),
        ({"vm-password": "4821"}, "9911", "9911", "4821"),
        ({"vm-password": "user-choose"}, "9911", "9911", "1234"),
        ({"vm-password": "user-choose", "password": "5555"}, "", None, "5555"),
        ({"password": "5555"}, "", "5555", "1234"),
        ({"password": "sip-secret"}, "", None, "1234"),
        ({"vm-password": "", "password": "5555"}, "", None, "5555"),
        ({"vm-a1-hash": "ce6cf5a4bd684f1cdad304e2003ebf29", "password": "x7"}, "", None, "240681"),
        ({"vm-password": "abc"}, "", None, "222"),
    ],
)
def test_pins(tree, place, params, chosen, opens, shut):
    tree.users(user("1001", params))
    tree.prefs(password=chosen)
    plan = tree.read()
    place.bring(plan)
    assert place.store.mailboxes.open(BOX).has_pin
    if opens:
        assert place.opens(BOX, opens)
    else:
        assert {remark.kind for remark in plan.remarks} <= {"pin_unknown", "pin_unusable"}
    assert not place.opens(BOX, shut)


def test_what_the_directory_says_of_a_mailbox(tree, place):
    tree.users(
        user(
            "1001",
            {
                "VM-Password": "4821",
                "vm-mailto": "a@example.com,b@example.com",
                "vm-notify-mailto": "p@sms.example",
                "vm-email-all-messages": "true",
                "vm-keep-local-after-email": "false",
                "vm-attach-file": "false",
                "vm-disk-quota": "600",
                "vm-skip-instructions": "true",
                "vm-operator-extension": "1007 XML default",
                "vm-cc": "1002@pbx.example",
            },
            {"effective_caller_id_name": "Luc &amp; ventes", "default_language": "fr-CA", "timezone": "Europe/Paris"},
            'number-alias="3001" mailbox="x"',
        )
    )
    plan = tree.read()
    place.bring(plan)
    here = place.store.mailboxes.open(BOX)
    assert (here.name, here.language, here.timezone) == ("Luc & ventes", "fr", "Europe/Paris")
    assert (here.email, here.pager, here.aliases) == ("a@example.com,b@example.com", "p@sms.example", ("3001",))
    options = here.options
    assert (options.delete, options.attach, options.quota_seconds) == (True, False, 600)
    assert (options.skip_instructions, options.operator) == (True, "1007")
    assert {remark.kind for remark in plan.remarks} == {"alias", "copies_not_carried"}


def test_settings_of_group_and_domain_hold_where_the_user_has_none(tree):
    write(
        tree.directory / "pbx.xml",
        """<include>
  <domain name="pbx.example">
    <params><param name="vm-mailto" value="all@example.com"/><param name="vm-password" value="1111"/></params>
    <variables><variable name="timezone" value="America/Toronto"/></variables>
    <groups>
      <group name="sales">
        <params><param name="vm-mailto" value="sales@example.com"/></params>
        <users><user id="1001"><params><param name="vm-password" value="4821"/></params></user>
          <user id="1003" type="pointer"/></users>
      </group>
      <group name="others"><users><user id="1002"/></users></group>
    </groups>
    <users><user id="1003"><params><param name="vm-mailto" value=""/></params></user></users>
    <user id="1004"/>
  </domain>
</include>""",
    )
    found = {box.box.number: (box.emails, box.pin.reveal(), box.timezone) for box in tree.read().mailboxes}
    assert found == {
        "1001": (("sales@example.com",), "4821", "America/Toronto"),
        "1002": (("all@example.com",), "1111", "America/Toronto"),
        "1003": ((), "1111", "America/Toronto"),
        "1004": (("all@example.com",), "1111", "America/Toronto"),
    }


def test_preprocessing_as_freeswitch_does_it(tree, tmp_path):
    write(
        tree.directory.parent / "vars.xml",
        '<include>\n<X-PRE-PROCESS cmd="set" data="domain=pbx.example"/>\n</include>',
    )
    outside = write(tmp_path / "outside.xml", user("1666"))
    write(tree.directory / "default" / "1001.xml", f"<include>\n{user('1001')}\n</include>")
    write(tree.directory / "default" / "1002.xml", user("1002", {"vm-password": "$${default_pin}"}))
    write(tree.directory / "default" / "1003.xml", "<user id='1003'><params></user>")  # broken: only this one is lost
    write(tree.directory / "default" / "1004.xml", user("1004", variables={"effective_caller_id_name": "A & B"}))
    write(tree.directory / "default" / "1005.xml", f"<!-- a -- b -->{user('1005')}".encode("latin-1"))
    write(
        tree.directory / "pbx.xml",
        f"""<?xml version="1.0"?>
<include> <!-- this line is passed over whole --> <domain name="never">
  <X-PRE-PROCESS cmd="set" data="default_pin=7392"/>
  <domain name="$${{domain}}">
    <users>
      <X-PRE-PROCESS cmd="include" data="default/*.xml"/>
      <X-PRE-PROCESS cmd="include" data="{outside}"/>
      <X-PRE-PROCESS cmd="include" data="../../outside.xml"/>
      <X-PRE-PROCESS cmd="include" data="pbx.xml"/>
      <X-PRE-PROCESS cmd="exec" data="reboot"/>
    </users>
  </domain>
</include>""",
    )
    plan = tree.read()
    assert {box.box.number for box in plan.mailboxes} == {"1001", "1002", "1004", "1005"}
    by_number = {box.box.number: box for box in plan.mailboxes}
    assert by_number["1002"].pin.reveal() == "7392"
    assert by_number["1004"].name == "A & B"
    assert {box.box.domain for box in plan.mailboxes} == {"pbx.example"}
    found = [str(item.kind) for item in plan.items]
    assert found.count("configuration_unreadable") == 1
    assert found.count("include_not_read") == 4


def test_a_domain_from_a_variable_nobody_sets_is_the_one_of_the_rows(tree, place):
    tree.users(user("1001"), domain="$${domain}")
    tree.message()
    assert place.bring(tree.read()).messages.imported == 1
    assert place.boxes() == ["1001@pbx.example"]


def test_entities_that_grow_or_read_files_are_refused(tree):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    write(tree.directory / "evil.xml", f"{bomb}<domain name='x'><user id='&c;'/></domain>")
    plan = tree.read()
    assert [str(item.kind) for item in plan.items] == ["configuration_unreadable"]
    assert [str(box.box) for box in plan.mailboxes] == ["1001@pbx.example"]


def test_users_that_are_there_twice_or_can_be_no_mailbox(tree, place):
    tree.users(user("1001"), user("1001", {"vm-password": "9"}), user("../../etc"), user("10 01"), user(""))
    tree.message(username="10 01")
    report = place.bring(tree.read())
    assert report.counts == {"configuration_duplicate": 1, "invalid_mailbox": 2}
    assert place.opens(BOX, "4821")
    assert report.messages.reported == 1


def test_rows_without_a_user_are_reported_and_come_when_asked_for(tree, place):
    tree.message()
    tree.message("msg_b.wav", username="1099", uuid="b")
    tree.message("msg_c.wav", username="1099", uuid="c", flags="delete")
    tree.message("msg_d.wav", username="$(id)", uuid="d")
    report = place.bring(tree.read())
    assert report.counts == {"mailbox_without_configuration": 2}
    assert (report.messages.imported, report.messages.reported) == (1, 3)
    report = place.bring(tree.read(unconfigured=True))
    assert report.counts == {"deleted_flag": 1, "mailbox_without_configuration": 2}
    assert (report.messages.imported, report.messages.already, report.messages.reported) == (2, 1, 1)
    assert place.store.mailboxes.open(MailboxId("1099", "pbx.example")).has_pin


def test_what_is_only_in_the_write_ahead_log_comes_too_and_the_database_stays_as_it_is(tree, place):
    tree.db.execute("PRAGMA journal_mode=WAL")
    tree.message()
    tree.db.commit()
    beside = tree.database.with_name(tree.database.name + "-wal")
    assert beside.stat().st_size
    before = {path: path.read_bytes() for path in tree.database.parent.glob("voicemail_default.db*")}
    assert place.bring(tree.read()).messages.imported == 1
    assert {path: path.read_bytes() for path in tree.database.parent.glob("voicemail_default.db*")} == before


def test_an_older_database_without_some_columns(tree, place):
    tree.message()
    tree.db.execute("ALTER TABLE voicemail_msgs DROP COLUMN forwarded_by")
    tree.db.execute("DROP TABLE voicemail_prefs")
    assert place.bring(tree.read()).messages.imported == 1


def test_sources_that_cannot_be_read(tree, tmp_path):
    tree.db.commit()
    rubbish = write(tmp_path / "rubbish.db", os.urandom(10000))
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).close()
    for database in (rubbish, empty, tmp_path / "missing.db", tmp_path):
        with pytest.raises(ImportSourceError):
            read_mod_voicemail(database, tree.storage, tree.directory)
    with pytest.raises(ImportSourceError, match="missing"):
        read_mod_voicemail(tree.database, tmp_path / "missing", tree.directory)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ImportSourceError, match=r"no \*\.xml"):
        read_mod_voicemail(tree.database, tree.storage, tmp_path / "nothing")


def test_dates_that_are_none_are_the_files(tree, place):
    for number, when in enumerate((None, "", "soon", -5, 10**30, 0)):
        tree.message(f"msg_{number}.wav", created_epoch=str(when))
    place.bring(tree.read())
    assert all(message.received > 1_600_000_000 for message in place.messages(BOX))
    before = place.picture()
    for path in tree.storage.rglob("*.wav"):
        os.utime(path, (1700000000, 1700000000))
    place.bring(tree.read())
    assert place.picture() == before
