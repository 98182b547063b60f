"""A worker: the process that takes calls."""

from __future__ import annotations

import contextlib
import logging
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING

from esl_vm.model.call import Action, AnswerPolicy
from esl_vm.model.errors import StoreDownError
from esl_vm.service.process import add_demo_mailboxes, count, look_at_redis, own_socket, until_told
from esl_vm.service.wiring import in_thread, open_node, open_spoken_prompts

if TYPE_CHECKING:
    from gevent import socket

    from esl_vm.dialogue.world import World
    from esl_vm.esl.phone import EslPhone
    from esl_vm.esl.server import CallEnd, CallServer
    from esl_vm.esl.sounds import SpokenPrompts
    from esl_vm.esl.worker_load import WorkerLoad
    from esl_vm.model.call import Call
    from esl_vm.ops.call_records import CallRecord
    from esl_vm.ops.metrics import Metrics
    from esl_vm.ops.metrics_memory import MetricsSlot
    from esl_vm.ops.node import Node
    from esl_vm.service.heartbeat_pipe import HeartbeatPipe
    from esl_vm.service.process import Service

log = logging.getLogger(__name__)

REFUSED = "refused"


def serve_calls(
    pipe: HeartbeatPipe, service: Service, load: WorkerLoad | None = None, counts: MetricsSlot | None = None
) -> int:
    """Take calls until told to stop, then finish those that run.

    Args:
        pipe: its supervisor.
        service: what it is told.
        load: how much it has to do, seen by the other workers.
        counts: where it puts what it counted.
    """
    from gevent import monkey

    monkey.patch_all()
    import gevent

    from esl_vm.ops.metrics import WRITE_S, Metrics

    settings = service.settings
    for other in (service.seen, service.browsed):
        if other:
            other.close()
    metrics = Metrics(counts, later=partial(gevent.spawn_later, WRITE_S))
    with open_node(settings, service.redis_url) as node:
        count(node, metrics)
        look_at_redis(node)
        if service.demo:
            with contextlib.suppress(StoreDownError):  # it is said already that Redis is away; calls are taken
                add_demo_mailboxes(node)
        server = build_server(node, own_socket(service.listener), metrics, load)
        stop = until_told(pipe)
        server.start()
        metrics.taking_calls(True)
        pipe.ready()
        stop.wait()
        metrics.taking_calls(False)
        if not server.stop(settings.service.drain_s):
            log.warning("calls were cut short; what they recorded is in the spool")
        metrics.write()
    return 0


def build_world(node: Node) -> World:
    """What conversations are given."""
    from esl_vm.audio.renditions import Renditions
    from esl_vm.dialogue.world import World

    settings = node.settings
    return World(
        mailboxes=node.store.mailboxes,
        pins=node.store.pins,
        directory=node.store.directory,
        lists=node.store.lists,
        audio=node.audio,
        spool=node.spool,
        clock=node.clock,
        registry=node.registry,
        defaults=settings.mailbox,
        waits=settings.waits,
        pin_rules=settings.pins,
        language=settings.speech.language[:2].lower(),
        timezone=settings.service.timezone,
        domain=settings.service.domain.lower(),
        call_context=settings.service.call_context,
        calendars=node.calendars,
        renditions=Renditions(node.cache, in_thread),
        mails=bool(settings.mail.host),
        answer=AnswerPolicy(settings.service.answer),
    )


def build_server(
    node: Node,
    listener: socket.socket | tuple[str, int],
    metrics: Metrics | None = None,
    load: WorkerLoad | None = None,
) -> CallServer:
    """The server that takes calls; not started yet. Each call's record is logged when it ends.

    Args:
        node: the stores.
        listener: a listening gevent socket, or the address to listen on.
        metrics: where calls are counted.
        load: this worker's load, seen by the others; None: it is the only one.
    """
    import esl_vm.sound.levels  # noqa: F401 - before threads, which look at recordings, load it
    from esl_vm.dialogue.front_door import answer_call
    from esl_vm.esl.elsewhere import Elsewhere
    from esl_vm.esl.server import MOST_WAITING, CallServer, ServerSettings
    from esl_vm.model.actor import acting
    from esl_vm.model.actor import phone as phone_actor
    from esl_vm.model.patience import waiting
    from esl_vm.ops.call_records import MeasuredPhone, log_call
    from esl_vm.service.open_files import allow_open_files
    from esl_vm.speech.prepared import PreparedPack

    world = build_world(node)
    running: dict[int, CallRecord] = {}

    def converse(phone: EslPhone) -> None:
        call = phone.call
        record = running[id(call)] = _record_of(node, call)
        caller = call.caller.number or "unknown"
        log.info("call %s %s from %s to %s: begins", call.uuid, record.action, caller, call.destination)
        if metrics:
            metrics.call_began()
        with acting(phone_actor(call.caller.number, call.uuid)), waiting():
            talk = answer_call(MeasuredPhone(phone, record), world)
        record.mailbox, record.owner = str(talk.box or record.mailbox), talk.owner
        # What became of a recording is known after its caller hung up: the conversation knows, the channel no more.
        record.status, record.cause = str(talk.status), str(talk.cause)
        record.message_id = talk.message_id

    def ended(end: CallEnd) -> None:
        record = running.pop(id(end.call), None)
        if metrics and record:
            metrics.call_ended(record, seconds=end.seconds, keys=end.keys, end=end.end)
        record = record or _record_of(node, end.call)
        if metrics and end.end == REFUSED:
            metrics.call_counted(record.action, record.status, end.end)
        fields = record.as_logged(seconds=end.seconds, applications=end.applications, keys=end.keys, end=end.end)
        log_call(fields)

    max_calls = node.settings.service.max_calls
    # A call is a socket, at times a connection to Redis or a recording too; and there are pending connections, and the rest.
    files = allow_open_files(2 * (max_calls + MOST_WAITING))
    limits = ServerSettings(
        max_calls=max_calls,
        max_waiting=min(MOST_WAITING, files // 4),
        allow=tuple(ip_network(network) for network in node.settings.service.allow),
    )
    pack: SpokenPrompts = open_spoken_prompts(node.settings)
    elsewhere = None
    if isinstance(pack, PreparedPack):
        proof = pack.proof()
        elsewhere = Elsewhere(pack.pack, proof) if proof else None
        pack = pack if proof else pack.pack
    return CallServer(listener, converse, pack, limits, ended, load, elsewhere)


def _record_of(node: Node, call: Call) -> CallRecord:
    """A call's record as it begins: what the call itself tells."""
    from esl_vm.dialogue.front_door import action_of
    from esl_vm.ops.call_records import CallRecord

    action = action_of(call)
    named = call.variable("vm_mailbox")
    expected = {Action.CHECK: call.caller.number, Action.LEAVE: call.destination}.get(action, "") if action else ""
    return CallRecord(call, str(action or "unknown"), named or expected, node.settings.service.node)
