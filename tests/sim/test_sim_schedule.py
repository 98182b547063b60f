import pytest
from support.virtual_clock import StuckError, VirtualClock


def test_things_happen_in_order_of_time_then_in_order_of_asking():
    clock, done = VirtualClock(100.0), []
    clock.call_at(102, lambda: done.append(("late", clock.now())))
    clock.call_at(101, lambda: done.append(("first", clock.now())))
    clock.call_at(101, lambda: done.append(("second", clock.now())))
    while clock.advance():
        pass
    assert done == [("first", 101), ("second", 101), ("late", 102)]


def test_what_is_cancelled_does_not_happen_and_does_not_move_the_clock():
    clock = VirtualClock(100.0)
    timer = clock.call_later(5, lambda: pytest.fail("was cancelled"))
    assert timer.pending
    clock.cancel(timer)
    clock.cancel(None)
    assert not timer.pending
    assert not clock.advance()
    assert clock.now() == 100


def test_a_moment_that_has_passed_is_as_good_as_now():
    clock, done = VirtualClock(100.0), []
    clock.call_at(3, lambda: done.append(clock.now()))
    clock.advance()
    assert done == [100]


def test_a_wait_that_would_never_end_is_an_error_not_a_hang():
    with pytest.raises(StuckError):
        VirtualClock().run_until(lambda: False)


def test_passing_time_does_all_that_falls_into_it():
    clock, done = VirtualClock(0.0), []
    clock.call_later(1, lambda: clock.call_later(1, lambda: done.append(clock.now())))
    clock.call_later(9, lambda: done.append("too late"))
    clock.pass_time(5)
    assert done == [2]
    assert clock.now() == 5
