"""What the parts of the store share: link, keys, clock, limits, and how a script that changes something is called."""

from __future__ import annotations

import contextlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent
from gevent import monkey

from esl_vm.model.actor import actor
from esl_vm.model.errors import StoreDownError
from esl_vm.model.sealing import Keyless
from esl_vm.store.clock import SharedClock
from esl_vm.store.link import EVERY_PARTITION
from esl_vm.store.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from esl_vm.model.events import EventType
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.options import MailboxOptions
    from esl_vm.model.sealing import Seal
    from esl_vm.ports import Clock
    from esl_vm.store.keys import BoxKeys, Keys
    from esl_vm.store.link import Link

DAY_S = 86400
_ANNOUNCED = frozenset({"deliver", "set_greeting", "change_pin", "set_owner", "add_box"})
"""Changes after which somebody is told that it is kept: they must outlive the loss of a master."""


class Part:
    """A part of the store.

    Args:
        base: what the parts of the store share.
    """

    def __init__(self, base: Base) -> None:
        self._base = base


class Base:
    """See the module.

    Args:
        link, keys, clock, defaults: what they are called. events_kept: entries in a partition's stream, about.
        remember_s: seconds for which an erased message's or a replaced greeting's id can't come back.
        still_ours: asked where a mailbox is not there: raises StoreDownError if nothing of the installation is.
        grace_ms: milliseconds for which a replaced sound is kept for calls that are about to play it.
        seal: seals what is said in messages; None = nothing does.
    """

    def __init__(
        self,
        link: Link,
        keys: Keys,
        clock: Clock,
        defaults: MailboxOptions,
        *,
        events_kept: int,
        still_ours: Callable[[], None] = lambda: None,
        remember_s: int = 30 * DAY_S,
        grace_ms: int = 600_000,
        seal: Seal | None = None,
    ) -> None:
        self.link = link
        self.keys = keys
        self.clock = clock
        self.defaults = defaults
        self.events_kept = str(events_kept)
        self.still_ours = still_ours
        self.remember_s = remember_s
        self.grace_ms = grace_ms
        self.seal = seal or Keyless()

    def now(self) -> float:
        """Seconds since 1970, as all nodes have it; measured again every minute."""
        if isinstance(self.clock, SharedClock) and self.clock.stale:
            self._measure(self.clock)
        return self.clock.now()

    def _measure(self, clock: SharedClock) -> None:
        """Ask Redis what time it is; where gevent serves the calls, none of them waits for that but the first."""

        def ask() -> None:
            with contextlib.suppress(StoreDownError):  # whoever asks for more will say so
                self.link.run(None, partial(clock.measure, cluster=self.link.cluster))

        if clock.measured and monkey.is_module_patched("socket"):
            gevent.spawn(ask)
        else:
            ask()

    def now_ms(self) -> str:
        """Milliseconds since 1970, as scripts are told it."""
        return f"{self.now() * 1000:.0f}"

    def each_partition(self, ask: Callable[[Any, int], Any], missing: Any) -> list[Any]:
        """Ask something of every partition in one round trip; where part of a Cluster is away, of those that are there.

        Args:
            ask: gets a pipeline or a client, and the partition.
            missing: stands for the answer of one that is away.

        Raises:
            StoreDownError: nothing is there.
        """
        partitions = range(self.keys.partitions)

        def together(client: Any) -> list[Any]:
            pipeline = client.pipeline(transaction=False)
            for partition in partitions:
                ask(pipeline, partition)
            return pipeline.execute()  # type: ignore[no-any-return]

        try:
            return self.link.run(EVERY_PARTITION, together)
        except StoreDownError:
            if not self.link.cluster:
                raise
        found: list[Any] = []
        away: list[StoreDownError] = []
        for partition in partitions:

            def alone(client: Any, partition: int = partition) -> Any:
                return ask(client, partition)

            try:
                found.append(self.link.run(partition, alone))
            except StoreDownError as error:
                if "NOGROUP" in str(error):  # that part is there, and lacks what is asked for
                    raise
                found.append(missing)
                away.append(error)
        if len(away) == len(found):
            raise away[0]
        return found

    def log_event(self, box: MailboxId, what: EventType, message_id: str = "", **details: str) -> None:
        """Write down what was done with a mailbox, or a distribution list, without changing it."""
        flat = [word for name, value in details.items() if value for word in (name, value)]
        self.change(self.keys.of(box), "tell", [], [what.value, message_id, json.dumps(flat)])

    def change(self, keys: BoxKeys, name: str, touched: Sequence[str], args: Sequence[str | bytes]) -> Any:
        """Run a script of a change: the keys and arguments of `common.lua`, its own, and who does it."""
        all_keys = [keys.box, keys.events, *keys.folders, *touched, keys.call_ids]
        all_args = [keys.name, self.now_ms(), self.events_kept, *args, actor()]
        return self.link.script(keys.partition, script(name), all_keys, all_args, announced=name in _ANNOUNCED)
