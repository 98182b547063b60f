"""Signing in through an organisation's OpenID Connect provider: the authorization code flow with PKCE (RFC 7636).

What must come back with a browser that was sent to the provider (state, nonce, PKCE's verifier) goes along with it in a
cookie of its own: no process, and no Redis, keeps anything of sign-ins that were begun. Signatures and claims are looked at
by Authlib and joserfc; by which algorithms, by whose keys and at what time is said here.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from esl_vm.model.errors import ProviderAwayError, SettingsError, SignInRefusedError, StaleSignInError
from esl_vm.model.message import one_line
from esl_vm.oidc.bounded_http import BoundedHttp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from esl_vm.model.settings import OidcSettings
    from esl_vm.ports import Clock

FLOW_S = 600
"""Seconds in which one has signed in at the provider."""
_KEPT_S = 3600.0
_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Asymmetric ones: a token signed by what is public, or by nothing, is none."""
_KEY_TYPES = frozenset({"RSA", "EC", "OKP"})


class Provider:
    """An OpenID Connect provider as one that relies on it sees it.

    Args:
        settings: `[oidc]`, with an issuer.
        clock: by which tokens are valid.
        http: how it is asked.

    Raises:
        SettingsError: the extra `oidc` is not installed.
    """

    def __init__(self, settings: OidcSettings, clock: Clock, http: BoundedHttp | None = None) -> None:
        try:
            import authlib.oidc.core  # noqa: F401 - is it there
            import joserfc.jwt  # noqa: F401
        except ImportError:
            raise SettingsError(["oidc.issuer: install what it needs: `pip install 'esl-vm[oidc]'`"]) from None
        self._settings = settings
        self._clock = clock
        self._http = http or BoundedHttp(settings.timeout_s, settings.ca_file)
        self._issuer = settings.issuer
        self._metadata: dict[str, Any] = {}
        self._metadata_at = self._keys_at = float("-inf")
        self._keys: Any = None

    def begin(self, redirect: str, back: str) -> tuple[str, str]:
        """Where a browser is sent to sign in, and what it keeps until it comes back (`finish`).

        Args:
            redirect: the address to which the provider sends it back.
            back: where it goes on then.

        Raises:
            ProviderAwayError: where the provider is asked for can't be found out.
        """
        from authlib.common.security import generate_token
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        flow = {
            "state": secrets.token_urlsafe(24),
            "nonce": secrets.token_urlsafe(24),
            "verifier": generate_token(64),
            "issuer": self._issuer,
            "at": int(self._clock.now()),
            "back": back,
        }
        address = prepare_grant_uri(
            self.metadata()["authorization_endpoint"],
            client_id=self._settings.client_id,
            response_type="code",
            redirect_uri=redirect,
            scope=" ".join(self._settings.scopes),
            state=flow["state"],
            nonce=flow["nonce"],
            code_challenge=create_s256_code_challenge(flow["verifier"]),
            code_challenge_method="S256",
        )
        return address, base64.urlsafe_b64encode(json.dumps(flow).encode()).decode().rstrip("=")

    def finish(
        self, given: Mapping[str, str], kept: str, redirect: str, first_use: Callable[[str], bool]
    ) -> tuple[dict[str, Any], str]:
        """Who came back from the provider: the claims about him, and where he goes on.

        Args:
            given: the parameters that the provider sent him back with.
            kept: what the browser has kept since `begin`.
            redirect: as it was then.
            first_use: whether that state comes back for the first time.

        Raises:
            StaleSignInError: he did not begin so. SignInRefusedError: it is not proved who he is; the sentence says why.
            ProviderAwayError: it can't be asked.
        """
        flow = _flow(kept)
        age_s = self._clock.now() - float(flow["at"])
        if not hmac.compare_digest(flow["state"].encode(), given.get("state", "").encode()):
            raise StaleSignInError("the state is another browser's")
        if not -self._settings.leeway_s <= age_s <= FLOW_S + self._settings.leeway_s:
            raise StaleSignInError("it took too long")
        if not first_use(flow["state"]):
            raise StaleSignInError("the state was used")
        self._refuse_other_issuers(flow["issuer"], given.get("iss", ""))
        if given.get("error") or not given.get("code"):
            raise SignInRefusedError(f"the provider said {one_line(given.get('error') or 'nothing', 60)}")
        tokens = self._tokens(given["code"], flow["verifier"], redirect)
        claims = self._claims(tokens, flow["nonce"])
        return claims | self._user_info(tokens, claims), flow["back"]

    def sign_out_address(self, back: str) -> str:
        """Where one signs out at the provider too, `` if it can't be done there; back: where he goes on then."""
        try:
            address = str(self.metadata().get("end_session_endpoint", ""))
        except ProviderAwayError:
            return ""
        if not address:
            return ""
        query = urlencode({"client_id": self._settings.client_id, "post_logout_redirect_uri": back})
        return f"{address}{'&' if urlsplit(address).query else '?'}{query}"

    def metadata(self) -> dict[str, Any]:
        """What the provider tells of itself (OpenID Connect Discovery 1.0); kept for an hour, and longer while it is away.

        Raises:
            ProviderAwayError: it can't be had, or is another issuer's.
        """
        if self._clock.now() - self._metadata_at > _KEPT_S:
            try:
                self._metadata = self._checked(
                    self._ask(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
                )
                self._metadata_at = self._clock.now()
            except ProviderAwayError:
                if not self._metadata:
                    raise
        return self._metadata

    def _checked(self, answer: Any) -> dict[str, Any]:
        """Metadata that can be worked with."""
        if not isinstance(answer, dict) or answer.get("issuer") != self._issuer:
            issuer = one_line(str(answer.get("issuer") if isinstance(answer, dict) else None), 200)
            raise ProviderAwayError(f"its issuer is {issuer}, the settings say {self._issuer}")
        scheme = urlsplit(self._issuer).scheme
        for name in (
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
            "end_session_endpoint",
        ):
            address = answer.get(name)
            needed = name in {"authorization_endpoint", "token_endpoint", "jwks_uri"}
            if (address or needed) and not (isinstance(address, str) and urlsplit(address).scheme in {scheme, "https"}):
                raise ProviderAwayError(f"its {name} is no {scheme} address")
        return answer

    def _refuse_other_issuers(self, begun_at: str, answered: str) -> None:
        """An answer of another provider than the one that was asked (RFC 9207)."""
        must_say = self.metadata().get("authorization_response_iss_parameter_supported") is True
        if begun_at != self._issuer or (answered or (self._issuer if not must_say else "")) != self._issuer:
            raise SignInRefusedError("the answer is another issuer's")

    def _tokens(self, code: str, verifier: str, redirect: str) -> dict[str, Any]:
        """What the provider gives for a code."""
        from authlib.oauth2.auth import ClientAuth

        wanted, metadata = self._settings, self.metadata()
        offered = metadata.get("token_endpoint_auth_methods_supported") or []
        method = "client_secret_post" if "client_secret_post" in offered else "client_secret_basic"
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        client = ClientAuth(wanted.client_id, wanted.client_secret, method if wanted.client_secret else "none")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        address, headers, body = client.prepare("POST", metadata["token_endpoint"], headers, urlencode(form))
        status, answer = self._http.json(address, headers, body)
        if status != 200 or not isinstance(answer, dict) or not isinstance(answer.get("id_token"), str):
            why = answer.get("error", "") if isinstance(answer, dict) else ""
            raise SignInRefusedError(f"the provider gave no token: {status} {one_line(str(why), 60)}".rstrip())
        return answer

    def _claims(self, tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of an ID token, once it is sure that they are the provider's, for us, for this sign-in, and now."""
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError

        token = self._verified(tokens["id_token"])
        options = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._settings.client_id},
        }
        params = {"nonce": nonce, "client_id": self._settings.client_id, "access_token": tokens.get("access_token")}
        claims = CodeIDToken(token.claims, token.header, options, params)
        try:
            claims.validate(int(self._clock.now()), self._settings.leeway_s)
        except (JoseError, ValueError, TypeError) as wrong:
            raise SignInRefusedError(f"its token is not valid: {one_line(str(wrong), 100)}") from None
        return dict(claims)

    def _verified(self, token: str) -> Any:
        """The token, if a key of the provider's signed it; keys that were kept may have been changed meanwhile."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        supported = self.metadata().get("id_token_signing_alg_values_supported") or ["RS256"]
        algorithms = sorted(_ALGORITHMS.intersection(supported))
        if not algorithms:  # which joserfc would take for whatever it likes
            raise ProviderAwayError("it signs by no algorithm that is taken here: RS, PS, ES 256 to 512, EdDSA")
        for keys in self._key_sets():
            try:
                return jwt.decode(token, keys, algorithms=algorithms)
            except (JoseError, ValueError, TypeError, KeyError) as wrong:
                why = one_line(str(wrong), 100)
        raise SignInRefusedError(f"its token is not signed by it: {why}")

    def _key_sets(self) -> Iterator[Any]:
        """The provider's keys: those that are kept, then, if they were fetched before, those that it has now."""
        kept = self._keys is not None and self._clock.now() - self._keys_at <= _KEPT_S
        if kept:
            yield self._keys
        self._fetch_keys()
        yield self._keys

    def _fetch_keys(self) -> None:
        from joserfc.errors import JoseError
        from joserfc.jwk import JWKRegistry, KeySet

        answer = self._ask(self.metadata()["jwks_uri"])
        keys = []
        for key in answer.get("keys", []) if isinstance(answer, dict) else []:
            if isinstance(key, dict) and key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig":
                try:
                    keys.append(JWKRegistry.import_key(key))
                except (JoseError, ValueError, TypeError, KeyError):  # of a kind that is not known here; another may do
                    continue
        self._keys, self._keys_at = KeySet(keys), self._clock.now()

    def _user_info(self, tokens: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """Claims that are asked for and not in the token, from the provider's UserInfo endpoint (Core, 5.3)."""
        wanted = {self._settings.mailbox_claim, self._settings.admin_claim if self._settings.admin_groups else ""} - {
            ""
        }
        address = self.metadata().get("userinfo_endpoint")
        if wanted <= claims.keys() or not address or not tokens.get("access_token"):
            return {}
        status, answer = self._http.json(str(address), {"Authorization": f"Bearer {tokens['access_token']}"}, None)
        if status != 200 or not isinstance(answer, dict) or answer.get("sub") != claims["sub"]:
            return {}
        return {name: value for name, value in answer.items() if name not in claims}

    def _ask(self, address: str) -> Any:
        status, answer = self._http.json(address, {}, None)
        if status != 200:
            raise ProviderAwayError(f"{urlsplit(address).netloc} answers {status}")
        return answer


def _flow(kept: str) -> dict[str, Any]:
    """What a browser kept; raises StaleSignInError for what it did not have from us."""
    try:
        flow = json.loads(base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)))
        float(flow["at"])
        if all(flow[name].isascii() for name in ("state", "nonce", "verifier", "issuer", "back")):
            return flow  # type: ignore[no-any-return]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise StaleSignInError("this browser began no sign-in")
