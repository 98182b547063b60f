"""The spool on the real thing: mailboxes and sounds in a redis-server that is counted on, hung, killed and restarted."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
from killed import Steps, in_child
from redis_service import ALICE, BOB, SAID, Service, id_of, leave
from spool_cast import RATE, freeswitch_records, recorded
from support.redis_servers import NoRedisError, redis_cluster
from support.sounds import voice

from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import Greeting, MailboxId
from esl_vm.recordings import Settled
from esl_vm.sound.wav import wave


def test_leaving_a_message_asks_redis_twice(service):
    with service.take(1) as take:
        freeswitch_records(take.path, SAID)
        take.recorded(recorded(1500))
        service.questions = 0
        assert take.settle() is Settled.DELIVERED

    assert service.questions == 2
    [message] = service.lie()
    assert (message.id, message.duration_ms) == (id_of(1), 1500)
    assert service.audio.playable(message.id).read_bytes() == wave(SAID, RATE)


def test_a_greeting_is_put_in_force_and_the_former_ones_sound_goes_when_nobody_can_be_playing_it(service):
    for number in (1, 2):
        with service.spool.take_greeting(ALICE, Greeting.NAME, id_of(number)) as take:
            freeswitch_records(take.path, SAID)
            take.recorded(recorded(1500))
            service.questions = 0
            assert take.settle() is Settled.DELIVERED
            assert service.questions == 2

    assert service.in_force() == id_of(2)
    assert sorted(service.audio.ids()) == [id_of(1), id_of(2)]
    service.clock.at += 86400
    service.store.housekeeping.erase_sounds(service.audio.delete)
    assert list(service.audio.ids()) == [id_of(2)]


@pytest.mark.parametrize("away", ["killed", "hanging"])
def test_redis_goes_away_and_comes_back_and_every_message_is_there_once(service, server, away):
    assert leave(service, 1) is Settled.DELIVERED
    server.kill() if away == "killed" else server.pause()
    try:
        assert leave(service, 2) is Settled.WAITING
        assert leave(service, 3, ALICE, BOB) is Settled.WAITING
        assert service.sweeper.sweep_once()[0].settled is Settled.WAITING
    finally:
        server.start() if away == "killed" else server.resume()

    outcomes = service.sweeper.sweep_once()

    assert [outcome.settled for outcome in outcomes] == [Settled.DELIVERED] * 2
    assert [message.id for message in service.lie()] == [id_of(1), id_of(2), id_of(3)]
    assert [message.id for message in service.lie(BOB)] == [id_of(3) + ".1"]
    assert sorted(service.audio.ids()) == sorted([id_of(1), id_of(2), id_of(3), id_of(3) + ".1"])
    assert list(service.spool.takes()) == []


def unanswered(monkeypatch, mailboxes, name):
    """Redis does what is asked, and its answer gets lost."""
    ask = getattr(mailboxes, name)

    def lost(*args, **how):
        ask(*args, **how)
        raise StoreDownError("the answer got lost")

    monkeypatch.setattr(mailboxes, name, lost)


def test_a_message_deleted_and_erased_meanwhile_does_not_come_back(service, monkeypatch):
    unanswered(monkeypatch, service.store.mailboxes, "deliver")
    assert leave(service, 1) is Settled.WAITING
    monkeypatch.undo()
    service.store.mailboxes.delete(ALICE, id_of(1))
    service.clock.at += 15 * 86400
    for _ in service.store.housekeeping.purge():
        pass
    service.clock.at += 86400
    service.store.housekeeping.erase_sounds(service.audio.delete)
    assert list(service.audio.ids()) == []

    [outcome] = service.sweeper.sweep_once()

    assert outcome.settled is Settled.DELIVERED
    assert service.lie() == []
    assert list(service.audio.ids()) == []
    assert list(service.spool.takes()) == []


def test_an_erased_greeting_does_not_come_back(service, monkeypatch):
    with service.spool.take_greeting(ALICE, Greeting.NAME, id_of(1)) as take:
        freeswitch_records(take.path, SAID)
        take.recorded(recorded(1500))
        unanswered(monkeypatch, service.store.mailboxes, "set_greeting")
        assert take.settle() is Settled.WAITING
        monkeypatch.undo()
    service.store.mailboxes.remove_greeting(ALICE, Greeting.NAME)
    service.clock.at += 86400
    service.store.housekeeping.erase_sounds(service.audio.delete)

    service.sweeper.sweep_once()

    assert service.in_force() == ""
    assert list(service.audio.ids()) == []


def test_killed_at_any_file_operation_or_question_to_redis_a_message_arrives_once(server, service, quick_disk):
    """One Redis for all points: each call leaves a message of its own."""

    def call(number, steps):
        own = Service(server.url, quick_disk)
        steps.watch(own.store.link, ("run",))
        steps.watch_files()
        if leave(own, number, ALICE, BOB) is Settled.DELIVERED:
            (quick_disk / "told" / str(number)).touch()
        return min(steps.count, 254)

    (quick_disk / "told").mkdir()
    in_child(lambda: call(0, Steps()))
    last = in_child(lambda: call(1, Steps()))  # without what only the first call does: making folders
    number = 1
    for step in range(1, last + 1):
        for after in (False, True):
            number += 1
            status = in_child(lambda number=number, step=step, after=after: call(number, Steps(step, after=after)))
            assert status is None
            service.sweeper.sweep_once()
    promised = {id_of(int(path.name)) for path in (quick_disk / "told").iterdir()}

    at_alices = [message.id for message in service.lie()]
    assert len(at_alices) == len(set(at_alices))
    assert promised <= set(at_alices)
    assert sorted(message.id for message in service.lie(BOB)) == sorted(f"{one}.1" for one in at_alices)
    assert sorted(service.audio.ids()) == sorted([*at_alices, *(f"{one}.1" for one in at_alices)])
    for message_id in at_alices:
        assert service.audio.playable(message_id).read_bytes() == wave(SAID, RATE)
    assert list(service.spool.takes()) == []
    assert last >= 20


def test_on_a_cluster_sending_on_with_an_introduction_spans_its_nodes(quick_disk):
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(redis_cluster(masters=2))
        except NoRedisError as error:
            pytest.skip(str(error))
        service = Service(cluster.url, quick_disk)
        boxes = [MailboxId(str(number)) for number in range(1001, 1013)]
        for box in boxes:
            service.store.registry.add(box, {})
        leave(service, 1, boxes[0])
        [original] = service.lie(boxes[0])
        with service.spool.take_sound(id_of(2)) as preface:
            freeswitch_records(preface.path, voice(500))
            preface.recorded(recorded(500))
            copy = dataclasses.replace(original, id=id_of(3))
            with service.spool.forward(boxes[1:], copy, source_id=original.id, preface=preface) as job:
                assert job.settle() is Settled.DELIVERED

        assert len({service.store.keys.partition(box) for box in boxes}) > 2
        for box in boxes[1:]:
            [message] = service.lie(box)
            assert service.audio.playable(message.id).read_bytes() == wave(SAID, RATE)
            assert service.audio.playable(message.intro_id).read_bytes() == wave(voice(500), RATE)
        assert len(list(service.audio.ids())) == 1 + 2 * 11
