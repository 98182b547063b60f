"""How long it takes to find what was said: in one mailbox of a domain with 100,000 messages, and in all of it."""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING

from bench.processes import Service
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller, Message
from esl_vm.model.transcript import Segment, Transcript
from esl_vm.service.wiring import open_node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from esl_vm.ops.node import Node

_WORDS = [
    "bonjour", "c'est", "pour", "le", "rendez-vous", "de", "jeudi", "matin", "à", "la", "clinique",
    "rappelez-moi", "s'il", "vous", "plaît", "au", "numéro", "de", "votre", "dossier", "avant", "midi",
    "parce", "que", "la", "réunion", "été", "déplacée", "après", "Noël", "merci", "beaucoup", "bonne",
    "journée", "à", "bientôt", "monsieur", "madame", "Côté",
]  # fmt: skip
_SENTENCES = 12
"""Of ten words each: some 700 letters, 45 seconds of speech."""


def search(boxes: int, searches: int) -> Iterator[tuple[str, str, str]]:
    """Of mailboxes with a hundred messages each, and one with a thousand."""
    chance = random.Random(15)
    with Service() as service, open_node(load_settings(service.settings, {})) as node:
        domain = [MailboxId(str(30000 + number), "default") for number in range(boxes)]
        large = MailboxId("29999", "default")
        for box in domain:
            _fill(node, box, 100, chance)
        _fill(node, large, 1000, chance)
        took = sorted(_seconds(node, [chance.choice(domain)]) for _ in range(searches))
        took_large = sorted(_seconds(node, [large]) for _ in range(searches // 5))
        whole = _seconds(node, node.registry.boxes("default"))
    name = f"finding words in a mailbox of 100 messages, in a domain of {boxes * 100:,}"
    yield f"{name}: p50", f"{1000 * statistics.median(took):.1f} ms", ""
    yield "… p99", f"{1000 * took[len(took) * 99 // 100]:.1f} ms", "< 50 ms"
    yield "… in a mailbox of 1,000 messages: p50", f"{1000 * statistics.median(took_large):.0f} ms", ""
    yield "… in the whole domain", f"{whole:.1f} s", ""


def _fill(node: Node, box: MailboxId, messages: int, chance: random.Random) -> None:
    node.registry.add(box, {"name": "Alice Martin", "language": "fr"})
    for place in range(messages):
        sentences = (" ".join(chance.choices(_WORDS, k=10)) for _ in range(_SENTENCES))
        said = Transcript(
            language="fr",
            engine="bench",
            segments=tuple(Segment(3000 * n, 3000 * n + 2900, one) for n, one in enumerate(sentences)),
        )
        at = time.time() - 3600 + place / 1000
        message = Message(
            f"{box.number}-{place}", Caller("5145550100", "Bob"), at, duration_ms=36000,
            folder=tuple(Folder)[place % 10], transcript=said,
        )  # fmt: skip
        node.mailboxes.deliver(box, message, even_if_full=True)


def _seconds(node: Node, boxes: Iterable[MailboxId]) -> float:
    """Of one search for what is said in one message of a hundred or so."""
    began = time.perf_counter()
    for _ in node.store.transcripts.find(boxes, "clinique NOEL"):
        pass
    return time.perf_counter() - began
