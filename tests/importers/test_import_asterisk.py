"""Asterisk trees as they are found in the field: rewritten, broken, hostile."""

import os

import pytest
from import_rig import message_text, tone, wav_bytes, wav_seconds, write

from esl_vm.importers.asterisk import read_asterisk
from esl_vm.importers.plan import ImportSourceError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.message import CallDetails

BOX = MailboxId("1001")
CONF = "[general]\n[default]\n1001 => 4821,Alice Martin\n"


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "asterisk")


class Tree:
    """A voicemail.conf and a spool, made as a test needs them."""

    def __init__(self, folder):
        self.etc = folder / "etc"
        self.spool = folder / "spool"
        self.spool.mkdir(parents=True)
        self.conf(CONF)

    def conf(self, text, name="voicemail.conf"):
        return write(self.etc / name, text)

    def message(self, number=0, folder="INBOX", box="1001", context="default", sounds=None, **text):
        """A message; `sounds` are files by extension, `text` fields of its text file (None: no text file)."""
        base = self.spool / context / box / folder / f"msg{number:04}"
        for kind, content in ({"wav": wav_bytes()} if sounds is None else sounds).items():
            write(base.with_suffix(f".{kind}"), content)
        if text.get("text", "") is not None:
            write(base.with_suffix(".txt"), text.get("text") or message_text(**text))
        return base

    def read(self, **more):
        return read_asterisk(self.etc / "voicemail.conf", self.spool, **more)

    def only(self, plan=None):
        """The one mailbox there is."""
        (box,) = (plan or self.read()).mailboxes
        return box


def kinds(plan):
    return sorted(str(item.kind) for item in plan.items)


# --- callers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "number", "name"),
    [
        ('"Alice Martin" <5145550100>', "5145550100", "Alice Martin"),
        ("5145550100", "5145550100", ""),
        ("+33145550100", "+33145550100", ""),
        ("Alice Martin", "", "Alice Martin"),
        ("Unknown", "", ""),
        ("", "", ""),
        ('"" <5145550100>', "5145550100", ""),
        ("<5145550100>", "5145550100", ""),
        (" <5145550100> ", "5145550100", ""),
        ('"5145550100"', "5145550100", ""),
        ("<unknown>", "", ""),
        ('"Alice" <unknown>', "", "Alice"),
        ("Alice <5145550100>", "5145550100", "Alice"),
        (r'"She said \"hi\" \\o/" <1>', "1", r'She said "hi" \o/'),
        ('"A <b> c" <514>', "514", "A <b> c"),
        ('"no end <514>', "", '"no end <514>'),
        ('"$(reboot) `id` %s {0} ${IFS}" <514>', "514", "$(reboot) `id` %s {0} ${IFS}"),
        ('"*3\\r\\n$3\\r\\nDEL" <514>', "514", "*3r n$3r nDEL".replace(" ", "")),
    ],
)
def test_a_caller_is_read_as_asterisk_writes_it(tree, written, number, name):
    tree.message(callerid=written)
    (message,) = tree.only().messages
    assert (message.caller.number, message.caller.name) == (number, name)


def test_a_forged_name_with_line_breaks_forges_nothing(tree):
    name = '"Bob\\\norigtime=1000000000\\\n[message]\\\nmsg_id=1000000000-00000000\\\nflag=Urgent\\\norigdate=x\\\nend" <514>'
    tree.message(callerid=name, origtime=1795217407)
    (message,) = tree.only().messages
    assert message.received == 1795217407
    assert not message.urgent
    assert message.caller.number == "514"
    assert message.caller.name.startswith("Bob origtime=1000000000")


def test_a_carriage_return_in_a_name_is_a_blank(tree):
    tree.message(callerid='"Bob\\\rSmith" <514>')
    (message,) = tree.only().messages
    assert message.caller.name == "Bob Smith"


def test_names_are_read_whatever_bytes_came(tree):
    texts = {
        0: message_text(callerid='"Hélène Côté" <1>').encode("latin-1"),
        1: message_text(callerid='"Hélène Côté" <1>').encode(),
        2: message_text(callerid='"L’Œuvre" <1>').encode("cp1252"),
        # cut at 127 bytes, in the middle of the last letter
        3: message_text(callerid='"Hélène Côt\x00" <1>').encode().replace(b"\x00", b"\xc3"),
    }
    for number, text in texts.items():
        tree.message(number, text=text)
    names = [message.caller.name for message in tree.only().messages]
    assert names == ["Hélène Côté", "Hélène Côté", "L’Œuvre", "Hélène Côt"]


def test_a_name_as_long_as_asterisk_keeps_it_comes_whole(tree, place):
    name = "Hélène " + "x" * 119
    tree.message(callerid=f'"{name}" <514>')
    place.bring(tree.read())
    assert place.messages(BOX)[0].caller.name == name


def test_a_text_rewritten_by_the_configuration_writer_is_read_too(tree):
    text = ';!\n;! Automatically generated configuration file\n;!\n\n[message]\ncallerid = "Bob" <514>\norigdate = x\n'
    text += "origtime = 1795217407\nmsg_id = 1795217407-00000003\nflag = Urgent\nduration = 12\n"
    tree.message(text=text)
    (message,) = tree.only().messages
    assert (message.caller.name, message.received, message.urgent) == ("Bob", 1795217407, True)


@pytest.mark.parametrize(
    ("fields", "call"),
    [
        ({}, CallDetails("", "SIP/trunk-00000001", "1001")),
        ({"exten": "s", "rdnis": "18005550100"}, CallDetails("", "SIP/trunk-00000001", "", "18005550100")),
        ({"callerchan": None, "exten": "1001"}, CallDetails()),
        ({"callerchan": "esl-vm", "exten": "1001"}, CallDetails()),
    ],
)
def test_what_asterisk_knows_of_the_call_comes_along(tree, place, fields, call):
    tree.message(**fields)
    place.bring(tree.read())
    assert place.messages(BOX)[0].call == call


# --- dates, marks, order -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "received"),
    [
        ({"origtime": "", "msg_id": "1795217000-00000001"}, 1795217000),
        ({"origtime": None, "msg_id": ""}, 1795217407),
        ({"origtime": "99999999999999999999", "msg_id": ""}, 1795217407),
        ({"origtime": "-5", "msg_id": "", "origdate": "Fri Nov 20 23:30:08 UTC 2026"}, 1795217408),
    ],
)
def test_without_origtime_the_date_is_that_of_the_id_or_of_origdate(tree, fields, received):
    tree.message(**fields)
    assert tree.only().messages[0].received == received


def test_with_no_date_at_all_it_is_the_files_and_that_is_said(tree, place):
    base = tree.message(origtime="soon", msg_id="", origdate="yesterday")
    os.utime(base.with_suffix(".txt"), (1700000000, 1700000000))
    plan = tree.read()
    assert [remark.kind for remark in plan.remarks] == ["date_of_file"]
    place.bring(plan)
    before = place.picture()
    os.utime(base.with_suffix(".txt"), (1710000000, 1710000000))  # copied without its date
    place.bring(tree.read())
    assert place.picture() == before


def test_urgent_is_what_the_flag_says_not_the_folder(tree):
    tree.message(0, folder="Urgent", flag="Urgent")
    tree.message(1, folder="INBOX", flag="Urgent", msg_id="1-1")
    tree.message(2, folder="INBOX", flag="PRIORITY", msg_id="1-2")
    tree.message(3, folder="Old", flag="Urgent", msg_id="1-3")
    tree.message(4, folder="Urgent", flag=None, msg_id="1-4")  # an old version: no such line
    marks = {message.where: message.urgent for message in tree.only().messages}
    assert marks == {
        "1001@default Urgent/msg0000": True,
        "1001@default INBOX/msg0001": True,
        "1001@default INBOX/msg0002": False,
        "1001@default Old/msg0003": True,
        "1001@default Urgent/msg0004": True,
    }


def test_every_folder_of_asterisk_has_its_own_here(tree, place):
    folders = ("INBOX", "Urgent", "Old", "Work", "Family", "Friends", "Cust1", "Cust2", "Cust3", "Cust4", "Cust5")
    for number, folder in enumerate((*folders, "Deleted")):
        tree.message(number, folder=folder, origtime=1795217000 + number)
    place.bring(tree.read())
    counts = place.store.mailboxes.counts(BOX)
    assert counts.new == 2
    assert all(counts.of(folder) == 1 for folder in Folder if folder is not Folder.NEW)
    heard = {message.folder: message.heard for message in place.messages(BOX)}
    assert heard.pop(Folder.NEW) is False
    assert all(heard.values())
    # out of the trash it goes where heard messages lie, never to New
    deleted = place.messages(BOX, Folder.TRASH)[0]
    place.store.mailboxes.restore(BOX, deleted.id)
    assert place.store.mailboxes.message(BOX, deleted.id).folder is Folder.OLD


def test_the_same_message_twice_in_one_folder_comes_twice(tree, place):
    for number in (0, 1):
        tree.message(number, msg_id="1795217407-00000000")
    report = place.bring(tree.read())
    assert report.messages.imported == 2
    assert report.exit_code == 0


def test_what_only_shares_its_id_with_a_deleted_message_is_not_dropped_with_it(tree, place):
    tree.message(0, folder="Old", msg_id="1-1")
    tree.message(0, folder="Deleted", msg_id="1-1", sounds={"wav": wav_bytes(pitch=900)})
    report = place.bring(tree.read())
    assert report.counts == {"same_message_in_deleted": 1}
    assert place.store.mailboxes.counts(BOX).of(Folder.TRASH) == 1


# --- orphans, halves, rubbish --------------------------------------------------------------------------------------


def test_orphans_both_ways_are_reported_and_a_sound_without_text_comes(tree, place):
    tree.message(0, text=None)
    tree.message(1, sounds={})
    tree.message(2, text=None, sounds={"wav": b""})
    tree.message(3, text=None, sounds={"wav": wav_bytes()[:44]})
    report = place.bring(tree.read())
    assert report.counts == {"audio_without_text": 1, "empty_audio": 2, "text_without_audio": 1}
    assert report.messages.to_json() == {
        "found": 4,
        "imported": 1,
        "already": 0,
        "deleted_since": 0,
        "reported": 3,
    }
    (message,) = place.messages(BOX)
    assert (message.caller.number, message.caller.name) == ("", "")
    assert message.received > 0


def test_half_written_sounds(tree, place):
    whole = wav_bytes(2.0)
    tree.message(0, msg_id="1-0", sounds={"wav": whole[: len(whole) // 2]})  # the disk was full
    tree.message(1, msg_id="1-1", sounds={"wav": whole[:40] + bytes(4) + whole[44:]})  # its length was never written
    tree.message(2, msg_id="1-2", sounds={"wav": whole[:20]})  # not even a header
    tree.message(3, msg_id="1-3", sounds={"wav": whole[:44]})  # nothing but a header
    tree.message(4, msg_id="1-4", sounds={"wav": b"this is no sound at all, whatever it is called"})
    tree.message(5, msg_id="1-5", sounds={"wav": b"", "gsm": b"", "WAV": b""})
    report = place.bring(tree.read())
    assert report.counts == {"empty_audio": 2, "unreadable_audio": 2}
    lengths = [message.duration_ms for message in place.messages(BOX)]
    assert lengths == [pytest.approx(1000, abs=5), 2000]


def test_of_several_formats_the_best_one_is_taken_unless_it_is_broken_or_cut_off(tree, place):
    ulaw = bytes(8000)
    tree.message(0, msg_id="1-0", sounds={"wav": wav_bytes(1.0), "ulaw": ulaw, "gsm": b"\xd0" + bytes(32)})
    tree.message(1, msg_id="1-1", sounds={"wav": b"RIFF", "ulaw": ulaw})
    tree.message(2, msg_id="1-2", sounds={"wav": wav_bytes(0.3), "ulaw": ulaw * 2})
    tree.message(3, msg_id="1-3", sounds={"wav": b"", "alaw": ulaw, "txt~": b"an editor's backup"})
    place.bring(tree.read())
    assert [message.duration_ms for message in place.messages(BOX)] == [1000, 1000, 2000, 1000]


@pytest.mark.parametrize("kind", ["sln", "sln16", "sln48", "ulaw", "alaw", "raw", "pcm", "ul", "al"])
def test_headerless_formats_are_read_at_their_rate(tree, place, kind):
    rate = {"sln16": 16000, "sln48": 48000}.get(kind, 8000)
    content = tone(1.0, rate) if kind.startswith("sln") or kind == "raw" else bytes(8000)
    tree.message(sounds={kind: content})
    place.bring(tree.read())
    assert place.messages(BOX)[0].duration_ms == 1000


def test_extensions_in_capitals(tree, place):
    base = tree.spool / "default" / "1001" / "INBOX" / "msg0000"
    write(base.with_suffix(".ULAW"), bytes(8000))
    write(base.with_suffix(".TXT"), message_text())
    write(tree.spool / "default" / "1001" / "UNAVAIL.ULAW", bytes(4000))
    report = place.bring(tree.read())
    assert (report.messages.imported, report.greetings.imported, report.exit_code) == (1, 1, 0)


def test_what_a_killed_asterisk_leaves_is_no_message(tree, place):
    tree.message(0)
    box = tree.spool / "default" / "1001"
    write(box / "tmp" / "5Hq3Xz", "")
    write(box / "tmp" / "5Hq3Xz.WAV", wav_bytes()[:60])
    write(box / "INBOX" / "msg0000-bak.txt", message_text())
    write(box / "INBOX" / "msg0000-prepend.wav", wav_bytes()[:44])
    write(box / "INBOX" / ".lock", "")
    write(box / "INBOX" / ".lock-5f3a", "")
    write(box / "busy.tmp.wav", wav_bytes()[:44])
    write(box / "busy.wav", wav_bytes(0.5))
    write(box / "unavail.wav", b"")
    report = place.bring(tree.read())
    assert report.messages.found == 1
    assert report.counts == {"empty_audio": 1}
    assert [item.where for item in report.findings.items] == ["1001@default unavail"]
    assert set(place.store.mailboxes.open(BOX).greetings) == {Greeting.BUSY}


def test_text_files_that_are_rubbish_cost_no_message(tree, place):
    rubbish = [
        b"",
        b"\x00" * 4096,
        os.urandom(3000),
        b"callerid=" * 10000,
        b"[message]\n" * 1000,
        b"=\n=\n;",
        b"\xff\xfe",
    ]
    for number, text in enumerate(rubbish):
        base = tree.message(number, sounds={"wav": wav_bytes(0.2, pitch=300 + number)}, text=None)
        write(base.with_suffix(".txt"), text)
    huge = tree.message(len(rubbish), sounds={"wav": wav_bytes(0.2, pitch=1000)}, text=None).with_suffix(".txt")
    write(huge, message_text() + "x" * (3 * 2**20))
    report = place.bring(tree.read())
    assert report.messages.imported == len(rubbish) + 1


def test_message_files_that_are_no_messages_are_named(tree):
    tree.message(0)
    write(tree.spool / "default" / "1001" / "INBOX" / "copy of msg0000.wav", b"x")
    write(tree.spool / "default" / "1001" / "INBOX" / "msg0001.xyz", b"x")
    tree.message(0, folder="Holidays")
    plan = tree.read()
    assert {remark.where for remark in plan.remarks if remark.kind == "file_ignored"} == {
        "1001@default INBOX/copy of msg0000.wav",
        "1001@default INBOX/msg0001.xyz",
    }
    assert kinds(plan) == ["unknown_folder"]
    assert plan.items[0].lost == 1


# --- paths ---------------------------------------------------------------------------------------------------------


def test_links_that_lead_out_of_the_spool_are_not_followed(tree, place, tmp_path):
    secret = write(tmp_path / "elsewhere" / "secret.wav", wav_bytes(3.0))
    outside = tmp_path / "elsewhere" / "box" / "INBOX"
    write(outside / "msg0000.wav", wav_bytes(3.0))
    box = tree.spool / "default" / "1001"
    tree.message(0)
    (box / "INBOX" / "msg0001.wav").symlink_to(secret)
    write(box / "INBOX" / "msg0001.txt", message_text(msg_id="1-1"))
    tree.message(2, msg_id="1-2")
    (box / "INBOX" / "msg0002.txt").unlink()
    (box / "INBOX" / "msg0002.txt").symlink_to("/etc/passwd")
    (box / "unavail.wav").symlink_to(secret)
    (box / "Old").symlink_to(outside)
    (tree.spool / "default" / "1002").symlink_to(outside.parent)
    (tree.spool / "evil").symlink_to(tmp_path / "elsewhere")
    (box / "loop").symlink_to(box / "loop")
    (box / "busy.wav").symlink_to(box / "INBOX" / "msg0000.wav")  # inside: fine
    tree.conf(CONF + "1002 => 1,Bob\n[..]\n1003 => 1,Up\n")
    report = place.bring(tree.read())
    assert place.store.mailboxes.counts(BOX).new == 2
    assert report.counts["path_outside_storage"] >= 3
    assert all(message.duration_ms == 1000 for message in place.messages(BOX))
    assert set(place.store.mailboxes.open(BOX).greetings) == {Greeting.BUSY}
    assert not place.messages(MailboxId("1002"))


def test_a_pipe_or_a_folder_in_place_of_a_sound_stops_nothing(tree, place):
    base = tree.message(0, sounds={})
    os.mkfifo(base.with_suffix(".wav"))
    tree.message(1, msg_id="1-1", sounds={}).with_suffix(".wav").mkdir()
    os.mkfifo(tree.spool / "default" / "1001" / "unavail.wav")
    tree.message(2, msg_id="1-2")
    report = place.bring(tree.read())
    assert report.messages.imported == 1
    assert report.counts == {"text_without_audio": 2}


@pytest.mark.parametrize(
    "number", ["../../etc", "..", "10 01", "`reboot`", "1001\t2", "*97", "x" * 65, "é", "-1", "1001@evil"]
)
def test_mailbox_names_that_can_be_none_here_are_reported(tree, place, number):
    tree.conf(f"{CONF}{number} => 1,Evil\n")
    report = place.bring(tree.read())
    assert report.counts == {"invalid_mailbox": 1}
    assert place.boxes() == ["1001@default"]


def test_a_folder_with_an_impossible_name_is_reported_with_its_messages(tree, place):
    tree.message(0, box="$(reboot)")
    tree.message(0, context="a b", box="1001")
    report = place.bring(tree.read(unconfigured=True))
    assert report.counts == {"mailbox_without_configuration": 2}
    assert report.messages.to_json()["reported"] == 2
    assert place.boxes() == ["1001@default"]


def test_the_folder_above_the_contexts_is_taken_too(tree, place):
    tree.message(0)
    (tree.spool.parent / "all").mkdir()
    tree.spool.rename(tree.spool.parent / "all" / "voicemail")
    tree.spool = tree.spool.parent / "all"
    assert place.bring(tree.read()).messages.imported == 1


# --- voicemail.conf ------------------------------------------------------------------------------------------------


def test_templates_additions_and_sections_of_one_name(tree):
    tree.conf(
        "[common](!)\nlocale = fr_CA\n1000 => 1,Common\n"
        "[default](common)\n1001 => 2,One\n"
        "[sales](!)\n2000 => 3,Sales\n"
        "[default](+)\n1002 => 4,Two\n"
        "[sales](common,sales)\n2001 => 5,Three\n"
        "[default]\n1003 => 6,Four\n"
    )
    plan = tree.read()
    assert {str(box.box): box.pin.reveal() for box in plan.mailboxes if box.pin} == {
        "1000@default": "1",
        "1001@default": "2",
        "1002@default": "4",
        "1003@default": "6",
        "1000@sales": "1",
        "2000@sales": "3",
        "2001@sales": "5",
    }


def test_the_first_line_of_a_mailbox_counts(tree):
    tree.conf("[default]\n1001 => 1111,First\n1001 => 2222,Second\n[DEFAULT]\n1001 => 3333,Third\n")
    plan = tree.read()
    box = tree.only(plan)
    assert (box.name, box.pin.reveal()) == ("First", "1111")
    assert kinds(plan) == ["configuration_duplicate"] * 2


def test_comments_semicolons_and_block_comments(tree):
    tree.conf(
        "; 0999 => 1\n[default] ; the only one\n"
        "1001 => 4821,Smith \\; Sons ; not part of it\n"
        ";-- 1002 => 1,Gone\n1003 => 1,Gone too --;\n"
        ";--- just a line of dashes\n"
        "1004 => 5,Here ;-- and --; still\n"
    )
    plan = tree.read()
    assert {str(box.box): box.name for box in plan.mailboxes} == {
        "1001@default": "Smith ; Sons",
        "1004@default": "Here still",
    }


def test_bom_carriage_returns_nul_and_mixed_encodings(tree, place):
    lines = [
        b"\xef\xbb\xbf[default]",
        "1001 => 4821,Hélène Côté".encode(),
        "1002 => 4821,Hélène Côté".encode("latin-1"),
        b"1003 => 4821,Nul\x00 and after",
        b"1004 =>  7777 , Trimmed , a@example.com ",
    ]
    tree.conf(b"\r\n".join(lines) + b"\r\n")
    plan = tree.read()
    assert [box.name for box in plan.mailboxes] == ["Hélène Côté", "Hélène Côté", "Nul", "Trimmed"]
    place.bring(plan)
    assert place.opens(MailboxId("1004"), "7777")


def test_lines_with_missing_fields_and_without_a_section(tree):
    tree.conf(
        "1000 => 1,before any section\n[default]\n1001\n1002 =>\n1003 => 12\n1004 => 12,\n1005 => 12,Five,,,\n"
        "= 5\n1006 = 12,Six\n[broken\n1007 => 1,lost\n[default](+)\n1008 => 1,Eight\n"
    )
    plan = tree.read()
    assert {box.box.number: box.name for box in plan.mailboxes} == {
        "1002": "",
        "1003": "",
        "1004": "",
        "1005": "Five",
        "1006": "Six",
        "1008": "Eight",
    }
    assert {remark.kind for remark in plan.remarks} == {"line_ignored"}


def test_an_empty_configuration_brings_nothing_and_says_so(tree, place):
    tree.conf("")
    tree.message(0)
    report = place.bring(tree.read())
    assert report.counts == {"mailbox_without_configuration": 1}
    assert report.exit_code == 2


def test_includes_are_read_inside_the_folder_and_nowhere_else(tree, tmp_path):
    outside = write(tmp_path / "outside.conf", "1666 => 1,Evil\n")
    tree.conf("1002 => 2,Two\n", "more/two.conf")
    tree.conf("1003 => 3,Three\n", "more/three.conf")
    tree.conf("1004 => 4,Four\n", "four.conf")
    (tree.etc / "link.conf").symlink_to(outside)
    tree.conf(
        CONF + '#include "more/*.conf"\n#include </etc/asterisk/four.conf>\n#tryinclude nothing.conf\n'
        f'#include {outside}\n#include ../../outside.conf\n#include link.conf\n#include missing.conf\n#exec "reboot"\n'
    )
    plan = tree.read()
    assert sorted(box.box.number for box in plan.mailboxes) == ["1001", "1002", "1003", "1004"]
    assert kinds(plan) == ["include_not_read"] * 5


def test_lines_after_an_include_belong_to_the_section_before_it(tree):
    tree.conf("1002 => 1,In default\n[sales]\n1003 => 1,In sales\n", "more.conf")
    tree.conf("1005 => 1,Still sales\n", "rest.conf")
    tree.conf(CONF + "#include more.conf\n1004 => 1,After\n#include rest.conf\n")
    assert sorted(str(box.box) for box in tree.read().mailboxes) == [
        "1001@default",
        "1002@default",
        "1003@sales",
        "1004@default",
        "1005@sales",
    ]


def test_deep_includes_are_followed_and_loops_are_not(tree):
    for depth in range(12):
        tree.conf(f"1{depth:03} => 1,Depth {depth}\n#include {depth + 1}.conf\n", f"{depth}.conf")
    tree.conf("#include 0.conf\n", "12.conf")
    tree.conf("[default]\n#include 0.conf\n#include voicemail.conf\n")
    plan = tree.read()
    assert len(plan.mailboxes) == 12
    assert kinds(plan) == ["include_not_read"] * 2


def test_includes_and_templates_that_multiply_end(tree):
    for depth in range(20):
        tree.conf(f"#include {depth + 1}.conf\n" * 2, f"{depth}.conf")
    tree.conf("1001 => 1,Deep\n", "20.conf")
    sections = "".join(f"[t{n}](!,{','.join([f't{n - 1}'] * 4)})\n" for n in range(1, 20))
    tree.conf(f"[t0](!)\n9999 => 1,Many\n{sections}[default]\n#include 0.conf\n[other](t19)\n")
    plan = tree.read()
    assert {box.box.number for box in plan.mailboxes} >= {"1001"}


def test_time_zones_come_from_zonemessages(tree):
    tree.conf(
        "[general]\ntz = est\n[zonemessages]\nest = America/Toronto|'vm-received' q\nparis=Europe/Paris,Q\n"
        "old = America/Halifax|x\nold = America/Vancouver|x\nnoformat = Europe/London\nmars = Mars/Olympus|x\n"
        "[default]\n1 => 1,A\n2 => 1,B,,,tz=paris\n3 => 1,C,,,tz=noformat\n4 => 1,D,,,tz=mars\n5 => 1,E,,,tz=old\n"
    )
    plan = tree.read()
    zones = [box.timezone for box in plan.mailboxes]
    assert zones == ["America/Toronto", "Europe/Paris", "", "", "America/Vancouver"]
    assert len([remark for remark in plan.remarks if remark.kind == "timezone_unknown"]) == 4


def test_options_of_the_line_and_of_general(tree, place):
    tree.conf(
        "[general]\nmaxsecs=90\nmaxmsg=99999\nreview=yes\nskipms=abc\nattach=no\nmaxsecs=120\n[default]\n"
        "1001 => 1,A,,,saycid=no|maxsecs=30|delete=1|envelope=n|forcename=yes|hidefromdir=yes|language=fr_CA|what=1\n"
        "1002 => 1,B,,,emailbody=Hello, you,maxmsg=5|maxmsg=0|callback=internal|operator=yes|saydurationm=9999999999\n"
    )
    plan = tree.read()
    first, second = (box.options for box in plan.mailboxes)
    assert first == {
        "maxmsg": "9999",
        "maxsecs": "30",
        "attach": "no",
        "saycid": "no",
        "delete": "yes",
        "envelope": "no",
        "force_name": "yes",
        "hidefromdir": "yes",
    }
    assert second == {"maxmsg": "0", "maxsecs": "120", "attach": "no"}
    assert plan.mailboxes[0].language == "fr"
    told = {remark.why.partition(":")[0] for remark in plan.remarks}
    assert told == {"skipms", "what", "emailbody", "callback", "saydurationm"}
    place.bring(plan)
    options = place.store.mailboxes.open(BOX).options
    assert (options.maxsecs, options.maxmsg, options.delete, options.force_name) == (30, 9999, True, True)


@pytest.mark.parametrize(
    ("line", "opens", "locked"),
    [
        ("4821", "4821", False),
        ("-4821", "4821", True),
        ("", None, False),
        ("-", None, False),
        ("--4821", "shut", True),
        ("*4821", "shut", False),
        ("letmein", "shut", False),
        ("4" * 40, "shut", False),
        ("４８２１", "shut", False),
    ],
)
def test_pins(tree, place, line, opens, locked):
    tree.conf(f"[default]\n1001 => {line},Alice\n")
    plan = tree.read()
    place.bring(plan)
    here = place.store.mailboxes.open(BOX)
    assert here.options.pin_locked is locked
    if opens is None:
        assert not here.has_pin
    elif opens == "shut":
        assert here.has_pin
        assert [remark.kind for remark in plan.remarks] == ["pin_unusable"]
        assert line not in str([remark.why for remark in plan.remarks])
        assert not any(place.opens(BOX, guess) for guess in ("", "1234", "1001", "4821", "-4821"))
    else:
        assert place.opens(BOX, opens)


def test_a_new_owner_is_still_new(tree, place):
    tree.conf("[default]\n1001 => 1001,New,,,forcename=yes\n1002 => 1002,Not forced\n")
    place.bring(tree.read())
    assert place.store.mailboxes.open(BOX).pin_is_initial
    assert not place.store.mailboxes.open(MailboxId("1002")).pin_is_initial


def test_secret_conf_counts_only_where_the_configuration_says_so(tree, place, tmp_path):
    tree.conf(
        "[general]\npasswordlocation=spooldir\n[default]\n1001 => 1111,A\n1002 => 2222,B\n1005 => 5555,E\n"
        "1003 => 3333,C,,,passwordlocation=voicemail.conf\n1004 => 4444,D\n"
    )
    head = ";!\n;! Filename: /var/spool/asterisk/voicemail/default/1001/secret.conf\n;!\n"
    write(tree.spool / "default" / "1001" / "secret.conf", f"{head}[general]\npassword = 9991\n")
    write(tree.spool / "default" / "1003" / "secret.conf", "[general]\npassword = 9993\n")
    write(tree.spool / "default" / "1004" / "secret.conf", b"\x00\xff rubbish")
    (tree.spool / "default" / "1005").mkdir()
    (tree.spool / "default" / "1005" / "secret.conf").symlink_to(
        write(tmp_path / "evil.conf", "[general]\npassword=6666\n")
    )
    place.bring(tree.read())
    for number, pin in {"1001": "9991", "1002": "2222", "1003": "3333", "1004": "4444", "1005": "5555"}.items():
        assert place.opens(MailboxId(number), pin), number


def test_addresses_that_are_none_are_left_out(tree, place):
    tree.conf(
        "[default]\n1001 => 1,A,a@example.com|not an address|b@example.com\\;x\tBcc: c@example.com,p@sms.example|\n"
        f"1002 => 1,B,{'|'.join(f'owner{n}@a-rather-long-domain.example' for n in range(20))}\n"
    )
    plan = tree.read()
    assert plan.mailboxes[0].emails == ("a@example.com", "b@example.com", "c@example.com")
    report = place.bring(plan)
    assert place.store.mailboxes.open(BOX).pager == "p@sms.example"
    long = place.store.mailboxes.open(MailboxId("1002")).email
    assert 0 < len(long) <= 200
    assert long.count("@") == long.count(",") + 1
    assert {remark.kind for remark in report.findings.remarks} == {"email_unusable", "email_left_out"}


def test_names_that_try_to_be_commands_are_names(tree, place):
    names = ["$(reboot)", "`id`", "'; FLUSHALL; --", "%s%n{0}", "</name><x>", "a\\r\\nDEL x", "🙂 smile", "x" * 500]
    tree.conf("[default]\n" + "".join(f"{1000 + n} => 1,{name}\n" for n, name in enumerate(names)))
    place.bring(tree.read())
    for number, name in enumerate(names):
        here = place.store.mailboxes.open(MailboxId(str(1000 + number))).name
        assert here == name.partition(";")[0][:80].strip()


def test_huge_values_are_bounded(tree, place):
    tree.conf(
        f"[general]\nmaxmsg={'9' * 5000}\n[default]\n1001 => 1,{'n' * 100000},{'e' * 100000}@x,,{'o=1|' * 20000}\n"
    )
    tree.message(callerid=f'"{"n" * 100000}" <{"5" * 100000}>')
    report = place.bring(tree.read())
    assert report.messages.imported == 1
    (message,) = place.messages(BOX)
    assert len(message.caller.number) <= 64


def test_sources_that_cannot_be_read_say_so_and_do_nothing(tree, tmp_path):
    with pytest.raises(ImportSourceError, match=r"missing\.conf"):
        read_asterisk(tmp_path / "missing.conf", tree.spool)
    with pytest.raises(ImportSourceError, match="not a file"):
        read_asterisk(tree.etc, tree.spool)
    with pytest.raises(ImportSourceError, match="nowhere"):
        read_asterisk(tree.etc / "voicemail.conf", tmp_path / "nowhere")
    with pytest.raises(ImportSourceError, match="not a folder"):
        read_asterisk(tree.etc / "voicemail.conf", tree.etc / "voicemail.conf")


def test_everything_found_is_accounted_for_however_odd_the_tree(tree, place):
    tree.conf(CONF + "1002 => 1,Two\n*1 => 1,Star\n1002 => 1,Again\n")
    for number in range(30):
        sounds = [{"wav": wav_bytes(0.1)}, {"wav": b""}, {"wav": b"no"}, {}, {"gsm": bytes(33)}][number % 5]
        folder = ["INBOX", "Old", "Deleted", "Elsewhere", "Cust5"][number // 5 % 5]
        text = None if number % 7 == 0 else message_text(origtime=1795000000 + number)
        tree.message(number, folder=folder, box=["1001", "1002", "1003"][number % 3], sounds=sounds, text=text)
    report = place.bring(tree.read())
    assert report.reconciled
    here = sum(len(place.messages(MailboxId(number))) for number in ("1001", "1002"))
    assert report.messages.imported == here
    assert sum(item.lost for item in report.findings.items) == report.messages.reported
    assert all(wav_seconds(place.audio.playable(i)) > 0 for i in place.audio.ids())
