"""A progress bar on standard error, if that is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

#: Widths in characters: of a bar, of the remaining time, and of an amount of bytes with its total.
LEAST_BAR, MOST_BAR, TIME, BYTES = 10, 40, 8, 20


@contextmanager
def track(what: str, total: int, *, of_bytes: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a bar while the block runs. Yields a function: call it with each further amount that is done."""
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    shown = columns(console.width, what, total, of_bytes=of_bytes)
    with progress.Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda amount: bar.update(task, advance=amount)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show a line with what the block does while it runs."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


def columns(width: int, what: str, total: int, *, of_bytes: bool) -> list[ProgressColumn]:
    """The columns that fit a terminal of this width. The amount done always fits."""
    from rich import progress

    shown: list[ProgressColumn] = [progress.DownloadColumn() if of_bytes else progress.MofNCompleteColumn()]
    left = width - (BYTES if of_bytes else 2 * len(str(total)) + 1)
    if left > len(what):
        shown.insert(0, progress.TextColumn("{task.description}"))
        left -= len(what) + 1
    if left > TIME:
        shown.append(progress.TimeRemainingColumn())
        left -= TIME
    if left > LEAST_BAR:
        shown.insert(-2, progress.BarColumn(bar_width=min(left - 1, MOST_BAR)))
    return shown
