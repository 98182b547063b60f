"""Calls, crashes, outages, deletions and sweeps in any order, against a model: nothing lost, doubled or brought back."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule
from spool_cast import ALICE, BOB, EVE, Desk, freeswitch_records, process_dies, recorded
from support.sounds import cut_off, voice

from esl_vm.model.errors import SpoolError
from esl_vm.model.mailbox import Greeting
from esl_vm.recordings import Settled
from esl_vm.sound.wav import wave

RATE = 8000
SAID = {"long": voice(1200), "short": voice(300)}
LONG = SAID["long"]
KEPT = {Settled.DELIVERED, Settled.WAITING}


class SpoolInAnyOrder(RuleBasedStateMachine):
    """`promised`: messages whose callers heard that they are kept. `dropped`: those decided not to be.

    `possible`: left by a call that died, so they may arrive.
    """

    live = Bundle("live")

    @initialize()
    def begin(self):
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(dir=memory, prefix="spool-"))
        self.desk = Desk(self.folder)
        self.promised: dict[str, tuple] = {}
        self.possible: dict[str, tuple] = {}
        self.dropped: set[str] = set()
        self.deleted: set[str] = set()
        self.busy = 0
        self.desk.mailboxes.maxmsg = 9999
        self.last_greeting = ""
        self.greeting_wanted: list[str] = []

    def teardown(self):
        if hasattr(self, "folder"):
            self.mend()
            self.desk.sweeper().sweep_once()
            self.everything_is_where_it_belongs()
            shutil.rmtree(self.folder)

    @rule(
        target=live,
        boxes=st.sampled_from([(ALICE, BOB), (BOB, EVE, ALICE), (ALICE,)]),
        said=st.sampled_from(["long", "long", "short", ""]),
        properly=st.booleans(),
    )
    def a_call_begins(self, boxes, said, properly):
        self.desk.clock.at += 1
        take = self.desk.take(*boxes)
        self.busy += 1
        self.record(take, said, properly)
        return [take, boxes]

    @rule(
        boxes=st.sampled_from([(ALICE, BOB), (BOB, EVE, ALICE), (ALICE,)]),
        properly=st.booleans(),
        how=st.sampled_from(["settle", "hang up", "die"]),
    )
    def a_whole_call(self, boxes, properly, how):
        self.a_call_ends(self.a_call_begins(boxes, "long", properly), how)

    @rule(call=live, said=st.sampled_from(["long", "short"]), properly=st.booleans())
    def the_caller_records_again(self, call, said, properly):
        call[0].again()
        self.record(call[0], said, properly)

    @rule(call=live)
    def the_caller_changes_the_mark(self, call):
        call[0].mark(urgent=not call[0].urgent)

    def record(self, take, said, properly):
        if said and properly:
            freeswitch_records(take.path, SAID[said])
            take.recorded(recorded(len(SAID[said]) // 16))
        elif said:
            take.path.write_bytes(cut_off(SAID[said]))

    @rule(call=consumes(live), how=st.sampled_from(["settle", "hang up", "discard", "die"]))
    def a_call_ends(self, call, how):
        take, boxes = call
        self.busy -= 1
        content = take.playable.read_bytes() if take.playable.exists() else b""
        expected = (boxes, content, take.urgent)
        match how:
            case "settle":
                take.settle()
            case "hang up":
                with contextlib.suppress(RuntimeError), take:
                    raise RuntimeError
            case "discard":
                take.discard()
                assert take.settled is Settled.DISCARDED
            case "die":
                process_dies(take)
                self.possible[take.id] = expected
                return
        if take.settled in KEPT:
            self.promised[take.id] = expected
        else:
            self.dropped.add(take.id)

    @rule(accepted=st.booleans(), dies=st.booleans())
    def an_owner_records_a_greeting(self, accepted, dies):
        self.desk.clock.at += 1
        take = self.desk.spool.take_greeting(ALICE, Greeting.BUSY, self.desk.sound_id())
        freeswitch_records(take.path, LONG)
        take.recorded(recorded(1200))
        if dies and accepted:
            process_dies(take, accepted=True)
            self.greeting_wanted.append(take.id)
        elif dies:
            process_dies(take)
        elif accepted:
            assert take.settle() in KEPT
            self.greeting_wanted.append(take.id)
        else:
            take.discard()

    @rule(data=st.data())
    def an_owner_deletes_and_the_sound_is_erased(self, data):
        there = [(box, one) for box in (ALICE, BOB, EVE) for one in self.desk.mailboxes.messages(box)]
        if there and (self.desk.shared / "audio").exists():
            box, message_id = data.draw(st.sampled_from(sorted(there)))
            self.desk.mailboxes.delete(box, message_id)
            self.desk.audio.delete(message_id)
            self.deleted.add(message_id)

    @rule(calls=st.integers(1, 4), answers_lost=st.booleans())
    def the_store_stumbles(self, calls, answers_lost):
        if answers_lost:
            self.desk.mailboxes.deaf = calls
        else:
            self.desk.mailboxes.down = calls

    @rule()
    def the_sounds_go_away(self):
        with contextlib.suppress(FileNotFoundError):
            (self.desk.shared / "audio").rename(self.desk.shared / "away")

    @rule()
    def mend(self):
        self.desk.mailboxes.down = self.desk.mailboxes.deaf = 0
        with contextlib.suppress(FileNotFoundError):
            (self.desk.shared / "away").rename(self.desk.shared / "audio")

    @rule()
    def a_sweep(self):
        with contextlib.suppress(SpoolError):
            self.desk.sweeper().sweep_once()

    @rule()
    def the_service_starts_anew(self):
        former, self.desk = self.desk, Desk(self.folder)
        if (self.folder / "away").exists():
            (self.folder / "audio").rmdir()
        self.desk.clock, self.desk.number = former.clock, former.number
        self.desk.mailboxes.down, self.desk.mailboxes.deaf = former.mailboxes.down, former.mailboxes.deaf
        self.desk.mailboxes.maxmsg = former.mailboxes.maxmsg

    @invariant()
    def nobody_has_what_was_dropped_or_deleted_or_twice(self):
        if not hasattr(self, "desk"):
            return
        for box in (ALICE, BOB, EVE):
            for message_id in self.desk.mailboxes.messages(box):
                assert message_id not in self.deleted
                assert message_id.partition(".")[0] not in self.dropped

    @precondition(lambda self: hasattr(self, "desk") and not self.busy)
    @rule()
    def all_is_settled(self):
        self.mend()
        for _ in range(3):
            self.desk.sweeper().sweep_once()
        self.everything_is_where_it_belongs()
        assert self.desk.on_the_way() == []

    def everything_is_where_it_belongs(self):
        known = self.promised | self.possible
        for take_id, (boxes, content, urgent) in self.promised.items():
            for place, box in enumerate(boxes):
                copy = f"{take_id}.{place}" if place else take_id
                if copy in self.deleted or self.waits(take_id):
                    continue
                message = self.desk.mailboxes.messages(box)[copy]
                assert message.urgent is urgent
                assert self.desk.content(copy) in {content, wave(LONG, RATE)}
        needed = set()
        for box in (ALICE, BOB, EVE):
            for message_id in self.desk.mailboxes.messages(box):
                assert message_id.partition(".")[0] in known
                needed.add(message_id)
        in_force = self.desk.mailboxes.greeting(ALICE, Greeting.BUSY)
        if in_force:
            needed.add(in_force.audio_id)
        if self.greeting_wanted and not any(self.waits(one) for one in self.greeting_wanted):
            assert in_force.audio_id == max(self.greeting_wanted)
        self.desk.mailboxes.erase_what_is_due(self.desk.audio)
        if not self.busy:
            assert set(self.desk.sounds()) == needed

    def waits(self, take_id: str) -> bool:
        return f"{take_id}.take" in self.desk.on_the_way()


SpoolInAnyOrder.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSpoolInAnyOrder = SpoolInAnyOrder.TestCase
