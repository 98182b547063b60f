"""Texts, dates, addresses, ids, storage folders, reports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from import_rig import write

from esl_vm.importers.plan import Findings, ImportSourceError, Kind, Secret, stable_id
from esl_vm.importers.report import Report
from esl_vm.importers.storage import Lost, Storage
from esl_vm.importers.texts import addresses, epoch, language_of, person
from esl_vm.model.encoding import decode_text
from esl_vm.model.message import ID_PATTERN


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Côté".encode(), "Côté"),
        ("Côté".encode("latin-1"), "Côté"),
        ("L’été".encode("cp1252"), "L’été"),
        (b"\x81\xff", "\x81ÿ"),
        ("Hélène Côté".encode()[:-1], "Hélène Côt"),
        (b"", ""),
    ],
)
def test_bytes_of_unknown_encoding(data, text):
    assert decode_text(data) == text


@given(st.binary(max_size=200))
def test_any_bytes_are_some_text(data):
    assert isinstance(decode_text(data), str)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1795217407", 1795217407.0),
        (1795217407.25, 1795217407.25),
        (" 1795217407.500000 ", 1795217407.5),
        ("0", None),
        ("-1", None),
        ("9" * 18, None),
        ("9" * 5000, None),
        ("1e9", None),
        ("١٧٩٥٢١٧٤٠٧", None),
        ("", None),
        (None, None),
    ],
)
def test_dates(written, seconds):
    assert epoch(written) == seconds


@pytest.mark.parametrize(
    ("text", "good", "odd"),
    [
        ("a@example.com|b@example.com", ("a@example.com", "b@example.com"), False),
        ("a@example.com, a@example.com", ("a@example.com",), False),
        ("", (), False),
        ("nobody", (), True),
        ("a@example.com\r\nBcc: b@example.com", ("a@example.com", "b@example.com"), True),
        ("<a@example.com>", (), True),
        ("a@b@c", (), True),
    ],
)
def test_addresses(text, good, odd):
    assert addresses(text) == (good, odd)


@pytest.mark.parametrize(("tag", "language"), [("fr_CA", "fr"), ("EN", "en"), ("en-us", "en"), ("es", ""), ("", "")])
def test_languages(tag, language):
    assert language_of(tag) == language


@pytest.mark.parametrize(("text", "name"), [('"Luc"', "Luc"), ('"', '"'), ("a\r\nb", "a b"), ("  x  ", "x")])
def test_names(text, name):
    assert person(text) == name


def test_a_secret_shows_itself_to_nobody():
    secret = Secret("4821")
    assert "4821" not in f"{secret!r} {secret} {[secret]} {secret:>9}"
    assert secret.reveal() == "4821"


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=200), st.floats(0, 2**33) | st.none())
def test_ids_are_always_ids_and_the_same_for_the_same(source, box, identity, received):
    made = stable_id(source, box, identity, received)
    assert ID_PATTERN.fullmatch(made)
    assert made == stable_id(source, box, identity, received)
    assert made != stable_id(source, f"{box}x", identity, received)


def test_a_storage_folder_learns_where_it_used_to_lie(tmp_path):
    write(tmp_path / "here" / "voicemail" / "default" / "a" / "1" / "msg_1.wav", "x")
    storage = Storage(tmp_path / "here")
    old = "/srv/fs/voicemail/default/a/1"
    storage.learn([f"{old}/msg_1.wav", f"{old}/msg_2.wav"])
    assert storage.find(f"{old}/msg_1.wav").files[0].name == "msg_1.wav"
    assert storage.find(f"{old}/msg_2.wav") is Lost.MISSING
    assert storage.find("/srv/other/msg_1.wav") is Lost.OUTSIDE
    assert storage.relative(f"{old}/msg_2.wav") == "voicemail/default/a/1/msg_2.wav"


def test_a_storage_folder_without_any_file_is_told_by_the_usual_layout(tmp_path):
    storage = Storage(tmp_path)
    path = "/var/lib/freeswitch/storage/voicemail/default/a/1/msg_1.wav"
    storage.learn([path])
    assert storage.find(path) is Lost.MISSING
    with pytest.raises(ImportSourceError):
        Storage(tmp_path / "missing")


def test_a_report_shows_no_control_characters_and_bounds_what_it_lists():
    report = Report("asterisk")
    report.mailboxes.found = report.mailboxes.imported = 1
    for number in range(500):
        report.findings.item(Kind.EMPTY_AUDIO, f"box {number}\x1b[31m\n", "why\r\n")
    text = report.to_text()
    assert "\x1b" not in text
    assert "… and 300 more" in text
    assert report.counts == {"empty_audio": 500}
    assert report.exit_code == 1
    assert "\\u001b" not in str(report)


def test_a_report_that_does_not_add_up_says_so():
    report = Report("asterisk")
    report.messages.found = 2
    report.messages.imported = 1
    assert not report.reconciled
    assert "do not add up" in report.to_text()


def test_remarks_are_told_once():
    findings = Findings()
    for _ in range(3):
        findings.remark("alias", "1001", "x")
    assert len(findings.remarks) == 1
