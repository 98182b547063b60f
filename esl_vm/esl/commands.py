"""What is written to FreeSWITCH's event socket: one command is one command, whatever is in its arguments.

A command that could be read as two is refused with UnsafeArgumentError, never repaired.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from esl_vm.model.errors import UnsafeArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

_BREAKS = re.compile(r"[\x00\r\n]")
_EXPANDED = re.compile(r"[\x00\r\n\\]|\$\{")
_APART = re.compile(r"[\x00\r\n;'\\]|\$\{")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def checked(text: str) -> str:
    """The text itself, if it stays one line of a command; raises UnsafeArgumentError.

    The error doesn't repeat the text: it may hold a PIN.
    """
    if not text.isprintable() and _BREAKS.search(text):  # the first is nearly always all, and costs a tenth
        raise UnsafeArgumentError("a line break or zero byte in a command")
    return text


def command(line: str) -> bytes:
    """A command of one line (`linger 30`, `api uuid_break UUID`); raises UnsafeArgumentError."""
    return (checked(line) + "\n\n").encode("utf-8", "replace")


def execute(application: str, argument: str, uuid: str) -> bytes:
    r"""Run an application on the session's own channel, after those before it.

    `event-lock` makes executes run in order: without it a later one interrupts an earlier one. `Event-UUID` comes
    back as `Application-UUID` in CHANNEL_EXECUTE_COMPLETE.

    Raises:
        UnsafeArgumentError: a line break; or something in the argument that FreeSWITCH would expand before the
            application sees it: `${…}` is a channel variable or an api call, `\n` a line break
            (`switch_channel_expand_variables`).
    """
    if (not argument.isprintable() or "\\" in argument or "$" in argument) and _EXPANDED.search(argument):
        raise UnsafeArgumentError(f"the argument of {application} is no single line, or would be expanded")
    arguments = f"\nexecute-app-arg: {argument}" if argument else ""
    return (
        f"sendmsg\ncall-command: execute\nexecute-app-name: {checked(application)}{arguments}\n"
        f"event-lock: true\nEvent-UUID: {checked(uuid)}\n\n"
    ).encode("utf-8", "replace")


def assign(uuid: str, variables: Mapping[str, str]) -> tuple[bytes, int]:
    """The commands that set variables of a channel (`` unsets), and how many they are.

    Raises:
        UnsafeArgumentError: a name that is none, a value of several lines or that would be expanded.
    """
    apart = {name: value for name, value in variables.items() if _APART.search(value)}
    lines = [f"api uuid_setvar {uuid} {assignment(name, value)}" for name, value in apart.items()]
    if len(apart) < len(variables):
        together = ";".join(f"{_named(name)}={value}" for name, value in variables.items() if name not in apart)
        lines.append(f"api uuid_setvar_multi {uuid} {together}")
    return b"".join(map(command, lines)), len(lines)


def assignment(name: str, value: str) -> str:
    r"""A variable and its value for uuid_setvar, which takes out quotes and backslashes (switch_separate_string).

    A `${…}` in it would be expanded where the dialplan says the variable (switch_channel_expand_variables goes on in values).
    """
    if "${" in value:
        raise UnsafeArgumentError(f"a value that would be expanded: {name!r}")
    escaped = checked(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"{_named(name)} {escaped}".rstrip()


def assignments(variables: Mapping[str, str]) -> str:
    """Variables as `uuid_setvar_multi` takes them; a value that could be read as several is left out (`` unsets)."""
    return ";".join(f"{_named(name)}={'' if _APART.search(value) else value}" for name, value in variables.items())


def send_event(name: str, headers: Mapping[str, str]) -> bytes:
    """Fire an event (`sendevent`); raises UnsafeArgumentError for a name that is none or a value of several lines."""
    lines = [f"sendevent {_named(name)}"]
    lines += [f"{_named(header)}: {checked(value)}" for header, value in headers.items()]
    return "\n".join(lines).encode("utf-8", "replace") + b"\n\n"


@lru_cache(maxsize=256)  # they are few, and ours
def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UnsafeArgumentError(f"not the name of an event, a header or a variable: {name[:40]!r}")
    return name
