"""The API without a server: requests go straight to the WSGI application, on a store that a test has."""

from __future__ import annotations

import io
import json
from urllib.parse import urlencode

from esl_vm.model.pins import PinRules
from esl_vm.model.rights import GRANTABLE, Reach
from esl_vm.model.sealing import Keyless
from esl_vm.model.settings import WebSettings
from esl_vm.web.dependencies import Dependencies
from esl_vm.web.factory import create_application
from esl_vm.web.streams import Hub


class Api:
    """Everything may be done here; what needs a sound, a spool or a conversion can't.

    Args:
        store: the mailboxes. seal: what encrypts.
    """

    def __init__(self, store, seal=None) -> None:
        nothing = dict.fromkeys(("audio", "callers", "holds", "spool", "converted", "encoded", "outbox"))
        self._application = create_application(
            Dependencies(
                settings=WebSettings(), mailboxes=store.mailboxes, registry=store.registry, pins=store.pins,
                pin_rules=PinRules(), lists=store.lists, clock=store.clock, access=store.access, read_link=store.links.read, messages_of_call=store.calls.messages,
                find_words=store.transcripts.find,
                begin_broadcast=store.broadcasts.begin, events=store.events, cluster=store.cluster, hub=Hub(store.events),
                partition=store.keys.partition, seal=seal or Keyless(), keys_used=store.seal_keys.used, **nothing,
            )
        )  # fmt: skip
        _, self._token = store.access.add_token("tests", GRANTABLE, Reach(everywhere=True))

    def ask(self, method, path, body=None, **query):
        """Status and JSON of an answer (None: nothing)."""
        content = b"" if body is None else json.dumps(body).encode()
        said = []
        parts = self._application(
            {
                "REQUEST_METHOD": method, "PATH_INFO": f"/api/v1{path}", "QUERY_STRING": urlencode(query),
                "SCRIPT_NAME": "", "SERVER_NAME": "test", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(content),
                "wsgi.errors": io.StringIO(), "CONTENT_TYPE": "application/json" if content else "",
                "CONTENT_LENGTH": str(len(content)), "HTTP_AUTHORIZATION": f"Bearer {self._token}",
            },
            lambda status, headers, *_: said.append(int(status.split()[0])),
        )  # fmt: skip
        told = b"".join(parts)
        return said[0], json.loads(told) if told else None
