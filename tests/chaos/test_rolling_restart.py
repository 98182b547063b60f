"""Three services in the dialplan's order are restarted one after the other, under load on a real FreeSWITCH."""

from collections import Counter

import pytest
from chaos.fleet import DOMAIN, Fleet, Service
from live.freeswitch import why_not
from support.redis_servers import redis_server
from support.waiting import wait_until

from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.store.connect import connect
from esl_vm.store.store import Store

CALLERS = 24
LEAVES_A_MESSAGE = "w:vm-intro* d:# w:beep talk s:4 d:# quiet w:vm-review d:1 end:20"


@pytest.fixture
def store(request):
    if "live" not in request.config.option.markexpr:
        pytest.skip("needs a real FreeSWITCH and a minute: `make live` runs it")
    if why_not():
        pytest.skip(why_not())
    with redis_server("--appendonly", "yes") as server:
        store = Store(connect(server.url))
        store.url = server.url
        for place in range(CALLERS):
            store.registry.add(MailboxId(str(1100 + place), DOMAIN), {"name": f"Box {place}", "maxmsg": "9999"})
        yield store
        store.close()


@pytest.fixture
def services(store, tmp_path):
    """Three of them, in the order of the dialplan."""
    running = []
    try:
        running.extend(Service(tmp_path / name, store.url) for name in "abc")
        yield running
    finally:
        for service in running:
            service.close()


@pytest.fixture
def fleet(services, tmp_path):
    a, b, c = (service.address for service in services)
    # Each has its own callers, who go to the next one while it is away.
    fleet = Fleet(tmp_path / "freeswitch", {"first": f"{a}|{b}|{c}", "second": f"{b}|{c}|{a}", "third": f"{c}|{a}|{b}"})
    yield fleet
    fleet.close()


def messages(store):
    """How many messages there are of each caller."""
    there = Counter()
    for place in range(CALLERS):
        box, after = MailboxId(str(1100 + place), DOMAIN), None
        while True:
            page = store.mailboxes.page(box, Folder.NEW, urgent=None, after=after, most=100)
            there.update(message.caller.number for message in page.messages)
            if not page.messages:
                break
            after = page.places[-1]
    return there


def recording(service):
    """How many recordings a service has under way."""
    return len(list(service.takes.glob("*.wav"))) if service.takes.is_dir() else 0


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_rolling_restart_under_load_drops_no_call(fleet, services, store):
    with fleet.ringing(CALLERS, LEAVES_A_MESSAGE):
        for service in services:
            wait_until(lambda service=service: recording(service) >= 3, what=f"{service.name} having calls")
            service.tell_to_stop()
            assert service.ended(60) == 0, service.log.read_text()[-2000:]
            service.start()
        wait_until(lambda: recording(services[-1]) >= 3, what="the last one having calls again")
    calls = fleet.rung
    wrong = [problem for problem in (call.wrong() for call in calls) if problem]
    assert not wrong, f"{len(wrong)} of {len(calls)} calls:\n" + "\n".join(wrong)
    assert messages(store) == {call.number: 1 for call in calls}
    by = {service.name: len(service.served()) for service in services}
    own = {service.name: {call.number for call in calls if (int(call.box) - 1100) % 3 == place}
           for place, service in enumerate(services)}  # fmt: skip
    elsewhere = {service.name: len(own[service.name] - service.served()) for service in services}
    print(f"{len(calls)} calls, {CALLERS} at once; served: {by}; went elsewhere while theirs was away: {elsewhere}")
    assert sum(by.values()) == len(calls)
    assert min(by.values()) >= 10
    assert min(elsewhere.values()) >= 1
    assert not any("Traceback" in service.log.read_text() for service in services)
    assert not any(service.waiting() for service in services)
