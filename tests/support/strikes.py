"""Deadlines (`esl_vm.model.deadline`) that strike when a neighbour has come so far, not by a clock."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager


class Strikes:
    """How soon a neighbour comes to a step depends on the machine; what becomes of it then does not.

    Args:
        monkeypatch: pytest's. modules: those whose deadlines are to be these.
    """

    def __init__(self, monkeypatch, *modules):
        self._running = defaultdict(list)
        self._lock = threading.Lock()
        for module in modules:
            monkeypatch.setattr(module, "deadline", self.deadline)

    @contextmanager
    def deadline(self, _, hang_up):
        running, one = self._running[threading.get_ident()], (threading.Event(), hang_up)
        running.append(one)
        try:
            yield one[0]
        finally:
            with self._lock:
                running.remove(one)

    def then(self, manner):
        """What a neighbour of this thread's does; the deadline that runs then strikes, again and again as the real one does."""
        running = self._running[threading.get_ident()]

        def came(_):
            threading.Thread(target=self._strike, args=(running,), daemon=True).start()
            return manner

        return came

    def _strike(self, running):
        pause, one = threading.Event(), None
        while one is None or one in running:
            with self._lock:
                if running and one in (None, running[-1]):
                    struck, hang_up = one = running[-1]
                    struck.set()
                    hang_up()
            pause.wait(0.02)
