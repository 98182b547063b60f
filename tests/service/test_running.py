"""Where the service of a data folder takes calls, as other commands find it."""

import os

import pytest

from esl_vm.service.running import announce, running_at


def test_a_folder_without_a_service_has_none(tmp_path):
    assert running_at(tmp_path) == ""
    assert running_at(tmp_path / "none") == ""


def test_a_service_is_found_for_as_long_as_it_is_there(tmp_path):
    held = announce(tmp_path, "127.0.0.1:8094")
    assert running_at(tmp_path) == "127.0.0.1:8094"
    forked = os.dup(held)  # a worker of it
    os.close(held)
    assert running_at(tmp_path) == "127.0.0.1:8094"
    os.close(forked)
    assert running_at(tmp_path) == ""


def test_of_two_the_later_one_is_named_and_a_shorter_address_leaves_nothing_of_the_former(tmp_path):
    first = announce(tmp_path, "127.0.0.1:18084")
    second = announce(tmp_path, "127.0.0.1:84")
    assert running_at(tmp_path) == "127.0.0.1:84"
    os.close(first)
    os.close(second)


@pytest.mark.parametrize(("listens", "rung"), [("0.0.0.0:8084", "127.0.0.1:8084"), ("[::]:8084", "[::1]:8084")])
def test_one_that_listens_everywhere_is_rung_on_this_host(tmp_path, listens, rung):
    held = announce(tmp_path, listens)
    assert running_at(tmp_path) == rung
    os.close(held)
