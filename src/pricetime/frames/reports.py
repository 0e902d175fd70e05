"""Reports and trades as frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..errors import InvalidSetting
from ..execution import Trade
from ..types import REPORT, Reason, ReportKind, Side
from .native import Nullable, frame_of, names_of
from .prices import TickSize, in_currency_column

KINDS = {int(kind): kind.name.lower() for kind in ReportKind}
SIDES = {int(side): side.name.lower() for side in Side}
REASONS = {int(reason): reason.name.lower() for reason in Reason if reason}

#: Kinds of reports that have no price.
WITHOUT_PRICE = (
    ReportKind.MASS_CANCELLED, ReportKind.PHASE_CHANGED, ReportKind.OPEN_ORDERS_END, ReportKind.EXPIRY_DONE,
)  # fmt: skip

#: Kinds whose ``maker_id`` is the other order, the hidden part of their quantity, or the surplus of an auction.
TRADES = (ReportKind.TRADE, ReportKind.AUCTION_TRADE)
HIDING = (
    ReportKind.ACCEPTED, ReportKind.TRIGGERED, ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED,
)  # fmt: skip
AUCTIONS = (ReportKind.INDICATIVE, ReportKind.UNCROSSED)


def reports_to_frame(reports: Any, tick_size: TickSize = None, *, native: str | None = None) -> Any:
    """Reports as a frame, one row each: what ``apply`` returned, or what a feed carried.

    ``reports``: array of ``pricetime.REPORT``. ``tick_size``: the currency value of one tick, or the instruments by id
    (``engine.instruments``); None leaves prices in ticks. ``native``: polars, pandas or pyarrow; by default the first
    of these that is installed. Raises InvalidSetting and MissingExtra. O(reports).

    Columns: seq_num, kind, instrument, order_id, maker_id (null unless it is a trade), side, price (null of kinds that
    have none), quantity, hidden (lots of the quantity that the market does not see; null of kinds that say nothing
    about it), surplus (lots that are left over in an auction, on this side; null of other kinds), reason (null without
    one). Kinds, sides and reasons are text in lower case. Of an auction trade order_id is the buyer, maker_id the
    seller.

    ```python
    >>> from pricetime import BID, OrderBook
    >>> from pricetime.frames import commands_from_frame
    >>> import polars as pl
    >>> orders = pl.DataFrame({"side": ["buy"], "price": ["101.25"], "quantity": [5]})
    >>> reports = OrderBook().apply(commands_from_frame(orders, tick_size="0.25"))
    >>> reports_to_frame(reports, tick_size="0.25")["price"].to_list()
    [101.25]
    ```
    """
    reports = checked(reports)
    kinds = reports["kind"]
    prices = in_currency_column(reports["price"], reports["instrument"], tick_size)
    columns = {
        "seq_num": reports["seq_num"],
        "kind": names_of(kinds, KINDS),
        "instrument": reports["instrument"],
        "order_id": reports["order_id"],
        "maker_id": Nullable(reports["maker_id"], ~np.isin(kinds, TRADES)),
        "side": names_of(reports["side"], SIDES),
        "price": Nullable(prices, np.isin(kinds, WITHOUT_PRICE) | (reports["reason"] == Reason.NO_AUCTION_PRICE)),
        "quantity": reports["quantity"],
        "hidden": Nullable(reports["maker_id"], ~np.isin(kinds, HIDING)),
        "surplus": Nullable(reports["maker_id"], ~np.isin(kinds, AUCTIONS)),
        "reason": names_of(reports["reason"], REASONS),
    }
    return frame_of(columns, native)


def trades_to_frame(trades: Any | Iterable[Trade], tick_size: TickSize = None, *, native: str | None = None) -> Any:
    """Trades as a frame, one row each.

    ``trades``: an array of ``pricetime.REPORT``, of which the trades are taken; or ``Trade`` values, such as those of
    an ``Execution``. ``tick_size``, ``native``: as of ``reports_to_frame``. Raises InvalidSetting and MissingExtra.
    O(trades).

    Columns: maker_id, taker_id, price, quantity. From reports also seq_num and instrument first, and side, which is
    that of the taker. Of an auction trade taker_id is the buyer, maker_id the seller, and side is null.
    """
    if isinstance(trades, np.ndarray):
        found = checked(trades)
        found = found[np.isin(found["kind"], TRADES)]
        columns = {
            "seq_num": found["seq_num"],
            "instrument": found["instrument"],
            "side": names_of(found["side"], SIDES),
            "maker_id": found["maker_id"],
            "taker_id": found["order_id"],
            "price": in_currency_column(found["price"], found["instrument"], tick_size),
            "quantity": found["quantity"],
        }
        return frame_of(columns, native)
    rows = list(trades)
    ids = {"maker_id": np.uint64, "taker_id": np.uint64, "price": np.int64, "quantity": np.uint64}
    columns = {name: np.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(ids.items())}
    columns["price"] = in_currency_column(columns["price"], np.zeros(len(rows), np.uint32), tick_size)
    return frame_of(columns, native)


def checked(reports: Any) -> Any:
    """An array of reports. Raises InvalidSetting for anything else."""
    if not isinstance(reports, np.ndarray) or reports.dtype != REPORT or reports.ndim != 1:
        what = f"an array of {reports.dtype}" if isinstance(reports, np.ndarray) else f"a {type(reports).__name__}"
        raise InvalidSetting(f"{what} is not an array of reports: give what apply returned (dtype pricetime.REPORT)")
    return reports
