"""Sounds in S3, or in a service compatible with it (MinIO, Ceph, Garage ...), one object each."""

from __future__ import annotations

import contextlib
import hashlib
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import gevent
from gevent import monkey

from esl_vm.audio.names import ENDING, OWNER, checked, is_id, opened, read_sealed
from esl_vm.model import patience
from esl_vm.model.breaker import Breaker
from esl_vm.model.errors import AudioMissingError, StoreDownError
from esl_vm.model.sealing import Keyless
from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from esl_vm.audio.cache import Cache
    from esl_vm.model.sealing import Seal

T = TypeVar("T")
_MISSING = {"404", "NoSuchKey", "NotFound"}
_REST_S = 5.0
"""Seconds for which a service that did not answer is not asked again."""
_QUICK_S = 0.5
_SERVER_ERROR = 500
WHOLE_S = 60.0
"""Seconds that anything may take in all, however slowly the service drips it: a recording of minutes over a poor line."""
_LARGEST = 512 << 20
"""Bytes of the largest sound that is read."""
_PIECE = 64 << 10
_SUM = "sha256"
"""The sound's check sum, in the object's own metadata."""


class S3TooLongError(BaseException):
    """It took too long in all. Not an Exception: boto3 must not take it for one of its own."""


class _NotMeantError(OSError):
    """An answer that S3 would not give: a proxy's page, another sound."""


class S3Audio:
    """ports.AudioStore in a bucket.

    Args:
        client: a boto3 client, of `s3_client.connect` for one.
        bucket: the bucket; it must be there.
        prefix: what every object's name begins with.
        cache: this node's copies, which FreeSWITCH plays.
        run: how work that waits for the disk is run.
        whole_s: seconds that anything may take in all, where the sockets are gevent's.
        seal: seals what is stored; None = nothing does.

    After the service did not answer it is left alone for five seconds, in which all that is asked of it fails at once; a
    caller on the telephone waits for no more than what their patience (model/patience.py) allows.
    """

    def __init__(
        self,
        client: Any,
        bucket: str,
        cache: Cache,
        *,
        prefix: str = "",
        run: disk.Runner = disk.at_once,
        whole_s: float = WHOLE_S,
        seal: Seal | None = None,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._cache = cache
        self._run = run
        self._whole_s = whole_s
        self._seal = seal or Keyless()
        self._breaker = Breaker(_REST_S)

    def put(self, audio_id: str, source: Path) -> None:
        """Store a file's content; raises OSError where the file can't be read, InvalidValueError for a wrong id."""
        name = self._name(checked(audio_id))
        content = read_sealed(source, self._seal, self._run)
        # Not every service knows conditional writes, so it is asked for first. Two who store the same sound at once
        # store the same bytes.
        if not self.exists(audio_id):
            self._ask(lambda s3: self._write(s3, name, content), audio_id, large=True)

    def put_many(self, audio_ids: Sequence[str], source: Path) -> None:
        """Store a file's content under each of these, an object each."""
        for audio_id in audio_ids:
            self.put(audio_id, source)

    def playable(self, audio_id: str) -> Path:
        """This node's copy; raises AudioMissingError."""
        if not is_id(audio_id):
            raise AudioMissingError(f"there can be no sound {audio_id!r}")
        return self._cache.fetch(audio_id, lambda: opened(self._get(audio_id), self._seal, self._run))

    def stored(self, audio_id: str) -> bytes:
        """The object's content; raises AudioMissingError."""
        return self._get(checked(audio_id))

    def replace(self, audio_id: str, content: bytes) -> None:
        """Put other content in the object's place; nothing if it is gone."""
        name = self._name(checked(audio_id))
        if self.exists(audio_id):
            self._ask(lambda s3: self._write(s3, name, content), audio_id, large=True)

    def delete(self, audio_id: str) -> None:
        """Forget a sound."""
        if not is_id(audio_id):
            return
        name = self._name(audio_id)
        with contextlib.suppress(AudioMissingError):
            self._ask(lambda s3: s3.delete_object(Bucket=self._bucket, Key=name), audio_id)
        self._cache.forget(audio_id)

    def exists(self, audio_id: str) -> bool:
        """Whether the bucket has it."""
        if not is_id(audio_id):
            return False
        name = self._name(audio_id)
        try:
            self._ask(lambda s3: _meant(s3.head_object(Bucket=self._bucket, Key=name)), audio_id)
        except AudioMissingError:
            return False
        return True

    def missing(self, audio_ids: Sequence[str]) -> set[str]:  # noqa: ARG002
        """None: a bucket does not lose what it took, and each would have to be asked for."""
        return set()

    def ids(self) -> Iterator[str]:
        """All ids, a page of 1000 a request."""
        more: dict[str, str] = {}

        def listed(s3: Any) -> Any:
            page = s3.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, **more)
            if "IsTruncated" not in page:  # which would say that no sound is left
                raise _NotMeantError("something answers that is no S3: no list")
            return page

        while True:
            page = self._ask(listed)
            for entry in page.get("Contents", ()):
                name = str(entry["Key"]).removeprefix(self._prefix)
                if name.endswith(ENDING) and is_id(name.removesuffix(ENDING)):
                    yield name.removesuffix(ENDING)
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def owner(self) -> str:
        """What the object `installation` says."""
        try:
            return str(
                self._ask(lambda s3: self._read(s3, f"{self._prefix}{OWNER}"), OWNER), "utf-8", "replace"
            ).strip()
        except AudioMissingError:
            return ""

    def claim(self, installation: str, *, over: bool = False) -> None:
        """Write it, unless it is there."""
        if over or not self.owner():
            name = f"{self._prefix}{OWNER}"
            self._ask(lambda s3: self._write(s3, name, installation.encode()))

    def _name(self, audio_id: str) -> str:
        return f"{self._prefix}{audio_id}{ENDING}"

    def _get(self, audio_id: str) -> bytes:
        return self._ask(lambda s3: self._read(s3, self._name(audio_id)), audio_id, large=True)

    def _write(self, s3: Any, name: str, content: bytes) -> None:
        metadata = {_SUM: hashlib.sha256(content).hexdigest()}
        _meant(s3.put_object(Bucket=self._bucket, Key=name, Body=content, ContentType="audio/wav", Metadata=metadata))

    def _read(self, s3: Any, name: str) -> bytes:
        """An object's content, as it was written; without a check sum (written by others) as it comes."""
        answer = _meant(s3.get_object(Bucket=self._bucket, Key=name))
        content = bytearray()
        while piece := answer["Body"].read(_PIECE):
            content += piece
            if len(content) > _LARGEST:
                raise _NotMeantError("more comes than any sound has")
        wanted = answer.get("Metadata", {}).get(_SUM, "")
        if wanted and hashlib.sha256(content).hexdigest() != wanted:
            raise _NotMeantError("what comes is not what was stored")
        return bytes(content)

    def _ask(self, work: Callable[[Any], T], audio_id: str = "", *, large: bool = False) -> T:
        """Ask the service for something, twice if the first connection was a dead one.

        Args:
            work: gets the client; may be done twice.
            audio_id: the sound it is about, `` = it is about none, and a missing one is the service's fault.
            large: a sound is sent or fetched, which may take longer than a caller waits though nothing is wrong.

        Raises:
            AudioMissingError: there is no such sound. StoreDownError: in words that hold no key.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        if not self._breaker.allows():
            raise StoreDownError(self._breaker.reason)
        begun = monotonic()
        caller = patience.patience() is not None
        most_s = patience.time_for(patience.CALL_S) if caller else self._whole_s
        limit = gevent.Timeout.start_new(most_s, S3TooLongError) if monkey.is_module_patched("socket") else None
        try:
            try:
                answer = work(self._client)
            except BotoCoreError:
                if monotonic() - begun > _QUICK_S:
                    raise
                answer = work(self._client)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if audio_id and code in _MISSING:
                self._breaker.succeeded()
                raise AudioMissingError(f"there is no sound {audio_id}") from error
            reason = f"the bucket {self._bucket} refuses: {code or error}"
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERROR:
                self._breaker.failed(reason)
            else:
                self._breaker.succeeded()
            raise StoreDownError(reason) from error
        except S3TooLongError as error:  # a large sound may take longer; who is on no telephone waits for it
            patience.failed_after(monotonic() - begun)
            reason = f"the bucket {self._bucket} did not answer within {most_s:g} s"
            if not caller or (most_s >= patience.CALL_S and not large):
                self._breaker.failed(reason)
            raise StoreDownError(reason) from error
        except (BotoCoreError, OSError) as error:
            reason = f"the bucket {self._bucket} can't be reached: {error}"
            self._breaker.failed(reason)
            patience.failed_after(monotonic() - begun)
            raise StoreDownError(reason) from error
        finally:
            if limit is not None:
                limit.close()
        self._breaker.succeeded()
        return answer


def _meant(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """An answer about an object, which S3 never gives without its ETag; another's 200 (a proxy's page) is none."""
    if not answer.get("ETag"):
        raise _NotMeantError("something answers that is no S3: no ETag")
    return answer
