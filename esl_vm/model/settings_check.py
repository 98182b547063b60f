"""From the tables of a settings file to `Settings`: the whole is checked, and every problem is told at once."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from esl_vm.model.errors import InvalidValueError, SettingsError
from esl_vm.model.fields import time_zones
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.options import MailboxOptions, option_name, parse_option
from esl_vm.model.settings import SettingLimits, Settings, limits_of, secrets_of
from esl_vm.model.settings_words import limits_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from esl_vm.model.settings import OidcSettings, SmsSettings

REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster", "embedded")


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` or `[IPV6]:PORT`, port 0 to 65535; raises InvalidValueError."""
    found = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\]:([0-9]{1,5})|([A-Za-z0-9._-]+):([0-9]{1,5})", text.strip())
    if not found or int(found[2] or found[4]) > 65535:
        raise InvalidValueError(f"an address is HOST:PORT, not {text!r}")
    return found[1] or found[3], int(found[2] or found[4])


def settings_from(tables: Mapping[str, Any]) -> Settings:
    """The settings that those tables describe, defaults where they are silent.

    Args:
        tables: as read from TOML: tables by name, plus the plain value `data_dir`.

    Raises:
        SettingsError: with every problem found, each beginning with the setting's name.
    """
    problems: list[str] = []
    made: dict[str, Any] = {}
    fields = {f.name: f for f in dataclasses.fields(Settings)}
    for name, value in tables.items():
        if name not in fields:
            problems.append(f"{name}: no such setting or table{_hint(name, fields)}")
        elif name == "data_dir":
            made[name] = _checked(name, value, "", limits_of(fields[name]), problems)
        elif not hasattr(value, "items"):
            problems.append(f"{name}: this is a table: write [{name}]")
        elif name == "mailbox":
            made[name] = _options(value, problems)
        else:
            kind: Any = fields[name].default_factory
            made[name] = _table(name, kind, value, problems)
    settings = Settings(**made) if not problems else Settings()
    if not problems:
        problems += _together(settings)
    if problems:
        raise SettingsError(problems)
    return settings


def _hint(name: str, known: Any) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _options(table: Mapping[str, Any], problems: list[str]) -> MailboxOptions:
    options = MailboxOptions()
    for name, value in table.items():
        try:
            word = option_name(name)
            text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
            options = dataclasses.replace(options, **{word: parse_option(word, text)})  # type: ignore[arg-type]
        except InvalidValueError as wrong:
            problems.append(f"mailbox.{name}: {wrong}")
    return options


def _table(section: str, kind: type[Any], table: Mapping[str, Any], problems: list[str]) -> Any:
    values: dict[str, Any] = {}
    fields = {f.name: f for f in dataclasses.fields(kind)}
    for name, value in table.items():
        if name not in fields:
            problems.append(f"{section}.{name}: no such setting{_hint(name, fields)}")
            continue
        limits = limits_in(kind, fields[name])
        values[name] = _checked(f"{section}.{name}", value, fields[name].default, limits, problems)
    return kind(**values) if not problems else kind()


def _checked(name: str, value: Any, default: Any, limits: SettingLimits, problems: list[str]) -> Any:
    """The value if it is of the default's type and within its limits; else the default, and a problem."""
    try:
        return _right(value, default, limits)
    except InvalidValueError as wrong:
        problems.append(f"{name}: {wrong}")
        return default


def _right(value: Any, default: Any, limits: SettingLimits) -> Any:
    said = "****" if limits.secret else repr(value)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise InvalidValueError(f"is true or false, not {said}")
    elif isinstance(default, int):
        number = isinstance(value, int) and not isinstance(value, bool)
        if limits.choices and not (number and str(value) in limits.choices):
            raise InvalidValueError(f"is one of {', '.join(limits.choices)}, not {said}")
        if not number or not limits.low <= value <= limits.high:
            raise InvalidValueError(f"is a number from {limits.low:.0f} to {limits.high:.0f}, not {said}")
    elif isinstance(default, tuple):
        if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
            raise InvalidValueError(f"is a list of texts, not {said}")
        for word in value:
            _check_text(word, limits, said)
        return tuple(value)
    elif not isinstance(value, str):
        raise InvalidValueError(f"is a text in quotes, not {said}")
    else:
        _check_text(value, limits, said)
    return value


def _check_text(text: str, limits: SettingLimits, said: str) -> None:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise InvalidValueError("holds a control character")
    if limits.choices and text not in limits.choices:
        raise InvalidValueError(f"is one of {', '.join(limits.choices)}, not {said}{_hint(text, limits.choices)}")
    match limits.kind:
        case "address" if text:
            parse_address(text)
        case "networks":
            try:
                ipaddress.ip_network(text)
            except ValueError as wrong:
                raise InvalidValueError(f"holds {text!r}, which is no network: {wrong}") from None
        case "zone" if text not in time_zones():
            raise InvalidValueError(
                f"is an IANA time zone such as America/Toronto, not {said}{_hint(text, time_zones())}"
            )
        case "language" if text[:2].lower() not in {"fr", "en"}:
            raise InvalidValueError(f"is fr or en, not {said}")
        case "domain":
            MailboxId("1", text)
        case "url" if text and (urlsplit(text).scheme not in {"http", "https"} or not urlsplit(text).hostname):
            raise InvalidValueError("is an http:// or https:// address")
        case "redis":
            _check_redis(text)
        case "hosts" if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*=[^\s=,]+(,[^\s=,]+)*", text):
            raise InvalidValueError(f"holds {text!r}, which is not DOMAIN=HOST,HOST")
        case "keys" if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*=.+", text):
            raise InvalidValueError("holds something that is not DOMAIN=KEY")
        case "calendars" if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}=((https?|webcals?)://[^\s/]+\S*|/.+)", text):
            raise InvalidValueError("holds something that is not NAME=https://… or NAME=/path/file.ics")
        case "webhooks" if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}=https?://[^\s@/?#]+([/?#][\x21-\x7e]*)?", text):
            raise InvalidValueError("holds something that is not NAME=https://…")
        case "headers" if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+=[\x20-\x7e]*", text):
            raise InvalidValueError("holds something that is not NAME=VALUE")
        case "patterns":
            parse_option("call_patterns", text)
        case "regions" if not re.fullmatch(r"[a-z]{2}(-[a-z0-9]{1,3})?", text):
            raise InvalidValueError(f"holds {text!r}, which is no country (ca) or part of one (ca-qc)")
        case "dial" if not re.fullmatch(r"[^\s'\"{}]*({(number|host)}[^\s'\"{}]*)+", text):
            raise InvalidValueError(
                f"is a dial string such as user/{{number}}@{{host}}, without blanks or quotes, not {said}"
            )
        case "trunk" if text and not re.fullmatch(r"[^\s'\"{}]*{number}[^\s'\"{}]*", text):
            raise InvalidValueError(
                f"is a dial string such as sofia/gateway/trunk/{{number}}, without blanks or quotes, not {said}"
            )
        case "contact" if text and not re.fullmatch(r"mailto:[^\s<>@]+@[^\s<>@]+|https://[^\s/]+\S*", text):
            raise InvalidValueError(f"is mailto:admin@example.com or an https:// address, not {said}")
        case "number" if text and not re.fullmatch(r"\+?[0-9]{1,31}", text):
            raise InvalidValueError(f"is a telephone number, not {said}")
        case _:
            pass


def _check_redis(url: str) -> None:
    """The scheme at least; a wrong one is what people mistype. The URL itself may hold a password: it is not shown."""
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in REDIS_SCHEMES:
        raise InvalidValueError(
            f"begins with one of {', '.join(f'{s}:' for s in REDIS_SCHEMES)}{_hint(scheme, REDIS_SCHEMES)}"
        )


def _together(settings: Settings) -> list[str]:
    """What no single setting can tell."""
    problems: list[str] = []
    audio, mail = settings.audio, settings.mail
    if audio.store == "folder" and not audio.folder:
        problems.append("audio.folder: needed where audio.store is folder")
    if audio.store == "s3" and not audio.bucket:
        problems.append("audio.bucket: needed where audio.store is s3")
    if settings.privacy.key_file and settings.privacy.key_command:
        problems.append("privacy.key_command: given besides privacy.key_file; one of them tells the keys")
    if bool(audio.access_key) != bool(audio.secret_key):
        problems.append("audio.access_key, audio.secret_key: give both or neither")
    for table, name, plain, file in secrets_of(settings):
        if plain and file:
            problems.append(f"{table}.{name}: given twice, here and in {table}.{name}_file")
    for name, address in (("sender", mail.sender), ("reply_to", mail.reply_to)):
        if mail.host and (address or name == "sender") and not re.fullmatch(r"[^\s<>@]+@[^\s<>@]+", address):
            problems.append(f"mail.{name}: is an address such as voicemail@example.com, not {address!r}")
    needed = {"http": "url", "faster-whisper": "folder", "command": "command"}.get(settings.transcription.engine)
    if needed and not getattr(settings.transcription, needed):
        problems.append(f"transcription.{needed}: needed where transcription.engine is {settings.transcription.engine}")
    named = [*settings.calendars.holidays, *(source.partition("=")[0] for source in settings.calendars.sources)]
    problems += [f"calendars: {name} stands there twice" for name in sorted({n for n in named if named.count(n) > 1})]
    problems += _oidc_together(settings.oidc)
    problems += _sms_together(settings.sms)
    by_provider = settings.oidc.issuer and settings.oidc.mailbox_claim
    if not (settings.web.pins or by_provider or settings.web.sign_in_links):
        problems.append("web.pins: false needs oidc.mailbox_claim or web.sign_in_links; no owner could sign in")
    if settings.web.sign_in_links and not (settings.web.url and mail.host):
        problems.append("web.sign_in_links: needs web.url and mail.host")
    if settings.mailbox.maxsecs and settings.mailbox.minsecs > settings.mailbox.maxsecs:
        problems.append("mailbox.minsecs: is more than mailbox.maxsecs; no message would be kept")
    return problems


def _sms_together(sms: SmsSettings) -> Iterator[str]:
    """What is wrong with the body of text messages."""
    if "{to}" not in sms.body + sms.url or "{text}" not in sms.body + sms.url:
        yield "sms.body: {to} and {text} stand in it, or in sms.url"
    if sms.format == "json" and sms.method == "GET":
        yield "sms.format: is form where sms.method is GET"
    elif sms.format == "json":
        try:
            json.loads(sms.body)
        except ValueError as wrong:
            yield f"sms.body: is no JSON: {wrong}"


def _oidc_together(oidc: OidcSettings) -> Iterator[str]:
    """What is missing for signing in through a provider."""
    if not oidc.issuer:
        return
    parts = urlsplit(oidc.issuer)
    if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        yield "oidc.issuer: is an https:// address, but for one on this host"
    if not oidc.client_id:
        yield "oidc.client_id: needed where oidc.issuer is set"
    if "openid" not in oidc.scopes:
        yield "oidc.scopes: openid must be among them"
    for domain in (oidc.domain, *(pair.partition("=")[2] for pair in oidc.domains)):
        if domain and MailboxId.of("1", domain) is None:
            yield f"oidc.domain, oidc.domains: {domain!r} is no mailbox domain"
    if not oidc.mailbox_claim and not (oidc.admin_claim and oidc.admin_groups):
        yield "oidc.mailbox_claim, oidc.admin_groups: say who may sign in, owners or administrators"
