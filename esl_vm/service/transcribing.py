"""The process that transcribes, built from the settings: beside the calls, or alone on another host.

It is no gevent process: an engine works with real threads, and nothing else is done here.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING

from esl_vm.model.errors import SettingsError
from esl_vm.service.heartbeat_pipe import BEAT_S
from esl_vm.service.wiring import open_node

if TYPE_CHECKING:
    from esl_vm.model.settings import TranscriptionSettings
    from esl_vm.notify.transcribing import Transcribing
    from esl_vm.ops.node import Node
    from esl_vm.ports import Transcriber
    from esl_vm.service.heartbeat_pipe import HeartbeatPipe
    from esl_vm.service.process import Service

log = logging.getLogger(__name__)

_NICE = 15
"""How far behind the calls it stands; 19 is the last."""
_AGAIN_S = 60.0
_WAKES_S = 1.0


def build_transcriber(settings: TranscriptionSettings) -> Transcriber:
    """The engine that the settings name; raises SettingsError where there is none, or it can't be built."""
    match settings.engine:
        case "http":
            from esl_vm.transcription.http_engine import HttpEngine

            return HttpEngine(settings)
        case "faster-whisper":
            from esl_vm.transcription.whisper_engine import WhisperEngine

            return WhisperEngine(settings.folder, settings.threads, settings.timeout_s)
        case "command":
            from esl_vm.transcription.command_engine import CommandEngine

            return CommandEngine(settings.command, settings.timeout_s)
        case _:
            raise SettingsError(["transcription.engine: none is set, so nothing is transcribed"])


def build_transcribing(node: Node, transcriber: Transcriber) -> Transcribing:
    """What carries the jobs; not started yet."""
    from esl_vm.notify.transcribing import Transcribing
    from esl_vm.notify.transcripts import TranscriptMaker

    wanted, language = node.settings.transcription, node.settings.speech.language[:2].lower()
    ports = (node.store.mailboxes, node.store.registry, node.audio, node.outbox, node.clock)
    maker = TranscriptMaker(transcriber, wanted, *ports, language)
    return Transcribing(
        node.outbox,
        maker.carry,
        node.clock,
        at_once=max(1, wanted.workers),
        retry_s=wanted.retry_hours * 3600,
        report=partial(node.store.cluster.transcribes, f"{transcriber.engine} ({node.settings.service.node})"),
    )


def stand_back() -> None:
    """Let calls have the processors first."""
    os.nice(max(0, _NICE - os.nice(0)))


def wait_for(stop: threading.Event) -> None:
    """Return when that is set by a signal's handler. One that reached another thread runs only when this one wakes."""
    while not stop.wait(_WAKES_S):
        pass


def transcribe_beside_calls(pipe: HeartbeatPipe, service: Service) -> int:
    """Transcribe until told to stop; what the supervisor runs."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    for listener in (service.seen, service.browsed):
        if listener:
            listener.close()
    stand_back()
    threading.Thread(target=_live, args=(pipe, stop), name="heartbeat", daemon=True).start()
    pipe.ready()  # no call waits for a model, nor for one that is not there
    while not stop.is_set():
        try:
            transcriber = build_transcriber(service.settings.transcription)
        except SettingsError as wrong:
            log.error("no message is transcribed: %s", wrong)  # noqa: TRY400 - the sentence says it all
            stop.wait(_AGAIN_S)
            continue
        with open_node(service.settings, service.redis_url) as node:
            transcribing = build_transcribing(node, transcriber)
            transcribing.start()
            wait_for(stop)
            transcribing.stop()
    return 0


def _live(pipe: HeartbeatPipe, stop: threading.Event) -> None:
    """Give signs of life, and see when the supervisor is gone."""
    while True:
        pipe.beat()
        if select.select([pipe.parent_fd], [], [], BEAT_S)[0]:
            log.error("the supervisor is gone")
            stop.set()
            return
