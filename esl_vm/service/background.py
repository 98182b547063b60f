"""The background process: what looks after the rest, so that workers only take calls."""

from __future__ import annotations

import contextlib
import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from esl_vm.model.errors import SpoolError, StoreDownError
from esl_vm.service.process import add_demo_mailboxes, count, look_at_redis, status_pages, until_told
from esl_vm.service.wiring import EMBEDDED, in_thread, open_node, open_spoken_prompts, web_cache

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.model.settings import Settings
    from esl_vm.ops.metrics_memory import MetricsSlot
    from esl_vm.ops.node import Node
    from esl_vm.service.heartbeat_pipe import HeartbeatPipe
    from esl_vm.service.process import Service

log = logging.getLogger(__name__)

_HOUSEKEEPING_S = 600
_PURGE_EVERY_S = 3600
_COMPARE_S = 10
_PRIVATE_S = 20
_FORGET_S = 10
_SCHEDULED_S = 5
_BETWEEN_PROMPTS_S = 0.25
_DAY_S = 86400


def work_in_background(pipe: HeartbeatPipe, service: Service, counts: MetricsSlot | None = None) -> int:
    """Settle what calls left behind, empty trashes, tell others of changes, show how it goes; until told to stop."""
    from gevent import monkey

    monkey.patch_all()
    import gevent

    from esl_vm.model.actor import acting
    from esl_vm.model.agreement import packed
    from esl_vm.ops.agreement import common_settings
    from esl_vm.ops.heartbeat import Heartbeat
    from esl_vm.ops.metrics import WRITE_S, Metrics
    from esl_vm.ops.snapshot import Looker
    from esl_vm.service.notifier import build_notifier, build_switch
    from esl_vm.service.reporter import PAUSE_S, Reporter

    settings = service.settings
    if service.browsed:
        service.browsed.close()
    metrics = Metrics(counts, service.metrics, partial(gevent.spawn_later, WRITE_S))
    with open_node(settings, service.redis_url) as node, acting(f"housekeeping {settings.service.node}"):
        count(node, metrics)
        look_at_redis(node)
        if service.demo:
            with contextlib.suppress(StoreDownError):  # it is said already that Redis is away; calls are taken
                add_demo_mailboxes(node)
        stop = until_told(pipe)
        switch = build_switch(settings) if service.notify else None
        notifier = build_notifier(node, switch, metrics) if service.notify else None
        if switch:
            switch.start()
        if notifier:
            notifier.start()
        gevent.spawn(look_at_topology, node)
        gevent.spawn(_sweep, node)
        gevent.spawn(_deliver_scheduled, node)
        gevent.spawn(_keep_house, node)
        gevent.spawn(_prepare_prompts, settings)
        gevent.spawn(_read_calendars, node)
        gevent.spawn(_forget_copies, node)
        if node.seal.key:
            gevent.spawn(_keep_private, node)
        reporter = Reporter(node, switch, time.monotonic)
        gevent.spawn(_repeat, "reporting to administrators", reporter.step, PAUSE_S)
        differing: list[str] = []
        gevent.spawn(_compare, node, differing)
        looker = Looker(node, metrics, notifier, switch, differing)
        pages = status_pages(service.seen, looker, metrics) if service.seen else None
        heartbeat = Heartbeat(
            node.store.cluster,
            looker.look,
            metrics,
            listens=service.listens,
            agree=packed(common_settings(node)),
        )
        heartbeat.start()
        pipe.ready()
        stop.wait()
        heartbeat.stop()
        if pages:
            pages.stop()
        if notifier:
            notifier.stop()
        if switch:
            switch.close()
    return 0


def _prepare_prompts(settings: Settings) -> None:
    """Have the prompts ready before calls ask for them, here where no call waits: one now and then, those made before at once."""
    import gevent

    from esl_vm.speech.prepared import PreparedPack

    pack = open_spoken_prompts(settings)
    if isinstance(pack, PreparedPack):
        for made in pack.prepare_all():
            gevent.sleep(_BETWEEN_PROMPTS_S if made else 0)


def _read_calendars(node: Node) -> None:
    from esl_vm.calendars.reading import CalendarReader

    wanted = node.settings.calendars
    reader = CalendarReader(wanted, node.calendars, node.clock, node.settings.service.timezone)
    _repeat("reading calendars", reader.read_all, wanted.refresh_minutes * 60)


def _keep_private(node: Node) -> None:
    """Note under which key things are sealed, and remove clear copies of sounds that nobody plays."""
    encoded = web_cache(node.settings)

    def look_after() -> None:
        try:
            node.store.seal_keys.note(node.seal.key)
            for cache in (node.cache, encoded):
                in_thread(cache.expire)
        except OSError as wrong:
            log.warning("clear copies can't be removed: %s", wrong)

    _repeat("looking after clear copies", look_after, _PRIVATE_S, logging.WARNING)


def _forget_copies(node: Node) -> None:
    """Remove this node's copies of sounds that were erased, whichever node erased them."""
    from esl_vm.ops.copies import Copies

    copies = Copies(node.store.cluster, [node.cache, web_cache(node.settings)], in_thread)
    _repeat("forgetting copies of erased sounds", copies.look, _FORGET_S, logging.WARNING)


def look_at_topology(node: Node) -> None:
    """Whether Redis keeps what it is given, and enough replicas for the servers that are there: said once, at the start."""
    from esl_vm.model.findings import Level
    from esl_vm.model.topology import problems
    from esl_vm.ops.check_redis import durability
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
    from esl_vm.ops.agreement import disagreements, sounds_problem

    def compare() -> None:
        found = [*filter(None, [sounds_problem(node)]), *disagreements(node)]
        for one in set(found) - set(differing):
            log.error("this node does not agree with the others: %s", one)
        differing[:] = found

    _repeat("comparing with the other nodes", compare, _COMPARE_S)


def _sweep(node: Node) -> None:
    from esl_vm.model.rate_limited_log import RateLimitedLog

    unsettled = RateLimitedLog(log, logging.WARNING, most=1)

    def sweep() -> None:
        try:
            node.sweeper.sweep_once()
            node.spool.folder.belong_to(node.store.installation)
        except (SpoolError, StoreDownError, OSError) as wrong:
            unsettled.log("the spool is not settled now: %s", wrong)

    _repeat("settling the spool", sweep, node.settings.spool.sweep_s)


def _deliver_scheduled(node: Node) -> None:
    """Deliver messages whose time has come, whichever node they were sent from."""
    from esl_vm.recordings.scheduled import deliver_due

    step = partial(deliver_due, node.mailboxes, node.audio)
    _repeat("delivering messages whose time has come", step, _SCHEDULED_S, logging.WARNING)


def may_keep_house(node: Node) -> bool:
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

    def keep_house() -> None:
        if may_keep_house(node) and node.store.housekeeping.my_turn(node.settings.service.node, _PURGE_EVERY_S):
            withdrawn = node.store.housekeeping.withdraw()
            done = list(node.store.housekeeping.purge())
            sounds = node.store.housekeeping.erase_sounds(node.audio.delete)
            events = node.store.events.trim(node.settings.redis.events_days * _DAY_S)
            log.info(
                "housekeeping: %d messages to the trash, %d erased from it; %d sounds and %d events erased",
                withdrawn + sum(part.to_trash for part in done), sum(part.erased for part in done), sounds, events,
            )  # fmt: skip

    _repeat("housekeeping", keep_house, _HOUSEKEEPING_S, logging.WARNING)


def _repeat(what: str, step: Callable[[], object], every_s: float, severity: int = logging.DEBUG) -> None:
    """Do that for ever, so many seconds after the last time; that the store is away is logged with that severity."""
    import gevent

    while True:
        try:
            step()
        except StoreDownError as away:
            log.log(severity, "%s waits: %s", what, away)
        except Exception:  # the outermost handler: the next round may succeed
            log.exception("%s", what)
        gevent.sleep(every_s)
