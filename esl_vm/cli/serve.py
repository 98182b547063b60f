"""`esl-vm serve`: the service, as a supervisor, processes that take calls, and one that looks after the rest.

The supervisor and its listening socket are here, and nothing that knows of calls: gevent and Redis' client are first
imported in the processes it forks (see `service/supervisor.py`).
"""

from __future__ import annotations

import dataclasses
import logging
import os
import shlex
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from esl_vm import __version__
from esl_vm.cli.config import settings_of
from esl_vm.model.errors import SettingsError, VoicemailError
from esl_vm.model.masking import mask_url
from esl_vm.model.pins import DEFAULT_PIN
from esl_vm.service.listener import address_of, listen_on
from esl_vm.service.running import announce, running_at

if TYPE_CHECKING:
    import argparse
    import socket

    from esl_vm.cli.parsers import Commands
    from esl_vm.model.settings import Settings
    from esl_vm.service.heartbeat_pipe import ProcessRole

log = logging.getLogger(__name__)


def add_commands(commands: Commands) -> None:
    """`serve`."""
    parser = commands.add(
        "serve",
        "run the service",
        _run,
        description="Run the service: it takes FreeSWITCH's calls, settles recordings left behind, notifies of changes.\n"
        "SIGTERM stops it when running calls have ended (a second one at once), SIGHUP reads the settings anew.",
        examples="""
            esl-vm serve
            esl-vm serve --demo
            esl-vm --config /etc/esl-vm.toml serve --workers 4 --listen 0.0.0.0:8084
        """,
    )
    parser.add_argument("--listen", metavar="HOST:PORT", help="where FreeSWITCH connects to (default 127.0.0.1:8084)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that serve calls (default 1)")
    parser.add_argument("--prompts", metavar="DIR", help="folder of the prompt pack")
    parser.add_argument(
        "--metrics", metavar="HOST:PORT", help="where /metrics, /healthz and /readyz are (default: nowhere)"
    )
    parser.add_argument("--web", metavar="HOST:PORT", help="where the pages and the API are (default: nowhere)")
    parser.add_argument("--no-notify", action="store_true", help="no lamps, mail and webhooks from here")
    parser.add_argument("--demo", action="store_true", help="where there is no mailbox yet, make a few to try")


def _run(args: argparse.Namespace) -> int:
    from esl_vm.esl.worker_load import worker_loads
    from esl_vm.ops import logs
    from esl_vm.ops.metrics_memory import MetricsMemory
    from esl_vm.service.background import work_in_background
    from esl_vm.service.heartbeat_pipe import ProcessRole
    from esl_vm.service.open_files import share_memory_between_threads
    from esl_vm.service.process import Service
    from esl_vm.service.supervisor import Supervisor
    from esl_vm.service.systemd import ServiceManager
    from esl_vm.service.transcribing import transcribe_beside_calls
    from esl_vm.service.web import serve_web
    from esl_vm.service.wiring import keep_redis
    from esl_vm.service.worker import serve_calls

    settings = settings_of(args)
    share_memory_between_threads()
    logs.configure(settings.service.log_level, settings.service.log_format)
    manager = ServiceManager.of(os.environ)
    try:
        listener = manager.passed_listener() or listen_on(settings.service.listen)
    except OSError:
        if (running := running_at(settings.data_dir)) == settings.service.listen:
            raise VoicemailError(
                f"a service runs on {settings.data_dir} already, and takes calls on {running}"
            ) from None
        raise
    seen = listen_on(settings.metrics.listen, "--metrics") if settings.metrics.listen else None
    browsed = listen_on(settings.web.listen, "--web") if settings.web.listen else None
    os.environ.pop(
        "PROMETHEUS_MULTIPROC_DIR", None
    )  # its library would count in mapped files, which a full disk breaks
    counted = MetricsMemory()
    with keep_redis(settings) as (redis_url, tend_redis):

        def roles_for(now: Settings) -> list[ProcessRole]:
            notify = now.notify.enabled and not args.no_notify
            service = Service(now, redis_url, listener, address_of(listener), False, notify, counted, seen, browsed)
            workers = [
                ProcessRole(
                    f"worker {number}",
                    partial(serve_calls, service=service, load=load, counts=counted.slot()),
                )
                for number, load in enumerate(worker_loads(now.service.workers), 1)
            ]
            background = partial(
                work_in_background, service=dataclasses.replace(service, demo=args.demo), counts=counted.slot()
            )
            asked = dataclasses.replace(service, demo=args.demo)
            web = (
                [ProcessRole("web", partial(serve_web, service=asked, counts=counted.slot()), serves_calls=False)]
                if browsed
                else []
            )
            text = partial(transcribe_beside_calls, service=service)
            wanted = now.transcription.engine != "none" and now.transcription.workers > 0
            writing = [ProcessRole("transcription", text, serves_calls=False)] if wanted else []
            return [*workers, ProcessRole("background process", background, serves_calls=False), *web, *writing]

        def reload() -> list[ProcessRole]:
            now = settings_of(args)
            _refuse_what_needs_a_restart(settings, now)
            return roles_for(now)

        def ready() -> None:
            with suppress(OSError):  # where the folder can't be written, telephones run a service of their own
                announce(settings.data_dir, address_of(listener))
            _say_ready(settings, listener, seen, browsed, redis_url, args)
            manager.status(f"takes calls on {address_of(listener)}")

        supervisor = Supervisor(
            roles_for(settings),
            listener,
            reload=reload,
            on_ready=ready,
            manager=manager,
            drain_s=settings.service.drain_s,
            hang_s=settings.service.hang_s,
            tend=tend_redis,
        )
        return supervisor.run()


def _refuse_what_needs_a_restart(before: Settings, now: Settings) -> None:
    fixed = (
        ("data_dir", before.data_dir, now.data_dir),
        ("service.listen", before.service.listen, now.service.listen),
        ("metrics.listen", before.metrics.listen, now.metrics.listen),
        ("web.listen", before.web.listen, now.web.listen),
        ("redis", dataclasses.astuple(before.redis)[:3], dataclasses.astuple(now.redis)[:3]),
    )
    problems = [f"{name}: a change of it needs a restart" for name, was, is_now in fixed if was != is_now]
    if problems:
        raise SettingsError(problems)


def _say_ready(
    settings: Settings,
    listener: socket.socket,
    seen: socket.socket | None,
    browsed: socket.socket | None,
    redis_url: str,
    args: argparse.Namespace,
) -> None:
    from esl_vm.ops import logs
    from esl_vm.service.process import DEMO_MAILBOXES
    from esl_vm.service.wiring import EMBEDDED, open_prompts

    pack = open_prompts(settings)
    lines = [f"esl-vm {__version__} takes calls on {address_of(listener)}"]
    if settings.redis.url == EMBEDDED:
        lines.append(
            f"  Redis    its own, in {settings.data_dir}; look into it: {_redis_cli(redis_url, settings.data_dir)}"
        )
    else:
        lines.append(f"  Redis    {mask_url(redis_url)}")
    if pack.kind == "nominal":
        lines.append("  prompts  none found: telephones hear nothing; `esl-vm prompts check` says where to get them")
    else:
        lines.append(f"  prompts  {pack.kind}, in {pack.folder}")
    if seen:
        lines.append(f"  status   http://{address_of(seen)}/metrics, /healthz and /readyz")
    if browsed:
        lines.append(f"  web      http://{address_of(browsed)}/ (the API: /api/)")
    if args.demo:
        program = "python -m esl_vm" if sys.argv[0].endswith("__main__.py") else sys.argv[0]
        here = {"--config": "config", "--data-dir": "data_dir"}
        places = [word for option, name in here.items() if name in args for word in (option, getattr(args, name))]
        command = shlex.join([program, *places])
        box = DEMO_MAILBOXES[0][0]
        lines.append(
            f"\nTry it, in another terminal:\n"
            f"  {command} phone '*97' --from {box}    hear {box}'s mailbox; its PIN is {DEFAULT_PIN}\n"
            f"  {command} phone {box} --from 1002     leave it a message\n"
            f"  {command} mailbox list               who has a mailbox\n"
            f"Then point FreeSWITCH at it, with the files of dialplan/; in one line:\n"
            f'  <action application="socket" data="{address_of(listener)} async full"/>\n'
            f"Ctrl-C stops it."
        )
    # In one piece: the processes' log goes to the same terminal. Nobody need read it.
    logs.Writer(sys.stdout.fileno()).put("\n".join(lines))


def _redis_cli(url: str, data_dir: str) -> str:
    """How to look into the embedded Redis; its password stands in a file, and only there."""
    login = f' -a "$(cat {data_dir}/redis/redis.password)"' if "@" in url else ""
    return f"redis-cli -s {url.removeprefix('unix:').rpartition('@')[2]}{login}"
