"""`esl-vm config`: the effective settings, as a settings file."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Any

from esl_vm.cli.output import print_json, show
from esl_vm.cli.parsers import json_option
from esl_vm.cli.settings_file import load_settings, names_in, settings_path
from esl_vm.model.masking import MASK, mask_url
from esl_vm.model.settings import RENAMED, Settings, limits_of
from esl_vm.model.settings_words import allowed, explained

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from esl_vm.cli.parsers import Commands

_GIVEN = {
    "redis": "redis.url",
    "data_dir": "data_dir",
    "listen": "service.listen",
    "workers": "service.workers",
    "prompts": "speech.prompts",
    "metrics": "metrics.listen",
    "web": "web.listen",
    "freeswitch": "notify.freeswitch",
    "password_file": "notify.password_file",
}


def add_commands(commands: Commands) -> None:
    """`config`."""
    parser = commands.add(
        "config",
        "show the effective settings, secrets masked",
        _run,
        description="Show the effective settings as a settings file, secrets masked. Every setting is explained: what it means,\n"
        "what it may be, its default, and where it was set.",
        examples="esl-vm config\nesl-vm config --json\nesl-vm config > esl-vm.toml",
    )
    json_option(parser)


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings for a command: its settings file and what its command line says; raises SettingsError."""
    return load_settings(settings_path(getattr(args, "config", ""), os.environ), _given(args))


def _given(args: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(args, option) for option, name in _GIVEN.items() if getattr(args, option, None) is not None}


def masked(settings: Settings) -> dict[str, Any]:
    """The settings as plain tables, every secret that is set as `****`, passwords in URLs too."""
    tables: dict[str, Any] = dataclasses.asdict(settings)
    for section in dataclasses.fields(Settings):
        if isinstance(tables[section.name], dict):
            for setting in dataclasses.fields(getattr(settings, section.name)):
                if limits_of(setting).secret and tables[section.name][setting.name]:
                    tables[section.name][setting.name] = MASK
    for section_name in ("redis", "webhook", "audio"):
        for name, value in tables[section_name].items():
            if isinstance(value, str) and "://" in value:
                tables[section_name][name] = mask_url(value)
    return tables


def _run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    tables = masked(settings)
    if args.json:
        print_json(tables)
        return 0
    path = settings_path(getattr(args, "config", ""), os.environ)
    set_in = dict.fromkeys(names_in(path), f"in {path}") | dict.fromkeys(_given(args), "on the command line")
    for line in file_lines(tables, set_in):
        show(line)
    return 0


def file_lines(tables: Mapping[str, Any], set_in: Mapping[str, str], *, commented: bool = False) -> Iterator[str]:
    """The lines of a settings file, every setting explained.

    Args:
        tables: the settings.
        set_in: where those that are set were, by dotted name.
        commented: none of them is set.
    """
    yield "# The settings of esl-vm. What is left out has the value shown here."
    aside = "#" if commented else ""
    for section in dataclasses.fields(Settings):
        value = tables[section.name]
        yield ""
        if not isinstance(value, dict):
            yield _comment(Settings, section, "", set_in)
            yield f"{aside}{section.name} = {_toml(value)}"
            continue
        yield f"[{section.name}]"
        for setting in dataclasses.fields(getattr(Settings(), section.name)):
            yield _comment(type(getattr(Settings(), section.name)), setting, f"{section.name}.", set_in)
            # A masked value must not come back as a value when this is used as a settings file.
            hidden = "# " if MASK in str(value[setting.name]) else aside
            yield f"{hidden}{setting.name} = {_toml(value[setting.name])}"


def _comment(kind: type, setting: dataclasses.Field[Any], table: str, set_in: Mapping[str, str]) -> str:
    """What a setting means, what it may be, and where it was set in place of which default."""
    name = f"{table}{setting.name}"
    words = allowed(kind, setting).replace("`", "")
    words += "".join(f"; formerly {former}" for former, present in RENAMED.items() if present == name)
    if where := set_in.get(name):
        words += f"; default {_toml(setting.default)}; set {where}"
    return f"# {explained(kind, setting)} [{words}]"


def _toml(value: Any) -> str:
    """A value as TOML writes it; JSON's strings, numbers, booleans and lists are TOML's."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
