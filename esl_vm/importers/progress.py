"""How far a long import is, as a bar on a terminal; nothing where the output is no terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from esl_vm.importers.write import Progress


@contextmanager
def progress_bar(title: str, stream: TextIO) -> Iterator[Progress | None]:
    """A bar on this stream while the block runs.

    Args:
        title: what is under way, `asterisk`.
        stream: standard error, usually; the bar is taken away at the end.

    Yields:
        What `run_import` and `export_asterisk` tell their progress to; None where the stream is no terminal.
    """
    if not stream.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.fields[what]}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(file=stream), transient=True) as bars:
        task = bars.add_task(title, total=None, what=title)

        def tell(done: int, total: int, what: str) -> None:
            bars.update(task, completed=done, total=total, what=f"{title} {what}".strip())

        yield tell
