"""A supervised program for the tests: its children say what they do on the standard output.

supervised_program.py FOLDER      (files in FOLDER steer it: `roles`, `broken`)
"""

import logging
import os
import pathlib
import select
import signal
import socket
import sys

from esl_vm.model.errors import SettingsError
from esl_vm.service import supervisor as supervisor_module
from esl_vm.service.heartbeat_pipe import ProcessRole
from esl_vm.service.systemd import ServiceManager

folder = pathlib.Path(sys.argv[1])


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def child(name):
    def run(pipe):
        if (folder / "broken").exists():
            raise SettingsError([(folder / "broken").read_text()])
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGTERM, lambda *_: None)
        say("up", name, os.getpid())
        pipe.ready()
        while True:
            readable, _, _ = select.select([wake_read, pipe.parent_fd], [], [])
            if pipe.parent_fd in readable:
                say("orphaned", name)
                return 0
            if signal.SIGTERM in os.read(wake_read, 100):
                say("draining", name, os.getpid())
                if not (folder / "stubborn").exists():
                    say("down", name, os.getpid())
                    return 0

    return run


def roles():
    if (folder / "refused").exists():
        raise SettingsError(["service.workers: wrong"])
    names = (folder / "roles").read_text().split()
    return [ProcessRole(name, child(name), serves_calls=name.startswith("worker")) for name in names]


logging.basicConfig(stream=sys.stdout, format="log %(message)s", level="INFO")
listener = socket.create_server(("127.0.0.1", 0))
say("port", listener.getsockname()[1])
supervisor_module.BEAT_S = 0.2
supervisor_module.LAST_STOP_S = float(os.environ.get("LAST_STOP_S", "60"))
supervisor = supervisor_module.Supervisor(
    roles(),
    listener,
    reload=roles,
    on_ready=lambda: say("ready"),
    manager=ServiceManager.of(os.environ),
    drain_s=float(os.environ.get("DRAIN_S", "60")),
    hang_s=float(os.environ.get("HANG_S", "60")),
)
sys.exit(supervisor.run())
