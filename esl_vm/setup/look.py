"""Looking at a node before anything is changed: FreeSWITCH's files, the one that runs, whose it is, its users."""

from __future__ import annotations

import os
import pwd
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.importers.freeswitch_directory import FreeswitchDirectory, User
from esl_vm.importers.plan import Findings, ImportSourceError
from esl_vm.model.errors import InvalidValueError, SwitchDownError
from esl_vm.model.settings_check import parse_address
from esl_vm.ops.check_dialplan import conflicts, context_of, extension_of
from esl_vm.setup.dialplan import shipped
from esl_vm.setup.folder import MODULES, ConfFolder, event_socket, find_folder, loads_event_socket, usual_folders
from esl_vm.setup.markup import parse
from esl_vm.setup.plan import ROOT, Situation, shared_group
from esl_vm.setup.process import fixed_group, groups, holders, listeners

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.settings import Settings

SERVICE_USER = "esl-vm"
_LOCAL = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the administrator said.

    Args:
        conf: the configuration folder. event_socket: HOST:PORT. keep: extensions that stay. Each may be empty.
        offline: FreeSWITCH is not asked, only its files are changed.
    """

    conf: str = ""
    event_socket: str = ""
    keep: tuple[str, ...] = ()
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """The situation; FreeSWITCH's event socket, None where it was not to be asked; its version; its directory's users."""

    situation: Situation
    switch: EventSocketSwitch | None
    version: str
    users: tuple[User, ...]


def look(
    wishes: Wishes, settings: Settings, settings_file: Path, connect: Callable[[str, int, str], EventSocketSwitch]
) -> Look:
    """Look at everything.

    Args:
        wishes: what was said.
        settings: ours, effective.
        settings_file: where they stand, or are to.
        connect: FreeSWITCH's event socket at a host, a port, with a password; raises SwitchDownError.

    Raises:
        InvalidValueError: there is no FreeSWITCH, or a file of it can't be understood. SwitchDownError: it does not answer.
    """
    conf = ConfFolder(find_folder(wishes.conf, usual_folders(shutil.which("fs_cli"))))
    wanted = event_socket(conf)
    host, port = parse_address(wishes.event_socket) if wishes.event_socket else ("", wanted.port)
    switch: EventSocketSwitch | None = None
    version, variables = "", dict[str, str]()
    if not wishes.offline:
        hosts = (host,) if host else wanted.hosts
        try:
            switch, host = _connected(hosts, port, wanted.password, connect)
        except SwitchDownError as wrong:
            if loads_event_socket(conf):
                raise
            why = f"{conf.place(MODULES)} does not load mod_event_socket: `esl-vm setup --offline`, then restart FreeSWITCH"
            raise SwitchDownError(f"{wrong}; {why}") from wrong
        version = switch.api("version").strip().partition("\n")[0]
        variables = _variables(switch.api("global_getvar"))
        conf = _running(conf, variables.get("conf_dir", ""), given=wishes.conf)
        wanted = event_socket(conf, variables)
    users = _users(conf, variables)
    loaded = [name for name in ("mod_voicemail", "mod_loopback") if _has(switch, name)]
    uid, gid = _process(port) if switch and host in _LOCAL else (None, None)
    found = Situation(
        conf=conf,
        event_socket=replace(wanted, port=port),
        host=host or wanted.hosts[0],
        settings=settings,
        settings_file=settings_file,
        service_uid=_service_uid(Path(settings.data_dir)),
        uid=uid,
        gid=gid,
        modules=frozenset(loaded),
        current=switch is None or _is_current(switch, parse_address(settings.service.listen)[1]),
        numbers=tuple(user.id for user in users),
        domains=len({user.domain for user in users}),
        keep=wishes.keep,
    )
    return Look(found, switch, version, tuple(users))


def must_restart(here: Situation) -> str:
    """What has to be restarted, `freeswitch` or `esl-vm`, since it has not got the group that both share; `` if nothing."""
    if here.uid in {None, ROOT, here.service_uid}:
        return ""
    ours = here.gid is not None
    if ours and here.service_uid == ROOT:
        return ""
    port = parse_address(here.settings.service.listen)[1] if ours else here.event_socket.port
    for pid in (pid for one in listeners(port) for pid in holders(one.inode)):
        with suppress(OSError):
            if shared_group(here) not in groups(pid):
                return "esl-vm" if ours else "freeswitch"
    return ""


def _process(port: int) -> tuple[int | None, int | None]:
    """Whose FreeSWITCH is, and its only group where it has one."""
    for listener in listeners(port):
        for pid in holders(listener.inode):
            with suppress(OSError):
                return listener.uid, fixed_group(pid)
        return listener.uid, None
    return None, None


def _connected(
    hosts: Sequence[str], port: int, password: str, connect: Callable[[str, int, str], EventSocketSwitch]
) -> tuple[EventSocketSwitch, str]:
    reasons = []
    for host in hosts:
        try:
            return connect(host, port, password), host
        except SwitchDownError as wrong:  # the first reason is told: what the others say follows from it
            reasons.append(wrong)
    raise reasons[0]


def _variables(answer: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in answer.splitlines())
    return {name: value for name, sign, value in pairs if sign}


def _running(conf: ConfFolder, runs_with: str, *, given: str) -> ConfFolder:
    """The folder of the FreeSWITCH that answers; raises InvalidValueError where that is not the one that was named."""
    if not runs_with or Path(runs_with).resolve() == conf.root:
        return conf
    if given or not (Path(runs_with) / "freeswitch.xml").is_file():
        raise InvalidValueError(f"the FreeSWITCH that answers has its configuration in {runs_with}, not in {conf.root}")
    return ConfFolder(Path(runs_with))


def _users(conf: ConfFolder, variables: Mapping[str, str]) -> list[User]:
    """The directory's users who have a number and a mailbox; none where it has no files."""
    try:
        users = FreeswitchDirectory(conf.place("directory"), Findings(), variables).users()
    except ImportSourceError:
        return []
    return [user for user in users if user.id.isdecimal() and user.params.get("vm-enabled", "true") != "false"]


def _has(switch: EventSocketSwitch | None, module: str) -> bool:
    return switch is not None and switch.api(f"module_exists {module}").strip() == "true"


def _is_current(switch: EventSocketSwitch, port: int) -> bool:
    """Whether FreeSWITCH knows our dialplan, and no extension before it."""
    extensions = [
        extension_of(one)
        for one in context_of(switch.api("xml_locate dialplan context name default")).iter("extension")
    ]
    ours = {
        element.attributes["name"] for text in shipped().values() for element in parse(text, "ours").iter("extension")
    }
    return ours <= {one.name for one in extensions} and not conflicts(extensions, port)


def _service_uid(data: Path) -> int:
    """Whose the service is: the data folder's owner, else the user esl-vm, else who runs this."""
    if data.is_dir() and data.stat().st_uid != ROOT:
        return data.stat().st_uid
    with suppress(KeyError):
        return pwd.getpwnam(SERVICE_USER).pw_uid
    return os.geteuid()
