"""Tables that never cut a figure: a table that is too wide leaves out columns, or prints each cell on its own line.

If the output is not a terminal, the width is unlimited.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from rich.box import SIMPLE, Box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

#: ``SIMPLE`` for output in ASCII.
ASCII_SIMPLE = Box("    \n    \n -- \n    \n    \n -- \n    \n    \n", ascii=True)

#: Characters in a line if the output is not a terminal.
UNLIMITED = 1 << 14


def console() -> Console:
    """Standard output: as wide as the terminal, otherwise unlimited."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=UNLIMITED)


class Column(NamedTuple):
    """A column. ``wraps``: for text, not figures. ``leave_out``: the highest is left out first, 0 never."""

    name: str = ""
    leave_out: int = 0
    wraps: bool = False
    justify: Literal["left", "right"] = "right"
    min_width: int | None = None


class Row(NamedTuple):
    cells: tuple[str, ...]
    style: str | None
    ends_section: bool = False


class Grid:
    """Rows of text. Print it on a ``console()``."""

    def __init__(self, *columns: Column, title: str | None = None) -> None:
        self.columns, self.title = columns, title
        self._rows: list[Row] = []

    def add_row(self, *cells: str, style: str | None = None) -> None:
        """Add a row. Missing cells at the end are empty."""
        self._rows.append(Row((*cells, *[""] * (len(self.columns) - len(cells))), style))

    def add_section(self) -> None:
        """Draw a line below the rows so far."""
        if self._rows:
            self._rows[-1] = self._rows[-1]._replace(ends_section=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        most = max((column.leave_out for column in self.columns), default=0)
        for limit in range(most, -1, -1):
            kept = [column.leave_out <= limit for column in self.columns]
            table = self._table(kept, ASCII_SIMPLE if options.ascii_only else SIMPLE)
            natural = Measurement.get(console, options.update_width(UNLIMITED), table).maximum
            if natural - self._wrapped(kept) <= options.max_width:
                yield table
                left_out = [column.name for column, keep in zip(self.columns, kept, strict=True) if not keep]
                if left_out:
                    yield Text(f"too narrow for: {', '.join(dict.fromkeys(left_out))}\n", style="dim")
                return
        yield from self._lines()

    def _table(self, kept: list[bool], box: Box) -> Table:
        """A table of the columns that are kept."""
        has_names = any(column.name for column in self.columns)
        made = Table(title=self.title, title_justify="left", box=box, pad_edge=False, show_header=has_names)
        for column, keep in zip(self.columns, kept, strict=True):
            if keep:
                made.add_column(
                    Text(column.name), justify=column.justify, no_wrap=not column.wraps, overflow="fold",
                    min_width=column.min_width,
                )  # fmt: skip
        for row in self._rows:
            cells = [Text(cell) for cell, keep in zip(row.cells, kept, strict=True) if keep]
            made.add_row(*cells, style=row.style, end_section=row.ends_section)
        return made

    def _wrapped(self, kept: list[bool]) -> int:
        """How much narrower the wrapping columns can be: down to their longest word."""
        narrower = 0
        for at, (column, keep) in enumerate(zip(self.columns, kept, strict=True)):
            if keep and column.wraps:
                cells = [row.cells[at] for row in self._rows]
                words = [word for cell in cells for word in cell.split()]
                narrower += max(map(cell_len, cells), default=0) - max(map(cell_len, words), default=0)
        return narrower

    def _lines(self) -> Iterator[Text]:
        """Each row as lines: its first cell, then one line for each other cell."""
        if self.title:
            yield Text(self.title, style="italic", overflow="fold")
        for row in self._rows:
            first, *others = zip(self.columns, row.cells, strict=True)
            yield Text(f"{first[0].name} {first[1]}".strip(), style=row.style or "", overflow="fold")
            for column, cell in others:
                if cell:
                    yield Text(f"  {column.name} {cell}" if column.name else f"  {cell}", overflow="fold")


def figures(columns: int) -> Grid:
    """A table of names and figures."""
    return Grid(Column(wraps=True, justify="left"), *[Column()] * (columns - 1))


def print_titled(title: str, table: Grid) -> None:
    """Print a title, which may be wider than the table, and the table."""
    made = console()
    made.print(Text(title), style="bold", soft_wrap=True)
    made.print(table)
