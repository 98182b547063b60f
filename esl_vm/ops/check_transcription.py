"""Doctor's look at what writes messages down: who gets the sounds, and whether it is there."""

from __future__ import annotations

import shutil
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from esl_vm.model.findings import Finding, Level
from esl_vm.ops.checks import THIS_HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.settings import Settings
    from esl_vm.ops.node import Node

_AREA = "transcription"
_CONNECT_S = 3.0


def check_transcription(settings: Settings) -> Iterator[Finding]:
    """Nothing where no engine is set and no mailbox has transcripts by default."""
    wanted = settings.transcription
    match wanted.engine:
        case "http":
            yield from _check_server(wanted.url)
        case "faster-whisper":
            yield from _check_whisper(wanted.folder)
        case "command":
            yield from _check_command(wanted.command[0])
        case _ if settings.mailbox.transcribe:
            said = "mailboxes are to have transcripts (mailbox.transcribe), and no engine makes them"
            yield Finding(_AREA, Level.WARNING, said, "set `transcription.engine`, or `mailbox.transcribe = false`")


def check_transcribers(node: Node) -> Iterator[Finding]:
    """Whether anybody does it: an engine by itself takes no messages."""
    if node.settings.transcription.engine == "none":
        return
    if there := node.store.cluster.transcribers():
        yield Finding(_AREA, Level.OK, f"messages are transcribed by {', '.join(there)}")
        return
    waiting = node.store.cluster.state().jobs["transcript"]
    said = f"nobody transcribes, and {waiting} messages wait for it; their mails go without"
    remedy = (
        "run `esl-vm transcribe`, on this host or another; where `serve` is to do it, set transcription.workers above 0"
    )
    yield Finding(_AREA, Level.WARNING, said, remedy)


def _check_server(url: str) -> Iterator[Finding]:
    target = urlsplit(url)
    host, port = target.hostname or "", target.port or (443 if target.scheme == "https" else 80)
    if target.scheme == "http" and host not in THIS_HOST:
        said = f"sounds of messages, and what is said in them, go through the network in clear to {host}"
        yield Finding(_AREA, Level.WARNING, said, "set `transcription.url` to an https:// address")
    try:
        socket.create_connection((host, port), _CONNECT_S).close()
    except OSError as wrong:
        said = f"the engine at {host}:{port} does not answer: {wrong.strerror or wrong}; no message is written down"
        yield Finding(_AREA, Level.WARNING, said, "have it answer, or correct `transcription.url`")
        return
    yield Finding(_AREA, Level.OK, f"{host}:{port} gets the sounds of messages, and writes them down")


def _check_whisper(folder: str) -> Iterator[Finding]:
    if find_spec("faster_whisper") is None:
        said = "faster-whisper is not installed; no message is written down here"
        yield Finding(_AREA, Level.ERROR, said, "pip install 'esl-vm[transcription]'")
    elif not (Path(folder) / "model.bin").is_file():
        said = f"there is no model in {folder} (model.bin); no message is written down here"
        yield Finding(_AREA, Level.ERROR, said, "put one there, or correct `transcription.folder`")
    else:
        yield Finding(
            _AREA, Level.OK, f"messages are written down here, by the model in {folder}; no sound leaves this host"
        )


def _check_command(program: str) -> Iterator[Finding]:
    if shutil.which(program) is None:
        said = f"there is no program {program}; no message is written down here"
        yield Finding(_AREA, Level.ERROR, said, "install it, or correct `transcription.command`")
    else:
        yield Finding(_AREA, Level.OK, f"the program {program} gets the sounds of messages, and writes them down")
