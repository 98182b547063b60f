"""Scenes: what a live test plays before it looks. All that are asked for are played at once, several at a time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from live.live_node import LiveNode

AT_ONCE = 24


@dataclass(frozen=True)
class Scene:
    """One or more calls, one after the other.

    Args:
        name: the test's. act: plays it, in the folder given; what it returns is what the test looks at.
        seconds: about how long it takes. The longest begin first, so that none is waited for at the end.
    """

    name: str
    act: Callable[[LiveNode, Path], Any]
    seconds: float = 40.0


class Stage:
    """Plays scenes.

    Args:
        node: where. folder: theirs, one each.
    """

    def __init__(self, node: LiveNode, folder: Path, scenes: Iterable[Scene]) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="scene")
        self._played: dict[str, Future[Any]] = {}
        for scene in sorted(scenes, key=lambda scene: -scene.seconds):
            own = folder / scene.name
            own.mkdir()
            self._played[scene.name] = self._pool.submit(scene.act, node, own)

    def played(self, scene: Scene) -> Any:
        """Wait for a scene's end; what it returned, or raised."""
        return self._played[scene.name].result()

    def close(self) -> None:
        """Play no more."""
        self._pool.shutdown(cancel_futures=True)
