"""`esl-vm web`: the mailbox in a browser, and the API, apart from the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.cli.config import settings_of

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands

DEFAULT = "127.0.0.1:8088"


def add_commands(commands: Commands) -> None:
    """`web`."""
    parser = commands.add(
        "web",
        "the mailbox in a browser, and the API",
        _run,
        description="Serve the pages and the API. `serve` does this too where web.listen is set. Several, on one node or "
        "many, do no harm: all they know is in Redis.\nSIGTERM ends it within a few seconds.",
        examples="""
            esl-vm web
            esl-vm --config /etc/esl-vm.toml web --listen 127.0.0.1:8089
        """,
    )
    parser.add_argument(
        "--status", metavar="HOST:PORT", help="where its /metrics, /healthz and /readyz are (default: nowhere)"
    )
    parser.add_argument(
        "--listen", dest="web", metavar="HOST:PORT", help=f"where browsers connect to (default {DEFAULT})"
    )


def _run(args: argparse.Namespace) -> int:
    from gevent import monkey

    from esl_vm.ops import logs  # before gevent: its thread is a real one

    monkey.patch_all()
    import sys

    from esl_vm.ops.metrics import Metrics
    from esl_vm.ops.snapshot import Looker
    from esl_vm.service.listener import address_of, listen_on
    from esl_vm.service.process import count, own_socket, status_pages, until_asked
    from esl_vm.service.web import build_web
    from esl_vm.service.wiring import open_node

    settings = settings_of(args)
    logs.configure(settings.service.log_level, settings.service.log_format)
    listener = own_socket(listen_on(settings.web.listen or DEFAULT))
    logs.take_standard_error()
    stop = until_asked()
    with open_node(settings) as node:
        metrics = Metrics()
        count(node, metrics)
        seen = listen_on(args.status, "--status") if args.status else None
        pages = status_pages(seen, Looker(node, metrics), metrics) if seen else None
        server = build_web(node, listener, metrics)
        server.start()
        said = f"the mailbox in a browser: http://{address_of(listener)}/"
        if pages:
            said += "\n  status   http://{}:{}/metrics, /healthz and /readyz".format(*pages.address)
        logs.Writer(sys.stdout.fileno()).put(said)
        stop.wait()
        server.stop()
        if pages:
            pages.stop()
    return 0
