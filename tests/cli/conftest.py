"""Commands as a person runs them, in this process, on a real Redis."""

import io
import json
import sys
from dataclasses import dataclass

import pytest
import redis
from support.redis_servers import NoRedisError, redis_server
from support.sounds import write_wav

from esl_vm.cli.main import main


@dataclass
class Ran:
    """What a command left: its exit code, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        assert self.code == 0, self.err
        return json.loads(self.out)


@pytest.fixture(scope="session")
def redis_of_commands():
    """A Redis of their own: some of these tests change its settings."""
    try:
        with redis_server() as server:
            yield server
    except NoRedisError as none:
        pytest.skip(str(none))


@pytest.fixture(scope="session")
def redis_url(redis_of_commands):
    """Where it is."""
    return redis_of_commands.url


@pytest.fixture
def places(redis_url, tmp_path):
    """The options that say where Redis and the data folder of the test are."""
    return ("--redis", redis_url, "--data-dir", str(tmp_path / "data"))


@pytest.fixture
def vm(redis_url, tmp_path, capsys, monkeypatch):
    """Run a command: `vm("mailbox", "list")`, with `typed` on its standard input."""
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    client.close()
    monkeypatch.delenv("ESL_VM_CONFIG", raising=False)

    def run(*words, typed="", at=redis_url):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        places = ["--redis", at, "--data-dir", str(tmp_path / "data")]
        try:
            code = main([*places, *map(str, words)])
        except SystemExit as left:
            code = left.code
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def tone(tmp_path):
    """Make a WAV file of so many seconds: 8 kHz, mono, 16 bit."""

    def make(seconds=2.0, name="tone.wav", rate=8000):
        return write_wav(tmp_path / name, seconds, rate)

    return make


@pytest.fixture
def node(redis_url, tmp_path, vm):
    """The stores that the commands work on, to put messages in."""
    from esl_vm.cli.settings_file import load_settings
    from esl_vm.service.wiring import open_node

    given = {"redis.url": redis_url, "data_dir": str(tmp_path / "data")}
    with open_node(load_settings(None, given)) as opened:
        yield opened


@pytest.fixture
def leave(node, tone):
    """Leave a message in a mailbox: `leave("1001", caller=Caller("1002", "Bob"))`; returns its id."""
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message, new_id

    def put(number="1001", seconds=2.0, **fields):
        received = fields.pop("received", node.clock.now())
        message = Message(new_id(received), received=received, duration_ms=int(seconds * 1000), **fields)
        node.audio.put(message.id, tone(seconds))
        node.mailboxes.deliver(MailboxId(number), message, even_if_full=True)
        return message.id

    return put
