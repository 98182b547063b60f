"""What setup would change on a node, step by step, and why; nothing is changed here."""

from __future__ import annotations

import os
import pwd
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.setup import dialplan
from esl_vm.setup.actions import (
    Action,
    JoinGroup,
    MakeFolder,
    ShareFolder,
    Tell,
    WriteFile,
    group_name,
    in_group,
    user_name,
)
from esl_vm.setup.folder import MODULES, ConfFolder, Existing, existing, loads_event_socket
from esl_vm.setup.markup import parse, replaced
from esl_vm.setup.settings_text import with_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from esl_vm.model.settings import Settings
    from esl_vm.setup.folder import EventSocketConfig
    from esl_vm.setup.markup import Element

_SHARED_MODE = 0o2770
_SHARED_BITS = 0o2070
ROOT = 0
SYSTEMD = Path("/run/systemd/system")
UNIT = Path("/etc/systemd/system/esl-vm.service.d/freeswitch-group.conf")
_COMMENTED = re.compile(r"<!--\s*(<load\s+module=([\"'])mod_event_socket\2\s*/>)\s*-->")


@dataclass(frozen=True, slots=True)
class Situation:
    """What was found.

    Args:
        conf: FreeSWITCH's configuration. event_socket: as it has it. host: where that answers.
        uid: whose FreeSWITCH is, None: it does not run here.
        gid: its only group, None: its user's groups count. modules: which of its modules that matter are loaded. current: whether it has read its files as they are.
        settings, settings_file: ours. service_uid: whose our service is.
        numbers: extensions of the directory's users. domains: how many domains they are in.
    """

    conf: ConfFolder
    event_socket: EventSocketConfig
    host: str
    settings: Settings
    settings_file: Path
    service_uid: int
    uid: int | None = None
    gid: int | None = None
    modules: frozenset[str] = frozenset()
    current: bool = True
    numbers: tuple[str, ...] = ()
    domains: int = 1
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What belongs together: what is done, why, and the changes it takes."""

    key: str
    what: str
    why: str
    actions: tuple[Action, ...]


@dataclass(slots=True)
class Plan:
    """The steps in their order; what is left as it is."""

    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, key: str, what: str, why: str, actions: Sequence[Action]) -> None:
        """A step, if there is anything to do in it."""
        if actions:
            self.steps.append(Step(key, what, why, tuple(actions)))


def plan_of(here: Situation) -> Plan:
    """Everything but mailboxes and the service. Raises BrokenFileError, InvalidValueError, OSError."""
    plan = Plan()
    _group(here, plan)
    plan.add(
        "settings",
        f"name FreeSWITCH's event socket in {here.settings_file}",
        "the lamps, and looking after FreeSWITCH, go through it",
        list(_settings(here)),
    )
    _dialplan(here, plan)
    _modules(here, plan)
    files = any(step.key in {"dialplan", "conflicts", "modules"} for step in plan.steps)
    reload_xml = [Tell("reloadxml", "reloadxml")] if files or not here.current else []
    plan.add(
        "reloadxml", "have FreeSWITCH read its files", "it knows them as they were when it last read them", reload_xml
    )
    unload = [Tell("unload mod_voicemail", "load mod_voicemail")] if "mod_voicemail" in here.modules else []
    plan.add("unload", "unload mod_voicemail", "calls and lamps are this service's now", unload)
    if here.event_socket.password == "ClueCon":  # noqa: S105 - the one everybody knows
        plan.notes.append(
            "the event socket's password is FreeSWITCH's own, which everybody knows: change it in both files"
        )
    return plan


def _group(here: Situation, plan: Plan) -> None:
    """FreeSWITCH's user and ours share the spool through a group, unless one may do all that the other may."""
    if here.uid is None or here.uid in {ROOT, here.service_uid}:
        return
    data = Path(here.settings.data_dir)
    joins, restarts = here.uid, "it"
    group = shared_group(here)
    why = "FreeSWITCH records into the spool and plays from the cache"
    if here.gid is not None:
        joins, restarts = here.service_uid, "the service"
        why += "; it is started with -g, so it has that group and no other"
    user = user_name(joins)
    actions: list[Action] = [] if joins == ROOT or in_group(user, group) else [JoinGroup(user, group_name(group))]
    if here.gid is not None and SYSTEMD.is_dir():
        # systemd would give the folder back to the unit's own group
        text = f"# By esl-vm setup: FreeSWITCH's group.\n[Service]\nGroup={group_name(group)}\n"
        there = existing(UNIT) if os.path.lexists(UNIT) else None
        if not UNIT.parent.is_dir():
            actions.append(MakeFolder(UNIT.parent, 0o755, ROOT, ROOT))
        if there is None or there.text != text:
            actions.append(_write(UNIT, there, text, there or Existing(UNIT, b"", 0o644, ROOT, ROOT)))
    what = f"{user} comes into the group {group_name(group)}"
    plan.add("group", what, f"{why}; {restarts} has to be restarted for it", actions)
    spool = Path(here.settings.spool.folder)
    folders = [data, spool, spool / "takes", spool / "aside", data / "cache"]
    actions = []
    for folder in folders:
        if not folder.is_dir():
            if folder == data:
                actions.append(MakeFolder(folder, _SHARED_MODE, here.service_uid, group))
            continue
        found = folder.stat()
        mode = stat.S_IMODE(found.st_mode)
        if found.st_gid != group or mode & _SHARED_BITS != _SHARED_BITS or mode & stat.S_IRWXO:
            actions.append(ShareFolder(folder, group, mode & ~stat.S_IRWXO | _SHARED_BITS))
    plan.add(
        "folders",
        "FreeSWITCH may use spool and cache",
        "recordings are written there, sounds played from there",
        actions,
    )


def shared_group(here: Situation) -> int:
    """The group through which FreeSWITCH and the service share spool and cache; raises InvalidValueError."""
    return _group_of(Path(here.settings.data_dir), here.service_uid) if here.gid is None else here.gid


def _group_of(data: Path, service_uid: int) -> int:
    """The group that spool and cache belong to: the data folder's, else the service's own."""
    if data.is_dir() and data.stat().st_gid != ROOT:
        return data.stat().st_gid
    try:
        return pwd.getpwuid(service_uid).pw_gid
    except KeyError:
        raise InvalidValueError(f"there is no user {service_uid}: whose is the service to be?") from None


def _settings(here: Situation) -> Iterator[Action]:
    host = f"[{here.host}]" if ":" in here.host else here.host
    address, secret = f"{host}:{here.event_socket.port}", here.event_socket.password
    notify = here.settings.notify
    there = existing(here.settings_file) if os.path.lexists(here.settings_file) else None
    text = there.text if there else ""
    values = {} if notify.freeswitch == address else {"freeswitch": address}
    if notify.password != secret:
        if notify.password and not notify.password_file:
            values["password"] = secret
        else:
            file = Path(notify.password_file or here.settings_file.parent / "esl-vm" / "event-socket")
            if not file.parent.is_dir():
                yield MakeFolder(file.parent, 0o700, here.service_uid, ROOT if os.geteuid() == ROOT else -1)
            before = existing(file) if os.path.lexists(file) else None
            if before is None or before.text.strip("\r\n") != secret:
                yield _write(file, before, f"{secret}\n", Existing(file, b"", 0o400, here.service_uid, -1), secret=True)
            values |= {} if notify.password_file else {"password_file": str(file)}
    if values:
        like = Existing(here.settings_file, b"", 0o600, here.service_uid, -1)
        hidden = "password" in values
        yield _write(here.settings_file, there, with_settings(text, "notify", values), there or like, secret=hidden)


def _dialplan(here: Situation, plan: Plan) -> None:
    settings = here.settings
    host, _, port = settings.service.listen.rpartition(":")
    service = f"{'127.0.0.1' if host in {'0.0.0.0', '[::]'} else host}:{port}"  # noqa: S104 - to be told, not bound
    node = dialplan.Adapted(
        service,
        settings.service.domain if here.domains < 2 else "",
        settings.speech.prompts,
        settings.speech.language[:2].lower(),
        dialplan.expression_of(here.numbers),
    )
    conf = here.conf
    changes = dialplan.changes(conf, dialplan.adapted(dialplan.shipped(), node), int(port), here.keep)
    plan.notes += changes.notes
    like = conf.read(dialplan.MAIN)
    also = f"; {', '.join(changes.also)} lead to *98" if changes.also else ""
    files = [_write(conf.place(name), None, text, like) for name, text in changes.files.items()]
    plan.add("dialplan", f"dialplan files into {conf.root / dialplan.FOLDER}", "they hand calls to this service", files)
    aside = conf.place(dialplan.ASIDE)
    actions: list[Action] = []
    if changes.moved and not aside.is_dir():
        above = conf.place("dialplan").stat()
        actions.append(MakeFolder(aside, stat.S_IMODE(above.st_mode), *_owner(above.st_uid, above.st_gid)))
    for name, text in sorted(changes.moved.items(), key=lambda item: not item[0].startswith(dialplan.ASIDE)):
        there = conf.read(name)
        if there is None or there.text != text:
            actions.append(_write(conf.place(name), there, text, there or like))
    said = "; ".join(f"{one.name} takes {one.takes} before {one.before} does" for one in changes.aside)
    names = ", ".join(one.name for one in changes.aside)
    plan.add("conflicts", f"move aside: {names} (to {aside}){also}", said, actions)


def _modules(here: Situation, plan: Plan) -> None:
    there = here.conf.read(MODULES)
    if there is None:
        return
    root = parse(there.text, str(MODULES))
    loads = [element for element in root.iter("load") if element.attributes.get("module") == "mod_voicemail"]
    pieces = [(one.start, one.end, f"<!-- esl-vm setup: {there.text[one.start : one.end]} -->") for one in loads]
    what = ["load mod_voicemail no more"] * bool(loads)
    why = ["it would answer the telephones' questions about lamps too"] * bool(loads)
    if not loads_event_socket(here.conf) and (piece := _loaded(there.text, root)):
        pieces.append(piece)
        what.append("load mod_event_socket at the next start")
        why.append("the service talks to FreeSWITCH through it")
    if pieces:
        actions = [_write(there.path, there, replaced(there.text, pieces), there)]
        plan.add("modules", ", ".join(what), "; ".join(why), actions)


def _loaded(text: str, root: Element) -> tuple[int, int, str] | None:
    """mod_event_socket, loaded: where it stands commented out, else as the last; None where no modules are named."""
    if commented := _COMMENTED.search(text):
        return commented.start(), commented.end(), commented[1]
    for modules in root.iter("modules"):
        end = text.rfind("</", modules.start, modules.end)
        if end >= 0:
            return end, end, '  <load module="mod_event_socket"/>\n  '
    return None


def _write(path: Path, before: Existing | None, text: str, like: Existing | None, *, secret: bool = False) -> WriteFile:
    """A file with that text, owner and mode as another's."""
    owner = _owner(like.uid, like.gid) if like else (-1, -1)
    mode = like.mode if like else 0o644
    content = text.encode("utf-8", "surrogateescape")
    return WriteFile(path, content, before.content if before else None, mode, *owner, secret=secret)


def _owner(uid: int, gid: int) -> tuple[int, int]:
    """Whose something is to be: nobody else's than the user's who can't give away."""
    return (uid, gid) if os.geteuid() == ROOT else (-1, -1)


def refusals(plan: Plan, journal: Path) -> Iterator[str]:
    """Why steps could not be done, told before the first is: folders that can't be written."""
    folders = {_there(journal): "what was there before has to be kept"}
    for step in plan.steps:
        for action in step.actions:
            if isinstance(action, WriteFile | MakeFolder):
                folders[_there(action.path.parent)] = step.what
            elif isinstance(action, JoinGroup) and os.geteuid() != ROOT:
                yield f"{step.what}: that needs root"
    for folder, why in folders.items():
        if not os.access(folder, os.W_OK | os.X_OK):
            yield f"{folder} can't be written by {user_name(os.geteuid())} ({why}): it is read-only, or run this as root"


def _there(folder: Path) -> Path:
    """The nearest folder that is there."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder
