"""FreeSWITCH's configuration folder: where it is, its files as they may be read and replaced, its event socket."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.importers.freeswitch_xml import FreeswitchXml
from esl_vm.importers.plan import Findings, ImportSourceError, Kind
from esl_vm.model.errors import InvalidValueError
from esl_vm.setup.markup import BrokenFileError, parse
from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Below an installation's prefix, and by themselves where a package puts them.
_BELOW = ("conf", "etc/freeswitch")
_PREFIXES = ("/usr/local/freeswitch", "/opt/freeswitch")
_PACKAGED = Path("/etc/freeswitch")
_EVERYWHERE = {"::", "0.0.0.0", ""}  # noqa: S104 - what FreeSWITCH's file says, nothing is bound
EVENT_SOCKET = Path("autoload_configs/event_socket.conf.xml")
MODULES = Path("autoload_configs/modules.conf.xml")
#: Read beside `MODULES`, before and after it; each may be missing.
_MORE_MODULES = (
    Path("autoload_configs/pre_load_modules.conf.xml"),
    Path("autoload_configs/post_load_modules.conf.xml"),
)


def usual_folders(fs_cli: str | None) -> list[Path]:
    """Where a configuration usually lies: Debian's, then of an installation whose fs_cli is on PATH, then prefixes."""
    prefixes = [*([str(Path(fs_cli).resolve().parents[1])] if fs_cli else []), *_PREFIXES]
    folders = [_PACKAGED, *(Path(prefix) / below for prefix in prefixes for below in _BELOW)]
    return list(dict.fromkeys(folders))


def find_folder(given: str, usual: Iterable[Path]) -> Path:
    """The configuration folder; raises InvalidValueError where there is none."""
    if given:
        if not (Path(given) / "freeswitch.xml").is_file():
            raise InvalidValueError(f"{given} is no configuration folder of FreeSWITCH: it has no freeswitch.xml")
        return Path(given).resolve()
    usual = list(usual)
    for folder in usual:
        if (folder / "freeswitch.xml").is_file():
            return folder.resolve()
    looked = ", ".join(map(str, usual))
    raise InvalidValueError(f"no FreeSWITCH was found (looked in {looked}): name its configuration with --conf DIR")


@dataclass(frozen=True, slots=True)
class Existing:
    """A file as it is: where it really lies, what is in it, and whose it is."""

    path: Path
    content: bytes = field(repr=False)
    mode: int
    uid: int
    gid: int

    @property
    def text(self) -> str:
        """Its content; bytes that are no UTF-8 come back as they were."""
        return self.content.decode("utf-8", "surrogateescape")


class ConfFolder:
    """The files of a configuration folder. None that leads out of it is read or replaced.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def place(self, name: str | os.PathLike[str]) -> Path:
        """Where a file of that name lies, links followed; raises BrokenFileError where that is outside the folder."""
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root):
            raise BrokenFileError(f"{self.root / name} is a link that leads to {path}, out of the folder: not touched")
        return path

    def read(self, name: str | os.PathLike[str]) -> Existing | None:
        """A file; None where there is none. Raises BrokenFileError, OSError."""
        path = self.place(name)
        if not os.path.lexists(path):
            return None
        return existing(path)

    def names(self, folder: str) -> list[str]:
        """The XML files of a folder below, in FreeSWITCH's order."""
        return [f"{folder}/{path.name}" for path in sorted(self.place(folder).glob("*.xml"))]


def existing(path: Path) -> Existing:
    """A plain file, read; raises OSError."""
    handle = disk.open_file(path)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        return Existing(path, file.read(), stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


@dataclass(frozen=True, slots=True)
class EventSocketConfig:
    """FreeSWITCH's inbound event socket, as its configuration has it.

    Args:
        hosts: addresses at which it answers on this host, the best first. port, password: to it.
        listens: as the file has it.
    """

    hosts: tuple[str, ...] = ("127.0.0.1",)
    port: int = 8021
    password: str = field(default="ClueCon", repr=False)
    listens: str = "127.0.0.1"


def event_socket(conf: ConfFolder, variables: Mapping[str, str] | None = None) -> EventSocketConfig:
    """What event_socket.conf.xml says, variables and includes carried out; FreeSWITCH's defaults where it is silent.

    Raises:
        BrokenFileError: it is no XML, or has a variable that is set nowhere. InvalidValueError: it is not there.
    """
    path = conf.place(EVENT_SOCKET)
    findings = Findings()
    try:
        trees = FreeswitchXml(path, findings, variables).trees
    except ImportSourceError as wrong:
        raise InvalidValueError(f"{wrong}: FreeSWITCH has no event socket there") from None
    broken = [item for item in findings.items if item.kind == Kind.CONFIGURATION_UNREADABLE]
    if broken:
        raise BrokenFileError(f"{broken[0].where}: {broken[0].why.replace(', passed over', '')}")
    params = {
        param.get("name", ""): param.get("value", "")
        for tree in trees
        for configuration in tree.iter("configuration")
        if configuration.get("name") == "event_socket.conf"
        for param in configuration.iter("param")
    }
    listens, port = params.get("listen-ip", "127.0.0.1"), params.get("listen-port", "8021")
    password = params.get("password", "ClueCon")
    for name, value in (("listen-ip", listens), ("listen-port", port), ("password", password)):
        if "$${" in value:
            raise BrokenFileError(
                f"{path}: {name} is {value if name != 'password' else 'a variable'}, which is set nowhere"
            )
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise BrokenFileError(f"{path}: listen-port is {port!r}, no port")
    hosts = ("127.0.0.1", "::1") if listens in _EVERYWHERE else (listens,)
    return EventSocketConfig(hosts, int(port), password, listens)


def loads_event_socket(conf: ConfFolder) -> bool:
    """Whether FreeSWITCH loads mod_event_socket when it starts, as far as its files say; raises BrokenFileError, OSError."""
    main = conf.read(MODULES)
    files = [main, *map(conf.read, _MORE_MODULES)]
    named = {
        load.attributes.get("module")
        for file in files
        if file
        for load in parse(file.text, file.path.name).iter("load")
    }
    return main is None or "mod_event_socket" in named
