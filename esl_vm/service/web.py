"""The web process: the pages and the API, built from the settings."""

from __future__ import annotations

import secrets
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import AudioMissingError, StoreDownError
from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message
from esl_vm.service.open_files import allow_open_files
from esl_vm.service.process import DEMO_MAILBOXES, count, look_at_redis, own_socket, until_told
from esl_vm.service.wiring import in_thread, open_node, web_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.ops.metrics import Metrics
    from esl_vm.ops.metrics_memory import MetricsSlot
    from esl_vm.ops.node import Node
    from esl_vm.service.heartbeat_pipe import HeartbeatPipe
    from esl_vm.service.process import Service
    from esl_vm.web.dependencies import Push
    from esl_vm.web.server import WebServer


#: Files besides connections: to Redis, sounds being sent, what is sent in.
_OTHER_FILES = 512
_DEMO_TRIES, _DEMO_PAUSE_S, _DEMO_RATE = 60, 0.5, 8000
_DEMO_MESSAGES = (
    (Caller("4185550144", "Clinique du Parc"), 6.0, False, 90_000),
    (Caller("1002", "Bob Tremblay"), 3.5, True, 5_400),
    (Caller("5145550142", "Zoé Côté"), 9.0, False, 300),
)
"""Who left them, how long they are in seconds, whether they are urgent, how many seconds ago."""


def serve_web(pipe: HeartbeatPipe, service: Service, counts: MetricsSlot | None = None) -> int:
    """Answer browsers and programs until told to stop.

    Args:
        pipe: its supervisor.
        service: what it is told.
        counts: where it writes its metrics.
    """
    from gevent import monkey

    monkey.patch_all()

    if service.browsed is None:
        return 0
    if service.seen:
        service.seen.close()
    import gevent

    from esl_vm.ops.metrics import WRITE_S, Metrics

    settings = service.settings
    if service.demo and ip_address(service.browsed.getsockname()[0]).is_loopback:
        # What is there to be tried opens with the PIN that was given to it, to whoever sits at this host.
        settings = replace(settings, pins=replace(settings.pins, initial_from_outside=True))
    metrics = Metrics(counts, service.metrics, partial(gevent.spawn_later, WRITE_S))
    with open_node(settings, service.redis_url) as node:
        count(node, metrics)
        look_at_redis(node)
        stop = until_told(pipe)
        server = build_web(node, own_socket(service.browsed), metrics)
        server.start()
        if service.demo:
            gevent.spawn(_add_demo_messages, node)
        pipe.ready()
        stop.wait()
        server.stop()
        metrics.write()
    return 0


def _add_demo_messages(node: Node) -> None:
    """A few messages to hear, in the first of the mailboxes to try, once it is there; each once, as their ids are fixed."""
    import gevent

    from esl_vm.sim.voice import tone
    from esl_vm.sound.wav import wave

    box = MailboxId(DEMO_MAILBOXES[0][0], node.settings.service.domain)
    for _ in range(_DEMO_TRIES):
        with suppress(StoreDownError):
            if node.mailboxes.open(box) is not None:
                break
        gevent.sleep(_DEMO_PAUSE_S)
    with tempfile.TemporaryDirectory(prefix="esl-vm-demo-") as folder, suppress(StoreDownError):
        for place, (caller, seconds, urgent, ago_s) in enumerate(_DEMO_MESSAGES):
            sound = Path(folder) / f"{place}.wav"
            sound.write_bytes(wave(tone(seconds).tobytes(), _DEMO_RATE))
            received = node.clock.now() - ago_s
            message = Message(f"demo-{place}", caller, received, duration_ms=int(seconds * 1000), urgent=urgent)
            if not node.audio.exists(message.id):
                node.audio.put(message.id, sound)
            node.mailboxes.deliver(box, message)


def _push(node: Node) -> Push | None:
    """Notices in browsers; None where nobody wants them, or this host has not what they take."""
    from esl_vm.sealing.web_push import is_available, new_key, public_key
    from esl_vm.web.dependencies import Push

    if not node.settings.push.contact or not is_available():
        return None
    subscriptions = node.store.push
    return Push(subscriptions, lambda: public_key(subscriptions.key(new_key)), node.settings.push.private)


def build_web(node: Node, listener: object, metrics: Metrics | None = None) -> WebServer:
    """The pages and the API, not started yet.

    Args:
        node: the stores.
        listener: a listening gevent socket.
        metrics: what counts; None: nobody does.
    """
    from esl_vm.actions.target import Converted
    from esl_vm.importers.upload import converted_upload
    from esl_vm.oidc.provider import Provider
    from esl_vm.ops.callers import Callers
    from esl_vm.ops.web import Connections
    from esl_vm.web.dependencies import Dependencies
    from esl_vm.web.factory import create_application
    from esl_vm.web.problems import ProblemError
    from esl_vm.web.server import WebServer
    from esl_vm.web.streams import Hub

    settings, wanted = node.settings, node.settings.web
    allow_open_files(wanted.connections + _OTHER_FILES)
    kept = web_cache(settings)

    def as_kind(audio_id: str, source: Path, kind: str) -> Path:
        from esl_vm.sound.encode import NoEncoderError, encoded

        try:
            return kept.fetch(f"{audio_id}-{kind}", lambda: in_thread(lambda: encoded(source, kind)))
        except NoEncoderError as none:
            raise ProblemError("not-acceptable", f"{none}: ask for `wav`.") from none
        except (OSError, RuntimeError) as wrong:
            raise AudioMissingError(f"the sound {audio_id} can't be read: {wrong}") from wrong

    @contextmanager
    def converted(source: Path) -> Iterator[Converted]:
        with converted_upload(source, settings.audio.rate) as (path, milliseconds):
            yield Converted(path, milliseconds)

    def mail_link(box: MailboxId) -> None:
        now, name = node.clock.now(), secrets.token_hex(8)
        about = {"form": "sign_in", "at": now, "message": {"id": f"sign-in-{name}", "received": now}}
        node.outbox.add(Job(f"mail:{box}:sign-in:{name}", JobKind.MAIL, box, about, now, now))

    deps = Dependencies(
        settings=wanted,
        mailboxes=node.store.mailboxes,
        registry=node.store.registry,
        pins=node.store.pins,
        pin_rules=settings.pins,
        lists=node.store.lists,
        audio=node.audio,
        spool=node.spool,
        clock=node.clock,
        access=node.store.access,
        read_link=node.store.links.read,
        messages_of_call=node.store.calls.messages,
        find_words=node.store.transcripts.find,
        begin_broadcast=node.store.broadcasts.begin,
        events=node.store.events,
        cluster=node.store.cluster,
        outbox=node.outbox,
        hub=Hub(node.store.events, metrics.streams_open) if metrics else Hub(node.store.events),
        callers=Callers(node),
        holds=node.store.holds,
        seal=node.seal,
        keys_used=node.store.seal_keys.used,
        metrics=metrics,
        partition=node.store.keys.partition,
        converted=converted,
        encoded=as_kind,
        domain=settings.service.domain.lower(),
        timezone=settings.service.timezone,
        language=settings.speech.language[:2].lower(),
        calendars=node.calendars,
        mails=bool(settings.mail.host),
        transcribes=settings.transcription.engine != "none",
        oidc=settings.oidc,
        provider=Provider(settings.oidc, node.clock) if settings.oidc.issuer else None,
        push=_push(node),
        mail_link=mail_link if wanted.sign_in_links else None,
    )
    return WebServer(
        listener,
        create_application(deps),
        Connections(wanted.connections),
        arrival_s=wanted.arrival_s,
        stall_s=wanted.stall_s,
        end_streams=deps.hub.close,
    )
