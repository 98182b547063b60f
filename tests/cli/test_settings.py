"""Settings are checked as a whole, before anything starts."""

import dataclasses

import pytest

from esl_vm.model.errors import InvalidValueError, SettingsError
from esl_vm.model.settings import Settings, limits_of
from esl_vm.model.settings_check import parse_address, settings_from


def problems_of(tables):
    with pytest.raises(SettingsError) as refused:
        settings_from(tables)
    return refused.value.problems


def test_nothing_set_is_the_defaults():
    assert settings_from({}) == Settings()


def test_the_defaults_pass_their_own_check():
    tables = dataclasses.asdict(Settings())
    assert settings_from(tables) == Settings()


def test_every_setting_says_what_it_means():
    for section in dataclasses.fields(Settings):
        if section.name in {"data_dir", "mailbox", "waits", "pins"}:
            continue
        for setting in dataclasses.fields(section.default_factory):
            assert limits_of(setting).doc, f"{section.name}.{setting.name}"


def test_values_of_each_kind_arrive():
    settings = settings_from(
        {
            "data_dir": "/srv/vm",
            "service": {"listen": "[::1]:8085", "workers": 4, "allow": ["10.0.0.0/8"]},
            "mailbox": {"force-name": True, "maxmsg": 50, "operator": "0"},
            "waits": {"menu_ms": 5000},
            "pins": {"failures": 5},
        }
    )
    assert settings.data_dir == "/srv/vm"
    assert settings.service.listen == "[::1]:8085"
    assert settings.service.workers == 4
    assert settings.service.allow == ("10.0.0.0/8",)
    assert (settings.mailbox.force_name, settings.mailbox.maxmsg, settings.mailbox.operator) == (True, 50, "0")
    assert settings.waits.menu_ms == 5000
    assert settings.pins.failures == 5


def test_all_problems_are_told_at_once_with_what_was_meant():
    problems = problems_of(
        {
            "servce": {},
            "service": {"worker": 2, "listen": "8084", "workers": "two"},
            "mailbox": {"forcenam": True, "maxmsg": -1},
            "speech": {"language": "es"},
        }
    )
    assert len(problems) == 7
    told = "\n".join(problems)
    assert "servce: no such setting or table; did you mean service?" in told
    assert "service.worker: no such setting; did you mean workers?" in told
    assert "service.listen: an address is HOST:PORT, not '8084'" in told
    assert "service.workers: is a number from 1 to 256, not 'two'" in told
    assert "did you mean force_name?" in told
    assert "speech.language: is fr or en" in told


OIDC = {"issuer": "https://id.example", "client_id": "voicemail", "mailbox_claim": "extension"}


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"data_dir": 3}, "data_dir: is a text in quotes, not 3"),
        ({"service": 3}, "service: this is a table: write [service]"),
        ({"service": {"allow": "10.0.0.0/8"}}, "service.allow: is a list of texts"),
        ({"service": {"allow": ["10.0.0.0/99"]}}, "which is no network"),
        ({"service": {"timezone": "America/Torronto"}}, "did you mean America/Toronto?"),
        ({"service": {"domain": "a b"}}, "not a mailbox domain"),
        ({"service": {"log_level": "verbose"}}, "is one of debug, info, warning, error"),
        ({"service": {"workers": True}}, "is a number"),
        ({"service": {"node": "a\nb"}}, "holds a control character"),
        ({"redis": {"url": "rediss+sentinel://x/y"}}, "begins with one of redis:"),
        ({"redis": {"url": "localhost"}}, "begins with one of redis:"),
        ({"notify": {"enabled": "yes"}}, "notify.enabled: is true or false"),
        ({"webhook": {"url": "ftp://x/"}}, "webhook.url: is an http:// or https:// address"),
        ({"audio": {"store": "folder"}}, "audio.folder: needed"),
        ({"audio": {"store": "s3"}}, "audio.bucket: needed"),
        ({"audio": {"access_key": "A"}}, "give both or neither"),
        ({"audio": {"rate": 12000}}, "audio.rate: is one of 8000, 16000, not 12000"),
        ({"audio": {"rate": "16000"}}, "audio.rate: is one of 8000, 16000, not '16000'"),
        ({"mail": {"password": "a", "password_file": "b"}}, "mail.password: given twice"),
        ({"mail": {"host": "mx", "sender": "Me <me@x>"}}, "mail.sender: is an address"),
        ({"mailbox": {"minsecs": 10, "maxsecs": 5}}, "no message would be kept"),
        ({"oidc": OIDC | {"issuer": "http://id.example"}}, "oidc.issuer: is an https:// address"),
        ({"oidc": OIDC | {"client_id": ""}}, "oidc.client_id: needed"),
        ({"oidc": OIDC | {"scopes": ["email"]}}, "oidc.scopes: openid"),
        ({"oidc": OIDC | {"mailbox_claim": ""}}, "say who may sign in"),
        ({"oidc": OIDC | {"domains": ["a.example=b c"]}}, "oidc.domains: holds"),
        ({"oidc": OIDC | {"domains": ["a.example=b,c"]}}, "'b,c' is no mailbox domain"),
        ({"oidc": OIDC | {"client_secret": "a", "client_secret_file": "b"}}, "oidc.client_secret: given twice"),
        ({"web": {"pins": False}}, "web.pins: false needs oidc.mailbox_claim or web.sign_in_links"),
        (
            {"web": {"sign_in_links": True, "url": "https://v.example"}},
            "web.sign_in_links: needs web.url and mail.host",
        ),
        ({"waits": {"menu_times": 0}}, "waits.menu_times: is a number from 1 to 100"),
        ({"pins": {"shortest": 0}}, "pins.shortest: is a number from 1 to 32"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(tables, told):
    [problem] = problems_of(tables)
    assert told in problem


def test_a_wrong_secret_is_not_repeated():
    [problem] = problems_of({"mail": {"password": 12345}})
    assert "12345" not in problem


@pytest.mark.parametrize("text", ["", "8084", "host:", "host:65536", "::1:8084", "a b:1", "host:-1"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidValueError):
        parse_address(text)


def test_addresses_are_read():
    assert parse_address("127.0.0.1:8084") == ("127.0.0.1", 8084)
    assert parse_address("[::1]:0") == ("::1", 0)
