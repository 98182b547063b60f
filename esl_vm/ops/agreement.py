"""Whether this node's store of sounds and its settings are those of the installation it works for."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from esl_vm.model.agreement import differences, in_common
from esl_vm.model.errors import SettingsError, StoreDownError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.ops.node import Node

_SAMPLE = 20
SOUNDS_REMEDY = (
    "correct [audio] in the settings; or, if it is the right store all the same: `esl-vm doctor --adopt-sounds`"
)


def sounds_problem(node: Node) -> str:
    """Why the sounds that this node sees are not those of its installation; `` if they are.

    A store that carries no mark yet is given one, if what is in the mailboxes is in it (or there is nothing yet).

    Raises:
        StoreDownError: Redis or the store can't be asked now.
    """
    node.store.verify()
    mine = node.store.installation
    if not mine:
        return ""  # of an older version, in a Redis that takes no changes now
    if not node.audio.owner():
        sounds = list(islice(_sounds(node), _SAMPLE))
        if sounds and not any(node.audio.exists(sound) for sound in sounds):
            return (
                f"{_place(node)} carries no installation's mark, and none of {len(sounds)} sounds that are in mailboxes: "
                "it is not where the sounds of this installation are"
            )
        try:
            node.audio.claim(mine)
        except StoreDownError:  # it can be read, and takes no changes now: it is marked another time
            return ""
    theirs = node.audio.owner()
    if theirs != mine:
        return f"{_place(node)} belongs to installation {theirs}, this one is {mine}"
    return ""


def must_have_its_sounds(node: Node) -> None:
    """Raises SettingsError where the store of sounds is another installation's; StoreDownError if it can't be asked."""
    problem = sounds_problem(node)
    if problem:
        raise SettingsError([f"audio.store: {problem}: {SOUNDS_REMEDY}"])


def common_settings(node: Node) -> dict[str, str]:
    """What this node tells the others: see `in_common`."""
    from esl_vm.speech.packs import open_pack

    waits = node.store.link.replicas
    return in_common(
        node.settings,
        **{
            "redis.url wait_replicas": str(waits or ""),
            "privacy keys": " ".join(node.seal.keys),
            "speech.prompts kind": open_pack(node.settings.speech.pack, node.settings.speech.prompts).kind,
        },
    )


def disagreements(node: Node) -> list[str]:
    """Where the nodes that are alive differ from this one in what must agree; raises StoreDownError."""
    return differences(node.settings.service.node, common_settings(node), node.store.cluster.nodes())


def _sounds(node: Node) -> Iterator[str]:
    for box in node.registry.boxes():
        yield from sorted(node.mailboxes.sounds(box))


def _place(node: Node) -> str:
    wanted = node.settings.audio
    return {"redis": "Redis", "folder": f"the folder {wanted.folder}", "s3": f"bucket {wanted.bucket}/{wanted.prefix}"}[
        wanted.store
    ]
