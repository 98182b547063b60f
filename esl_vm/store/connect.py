"""From a Redis URL to the link: single, unix socket, Sentinel, Cluster; all through redis-py's own clients."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from esl_vm.model.errors import SettingsError
from esl_vm.store.link import Link, LinkLimits

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_PORTS = {"redis+sentinel": 26379}
_FLAGS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_TLS_FLAGS = ("ssl_check_hostname",)
_CLI_FILES = {"ssl_ca_certs": "--cacert", "ssl_certfile": "--cert", "ssl_keyfile": "--key"}
# Telling Redis redis-py's name and version costs two round trips for each connection.
_NAMELESS: dict[str, Any] = (
    {"driver_info": None}
    if "driver_info" in signature(redis.Redis.__init__).parameters
    else {"lib_name": None, "lib_version": None}
)


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """What a Redis URL says.

    Args:
        kind: `redis`, `rediss`, `unix`, `redis+sentinel`, `redis+cluster`.
        hosts: hosts and ports; of the Sentinels, or some of the Cluster's nodes. path: of the unix socket.
        db: number of the database, 0 in a Cluster. service: the master's name at the Sentinels.
        secrets: `username`, `password`, and the same for the Sentinels; never shown.
        tls: arguments of redis-py for TLS, empty without it.
        replicas: how many replicas must have a message before its caller is told that it is kept.
    """

    kind: str
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    db: int = 0
    service: str = ""
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    tls: dict[str, Any] = field(default_factory=dict)
    replicas: int = 0

    @property
    def label(self) -> str:
        """What to call it in errors and logs: the URL without its secrets."""
        if self.kind == "unix":
            return f"Redis at unix:{self.path}"
        hosts = ",".join(f"{host}:{port}" for host, port in self.hosts)
        return f"Redis at {self.kind}://{hosts}" + (f"/{self.service}" if self.service else "")

    def redis_cli(self, server: tuple[str, int] | None = None, *, sentinel: bool = False) -> str:
        """The command that reaches a server; it asks for the password where there is one.

        Args:
            server: its host and port; None: the URL's.
            sentinel: whether it is a Sentinel.
        """
        host, port = server or (self.hosts or (("", 0),))[0]
        words = ["redis-cli", *(["-s", self.path] if self.path else ["-h", host, "-p", str(port)])]
        words += ["--tls"] if self.tls else []
        words += [word for name, option in _CLI_FILES.items() if name in self.tls for word in (option, self.tls[name])]
        login = "sentinel_" if sentinel else ""
        words += ["--user", self.secrets[f"{login}username"]] if self.secrets.get(f"{login}username") else []
        words += ["--askpass"] if self.secrets.get(f"{login}password") else []
        return shlex.join(words)


def parse_redis_url(url: str) -> RedisAddress:
    """Read a Redis URL.

    `redis://[[user]:password@]host[:port][/db]`, `rediss://` the same over TLS, `unix:/path[?db=N]`,
    `redis+sentinel://h1[:p],h2[:p]/SERVICE[?db=N]`, `redis+cluster://h1[:p],h2[:p]`. After `?`, with `&` between:
    `db`, `ssl=yes` (TLS with Sentinel or Cluster), `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` (files),
    `ssl_check_hostname=no`, `sentinel_username`, `sentinel_password`, `password`, and `wait_replicas=N`: so many
    replicas must have a message, a greeting or a PIN before anybody is told that it is kept (Redis's WAIT). A password's special characters
    are written %XX.

    Raises:
        SettingsError: all that is wrong with it. The URL itself is not shown: it may hold a password.
    """
    kind, _, _ = url.partition(":")
    if kind not in {"redis", "rediss", "unix", "redis+sentinel", "redis+cluster"}:
        raise SettingsError([f"Redis URL: no such kind {kind!r}: redis, rediss, unix, redis+sentinel, redis+cluster"])
    problems: list[str] = []
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    login, _, hosts_text = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    secrets = {
        "username": unquote(user) or query.pop("username", ""),
        "password": unquote(password) or query.pop("password", ""),
        "sentinel_username": query.pop("sentinel_username", ""),
        "sentinel_password": query.pop("sentinel_password", ""),
    }
    path = unquote(parts.path)
    rest = path.strip("/")
    service = ""
    hosts: tuple[tuple[str, int], ...] = ()
    if kind == "unix":
        path = unquote(hosts_text) + path
        rest = ""
        if not path.startswith("/"):
            problems.append("Redis URL: unix: needs the socket's whole path, unix:/run/redis/redis.sock")
    else:
        hosts = tuple(_host(text, DEFAULT_PORTS.get(kind, 6379), problems) for text in hosts_text.split(",") if text)
        if not hosts:
            problems.append(f"Redis URL: {kind}:// needs a host")
    if kind == "redis+sentinel":
        service, _, rest = rest.partition("/")
        if not service:
            problems.append("Redis URL: redis+sentinel://host:port/SERVICE needs the name the Sentinels know it by")
    if kind in {"redis", "rediss"} and len(hosts) > 1:
        problems.append(f"Redis URL: several hosts are for redis+sentinel:// or redis+cluster://, not for {kind}://")
    db = _number(query.pop("db", rest) or "0", "the database", problems)
    replicas = _number(query.pop("wait_replicas", "0"), "wait_replicas", problems)
    if kind == "redis+cluster" and db:
        problems.append("Redis URL: a Cluster has database 0 only")
    tls = _tls(kind, query, problems)
    problems += [f"Redis URL: no such option {name!r}" for name in query]
    if problems:
        raise SettingsError(problems)
    return RedisAddress(kind, hosts, path if kind == "unix" else "", db, service, secrets, tls, replicas)


def connect(url: str, limits: LinkLimits | None = None, observe: Callable[[float, bool], None] | None = None) -> Link:
    """A link to the Redis of that URL; nothing is connected yet. Raises SettingsError for a wrong URL."""
    address = parse_redis_url(url)
    return Link(
        lambda wanted: _client(address, wanted),
        label=address.label,
        limits=limits,
        cluster=address.kind == "redis+cluster",
        observe=observe,
        replicas=address.replicas,
        redis_cli=address.redis_cli,
    )


def _client(address: RedisAddress, limits: LinkLimits) -> Any:
    common = _arguments(limits.connect_s, limits.answer_s) | address.tls
    common |= _login(address, "")
    match address.kind:
        case "unix":
            return redis.Redis(unix_socket_path=address.path, db=address.db, **common)
        case "redis+cluster":
            nodes = [ClusterNode(host, port) for host, port in address.hosts]  # type: ignore[no-untyped-call]
            # What part of the slots is there serves its partitions, whatever became of the others.
            common |= {"require_full_coverage": False, "retry": Retry(NoBackoff(), 0)}
            return _finding_streams(RedisCluster(startup_nodes=nodes, **common))
        case "redis+sentinel":
            # Several may be down: asking them all must leave time for the call itself.
            asking = _arguments(limits.connect_s / 3, limits.connect_s / 3) | address.tls
            asking |= _login(address, "sentinel_")
            sentinel = Sentinel(address.hosts, sentinel_kwargs=asking, **common)  # type: ignore[no-untyped-call]
            return sentinel.master_for(address.service, db=address.db)  # type: ignore[no-untyped-call]
        case _:
            host, port = address.hosts[0]
            return redis.Redis(host=host, port=port, db=address.db, **common)


def _finding_streams(client: RedisCluster) -> RedisCluster:
    """One that sees by itself which streams are read: redis-py asks one node for that each time, which may be the one that is away."""
    keys_of = client.commands_parser.get_keys

    def get_keys(node: Any, *words: Any) -> Any:
        if words[0] not in {"XREAD", "XREADGROUP"}:
            return keys_of(node, *words)  # type: ignore[no-untyped-call]
        streams = words[words.index(b"STREAMS") + 1 :]
        return list(streams[: len(streams) // 2])  # behind them, from where each is read

    client.commands_parser.get_keys = get_keys  # type: ignore[method-assign]
    return client


def _login(address: RedisAddress, of: str) -> dict[str, str]:
    names = ("username", "password")
    return {name: secret for name in names if (secret := address.secrets.get(of + name))}


def _arguments(connect_s: float, answer_s: float) -> dict[str, Any]:
    return {
        "socket_connect_timeout": connect_s,
        "socket_timeout": answer_s,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),  # the link itself decides what is tried again
        "protocol": 2,
        **_NAMELESS,
    }


def _host(text: str, port: int, problems: list[str]) -> tuple[str, int]:
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]\s]+))(?::([0-9]{1,5}))?", text)
    if not found or (found[3] and not 0 < int(found[3]) < 65536):
        problems.append("Redis URL: a host is HOST:PORT or [IPV6]:PORT")
        return "", 0
    return found[1] or found[2], int(found[3] or port)


def _number(text: str, what: str, problems: list[str]) -> int:
    if re.fullmatch(r"[0-9]{1,4}", text):
        return int(text)
    problems.append(f"Redis URL: {what} is a number")
    return 0


def _tls(kind: str, query: dict[str, str], problems: list[str]) -> dict[str, Any]:
    """Take redis-py's TLS arguments out of the query."""
    flags = {}
    for name in ("ssl", *_TLS_FLAGS):
        if name in query:
            word = query.pop(name)
            if word.lower() not in _FLAGS:
                problems.append(f"Redis URL: {name} is yes or no")
            flags[name] = _FLAGS.get(word.lower(), False)
    files = {name: query.pop(name) for name in _TLS_FILES if name in query}
    if kind == "rediss" or flags.pop("ssl", False):
        return {"ssl": True, **flags, **files}
    if files or flags:
        problems.append("Redis URL: TLS options need rediss:// or ssl=yes")
    return {}
