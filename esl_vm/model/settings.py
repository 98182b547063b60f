"""The service's settings, as frozen values with their limits; where they come from is the command's business.

Every field carries what `esl-vm config` and the checker need: what it means with its unit, its range or choices,
whether it is a secret. The tables of a settings file have the names of `Settings`' fields.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinRules
from esl_vm.model.waits import Waits

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T", bool, int, float, str, tuple[str, ...])

RENAMED: dict[str, str] = {}
"""Names of settings in the version before, with their sections, and what they are now: both are read, until the next MINOR version."""


@dataclass(frozen=True, slots=True)
class SettingLimits:
    """What a setting's value may be, and what it means.

    Args:
        doc: its meaning and unit.
        low, high: the range of a number.
        choices: the words or numbers allowed; empty = any.
        kind: how a text is checked: `address`, `addresses`, `networks`, `zone`, `language`, `domain`,
            `url`, `redis`, `hosts`, `keys`, `dial`, `calendars`, `webhooks`, `headers`, `patterns`, `regions`, `path` (relative ones are taken from the settings file's folder); `` = any.
        secret: shown only as `****`.
    """

    doc: str
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    kind: str = ""
    secret: bool = False


def _setting(
    default: T,
    doc: str,
    *,
    low: float = 0,
    high: float = 10**9,
    choices: tuple[str, ...] = (),
    kind: str = "",
    secret: bool = False,
) -> T:
    """A field with its limits."""
    limits = SettingLimits(doc, low, high, choices, kind, secret)
    return field(default=default, repr=not secret, metadata={"limits": limits})


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Where calls come in, and how many processes serve them."""

    listen: str = _setting("127.0.0.1:8084", "address calls come in on, HOST:PORT", kind="address")
    allow: tuple[str, ...] = _setting(
        ("127.0.0.0/8", "::1/128"), "networks whose FreeSWITCH may connect", kind="networks"
    )
    workers: int = _setting(1, "processes that serve calls", low=1, high=256)
    max_calls: int = _setting(2000, "most calls at once in one process; more are refused", low=1, high=100000)
    drain_s: int = _setting(120, "seconds running calls are given to end at a stop or reload", high=86400)
    hang_s: int = _setting(60, "seconds without a sign of life after which a process is replaced", low=5, high=3600)
    node: str = _setting("", "this node's name in the spool and the log; empty = the host's name")
    domain: str = _setting("default", "domain of a mailbox for which the call names none", kind="domain")
    timezone: str = _setting("America/Toronto", "time zone of mailboxes that name none, an IANA name", kind="zone")
    answer: str = _setting(
        "always",
        "when callers who leave a message are answered: always at once; known: not where there is no mailbox; "
        "tone: as known, and the greeting is early media",
        choices=("always", "known", "tone"),
    )
    call_context: str = _setting(
        "", "dialplan context in which 3 2, 3 4 and the browser's call back dial; empty = the telephone's own"
    )
    call_ring: str = _setting(
        "user/{number}@{host}",
        "FreeSWITCH's dial string of an owner's telephone, for calling back from the browser: {number} of the mailbox, "
        "{host} that its telephones register with",
        kind="dial",
    )
    call_ring_s: int = _setting(30, "seconds for which it rings", low=5, high=300)
    log_level: str = _setting("info", "least severe that is logged", choices=("debug", "info", "warning", "error"))
    log_format: str = _setting("text", "lines for people, or one JSON object a line", choices=("text", "json"))


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """Where the mailboxes are."""

    url: str = _setting(
        "embedded:", "redis:// rediss:// unix:// redis+sentinel:// redis+cluster:// or embedded:", kind="redis"
    )
    port: int = _setting(
        0, "embedded: only: a loopback port besides its unix socket, with a password; 0 = none", high=65535
    )
    partitions: int = _setting(
        16, "parts the mailboxes are spread over; fixed once an installation began", low=1, high=256
    )
    events_kept: int = _setting(100000, "entries kept in a partition's stream of events", low=100)
    events_days: int = _setting(30, "days for which they are kept at most", low=1, high=3650)


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """Where the sound of messages and greetings is kept."""

    store: str = _setting("redis", "where sounds are kept", choices=("redis", "folder", "s3"))
    folder: str = _setting("", "store = folder: the folder all nodes share", kind="path")
    bucket: str = _setting("", "store = s3: the bucket")
    prefix: str = _setting("", "store = s3: what every object's name begins with")
    endpoint: str = _setting("", "store = s3: URL of a compatible service; empty = Amazon's", kind="url")
    region: str = _setting("", "store = s3: the region; empty = the client's default")
    access_key: str = _setting("", "store = s3: access key; empty = the client's own search")
    secret_key: str = _setting("", "store = s3: secret key", secret=True)
    rate: int = _setting(
        8000, "samples a second of what is kept, whatever a call's line gives", choices=("8000", "16000")
    )
    cache_mb: int = _setting(512, "most megabytes this node keeps of sounds it has played", low=1)
    cache_minutes: int = _setting(15, "minutes for which a sound just played is not thrown away", low=1, high=1440)


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """Encryption of sounds and transcripts where they are kept. Without a key they lie in the clear."""

    key_file: str = _setting(
        "", "file of keys, one a line, the first seals and all open (esl-vm privacy new-key); empty = none", kind="path"
    )
    key_command: tuple[str, ...] = _setting(
        (), "program and arguments that print such a file instead, from a vault for one; within 30 seconds"
    )
    clear_folder: str = _setting(
        "",
        "folder of clear copies of sounds for FreeSWITCH to play, in memory where there is a key (/run/esl-vm); empty = data_dir",
        kind="path",
    )


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """Recordings on their way."""

    folder: str = _setting("", "folder FreeSWITCH records into; empty = `spool` in the data folder", kind="path")
    min_free_mb: int = _setting(64, "megabytes the disk must have free before a recording begins")
    sweep_s: int = _setting(10, "seconds between looks for recordings left by a crash or a stop of Redis", low=1)
    keep_minutes: int = _setting(
        10, "minutes for which what was delivered is looked for, lest a fail-over lost it; 0 = not", high=1440
    )


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """What callers hear."""

    language: str = _setting("fr", "language of mailboxes and calls that name none", kind="language")
    pack: str = _setting("auto", "how prompt files are named", choices=("auto", "asterisk", "freeswitch"))
    prompts: str = _setting("", "folder of the prompt pack; empty = where the pack's packages put it", kind="path")
    prepare: bool = _setting(True, "prompts at one level, spaced as one speaks; false = as the pack has them")


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """What tells others about a change: lamps, events, mail, webhooks."""

    enabled: bool = _setting(True, "`serve` runs the notifier too")
    freeswitch: str = _setting("", "this node's FreeSWITCH for the lamps, HOST:PORT; empty = none", kind="address")
    password: str = _setting("", "its event socket's password", secret=True)
    password_file: str = _setting("", "a file with that password instead", kind="path")
    hosts: tuple[str, ...] = _setting(
        (), "SIP hosts of a mailbox domain, each DOMAIN=HOST,HOST; one not named is a host itself", kind="hosts"
    )
    profiles: tuple[str, ...] = _setting((), "SIP profiles lamps are sent through; empty = all that run")
    maintenance_events: bool = _setting(True, "fire mod_voicemail's vm::maintenance events")
    coalesce_ms: int = _setting(200, "milliseconds within which changes of one mailbox make one lamp event", high=60000)
    reconcile_s: int = _setting(900, "seconds between rounds that resend every lamp", low=10, high=86400)


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How mail about messages is sent. Without a server none is."""

    host: str = _setting("", "SMTP server; empty = no mail")
    port: int = _setting(25, "its port", low=1, high=65535)
    security: str = _setting("none", "how the connection is protected", choices=("none", "starttls", "tls"))
    user: str = _setting("", "user name; empty = no authentication")
    password: str = _setting("", "password", secret=True)
    password_file: str = _setting("", "a file with that password instead", kind="path")
    sender: str = _setting("voicemail@localhost", "address mail comes from")
    sender_name: str = _setting("", "name mail comes from; empty = the template's")
    reply_to: str = _setting("", "address answers to mail go to; empty = the sender's")
    audio_format: str = _setting("wav", "format of the attached sound", choices=("wav", "mp3", "opus"))
    templates: str = _setting("", "folder whose templates come before the built-in ones", kind="path")
    retry_hours: int = _setting(24, "hours for which a refused mail is tried again", low=1, high=720)
    timeout_s: int = _setting(30, "seconds the server may take", low=1, high=600)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """A web address told of every change. Without one none is."""

    url: str = _setting("", "http:// or https:// address; empty = none", kind="url")
    addresses: tuple[str, ...] = _setting(
        (),
        "addresses that notify rules may name (`webhook:NAME`), each NAME=https://…; NAME: small letters, digits, -",
        kind="webhooks",
        secret=True,
    )
    secret: str = _setting("", "key of the HMAC-SHA256 signature; empty = unsigned", secret=True)
    secret_file: str = _setting("", "a file with that key instead", kind="path")
    secrets: tuple[str, ...] = _setting(
        (), "keys of mailbox domains that must not share one, each DOMAIN=KEY", kind="keys", secret=True
    )
    timeout_s: int = _setting(10, "seconds the receiver may take", low=1, high=120)
    retry_hours: int = _setting(24, "hours for which a failed call is tried again", low=1, high=720)


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """The HTTP gateway that text messages go through (`sms:NUMBER` of notify rules). Without an address none are sent."""

    url: str = _setting("", "its http:// or https:// address; empty = none", kind="url")
    method: str = _setting(
        "POST", "how it is asked; GET: the body's values are parameters", choices=("POST", "PUT", "GET")
    )
    format: str = _setting("form", "what the body is: a form, or JSON", choices=("form", "json"))
    body: str = _setting(
        "To={to}&Body={text}",
        "the body; in its values {to}, {text}, {secret}, {id}, {mailbox} stand for what they say",
    )
    headers: tuple[str, ...] = _setting(
        (), "headers, each NAME=VALUE; {secret} stands for the secret", kind="headers", secret=True
    )
    user: str = _setting("", "user name of HTTP Basic, with the secret as password; empty = none")
    secret: str = _setting("", "the key or password it wants", secret=True)
    secret_file: str = _setting("", "a file with that secret instead", kind="path")
    taken: str = _setting("", "what its answer says where it took a text; empty = an answer of 200 to 299 is enough")
    numbers: str = _setting(
        "1NXXNXXXXXX,NXXNXXXXXX",
        "numbers that may get texts, without their +: patterns as those of calls, commas between",
        kind="patterns",
    )
    transcript: bool = _setting(True, "a text has the first words of the message, where they are known")
    longest: int = _setting(300, "most letters of a text", low=40, high=1600)
    per_hour: int = _setting(
        30, "most texts about one mailbox's messages in an hour of the clock; more are given up", low=1, high=10000
    )
    private: bool = _setting(False, "it may have an address that is not of the open internet")
    timeout_s: int = _setting(10, "seconds it may take", low=1, high=120)
    retry_hours: int = _setting(4, "hours for which a text that was not taken is tried again", low=1, high=720)


@dataclass(frozen=True, slots=True)
class NoticeCallSettings:
    """Calls that announce a message (`call:NUMBER` of notify rules). Without a dial string none are placed."""

    dial: str = _setting(
        "", "FreeSWITCH's dial string of an outside number, as sofia/gateway/trunk/{number}; empty = none", kind="trunk"
    )
    numbers: str = _setting(
        "1NXXNXXXXXX,NXXNXXXXXX",
        "numbers that may be called, without their +: patterns as those of calls, commas between",
        kind="patterns",
    )
    caller_number: str = _setting("", "the number such calls come from; empty = the trunk's own", kind="number")
    ring_s: int = _setting(30, "seconds for which it rings", low=5, high=120)
    tries: int = _setting(3, "how often it rings until somebody presses a key", low=1, high=10)
    pause_s: int = _setting(300, "seconds from one try to the next", low=10, high=3600)


@dataclass(frozen=True, slots=True)
class PushSettings:
    """Notices in browsers (Web Push). Without a contact there are none."""

    contact: str = _setting(
        "",
        "whom push services write to, `mailto:admin@example.com` or an https:// address; empty = none",
        kind="contact",
    )
    private: bool = _setting(False, "push services may have addresses that are not of the open internet, and http://")
    timeout_s: int = _setting(10, "seconds one may take", low=1, high=120)
    retry_hours: int = _setting(4, "hours for which a notice that was not taken is tried again", low=1, high=720)


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Figures for Prometheus, and the health of the service."""

    listen: str = _setting("", "address of /metrics, /healthz and /readyz, HOST:PORT; empty = none", kind="address")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The mailbox in a browser, and the API. Without an address there is none."""

    listen: str = _setting("", "address of the pages and the API, HOST:PORT; empty = none", kind="address")
    url: str = _setting("", "where browsers find it, as https://voicemail.example.com; empty = as they ask", kind="url")
    trusted_proxies: tuple[str, ...] = _setting(
        ("127.0.0.1/32", "::1/128"),
        "networks of proxies whose X-Forwarded-For and -Proto are believed",
        kind="networks",
    )
    connections: int = _setting(2000, "most connections at once", low=1, high=100000)
    arrival_s: int = _setting(10, "seconds in which a request's headers must have arrived", low=1, high=300)
    stall_s: int = _setting(30, "seconds a client may take to read or send the next piece", low=1, high=3600)
    upload_mb: int = _setting(20, "most megabytes of a sound that is sent in", low=1, high=1000)
    pins: bool = _setting(
        True, "owners may sign in with mailbox and PIN; false = through [oidc] or a mailed link alone"
    )
    sign_in_links: bool = _setting(
        False, "owners may have a link mailed to their address that signs them in once, within ten minutes"
    )
    session_hours: int = _setting(12, "hours after which one signs in anew", low=1, high=720)
    link_days: int = _setting(
        30, "days for which a link in a mail opens its message in a browser; 0 = mails have none", high=365
    )
    address_failures: int = _setting(
        50,
        "wrong PINs and links from one address, for any mailboxes, within pins.window_s that shut it out",
        low=1,
        high=100000,
    )


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """Calendars that greeting rules may name (`calendar:NAME`), read by each node in the background."""

    sources: tuple[str, ...] = _setting(
        (),
        "iCalendar files and addresses, each NAME=https://… or NAME=/path/file.ics; NAME: small letters, digits, -",
        kind="calendars",
        secret=True,
    )
    holidays: tuple[str, ...] = _setting(
        ("ca", "ca-qc"),
        "countries and their parts whose public holidays are calendars of that name, as fr, us-ny",
        kind="regions",
    )
    refresh_minutes: int = _setting(60, "minutes after which they are read again", low=5, high=10080)
    timeout_s: int = _setting(20, "seconds that fetching one, and reading it, may take", low=1, high=300)
    largest_kb: int = _setting(2048, "most kilobytes of one", low=1, high=65536)
    private: bool = _setting(False, "addresses that are not of the open internet are fetched too")


@dataclass(frozen=True, slots=True)
class TranscriptionSettings:
    """What writes messages down, of mailboxes that have `transcribe`. Without an engine none are."""

    engine: str = _setting(
        "none",
        "what transcribes: an HTTP server with OpenAI's API, faster-whisper here, or a command",
        choices=("none", "http", "faster-whisper", "command"),
    )
    url: str = _setting("", "engine = http: its address, what comes before /v1/audio/transcriptions", kind="url")
    key: str = _setting("", "engine = http: key it wants; empty = none", secret=True)
    key_file: str = _setting("", "a file with that key instead", kind="path")
    model: str = _setting("whisper-1", "engine = http: name of the model")
    folder: str = _setting("", "engine = faster-whisper: folder of the model", kind="path")
    threads: int = _setting(1, "engine = faster-whisper: processors for one message", low=1, high=64)
    command: tuple[str, ...] = _setting(
        (), "engine = command: program and arguments; {file}, {language}, {names} stand for what they say"
    )
    language: str = _setting(
        "mailbox", "language taken to be spoken: the mailbox's, or what the engine hears", choices=("mailbox", "detect")
    )
    languages: tuple[str, ...] = _setting(
        ("fr", "en"), "languages that may be detected; for another the mailbox's is taken", choices=("fr", "en")
    )
    names: bool = _setting(True, "tell the engine the owner's, the caller's and some of the directory's names")
    least_confidence: int = _setting(
        0,
        "percent; a text of which its engine is less sure is not kept; one that does not say how sure is believed",
        high=100,
    )
    longest_s: int = _setting(600, "seconds; longer messages are not transcribed", low=1, high=7200)
    timeout_s: int = _setting(300, "seconds the engine may take for one message", low=1, high=7200)
    wait_s: int = _setting(30, "seconds a mail waits for the transcript before it goes without", high=3600)
    workers: int = _setting(1, "messages transcribed at once by `serve` of this node; 0 = other hosts do it", high=64)
    retry_hours: int = _setting(24, "hours for which a failed transcription is tried again", low=1, high=720)
    webhook: bool = _setting(False, "webhooks are told the words too, not only how many")


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Signing in to the pages through an organisation's OpenID Connect provider. Without an issuer nobody does."""

    issuer: str = _setting("", "https:// address of the provider's issuer, as it writes it; empty = none", kind="url")
    client_id: str = _setting("", "the name under which the provider knows this service")
    client_secret: str = _setting("", "the secret it gave it; empty = none (PKCE alone)", secret=True)
    client_secret_file: str = _setting("", "a file with that secret instead", kind="path")
    name: str = _setting("", "what the sign-in page calls it; empty = your organisation")
    scopes: tuple[str, ...] = _setting(("openid", "profile", "email"), "scopes that are asked for")
    mailbox_claim: str = _setting(
        "", "claim that holds one's mailbox, a number or NUMBER@DOMAIN; empty = owners don't sign in so"
    )
    domain: str = _setting("", "mailbox domain of a claim that is a number alone; empty = service.domain")
    domains: tuple[str, ...] = _setting(
        (), "domains that a claim may name, each CLAIMED=MAILBOX DOMAIN; one not named has no mailbox", kind="hosts"
    )
    admin_claim: str = _setting("groups", "claim that holds one's groups")
    admin_groups: tuple[str, ...] = _setting((), "groups whose members are administrators; empty = nobody is")
    name_claim: str = _setting("preferred_username", "claim by which the events name an administrator")
    ca_file: str = _setting("", "certificates trusted besides the system's, for the provider alone", kind="path")
    timeout_s: int = _setting(10, "seconds the provider may take for an answer", low=1, high=60)
    leeway_s: int = _setting(60, "seconds by which its clock and ours may differ", high=600)
    sign_out: bool = _setting(False, "who signs out here is offered to sign out at the provider too")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Immutable: a reload makes new ones and starts new processes with them."""

    data_dir: str = _setting(
        "", "folder of all this node keeps; empty = /var/lib/esl-vm if there, else ./var", kind="path"
    )
    service: ServiceSettings = field(default_factory=ServiceSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    audio: AudioSettings = field(default_factory=AudioSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    speech: SpeechSettings = field(default_factory=SpeechSettings)
    mailbox: MailboxOptions = field(default_factory=MailboxOptions)
    waits: Waits = field(default_factory=Waits)
    pins: PinRules = field(default_factory=PinRules)
    notify: NotifySettings = field(default_factory=NotifySettings)
    mail: MailSettings = field(default_factory=MailSettings)
    webhook: WebhookSettings = field(default_factory=WebhookSettings)
    sms: SmsSettings = field(default_factory=SmsSettings)
    notice_calls: NoticeCallSettings = field(default_factory=NoticeCallSettings)
    push: PushSettings = field(default_factory=PushSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    web: WebSettings = field(default_factory=WebSettings)
    calendars: CalendarSettings = field(default_factory=CalendarSettings)
    transcription: TranscriptionSettings = field(default_factory=TranscriptionSettings)
    oidc: OidcSettings = field(default_factory=OidcSettings)


def secrets_of(settings: Settings) -> Iterator[tuple[str, str, str, str]]:
    """The secrets that may stand in a file: table, setting, its value, and the file that is named for it."""
    tables = {one.name: getattr(settings, one.name) for one in dataclasses.fields(Settings) if one.name != "data_dir"}
    for name, table in tables.items():
        for setting in dataclasses.fields(table):
            if limits_of(setting).secret and hasattr(table, f"{setting.name}_file"):
                yield name, setting.name, getattr(table, setting.name), getattr(table, f"{setting.name}_file")


def limits_of(setting: dataclasses.Field[object]) -> SettingLimits:
    """What a field's value may be; a field of mailbox options, waits or PIN rules has its own check or any range."""
    limits = setting.metadata.get("limits")
    return limits if isinstance(limits, SettingLimits) else SettingLimits("", 0, 10**9)
