"""Who looks for a Redis that is away, so that no caller has to: a greenlet, where gevent serves the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent
from gevent import monkey
from redis import exceptions as wrong

from esl_vm.store.outage import TooLongError, is_away, sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.model.breaker import Breaker

LOOK_S = 12.0
"""Seconds that one look may take: connecting, logging in and a few answers, each as slow as one may be."""


def watch(breaker: Breaker, look: Callable[[], object], *, rest_s: float, label: str) -> None:
    """Look until it is back, and close the breaker then; does nothing where somebody looks already.

    Args:
        breaker: of what is away, open.
        look: raises what redis-py does while it is away.
        rest_s: seconds between two looks.
        label: what it is called in errors.
    """
    if breaker.watched or not monkey.is_module_patched("socket"):
        return
    breaker.watched = True
    gevent.spawn(_until_back, breaker, look, rest_s, label)


def _until_back(breaker: Breaker, look: Callable[[], object], rest_s: float, label: str) -> None:
    try:
        while True:
            gevent.sleep(rest_s)
            try:
                with gevent.Timeout(LOOK_S, TooLongError):
                    look()
            except (wrong.RedisError, wrong.RedisClusterException, OSError, TooLongError) as error:
                if is_away(error):
                    breaker.failed(f"{label}: {sentence(error)}")
                    continue
            breaker.succeeded()
            return
    finally:
        breaker.watched = False  # whatever happened: then the calls try again, by turns
