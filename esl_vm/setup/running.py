"""Carrying out a plan, and telling the running service of it."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

from esl_vm.setup.actions import SetupError
from esl_vm.setup.process import holders, is_ours, listeners, top_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from esl_vm.setup.actions import World
    from esl_vm.setup.plan import Plan, Step

_PROGRAM_S = 60


def carry_out(plan: Plan, world: World, done: Callable[[Step], None]) -> None:
    """Do what is planned.

    Args:
        plan: its steps, in their order.
        world: what they work on.
        done: told of each step that is done.

    Raises:
        SetupError, OSError, SwitchDownError: a step can't be done; none after it was begun.
    """
    for step in plan.steps:
        for action in step.actions:
            action.do(world)
        done(step)


def run_program(words: Sequence[str]) -> None:
    """Run a program of the system's; raises SetupError with what it says where it fails."""
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, timeout=_PROGRAM_S)
    except FileNotFoundError:
        raise SetupError(f"there is no {words[0]} here: do it yourself: {' '.join(words)}") from None
    except subprocess.CalledProcessError as wrong:
        said = wrong.stderr.strip() or f"exit code {wrong.returncode}"
        raise SetupError(f"{' '.join(words)}: {said}") from None
    except subprocess.TimeoutExpired:
        raise SetupError(f"{' '.join(words)}: it does not end") from None


def service_of(port: int) -> int | None:
    """The process of the service that takes calls at that port of this host; None where it is not seen."""
    inodes = {listener.inode for listener in listeners(port)}
    return top_of([pid for inode in inodes for pid in holders(inode) if is_ours(pid)])


def reload_service(pid: int) -> None:
    """Have it read its settings anew; running calls go on. Raises OSError."""
    os.kill(pid, signal.SIGHUP)
