"""What comes back from an OpenID Connect provider proves somebody only where every part of it does."""

import base64
import hmac
import json
import subprocess
import sys
import textwrap
import time
from urllib.parse import parse_qsl, urlsplit

import pytest

neighbours = pytest.importorskip(
    "support.oidc_neighbour", reason="what esl-vm[oidc] and its test need is not installed"
)

from joserfc import jwt
from joserfc.jwk import RSAKey

from esl_vm.model.errors import ProviderAwayError, SignInRefusedError, StaleSignInError
from esl_vm.model.settings import OidcSettings
from esl_vm.oidc.bounded_http import BoundedHttp
from esl_vm.oidc.provider import Provider

RETURN = "https://voicemail.example.com/sign-in/oidc/return"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")


class Clock:
    def __init__(self):
        self.ahead = 0.0

    def now(self):
        return time.time() + self.ahead


@pytest.fixture(scope="module")
def running():
    neighbour = neighbours.OidcNeighbour()
    yield neighbour
    neighbour.close()


@pytest.fixture
def neighbour(running):
    running.behave()
    running.user("alice", email="alice@example.com", extension="1001", groups=["staff"])
    return running


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def settings(neighbour):
    return OidcSettings(
        issuer=neighbour.issuer, client_id="voicemail", client_secret="hush", mailbox_claim="extension",
        admin_groups=("helpdesk",),
    )  # fmt: skip


@pytest.fixture
def provider(settings, clock):
    return Provider(settings, clock)


def signs_in(provider, neighbour, sub="alice", *, more=None, kept=None, first=lambda _: True):
    """Go there and come back."""
    address, flow = provider.begin(RETURN, "/mailbox/1001@default/settings")
    given = dict(parse_qsl(urlsplit(neighbour.authorize(address, sub)).query))
    return provider.finish(given | (more or {}), flow if kept is None else kept, RETURN, first)


def test_who_signs_in_there_is_known_here_with_his_claims(provider, neighbour):
    claims, back = signs_in(provider, neighbour)
    assert (claims["sub"], claims["extension"], claims["groups"]) == ("alice", "1001", ["staff"])
    assert back == "/mailbox/1001@default/settings"


def test_what_is_sent_along_is_asked_for_by_the_book(provider):
    asked = dict(parse_qsl(urlsplit(provider.begin(RETURN, "")[0]).query))
    again = dict(parse_qsl(urlsplit(provider.begin(RETURN, "")[0]).query))
    assert (asked["response_type"], asked["scope"], asked["redirect_uri"]) == ("code", "openid profile email", RETURN)
    assert asked["code_challenge_method"] == "S256"
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 32
        assert asked[name] != again[name]


def test_a_browser_that_did_not_begin_is_not_signed_in_and_nobody_is_asked(provider, neighbour):
    _, others = provider.begin(RETURN, "")
    junk = base64.urlsafe_b64encode(b'{"state": 1}').decode()
    half = {"state": "\ud800", "nonce": "x", "verifier": "x", "issuer": "x", "back": "x", "at": 1}
    made_up = [
        base64.urlsafe_b64encode(json.dumps(flow).encode()).decode() for flow in (half, [half], half | {"at": None})
    ]
    for kept in (others, "", "junk", junk, "é" * 9, *made_up):
        with pytest.raises(StaleSignInError):
            signs_in(provider, neighbour, kept=kept)
    with pytest.raises(StaleSignInError):
        signs_in(provider, neighbour, more={"state": ""})
    assert "/oauth2/token" not in neighbour.asked


def test_a_state_is_good_once_and_for_ten_minutes(provider, neighbour, clock):
    used = set()

    def first(state):
        return state not in used and not used.add(state)

    address, flow = provider.begin(RETURN, "")
    given = dict(parse_qsl(urlsplit(neighbour.authorize(address, "alice")).query))
    provider.finish(given, flow, RETURN, first)
    with pytest.raises(StaleSignInError, match="was used"):
        provider.finish(given, flow, RETURN, first)
    address, flow = provider.begin(RETURN, "")
    given = dict(parse_qsl(urlsplit(neighbour.authorize(address, "alice")).query))
    clock.ahead = 700
    with pytest.raises(StaleSignInError, match="too long"):
        provider.finish(given, flow, RETURN, first)


def test_a_code_without_its_verifier_opens_nothing(provider, neighbour):
    address, _ = provider.begin(RETURN, "")
    stolen = dict(parse_qsl(urlsplit(neighbour.authorize(address, "alice")).query))["code"]
    with pytest.raises(SignInRefusedError, match="invalid_grant"):
        signs_in(provider, neighbour, more={"code": stolen})


ALTERED = {
    "another sign-in's nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another service's token": {"aud": "mallory"},
    "a token for many, not by us": {"aud": ["voicemail", "mallory"], "azp": "mallory"},
    "another issuer's token": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "nobody's token": {"sub": None},
    "an expired token": {"exp": int(time.time()) - 120},
    "a token that never expires": {"exp": None},
    "a token of tomorrow": {"iat": int(time.time()) + 86400},
    "a token not good yet": {"nbf": int(time.time()) + 86400},
    "another token's hash": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "an expiry that is no number": {"exp": "tomorrow"},
}


@pytest.mark.parametrize("claims", ALTERED.values(), ids=ALTERED)
def test_a_token_that_is_not_for_this_sign_in_is_refused(provider, neighbour, claims):
    changed = {name: value for name, value in claims.items() if value is not None}
    neighbour.alter = lambda told: {name: value for name, value in told.items() if name not in claims} | changed
    with pytest.raises(SignInRefusedError):
        signs_in(provider, neighbour)


def _by_hand(claims, alg, secret=b""):
    """A token as no library would make it."""
    parts = ({"alg": alg}, claims)
    signed = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    mac = hmac.new(secret, signed.encode(), "sha256").digest() if secret else b""
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def test_a_token_that_the_provider_did_not_sign_is_refused(provider, neighbour, settings):
    stranger = RSAKey.generate_key(2048, {"kid": neighbour.key.kid})
    forged = {
        "by nobody": lambda claims: _by_hand(claims, "none"),
        "by another": lambda claims: jwt.encode({"alg": "RS256", "kid": neighbour.key.kid}, claims, stranger),
        "by what is public": lambda claims: _by_hand(claims, "HS256", neighbour.key.as_pem(private=False)),
        "junk": lambda _: "a.b.c",
    }
    for forge in forged.values():
        neighbour.forge = forge
        with pytest.raises(SignInRefusedError, match="not signed"):
            signs_in(provider, neighbour)
    neighbour.metadata = {"id_token_signing_alg_values_supported": ["none", "HS256"]}
    for forge in (None, *forged.values()):
        neighbour.forge = forge
        with pytest.raises(ProviderAwayError, match="no algorithm"):
            signs_in(Provider(settings, Clock()), neighbour)


def test_the_providers_keys_may_change_at_any_time(provider, neighbour):
    signs_in(provider, neighbour)
    signs_in(provider, neighbour)
    assert neighbour.asked.count("/jwks") == 1
    former = neighbour.key
    neighbour.rotate()
    signs_in(provider, neighbour)
    neighbour.forge = lambda claims: jwt.encode({"alg": "RS256", "kid": former.kid}, claims, former)
    with pytest.raises(SignInRefusedError):
        signs_in(provider, neighbour)


def test_keys_of_a_kind_that_is_not_known_here_stand_in_nobodys_way(provider, neighbour):
    neighbour.odd_keys = [
        *(
            {"kty": "EC", "crv": "weird", "x": "a", "y": "b"},
            {"kty": "RSA"},
            {"kty": "RSA", "n": 1, "e": 2},
            {"kty": "new"},
        ),
        *(
            {"kty": "OKP", "crv": "X25519", "x": "aaaa"},
            {"kty": "RSA", "n": "!!", "e": "AQAB"},
            {"kty": "oct", "k": "aaaa"},
        ),
        *("key", None, {}, RSAKey.generate_key(2048, {"use": "enc"}).as_dict(private=False)),
    ]
    assert signs_in(provider, neighbour)[0]["sub"] == "alice"


@pytest.mark.parametrize("ahead", [50, -50])
def test_clocks_may_differ_by_a_minute(provider, neighbour, clock, ahead):
    clock.ahead = ahead
    neighbour.alter = lambda claims: claims | {"exp": claims["iat"] + 1, "nbf": claims["iat"]}
    assert signs_in(provider, neighbour)[0]["sub"] == "alice"


@pytest.mark.parametrize("ahead", [4000, -120])
def test_clocks_may_not_differ_by_more(provider, neighbour, clock, ahead):
    clock.ahead = ahead
    with pytest.raises(SignInRefusedError, match="not valid"):
        signs_in(provider, neighbour)


def test_an_answer_of_another_provider_is_refused(provider, neighbour, settings):
    with pytest.raises(SignInRefusedError, match="another issuer"):
        signs_in(provider, neighbour, more={"iss": "https://evil.example"})
    assert signs_in(provider, neighbour, more={"iss": neighbour.issuer})
    neighbour.metadata = {"authorization_response_iss_parameter_supported": True}
    strict = Provider(settings, Clock())
    with pytest.raises(SignInRefusedError, match="another issuer"):
        signs_in(strict, neighbour)
    _, elsewhere = Provider(settings, Clock()).begin(RETURN, "")
    flow = json.loads(base64.urlsafe_b64decode(elsewhere + "==="))
    kept = base64.urlsafe_b64encode(json.dumps(flow | {"issuer": "https://other.example"}).encode()).decode()
    with pytest.raises(SignInRefusedError, match="another issuer"):
        provider.finish({"state": flow["state"], "code": "x"}, kept, RETURN, lambda _: True)


def test_who_says_no_there_is_told_so(provider, neighbour):
    address, flow = provider.begin(RETURN, "")
    asked = dict(parse_qsl(urlsplit(address).query))
    with pytest.raises(SignInRefusedError, match="access_denied"):
        provider.finish({"state": asked["state"], "error": "access_denied"}, flow, RETURN, lambda _: True)


def test_claims_that_the_token_has_not_are_asked_of_the_provider(provider, neighbour):
    neighbour.alter = lambda claims: {
        name: value for name, value in claims.items() if name not in {"extension", "groups"}
    }
    assert signs_in(provider, neighbour)[0]["extension"] == "1001"
    neighbour.alter = lambda claims: (
        {"sub": "bob"} | {name: claims[name] for name in claims if name not in {"sub", "extension"}}
    )
    assert "extension" not in signs_in(provider, neighbour)[0]  # somebody else's


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"issuer": "https://evil.example"}, "its issuer is https://evil.example"),
        ({"token_endpoint": "ftp://evil.example/token"}, "token_endpoint"),
        ({"jwks_uri": None}, "jwks_uri"),
    ],
)
def test_what_a_provider_tells_of_itself_must_fit(provider, neighbour, metadata, why):
    neighbour.metadata = metadata
    with pytest.raises(ProviderAwayError, match=why):
        provider.begin(RETURN, "")


def test_a_provider_that_is_away_is_told_of_and_let_alone_for_a_moment(settings, neighbour, clock):
    neighbour.held = {"/.well-known/openid-configuration"}
    provider = Provider(settings, clock, BoundedHttp(0.2))
    for _ in range(3):
        with pytest.raises(ProviderAwayError):
            provider.begin(RETURN, "")
    assert len(neighbour.asked) == 2  # the user, and one question


def test_one_that_answers_with_an_error_is_asked_again_at_once(provider, neighbour):
    """Else whoever asks for nonsense would keep everybody out."""
    neighbour.refuses = {"/.well-known/openid-configuration"}
    with pytest.raises(ProviderAwayError, match="503"):
        provider.begin(RETURN, "")
    neighbour.refuses = set()
    assert provider.begin(RETURN, "")[0].startswith(neighbour.issuer)


def test_a_provider_that_goes_away_later_is_remembered(provider, neighbour, clock):
    provider.begin(RETURN, "")
    clock.ahead = 4000
    neighbour.refuses = {"/.well-known/openid-configuration"}
    assert provider.begin(RETURN, "")[0].startswith(neighbour.issuer)


def test_who_signs_out_may_do_so_there(provider, neighbour):
    address = provider.sign_out_address("https://voicemail.example.com/")
    assert address.startswith(
        f"{neighbour.issuer}/oauth2/end_session?client_id=voicemail&post_logout_redirect_uri=https"
    )


def test_a_provider_that_hangs_or_floods_or_leads_on_is_away(neighbour):
    neighbour.held = {"/jwks"}
    with pytest.raises(ProviderAwayError, match=r"timed out|no whole answer"):
        BoundedHttp(0.2).json(f"{neighbour.issuer}/jwks")
    with pytest.raises(ProviderAwayError, match="no JSON"):
        BoundedHttp(60).json(f"{neighbour.issuer}/")
    neighbour.metadata = {"x": "x" * 600_000}
    with pytest.raises(ProviderAwayError, match="more than"):
        BoundedHttp(60).json(f"{neighbour.issuer}/.well-known/openid-configuration")
    with pytest.raises(ProviderAwayError, match="not followed"):
        BoundedHttp(60).json(f"{neighbour.issuer}/elsewhere")


def test_a_provider_that_drips_is_cut_off_as_a_whole():
    """In a process of its own, as the web process is: each byte comes in time, the answer as a whole does not."""
    drips = textwrap.dedent("""
        from gevent import monkey; monkey.patch_all()
        import gevent
        from gevent.server import StreamServer
        from esl_vm.model.errors import ProviderAwayError
        from esl_vm.oidc.bounded_http import BoundedHttp

        def drip(line, _):
            line.sendall(b"HTTP/1.1 200 OK\\r\\nX-Slow: ")
            while True:
                gevent.sleep(0.02)
                line.sendall(b"x")

        server = StreamServer(("127.0.0.1", 0), drip)
        server.start()
        try:
            BoundedHttp(0.3).json(f"http://127.0.0.1:{server.server_port}/")
        except ProviderAwayError as away:
            print(away)
    """)
    ran = subprocess.run([sys.executable, "-c", drips], capture_output=True, text=True, timeout=100, check=False)
    assert "no whole answer within 0.3 s" in ran.stdout, ran.stderr
