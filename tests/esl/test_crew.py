"""Greenlets that serve one connection after the other."""

import gc
import weakref

import gevent
import pytest
from esl_caller import eventually
from gevent.event import Event

from esl_vm.esl.crew import MOST_IDLE, Crew


@pytest.fixture
def crew():
    crew = Crew()
    yield crew
    crew.dismiss()
    crew.kill(5)


class Work:
    """Something that goes on until it is told to end."""

    def __init__(self):
        self.by, self.may_end, self.killed = None, Event(), False

    def __call__(self):
        self.by = gevent.getcurrent()
        try:
            self.may_end.wait()
        except gevent.GreenletExit:
            self.killed = True
            raise


def begun(crew):
    work = Work()
    crew.run(work)
    eventually(lambda: work.by)
    return work


def test_who_has_done_one_thing_does_the_next(crew):
    first = begun(crew)
    first.may_end.set()
    eventually(lambda: not crew.busy)
    assert begun(crew).by is first.by


def test_what_comes_together_is_done_together(crew):
    first, second = begun(crew), begun(crew)
    assert first.by is not second.by
    assert crew.busy == 2
    second.may_end.set()
    eventually(lambda: crew.busy == 1)
    assert begun(crew).by is second.by
    assert crew.busy == 2


def test_two_that_come_at_once_do_not_get_the_same_one(crew):
    done = begun(crew)
    done.may_end.set()
    eventually(lambda: not crew.busy)
    works = [Work(), Work()]
    for work in works:
        crew.run(work)
    assert crew.busy == 2
    eventually(lambda: all(work.by for work in works))
    assert works[0].by is not works[1].by


def test_after_a_rush_only_a_few_are_kept(crew):
    works = [begun(crew) for _ in range(MOST_IDLE + 20)]
    for work in works:
        work.may_end.set()
    eventually(lambda: sum(work.by.dead for work in works) == 20)
    assert len(crew._members) == MOST_IDLE


def test_nothing_is_kept_of_what_was_done(crew):
    work = begun(crew)
    work.may_end.set()
    eventually(lambda: not crew.busy)
    gone = weakref.ref(work)
    del work
    gc.collect()
    assert gone() is None


def test_an_error_ends_one_and_the_others_go_on(crew, capsys):
    other = begun(crew)
    crew.run(lambda: 1 / 0)
    eventually(lambda: crew.busy == 1)
    assert "ZeroDivisionError" in capsys.readouterr().err
    begun(crew).may_end.set()
    assert not other.by.dead


def test_when_dismissed_those_at_work_finish_and_those_who_wait_go_home(crew):
    waiting, working = begun(crew), begun(crew)
    waiting.may_end.set()
    eventually(lambda: crew.busy == 1)
    crew.dismiss()
    eventually(lambda: waiting.by.dead)
    assert crew.busy == 1
    joining = gevent.spawn(crew.join, 5)
    working.may_end.set()
    joining.join(5)
    assert (crew.busy, working.by.dead, working.killed) == (0, True, False)


def test_who_does_not_finish_in_time_is_killed(crew):
    work = begun(crew)
    crew.dismiss()
    crew.join(0.01)
    assert not work.by.dead
    crew.kill(5)
    assert (work.killed, work.by.dead, crew.busy) == (True, True, 0)
