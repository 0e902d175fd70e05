"""The top of book over time as a frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.builder import BookBuilder
from .native import Nullable, frame_of
from .prices import TickSize, in_currency_column
from .reports import checked

#: Price, quantity and orders of the best bid, then of the best ask; orders are 0 of a side that is empty.
SIDES = ("bid", "bid_quantity", "bid_orders", "ask", "ask_quantity", "ask_orders")
EMPTY = (0, 0, 0)


def top_to_frame(
    source: Any,
    tick_size: TickSize = None,
    *,
    builder: BookBuilder | None = None,
    native: str | None = None,
) -> Any:
    """The best bid and ask after each event that changed one of them, as a frame.

    ``source``: an array of ``pricetime.REPORT`` from the first report on, from which the books are rebuilt; or the
    ``Recorder`` of a replay. ``builder``: a ``BookBuilder`` with the books as they were before the first of the
    reports; it is brought up to date. ``tick_size``, ``native``: as of ``reports_to_frame``. Of a recorder prices are
    in units of the tape: give ``Decimal(1) / replay.price_scale``. Raises InvalidSetting, MissingExtra, and
    ReportMismatch for reports that do not begin where the books end. O(reports), about 4 microseconds each.

    Columns: seq_num and instrument, of reports, or time_ns, of a recorder; then bid, bid_quantity, bid_orders, ask,
    ask_quantity, ask_orders. A side that is empty is null.
    """
    if isinstance(source, np.ndarray):
        reports = checked(source)
        columns = _of_reports(reports, builder)
    else:
        columns = {name: np.array(values) for name, values in source.tops.items()}
    instruments = columns.get("instrument", np.zeros(len(columns["bid"]), np.uint32))
    for side in ("bid", "ask"):
        empty = columns[f"{side}_orders"] == 0
        columns[side] = in_currency_column(columns[side], instruments, tick_size)
        for name in (side, f"{side}_quantity", f"{side}_orders"):
            columns[name] = Nullable(columns[name], empty)
    return frame_of(columns, native)


def _of_reports(reports: Any, builder: BookBuilder | None) -> dict[str, Any]:
    """The columns of the tops that reports lead to. A row is made when a command is over, not within it."""
    if builder is None:
        builder = BookBuilder([int(number) for number in np.unique(reports["instrument"]) if number < 1 << 20] or [0])
    books = {number: builder.book(number) for number in builder.instruments}
    last: dict[int, tuple[int, ...]] = {}
    rows: list[tuple[int, ...]] = []
    for at, (number, seq_num) in enumerate(reports[["instrument", "seq_num"]].tolist()):
        builder.apply(reports[at : at + 1])
        if builder.in_progress or number not in books:
            continue
        bids, asks = books[number].depth(1)
        top = (*(bids[0].item() if len(bids) else EMPTY), *(asks[0].item() if len(asks) else EMPTY))
        if last.get(number, EMPTY + EMPTY) != top:
            last[number] = top
            rows.append((seq_num, number, *top))
    names = {"seq_num": np.uint64, "instrument": np.uint32}
    kinds = {name: np.int64 if name in {"bid", "ask"} else np.uint64 for name in SIDES}
    found = np.array(rows, object).reshape(len(rows), 2 + len(SIDES))
    return {name: found[:, at].astype(kind) for at, (name, kind) in enumerate((names | kinds).items())}
