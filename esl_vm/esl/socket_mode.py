"""A call that the dialplan hands over in a way that can't work: `socket` without `async`, or without `full`.

Without `full` FreeSWITCH refuses nearly every command; without `async` keys and ends of prompts are told too late. FreeSWITCH
says in its reply to `connect` how it was asked. Such a call is given back at once, with what even such a socket takes:
`sendmsg`, `getvar` and `exit` (mod_event_socket.c, seen on FreeSWITCH 1.11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.esl.commands import command, execute
from esl_vm.model.call import Cause, Status
from esl_vm.model.errors import CallerGoneError

if TYPE_CHECKING:
    from esl_vm.esl.session import CallSession
    from esl_vm.esl.wire import Frame

_WORDS = {"async": ("Socket-Mode", "async"), "full": ("Control", "full")}
# Seconds in which the call is given back, and between two looks whether it was prepared for that.
GIVE_BACK_S = 2.0
LOOK_AGAIN_S = 0.02
_TOLD = {"vm_status": Status.FAILED.value, "vm_cause": Cause.SOCKET.value, "vm_handed_back": "false"}


def missing_words(answer: Frame) -> tuple[str, ...]:
    """The words missing in the dialplan's `socket HOST:PORT async full`, by the reply to `connect`."""
    return tuple(word for word, (header, right) in _WORDS.items() if answer.last(header) not in {None, right})


def problem(words: tuple[str, ...]) -> str:
    """What to tell an administrator."""
    return f"the dialplan's `socket` lacks {' and '.join(map(repr, words))}; write: socket HOST:PORT async full"


def give_back(session: CallSession, words: tuple[str, ...]) -> None:
    """Have the dialplan go on, and be told why; raises nothing."""
    told = [execute("set", f"{name}={value}", f"{name}-told") for name, value in _TOLD.items()]
    if "async" in words:  # there socket_resume would leave the call in a state in which nothing goes on
        told.append(execute("unset", "socket_resume", "no-resume"))
    try:
        session.post(b"".join(told), len(told))
        end = session.now() + GIVE_BACK_S
        # They run once FreeSWITCH has parked the call; given up before that, it would stay parked for ever.
        while session.connected and session.now() < end and _value(session, "vm_handed_back", end) != "false":
            session.read(min(end, session.now() + LOOK_AGAIN_S))
        session.post(command("exit"))
        while session.connected and session.now() < end:
            session.read(end)
    except CallerGoneError:
        return  # the caller hung up


def _value(session: CallSession, name: str, end: float) -> str:
    """A channel variable as it is now, `` if it is not told by that time."""
    replies: list[Frame] = []
    session.post(command(f"getvar {name}"), 1, replies)
    while not replies and session.connected and session.now() < end:
        session.read(end)
    return replies[0].data if replies else ""
