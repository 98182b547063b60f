"""`esl-vm notify`: lamps, events, mail and webhooks, apart from the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_commands(commands: Commands) -> None:
    """`notify`."""
    parser = commands.add(
        "notify",
        "notify of changes: lamps, events, mail, webhooks",
        _run,
        description="Notify of changes: the lamps of this node's telephones, mod_voicemail's events, mail and webhooks.\n"
        "`serve` does this too, unless --no-notify is given. One a node; several do no harm.",
        examples="esl-vm notify --freeswitch 127.0.0.1:8021 --password-file /etc/esl-vm/event-socket",
    )
    parser.add_argument("--freeswitch", metavar="HOST:PORT", help="this node's inbound event socket")
    parser.add_argument("--password-file", metavar="FILE", help="a file with its password")


def _run(args: argparse.Namespace) -> int:
    from gevent import monkey

    from esl_vm.ops import logs  # before gevent: its thread is a real one

    monkey.patch_all()
    import sys

    from esl_vm.service.notifier import build_notifier, build_switch
    from esl_vm.service.process import until_asked
    from esl_vm.service.wiring import open_node

    settings = settings_of(args)
    logs.configure(settings.service.log_level, settings.service.log_format)
    if not settings.notify.freeswitch and not settings.mail.host:
        complain(
            "neither a FreeSWITCH (--freeswitch) nor a mail server is set: only the mailboxes' webhooks are called"
        )
    logs.take_standard_error()
    stop = until_asked()
    with open_node(settings) as node:
        switch = build_switch(settings)
        notifier = build_notifier(node, switch)
        if switch:
            switch.start()
        notifier.start()
        # Nobody need read it.
        said = logs.Writer(sys.stdout.fileno())
        said.put(f"notifying of changes{f' to FreeSWITCH at {settings.notify.freeswitch}' if switch else ''}")
        stop.wait()
        notifier.stop()
        if switch:
            switch.close()
    return 0
