"""What ``depth`` returns: a pair of arrays that a notebook shows and matplotlib draws."""

import copy
import pickle
import sys
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from pricetime import ASK, BID, DEPTH, Engine, Instrument, OrderBook, Phase
from pricetime.depth import Depth
from pricetime.extras import MissingExtra


def filled() -> OrderBook:
    book = OrderBook(price_unit="0.25")
    for order_id, (side, price, quantity) in enumerate([(BID, 400, 8), (BID, 399, 4), (ASK, 402, 6), (ASK, 402, 1)]):
        book.add_order(order_id, side, price, quantity)
    return book


class Cells(HTMLParser):
    """The rows of a table; raises for a tag that is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        if tag in {"tr", "caption"}:
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1] == "caption":
            self.rows[-1].append(data)
        else:
            self.rows[-1][-1] += data


def test_a_depth_is_a_pair_of_arrays() -> None:
    depth = filled().depth()
    bids, asks = depth
    assert isinstance(depth, tuple)
    assert bids.dtype == asks.dtype == DEPTH
    assert (depth.bids is bids, depth.asks is asks, depth[0] is bids, len(depth)) == (True, True, True, 2)
    assert bids["price"].tolist() == [400, 399]
    assert depth.price_unit == Decimal("0.25")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda depth: pickle.loads(pickle.dumps(depth))])
def test_a_copy_is_a_depth(again: object) -> None:
    made = again(filled().depth())  # type: ignore[operator]
    assert isinstance(made, Depth)
    assert (made.price_unit, made[1]["quantity"].tolist()) == (Decimal("0.25"), [7])


def test_the_ladder_in_a_notebook() -> None:
    assert Cells(filled()._repr_html_()).rows == [
        ["OrderBook: 4 orders"],
        ["orders", "bid", "price", "ask", "orders"],
        ["", "", "100.50", "7", "2"],
        ["1", "8", "100.00", "", ""],
        ["1", "4", "99.75", "", ""],
    ]
    assert Cells(filled().depth(1)._repr_html_()).rows[1:] == [
        ["", "", "100.50", "7", "2"],
        ["1", "8", "100.00", "", ""],
    ]
    halted = OrderBook()
    halted.set_phase(Phase.HALTED)
    assert Cells(halted._repr_html_()).rows == [
        ["OrderBook: 0 orders, halted"], ["orders", "bid", "price", "ask", "orders"], ["no bids or asks"],
    ]  # fmt: skip


def test_an_engine_in_a_notebook() -> None:
    engine = Engine([Instrument(1, symbol="<b>ES&", price_unit=Decimal("0.25")), Instrument(2)])
    for order in filled():
        engine.book(1).add_order(order.id, order.side, order.price, order.quantity)
    assert "<b>" not in engine._repr_html_()
    assert Cells(engine._repr_html_()).rows == [
        ["Engine: 2 instruments, 4 orders"],
        ["id", "symbol", "bid lots", "bid", "ask", "ask lots", "orders", "phase"],
        ["1", "<b>ES&", "8", "100.00", "100.50", "7", "4", "continuous"],
        ["2", "", "", "", "", "", "0", "continuous"],
    ]
    many = Engine([Instrument(number) for number in range(30)])
    assert len(Cells(many._repr_html_()).rows) == 22


@pytest.mark.parametrize("cumulative", [True, False])
def test_the_plot(cumulative: bool) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    axes = filled().plot(cumulative=cumulative)
    assert axes.get_xlabel() == "price"
    assert axes.get_legend_handles_labels()[1] == ["bids", "asks"]
    if cumulative:
        assert np.asarray(axes.lines[0].get_xydata()).tolist() == [[100.0, 8.0], [99.75, 12.0]]
    else:
        bars: Any = [bar for container in axes.containers for bar in container]
        assert [bar.get_height() for bar in bars] == [8, 4, 7]
    assert filled().depth().plot(ax=axes) is axes
    assert OrderBook().plot(ax=axes).get_xlabel() == "price (ticks)"
    pyplot.close("all")


def test_the_axis_shows_whole_prices() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    book = OrderBook(price_unit="0.01")
    book.add_order(1, BID, 10_000_001, 1)
    book.add_order(2, ASK, 10_000_003, 1)
    axes = book.plot()
    axes.figure.canvas.draw()
    assert axes.xaxis.get_major_formatter().get_offset() == ""
    pyplot.close("all")


def test_a_plot_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtra, match="matplotlib"):
        filled().plot()
