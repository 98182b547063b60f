"""`esl-vm web` as a program on a real Redis, asked over HTTP. Each test has a domain of its own in it."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from support.browser import CHOSEN_PIN, Browser

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.service.wiring import open_node
from esl_vm.sound.wav import wave
from esl_vm.store import keys

_numbers = itertools.count(1)

TESTS = str(Path(__file__).parents[1])


class Served:
    """The program, and the stores behind it."""

    def __init__(self, folder, redis_url, settings="", words=(), *, program="esl_vm"):
        self.folder, self.redis_url = folder, redis_url
        self.config = folder / "esl-vm.toml"
        self.config.write_text(f'redis.url = "{redis_url}"\ndata_dir = "{folder / "data"}"\n{settings}')
        self.log = folder / "web.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", program, "--config", self.config, "web", "--listen", "127.0.0.1:0", *words],
                stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), TESTS)))},
            )  # fmt: skip
        said = self.process.stdout.readline()
        found = re.search(r"http://[0-9.:]+", said)
        assert found, said + self.log.read_text()
        self.url = found[0]
        self._stack = ExitStack()
        self.node = self._stack.enter_context(open_node(load_settings(self.config, {})))

    def close(self):
        self._stack.close()
        self.process.terminate()
        self.process.wait(100)
        self.process.stdout.close()

    def command(self, *words, code=0):
        ran = subprocess.run(
            [sys.executable, "-m", "esl_vm", "--config", self.config, *words],
            capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout

    def browser(self, **more):
        return Browser(self.url, **more)


class House:
    """A domain of its own with what a test needs in it."""

    def __init__(self, served):
        self.served, self.node, self.domain = served, served.node, f"d{os.getpid()}-{next(_numbers)}"
        self.store = self.node.store
        here = keys.login_address("127.0.0.1")  # what tests before this one guessed is not this one's
        self.store.link.run(None, lambda client: client.delete(here))

    def box(self, number="1001", pin=CHOSEN_PIN, *, initial=False, domain="", **fields):
        box = MailboxId(number, domain or self.domain)
        self.store.registry.add(
            box, {"name": f"Owner {number}"} | fields, pin_hash=self.store.pins.hashed(pin), pin_initial=initial
        )
        return box

    def message(self, box, *, number="5145550101", name="Zoé Côté", at=None, ms=2000, **more):
        """Leave a message with a sound; returns its id."""
        now = self.node.clock.now() if at is None else at
        message = Message(new_id(now), Caller(number, name), received=now, duration_ms=ms, **more)
        self.node.audio.put(message.id, self.sound(ms))
        assert self.store.mailboxes.deliver(box, message).kept
        return message.id

    def sound(self, ms=2000):
        path = self.served.folder / f"tone-{ms}.wav"
        if not path.exists():
            path.write_bytes(wave(b"".join((i % 200 * 40).to_bytes(2, "little") for i in range(8 * ms)), 8000))
        return path

    def owner(self, box):
        return self.served.browser().sign_in(box)

    def token(self, *rights, boxes=(), domains=None, everywhere=False, **more):
        from esl_vm.model.rights import Reach, rights_of

        domains = domains if domains is not None else () if boxes or everywhere else (self.domain,)
        reach = Reach(frozenset(boxes), frozenset(domains), everywhere)
        _, words = self.store.access.add_token("program", rights_of(rights or ("*",)), reach, **more)
        return self.served.browser(token=words)

    def administrator(self):
        reply = (browser := self.served.browser()).post(
            "/api/v1/session/link", {"link": self.store.access.link("marie", 600)}
        )
        assert reply.status == 201, reply.body
        return browser

    def reports(self, node, report=None, **fields):
        """A node of which this is known until it leaves, however long the machine takes for a page."""
        self.store.cluster.report(node, "1", 1, fields)
        if report is not None:
            self.store.cluster.publish_report(report)
        for key in (keys.node(node), keys.report(node)):
            self.store.link.run(keys.NODES, lambda client, key=key: client.persist(key))

    def seen(self, box):
        """Which of its events there are: what comes later is known by that, not by the clocks of two processes."""
        return {event.id for event in self.store.events.tail(50, box=box)}

    def since(self, seen, box):
        return [event for event in self.store.events.tail(50, box=box) if event.id not in seen]

    def events(self, box):
        return [event.what.value for event in self.store.events.tail(100, box=box)]
