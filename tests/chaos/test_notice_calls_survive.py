"""The campaign of calls about a message in its short form; `make chaos` strikes at every point."""

from chaos import notice_calls


def test_whatever_is_killed_no_try_rings_twice_and_the_next_one_comes():
    struck, wrong = notice_calls.run(every=5)
    print(struck)
    assert wrong == []
    assert len(struck) >= 4
