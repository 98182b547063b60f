"""`esl-vm phone`: a telephone in the terminal, rung at the service that runs here, or at one of its own."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, has_colours
from esl_vm.cli.parsers import text
from esl_vm.model.errors import InvalidValueError, VoicemailError
from esl_vm.model.settings_check import parse_address
from esl_vm.service.listener import listen_on
from esl_vm.service.running import running_at

if TYPE_CHECKING:
    import argparse
    import socket
    from collections.abc import Iterator

    from esl_vm.cli.parsers import Commands
    from esl_vm.model.settings import Settings
    from esl_vm.service.heartbeat_pipe import HeartbeatPipe

log = logging.getLogger(__name__)

_ANY_PORT = "127.0.0.1:0"


def add_commands(commands: Commands) -> None:
    """`phone`."""
    parser = commands.add(
        "phone",
        "ring the voicemail from this terminal",
        _run,
        description="Ring the voicemail from this terminal: prompts are shown as they are spoken, keys come from the\n"
        "keyboard, recordings from the microphone, a sound file or a tone. It rings the service that runs on the same\n"
        "data folder; where none does it runs one on the same mailboxes for the length of the call.",
        codes={
            0: "the call did what it was for, or was hung up",
            1: "it failed: no such mailbox, a wrong PIN, no service",
        },
        examples="""
            esl-vm phone '*97'                            hear the mailbox of 1001
            esl-vm phone 1002 --from 1001                 leave a message for 1002
            esl-vm phone '*97' --keys "1234# 1 #"         with keys dialled by themselves
            esl-vm phone 1002 --keys "# 1" --voice hello.wav
        """,
    )
    parser.add_argument("number", metavar="NUMBER", help="what is dialled: '*97', '*98', '*411', or a mailbox's number")
    parser.add_argument("--service", metavar="HOST:PORT", help="ring the service there (default: see above)")
    parser.add_argument("--from", dest="caller", default="1001", metavar="NUMBER", help="who calls (default 1001)")
    parser.add_argument("--name", type=text(127), default="", metavar="NAME", help="the name the caller shows")
    parser.add_argument(
        "--keys",
        metavar="WORDS",
        help="dial these: each word when the service speaks or waits, in a recording after the voice",
    )
    parser.add_argument("--voice", metavar="FILE.wav", help="what is said in recordings (default: two seconds of tone)")
    parser.add_argument(
        "--variable",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a channel variable, as the dialplan sets it: vm_language=en; may be repeated",
    )
    parser.add_argument("--mute", action="store_true", help="play nothing on the loudspeaker")
    parser.add_argument("--prompts", metavar="DIR", help="folder of the prompt pack")
    parser.add_argument("--demo", action="store_true", help="where there is no mailbox yet, make a few to try")


def _run(args: argparse.Namespace) -> int:
    from esl_vm.sim.terminal import run_phone
    from esl_vm.speech.words import words

    variables = {}
    for word in args.variable:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidValueError(f"--variable is NAME=VALUE, not {word!r}")
        variables[name] = value
    ring = partial(
        run_phone,
        args.number,
        words=words,
        caller=args.caller,
        name=args.name,
        keys=args.keys,
        voice=Path(args.voice) if args.voice else None,
        variables=variables,
        mute=args.mute,
        colours=has_colours(sys.stdout),
    )
    if args.service:
        return ring(service=parse_address(args.service))
    settings = settings_of(args)
    variables.setdefault("domain_name", settings.service.domain)
    running = running_at(settings.data_dir)
    if running:
        return ring(service=parse_address(running))
    complain(f"no service runs on {settings.data_dir}: one of its own takes this call")
    with _own_service(settings, demo=args.demo) as address:
        return ring(service=address)


@contextmanager
def _own_service(settings: Settings, *, demo: bool) -> Iterator[tuple[str, int]]:
    """A process that serves calls on a port of its own, for as long as this is open.

    Raises:
        VoicemailError: it does not start; it has said why.
    """
    from esl_vm.ops import logs
    from esl_vm.service.heartbeat_pipe import HeartbeatPipe
    from esl_vm.service.wiring import open_redis

    logs.configure("warning", settings.service.log_format)
    with open_redis(settings) as redis_url, listen_on(_ANY_PORT) as listener:
        address: tuple[str, int] = listener.getsockname()[:2]
        reading, tell = os.pipe()
        leash, hold = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.close(hold)
            _serve_and_exit(HeartbeatPipe(tell, leash), settings, redis_url, listener, demo=demo)
        os.close(tell)
        os.close(leash)
        try:
            with os.fdopen(reading, "rb", buffering=0) as pipe:
                if not pipe.read(1):
                    raise VoicemailError("the service did not start")
                yield address
        finally:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)
            os.close(hold)


def _serve_and_exit(
    pipe: HeartbeatPipe, settings: Settings, redis_url: str, listener: socket.socket, *, demo: bool
) -> NoReturn:
    """The child: Ctrl-C is the caller's hanging up, not its end."""
    from esl_vm.ops import logs
    from esl_vm.service.process import Service
    from esl_vm.service.worker import serve_calls

    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = serve_calls(pipe, Service(settings, redis_url, listener, demo=demo))
    except VoicemailError as wrong:
        log.error("%s", wrong)  # noqa: TRY400 - the sentence says it all
    except BaseException:  # a child's outermost handler: reported, then the process ends
        traceback.print_exc()
    finally:
        logs.finish()
        os._exit(code)
