"""Which telephones a lamp means on this node: mailbox domains, and the hosts and profiles its FreeSWITCH has.

mod_sofia finds the telephones of a MESSAGE_WAITING by user and host, in the database of one SIP profile
(sofia_presence.c: Sofia-Profile, else a profile or alias named like the host, else one that has a registration of that
host; telephones that only subscribed, or are on a second profile, are missed). So we name the profile: one event for
each database.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from esl_vm.model.mailbox import MailboxId
from esl_vm.notify.summary import Account

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.settings import Settings
    from esl_vm.notify.lamp_counts import LampCounts

log = logging.getLogger(__name__)

#: Hosts learnt from telephones that subscribed, at most, and for how long; anybody may subscribe, with any host.
MOST_LEARNT = 16
LEARNT_S = 7200.0
#: With more SIP profiles than that, FreeSWITCH chooses the profile itself rather than being sent an event for each.
MOST_PROFILES = 8
_TAG = r"<{0}>\s*([^<]*?)\s*</{0}>"
#: A host that can be named to FreeSWITCH.
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9A-Fa-f:]+\]")
_NO_HOST = {"0.0.0.0", "[::]", "::", "N/A", "auto_to", "auto_from"}  # noqa: S104 - words to skip, nothing is bound


@dataclass(frozen=True, slots=True)
class Domains:
    """How mailbox domains and SIP hosts belong together.

    Args:
        hosts: of a mailbox domain, the SIP hosts its telephones register with. A domain that is not named is a host
            itself (`1001@pbx.example.com`).
        default: the domain of mailboxes for which nobody names one; where `hosts` does not name it, it stands for every
            host this node's FreeSWITCH serves.
        profiles: the SIP profiles lamps are sent through; empty = all that run.
    """

    hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    default: str = "default"
    profiles: Sequence[str] = ()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings say."""
        pairs = (pair.partition("=") for pair in settings.notify.hosts)
        hosts = {domain.lower(): tuple(names.split(",")) for domain, _, names in pairs}
        return cls(hosts, settings.service.domain.lower(), settings.notify.profiles)


class LampNode:
    """One node's FreeSWITCH, as far as lamps need it; learns its hosts by looking and from telephones that ask."""

    def __init__(self, domains: Domains) -> None:
        self._domains = domains
        self._of_host = {host.lower(): domain for domain, hosts in domains.hosts.items() for host in hosts}
        self._hosts: set[str] = set()  # what this FreeSWITCH says it serves
        self._learnt: dict[str, float] = {}  # until when, by host
        self._running: set[str] = set()
        self.outdated = False  # whether a profile showed up that was not there at the last `look`
        self._profiles: tuple[str, ...] = tuple(domains.profiles)
        self._lock = threading.Lock()

    def look(self, switch: EventSocketSwitch) -> None:
        """Ask FreeSWITCH for its domain, SIP profiles and registrations; raises SwitchDownError."""
        hosts = {switch.api("global_getvar domain").strip()}
        profiles: dict[str, str] = {}
        running = _running(switch.api("sofia xmlstatus"))
        for name in running:
            status = switch.api(f"sofia xmlstatus profile {name}")
            profiles.setdefault(_value("db-name", status) or name, name)
            hosts |= {_value("sip-ip", status), _value("ext-sip-ip", status), _value("challenge-realm", status)}
        hosts |= _realms(switch.api("show registrations as json"))
        with self._lock:
            self._running = set(running)
            self.outdated = False
            self._hosts = {h for h in hosts if HOST.fullmatch(h) and h not in _NO_HOST}
            if not self._domains.profiles:
                self._profiles = tuple(profiles.values()) if len(profiles) <= MOST_PROFILES else ()

    def learn(self, host: str, profile: str, now: float) -> None:
        """A telephone with a mailbox asked, by that host and through that profile; `` = the host is of no use."""
        with self._lock:
            self.outdated = self.outdated or (bool(profile) and profile not in self._running)
            self._learnt = {name: until for name, until in self._learnt.items() if until > now}
            if not host or host in self._hosts or not HOST.fullmatch(host):
                return
            if host in self._learnt or len(self._learnt) < MOST_LEARNT:
                self._learnt[host] = now + LEARNT_S
            else:
                log.warning("telephones subscribe by more than %d hosts: name yours in notify.hosts", MOST_LEARNT)

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles to name, one event each; empty = name none."""
        with self._lock:
            return self._profiles

    def domain(self, domain: str) -> str:
        """What FreeSWITCH's own users would call a mailbox domain: its first SIP host where one is set, else itself."""
        hosts = self._domains.hosts.get(domain)
        return hosts[0] if hosts else domain

    def accounts(self, lamp: MailboxId, counts: LampCounts) -> list[Account]:
        """The accounts that mean a lamp here."""
        with self._lock:
            seen = sorted(self._hosts | self._learnt.keys())
        set_hosts = self._domains.hosts.get(lamp.domain)
        if set_hosts is not None or lamp.domain != self._domains.default:
            names = [lamp.domain] if set_hosts is None else set_hosts
            return [Account(lamp.number, host) for name in names for host in _spellings(name, seen)]
        hosts = [h for h in seen if h.lower() not in self._of_host] or [lamp.domain]
        return [Account(lamp.number, host) for host in hosts if not _has_own(lamp.number, host, counts)]

    def lamp(self, account: Account, counts: LampCounts) -> MailboxId | None:
        """The lamp an account means; None if there can be none."""
        meant = self.meant(account)
        return next((lamp for lamp in meant if lamp in counts), meant[-1] if meant else None)

    def meant(self, account: Account) -> list[MailboxId]:
        """The mailboxes an account can mean, the first that exists first."""
        domain = self._of_host.get(account.host.lower())
        own = dict.fromkeys([account.host, account.host.lower()])
        domains = [domain] if domain is not None else [*own, self._domains.default]
        return [box for name in domains if (box := MailboxId.of(account.user, name)) is not None]


def voicemail_module_loaded(switch: EventSocketSwitch) -> bool:
    """Whether FreeSWITCH's own mod_voicemail runs: it answers the same queries, and lamps flicker; raises SwitchDownError."""
    return switch.api("module_exists mod_voicemail").strip() == "true"


def _has_own(number: str, host: str, counts: LampCounts) -> bool:
    """Whether that host's account belongs to a mailbox of the host's own name."""
    own = MailboxId.of(number, host)
    return own is not None and own in counts


def _spellings(host: str, seen: Sequence[str]) -> list[str]:
    """A host as telephones here spell it (mod_sofia tells PBX.example.com from pbx.example.com), else as it is."""
    return [other for other in seen if other.lower() == host.lower()] or [host]


def _running(xml: str) -> list[str]:
    """Names of the profiles that run; gateways and aliases left out."""
    return [
        name
        for block in re.findall(r"<profile>(.*?)</profile>", xml, re.DOTALL)
        if "RUNNING" in _value("state", block) and re.fullmatch(r"[A-Za-z0-9_.:-]+", name := _value("name", block))
    ]


def _value(tag: str, xml: str) -> str:
    """The text of the first element of that name, `` if there is none."""
    found = re.search(_TAG.format(tag), xml)
    return found[1] if found else ""


def _realms(text: str) -> set[str]:
    """The hosts telephones are registered with; nothing if that is no answer of `show registrations as json`."""
    try:
        rows = json.loads(text).get("rows", [])
        return {str(row.get("realm", "")) for row in rows}
    except (ValueError, AttributeError, TypeError):
        return set()
