"""How the store's keys are spelt: the only place that knows.

Every key of a mailbox carries the hash tag of its partition, `{p07}`: in a Redis Cluster they all lie on one node, so
one script can change a mailbox and write its event (docs/decisions/0001-partitions.md). docs/redis.md shows each key.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from esl_vm.model.mailbox import Folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from esl_vm.model.mailbox import MailboxId

FOLDERS = tuple(Folder)
META = "vm:meta"
HOUSEKEEPING = "vm:housekeeping"
NODES = "vm:{nodes}"
TRANSCRIBERS = "vm:{nodes}:transcribers"
SEAL_KEYS = "vm:seal-keys"
"""The ids of the keys under which something may be sealed, by since when: hash."""
TRIED = "vm:{nodes}:tried"
"""Written and soon expired: to see whether Redis takes changes."""
# Mail, webhook calls and transcripts on their way (store/outbox.py); one tag, so that each step of a job is one script.
OUTBOX_JOBS, OUTBOX_DEAD = "vm:{outbox}:jobs", "vm:{outbox}:dead"
_HASHES = ("jobs", "since", "attempts", "errors", "leases", "claims", "queues")
OUTBOX = (*(f"vm:{{outbox}}:{name}" for name in _HASHES), OUTBOX_DEAD, "vm:{outbox}:done")
"""What every step of a job touches, beside the list of those due, in the order of lua/queue.lua."""


def outbox_queue(kind: str, box: MailboxId) -> str:
    """A mailbox's jobs of a kind, in the order they came."""
    return f"vm:{{outbox}}:queue:{kind}:{box}"


def outbox_due(kind: str) -> str:
    """Jobs of a kind (`mail`, `webhook`, `transcript`), by when they are to be tried: sorted set."""
    return f"vm:{{outbox}}:due:{kind}"


def node(name: str) -> str:
    """What a node of the cluster tells of itself: hash, expires when the node is gone."""
    return f"{NODES}:{name}"


def report(name: str) -> str:
    """What a node found wrong with itself, and what lies in its spool: string, JSON, expires when the node is gone."""
    return f"{NODES}:report:{name}"


def orders(name: str) -> str:
    """What administrators ask of a node: list of JSON, each taken once; expires."""
    return f"{NODES}:orders:{name}"


def answers(name: str) -> str:
    """What nodes answered to an order of that name: list of JSON, expires."""
    return f"{NODES}:answers:{name}"


ERASED_SOUNDS = "vm:{nodes}:erased-sounds"
"""Sounds that were erased lately, by when, milliseconds since 1970: every node forgets its copies. Sorted set."""


def audio(audio_id: str) -> str:
    """Where a sound lies when Redis is the audio store; each on its own, spread over a Cluster's nodes.

    Under the key without an id stands to which installation the sounds belong. One that several messages have in common lies
    under its first message's id in braces, and beside it who they are (audio/redis_shared.py).
    """
    return f"vm:audio:{audio_id}"


def in_partition(partition: int) -> str:
    """A key that is never written, where the keys of a partition lie: to see whether that part of a Cluster is there."""
    return f"vm:{{p{partition:02d}}}"


# Messages that wait for their time (store/scheduled.py); one tag, so that each step is one script.
SCHEDULED, SCHEDULED_DUE, SCHEDULED_OVER = (f"vm:{{scheduled}}:{name}" for name in ("messages", "due", "over:"))
BROADCASTS_ENDING = "vm:broadcasts:ending"
"""Broadcasts whose unheard messages are withdrawn, by when, epoch seconds: sorted set."""


def broadcast(name: str) -> str:
    """A broadcast, when it was begun, which sound it is, when it ends: hash, expires."""
    return f"vm:broadcast:{name}"


# Who may use the browser's pages and the API (store/access.py); each a hash by what is random, its secrets hashed.
ADMIN_SESSIONS = "vm:sessions"
ADMIN_LINKS = "vm:links"
TOKENS = "vm:tokens"
TOKENS_USED = "vm:tokens:used"


def owner_link(digest: str) -> str:
    """An owner's one-time link to sign in, by its secret's SHA-256: string, expires."""
    return f"vm:links:owner:{digest}"


LINK_KEYS, PUSH_KEY = "vm:links:keys", "vm:push:key"
"""The keys that sign links in mails, by their ids: hash. The private key by which push services know this installation: string."""


def texts(box: MailboxId, hour: int) -> str:
    """How many texts about a mailbox's messages went out in that hour since 1970: string, expires."""
    return f"vm:texts:{box}:{hour}"


def login_address(address: str) -> str:
    """How many wrong PINs came from an address: string, expires."""
    return f"vm:login:address:{address}"


def used(digest: str) -> str:
    """What may be used once, and was: string, expires."""
    return f"vm:used:{digest}"


_NAMES = tuple(folder.value for folder in FOLDERS)


class _PartitionKey:
    """One of a partition's keys."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, keys: PartitionKeys, _: object) -> str:
        return keys.tag + self._name


class _BoxKey:
    """One of a mailbox's keys."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, keys: BoxKeys, _: object) -> str:
        return f"{keys.tag}{self._name}:{keys.name}"


class PartitionKeys:
    """The keys of one partition that are no mailbox's own."""

    __slots__ = ("partition", "tag")

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.tag = f"vm:{{p{partition:02d}}}:"

    locked = _PartitionKey("login:locked")
    """The partition's mailboxes whose PIN is locked: sorted set, score = until when; see `lock_member`."""
    events = _PartitionKey("events")
    """The partition's stream of what happened."""
    erase = _PartitionKey("erase")
    """The partition's sounds that nothing points to any more: sorted set, score = from when they may go."""
    boxes = _PartitionKey("boxes")
    """The partition's mailboxes: sorted set, all scores 0, members `domain number`."""
    moving_boxes = _PartitionKey("moving")
    """The partition's mailboxes that are being renamed, by their old names: set."""
    lists = _PartitionKey("lists")
    """The partition's lists: sorted set, all scores 0, members `domain number`."""
    aliases = _PartitionKey("aliases")
    """The partition's aliases, and the mailboxes they mean: hash, names as `1001@default`."""
    call_ids = _PartitionKey("call-ids")
    """The partition's messages by the ids of their calls: sorted set, members `call_members`."""
    meta = _PartitionKey("partitions")
    """How many partitions there are, once more, in a Cluster: string."""
    restored = _PartitionKey("restored")
    """Written when a restore is done, to see that the replicas have it: string, expires."""

    def names_of(self, domain: str) -> str:
        """The directory of a domain in this partition: sorted set, scores 0, members `keys number`."""
        return f"{self.tag}names:{domain}"


class BoxKeys(PartitionKeys):
    """The keys of one mailbox."""

    __slots__ = ("box", "domain", "name")

    def __init__(self, box: MailboxId, partition: int) -> None:
        self.name = str(box)
        self.domain = box.domain
        super().__init__(partition)
        self.box = f"{self.tag}box:{self.name}"

    deleted = _BoxKey("deleted")
    """Ids of messages and greetings that must not come back: sorted set by time."""
    held = _BoxKey("held")
    """Ids of erased messages that a legal hold keeps: sorted set by when; each message is a hash under `held:ID`."""
    calls = _BoxKey("calls")
    """Calls placed from this mailbox within a day: sorted set by time."""
    failures = _BoxKey("login:failures")
    """Times of wrong PINs from its own telephone: list, expires."""
    failures_outside = _BoxKey("login:outside")
    """Times of wrong PINs from other telephones: list, expires."""
    sessions = _BoxKey("sessions")
    """Browsers in which its owner is signed in: hash, expires."""
    push = _BoxKey("push")
    """Browsers that are told of its messages: hash, expires."""
    moving = _BoxKey("moving")
    """A mailbox that is being renamed, under its old name: hash."""
    moved = _BoxKey("moved")
    """The new name of a mailbox that was renamed: string, expires."""
    dist_list = _BoxKey("list")
    """The distribution list of this number: hash. A mailbox and a list never have the same."""
    members = _BoxKey("members")
    """Who is on that list: sorted set, all scores 0, members `domain number`."""

    @property
    def folders(self) -> list[str]:
        """The folders, in the order of `Folder` (the scripts count on it)."""
        start = f"{self.tag}folder:{self.name}:"
        return [start + name for name in _NAMES]

    def folder(self, folder: Folder) -> str:
        """A folder: sorted set of message ids."""
        return f"{self.tag}folder:{self.name}:{folder.value}"

    @property
    def messages(self) -> str:
        """What the keys of this mailbox's messages begin with."""
        return f"{self.tag}msg:{self.name}:"

    def message(self, message_id: str) -> str:
        """A message: hash."""
        return f"{self.tag}msg:{self.name}:{message_id}"

    @property
    def counted(self) -> list[str]:
        """What is counted of it besides its messages, in the order of the scripts."""
        return [self.deleted, self.calls, self.failures, self.failures_outside]

    @property
    def names(self) -> str:
        """The directory of this mailbox's domain in its partition."""
        return self.names_of(self.domain)

    @property
    def moving_folders(self) -> list[str]:
        """Its folders, in the order of `Folder`."""
        return [f"{self.moving}:{folder.value}" for folder in FOLDERS]


class Keys:
    """Keys for that many partitions.

    Args:
        partitions: 1 to 1000; stored in `vm:meta`, the same for all processes of an installation.
    """

    def __init__(self, partitions: int = 16) -> None:
        self.partitions = partitions

    def partition(self, box: MailboxId) -> int:
        """The partition of a mailbox: CRC16 (as Redis Cluster's, XMODEM) of `number@domain`, modulo partitions."""
        return binascii.crc_hqx(str(box).encode(), 0) % self.partitions

    def parts(self) -> Iterator[PartitionKeys]:
        """The keys of each partition."""
        return map(self.part, range(self.partitions))

    def of(self, box: MailboxId) -> BoxKeys:
        """The keys of a mailbox."""
        return BoxKeys(box, self.partition(box))

    @staticmethod
    def part(partition: int) -> PartitionKeys:
        """The keys of a partition."""
        return PartitionKeys(partition)


def lock_member(box: MailboxId, *, outside: bool) -> str:
    """A mailbox in `locked`: once for its own telephone, once for all others."""
    return f"{box}/outside" if outside else str(box)


def lock_members(box: MailboxId) -> list[str]:
    """Both of them; that for its own telephone is its name."""
    return [lock_member(box, outside=outside) for outside in (False, True)]


def box_member(box: MailboxId) -> str:
    """A mailbox in `boxes`: the blank sorts before all a name may hold, so the order is domain, then number."""
    return f"{box.domain} {box.number}"


def call_members(name: str, message_id: str) -> tuple[str, str]:
    """A message in `call_ids`: by the Call-ID of SIP, and by the uuid; name: of its mailbox. common.lua spells them too."""
    return f"{name} {message_id}", f"{name} {message_id} uuid"


def name_members(box: MailboxId, words: Iterable[str]) -> list[str]:
    """A mailbox in `names`: one member for every word of its owner's name."""
    return [f"{keys} {box.number}" for keys in words]
