"""`esl-vm message`: the messages in a mailbox."""

import json
import wave

import pytest

from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import CallDetails, Caller
from esl_vm.model.transcript import Segment, Transcript

ALICE = MailboxId("1001")
AT = 1_795_000_000.0
CALL = CallDetails("5360@x", "1017-a3", "15145550123", "1900")


@pytest.fixture
def alice(vm):
    assert vm("mailbox", "add", "1001", "--name", "Alice Martin").code == 0


def test_list_is_in_the_order_in_which_they_are_played(vm, alice, leave):
    first = leave(received=AT, caller=Caller("5145550101", "Bob Lee"), call=CALL)
    second = leave(received=AT + 60)
    urgent = leave(received=AT + 120, urgent=True)
    listed = vm("message", "list", "1001@default", "--folder", "new", "--json").json
    assert [message["id"] for message in listed] == [urgent, first, second]
    assert listed[1] == {
        "id": first,
        "folder": "new",
        "caller_number": "5145550101",
        "caller_name": "Bob Lee",
        "received": "2026-11-18T06:06:40-05:00",
        "arrived": "2026-11-18T06:06:40-05:00",
        "duration_ms": 2000,
        "urgent": False,
        "heard": False,
        "cut": False,
        "origin": "call",
        "forwarded_by": "",
        "introduction_ms": None,
        "call_id": "5360@x",
        "call_uuid": "1017-a3",
        "dialled": "15145550123",
        "diverted_from": "1900",
        "label": "",
        "transcript": None,
        "handled_by": "",
        "handled_at": None,
        "note": "",
        "until": None,
        "receipt": "",
    }
    assert vm("message", "show", "1001", first, "--json").json == {**listed[1], "stored": True}
    shown = [line.rsplit(maxsplit=1) for line in vm("message", "show", "1001", first).out.splitlines()[-4:]]
    assert shown == [
        ["call id", "5360@x"],
        ["call uuid", "1017-a3"],
        ["dialled", "15145550123"],
        ["diverted from", "1900"],
    ]


def test_times_are_those_of_the_mailboxs_zone(vm, alice, leave):
    leave(received=AT)
    vm("mailbox", "set", "1001", "timezone=Europe/Paris")
    assert vm("message", "list", "1001", "--json").json[0]["received"] == "2026-11-18T12:06:40+01:00"


def test_list_shows_every_folder_but_the_trash(vm, alice, leave, node):
    new, work, gone = leave(), leave(), leave()
    node.mailboxes.move(ALICE, work, Folder.WORK)
    node.mailboxes.delete(ALICE, gone)
    assert [m["id"] for m in vm("message", "list", "1001", "--json").json] == [new, work]
    assert [m["id"] for m in vm("message", "list", "1001", "--folder", "trash", "--json").json] == [gone]


def test_a_long_folder_is_listed_to_its_end(vm, alice, node):
    from esl_vm.model.message import Message, new_id

    ids = [new_id(AT + number) for number in range(450)]
    for number, message_id in enumerate(ids):
        node.mailboxes.deliver(ALICE, Message(message_id, received=AT + number), even_if_full=True)
    assert [m["id"] for m in vm("message", "list", "1001", "--json").json] == ids


def test_people_see_a_table_with_what_is_special(vm, alice, leave):
    leave(urgent=True, caller=Caller("5145550101", "Bob\x1b[31m Lee"))
    shown = vm("message", "list", "1001").out
    assert "urgent" in shown
    assert "0:02" in shown
    assert "5145550101" in shown
    assert "\x1b" not in shown


def test_an_empty_mailbox_is_no_error(vm, alice):
    assert "no messages" in vm("message", "list", "1001").out
    assert vm("message", "list", "1001", "--json").json == []


def test_show_tells_where_the_sound_is(vm, alice, leave, node):
    message_id = leave(caller=Caller("1002", "Bob"))
    assert "stored" in vm("message", "show", "1001", message_id).out
    assert vm("message", "show", "1001", message_id, "--json").json["caller_name"] == "Bob"
    node.audio.delete(message_id)
    assert "MISSING" in vm("message", "show", "1001", message_id).out


def test_export_writes_the_sound(vm, alice, leave, tmp_path):
    message_id = leave(seconds=3.0)
    ran = vm("message", "export", "1001", message_id, tmp_path / "out.wav")
    assert ran.code == 0
    with wave.open(str(tmp_path / "out.wav")) as sound:
        assert sound.getnframes() == 24000


def test_export_replaces_a_file_only_when_it_has_the_sound(vm, alice, leave, node, tmp_path):
    out = tmp_path / "out.wav"
    out.write_text("precious")
    message_id = leave()
    node.audio.delete(message_id)
    ran = vm("message", "export", "1001", message_id, out)
    assert ran.code == 1
    assert "no sound" in ran.err
    assert out.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_export_to_where_nothing_can_be_written_says_so(vm, alice, leave, tmp_path):
    ran = vm("message", "export", "1001", leave(), tmp_path / "none" / "out.wav")
    assert ran.code == 1
    assert "No such file or directory" in ran.err


def test_a_message_without_introduction_has_none_to_export(vm, alice, leave, tmp_path):
    ran = vm("message", "export", "1001", leave(), tmp_path / "out.wav", "--introduction")
    assert ran.code == 1
    assert "no introduction" in ran.err


def test_move_delete_and_restore(vm, alice, leave):
    message_id = leave()
    assert vm("message", "move", "1001", message_id, "family").code == 0
    assert vm("mailbox", "show", "1001", "--json").json["folders"]["family"] == 1
    assert vm("message", "delete", "1001", message_id).code == 0
    assert vm("mailbox", "show", "1001", "--json").json["folders"]["trash"] == 1
    assert vm("message", "restore", "1001", message_id).code == 0
    assert vm("message", "list", "1001", "--json").json[0]["folder"] == "family"


def test_a_full_folder_takes_no_more(vm, alice, leave):
    vm("mailbox", "set", "1001", "maxmsg=1")
    first, second = leave(), leave()
    assert vm("message", "move", "1001", first, "work").code == 0
    ran = vm("message", "move", "1001", second, "work")
    assert ran.code == 1
    assert "full" in ran.err


def test_deleting_several_tells_of_each(vm, alice, leave):
    message_id = leave()
    ran = vm("message", "delete", "1001", message_id, "nonesuch")
    assert ran.code == 1
    assert f"deleted {message_id}" in ran.out
    assert "nonesuch" in ran.err


def test_what_is_deleted_for_good_is_gone_with_its_sound_out_of_the_trash_too(vm, alice, leave, node):
    new, trashed, kept = leave(), leave(), leave()
    assert vm("message", "delete", "1001", trashed, kept).code == 0
    assert vm("message", "delete", "1001", new, trashed, "--for-good").code == 0
    assert [one["id"] for one in vm("message", "list", "1001", "--folder", "trash", "--json").json] == [kept]
    assert list(node.audio.ids()) == [kept]
    assert vm("message", "restore", "1001", trashed).code == 1
    assert vm("message", "delete", "1001", trashed, "--for-good").code == 1


@pytest.mark.parametrize(
    "words",
    [
        ["show", "1001", "none"],
        ["export", "1001", "none", "x.wav"],
        ["move", "1001", "none", "old"],
        ["delete", "1001", "none"],
        ["restore", "1001", "none"],
        ["list", "1009"],
    ],
)
def test_what_is_not_there_is_exit_1(vm, alice, words):
    ran = vm("message", *words)
    assert ran.code == 1
    assert ran.err
    assert "Traceback" not in ran.err


def test_a_folder_that_does_not_exist_is_wrong_usage(vm, alice):
    ran = vm("message", "list", "1001", "--folder", "inbox")
    assert ran.code == 2
    assert "invalid choice: 'inbox'" in ran.err


def test_messages_are_found_by_their_call(vm, alice, leave):
    vm("mailbox", "add", "1002", "--no-pin")
    first, copy = leave(received=AT, call=CALL), leave("1002", received=AT + 60, call=CALL, origin="forward")
    leave(received=AT)
    for call_id in (CALL.call_id, CALL.call_uuid):
        told = vm("message", "search", "--call-id", call_id, "--json").json
        assert [(one["mailbox"], one["id"]) for one in told] == [("1001@default", first), ("1002@default", copy)]
        assert (
            told[0].items()
            <= {"mailbox": "1001@default", **vm("message", "show", "1001", first, "--json").json}.items()
        )
    heads, *rows = vm("message", "search", "--call-id", "5360@x").out.splitlines()
    assert heads.split()[:2] == ["MAILBOX", "ID"]
    assert [row.split()[:2] for row in rows] == [["1001@default", first], ["1002@default", copy]]


def test_a_call_that_left_nothing_is_not_found(vm, alice, leave):
    leave(call=CALL)
    ran = vm("message", "search", "--call-id", "none@x")
    assert (ran.code, ran.out) == (1, "")
    assert "no message came by the call none@x" in ran.err
    ran = vm("message", "search", "--call-id", "none@x", "--json")
    assert (ran.code, ran.out) == (1, "[]\n")


def test_messages_are_found_by_what_is_said(vm, alice, leave):
    vm("mailbox", "add", "1002", "--no-pin")
    said = Transcript(language="fr", segments=(Segment(0, 900, "Bonjour. Rendez-vous à l'été, jeudi."),))
    first, other = leave(transcript=said), leave("1002", transcript=said)
    leave()
    found = [["1001@default", first], ["1002@default", other]]
    for words, lines in (
        (("l'ete",), found),
        (("--domain", "default", "L'ÉTÉ"), found),
        (("1002", "rendez-vous à"), found[1:]),
    ):
        _, *rows = vm("message", "search", *words).out.splitlines()
        assert [row.split()[:2] for row in rows] == lines
        assert all("Rendez-vous à l'été" in row for row in rows)
        told = vm("message", "search", *words, "--json").json
        assert [one["transcript"]["text"] for one in told] == [said.text] * len(lines)
    assert len(vm("message", "search", "jeudi", "--limit", "1", "--json").json) == 1
    assert vm("message", "search", "hiver").code == 1


def test_what_was_said_goes_where_its_message_goes_and_no_command_tells_it_but_those_that_show_it(
    vm, alice, leave, tmp_path
):
    said = Transcript(language="fr", segments=(Segment(0, 900, "Le mot de passe est tournesol"),))
    one = leave(transcript=said)

    def found():
        return [(it["mailbox"], it["id"]) for it in json.loads(vm("message", "search", "tournesol", "--json").out)]

    def quietly(*words):
        ran = vm(*words)
        assert ran.code == 0, ran.err
        assert "tournesol" not in ran.out + ran.err

    quietly("message", "move", "1001", one, "work")
    quietly("message", "delete", "1001", one)
    assert found() == [("1001@default", one)]
    quietly("message", "restore", "1001", one)
    quietly("mailbox", "rename", "1001", "1009", "--yes")
    assert found() == [("1009@default", one)]
    quietly("backup", tmp_path / "saved")
    quietly("message", "delete", "1009", one, "--for-good")
    assert found() == []
    quietly("restore", "--replace", tmp_path / "saved")
    assert found() == [("1009@default", one)]
    quietly("events", "--json")
    quietly("mailbox", "remove", "1009", "--yes")
    assert found() == []
    quietly("events", "--json")


@pytest.mark.parametrize(
    "words", [(), ("1001", "a", "b"), ("--domain", "default", "1001", "a"), ("a", "--call-id", "b"), ("9999", "a")]
)
def test_a_search_that_is_not_understood_is_refused(vm, alice, words):
    ran = vm("message", "search", *words)
    assert ran.code != 0
    assert ran.err
    assert "Traceback" not in ran.err


def test_who_handles_a_message_and_a_note_on_it(vm, alice, leave):
    message = leave(received=AT)
    assert vm("message", "annotate", "1001", message, "--handled-by", "1002 Bruno", "--note", "Rappelé").code == 0
    shown = vm("message", "show", "1001", message)
    assert "handled by    1002 Bruno, since 20" in shown.out
    assert "note          Rappelé" in shown.out
    assert "handled note" in vm("message", "list", "1001").out
    assert vm("message", "annotate", "1001", message, "--handled-by", "").code == 0
    told = vm("message", "show", "1001", message, "--json").json
    assert (told["handled_by"], told["handled_at"], told["note"]) == ("", None, "Rappelé")


def test_what_can_be_no_annotation_is_refused(vm, alice, leave):
    message = leave(received=AT)
    assert "--handled-by, --note" in vm("message", "annotate", "1001", message).err
    assert "at most 500" in vm("message", "annotate", "1001", message, "--note", "x" * 501).err
    assert vm("message", "annotate", "1001", "m9", "--note", "x").code == 1
    assert vm("message", "show", "1001", message, "--json").json["note"] == ""
