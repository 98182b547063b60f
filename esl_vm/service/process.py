"""What the processes of a service have in common, from their first import to their last.

Each begins by letting gevent patch the standard library, before anything else of the service is imported.
"""

from __future__ import annotations

import logging
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.pins import DEFAULT_PIN
from esl_vm.service import hangups
from esl_vm.service.heartbeat_pipe import BEAT_S
from esl_vm.service.open_files import Memory

if TYPE_CHECKING:
    import socket

    from esl_vm.model.settings import Settings
    from esl_vm.ops.metrics import Metrics
    from esl_vm.ops.metrics_memory import MetricsMemory
    from esl_vm.ops.node import Node
    from esl_vm.ops.snapshot import Looker
    from esl_vm.ops.web import StatusPages
    from esl_vm.service.heartbeat_pipe import HeartbeatPipe

log = logging.getLogger(__name__)

DEMO_MAILBOXES = (
    ("1001", {"name": "Alice Martin", "language": "fr"}),
    ("1002", {"name": "Bob Tremblay", "language": "fr"}),
    ("1003", {"name": "Carol Smith", "language": "en"}),
)
_TIDY_S = 20


@dataclass(frozen=True, slots=True)
class Service:
    """What the processes of a service are told.

    Args:
        settings, redis_url: what it works with.
        listener: where calls are taken, shared by the workers. listens: its address, for the cluster's list of nodes.
        demo: make a few mailboxes to try where there is none. notify: tell others of changes.
        metrics: of all its processes, None = nobody asks. seen: the background process' listener for /metrics, None = nowhere.
        browsed: the web process' listener, likewise.
    """

    settings: Settings
    redis_url: str
    listener: socket.socket
    listens: str = ""
    demo: bool = False
    notify: bool = True
    metrics: MetricsMemory | None = None
    seen: socket.socket | None = None
    browsed: socket.socket | None = None


def add_demo_mailboxes(node: Node) -> bool:
    """A few mailboxes to try, with the default PIN, where there is none at all; returns whether they were made."""
    if next(iter(node.registry.boxes()), None) is not None:
        return False
    for number, fields in DEMO_MAILBOXES:
        node.add_mailbox(MailboxId(number, node.settings.service.domain), fields, DEFAULT_PIN)
    return True


def own_socket(listener: socket.socket) -> Any:
    """The shared listener as a socket of this process, for gevent; the inherited one is closed here."""
    from gevent import socket as cooperative

    own = cooperative.socket(listener.family, listener.type, listener.proto, fileno=listener.detach())
    own.setblocking(0)
    return own


def status_pages(listener: socket.socket, looker: Looker, metrics: Metrics) -> StatusPages:
    """What is counted here, and how the node is, for Prometheus; begun."""
    from esl_vm.ops.web import StatusPages

    pages = StatusPages(own_socket(listener), looker.look, lambda: metrics.exposition(looker.look))
    pages.start()
    return pages


def until_asked() -> Any:
    """An event that is set when a process that has no supervisor is asked to end, by SIGTERM or Ctrl-C."""
    import gevent
    from gevent.event import Event

    ignore_hangups()
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    return stop


def ignore_hangups() -> None:
    """`systemctl kill -s HUP` ends nothing; a terminal that is closed ends what was started on it."""
    if not hangups.needs_terminal():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def until_told(pipe: HeartbeatPipe) -> Any:
    """An event that is set when this process is to stop; gives signs of life until then and after, and memory back."""
    import gevent
    from gevent.event import Event
    from gevent.socket import wait_read

    stop = Event()

    def beat() -> None:
        while True:
            pipe.beat()
            gevent.sleep(BEAT_S)

    def watch_parent() -> None:
        wait_read(pipe.parent_fd)
        log.error("the supervisor is gone")
        stop.set()

    def tidy() -> None:
        memory = Memory()
        while True:
            gevent.sleep(_TIDY_S)
            memory.tidy()

    gevent.signal_handler(signal.SIGTERM, stop.set)
    gevent.spawn(beat)
    gevent.spawn(tidy)
    gevent.spawn(watch_parent)
    return stop


def look_at_redis(node: Node) -> None:
    """A Redis that was built otherwise, or another installation's sounds, stop the start (SettingsError).

    What is away does not: messages are kept.
    """
    from esl_vm.ops.agreement import must_have_its_sounds

    try:
        must_have_its_sounds(node)
    except StoreDownError as away:
        log.error("started without Redis: messages are kept in the spool until it is there: %s", away)  # noqa: TRY400


def count(node: Node, metrics: Metrics) -> None:
    """Have the stores of a node tell what they do."""
    node.store.link.observe = metrics.redis_called
    node.store.pins.observe = metrics.pin_checked
    node.store.mailboxes.observe = metrics.call_placed
    node.cache.observe = metrics.sound_asked
