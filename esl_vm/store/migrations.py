"""Changes of what lies in Redis and how, made while nodes of the old and of the new version serve calls.

The rules a migration follows, so that no call notices it:

1. It only adds: what it writes, a process of the version before reads past. What the old form held is removed by a later
   migration, when no process that reads it is left.
2. It converts one mailbox at a time, atomically (a script), and converting twice is converting once. So it can be broken
   off anywhere and goes on where it stood.
3. While it runs, the new version writes both forms (`Store.schema` says which schema is in force). An old process may
   still write the old form only, so all mailboxes are gone over once more after the last old node is gone; then the
   schema's number is raised, in one step. From then on an old process refuses to start, and one that comes back from
   behind a broken network refuses to work: its recordings stay in its spool, and the new version delivers them.

`esl-vm migrate` does it; nothing here runs by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import InvalidValueError, VoicemailError
from esl_vm.model.mailbox import MailboxId
from esl_vm.store.keys import META
from esl_vm.store.records import number, text
from esl_vm.store.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from esl_vm.store.base import Base
    from esl_vm.store.cluster import Cluster
    from esl_vm.store.registry import RedisRegistry

_NOTE_EVERY = 100


class OldNodesError(VoicemailError):
    """The schema can't be raised: nodes that don't know the new one are alive."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema.

    Args:
        to: the schema after it; the one before is one less.
        title: what it does, for people.
        convert: converts a mailbox, and tells whether there was something to do. It gets what the parts of the store
            share and the mailbox, and follows the rules of this module.
    """

    to: int
    title: str
    convert: Callable[[Base, MailboxId], bool]


MIGRATIONS: tuple[Migration, ...] = ()
"""Every step there has been, in order. Schema 1 is the first; none was needed yet."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a migration is.

    Args:
        to, title: which one. final: whether this is the round after the last old node was gone.
        looked_at: mailboxes looked at in this round, by this process. changed: those that had to be converted.
        done: whether the schema was raised with this step.
    """

    to: int
    title: str
    final: bool
    looked_at: int
    changed: int
    done: bool = False


class Migrator:
    """Brings what lies in Redis to the newest schema this version knows.

    Args:
        base: what the parts of the store share. registry, cluster: of the same store.
        steps: the migrations.
    """

    def __init__(
        self, base: Base, registry: RedisRegistry, cluster: Cluster, steps: Sequence[Migration] = MIGRATIONS
    ) -> None:
        self._base = base
        self._registry = registry
        self._cluster = cluster
        self._steps = steps

    def schema(self) -> int:
        """The schema in force; raises StoreDownError."""
        return number(text(self._base.link.run(None, lambda client: client.hget(META, "schema"))))

    def waiting(self) -> list[Migration]:
        """The steps that are still to be made, in order."""
        schema = self.schema()
        return [step for step in self._steps if step.to > schema]

    def old_nodes(self, to: int) -> list[str]:
        """The nodes, alive now, that do not know that schema."""
        return [f"{node.name} ({node.version})" for node in self._cluster.nodes() if node.alive and node.schema < to]

    def run(self) -> Iterator[Progress]:
        """Make all steps that are to be made; tells how far it is after every hundred mailboxes.

        Broken off, it goes on where it stood when it is run again. Two at once do no harm.

        Raises:
            OldNodesError: every mailbox is converted, but nodes are alive that do not know the new schema.
            StoreDownError: Redis is away; run it again.
        """
        for step in self.waiting():
            yield from self._go_over(step, final=False)
            old = self.old_nodes(step.to)
            if old:
                raise OldNodesError(
                    f"every mailbox is converted to schema {step.to}; upgrade {', '.join(old)}, then run this again"
                )
            changed = looked_at = 0
            for progress in self._go_over(step, final=True):
                looked_at, changed = progress.looked_at, progress.changed
                yield progress
            if not self._raise_schema(step):
                raise InvalidValueError(f"the schema was changed by another process while {step.title!r} ran")
            yield Progress(step.to, step.title, final=True, looked_at=looked_at, changed=changed, done=True)

    def _go_over(self, step: Migration, *, final: bool) -> Iterator[Progress]:
        """Convert all mailboxes, from where it was broken off; the first round is skipped once it was finished."""
        reached_field = f"migration.{step.to}.{'final' if final else 'first'}"
        reached = text(self._base.link.run(None, lambda client: client.hget(META, reached_field)))
        if reached == "finished" and not final:
            return
        # A final round that was broken off may be hours old, and an old node may have come back since: all again.
        after = MailboxId.parse(reached) if reached and not final else None
        looked_at = changed = 0
        box = None
        for box in self._registry.boxes(after=after):
            changed += step.convert(self._base, box)
            looked_at += 1
            if looked_at % _NOTE_EVERY == 0:
                self._note(reached_field, str(box))
                yield Progress(step.to, step.title, final, looked_at, changed)
        self._note(reached_field, "finished")
        yield Progress(step.to, step.title, final, looked_at, changed)

    def _note(self, field: str, value: str) -> None:
        self._base.link.run(None, lambda client: client.hset(META, field, value))

    def _raise_schema(self, step: Migration) -> bool:
        def work(client: Any) -> Any:
            raising = script("raise_schema")
            return client.eval(raising.text, 1, META, str(step.to - 1), str(step.to))

        return bool(self._base.link.run(None, work))
