"""Where the settings come from: defaults, then the settings file, then the command line; the last one counts."""

from __future__ import annotations

import dataclasses
import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import SettingsError
from esl_vm.model.options import option_name
from esl_vm.model.settings import RENAMED, Settings, limits_of, secrets_of
from esl_vm.model.settings_check import settings_from

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

SYSTEM_FILE = Path("/etc/esl-vm.toml")
SYSTEM_DATA = Path("/var/lib/esl-vm")


def settings_path(given: str, environment: Mapping[str, str]) -> Path | None:
    """The file to read: `--config`, else ESL_VM_CONFIG, else /etc/esl-vm.toml if there is one, else none."""
    named = given or environment.get("ESL_VM_CONFIG", "")
    if named:
        return Path(named)
    return SYSTEM_FILE if SYSTEM_FILE.exists() else None


def load_settings(path: Path | None, given: Mapping[str, Any]) -> Settings:
    """The effective settings: every path absolute, secrets read from their files, the node named.

    Args:
        path: the settings file, None for none.
        given: what the command line says, by dotted name (`redis.url`).

    Raises:
        SettingsError: the file can't be read or is not TOML, or what it says is wrong: all problems.
    """
    tables = _read(path) if path else {}
    for name, value in given.items():
        section, dot, setting = name.rpartition(".")
        table = tables.setdefault(section, {}) if dot else tables
        if isinstance(table, dict):
            table[setting if dot else name] = value
    return _completed(settings_from(tables))


def names_in(path: Path | None) -> list[str]:
    """The settings that a file sets, dotted (`redis.url`), as they stand in it; raises SettingsError."""
    tables = _read(path, warn=False) if path else {}
    return [
        f"{table}.{option_name(name) if table == 'mailbox' else name}" if isinstance(value, dict) else table
        for table, value in tables.items()
        for name in (value if isinstance(value, dict) else [table])
    ]


def _read(path: Path, *, warn: bool = True) -> dict[str, Any]:
    import tomllib

    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as wrong:
        raise SettingsError([f"{path}: {wrong.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise SettingsError([f"{path}: not TOML: {wrong}"]) from None
    _rename(tables, warn=warn)
    _make_paths_absolute(Settings, tables, path.absolute().parent)
    return tables


def _rename(tables: dict[str, Any], *, warn: bool) -> None:
    """What stands there by its former name gets its present one."""
    for former, present in RENAMED.items():
        (section, name), (new_section, new_name) = former.split("."), present.split(".")
        table, new_table = tables.get(section), tables.setdefault(new_section, {})
        if not (isinstance(table, dict) and isinstance(new_table, dict) and name in table):
            continue
        if new_name in new_table:
            raise SettingsError([f"{former}: is called {present} now, which is given too: remove {former}"])
        if warn:
            log.warning(
                "settings: %s is called %s now; rename it before the next version, which won't know it", former, present
            )
        new_table[new_name] = table.pop(name)
        if section not in Settings.__dataclass_fields__ and not table:
            del tables[section]


def _make_paths_absolute(kind: type[Any], table: dict[str, Any], folder: Path) -> None:
    for setting in dataclasses.fields(kind):
        value = table.get(setting.name)
        section: Any = setting.default_factory
        if isinstance(value, dict) and isinstance(section, type):
            _make_paths_absolute(section, value, folder)
        elif isinstance(value, str) and value and limits_of(setting).kind == "path":
            table[setting.name] = str(folder / value)


def _completed(settings: Settings) -> Settings:
    """The settings with what was left empty filled in."""
    problems: list[str] = []
    data = Path(settings.data_dir or (SYSTEM_DATA if SYSTEM_DATA.is_dir() else "var")).absolute()
    completed = dataclasses.replace(
        settings,
        data_dir=str(data),
        service=dataclasses.replace(settings.service, node=settings.service.node or socket.gethostname()),
        spool=dataclasses.replace(settings.spool, folder=str(Path(settings.spool.folder or data / "spool").absolute())),
    )
    for table, name, _, file in secrets_of(settings):
        if file:
            secret = _read_secret(f"{table}.{name}", file, problems)
            with_it: Any = dataclasses.replace(getattr(completed, table), **{name: secret})
            completed = dataclasses.replace(completed, **{table: with_it})
    if problems:
        raise SettingsError(problems)
    return completed


def _read_secret(name: str, file: str, problems: list[str]) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as wrong:
        problems.append(f"{name}_file: {file}: {getattr(wrong, 'strerror', None) or 'not text'}")
        return ""
