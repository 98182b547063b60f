"""A transcript belongs to its message: it is put there once, and goes where the message goes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_case import ALICE, BOB, MONDAY, NOBODY, message

from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.transcript import LONGEST_TEXT, Segment, Transcript, TranscriptState, folded, passage
from esl_vm.recordings.manifest import Manifest, TakeKind, decode, encode

SAID = Transcript(
    language="fr",
    engine="faster-whisper base",
    confidence=0.87,
    segments=(Segment(0, 1900, "Bonjour, c'est Zoé."), Segment(1900, 4200, "Rappelez-moi au cœur de l'été.")),
)
FAILED = Transcript(TranscriptState.FAILED)


@pytest.fixture
def case(case):
    """With one message, m1."""
    case.with_mailbox().leave("m1")
    return case


def test_it_is_read_back_as_it_was_put(case):
    assert case.mailboxes.message(ALICE, "m1").transcript is None
    assert case.mailboxes.transcribed(ALICE, "m1", SAID)
    assert case.mailboxes.message(ALICE, "m1").transcript == SAID
    assert case.mailboxes.page(ALICE, Folder.NEW, urgent=None, after=None, most=5).messages[0].transcript == SAID


def test_the_first_one_stays_and_one_that_failed_gives_way(case):
    assert case.mailboxes.transcribed(ALICE, "m1", FAILED)
    assert not case.mailboxes.transcribed(ALICE, "m1", FAILED)
    assert case.mailboxes.transcribed(ALICE, "m1", SAID)
    for other in (SAID, FAILED, replace(SAID, language="en")):
        assert not case.mailboxes.transcribed(ALICE, "m1", other)
    assert case.mailboxes.message(ALICE, "m1").transcript == SAID
    assert case.happened().count("transcribed") == 2


def test_a_message_that_is_not_there_gets_none(case):
    assert not case.mailboxes.transcribed(ALICE, "m9", SAID)
    assert not case.mailboxes.transcribed(NOBODY, "m1", SAID)
    assert case.happened().count("transcribed") == 0


def test_what_failed_is_seen_by_the_state_and_not_by_the_words(case):
    said = replace(SAID, segments=(Segment(0, 1, '"state":"failed"'),))
    assert case.mailboxes.transcribed(ALICE, "m1", said)
    assert not case.mailboxes.transcribed(ALICE, "m1", SAID)


def test_the_event_says_how_long_it_is_and_no_word_of_it(case):
    case.mailboxes.transcribed(ALICE, "m1", SAID)
    [event] = [one for one in case.store.events.tail(10, box=ALICE) if one.what is EventType.TRANSCRIBED]
    assert (event.message_id, event.counts.new) == ("m1", 1)
    assert event.details == {"state": "done", "language": "fr", "text_length": str(len(SAID.text))}


def test_it_goes_where_its_message_goes_and_ends_with_it(case):
    case.mailboxes.transcribed(ALICE, "m1", SAID)
    case.mailboxes.move(ALICE, "m1", Folder.WORK)
    case.mailboxes.delete(ALICE, "m1")
    assert case.mailboxes.message(ALICE, "m1").transcript == SAID
    case.mailboxes.restore(ALICE, "m1")
    assert case.mailboxes.message(ALICE, "m1").transcript == SAID
    case.mailboxes.delete(ALICE, "m1")
    case.store.housekeeping.erase(ALICE, ["m1"])
    left = case.store.link.run(None, lambda client: [client.type(key) for key in client.scan_iter("*msg*")])
    assert left == []


def test_a_forwarded_message_brings_it_along_and_its_event_only_the_length(case):
    case.with_mailbox(BOB)
    case.mailboxes.transcribed(ALICE, "m1", SAID)
    copy = case.mailboxes.message(ALICE, "m1").forwarded("m2", MONDAY + 60, str(ALICE))
    journal, _ = decode(
        bytes((1,)) + encode({"kind": TakeKind.FORWARD, "id": "m2", "boxes": (BOB,), "message": copy, "source": "m1"})
    )
    assert journal == Manifest(TakeKind.FORWARD, "m2", boxes=(BOB,), message=copy, source="m1")
    case.mailboxes.deliver(BOB, journal.message)
    assert case.mailboxes.message(BOB, "m2").transcript == SAID
    [event] = [one for one in case.store.events.tail(10, box=BOB) if one.what is EventType.DELIVERED]
    assert event.details["text_length"] == len(SAID.text)
    assert "Bonjour" not in repr(event)


def test_it_is_in_a_backup_and_moves_with_a_renamed_mailbox(case):
    case.mailboxes.transcribed(ALICE, "m1", SAID)
    backup = case.store.backup
    record = backup.mailbox(ALICE)
    case.store.renames.rename(ALICE, BOB)
    assert case.mailboxes.message(BOB, "m1").transcript == SAID
    backup.put_mailbox(record)
    assert case.mailboxes.message(ALICE, "m1").transcript == SAID


texts = st.text(st.characters(codec="utf-8"), max_size=40)
transcripts = st.builds(
    Transcript,
    st.sampled_from(TranscriptState),
    texts,
    texts,
    st.floats(-1, 2),
    st.lists(st.builds(Segment, st.integers(-5, 10**7), st.integers(-5, 10**7), texts), max_size=5).map(tuple),
)


@given(transcripts)
def test_whatever_an_engine_says_is_stored_and_read_back(transcript):
    assert Transcript.of(transcript.stored()) == transcript
    assert all("\n" not in one.text and one.start_ms <= one.end_ms for one in transcript.segments)


@pytest.mark.parametrize("stored", ["", "{", "[]", "3", '{"state": "invented"}', '{"state":"done","segments":[1]}'])
def test_what_is_no_transcript_hides_no_message(stored):
    assert Transcript.of(stored) is None


def test_one_without_an_end_is_cut():
    endless = Transcript(segments=tuple(Segment(n, n, "word " * 100) for n in range(5000)))
    assert len(endless.text) <= LONGEST_TEXT


def test_accents_ligatures_and_capitals_do_not_count_in_a_search():
    assert folded("ÉTÉ au Cœur de L’Assomption") == "ete au coeur de l'assomption"


def test_a_message_shown_in_a_log_does_not_show_it():
    assert "Bonjour" not in repr(message("m1", transcript=SAID))


def said(words):
    return Transcript(segments=(Segment(0, 900, words),))


def found(case, words, *boxes):
    return [(str(box), one.id) for box, one in case.store.transcripts.find(boxes or [ALICE], words)]


def test_messages_are_found_by_what_is_said_the_newest_first_trash_included(case):
    case.leave("m2", "m3", "m4", "m5")
    for message_id, words in (("m1", "À l'été prochain"), ("m3", "L’ÉTÉ"), ("m4", "L'hiver"), ("m5", "en l'ete")):
        case.mailboxes.transcribed(ALICE, message_id, said(words))
    case.mailboxes.delete(ALICE, "m5")
    case.mailboxes.move(ALICE, "m1", Folder.WORK)
    assert found(case, "l'été") == [(str(ALICE), one) for one in ("m5", "m3", "m1")]
    assert found(case, "  l'ete   prochain ") == [(str(ALICE), "m1")]
    assert found(case, "printemps") == []


def test_a_search_finds_a_message_where_it_is_by_now_and_nowhere_else(case):
    """Whatever becomes of a message: no word of it is found, or lies, where it is no more."""
    case.with_mailbox(BOB)
    case.mailboxes.transcribed(ALICE, "m1", said("Bonjour"))
    copy = case.mailboxes.message(ALICE, "m1").forwarded("m2", MONDAY + 60, str(ALICE))
    case.mailboxes.deliver(BOB, copy)
    both = [(str(ALICE), "m1"), (str(BOB), "m2")]
    case.mailboxes.move(ALICE, "m1", Folder.FAMILY)
    assert found(case, "bonjour", ALICE, BOB) == both
    carol = MailboxId("1777")
    case.store.renames.rename(ALICE, carol)
    assert found(case, "bonjour", carol, BOB) == [(str(carol), "m1"), both[1]]
    assert not lies(case, ALICE)
    record = case.store.backup.mailbox(carol)
    case.mailboxes.delete(carol, "m1")
    case.store.housekeeping.erase(carol, ["m1"])
    assert found(case, "bonjour", carol, BOB) == both[1:]
    assert not lies(case, carol)
    case.store.backup.put_mailbox(record)
    assert found(case, "bonjour", carol, BOB) == [(str(carol), "m1"), both[1]]
    for box in (carol, BOB):
        assert lies(case, box)
        case.registry.remove(box)
        assert not lies(case, box)
    assert found(case, "bonjour", carol, BOB) == []


def lies(case, box):
    """Keys that hold a word of what is said in a mailbox's messages."""
    return case.store.link.run(None, lambda client: list(client.scan_iter(f"*msg:{box}:*")))


def test_a_name_that_a_caller_bears_or_json_has_is_not_what_is_said(case):
    case.mailboxes.transcribed(ALICE, "m1", SAID)
    assert [found(case, words) for words in ("Tremblay", "segments", "whisper", '","')] == [[]] * 4


def test_many_mailboxes_are_looked_through_in_their_order(case):
    boxes = [MailboxId(f"2{number:02}") for number in range(45)]
    for number, box in enumerate(boxes):
        case.with_mailbox(box).leave(f"n{number}", box=box)
        case.mailboxes.transcribed(box, f"n{number}", said("Bonjour" if number % 2 else "Allô"))
    assert found(case, "bonjour", *boxes, NOBODY) == [(str(box), f"n{n}") for n, box in enumerate(boxes) if n % 2]
    first = next(case.store.transcripts.find(iter(boxes), "bonjour"))
    assert first[0] == boxes[1]


@pytest.mark.parametrize(
    ("text", "words", "parts"),
    [
        ("Le cœur de l’été est là.", "coeur", ("Le ", "cœur", " de l’été est là.")),
        ("Œuvre, œuf, cœur: ÉTÉ ici", "ete", ("Œuvre, œuf, cœur: ", "ÉTÉ", " ici")),
        ("Le cœur de l’été", "  l'été ", ("Le cœur de ", "l’été", "")),
        ("e\u0301te\u0301 chaud", "été", ("", "e\u0301te\u0301", " chaud")),
        ("Bonjour", "hiver", ("", "", "Bonjour")),
        ("Bonjour", "", ("", "", "Bonjour")),
        ("a" * 50 + "ici" + "b" * 50, "ICI", ("…" + "a" * 10, "ici", "b" * 20 + "…")),
    ],
)
def test_the_passage_is_where_the_words_stand_in_the_text_as_it_is_written(text, words, parts):
    assert passage(text, words, 10 if len(text) > 60 else 60, 20 if len(text) > 60 else 100) == parts


@given(st.text(max_size=60), st.text(max_size=8))
def test_a_passage_is_found_wherever_the_search_finds_it(text, words):
    before, found, after = passage(text, words, 100, 100)
    assert before + found + after == text
    if folded(" ".join(words.split())) in folded(text) and folded(words).strip():
        assert folded(" ".join(words.split())) in folded(found)
