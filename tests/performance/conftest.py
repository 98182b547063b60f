"""The whole service behind its event socket, on a real Redis, with what it sends to either counted. Counts, never times."""

from __future__ import annotations

import re

import pytest
from calls import play_book
from calls.book import PhoneCall
from redis.connection import AbstractConnection
from support.pipe import PipeSocket
from support.real_rig import RealRig

from esl_vm.sim.line import Line


class Counted(RealRig):
    """A rig that tells what was sent, in order: `execute APPLICATION`, `api …`, `key K`, `redis` for each round trip."""

    def __init__(self, folder, url) -> None:
        super().__init__(folder, url, now=play_book.NOON, language="en")
        self.sent: list[str] = []

    def steps(self) -> list[tuple[str, list[str]]]:
        """Each key that was pressed, with what was sent until the next one."""
        steps: list[tuple[str, list[str]]] = []
        for word in self.sent:
            if word.startswith("key "):
                steps.append((word[4:], []))
            elif steps:
                steps[-1][1].append(word)
        return steps

    def play(self, call: PhoneCall, folder) -> None:
        """A call after one that made the connections and let Redis know the scripts."""
        play_book.furnish(call, self, folder)
        for _ in range(2):
            self.sent.clear()
            self.ring(play_book.call_of(call), call.does)
            assert self.problems == [], self.transcript


@pytest.fixture
def rig(real_redis, tmp_path, monkeypatch):
    with real_redis.client() as client:
        client.flushall()
    rig = Counted(tmp_path, real_redis.url)
    to_redis = AbstractConnection.send_packed_command
    to_switch = PipeSocket.send

    def redis_sends(connection, *args, **named):
        rig.sent.append("redis")
        return to_redis(connection, *args, **named)

    def switch_sends(pipe, data):
        for command in data.decode().split("\n\n"):
            if application := re.search(r"^execute-app-name: (\S+)", command, re.MULTILINE):
                argument = re.search(r"^execute-app-arg: (.*)", command, re.MULTILINE)
                rig.sent.append(f"execute {application[1]} {argument[1] if argument else ''}")
            elif command:
                rig.sent.append(command)
        return to_switch(pipe, data)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", redis_sends)
    monkeypatch.setattr(PipeSocket, "send", switch_sends)
    pressed = Line.key_released

    def presses(line, key):
        rig.sent.append(f"key {key}")
        pressed(line, key)

    monkeypatch.setattr(Line, "key_released", presses)
    yield rig
    rig.close()
