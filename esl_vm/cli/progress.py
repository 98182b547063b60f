"""How far a long command is, for the person at the terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from esl_vm.cli.output import console
from esl_vm.model.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.importers.write import Progress


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """A bar on a terminal's standard error, told how many of how many are done and what is being done; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=one_line(what))

        yield show
