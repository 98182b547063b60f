"""Sounds in S3, or in a service compatible with it (MinIO, Ceph, Garage ...), one object each."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from esl_vm.audio.names import ENDING, OWNER, checked, is_id
from esl_vm.model.errors import AudioMissingError, StoreDownError
from esl_vm.spool import disk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from esl_vm.audio.cache import Cache

_MISSING = {"404", "NoSuchKey", "NotFound"}


@dataclass(frozen=True, slots=True)
class S3Address:
    """Where the bucket is.

    Args:
        bucket: its name. prefix: what every object's name begins with.
        endpoint: URL of a compatible service; `` = Amazon's. region: `` = the client's own search.
        access_key, secret_key: `` = the client's own search (its files, the machine's role).
        connect_s, answer_s: seconds for a connection, and for each piece of an answer.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = ""
    connect_s: float = 1.0
    answer_s: float = 2.0


def connect(address: S3Address) -> Any:
    """A boto3 client that fails soon: a caller is waiting. Nothing is connected yet."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=address.connect_s,
        read_timeout=address.answer_s,
        retries={"total_max_attempts": 2, "mode": "standard"},
        # Addresses and checksums that services other than Amazon's understand too.
        s3={"addressing_style": "path" if address.endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client(
        "s3",
        endpoint_url=address.endpoint or None,
        region_name=address.region or ("us-east-1" if address.endpoint else None),
        aws_access_key_id=address.access_key or None,
        aws_secret_access_key=address.secret_key or None,
        config=config,
    )


class S3Audio:
    """ports.AudioStore in a bucket.

    Args:
        client: a boto3 client, of `connect` for one.
        bucket: the bucket; it must be there.
        prefix: what every object's name begins with.
        cache: this node's copies, which FreeSWITCH plays.
        run: how work that waits for the disk is run.
    """

    def __init__(
        self, client: Any, bucket: str, cache: Cache, *, prefix: str = "", run: disk.Runner = disk.at_once
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._cache = cache
        self._run = run

    def put(self, audio_id: str, source: Path) -> None:
        """Store a file's content; raises OSError where the file can't be read, InvalidValueError for a wrong id."""
        name = self._name(checked(audio_id))
        content = self._run(source.read_bytes)
        # Not every service knows conditional writes, so it is asked for first. Two who store the same sound at once
        # store the same bytes.
        if not self.exists(audio_id):
            with self._translated(audio_id):
                self._client.put_object(Bucket=self._bucket, Key=name, Body=content, ContentType="audio/wav")

    def playable(self, audio_id: str) -> Path:
        """This node's copy; raises AudioMissingError."""
        if not is_id(audio_id):
            raise AudioMissingError(f"there can be no sound {audio_id!r}")
        return self._cache.fetch(audio_id, lambda: self._get(audio_id))

    def copy(self, source_id: str, audio_id: str) -> None:
        """Store the same sound under another id, within the service; raises AudioMissingError."""
        name = self._name(checked(audio_id))
        if not is_id(source_id):
            raise AudioMissingError(f"there can be no sound {source_id!r}")
        if self.exists(audio_id):
            return
        with self._translated(source_id):
            self._client.copy_object(
                Bucket=self._bucket, Key=name, CopySource={"Bucket": self._bucket, "Key": self._name(source_id)}
            )

    def delete(self, audio_id: str) -> None:
        """Forget a sound."""
        if not is_id(audio_id):
            return
        with contextlib.suppress(AudioMissingError), self._translated(audio_id):
            self._client.delete_object(Bucket=self._bucket, Key=self._name(audio_id))
        self._cache.forget(audio_id)

    def exists(self, audio_id: str) -> bool:
        """Whether the bucket has it."""
        if not is_id(audio_id):
            return False
        try:
            with self._translated(audio_id):
                self._client.head_object(Bucket=self._bucket, Key=self._name(audio_id))
        except AudioMissingError:
            return False
        return True

    def missing(self, audio_ids: Sequence[str]) -> set[str]:  # noqa: ARG002
        """None: a bucket does not lose what it took, and each would have to be asked for."""
        return set()

    def ids(self) -> Iterator[str]:
        """All ids, a page of 1000 a request."""
        with self._translated(""):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for entry in page.get("Contents", ()):
                    name = str(entry["Key"]).removeprefix(self._prefix)
                    if name.endswith(ENDING) and is_id(name.removesuffix(ENDING)):
                        yield name.removesuffix(ENDING)

    def owner(self) -> str:
        """What the object `installation` says."""
        try:
            with self._translated(OWNER):
                answer = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{OWNER}")
                return str(answer["Body"].read(200), "utf-8", "replace").strip()
        except AudioMissingError:
            return ""

    def claim(self, installation: str) -> None:
        """Write it, unless it is there."""
        if not self.owner():
            with self._translated(""):
                self._client.put_object(Bucket=self._bucket, Key=f"{self._prefix}{OWNER}", Body=installation.encode())

    def _name(self, audio_id: str) -> str:
        return f"{self._prefix}{audio_id}{ENDING}"

    def _get(self, audio_id: str) -> bytes:
        with self._translated(audio_id):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._name(audio_id))
            content: bytes = answer["Body"].read()
            return content

    @contextlib.contextmanager
    def _translated(self, audio_id: str) -> Iterator[None]:
        """Say what goes wrong with the service in the port's words; no key is in them."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if audio_id and code in _MISSING:
                raise AudioMissingError(f"there is no sound {audio_id}") from error
            raise StoreDownError(f"the bucket {self._bucket} refuses: {code or error}") from error
        except (BotoCoreError, OSError) as error:
            raise StoreDownError(f"the bucket {self._bucket} can't be reached: {error}") from error
