"""`serve` with a web address: a process beside the workers, on the same mailboxes as the telephone; kept by the supervisor."""

import os
import re
import signal

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.browser import Browser
from support.served import Service, children_of
from support.waiting import wait_until


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Service(tmp_path_factory.mktemp("service"), web=True)
    yield running
    running.close()


def web_pid(service):
    """The process that listens where browsers come in and nothing else does: the last that the supervisor started."""
    return children_of(service.process.pid)[-1]


def figures(told):
    """Samples by name and labels, as a page of metrics has them."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }


def test_what_it_answers_is_counted_with_all_that_the_service_does(service):
    def counted(name, **labels):
        return figures(service.get("/metrics")[1]).get((name, tuple(sorted(labels.items()))), 0)

    stranger = Browser(service.web)
    for _ in range(3):
        assert stranger.get("/api/v1/session").status == 401
    assert stranger.get("/").status == 200
    assert stranger.post("/api/v1/session", {"mailbox": "1001", "pin": "9030"}).status == 401
    wait_until(lambda: counted("esl_vm_web_answers_total", kind="api", status="4xx") >= 4)
    assert counted("esl_vm_web_answers_total", kind="page", status="2xx") >= 1
    assert counted("esl_vm_web_seconds_count", kind="api") >= 4
    assert counted("esl_vm_web_sign_ins_total", way="pin", result="wrong") >= 1
    assert counted("esl_vm_pin_checks_total", result="wrong") >= 1


def test_what_is_left_by_telephone_is_in_the_browser_and_the_other_way_round(service):
    alice = Browser(service.web)
    # The mailboxes to try open with the PIN that the telephone's guide names, from this host.
    wait_until(lambda: alice.post("/api/v1/session", {"mailbox": "1001", "pin": "1234"}).status == 201)
    messages = "/api/v1/mailboxes/1001@default/messages"
    wait_until(lambda: len(alice.get(messages).json["messages"]) == 3, "the messages to try")
    (urgent,) = [one for one in alice.get(messages).json["messages"] if one["urgent"]]
    assert alice.get(f"{messages}/{urgent['id']}/sound").headers["Content-Type"] == "audio/wav"
    service.ring("1001", "# # 1", sender="1002")
    left = wait_until(lambda: [one for one in alice.get(messages).json["messages"] if one["call_uuid"]])
    assert left[0]["caller_number"] == "1002"
    for one in alice.get(messages).json["messages"]:
        alice.delete(f"{messages}/{one['id']}")
    assert '"new": 0' in service.run("mailbox", "show", "1001", "--json")


def test_a_web_process_that_dies_is_started_again_and_calls_go_on(service):
    os.kill(web_pid(service), signal.SIGKILL)
    service.ring("1002", "# # 1", sender="1001")

    def answers():
        try:
            return Browser(service.web).get("/api/problems").status == 200
        except OSError:
            return False

    wait_until(answers, "the pages being back")


def test_its_address_is_said(service):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", service.web)
    assert Browser(service.web).get("/").status in {200, 303}
