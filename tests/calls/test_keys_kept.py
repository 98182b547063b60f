"""No key is lost in the dialogues: whoever plays something does something with the key that ended it."""

import ast
from pathlib import Path

from esl_vm import dialogue

RETURN_A_KEY = {"play", "wait_key", "listen", "ask", "ask_digits"}


def dropped(source: str) -> list[int]:
    """Lines that call one of these and throw away what it returns."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr in RETURN_A_KEY
        and ast.unparse(node.value.args[-1:]) != ""
        and not (node.value.args and isinstance(node.value.args[-1], ast.Constant) and node.value.args[-1].value == "")
    ]


def test_no_dialogue_drops_a_key():
    for module in Path(dialogue.__file__).parent.glob("*.py"):
        assert dropped(module.read_text()) == [], module.name


def test_a_dropped_key_is_noticed():
    assert dropped("phone.play(said, ALL_KEYS)") == [1]
    assert dropped("phone.play(said, '')") == []
    assert dropped("key = phone.play(said, ALL_KEYS)") == []
