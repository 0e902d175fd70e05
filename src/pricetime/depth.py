"""What ``OrderBook.depth`` returns: the best levels of both sides, as arrays, as a ladder in HTML and as a chart."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from .extras import require
from .ladder import ladder_html
from .types import DepthArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ONE = Decimal(1)

#: Colours of the sides in charts. Readers with any colour vision can tell them apart.
BID_COLOUR, ASK_COLOUR = "#1f77b4", "#d95f02"


class Depth(tuple[DepthArray, DepthArray]):
    """The best levels of a book: a pair ``(bids, asks)`` of arrays of ``pricetime.DEPTH``, best level first.

    ``price_unit`` is the currency value of one tick. The arrays hold ticks; the ladder and the chart show currency.

    ```python
    >>> from pricetime import ASK, BID, OrderBook
    >>> book = OrderBook(price_unit="0.25")
    >>> _ = book.add_order(1, BID, 400, 5), book.add_order(2, ASK, 401, 7)
    >>> bids, asks = book.depth()
    >>> int(bids["price"][0]), int(asks["quantity"][0])
    (400, 7)
    ```
    """

    price_unit: Decimal

    def __new__(cls, bids: DepthArray, asks: DepthArray, price_unit: Decimal = ONE) -> Depth:
        made = tuple.__new__(cls, (bids, asks))
        made.price_unit = price_unit
        return made

    def __getnewargs__(self) -> tuple[DepthArray, DepthArray, Decimal]:  # pickle and copy call __new__ with these
        return self[0], self[1], self.price_unit

    @property
    def bids(self) -> DepthArray:
        """The levels of the bid side, highest price first."""
        return self[0]

    @property
    def asks(self) -> DepthArray:
        """The levels of the ask side, lowest price first."""
        return self[1]

    def plot(self, *, ax: Axes | None = None, cumulative: bool = True) -> Axes:
        """Draw the quantity at each price with matplotlib, and return the Axes.

        ``ax``: the Axes to draw on; a new figure by default. ``cumulative``: sum the quantities from the best price
        outwards, else draw one bar per level. Raises MissingExtra without matplotlib.
        """
        if ax is None:
            _, ax = require("matplotlib.pyplot", "plot", "a plot of depth").subplots()
        for levels, colour, label in ((self[0], BID_COLOUR, "bids"), (self[1], ASK_COLOUR, "asks")):
            prices = levels["price"].astype(float) * float(self.price_unit)
            quantities = levels["quantity"].astype(float)
            if cumulative:
                totals = np.cumsum(quantities)
                ax.step(prices, totals, where="post", color=colour, label=label)
                ax.fill_between(prices, totals, step="post", color=colour, alpha=0.25)
            else:
                ax.bar(prices, quantities, width=0.9 * float(self.price_unit), color=colour, alpha=0.7, label=label)
        ax.set_xlabel("price (ticks)" if self.price_unit == ONE else "price")
        ax.set_ylabel("cumulative quantity (lots)" if cumulative else "quantity (lots)")
        ax.ticklabel_format(axis="x", style="plain", useOffset=False)  # whole prices, not differences from one
        ax.set_ylim(bottom=0)
        ax.legend()
        return ax

    def _repr_html_(self) -> str:
        return ladder_html(self[0].tolist(), self[1].tolist(), self.price_unit)
