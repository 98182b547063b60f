"""A service like S3 with manners (neighbour.py): one bucket, no signature is checked.

Steps: `connect`; the answer to each request: `head`, `get`, `list`, `put`, `delete`; `body` (behind the head of an answer to `get`).
"""

from __future__ import annotations

import re
from hashlib import md5, sha256
from urllib.parse import unquote
from xml.sax.saxutils import escape

from support.neighbour import Neighbour

_MISSING = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>"


def answer(status, body=b"", **headers):
    """An answer over HTTP; `length` in its head instead of the body's own where it is given."""
    length = headers.pop("length", len(body))
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {length}", "Content-Type: application/xml"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def refusal(status, code):
    """An error as S3 says it."""
    return answer(status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode())


class S3Neighbour(Neighbour):
    """Keeps `objects` by key, and the check sums that came with them."""

    def __init__(self, manners=None, port=0):
        self.objects = {}
        self.sums = {}
        super().__init__(manners, port)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def keep(self, key, content):
        """As if we had stored it."""
        self.objects[key], self.sums[key] = content, sha256(content).hexdigest()

    def converse(self, line):
        line.answer("connect")
        while True:
            method, target, _ = line.read_line().decode().split()
            head = b""
            while (text := line.read_line()) != b"\r\n":
                head += text
            if b"100-continue" in head.lower():
                line.say(b"HTTP/1.1 100 Continue\r\n\r\n")
            size = re.search(rb"(?i)content-length: *([0-9]+)", head)
            content = line.read(int(size[1])) if size else b""
            path, _, query = target.partition("?")
            _, _, key = unquote(path).lstrip("/").partition("/")
            self._answer(line, method, key, query, content, head)

    def _answer(self, line, method, key, query, content, head):
        held = self.objects.get(key)
        tag = f'"{md5(held or content, usedforsecurity=False).hexdigest()}"'
        told = {"x_amz_meta_sha256": self.sums[key]} if key in self.sums else {}
        if method == "HEAD":
            usual = answer(404) if held is None else answer(200, length=len(held), ETag=tag)
            line.answer("head", usual=usual)
        elif method == "GET" and "list-type=2" in query:
            entries = "".join(f"<Contents><Key>{escape(name)}</Key></Contents>" for name in sorted(self.objects))
            usual = answer(
                200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()
            )
            line.answer("list", usual=usual)
        elif method == "GET":
            usual = answer(404, _MISSING) if held is None else answer(200, length=len(held), ETag=tag, **told)
            if line.answer("get", usual=usual) == usual and held is not None:
                line.answer("body", usual=held)
        elif method == "PUT":
            usual = answer(200, ETag=tag)
            line.answer("put", usual=usual, does=lambda: self._hold(key, content, head))
        elif method == "DELETE":
            line.answer("delete", usual=answer(204), does=lambda: self.objects.pop(key, None))

    def _hold(self, key, content, head):
        sent = re.search(rb"(?i)x-amz-meta-sha256: *(\w+)", head)
        self.objects[key], self.sums[key] = content, sent[1].decode()
