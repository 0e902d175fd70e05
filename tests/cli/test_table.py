"""Every table that the commands print: at any width no figure, unit or name is cut, whatever the encoding."""

import importlib
import io
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from pricetime import Instrument
from pricetime.cli import load_show, show, show_journal, table, watch
from pricetime.cli.table import Column, Grid, figures, print_titled
from pricetime.client.feed_state import FeedState, FeedStatistics
from pricetime.core.builder import BookBuilder
from pricetime.load.run import by_kind
from pricetime.log.directory import Directory
from pricetime.native.histogram import Histogram
from tests.cli.run import good
from tests.log.reference import journal, snapshot_after
from tests.tape.tapes import add, cancel, dbn_file, fill, modify, trade

latency = importlib.import_module("pricetime.cli.latency")  # the package has the command of that name

WIDTHS = [40, 60, 80]


class Terminal:
    """Everything that is printed goes here; ``width`` None: the output is not a terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, width: int | None, encoding: str) -> None:
        self.data = io.BytesIO()
        self.file = io.TextIOWrapper(self.data, encoding=encoding, errors="backslashreplace")
        monkeypatch.setattr(table, "console", self.console)
        for module in (show, watch):
            monkeypatch.setattr(module, "console", self.console)
        self.width = width

    def console(self) -> Console:
        width = table.UNLIMITED if self.width is None else self.width
        return Console(file=self.file, width=width, force_terminal=self.width is not None, color_system=None)

    @property
    def text(self) -> str:
        self.file.flush()
        return self.data.getvalue().decode(self.file.encoding)


LARGE = 24_800_000_123


def histogram() -> Any:
    made = Histogram()
    made.record_many([24_800_000, 3_572_000, 250, LARGE])
    return made


def ladder() -> None:
    levels = [(4_800_250_000_000, 123_456_789, 1_234), (4_800_000_000_000, 5, 1)]
    price = partial(show.price_text, scale=10**9)
    show.ladder("2023-12-25 00:00:01.000000000", levels, levels, price)


def settings() -> None:
    show.settings([("Order entry", "secrets_file", "/var/lib/exchange/secrets.toml", True), ("Book", "a", "b", False)])


def latencies() -> None:
    kinds = by_kind({"rests": histogram(), "cancel": histogram()})
    load_show.latencies({"match": kinds, "tick_to_trade": kinds})


def rates() -> None:
    result = SimpleNamespace(
        asked=1_000_000, sent_per_s=999_999, answered_per_s=999_999, reached=False, sent=123_456_789,
        answered=123_456_789, late=5, seconds=10.0,
    )  # fmt: skip
    found: Any = result
    print_titled("balanced", load_show.rates(found, None))


def books() -> None:
    """The ladders of ``subscribe`` and its counts."""
    builder = BookBuilder([Instrument(1, symbol="ÄBC")])
    subscriber: Any = SimpleNamespace(
        state=FeedState.WHOLE, statistics=FeedStatistics(), seq_num=123_456_789, instruments=builder.instruments,
        book=builder.book, auction=builder.auction, recovery_failure="",
    )  # fmt: skip
    options: Any = SimpleNamespace(instruments=(), levels=5)
    with watch.Ladders(options, subscriber) as view:
        view.end()


PRINTED: dict[str, tuple[Callable[[], None], list[str]]] = {
    "ladder": (ladder, ["4,800.25", "4,800.00"]),
    "settings": (settings, []),
    "latency": (latencies, ["24.8 s", "3.57 ms"]),
    "rates": (rates, ["1,000,000", "999,999", "123,456,789"]),
    "subscribe": (books, ["123,456,789"]),
}


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [20, *WIDTHS, None])
@pytest.mark.parametrize("name", PRINTED)
def test_nothing_is_cut(name: str, width: int | None, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    printed, kept = PRINTED[name]
    whole = Terminal(monkeypatch, None, encoding)
    printed()
    terminal = Terminal(monkeypatch, width, encoding)
    printed()
    assert "…" not in terminal.text
    numbers = figures_of(whole.text)
    assert figures_of(terminal.text) <= numbers | figures_of(" ".join(whole.text.split())), "a part of a figure"
    for figure in kept:
        assert figure in terminal.text, terminal.text
    if width is None:
        assert terminal.text == whole.text


def figures_of(text: str) -> set[str]:
    """Every figure: digits with their marks, and no letters."""
    return {word for word in text.split() if re.fullmatch(r"-?[\d,.]+", word)}


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", WIDTHS)
def test_of_a_journal(width: int, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = journal([45, 40])
    for name, data in (*written.files.items(), snapshot_after(written, 30)):
        (tmp_path / name).write_bytes(data)
    terminal = Terminal(monkeypatch, width, encoding)
    show_journal.overview(Directory(tmp_path))
    assert "…" not in terminal.text
    words = terminal.text.split()
    assert {"1", "46", "30"} <= set(words)
    assert [word for word in words if re.fullmatch(r"[0-9a-f]{16}", word)], "the digest of the snapshot"


@pytest.mark.parametrize("width", WIDTHS)
def test_of_a_replay(width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = [add("A", 1, 101, 3), add("A", 2, 101.5, 4), add("B", 11, 100, 3)]
    events = [[trade("B", 99, 101, 2), fill("A", 1, 101, 2), modify("A", 1, 101, 1)], [cancel("A", 1, 101, 1)]]
    tape = dbn_file(tmp_path, events, snapshot=snapshot)
    terminal = Terminal(monkeypatch, width, "ascii")
    good("replay", tape, "--at", "00:00:01")
    assert "100.00 %" in terminal.text
    assert "101.50" in terminal.text


def test_every_table_is_made_here() -> None:
    """So what is shown of these tables holds for those of all commands."""
    for path in sorted(Path(table.__file__).parent.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert ("rich.table" in text) is (path.name == "table.py"), path
        alone = {"table.py", "progress.py"}  # the last on standard error, without tables
        assert "Console(" not in text or path.name in alone, path


def test_columns_are_left_out_by_their_rank() -> None:
    made = Grid(Column("what"), Column("second", 1), Column("first", 2), Column("second", 1))
    made.add_row("1", "22", "333", "4444")
    for width, left_out in (
        (60, None),
        (30, "too narrow for: first"),
        (20, "too narrow for: second, first"),
    ):
        out = Console(file=io.StringIO(), width=width)
        out.print(made)
        text = out.file.getvalue()  # type: ignore[attr-defined]
        assert (left_out or "1") in " ".join(text.split())
        assert ("too narrow" in text) is (left_out is not None)
        assert ("4444" in text) is (left_out is None or "second" not in left_out)


def test_a_row_becomes_lines_where_nothing_else_fits() -> None:
    made = Grid(Column("kind"), Column("p50"), Column("max"), title="latency")
    made.add_row("rests", "24.8 ms", "1.50 s")
    out = Console(file=io.StringIO(), width=14)
    out.print(made)
    text = out.file.getvalue()  # type: ignore[attr-defined]
    assert text.splitlines() == ["latency", "kind rests", "  p50 24.8 ms", "  max 1.50 s"]


def test_a_section_of_an_empty_table() -> None:
    made = figures(2)
    made.add_section()
    made.add_row("a", "1")
    made.add_section()
    made.add_row("b")
    out = Console(file=io.StringIO(), width=40)
    out.print(made)
    assert "a" in out.file.getvalue()  # type: ignore[attr-defined]


def test_output_that_is_no_terminal_has_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    assert table.console().width == table.UNLIMITED
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert table.console().width == 40
