"""`esl-vm web` on a real Redis, for all tests that leave it as it is."""

import pytest
from support.person import Person
from support.redis_servers import redis_server
from support.web_house import House, Served


@pytest.fixture(scope="session")
def web_redis():
    with redis_server() as server:
        yield server


SETTINGS = """
pins.slow_most_s = 0
pins.failures = 5
web.upload_mb = 1
web.address_failures = 30
web.trusted_proxies = ["127.0.0.1/32"]
push.contact = "mailto:a@example.com"
"""


@pytest.fixture(scope="session")
def served(web_redis, tmp_path_factory):
    """The program, for tests that leave it as it is."""
    running = Served(
        tmp_path_factory.mktemp("web"),
        web_redis.url,
        SETTINGS + 'mail.host = "127.0.0.1"\n',
    )
    yield running
    running.close()


@pytest.fixture
def house(served):
    return House(served)


@pytest.fixture(scope="session")
def marked(web_redis, tmp_path_factory):
    """The program, each control of its pages with its name on it."""
    links = 'web.url = "http://voicemail.example.com"\nweb.sign_in_links = true\nmail.host = "127.0.0.1"\n'
    folder = tmp_path_factory.mktemp("marked")
    running = Served(folder, web_redis.url, SETTINGS + links, program="support.page_controls")
    yield running
    running.close()


@pytest.fixture
def person(chromium, marked):
    """Somebody in front of a page; all of them go home when the test is over, with nothing to complain of."""
    there = []

    def sits_down(**more):
        there.append(Person(chromium, marked.url, **more))
        return there[-1]

    yield sits_down
    for one in there:
        complaints = one.complaints
        one.context.close()
        assert complaints == []
