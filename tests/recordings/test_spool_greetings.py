"""An owner records a greeting: the former one stays in force until the new one is accepted, and none is lost."""

from __future__ import annotations

import pytest
from spool_cast import ALICE, NOBODY, RATE, freeswitch_records, process_dies, recorded
from support.sounds import silence, voice

from esl_vm.model.call import Ended
from esl_vm.model.errors import CallerGoneError, SpoolError
from esl_vm.model.mailbox import Greeting
from esl_vm.recordings import Settled
from esl_vm.sound.wav import wave

BUSY = Greeting.BUSY


def record_greeting(desk, data=None, box=ALICE, **options):
    take = desk.spool.take_greeting(box, BUSY, desk.sound_id(), **options)
    data = voice(2000) if data is None else data
    freeswitch_records(take.path, data)
    take.recorded(recorded(len(data) // 16))
    return take


def in_force(desk):
    stored = desk.mailboxes.greeting(ALICE, BUSY)
    return stored.audio_id if stored else ""


def test_an_accepted_greeting_takes_the_place_of_the_former_one(desk):
    former = desk.put_greeting(ALICE, BUSY)
    with record_greeting(desk) as take:
        assert in_force(desk) == former
        assert take.settle() is Settled.DELIVERED

    desk.mailboxes.erase_what_is_due(desk.audio)
    stored = desk.mailboxes.greeting(ALICE, BUSY)
    assert (stored.audio_id, stored.duration_ms) == (take.id, 2000)
    assert desk.content(take.id) == wave(voice(2000), RATE)
    assert desk.sounds() == [take.id]
    assert desk.on_the_way() == []


def test_hanging_up_in_the_review_leaves_the_former_one_in_force(desk):
    former = desk.put_greeting(ALICE, BUSY)

    def call():
        with record_greeting(desk):
            raise CallerGoneError

    with pytest.raises(CallerGoneError):
        call()
    assert in_force(desk) == former
    assert desk.sounds() == [former]
    assert desk.on_the_way() == []


def test_leaving_without_a_decision_drops_it(desk):
    with record_greeting(desk) as take:
        pass

    assert take.settled is Settled.DISCARDED
    assert (in_force(desk), desk.sounds(), desk.on_the_way()) == ("", [], [])


def test_a_process_that_dies_in_the_review_leaves_the_former_one_in_force(desk):
    former = desk.put_greeting(ALICE, BUSY)
    take = record_greeting(desk)
    process_dies(take)

    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is Settled.DISCARDED
    assert (in_force(desk), desk.sounds()) == (former, [former])


def test_one_accepted_while_the_store_is_down_comes_in_force_later(desk):
    former = desk.put_greeting(ALICE, BUSY)
    desk.clock.at += 60
    with record_greeting(desk) as take:
        desk.mailboxes.down = 1
        assert take.settle() is Settled.WAITING
    assert in_force(desk) == former

    [outcome] = desk.sweeper().sweep_once()
    desk.mailboxes.erase_what_is_due(desk.audio)

    assert outcome.settled is Settled.DELIVERED
    assert (in_force(desk), desk.sounds()) == (take.id, [take.id])


def test_one_that_waited_does_not_replace_one_accepted_after_it(desk):
    with record_greeting(desk) as early:
        desk.mailboxes.down = 1
        early.settle()
    desk.clock.at += 60
    with record_greeting(desk) as late:
        late.settle()

    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is Settled.DISCARDED
    assert (in_force(desk), desk.sounds(), desk.on_the_way()) == (late.id, [late.id], [])


@pytest.mark.parametrize("erased", [True, False], ids=["sound erased", "sound still there"])
def test_one_whose_answer_got_lost_does_not_come_back_after_its_owner_erased_it(desk, erased):
    with record_greeting(desk) as take:
        desk.mailboxes.deaf = 1
        assert take.settle() is Settled.WAITING
    desk.mailboxes.remove_greeting(ALICE, BUSY)
    if erased:
        desk.mailboxes.erase_what_is_due(desk.audio)
    for _ in range(3):
        desk.mailboxes.down = 2
        desk.sweeper().sweep_once()
    desk.mailboxes.down = 0

    [outcome] = desk.sweeper().sweep_once()
    desk.mailboxes.erase_what_is_due(desk.audio)

    assert outcome.settled is Settled.DISCARDED
    assert (in_force(desk), desk.sounds(), desk.on_the_way()) == ("", [], [])


def test_one_whose_answer_got_lost_is_in_force_once(desk):
    with record_greeting(desk) as take:
        desk.mailboxes.deaf = 1
        assert take.settle() is Settled.WAITING

    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is Settled.DELIVERED
    assert (in_force(desk), desk.sounds()) == (take.id, [take.id])


def test_one_imported_under_another_kind_of_id_is_replaced_as_any_other(desk):
    source = desk.shared / "imported.wav"
    source.write_bytes(b"imported")
    desk.audio.put("zzz-imported", source)
    with record_greeting(desk) as take:
        desk.mailboxes.down = 1
        take.settle()

    desk.sweeper().sweep_once()

    assert in_force(desk) == take.id


def test_a_temporary_greeting_keeps_its_dates(desk):
    take = desk.spool.take_greeting(ALICE, Greeting.TEMPORARY, desk.sound_id(), starts=1000, ends=2000)
    freeswitch_records(take.path, voice(1500))
    take.recorded(recorded(1500))
    take.settle()

    stored = desk.mailboxes.greeting(ALICE, Greeting.TEMPORARY)
    assert (stored.starts, stored.ends) == (1000, 2000)


def test_the_silence_that_ended_it_is_not_played_to_callers(desk):
    take = desk.spool.take_greeting(ALICE, BUSY, desk.sound_id())
    freeswitch_records(take.path, voice(2000) + silence(10000))
    take.recorded(recorded(12000, Ended.SILENCE))
    take.settle()

    assert desk.mailboxes.greeting(ALICE, BUSY).duration_ms == 2200


def test_a_greeting_without_any_sound_is_refused(desk):
    former = desk.put_greeting(ALICE, BUSY)
    with record_greeting(desk, b"") as take:
        assert take.too_short
        assert take.settle() is Settled.TOO_SHORT

    assert (in_force(desk), desk.sounds()) == (former, [former])


def test_recorded_again_the_last_attempt_comes_in_force(desk):
    with record_greeting(desk) as take:
        take.again()
        freeswitch_records(take.path, voice(3000, pitch=0.7))
        take.recorded(recorded(3000))
        take.settle()

    assert desk.content(take.id) == wave(voice(3000, pitch=0.7), RATE)


def test_a_mailbox_that_is_gone_is_told(desk):
    with record_greeting(desk, box=NOBODY) as take:
        assert take.settle() is Settled.NO_MAILBOX

    assert (desk.sounds(), desk.on_the_way()) == ([], [])


def test_a_decision_that_cannot_be_written_down_is_not_announced_and_changes_nothing(desk, monkeypatch):
    former = desk.put_greeting(ALICE, BUSY)
    with record_greeting(desk) as take:
        monkeypatch.setattr("os.pwrite", full_disk)
        with pytest.raises(SpoolError):
            take.settle()
        monkeypatch.undo()

    assert take.settled is Settled.DISCARDED
    assert (in_force(desk), desk.on_the_way()) == (former, [])


def full_disk(*_):
    raise OSError(28, "No space left on device")


def test_a_greeting_recorded_after_the_clock_was_set_back_replaces_what_its_owner_heard_then(desk):
    desk.clock.at += 3600
    former = desk.put_greeting(ALICE, Greeting.NAME)
    desk.clock.at -= 3600
    with desk.spool.take_greeting(ALICE, Greeting.NAME, desk.sound_id(), replaces=former) as take:
        freeswitch_records(take.path, voice(1500))
        take.recorded(recorded(1500))
        desk.mailboxes.down = 1
        assert take.settle() is Settled.WAITING

    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is Settled.DELIVERED
    assert desk.mailboxes.greeting(ALICE, Greeting.NAME).audio_id == take.id
