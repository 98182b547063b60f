"""Sounds in Redis, a string each; those that several messages have in common are kept once (redis_shared.py)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from esl_vm.audio.names import checked, is_id, opened, read_sealed
from esl_vm.audio.redis_pieces import PIECE, bring, fetch, part_of
from esl_vm.audio.redis_shared import SharedSounds
from esl_vm.model.errors import AudioMissingError, SoundTooLargeError
from esl_vm.model.sealing import Keyless
from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from esl_vm.audio.cache import Cache
    from esl_vm.model.sealing import Seal
    from esl_vm.store.link import Link

_PAGE = 1000
# Of who stores a sound that is there already the replicas are waited for as well: an APPEND is handed on to them, and
# changes nothing where it adds nothing. KEYS: the sound. ARGV: its content.
_KEEP = """
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('SET', KEYS[1], ARGV[1])
else
    redis.call('APPEND', KEYS[1], '')
end
"""
# KEYS: the sound, its pieces put together.
_PLACE = """
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('RENAME', KEYS[2], KEYS[1])
    redis.call('PERSIST', KEYS[1])
else
    redis.call('UNLINK', KEYS[2])
    redis.call('APPEND', KEYS[1], '')
end
"""
# KEYS: the sound, what takes its place.
_SWAP = """
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('UNLINK', KEYS[2])
    return 0
end
redis.call('RENAME', KEYS[2], KEYS[1])
redis.call('PERSIST', KEYS[1])
return 1
"""
#: Redis takes no longer string (proto-max-bulk-len).
MOST_BYTES = 512 << 20


class RedisAudio:
    """ports.AudioStore in Redis, single, behind Sentinel or a Cluster.

    Args:
        link: the way to Redis.
        key: spells the key of a sound; its id stands at the end.
        cache: this node's copies, which FreeSWITCH plays.
        run: how work that waits for the disk is run.
        seal: seals what is stored; None = nothing does.
    """

    def __init__(
        self,
        link: Link,
        key: Callable[[str], str],
        cache: Cache,
        *,
        run: disk.Runner = disk.at_once,
        seal: Seal | None = None,
    ) -> None:
        self._link = link
        self._key = key
        self._owner = key("")  # no sound has that id
        self._cache = cache
        self._run = run
        self._seal = seal or Keyless()
        self._shared = SharedSounds(link, key)

    def put(self, audio_id: str, source: Path) -> None:
        """Store a file's content; raises OSError where the file can't be read, InvalidValueError for a wrong id."""
        key = self._key(checked(audio_id))
        content = self._content(source)
        if len(content) <= PIECE:
            self._link.announce(key, "EVAL", _KEEP, 1, key, content)
        else:
            bring(self._link, key, content)
            self._link.announce(key, "EVAL", _PLACE, 2, key, part_of(key))

    def put_many(self, audio_ids: Sequence[str], source: Path) -> None:
        """Store a file's content once, for all of these; errors as of `put`."""
        self._shared.add([checked(audio_id) for audio_id in audio_ids], self._content(source))

    def _content(self, source: Path) -> bytes:
        if (size := source.stat().st_size) > MOST_BYTES:
            raise SoundTooLargeError(f"it has {size >> 20} MiB, and Redis takes {MOST_BYTES >> 20} at most")
        return read_sealed(source, self._seal, self._run)

    def playable(self, audio_id: str) -> Path:
        """This node's copy; raises AudioMissingError."""
        if not is_id(audio_id):
            raise AudioMissingError(f"there can be no sound {audio_id!r}")
        return self._cache.fetch(audio_id, lambda: opened(self._get(audio_id), self._seal, self._run))

    def stored(self, audio_id: str) -> bytes:
        """What Redis has; raises AudioMissingError."""
        return self._get(checked(audio_id))

    def replace(self, audio_id: str, content: bytes) -> None:
        """Put other content in its place, for all whose sound it is; nothing if it is gone."""
        key = self._key(checked(audio_id))
        if not self._link.run(key, lambda client: client.exists(key)):
            key = self._shared.key_of(audio_id)
        bring(self._link, key, content)
        self._link.announce(key, "EVAL", _SWAP, 2, key, part_of(key))

    def delete(self, audio_id: str) -> None:
        """Forget a sound."""
        if is_id(audio_id):
            key = self._key(audio_id)
            self._link.run(key, lambda client: client.unlink(key))
            self._shared.remove(audio_id)
            self._cache.forget(audio_id)

    def exists(self, audio_id: str) -> bool:
        """Whether Redis has it."""
        if not is_id(audio_id):
            return False
        key = self._key(audio_id)
        return bool(self._link.run(key, lambda client: client.exists(key))) or self._shared.has([audio_id])[0]

    def missing(self, audio_ids: Sequence[str]) -> set[str]:
        """Those that Redis does not have; raises StoreDownError where a part of a Cluster is away."""
        names = {self._key(audio_id): audio_id for audio_id in audio_ids}
        alone = [names[key] for key in self._link.missing(list(names))]
        return {audio_id for audio_id, there in zip(alone, self._shared.has(alone), strict=True) if not there}

    def ids(self) -> Iterator[str]:
        """All ids; those stored or deleted meanwhile may be among them or not."""
        seen: set[str] = set()
        for key in self._keys():
            for audio_id in (key.decode(errors="replace")[len(self._prefix) :], *self._shared.ids(key)):
                if is_id(audio_id) and audio_id not in seen:  # SCAN may tell a key twice
                    seen.add(audio_id)
                    yield audio_id

    def owner(self) -> str:
        """Which installation said that its sounds are here."""
        found: bytes | None = self._link.run(self._owner, lambda client: client.get(self._owner))
        return (found or b"").decode(errors="replace")

    def claim(self, installation: str, *, over: bool = False) -> None:
        """Say so, unless another did."""
        self._link.run(self._owner, lambda client: client.set(self._owner, installation, nx=not over))

    @property
    def _prefix(self) -> str:
        return self._key("0")[:-1]

    def _get(self, audio_id: str) -> bytes:
        key = self._key(audio_id)
        content = fetch(lambda first, last: self._link.run(key, lambda client: client.getrange(key, first, last)))
        if content is None:
            content = self._shared.get(audio_id)
        if content is None:
            raise AudioMissingError(f"there is no sound {audio_id}")
        return content

    def _keys(self) -> Iterator[bytes]:
        """All keys, a page a call: one call over all of a large store would take longer than a call may."""
        cursors, page = self._scan(0, None)
        yield from page
        if not isinstance(cursors, dict):
            while cursors:
                cursors, page = self._scan(cursors, None)
                yield from page
            return
        for node, cursor in cursors.items():  # a Cluster answers with a cursor for each node
            while cursor:
                answer, page = self._scan(cursor, node)
                yield from page
                cursor = answer[node]

    def _scan(self, cursor: int, node: str | None) -> tuple[Any, list[bytes]]:
        pattern = re.sub(r"([\\*?\[\]])", r"\\\1", self._prefix) + "*"

        def work(client: Any) -> tuple[Any, list[bytes]]:
            target = {} if node is None else {"target_nodes": client.get_node(node_name=node)}
            answer: tuple[Any, list[bytes]] = client.scan(cursor, match=pattern, count=_PAGE, **target)
            return answer

        return self._link.run(None, work)
