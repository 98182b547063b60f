"""The rig with nothing faked but the telephone: mailboxes and sounds in a Redis, the event socket, the spool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.rig import NodeRig

from esl_vm.audio.cache import Cache
from esl_vm.audio.redis_audio import RedisAudio
from esl_vm.store.keys import audio as audio_key

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.ports import AudioStore


class RealRig(NodeRig):
    """The service on a Redis that is named: its URL, or a client of redis-py. The sounds lie there too.

    Args:
        folder: for the spool and the cache. redis: where the mailboxes are. now: the virtual clock's start.
        world: settings of the world.
    """

    def __init__(self, folder: Path, redis: object, now: float = 1795380000.0, **world: object) -> None:
        super().__init__(folder, now, redis, **world)

    def _sounds(self) -> AudioStore:
        return RedisAudio(self.real.link, audio_key, Cache(self.folder / "cache", limit_bytes=1 << 28))
