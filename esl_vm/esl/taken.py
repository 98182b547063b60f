"""Letting go of a call that somebody else has taken: a transfer, a bridge, a pick-up, a park, another `socket`.

The conversation that goes on there is none of ours: nothing is played, stopped or hung up any more. Two things remain.

- FreeSWITCH's own variables that we have set (how files are played, which keys stop them) are put back, unless they were
  set anew there.
- The event socket is closed, and closing has effects of its own (mod_event_socket.c, seen on FreeSWITCH 1.11): with
  `socket_resume=true` it pulls the call back into its old dialplan; and it ends the hold of another `socket` or `park`,
  whoever has begun it. So the first is switched off for that moment, and the other is waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.esl.commands import command
from esl_vm.esl.wire import PLAIN_EVENT, Frame
from esl_vm.model.errors import CallerGoneError

if TYPE_CHECKING:
    from esl_vm.esl.session import CallSession

# States of the channel by their numbers (switch_types.h): CS_ROUTING, before anything new has begun; CS_PARK, held by no
# application; CS_HANGUP and those after it.
_ROUTING, _PARKED, _ENDING = "2", "6", 10
_PLACE = ("Channel-State-Number", "variable_current_application", "variable_current_application_data")
# `socket` writes here where it connects to. So what we write here ourselves is gone as soon as another `socket` begins.
HOST = "socket_host"
# Seconds after which it is asked again what becomes of the call: at first, and at most while it is held.
ASK_AGAIN_S = 0.05
ASK_SELDOM_S = 5.0
ANSWER_S = 2.0
# Seconds until `socket_resume` is what it was: our socket is closed by then.
RESUME_AGAIN_S = 2


def let_go(session: CallSession) -> None:
    """Close the event socket of a call that is somebody else's by now; raises nothing, the call may be over."""
    about: Frame | None = None
    seen: tuple[str | None, ...] = ()
    wait_s = ASK_AGAIN_S
    try:
        session.post(command("nixevent DTMF"))  # what is dialled there is nobody's business here
        while (about := _described(session)) is not None and not _over(about):
            # Twice the same: no application that is about to give way to the next, which may be a `socket`.
            before, seen = seen, tuple(map(about.get, _PLACE))
            if _held(session, about):
                wait_s = min(2 * wait_s, ASK_SELDOM_S)
            elif seen == before:
                break
            end = session.now() + wait_s
            while session.connected and session.now() < end:
                session.read(end)
    except CallerGoneError:
        return  # the connection broke
    finally:
        if session.connected:
            _leave(session, about)


def _described(session: CallSession) -> Frame | None:
    """The channel as it is now; None if it is no more, or FreeSWITCH does not say."""
    replies: list[Frame] = []
    session.post(command(f"api uuid_dump {session.uuid}"), 1, replies)
    end = session.now() + ANSWER_S
    while not replies and session.connected and session.now() < end:
        session.read(end)
    if not replies or not replies[0].body.startswith(b"Event-Name: "):
        return None
    return Frame(PLAIN_EVENT, b"", replies[0].body)  # written as an event is


def _held(session: CallSession, about: Frame) -> bool:
    """Whether the end of our socket would end what holds the call now, or may hold it in a moment."""
    if about.get("Channel-State-Number") in {_ROUTING, _PARKED} or about.get("variable_current_application") == "park":
        return True
    return about.get(f"variable_{HOST}") != session.changed.get(HOST)


def _over(about: Frame) -> bool:
    state = about.get("Channel-State-Number") or ""
    return state.isdecimal() and int(state) >= _ENDING


def _leave(session: CallSession, about: Frame | None) -> None:
    commands = []
    if about is not None:
        uuid = session.uuid
        ours = {
            name: session.before.get(name, "")
            for name, value in session.changed.items()
            if about.get(f"variable_{name}") == value
        }
        if about.get("variable_socket_resume") == "true":
            ours["socket_resume"] = "false"
            later = f"uuid_setvar {uuid} socket_resume true"
            commands.append(f"api sched_api +{RESUME_AGAIN_S} none {later}")
        if ours:
            put_back = ";".join(f"{name}={value}" for name, value in ours.items())
            commands.insert(0, f"api uuid_setvar_multi {uuid} {put_back}")
    commands.append("exit")
    session.post(b"".join(map(command, commands)), len(commands))
