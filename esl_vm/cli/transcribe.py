"""`esl-vm transcribe`: write down what messages say, apart from the calls, on this host or another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from esl_vm.cli.config import settings_of
from esl_vm.model.visible import one_line

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_commands(commands: Commands) -> None:
    """`transcribe`."""
    commands.add(
        "transcribe",
        "write down what messages say",
        _run,
        description="Write down what messages say, by the engine of [transcription] in the settings. `serve` does this too "
        "where an engine is set, unless transcription.workers is 0. Several, on one host or many, share the work.\n"
        "It stands back behind all else on its host (nice 15). SIGTERM ends it.",
        examples="esl-vm --config /etc/esl-vm.toml transcribe",
    )


def _run(args: argparse.Namespace) -> int:
    import signal
    import threading

    from esl_vm.ops import logs
    from esl_vm.service.process import ignore_hangups
    from esl_vm.service.transcribing import build_transcriber, build_transcribing, stand_back, wait_for
    from esl_vm.service.wiring import open_node

    settings = settings_of(args)
    logs.configure(settings.service.log_level, settings.service.log_format)
    stand_back()
    transcriber = build_transcriber(settings.transcription)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    ignore_hangups()
    with open_node(settings) as node:
        transcribing = build_transcribing(node, transcriber)
        transcribing.start()
        logs.Writer(sys.stdout.fileno()).put(one_line(f"messages are transcribed by {transcriber.engine}"))
        wait_for(stop)
        transcribing.stop()
    return 0
