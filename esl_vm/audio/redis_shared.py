"""Sounds in Redis that several messages have in common: kept once, with the ids of all whose sound it is.

A sound and who has it are two keys with one tag, `{ID}` of the message that it was recorded as: in a Cluster they lie on one
master, wherever the mailboxes are, and each step is one script. So nobody can be told of a sound that another one's
deletion is just erasing, and a step that is repeated after a crash does no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esl_vm.audio.redis_pieces import PIECE, bring, fetch, part_of
from esl_vm.recordings.manifest import original_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from esl_vm.store.link import Link


OWNERS = ":for"

# KEYS: the sound, the hash of who has it. ARGV: the ids. Returns 1, or 0 if there is no such sound: nothing was done.
_JOIN = """
if redis.call('EXISTS', KEYS[1]) == 0 then
    return 0
end
for index = 1, #ARGV do
    redis.call('HSET', KEYS[2], ARGV[index], '1')
end
return 1
"""
# The same, with the sound before the ids; `` where it was put together under KEYS[3]. A hash, since HSET is handed on to the replicas
# also where it changes nothing: so waiting for them proves something when this is repeated.
_ADD = """
if redis.call('EXISTS', KEYS[1]) == 0 then
    if ARGV[1] == '' then
        redis.call('RENAME', KEYS[3], KEYS[1])
        redis.call('PERSIST', KEYS[1])
    else
        redis.call('SET', KEYS[1], ARGV[1])
    end
end
for index = 2, #ARGV do
    redis.call('HSET', KEYS[2], ARGV[index], '1')
end
return redis.call('HLEN', KEYS[2])
"""
# ARGV: an id. The last one takes the sound along.
_REMOVE = """
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('UNLINK', KEYS[1])
end
"""
_GET = """
return redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 and redis.call('GETRANGE', KEYS[1], ARGV[2], ARGV[3])
"""


class SharedSounds:
    """See the module. Every method raises StoreDownError.

    Args:
        link: the way to Redis.
        key: spells the key of a sound; its id stands at the end.
    """

    def __init__(self, link: Link, key: Callable[[str], str]) -> None:
        self._link = link
        self._key = key

    def add(self, audio_ids: Sequence[str], content: bytes) -> None:
        """Keep a sound for these ids, all of them copies of one message."""
        for original in dict.fromkeys(map(original_id, audio_ids)):
            ids = [audio_id for audio_id in audio_ids if original_id(audio_id) == original]
            sound, owners = self._keys(original)
            if not self._link.announce(sound, "EVAL", _JOIN, 2, sound, owners, *ids):
                whole = content if len(content) <= PIECE else b""
                if not whole:
                    bring(self._link, sound, content)
                self._link.announce(sound, "EVAL", _ADD, 3, sound, owners, part_of(sound), whole, *ids)

    def remove(self, audio_id: str) -> None:
        """That one needs it no more."""
        self._run(_REMOVE, audio_id)

    def get(self, audio_id: str) -> bytes | None:
        """The sound of that id, None if it has none here."""
        return fetch(lambda first, last: self._run(_GET, audio_id, first, last))

    def has(self, audio_ids: Sequence[str]) -> list[bool]:
        """Whether each of these has one here."""
        asked = (("HEXISTS", self._keys(original_id(audio_id))[1], audio_id) for audio_id in audio_ids)
        return [bool(there) for there in self._link.pipe(None, asked)]

    def ids(self, key: bytes) -> list[str]:
        """Whose sound it is, where the key is that of such a hash."""
        name = key.decode(errors="replace")
        found: list[bytes] = self._link.run(name, lambda client: client.hkeys(name)) if name.endswith(OWNERS) else []
        return [one.decode(errors="replace") for one in found]

    def key_of(self, audio_id: str) -> str:
        """Where the sound of that id lies, if it has one in common."""
        return self._keys(original_id(audio_id))[0]

    def _keys(self, original: str) -> tuple[str, str]:
        sound = self._key(f"{{{original}}}")  # no id has braces: it is nobody's own
        return sound, sound + OWNERS

    def _run(self, script: str, audio_id: str, *more: int) -> Any:
        keys = self._keys(original_id(audio_id))
        return self._link.run(keys[0], lambda client: client.eval(script, 2, *keys, audio_id, *more))
