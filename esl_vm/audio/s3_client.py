"""Where a bucket of sounds is, and a client for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from esl_vm.model.errors import SettingsError


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
    answer_s: float = 10.0


def connect(address: S3Address) -> Any:
    """A boto3 client; nothing is connected yet. Who has a caller waiting is limited by `S3Audio` besides.

    Raises:
        SettingsError: boto3 is not installed.
    """
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise SettingsError(["audio.store: s3 needs boto3; install it with pip install 'esl-vm[s3]'"]) from None

    config = Config(
        connect_timeout=address.connect_s,
        read_timeout=address.answer_s,
        retries={"total_max_attempts": 1, "mode": "standard"},  # S3Audio itself decides what is tried again
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
