"""The result of a call about one order, read from its reports."""

from __future__ import annotations

from typing import Any

import cython

from pricetime.execution import Execution, Trade

if not cython.compiled:  # the compiled form cimports them in executions.pxd
    from pricetime.core.book import Books
    from pricetime.core.layout import *


def execution_of(books: Books) -> Execution:
    """The result of the last command for its order, which the first report names."""
    first: cython.pointer[Report] = cython.address(books.reports[0])
    execution: Execution = Execution.__new__(Execution)
    execution._order_id = first.order_id
    execution._trades = ()
    execution._resting = first.quantity
    execution._cancelled = 0
    execution._reason = first.reason if first.kind == REPLACED else NONE
    if books.report_count != 1 or first.kind == CANCELLED:
        _read_reports(books, execution)
    return execution


def _read_reports(books: Books, execution: Execution) -> cython.int:
    """The trades among the reports, those of stop orders that they triggered too; and the lots that were cancelled."""
    trades: list[Any] = []
    trade: Trade
    i: u64
    for i in range(books.report_count):
        r: cython.pointer[Report] = cython.address(books.reports[i])
        if r.kind == TRADE:
            trade = Trade.__new__(Trade)
            trade._maker_id = r.maker_id
            trade._taker_id = r.order_id
            trade._price = r.price
            trade._quantity = r.quantity
            trades.append(trade)
            if r.order_id == execution._order_id or r.maker_id == execution._order_id:
                execution._resting -= r.quantity
        elif r.order_id == execution._order_id:
            if r.kind == CANCELLED or r.kind == REDUCED:
                execution._cancelled += r.quantity
                execution._resting -= r.quantity
                execution._reason = r.reason
            elif r.kind == HIDDEN:
                execution._resting += r.quantity
    execution._trades = tuple(trades)
    return 0
