"""The depth of a book as a frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.order_book import OrderBook
from ..depth import Depth
from .native import frame_of
from .prices import TickSize, in_currency_column


def depth_to_frame(
    depth: OrderBook | Depth, tick_size: TickSize = None, *, levels: int | None = None, native: str | None = None
) -> Any:
    """The levels of a book as a frame: bids first, each side with its best level first.

    ``depth``: what ``OrderBook.depth`` returned, or a book. ``tick_size``: the currency value of one tick; by default
    the ``price_unit`` of the book. ``levels``: how many of each side of a book, None for all. ``native``: as of
    ``reports_to_frame``. Raises InvalidSetting and MissingExtra. O(levels).

    Columns: side, level (from 1), price, quantity (lots), orders, cumulative (lots from the best level on). Prices are
    ticks if the value of a tick is 1.

    ```python
    >>> from pricetime import BID, OrderBook
    >>> book = OrderBook(price_unit="0.25")
    >>> _ = book.add_order(1, BID, 405, 5)
    >>> depth_to_frame(book)["price"].to_list()
    [101.25]
    ```
    """
    found = depth if isinstance(depth, Depth) else depth.depth(levels)
    both = np.concatenate(found)
    if tick_size is None and found.price_unit != 1:
        tick_size = found.price_unit
    counts = [len(side) for side in found]
    columns = {
        "side": np.repeat(np.array(["bid", "ask"], object), counts),
        "level": np.concatenate([np.arange(1, count + 1) for count in counts]),
        "price": in_currency_column(both["price"], np.zeros(len(both), np.uint32), tick_size),
        "quantity": both["quantity"],
        "orders": both["count"],
        "cumulative": np.concatenate([np.cumsum(side["quantity"]) for side in found]),
    }
    return frame_of(columns, native)
