"""No key is lost in the dialogues: whoever plays something does something with the key that ended it."""

import ast
import random
from pathlib import Path
from typing import get_type_hints

import pytest
from calls import play_book
from calls.book import BRUNO, IN, OWN, Box, Msg, PhoneCall
from support.rig import Rig

from esl_vm import dialogue, ports
from esl_vm.dialogue import conversation
from esl_vm.dialogue.conversation import Conversation
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.ports import CallerLine

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


def test_a_dialogue_cannot_play_without_saying_what_its_key_does():
    """What a dialogue has of the line does not play: `ask`, `skim` and `tell` do, and mypy refuses the rest."""
    assert not hasattr(CallerLine, "play")
    assert get_type_hints(Conversation.phone.fget, vars(ports) | vars(conversation))["return"] is CallerLine
    for module in Path(dialogue.__file__).parent.glob("*.py"):
        assert module.name == "conversation.py" or "._phone" not in module.read_text(), module.name


def test_a_dropped_key_is_noticed():
    assert dropped("phone.play(said, ALL_KEYS)") == [1]
    assert dropped("phone.play(said, '')") == []
    assert dropped("key = phone.play(said, ALL_KEYS)") == []


PATHS = [
    "1",
    "5",
    "6",
    "4",
    "7",
    "7",
    "2 1",
    "2 0",
    "2 #",
    "9 2",
    "9 0",
    "8 1002# 2",
    "8 1002# *",
    "8 9999# #",
    "3 3",
    "3 *",
    "0 *",
    "0 4 *",
    "*",
]
"""What an owner may choose at the main menu, each back at the main menu; nothing of it is recorded."""
BOX = Box(
    messages=(Msg(urgent=True), Msg(), Msg("0612345678"), Msg(folder="old")),
    options={"moveheard": "no"},
    greetings=("temporary",),
)


def visit(folder: Path, does: str) -> dict[Folder, list[str]]:
    """Where each message lies after a visit in which the owner does that."""
    rig = Rig(folder, now=play_book.NOON, language="en")
    call = PhoneCall("visit", "", OWN, IN + "q:1 " + does, "", boxes=(BOX, BRUNO))
    play_book.furnish(call, rig, folder / "before")
    rig.ring(play_book.call_of(call), call.does)
    lie = {folder: [m.id for m in rig.messages(MailboxId("1001"), folder)] for folder in Folder}
    return lie | {"1002": len(rig.messages(MailboxId("1002"), Folder.NEW))}


@pytest.mark.parametrize("seed", range(12))
def test_dialled_ahead_or_key_by_key_comes_to_the_same(seed, tmp_path):
    choices = random.Random(seed).choices(PATHS, k=7)
    keys = " ".join(["1", *choices]).split()
    slowly = " ".join(f"d:{key} q:1" for key in keys)
    at_once = "d:" + "".join(keys) + " s:30"
    assert visit(tmp_path / "at once", at_once) == visit(tmp_path / "slowly", slowly), keys
