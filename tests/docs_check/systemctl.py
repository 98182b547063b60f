#!/usr/bin/python3
"""systemctl for a host without systemd: starts, stops and asks units by their files, as much of it as the pages need.

Type=notify is waited for; User, Group, UMask, StateDirectory, RuntimeDirectory, ExecReload and template units are kept to.
"""

import configparser
import grp
import os
import pwd
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

UNITS = (Path("/etc/systemd/system"), Path("/lib/systemd/system"))
RUNNING = Path("/run/docs-check")
READY_S = 60


def unit(name):
    """A unit's settings, %i filled in."""
    name = name.removesuffix(".service")
    base, at, instance = name.partition("@")
    for folder in UNITS:
        file = folder / f"{base}{at}.service"
        if file.is_file():
            parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
            parser.optionxform = str
            text = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("#"))
            parser.read_string(text.replace("%i", instance).replace("%I", instance))
            return dict(parser["Service"])
    sys.exit(f"Unit {name}.service not found.")


def pid_file(name):
    return RUNNING / f"{name.removesuffix('.service')}.pid"


def pid(name):
    try:
        number = int(pid_file(name).read_text())
        os.kill(number, 0)
        if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            return number
    except (OSError, ValueError):
        pass
    return 0


def start(name):
    if pid(name):
        return
    settings = unit(name)
    user = pwd.getpwnam(settings.get("User", "root"))
    group = grp.getgrnam(settings["Group"]).gr_gid if "Group" in settings else user.pw_gid
    for place, key in (("/var/lib", "StateDirectory"), ("/run", "RuntimeDirectory")):
        for folder in settings.get(key, "").split():
            made = Path(place, folder)
            made.mkdir(parents=True, exist_ok=True)
            os.chown(made, user.pw_uid, group)
            made.chmod(int(settings.get(f"{key}Mode", "755"), 8))
    RUNNING.mkdir(exist_ok=True)
    RUNNING.chmod(0o777)
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    address = RUNNING / f"{name}.notify"
    address.unlink(missing_ok=True)
    told.bind(str(address))
    address.chmod(0o777)
    told.settimeout(1)
    log = (RUNNING / f"{name}.log").open("ab")
    child = subprocess.Popen(
        shlex.split(settings["ExecStart"]),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        start_new_session=True,
        user=user.pw_uid,
        group=group,
        extra_groups=os.getgrouplist(user.pw_name, group),
        umask=int(settings.get("UMask", "022"), 8),
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": user.pw_dir,
            "NOTIFY_SOCKET": str(address),
        },
    )
    pid_file(name).write_text(str(child.pid))
    until = time.monotonic() + READY_S
    while settings.get("Type") == "notify":
        try:
            if b"READY=1" in told.recv(4096):
                return
        except TimeoutError:
            pass
        if child.poll() is not None or time.monotonic() > until:
            sys.exit(f"Job for {name}.service failed.\n{(RUNNING / f'{name}.log').read_text()[-2000:]}")


def stop(name):
    number = pid(name)
    if number:
        os.kill(number, signal.SIGTERM)
        until = time.monotonic() + 150
        while pid(name) and time.monotonic() < until:
            time.sleep(0.05)
    pid_file(name).unlink(missing_ok=True)


def main():
    verb, *names = [word for word in sys.argv[1:] if not word.startswith("-")]
    now = "--now" in sys.argv
    for name in names:
        if verb == "stop" or (verb == "disable" and now) or verb == "restart":
            stop(name)
        if verb in ("start", "restart") or (verb == "enable" and now):
            start(name)
        if verb == "reload":
            os.kill(pid(name), signal.SIGHUP)
        if verb in ("status", "is-active"):
            print("active" if pid(name) else "inactive")
            if not pid(name):
                sys.exit(3)
        if verb == "enable":
            unit(name)


main()
