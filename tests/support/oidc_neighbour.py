"""An OpenID Connect provider on this host: oidc-provider-mock, with PKCE looked at, keys that change, and tokens as a test wants them."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import threading
import warnings
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it uses what its Authlib will drop some day
    import oidc_provider_mock
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server


class _Silent(WSGIRequestHandler):
    def log(self, *_):
        pass


class OidcNeighbour:
    """Runs in a thread.

    Attributes:
        alter: gets a token's claims and returns those that it is to have. forge: gets the claims, returns a whole token.
        refuses: paths that are answered 503. held: paths whose requests wait until `go_on` is set; `arrived`: one did.
        asked: paths that were asked for, in order. odd_keys: shown before its own.
    """

    def __init__(self):
        self._app = oidc_provider_mock.app()
        self._challenges = {}
        self.go_on, self.arrived = threading.Event(), threading.Event()
        self.rotate()
        self.behave()
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_Silent)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self):
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def behave(self):
        """As a provider should, from now on."""
        self.alter, self.forge, self.metadata = (lambda claims: claims), None, {}
        self.refuses, self.held, self.asked, self.odd_keys = set(), set(), [], []
        self.go_on.clear()
        self.arrived.clear()

    def rotate(self):
        """Sign with another key from now on, and show no other."""
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)

    def user(self, sub, **claims):
        """Somebody who is known there."""
        line = http.client.HTTPConnection(urlsplit(self.issuer).netloc, timeout=100)
        line.request("PUT", f"/users/{sub}", json.dumps(claims), {"Content-Type": "application/json"})
        assert line.getresponse().status == 204
        line.close()

    def authorize(self, address, sub, **form):
        """Sign in there as a browser that was sent to that address; returns where it is sent back to."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}" == self.issuer
        line = http.client.HTTPConnection(parts.netloc, timeout=100)
        body = urlencode({"sub": sub, **form})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        line.request("POST", f"{parts.path}?{parts.query}", body, kind)
        answer = line.getresponse()
        answer.read()
        line.close()
        assert answer.status == 302, answer.status
        return answer.headers["Location"]

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        self.asked.append(path)
        if path in self.held:
            self.arrived.set()
            self.go_on.wait(100)
        if path in self.refuses:
            return _answer(start_response, {"error": "away"}, "503 Service Unavailable")
        if path == "/elsewhere":
            start_response("302 Found", [("Location", "/jwks")])
            return []
        if path == "/jwks":
            return _answer(
                start_response, {"keys": [*self.odd_keys, *KeySet([self.key]).as_dict(private=False)["keys"]]}
            )
        if path == "/oauth2/token":
            return self._token(environ, start_response)
        status, headers, content = self._asked_of_app(environ)
        if path == "/.well-known/openid-configuration":
            return _answer(start_response, json.loads(content) | self.metadata)
        if path == "/oauth2/authorize" and status.startswith("302"):
            given = parse_qs(environ["QUERY_STRING"])
            for code in parse_qs(urlsplit(dict(headers)["Location"]).query).get("code", []):
                self._challenges[code] = given["code_challenge"][0]
        start_response(status, headers)
        return [content]

    def _token(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        given = dict(parse_qsl(body.decode()))
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        wanted = self._challenges.pop(given["code"], "")
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != wanted:
            return _answer(start_response, {"error": "invalid_grant"}, "400 Bad Request")
        status, headers, content = self._asked_of_app(environ | {"wsgi.input": io.BytesIO(body)})
        if not status.startswith("200"):
            start_response(status, headers)
            return [content]
        told = json.loads(content)
        payload = told["id_token"].split(".")[1]
        claims = self.alter(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
        header = {"alg": "RS256", "kid": self.key.kid}
        told["id_token"] = self.forge(claims) if self.forge else jwt.encode(header, claims, self.key)
        return _answer(start_response, told)

    def _asked_of_app(self, environ):
        said = []
        content = b"".join(self._app(environ, lambda status, headers, *_: said.extend((status, headers))))
        return said[0], said[1], content


def _answer(start_response, value, status="200 OK"):
    content = json.dumps(value).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]
