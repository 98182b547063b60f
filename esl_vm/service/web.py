"""The web process: the pages and the API, built from the settings."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.service.process import look_at_redis, own_socket, until_told
from esl_vm.service.wiring import in_thread, open_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.ops.node import Node
    from esl_vm.service.heartbeat_pipe import HeartbeatPipe
    from esl_vm.service.process import Service
    from esl_vm.web.server import WebServer


def serve_web(pipe: HeartbeatPipe, service: Service) -> int:
    """Answer browsers and programs until told to stop.

    Args:
        pipe: its supervisor.
        service: what it is told.
    """
    from gevent import monkey

    monkey.patch_all()

    if service.browsed is None:
        return 0
    if service.seen:
        service.seen.close()
    with open_node(service.settings, service.redis_url) as node:
        look_at_redis(node)
        stop = until_told(pipe)
        server = build_web(node, own_socket(service.browsed))
        server.start()
        pipe.ready()
        stop.wait()
        server.stop()
    return 0


def build_web(node: Node, listener: object) -> WebServer:
    """The pages and the API, not started yet.

    Args:
        node: the stores.
        listener: a listening gevent socket.
    """
    from esl_vm.audio.cache import Cache
    from esl_vm.importers.upload import converted_upload
    from esl_vm.model.fields import checked_field, field_name
    from esl_vm.ops.web import Connections
    from esl_vm.web.front import build_application
    from esl_vm.web.server import WebServer
    from esl_vm.web.streams import Hub
    from esl_vm.web.world import Uploaded, WebWorld

    settings, wanted = node.settings, node.settings.web
    kept = Cache(Path(settings.data_dir) / "web", limit_bytes=settings.audio.cache_mb << 20, run=in_thread)

    def as_mp3(audio_id: str, source: Path) -> Path:
        from esl_vm.sound.encode import encoded

        return kept.fetch(f"{audio_id}-mp3", lambda: in_thread(lambda: encoded(source, "mp3")))

    @contextmanager
    def converted(source: Path) -> Iterator[Uploaded]:
        with converted_upload(source, settings.audio.rate) as (path, milliseconds):
            yield Uploaded(path, milliseconds)

    world = WebWorld(
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
        calls=node.store.calls,
        broadcasts=node.store.broadcasts,
        events=node.store.events,
        cluster=node.store.cluster,
        hub=Hub(node.store.events),
        partition=node.store.keys.partition,
        converted=converted,
        encoded=as_mp3,
        check_fields=lambda fields: {
            field_name(name): checked_field(field_name(name), fields[name]) for name in fields
        },
        domain=settings.service.domain.lower(),
        timezone=settings.service.timezone,
        language=settings.speech.language[:2].lower(),
    )
    return WebServer(
        listener,
        build_application(world),
        Connections(wanted.connections),
        arrival_s=wanted.arrival_s,
        stall_s=wanted.stall_s,
    )
