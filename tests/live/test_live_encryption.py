"""Encryption at rest on a real FreeSWITCH: keys change while callers leave messages and owners hear them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest
from calls.book import Box
from live.likeness import likeness
from live.live_node import LiveNode, voices
from live.live_rig import LiveRig, furnish
from live.telephone_sound import RATE
from support.waiting import wait_until

from esl_vm.cli.main import main
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.sealing import is_sealed, key_of
from esl_vm.sealing.keys import add_key

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]
pytest.importorskip("cryptography", reason="esl-vm[encryption] is not installed")

ALICE = MailboxId("1001")
LINES = 3
LEAVES = "w:vm-intro* d:# w:beep talk s:4 d:# quiet w:vm-review d:1 w:vm-msgsaved end:20"
HEARS = "w:vm-password d:4821# w:vm-opts d:1 w:vm-delete hang"


@pytest.fixture
def keys(tmp_path):
    add_key(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def node(live_node, keys, tmp_path):
    """A node of its own; after the other's, whose reason to skip is this one's too."""
    settings = f'[privacy]\nkey_file = "{keys}"\nclear_folder = "{tmp_path / "clear"}"\n'
    with closing(LiveNode(tmp_path / "node", settings=settings)) as node:
        yield node
        assert not node.loop.errors, "\n".join(node.loop.errors)


class Household:
    """A caller and an owner who go on leaving and hearing messages, one after the other.

    Attributes:
        heard: how much each message, as it was heard, is what was said: 1 = the same.
    """

    def __init__(self, node: LiveNode, folder, voice: np.ndarray) -> None:
        self.rig, self.voice = LiveRig(node, folder), voice
        self.heard: list[float] = []
        furnish(self.rig, Box(language="en"))

    def goes_on(self, enough: threading.Event) -> None:
        rig = self.rig
        while not enough.is_set():
            for dialled, script, number in (("1001", LEAVES, "0612345678"), ("*97", HEARS, "1001")):
                rig.dials(dialled, script, number, voice=self.voice)
                assert rig.problems == [], rig.transcript
            self.heard.append(likeness(self.voice[RATE // 2 : 3 * RATE], rig.line.recording()).score)


def test_keys_change_while_messages_are_left_and_heard(node, keys, tmp_path):
    households = [Household(node, tmp_path / f"line-{at}", voices()[at]) for at in range(LINES)]
    enough = threading.Event()

    def vm(*words) -> None:
        assert main(["--config", str(node.service.settings), "privacy", *map(str, words)]) == 0

    def all_go_on() -> None:
        """Each leaves and hears one more message."""
        many = [len(one.heard) + 1 for one in households]
        wait_until(
            lambda: (
                any(one.done() for one in calling)
                or all(len(h.heard) >= n for h, n in zip(households, many, strict=True))
            ),
        )

    with ThreadPoolExecutor(LINES) as pool:
        calling = [pool.submit(one.goes_on, enough) for one in households]
        try:
            all_go_on()
            old = node.stores.seal.key
            vm("new-key", keys)
            node.service.reload()
            vm("rotate-key", keys)
            node.service.reload()
            vm("encrypt")
            keys.write_text(keys.read_text().splitlines()[0] + "\n")
            node.service.reload()
            all_go_on()
            all_go_on()
        finally:
            enough.set()
        for one in calling:
            one.result()
    stores, key = node.stores, node.stores.seal.key
    assert key != old
    assert stores.store.seal_keys.used() == [key]
    messages = [message for one in households for message in one.rig.messages(ALICE, Folder.OLD)]
    assert len(messages) == sum(len(one.heard) for one in households) >= 3 * LINES
    assert min(score for one in households for score in one.heard) > 0.95
    stored = [stores.audio.stored(one) for one in stores.audio.ids()]
    assert {key_of(one) if is_sealed(one) else "clear" for one in stored} == {key}

    said = []
    for message in messages:
        sound = stores.seal.open(stores.audio.stored(message.id))
        assert (
            likeness(
                np.frombuffer(sound, "<i2", offset=44)[RATE : 2 * RATE],
                np.concatenate([one.voice for one in households]),
            ).score
            > 0.95
        )
        said += [sound[at : at + 64] for at in (RATE * 2, RATE * 4)]
    assert list((tmp_path / "node").rglob("appendonlydir/*.aof"))  # Redis' file, in which nothing is compressed
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith("heard-")]
    clear = [path for path in files if any(one in path.read_bytes() for one in said)]
    assert clear  # what is looked for is what was said
    assert [path for path in clear if not path.is_relative_to(tmp_path / "clear")] == []
