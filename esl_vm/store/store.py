"""The store as a whole: its parts over one link, and what an installation is built on."""

from __future__ import annotations

import contextlib
import logging
import secrets
from typing import TYPE_CHECKING, Any

from redis import exceptions as wrong

from esl_vm.model.errors import SettingsError, StoreDownError
from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinRules
from esl_vm.store.access import RedisAccess
from esl_vm.store.aliases import RedisAliases
from esl_vm.store.backup import Backup
from esl_vm.store.base import Base
from esl_vm.store.broadcasts import RedisBroadcasts
from esl_vm.store.calls import RedisCalls
from esl_vm.store.clock import SharedClock
from esl_vm.store.cluster import Cluster
from esl_vm.store.directory import RedisDirectory
from esl_vm.store.events import RedisEvents
from esl_vm.store.holds import RedisHolds
from esl_vm.store.housekeeping import Housekeeping
from esl_vm.store.keys import META, Keys
from esl_vm.store.link import Link
from esl_vm.store.links import RedisMessageLinks
from esl_vm.store.lists import RedisLists
from esl_vm.store.mailboxes import RedisMailboxes
from esl_vm.store.outage import is_away, sentence
from esl_vm.store.pin_hashes import Hashers, Scrypt
from esl_vm.store.pins import RedisPins
from esl_vm.store.push import RedisPush
from esl_vm.store.records import text
from esl_vm.store.registry import RedisRegistry
from esl_vm.store.renames import Renames
from esl_vm.store.scripts import script
from esl_vm.store.seal_keys import RedisSealKeys
from esl_vm.store.traces import RedisTraces
from esl_vm.store.transcripts import RedisTranscripts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from esl_vm.model.sealing import Seal
    from esl_vm.ports import Clock

log = logging.getLogger(__name__)

SCHEMA = 1
"""The version of what lies in Redis and how. Where Redis has a higher one, a process refuses to start, and to go on."""


class Store:
    """Mailboxes in Redis.

    Args:
        link: the way to Redis (`connect(url)`), or a client of redis-py (tests).
        partitions: how many; the number an installation was begun with can't be changed.
        defaults: options of mailboxes that have none of their own.
        clock: what time it is; Redis' own time unless given.
        pin_rules: when wrong PINs lock. pin_cost: of hashing new ones.
        events_kept: entries kept in each partition's stream, about.
        expected: the installation that this node served before, `` = none or not known. A Redis that is empty, or holds
            another one, then counts as away.
        offload: runs what takes long (hashing) and returns its result; see `Hashers`.
        seal: seals what is said in messages; None = nothing does.

    Attributes:
        mailboxes, pins, registry, directory, lists: the ports. aliases: whose each further number is. broadcasts, renames: those under way. calls: messages by
            the calls they came by. transcripts: messages by what is said in them. seal_keys: those that were used. traces: of a caller's number. holds: legal ones. access: sessions and tokens. push: browsers that are told of messages. links: those in
            mails. events: reading what
            happened. housekeeping: what has to be done now and then. cluster: its nodes, and what they share.
        installation: the id of what lies in this Redis, which its sounds carry too; `` before Redis was reached.
        backup: mailboxes as a whole, out of Redis and in. schema: the one that Redis had when it was reached last, 0
            before. link: for whoever keeps something else in the same Redis. keys: see Keys.
    """

    def __init__(
        self,
        link: Link | Any,
        partitions: int = 16,
        defaults: MailboxOptions | None = None,
        clock: Clock | None = None,
        *,
        pin_rules: PinRules | None = None,
        pin_cost: Scrypt | None = None,
        events_kept: int = 10_000,
        offload: Callable[[Callable[[], str]], str] | None = None,
        seal: Seal | None = None,
        expected: Callable[[], str] = lambda: "",
    ) -> None:
        self.link = link if isinstance(link, Link) else Link(lambda _: link)
        self.keys = Keys(partitions)
        self.schema = 0
        self.installation = ""
        self._meta_away = False
        self._expected = expected
        self.link.prepare = self._agree
        self.clock = clock or SharedClock()
        base = Base(
            self.link,
            self.keys,
            self.clock,
            defaults or MailboxOptions(),
            events_kept=events_kept,
            still_ours=self.still_ours,
            seal=seal,
        )
        self.mailboxes = RedisMailboxes(base)
        self.pins = RedisPins(base, pin_rules or PinRules(), pin_cost or Scrypt(), offload or Hashers())
        self.lists = RedisLists(base)
        self.aliases = RedisAliases(base)
        self.registry = RedisRegistry(base, self.lists, self.aliases)
        self.directory = RedisDirectory(base)
        self.renames = Renames(base, self.lists, self.aliases)
        self.broadcasts = RedisBroadcasts(base)
        self.access = RedisAccess(base)
        self.links = RedisMessageLinks(base)
        self.push = RedisPush(base)
        self.calls = RedisCalls(base)
        self.transcripts = RedisTranscripts(base)
        self.seal_keys = RedisSealKeys(base)
        self.events = RedisEvents(base)
        self.backup = Backup(base, self.registry)
        self.cluster = Cluster(base)
        self.holds = RedisHolds(base)
        self.housekeeping = Housekeeping(base, self.mailboxes, self.registry, self.cluster, self.holds)
        self.traces = RedisTraces(base)

    def verify(self) -> None:
        """See whether Redis is there and was built for this process; before the first call, and of itself on it.

        Raises:
            SettingsError: the installation has another number of partitions, or a newer schema.
            StoreDownError: Redis can't be asked.
        """
        self.link.run(None, self._agree)

    def take_any(self) -> None:
        """Work with whatever installation, or none, is there: what comes next makes it this node's."""
        self._expected = lambda: ""

    def still_ours(self) -> None:
        """See whether Redis still holds this installation, where something should be there and is not.

        Raises:
            StoreDownError: it is empty, holds another one, or can't be asked.
        """
        if self._expected():
            self.link.run(
                None, lambda client: self._refuse_others(client.hmget(META, "schema", "partitions", "installation"))
            )

    def _refuse_others(self, stored: Sequence[Any]) -> None:
        """Raise StoreDownError where that is not the installation this node has served."""
        expected = self._expected()
        if not expected:
            return
        remedy = "If it is meant to be so, remove the file `installation` in the spool of each node"
        if stored[0] is None and stored[1] is None:
            raise StoreDownError(
                f"{self.link.label} is empty: the mailboxes of installation {expected}, which this node served, are "
                f"missing. Messages are kept until they are back. {remedy}"
            )
        if stored[2] is not None and text(stored[2]) != expected:
            raise StoreDownError(
                f"{self.link.label} holds installation {text(stored[2])}, this node served {expected}: "
                f"is redis.url right? {remedy}"
            )

    def close(self) -> None:
        """Close the connections; the store can be used again."""
        self.events.close()
        self.link.close()

    def _agree(self, client: Any) -> None:
        wanted = (str(SCHEMA), str(self.keys.partitions))
        try:
            # A Redis that takes no changes now, or a Cluster's master without replicas, can be read all the same.
            stored = client.hmget(META, "schema", "partitions", "installation")
            self._refuse_others(stored)
            if None in stored:
                stored = self._begin(client, stored, wanted)
        except (wrong.ConnectionError, wrong.TimeoutError, wrong.RedisClusterException, wrong.ResponseError) as away:
            if not (self.link.cluster and is_away(away) and self._agreed_elsewhere(client)):
                raise
            if not self._meta_away:
                log.warning("vm:meta can't be read now, the rest of the Cluster serves: %s", sentence(away))
            self._meta_away = True
            return
        self._meta_away = False
        self._tell_time(client)
        schema, partitions, self.installation = (text(word) for word in stored)
        problems = []
        if not schema.isdigit() or int(schema) > SCHEMA:
            problems.append(f"{self.link.label} holds schema {schema}; this version knows {SCHEMA}: upgrade it")
        if partitions != wanted[1]:
            problems.append(
                f"{self.link.label} was begun with {partitions} partitions, the settings say {wanted[1]}: "
                "the number can't be changed (docs/decisions/0001-partitions.md)"
            )
        if problems and self.schema:
            # It agreed when this process began. Calls can't be served as the new schema wants it; what they record
            # stays in the spool, for the new version.
            log.error("%s", "; ".join(problems))
            raise StoreDownError("; ".join(problems))
        if problems:
            raise SettingsError(problems)
        if self.link.cluster and not self.schema:
            self._copy_meta(client, int(partitions))
        self.schema = int(schema)

    def _tell_time(self, client: Any) -> None:
        """Measure Redis' clock anew: it is another one after a fail-over. A master that is away does not matter here."""
        if isinstance(self.clock, SharedClock):
            with contextlib.suppress(wrong.RedisError, wrong.RedisClusterException):
                self.clock.measure(client, cluster=self.link.cluster)

    def _begin(self, client: Any, stored: list[Any], wanted: tuple[str, str]) -> list[Any]:
        """Write what is missing; an installation of before it had an id works without where nothing can be written."""
        try:
            answer: list[Any] = client.eval(script("meta").text, 1, META, *wanted, secrets.token_hex(8))
        except wrong.ResponseError:
            if None in stored[:2]:
                raise
            return stored
        return answer

    def _copy_meta(self, client: Any, partitions: int) -> None:
        """On every master of a Cluster too: a process that starts while one of them is away finds it at another."""
        for partition in range(partitions):
            with contextlib.suppress(wrong.RedisError, wrong.RedisClusterException):
                if not client.exists(self.keys.part(partition).meta):
                    client.set(self.keys.part(partition).meta, partitions)

    def _agreed_elsewhere(self, client: Any) -> bool:
        """Whether this process agreed before, or does with a copy on another master of the Cluster."""
        if self.schema:
            return True
        for partition in range(self.keys.partitions):
            with contextlib.suppress(wrong.RedisError, wrong.RedisClusterException):
                found = client.get(self.keys.part(partition).meta)
                if found is not None:
                    return text(found) == str(self.keys.partitions)
        return False
