"""A node's copies of sounds go when the sounds are erased, on whichever node that was done."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from esl_vm.store.cluster import FORGET_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esl_vm.audio.cache import Cache
    from esl_vm.sound.disk import Runner
    from esl_vm.store.cluster import Cluster

_LOOKED = ".erased"
_AGAIN_S = 60.0
"""What is told late, of a clock that was behind, is looked at again so long after."""


class Copies:
    """See the module.

    Args:
        cluster: tells what was erased. caches: this node's. run: how work that waits for the disk is run.
    """

    def __init__(self, cluster: Cluster, caches: Sequence[Cache], run: Runner) -> None:
        self._cluster, self._caches, self._run = cluster, caches, run
        self._since = 0.0

    def look(self) -> int:
        """Remove copies of what was erased since the last look; how many went. Raises StoreDownError, OSError.

        The first look is at all that is known; of a cache that was last looked at before that, what nobody plays goes as well.
        """
        erased, now = self._cluster.erased_since(self._since - _AGAIN_S)
        gone = 0
        for cache in self._caches:
            gone += self._run(partial(cache.forget_all, erased)) if erased else 0
            if not self._since and _is_stale(cache, now):
                gone += self._run(cache.expire)
            if cache.folder.exists():
                (cache.folder / _LOOKED).write_text(f"{now:.0f}")
        self._since = now
        return gone


def _is_stale(cache: Cache, now: float) -> bool:
    """Whether it was last looked at before it was known what was erased; one of before that was never looked at."""
    try:
        return now - float((cache.folder / _LOOKED).read_text()) > FORGET_S
    except (FileNotFoundError, ValueError):
        return cache.folder.exists()
