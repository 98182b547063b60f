"""The api commands a simulated node knows, as FreeSWITCH 1.11 answers them: those a service sends in a call of the telephone in a terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.sim.call import SimCall
    from esl_vm.sim.node import SimNode

_NO_CHANNEL = "-ERR No such channel!\n"


def run_api(node: SimNode, text: str) -> str:
    """The output of an api command."""
    name, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if name in node.about_node:
        return node.about_node[name](node, rest)
    if name in node.about_call:
        uuid, _, rest = rest.partition(" ")
        call = node.calls.get(uuid)
        if call is None:
            return "false" if name == "uuid_exists" else _NO_CHANNEL
        return node.about_call[name](call, rest.strip())
    return f"-ERR {name} Command not found!\n"


def _getvar(call: SimCall, name: str) -> str:
    return call.channel.variables.get(name, "_undef_")


def _setvar(call: SimCall, rest: str) -> str:
    name, _, value = rest.partition(" ")
    call.channel.set(name, _unquoted(value.strip()))
    return "+OK\n"


def _setvar_multi(call: SimCall, rest: str) -> str:
    for assignment in rest.split(";"):
        name, equals, value = assignment.partition("=")
        if equals:
            call.channel.set(name, value)
    return "+OK\n"


def _unquoted(value: str) -> str:
    r"""FreeSWITCH splits arguments as a shell does: `'…'` is taken as it is, `\` takes the next character as it is."""
    plain = re.sub(r"'((?:[^'\\]|\\.)*)'", r"\1", value)
    return re.sub(r"\\(.)", r"\1", plain)


def _break(call: SimCall, rest: str) -> str:
    call.stop(everything=rest in {"all", "both"})
    return "+OK\n"


def _uuid_record(_call: SimCall, rest: str) -> str:
    """A recording that is stopped at once: a real one discards the empty file."""
    action, _, path = rest.partition(" ")
    file = Path(path.split()[0])
    try:
        if action == "start":
            file.touch()
        else:
            file.unlink()
    except OSError:
        return f"-ERR Cannot {'stop ' * (action == 'stop')}record session!\n"
    return "+OK Success\n"


ABOUT_CALL: dict[str, Callable[[SimCall, str], str]] = {
    "uuid_exists": lambda _call, _rest: "true",
    "uuid_getvar": _getvar,
    "uuid_setvar": _setvar,
    "uuid_setvar_multi": _setvar_multi,
    "uuid_break": _break,
    "uuid_record": _uuid_record,
}
ABOUT_NODE: dict[str, Callable[[SimNode, str], str]] = {
    "file_exists": lambda _node, path: "true" if path and Path(path).exists() else "false",
}
