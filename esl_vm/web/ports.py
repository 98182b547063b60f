"""What the pages and the API need besides `esl_vm.ports`: sessions, events, queues, the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from esl_vm.ports import Mailboxes, Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from esl_vm.model.cluster import ClusterState, NodeState
    from esl_vm.model.events import Event
    from esl_vm.model.findings import NodeReport, Order
    from esl_vm.model.jobs import Job, JobState
    from esl_vm.model.lists import DistributionList
    from esl_vm.model.mailbox import Folder, Mailbox, MailboxId
    from esl_vm.model.rights import Session, Token
    from esl_vm.model.store import Page, Place


class Access(Protocol):
    """Who is who: sessions, one-time links, tokens, and wrong PINs by address."""

    def begin(
        self,
        box: MailboxId | None,
        *,
        seconds: float,
        address: str = "",
        name: str = "",
        pin_mark: str = "",
        way: str = "",
    ) -> str:
        """Begin a session of a mailbox's owner, or (None) of an administrator; returns its secret."""
        ...

    def session(self, box: MailboxId | None, secret: str) -> Session | None:
        """The session of that secret, unless it is over."""
        ...

    def sessions(self, box: MailboxId | None) -> list[Session]:
        """Those that are not over, the oldest first."""
        ...

    def end(self, box: MailboxId | None, *ids: str) -> int:
        """End sessions; returns how many there were."""
        ...

    def use_link(self, secret: str) -> str:
        """Use up a one-time link; returns the administrator's name, `` if it opens nothing."""
        ...

    def use_owner_link(self, secret: str) -> tuple[MailboxId, str] | None:
        """Use up an owner's one-time link; the mailbox that it opens, and its `pin_mark` then."""
        ...

    def token(self, presented: str) -> Token | None:
        """The token that a machine presents, unless it is over."""
        ...

    def failures(self, address: str) -> int:
        """Wrong PINs that came from an address lately."""
        ...

    def count_failure(self, address: str, window_s: int) -> None:
        """One more; they are forgotten that many seconds after the last."""
        ...

    def first_use(self, secret: str, seconds: int) -> bool:
        """Whether what may be used once is used for the first time; it is remembered for so many seconds."""
        ...


class WebMetrics(Protocol):
    """What is counted of the pages and the API."""

    def web_answered(self, kind: str, status: int, seconds: float) -> None:
        """A request was answered; kind: `page`, `api`, `sound`, `events` or `static`."""
        ...

    def signed_in(self, way: str, worked: bool) -> None:
        """Somebody signed in, or did not; way: `pin`, `link`, `oidc` or `mail`."""
        ...


class Provider(Protocol):
    """The organisation's OpenID Connect provider."""

    def begin(self, redirect: str, back: str) -> tuple[str, str]:
        """Where a browser is sent to sign in, and what it keeps until it comes back; raises ProviderAwayError."""
        ...

    def finish(
        self, given: Mapping[str, str], kept: str, redirect: str, first_use: Callable[[str], bool]
    ) -> tuple[dict[str, Any], str]:
        """The claims about who came back, and where he goes on; `first_use` tells whether a state was not used before.

        Raises:
            StaleSignInError, SignInRefusedError, ProviderAwayError: he did not begin so; it is not proved who he is; the
                provider can't be asked.
        """
        ...

    def sign_out_address(self, back: str) -> str:
        """Where one signs out there too, `` if nowhere."""
        ...


class PagedMailboxes(Mailboxes, Protocol):
    """Messages, as a list on a page shows them."""

    def listed(self, box: MailboxId, folder: Folder, *, newest: bool, after: Place | None, most: int) -> Page:
        """A part of a folder by the time of arrival there, the oldest or the newest first, from just after a place."""
        ...


class MailboxAdmin(Registry, Protocol):
    """Mailboxes as an administrator keeps them, with what two who change one at once need."""

    def change(
        self,
        box: MailboxId,
        fields: Mapping[str, str],
        unset: Iterable[str] = (),
        *,
        expected: Mapping[str, str] | None = None,
    ) -> None:
        """Set and unset fields, if those of `expected` (`` = unset) are still so; raises ChangedMeanwhileError."""
        ...

    def boxes(self, domain: str | None = None, *, after: MailboxId | None = None) -> Iterator[MailboxId]:
        """All mailboxes, in the order of domain and number, from just after one."""
        ...

    def looked_at(self, boxes: Sequence[MailboxId]) -> Iterator[tuple[Mailbox, int]]:
        """Each of those that is there, and for how many seconds its PIN is still locked."""
        ...


class Lists(Protocol):
    """Distribution lists."""

    def find(self, box: MailboxId) -> DistributionList | None:
        """The list of that number; None if there is none."""
        ...

    def all(self, domain: str | None = None) -> Iterator[DistributionList]:
        """All lists, in the order of domain and number."""
        ...

    def add(self, box: MailboxId, members: Iterable[MailboxId] = (), name: str | None = None) -> int:
        """Make a list, or put mailboxes on one; returns how many were not on it before."""
        ...

    def take_off(self, box: MailboxId, members: Iterable[MailboxId]) -> int:
        """Take mailboxes off a list; returns how many were on it. Raises NoSuchListError."""
        ...

    def remove(self, box: MailboxId) -> None:
        """Remove a list; its mailboxes stay. Raises NoSuchListError."""
        ...


class EventLog(Protocol):
    """What happens, as it happens."""

    def end(self) -> dict[int, str]:
        """Where each partition's stream ends now."""
        ...

    def read(self, after: Mapping[int, str], wait_ms: int) -> list[Event]:
        """Events after those positions; waits up to so many milliseconds if there are none."""
        ...

    def tail(self, most: int = 100, *, box: MailboxId | None = None) -> list[Event]:
        """The latest events, oldest first; of one mailbox where it is given."""
        ...

    def since(self, partition: int, entry: str, most: int) -> list[Event] | None:
        """Events of one partition after an entry; None if the stream does not have what came after it."""
        ...


class Outbox(Protocol):
    """What is still to be sent to somebody outside."""

    def jobs(self, state: JobState) -> Iterator[Job]:
        """All jobs in that state."""
        ...

    def retry(self, job_id: str, now: float) -> bool:
        """Try it now, whatever its state; False if there is none of that id."""
        ...

    def forget(self, job_id: str) -> bool:
        """Drop it unsent; False if there is none of that id."""
        ...


class Cluster(Protocol):
    """The nodes, and what they share."""

    def nodes(self) -> list[NodeState]:
        """All nodes that were alive within a day."""
        ...

    def state(self) -> ClusterState:
        """What the cluster shares: queues, locks."""
        ...

    def reports(self) -> list[NodeReport]:
        """What the nodes that are alive found wrong with themselves, and what lies in their spools."""
        ...

    def order(self, node: str, order: Order) -> None:
        """Ask something of a node; it sees to it within seconds, or not at all."""
        ...
