"""A figure that a page promises is the code's: numbers of seconds, of copies, of things, wherever a page names one."""

import inspect
from pathlib import Path

import pytest

from esl_vm.esl.keys import TWICE_S
from esl_vm.esl.server import ServerSettings
from esl_vm.model import patience
from esl_vm.model.pins import DEFAULT_PIN
from esl_vm.model.settings import Settings
from esl_vm.ops.heartbeat import BEAT_S
from esl_vm.ops.repair import HANDFUL
from esl_vm.recordings.sweeper import Sweeper
from esl_vm.service.process import DEMO_MAILBOXES
from esl_vm.store.base import DAY_S
from esl_vm.store.broadcasts import REMEMBERED_S
from esl_vm.store.cluster import ALIVE_S
from esl_vm.store.pin_hashes import Scrypt

ROOT = Path(__file__).parents[2]
WORDS = {0.2: "a fifth of a second", 3: "three", 5: "five", 10: "ten", 30: "thirty"}
OURS = Settings()
SCRYPT_MB = 128 * Scrypt().n * Scrypt().r >> 20
SECOND_KB = OURS.audio.rate * 2 // 1000
QUIET_S = inspect.signature(Sweeper).parameters["quiet_s"].default
FIGURES = (
    ("README.md", f'data="{OURS.service.listen} async full"'),
    ("README.md", f"{WORDS[len(DEMO_MAILBOXES)]} mailboxes"),
    ("README.md", f"hear it; the PIN is {DEFAULT_PIN}"),
    ("docs/administration.md", f"within {TWICE_S} s counts once"),
    ("docs/administration.md", f"(`redis.partitions`, {OURS.redis.partitions})"),
    ("docs/administration.md", f"{SECOND_KB} kB for each second of sound"),
    ("docs/administration.md", f"({2 * SECOND_KB} kB with `audio.rate = 16000`)"),
    ("docs/durability.md", f"`spool.keep_minutes` ({OURS.spool.keep_minutes})"),
    ("docs/durability.md", f"stays in this node's spool for {WORDS[OURS.spool.keep_minutes]} more minutes"),
    ("docs/durability.md", f"(`service.drain_s`, {OURS.service.drain_s} s)"),
    ("docs/durability.md", f"At most {patience.CALL_S:g} s of silence over the whole call"),
    ("docs/durability.md", f"that fails again after that is given {WORDS[patience.LEAST_S]}"),
    ("docs/durability.md", f"when its file has been quiet for {QUIET_S:g} s"),
    ("docs/mailboxes.md", f"The sound is its name for {REMEMBERED_S // DAY_S} days"),
    ("docs/operations.md", f"Every node reports its state every {WORDS[BEAT_S]} seconds"),
    ("docs/operations.md", f"one that has not reported for {WORDS[ALIVE_S]} counts as gone"),
    ("docs/operations.md", f"(up to {HANDFUL} things, more with `--most N`"),
    ("docs/operations.md", f"did not answer as FreeSWITCH does within {ServerSettings().connect_s:g} s"),
    ("docs/operations.md", f"`redis.events_days` ({OURS.redis.events_days})"),
    ("docs/security.md", f"scrypt, {SCRYPT_MB} MB and 50 ms each"),
)


@pytest.mark.parametrize(("page", "promised"), FIGURES)
def test_a_figure_of_a_page_is_the_codes(page, promised):
    assert promised in " ".join((ROOT / page).read_text().split()).replace("  ", " ")
