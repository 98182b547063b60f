"""The service is killed with SIGKILL at every step of a call, and the sweeper after it at every step of its own.

Afterwards what the caller heard to be saved is there exactly once with its sound, no greeting is lost, and nothing is
there that should not be: no message twice, no sound without a message, nothing left in the spool, nothing set aside.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import shutil
from abc import ABC, abstractmethod
from pathlib import Path

import pytest
from killed import AUDIO_STEPS, MAILBOX_STEPS, Steps, in_child
from spool_cast import ALICE, BOB, EVE, RATE, Desk, freeswitch_records, recorded
from support.sounds import cut_off, silence, voice

from esl_vm.model.errors import CallerGoneError, StoreDownError
from esl_vm.model.mailbox import Greeting
from esl_vm.recordings import Settled
from esl_vm.sound.wav import wave

SAID = voice(1500)
PREFACE = voice(600, pitch=0.8)
BUSY = Greeting.BUSY


class Story(ABC):
    """One call, and what must be true after it. What its caller was told is in the file `told`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def before(self) -> None:  # noqa: B027 - most calls need nothing before
        """What was there before the call."""

    @abstractmethod
    def call(self) -> None: ...

    @abstractmethod
    def check(self, told: set[str]) -> None: ...

    def tell(self, what: str) -> None:
        with (self.desk.shared / "told").open("a") as file:
            file.write(what + "\n")

    def tell_settled(self, take) -> None:
        if take.settled in {Settled.DELIVERED, Settled.WAITING}:
            self.tell("saved")

    def messages(self) -> dict:
        return {box: self.desk.mailboxes.messages(box) for box in (ALICE, BOB, EVE)}

    def sounds_belong(self, *more: str) -> None:
        """Every sound has its message or greeting, and every message its sound."""
        needed = set(more)
        for there in self.messages().values():
            for message in there.values():
                needed |= {message.id, message.intro_id} - {""}
        for box in (ALICE, BOB, EVE):
            for greeting in Greeting:
                if stored := self.desk.mailboxes.greeting(box, greeting):
                    needed.add(stored.audio_id)
        assert set(self.desk.sounds()) == needed


class Leaving(Story):
    """A message for two, recorded twice, marked urgent, accepted."""

    boxes = (ALICE, BOB)

    def call(self) -> None:
        with self.desk.take(*self.boxes) as take:
            freeswitch_records(take.path, voice(2500, pitch=0.9))
            take.recorded(recorded(2500))
            take.again()
            freeswitch_records(take.path, SAID + silence(1000))
            take.recorded(recorded(2500))
            take.mark(urgent=True)
            self.tell("urgent")
            take.settle()
            self.tell_settled(take)

    def check(self, told) -> None:
        for box in self.boxes:
            there = self.desk.mailboxes.messages(box)
            assert len(there) <= 1
            if "saved" in told:
                assert len(there) == 1
            for message in there.values():
                assert message.urgent or "urgent" not in told
                # Whichever attempt was the last when the process died.
                assert self.desk.content(message.id) in {
                    wave(SAID + silence(200), RATE),
                    wave(SAID + silence(1000), RATE),
                    wave(voice(2500, pitch=0.9), RATE),
                }
                if "saved" in told or message.urgent:
                    assert self.desk.content(message.id) == wave(SAID + silence(200), RATE)
        assert len({len(self.desk.mailboxes.messages(box)) for box in self.boxes}) == 1
        self.sounds_belong()


class HangingUp(Story):
    """The caller hangs up while recording; FreeSWITCH had died, so the recording has to be repaired."""

    def call(self) -> None:
        with contextlib.suppress(CallerGoneError), self.desk.take() as take:
            take.path.write_bytes(cut_off(SAID))
            self.tell("recorded")
            raise CallerGoneError

    def check(self, told) -> None:
        there = self.desk.mailboxes.messages(ALICE)
        assert len(there) == (1 if "recorded" in told else len(there))
        for message in there.values():
            assert message.cut
            assert self.desk.content(message.id) == wave(SAID, RATE)
        self.sounds_belong()


class Discarding(Story):
    """The caller asks for the operator and does not keep the message."""

    def call(self) -> None:
        with self.desk.take() as take:
            freeswitch_records(take.path, SAID)
            take.recorded(recorded(1500))
            take.discard()
            self.tell("deleted")

    def check(self, told) -> None:
        if "deleted" in told:
            assert self.desk.mailboxes.messages(ALICE) == {}
        assert len(self.desk.mailboxes.messages(ALICE)) <= 1
        self.sounds_belong()


class Greetings(Story):
    """An owner replaces a greeting."""

    def before(self) -> None:
        self.former = self.desk.put_greeting(ALICE, BUSY)
        self.desk.clock.at += 60

    def call(self) -> None:
        with self.desk.spool.take_greeting(ALICE, BUSY, self.desk.sound_id()) as take:
            freeswitch_records(take.path, SAID + silence(2000))
            take.recorded(recorded(3500))
            take.settle()
            self.tell_settled(take)

    def check(self, told) -> None:
        self.desk.mailboxes.erase_what_is_due(self.desk.audio)
        in_force = self.desk.mailboxes.greeting(ALICE, BUSY)
        assert in_force is not None
        if in_force.audio_id == self.former:
            assert "saved" not in told
        else:
            assert self.desk.content(in_force.audio_id) == wave(SAID + silence(200), RATE)
        self.sounds_belong()


class Forwarding(Story):
    """An owner sends a message on to two others with an introduction."""

    def before(self) -> None:
        with self.desk.take() as take:
            freeswitch_records(take.path, SAID)
            take.settle()
        self.original = self.desk.mailboxes.messages(ALICE)[take.id]
        self.desk.clock.at += 60

    def call(self) -> None:
        copy = dataclasses.replace(self.original, id=self.desk.sound_id())
        introduction = self.desk.spool.take_sound(self.desk.sound_id(), (BOB, EVE), copy, source_id=self.original.id)
        with introduction as preface:
            freeswitch_records(preface.path, PREFACE)
            self.tell("spoken")
            preface.recorded(recorded(600))
            with self.desk.spool.forward((BOB, EVE), copy, source_id=self.original.id, preface=preface) as job:
                self.tell("certain")
                job.settle()
                self.tell_settled(job)

    def check(self, told) -> None:
        assert self.desk.mailboxes.messages(ALICE) == {self.original.id: self.original}
        counts = {len(self.desk.mailboxes.messages(box)) for box in (BOB, EVE)}
        assert counts == {1} or (counts == {0} and not told)
        for box in (BOB, EVE):
            for message in self.desk.mailboxes.messages(box).values():
                assert self.desk.content(message.id) == wave(SAID, RATE)
                assert self.desk.content(message.intro_id) == wave(PREFACE, RATE)
        self.sounds_belong()


STORIES = [Leaving, HangingUp, Discarding, Greetings, Forwarding]
points: dict[str, int] = {}


@pytest.fixture(params=[3, pytest.param(1, marks=pytest.mark.slow)], ids=["every third", "every"])
def every(request):
    """At which steps the process is killed: `make chaos` leaves none out."""
    return request.param


def watched(desk: Desk, steps: Steps) -> None:
    steps.watch(desk.mailboxes, MAILBOX_STEPS)
    steps.watch(desk.audio, AUDIO_STEPS)
    steps.watch_files()


def prepared(story_of: type[Story], folder: Path, **options) -> Story:
    folder.mkdir()
    story = story_of(Desk(folder, **options))
    story.before()
    return story


def reopened(story: Story) -> None:
    """Another process, on what the killed one left."""
    story.desk = Desk(story.desk.shared)


def told(story: Story) -> set[str]:
    path = story.desk.shared / "told"
    return set(path.read_text().split()) if path.exists() else set()


def nothing_is_left(story: Story) -> None:
    assert [name for name in story.desk.on_the_way() if not name.endswith(".part")] == []
    assert [name for name in story.desk.set_aside() if not name.endswith(".part")] == []


def count_steps(folder: Path, work) -> int:
    """How many steps the work takes when nobody kills it, told through a file."""

    def counted() -> int:
        steps = Steps()
        work(steps)
        (folder / "steps").write_text(str(steps.count))
        return 0

    assert in_child(counted) == 0
    return int((folder / "steps").read_text())


@pytest.mark.parametrize("story_of", STORIES)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_step_of_the_call(quick_disk, story_of, after, every):
    def call(story, steps):
        watched(story.desk, steps)
        story.call()
        return 0

    story = prepared(story_of, quick_disk / "whole")
    last = count_steps(quick_disk, lambda steps: call(story, steps))
    story.check(told(story))
    nothing_is_left(story)

    for step in range(1, last + 1, every):
        story = prepared(story_of, quick_disk / str(step))
        assert in_child(lambda story=story, step=step: call(story, Steps(step, after=after))) is None
        reopened(story)
        half_begun = any(path.stat().st_size <= 44 for path in story.desk.folder.glob("takes/*-*.wav"))
        story.desk.sweeper().sweep_once()
        story.desk.sweeper().sweep_once()
        story.check(told(story))
        if not half_begun:  # a recording of which FreeSWITCH wrote nothing yet is set aside, rightly
            nothing_is_left(story)
        shutil.rmtree(story.desk.shared)
    points[f"{story_of.__name__} {after}"] = len(range(0, last, every))
    assert last >= 30


@pytest.mark.parametrize("story_of", [Leaving, Greetings, Forwarding])
@pytest.mark.parametrize("lost", ["question", "answer"])
def test_the_store_goes_away_at_any_question_of_the_call(quick_disk, story_of, lost):
    def is_away(desk: Desk, at: int):
        """The n-th question to a store finds nobody there, or its answer gets lost."""
        count = itertools.count(1)

        def asked(function):
            def ask(*args, **kwargs):
                here = next(count) == at
                if here and lost == "question":
                    raise StoreDownError("nobody is there")
                result = function(*args, **kwargs)
                if here:
                    raise StoreDownError("the answer got lost")
                return result

            return ask

        for owner, names in ((desk.mailboxes, MAILBOX_STEPS), (desk.audio, ("put", "put_many", "delete", "exists"))):
            for name in names:
                setattr(owner, name, asked(getattr(owner, name)))
        return count

    questions = 1
    for at in itertools.count(1):
        story = prepared(story_of, quick_disk / str(at))
        count = is_away(story.desk, at)
        story.call()
        questions = next(count) - 1
        story.desk = Desk(story.desk.shared)
        assert "saved" in told(story)
        story.desk.sweeper().sweep_once()
        story.check(told(story))
        nothing_is_left(story)
        if at > questions:
            break
    assert questions >= 2


def leave_for_the_sweeper(story: Story) -> None:
    """The process dies just before the take is settled."""

    def call() -> int:
        steps = Steps(1)
        steps.watch(story.desk.audio, ("put", "put_many"))
        story.call()
        return 0

    assert in_child(call) is None
    reopened(story)


@pytest.mark.parametrize("story_of", [Leaving, HangingUp, Greetings, Forwarding])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_sweeper_is_killed_at_any_of_its_steps(quick_disk, story_of, after, every):
    def sweep(story, steps):
        watched(story.desk, steps)
        story.desk.sweeper().sweep_once()
        return 0

    story = prepared(story_of, quick_disk / "whole")
    leave_for_the_sweeper(story)
    last = count_steps(quick_disk, lambda steps: sweep(story, steps))

    for step in range(1, last + 1, every):
        story = prepared(story_of, quick_disk / str(step))
        leave_for_the_sweeper(story)
        assert in_child(lambda story=story, step=step: sweep(story, Steps(step, after=after))) is None
        reopened(story)
        story.desk.sweeper().sweep_once()
        story.check({"saved"} if story_of is Forwarding else told(story))
        nothing_is_left(story)
        shutil.rmtree(story.desk.shared)
    points[f"sweeping {story_of.__name__} {after}"] = len(range(0, last, every))
    assert last >= 10


@pytest.mark.parametrize("story_of", [Leaving, Greetings, Forwarding])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_call_or_the_sweeper_is_killed_when_the_master_that_took_it_is_lost_too(quick_disk, story_of, after, every):
    """The call is kept; its fail-over comes as it ends; then the sweeper is killed at each of its steps."""

    def begun(name: str):
        story = prepared(story_of, quick_disk / name, keep_s=600)
        behind = story.desk.mailboxes.as_it_is()
        assert in_child(lambda: story.call() or 0) == 0
        story.desk.mailboxes.fail_over(behind)
        return story

    def sweep(story, steps):
        watched(story.desk, steps)
        story.desk.sweeper().sweep_once()
        return 0

    story = begun("whole")
    last = count_steps(quick_disk, lambda steps: sweep(story, steps))
    for step in range(1, last + 1, every):
        story = begun(str(step))
        assert in_child(lambda story=story, step=step: sweep(story, Steps(step, after=after))) is None
        story.desk.sweeper().sweep_once()
        story.check(told(story))
        reopened(story)  # where nothing is kept any longer
        story.desk.sweeper().sweep_once()
        nothing_is_left(story)
        story.check(told(story))
        shutil.rmtree(story.desk.shared)
    points[f"lost {story_of.__name__} {after}"] = len(range(0, last, every))
    assert last >= 10


def test_enough_points_were_tried():
    """Runs after the others of this file; tells how many there were."""
    if len(points) < 2 * (len(STORIES) + 7):
        pytest.skip("only a part of the campaign ran")
    total = sum(points.values())
    print(f"{total} points at which a process was killed: {points}")
    assert total >= 500 // 3
