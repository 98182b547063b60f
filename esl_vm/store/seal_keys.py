"""Under which keys sounds and transcripts were sealed: by their ids, so that one that is missing later is missed."""

from __future__ import annotations

from esl_vm.store.base import Part
from esl_vm.store.keys import SEAL_KEYS
from esl_vm.store.records import text


class RedisSealKeys(Part):
    """See the module. Raises StoreDownError."""

    def note(self, key: str) -> None:
        """Something may be sealed under that key from now on."""
        since = f"{self._base.now():.0f}"
        self._base.link.run(SEAL_KEYS, lambda client: client.hsetnx(SEAL_KEYS, key, since))

    def used(self) -> list[str]:
        """The ids of the keys under which something may be sealed."""
        return sorted(text(key) for key in self._base.link.run(SEAL_KEYS, lambda client: client.hkeys(SEAL_KEYS)))

    def forget(self, keys: list[str]) -> None:
        """Nothing is sealed under these any more."""
        if keys:
            self._base.link.run(SEAL_KEYS, lambda client: client.hdel(SEAL_KEYS, *keys))
