"""A progress bar on standard error, where that is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def track(what: str, total: int, *, of_bytes: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a bar while the block runs. Yields a function to be called with each further amount done."""
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    done = progress.DownloadColumn() if of_bytes else progress.MofNCompleteColumn()
    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), done, progress.TimeRemainingColumn())
    with progress.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda amount: bar.update(task, advance=amount)
