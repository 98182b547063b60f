"""Single keys from a terminal's keyboard."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from esl_vm.sim.realtime import RealTime


@contextmanager
def keyboard(loop: RealTime, terminal: TextIO | None, typed: Callable[[str], None]) -> Iterator[None]:
    """Take single keys from a terminal, without echo; it is put back as it was. None: there is no keyboard."""
    if terminal is None:
        yield
        return
    import termios
    import tty

    descriptor = terminal.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)

    def read() -> None:
        data = os.read(descriptor, 64)
        if not data:
            loop.forget(descriptor)
        typed(data.decode("ascii", "ignore"))

    loop.watch(descriptor, read)
    try:
        yield
    finally:
        loop.forget(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
