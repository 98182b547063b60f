"""Every remedy that the code of `doctor` can print, read from the code itself; `{}` stands for what is filled in."""

from __future__ import annotations

import ast
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[2] / "esl_vm"
#: What makes a finding, and at which place its remedy is given.
MAKERS = {"Finding": 3, "Problem": 2}
#: Functions that look a remedy up: all of a table, and what they return beside it.
LOOK_UPS = {"remedy_for": ("store/outage.py", "remedy"), "advice": ("speech/packs.py", "advice")}


def written() -> set[str]:
    """All of them."""
    files = [path for folder in ("cli", "ops") for path in sorted((PACKAGE / folder).glob("*.py"))]
    files.append(PACKAGE / "model/topology.py")
    trees = [ast.parse(path.read_text()) for path in files]
    constants = {
        target.id: node.value
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for function in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in MAKERS:
                found |= _remedy(call, _Reader(function, constants))
    for place, name in LOOK_UPS.values():
        found |= _looked_up(ast.parse((PACKAGE / place).read_text()), name)
    return found - {""}


def _remedy(call: ast.Call, reader: _Reader) -> set[str]:
    given = [word.value for word in call.keywords if word.arg == "remedy"]
    given += call.args[MAKERS[call.func.id] :]  # type: ignore[attr-defined]
    return {text for value in given[:1] for text in reader.texts(value)}


class _Reader:
    """What expressions in a function can come to."""

    def __init__(self, function: ast.AST, constants: dict[str, ast.expr]) -> None:
        self._function = function
        self._constants = constants

    def texts(self, node: ast.expr) -> set[str]:
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.JoinedStr(values=parts):
                return {"".join(words) for words in product(*map(self.texts, parts))}
            case ast.FormattedValue(value=(ast.IfExp() | ast.Call(func=ast.Name())) as value):
                return self.texts(value)
            case ast.FormattedValue(value=ast.Name(id=name)) if name in self._constants:
                return self.texts(self._constants[name])
            case ast.FormattedValue():
                return {"{}"}
            case ast.IfExp(body=one, orelse=other):
                return self.texts(one) | self.texts(other)
            case ast.Name(id=name):
                return {text for value in self._assigned(name) for text in self.texts(value)}
            case ast.Attribute(attr=name) | ast.Call(func=ast.Name(id=name)) if name in {*LOOK_UPS, "remedy"}:
                return set()  # read where they are
            case ast.Call(func=ast.Attribute(attr="join"), args=[ast.GeneratorExp(elt=each)]):
                return self.texts(each)
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant() as given]):
                return self._called(name, given)
        raise AssertionError(f"a remedy that can't be read from the code, line {node.lineno}: {ast.unparse(node)}")

    def _assigned(self, name: str) -> Iterator[ast.expr]:
        if name in self._constants:
            yield self._constants[name]
        for node in ast.walk(self._function):
            match node:
                case ast.Assign(targets=[ast.Name(id=to)], value=value) if to == name:
                    yield value
                case ast.For(target=ast.Tuple(elts=names), iter=ast.Tuple(elts=rows)):
                    for at, target in enumerate(names):
                        if isinstance(target, ast.Name) and target.id == name:
                            yield from (row.elts[at] for row in rows if isinstance(row, ast.Tuple))

    def _called(self, name: str, given: ast.expr) -> set[str]:
        """A function within the function, of one text, that returns one."""
        for node in ast.walk(self._function):
            match node:
                case ast.FunctionDef(name=its, args=ast.arguments(args=[word]), body=[*_, ast.Return(value=result)]):
                    if its == name:
                        return _Reader(node, {**self._constants, word.arg: given}).texts(result)
        raise AssertionError(f"{name} is no function of the check itself")


def _looked_up(tree: ast.Module, function_name: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="_REMEDIES")], value=ast.Dict(values=values)):
                texts = {text for value in values for text in _Reader(node, {}).texts(value)}
                found |= {text.replace("redis-cli", "{}") for text in texts}
            case ast.FunctionDef(name=name) if name == function_name:
                reader = _Reader(node, {})
                for inner in ast.walk(node):
                    match inner:
                        case ast.Call(func=ast.Attribute(attr="append"), args=[text]):
                            found |= reader.texts(text)
                        case ast.Call(func=ast.Name(id="next"), args=[_, text]):
                            found |= reader.texts(text)
    return found
