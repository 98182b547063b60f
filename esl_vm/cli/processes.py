"""What the processes of `esl-vm serve` do, from their first import to their last: take calls, or look after the rest.

Each begins by letting gevent patch the standard library, before anything else of the service is imported.
"""

from __future__ import annotations

import contextlib
import logging
import signal
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import SpoolError, StoreDownError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.pins import DEFAULT_PIN
from esl_vm.ops.lifeline import BEAT_S
from esl_vm.ops.open_files import Memory

if TYPE_CHECKING:
    import socket

    from esl_vm.app import Node
    from esl_vm.esl.worker_load import WorkerLoad
    from esl_vm.model.settings import Settings
    from esl_vm.ops.lifeline import Lifeline
    from esl_vm.ops.metrics import Metrics
    from esl_vm.ops.metrics_memory import MetricsMemory, MetricsSlot
    from esl_vm.ops.snapshot import Looker
    from esl_vm.ops.web import StatusPages

log = logging.getLogger(__name__)

DEMO_MAILBOXES = (
    ("1001", {"name": "Alice Martin", "language": "fr"}),
    ("1002", {"name": "Bob Tremblay", "language": "fr"}),
    ("1003", {"name": "Carol Smith", "language": "en"}),
)
_HOUSEKEEPING_S = 600
_TIDY_S = 20
_PURGE_EVERY_S = 3600
_COMPARE_S = 10
_BETWEEN_PROMPTS_S = 0.25
_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Service:
    """What the processes of a service are told.

    Args:
        settings, redis_url: what it works with.
        listener: where calls are taken, shared by the workers. listens: its address, for the cluster's list of nodes.
        demo: make a few mailboxes to try where there is none. notify: tell others of changes.
        metrics: of all its processes, None = nobody asks. seen: the steward's listener for /metrics, None = nowhere.
    """

    settings: Settings
    redis_url: str
    listener: socket.socket
    listens: str = ""
    demo: bool = False
    notify: bool = True
    metrics: MetricsMemory | None = None
    seen: socket.socket | None = None


def serve_calls(
    lifeline: Lifeline, service: Service, load: WorkerLoad | None = None, counts: MetricsSlot | None = None
) -> int:
    """Take calls until told to stop, then finish those that run.

    Args:
        lifeline: its supervisor.
        service: what it is told.
        load: how much it has to do, seen by the other workers.
        counts: where it puts what it counted.
    """
    from gevent import monkey

    monkey.patch_all()
    import gevent

    from esl_vm.app import build_server, count, open_node
    from esl_vm.ops.metrics import WRITE_S, Metrics

    settings = service.settings
    if service.seen:
        service.seen.close()
    metrics = Metrics(counts, later=partial(gevent.spawn_later, WRITE_S))
    with open_node(settings, service.redis_url) as node:
        count(node, metrics)
        _look_at_redis(node)
        if service.demo:
            with contextlib.suppress(StoreDownError):  # it is said already that Redis is away; calls are taken
                add_demo_mailboxes(node)
        server = build_server(node, _own(service.listener), metrics, load)
        stop = _until_told(lifeline)
        server.start()
        metrics.taking_calls(True)
        lifeline.ready()
        stop.wait()
        metrics.taking_calls(False)
        if not server.stop(settings.service.drain_s):
            log.warning("calls were cut short; what they recorded is in the spool")
        metrics.write()
    return 0


def look_after(lifeline: Lifeline, service: Service, counts: MetricsSlot | None = None) -> int:
    """Settle what calls left behind, empty trashes, tell others of changes, show how it goes; until told to stop."""
    from gevent import monkey

    monkey.patch_all()
    import gevent

    from esl_vm.app import build_looker, build_notifier, build_switch, count, open_node
    from esl_vm.cli.agreement import told_in_common
    from esl_vm.model.actor import acting
    from esl_vm.model.agreement import packed
    from esl_vm.ops.heartbeat import Heartbeat
    from esl_vm.ops.metrics import WRITE_S, Metrics
    from esl_vm.store.store import SCHEMA

    settings = service.settings
    metrics = Metrics(counts, service.metrics, partial(gevent.spawn_later, WRITE_S))
    with open_node(settings, service.redis_url) as node, acting(f"housekeeping {settings.service.node}"):
        count(node, metrics)
        _look_at_redis(node)
        if service.demo:
            with contextlib.suppress(StoreDownError):  # it is said already that Redis is away; calls are taken
                add_demo_mailboxes(node)
        stop = _until_told(lifeline)
        switch = build_switch(settings) if service.notify else None
        notifier = build_notifier(node, switch, metrics) if service.notify else None
        if switch:
            switch.start()
        if notifier:
            notifier.start()
        gevent.spawn(look_at_topology, node)
        gevent.spawn(_sweep, node)
        gevent.spawn(_keep_house, node)
        gevent.spawn(_prepare_prompts, settings)
        differing: list[str] = []
        gevent.spawn(_compare, node, differing)
        looker = build_looker(node, metrics, notifier, switch, differing)
        pages = _status_pages(service, looker, metrics)
        if pages:
            pages.start()
        heartbeat = Heartbeat(
            node.store.cluster,
            looker.look,
            metrics,
            knows=SCHEMA,
            listens=service.listens,
            agree=packed(told_in_common(node)),
        )
        heartbeat.start()
        lifeline.ready()
        stop.wait()
        heartbeat.stop()
        if pages:
            pages.stop()
        if notifier:
            notifier.stop()
        if switch:
            switch.close()
    return 0


def _status_pages(service: Service, looker: Looker, metrics: Metrics) -> StatusPages | None:
    from esl_vm.ops.web import StatusPages

    if service.seen is None:
        return None
    return StatusPages(_own(service.seen), looker.look, lambda: metrics.exposition(looker.look))


def add_demo_mailboxes(node: Node) -> bool:
    """A few mailboxes to try, with the default PIN, where there is none at all; returns whether they were made."""
    if next(iter(node.registry.boxes()), None) is not None:
        return False
    for number, fields in DEMO_MAILBOXES:
        node.add_mailbox(MailboxId(number, node.settings.service.domain), fields, DEFAULT_PIN)
    return True


def _own(listener: socket.socket) -> Any:
    """The shared listener as a socket of this process, for gevent; the inherited one is closed here."""
    from gevent import socket as cooperative

    own = cooperative.socket(listener.family, listener.type, listener.proto, fileno=listener.detach())
    own.setblocking(0)
    return own


def _until_told(lifeline: Lifeline) -> Any:
    """An event that is set when this process is to stop; gives signs of life until then and after, and memory back."""
    import gevent
    from gevent.event import Event
    from gevent.socket import wait_read

    stop = Event()

    def beat() -> None:
        while True:
            lifeline.beat()
            gevent.sleep(BEAT_S)

    def watch_leash() -> None:
        wait_read(lifeline.leash_fd)
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
    gevent.spawn(watch_leash)
    return stop


def _look_at_redis(node: Node) -> None:
    """A Redis that was built otherwise, or another installation's sounds, stop the start (SettingsError).

    What is away does not: messages are kept.
    """
    from esl_vm.cli.agreement import must_have_its_sounds

    try:
        must_have_its_sounds(node)
    except StoreDownError as away:
        log.error("started without Redis: messages are kept in the spool until it is there: %s", away)  # noqa: TRY400


def _prepare_prompts(settings: Settings) -> None:
    """Have the prompts ready before calls ask for them, here where no call waits: one now and then, those made before at once."""
    import gevent

    from esl_vm.app import open_spoken_prompts
    from esl_vm.speech.prepared import PreparedPack

    pack = open_spoken_prompts(settings)
    if isinstance(pack, PreparedPack):
        for made in pack.prepare_all():
            gevent.sleep(_BETWEEN_PROMPTS_S if made else 0)


def look_at_topology(node: Node) -> None:
    """Whether Redis keeps what it is given, and enough replicas for the servers that are there: said once, at the start."""
    from esl_vm.app import EMBEDDED
    from esl_vm.cli.check_redis import durability
    from esl_vm.cli.checks import Level
    from esl_vm.model.topology import problems
    from esl_vm.store.topology import discover

    if node.settings.redis.url == EMBEDDED:
        return
    try:
        for finding in durability(node):
            if finding.level is Level.ERROR:
                log.error("redis: %s: %s", finding.said, finding.remedy)
        for problem in problems(discover(node.store.link), node.store.link.replicas):
            log.log(logging.ERROR if problem.grave else logging.WARNING, "redis: %s: %s", problem.said, problem.remedy)
    except StoreDownError as away:
        log.warning("redis: its replicas can't be looked at: %s", away)


def _compare(node: Node, differing: list[str]) -> None:
    """Keep in a list what differs from the other nodes, and whether the sounds are ours; say each once."""
    import gevent

    from esl_vm.cli.agreement import disagreements, sounds_problem

    while True:
        try:
            found = [*filter(None, [sounds_problem(node)]), *disagreements(node)]
            for one in set(found) - set(differing):
                log.error("this node does not agree with the others: %s", one)
            differing[:] = found
        except StoreDownError as away:
            log.debug("not compared with the other nodes: %s", away)
        except Exception:  # a front door: the next round may do better
            log.exception("comparing with the other nodes")
        gevent.sleep(_COMPARE_S)


def _sweep(node: Node) -> None:
    import gevent

    from esl_vm.model.rate_limited_log import RateLimitedLog

    unsettled = RateLimitedLog(log, logging.WARNING, most=1)
    while True:
        try:
            node.sweeper.sweep_once()
            node.spool.folder.belong_to(node.store.installation)
        except (SpoolError, StoreDownError, OSError) as wrong:
            unsettled.log("the spool is not settled now: %s", wrong)
        except Exception:  # a front door: the next round may do better
            log.exception("settling the spool")
        gevent.sleep(node.settings.spool.sweep_s)


def _may_keep_house(node: Node) -> bool:
    """Whether the time by which things are erased is beyond doubt."""
    from esl_vm.model.cluster import redis_clock_is_right

    if not node.clock.may_keep_house:
        return False
    if redis_clock_is_right(node.store.cluster.nodes()):
        return True
    log.error("Redis' clock is not that of most nodes: no housekeeping until that is mended")
    return False


def _keep_house(node: Node) -> None:
    """Once an hour, by one process of the cluster: empty trashes, retire what is too old, erase sounds, trim events."""
    import gevent

    while True:
        try:
            if _may_keep_house(node) and node.store.housekeeping.my_turn(node.settings.service.node, _PURGE_EVERY_S):
                done = list(node.store.housekeeping.purge())
                sounds = node.store.housekeeping.erase_sounds(node.audio.delete)
                events = node.store.events.trim(node.settings.redis.events_days * _DAY_S)
                log.info(
                    "housekeeping: %d messages to the trash, %d erased from it; %d sounds and %d events erased",
                    sum(part.to_trash for part in done), sum(part.erased for part in done), sounds, events,
                )  # fmt: skip
        except StoreDownError as away:
            log.warning("housekeeping waits: %s", away)
        except Exception:  # a front door: the next round may do better
            log.exception("housekeeping")
        gevent.sleep(_HOUSEKEEPING_S)
