"""Browsers that are told of messages."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from esl_vm.web.schemas.base import RequestSchema, ResponseSchema


class PushSignUp(RequestSchema, frozen=True):
    """What a browser's `PushSubscription` has, and what its owner calls it."""

    endpoint: Annotated[str, Meta(description="The address of its push service.", max_length=1000)]
    p256dh: Annotated[str, Meta(description="Its public key, base64url.", max_length=100)]
    auth: Annotated[str, Meta(description="Its secret, base64url.", max_length=40)]
    name: Annotated[str, Meta(description="What its owner knows it by.", max_length=60)] = ""
    words: Annotated[bool, Meta(description="It is told what is said in a message, too.")] = False


class PushBrowser(ResponseSchema, frozen=True):
    """A browser that is told of messages."""

    id: Annotated[str, Meta(description="The beginning of its endpoint's SHA-256, hexadecimal.")]
    name: str
    words: bool
    since: str


class PushBrowsers(ResponseSchema, frozen=True):
    """All of a mailbox, and the key with which another signs up."""

    key: Annotated[str, Meta(description="The service's public key: `applicationServerKey`, base64url.")]
    browsers: list[PushBrowser]
