"""Keys change while callers leave messages and an owner hears them, on the simulated node: nobody notices, and the old key is not needed."""

import random
import time
from contextlib import ExitStack

import pytest
from sealing.test_at_rest import House, redis_with_files  # noqa: F401
from support.rig import NodeRig
from support.virtual_clock import VirtualClock

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.call import Call
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller
from esl_vm.model.sealing import is_sealed, key_of
from esl_vm.service.wiring import open_node
from esl_vm.service.worker import build_world
from esl_vm.sim.voice import CallerVoice, samples_of

pytest.importorskip("cryptography", reason="esl-vm[encryption] is not installed")
ALICE = MailboxId("1001")
SAID = {
    number: random.Random(number).randbytes(96000)
    for number in ("5145550101", "5145550102", "5145550103", "5145550104")
}
BEGINS = "w:vm-intro* d:# w:beep talk s:3 "
LEAVES = BEGINS + "d:# quiet w:vm-review d:1 end:20"
HEARS = "w:vm-password d:4821# w:vm-opts d:1 w:<*@30 q:0 "


class Worker(NodeRig):
    """A process that takes calls, with the keys that it found when it began.

    Attributes:
        played: the files of a mailbox's sounds that callers heard, as they were then.
    """

    def __init__(self, house: House, closing: ExitStack) -> None:
        self.house = house
        self.clock = VirtualClock(time.time())
        self.stores = closing.enter_context(open_node(load_settings(None, house.settings)))
        self.world = build_world(self.stores)
        self.played: list[bytes] = []
        self.on_heard = self._heard

    def leave(self, number: str, script: str = LEAVES, shell=None) -> None:
        self.voice = CallerVoice(samples_of(SAID[number]))
        self._ring(Call(caller=Caller(number), destination="1001", variables={"vm_action": "leave"}), script, shell)

    def hear(self, script: str, shell=None) -> None:
        self._ring(Call(caller=Caller("1001"), destination="*97", variables={"vm_action": "check"}), script, shell)

    def _ring(self, call: Call, script: str, shell) -> None:
        self.ring(call, script, shell)
        assert self.problems == [], self.transcript
        assert self.status == "SUCCESS", self.transcript

    def _heard(self, name: str) -> None:
        if name.startswith("<"):
            [file] = self.house.clear.rglob(f"{name.strip('<>')}*")
            self.played.append(file.read_bytes())


@pytest.fixture
def house(tmp_path, redis_with_files):  # noqa: F811
    with redis_with_files.client() as client:
        client.flushall()
    return House(tmp_path, redis_with_files.url, "redis")


def spoken(played: list[bytes]) -> list[str]:
    """Who speaks in these sounds."""
    return ["".join(number for number, said in SAID.items() if said[8000:8064] in sound) for sound in played]


def test_nobody_notices_and_the_old_key_is_not_needed(house, redis_with_files):  # noqa: F811
    first, second, third, fourth = SAID
    with ExitStack() as closing:
        caller, owner = Worker(house, closing), Worker(house, closing)
        stores, old = caller.stores, caller.stores.seal.key
        stores.registry.add(ALICE, {"language": "en"})
        stores.store.pins.change(ALICE, "4821")

        def keys_change(_words: str) -> None:
            assert house.vm("privacy", "new-key", house.keys) == 0
            assert house.vm("privacy", "rotate-key", house.keys) == 0
            reloaded = Worker(house, closing)
            reloaded.leave(third)
            assert house.vm("privacy", "encrypt") == 0
            [key] = stores.store.seal_keys.used()
            assert key == reloaded.stores.seal.key != old
            house.keys.write_text(house.keys.read_text().splitlines()[0] + "\n")

        def owner_hears(_words: str) -> None:
            owner.hear(HEARS + "sh:keys d:6 w:<*@30 q:0 d:# end:20", keys_change)

        caller.leave(first)
        caller.leave(second)
        caller.leave(fourth, BEGINS + "sh:owner d:# quiet w:vm-review d:1 end:20", owner_hears)
        last = Worker(house, closing)
        last.hear(HEARS + "d:6 w:<*@30 q:0 d:# end:20")
        assert spoken(owner.played) == [first, second]
        assert sorted(spoken(last.played)) == [third, fourth]
        for path in house.clear.rglob("*.wav"):
            path.unlink()
        everything = [last.stores.audio.playable(one).read_bytes() for one in last.stores.audio.ids()]
        assert sorted(spoken(everything)) == sorted(SAID)
        stored = [last.stores.audio.stored(one) for one in last.stores.audio.ids()]
        assert {key_of(one) if is_sealed(one) else "clear" for one in stored} == {last.stores.seal.key}
    with redis_with_files.client() as client:
        client.save()
    files = [path for place in (redis_with_files.folder, house.folder) for path in place.rglob("*") if path.is_file()]
    in_the_clear = [path for path in files if "".join(spoken([path.read_bytes()]))]
    assert in_the_clear
    assert all(path.is_relative_to(house.clear) for path in in_the_clear)
