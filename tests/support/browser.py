"""A browser or a program on the other end of HTTP: keeps its cookie, sends a token, never follows anything by itself."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

CHOSEN_PIN = "83051947"  # so long that no identifier holds it by chance


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def problem(self):
        """Which problem it is (`not-found`)."""
        return self.json["type"].rpartition("#")[2]


@dataclass
class Browser:
    """Asks one server; `token`: a program's; else as a browser, with the headers that one sends."""

    url: str
    token: str = ""
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method, path, body=None, *, query=None, headers=None, kind="application/json"):
        parts = urlsplit(self.url)
        target = quote(path, safe="/@:%~?=&,") + (f"?{urlencode(query)}" if query else "")
        sent = dict(self.headers)
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        elif not {"Origin", "Sec-Fetch-Site"} & set(headers or {}):
            sent["Sec-Fetch-Site"] = "same-origin"
        if self.cookie:
            sent["Cookie"] = self.cookie
        if body is not None:
            sent["Content-Type"] = kind
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent |= headers or {}
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=100)
        try:
            connection.request(method, target, body, sent)
            answer = connection.getresponse()
            reply = Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()
        for one in answer.headers.get_all("Set-Cookie") or []:
            self.cookie = one.partition(";")[0]
        return reply

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.ask("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.ask("PUT", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.ask("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.ask("DELETE", path, **more)

    def sign_in(self, box, pin=CHOSEN_PIN):
        reply = self.post("/api/v1/session", {"mailbox": str(box), "pin": pin})
        assert reply.status == 201, reply.body
        return self
