"""The reference book behind the same arrays as ``OrderBook.apply``."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeVar

import numpy as np

from .. import checks
from ..errors import ERROR_OF_REASON, PricetimeError
from ..types import (
    EXECUTION_REPORT,
    OPEN_ORDERS_TOLD,
    REPORT,
    CommandArray,
    CommandType,
    Reason,
    ReportArray,
    ReportKind,
)
from .book import ReferenceBook
from .records import Report

T = TypeVar("T")

REASON_OF_ERROR = {error: reason for reason, error in ERROR_OF_REASON.items()}


def apply(book: ReferenceBook, commands: CommandArray, *, first: int = 1) -> ReportArray:
    """Execute commands (dtype ``COMMAND``, any instrument) in order. Returns their reports (dtype ``REPORT``).

    Reports have instrument 0, except those that repeat the command's. ``first``: the ``seq_num`` of the first report.
    The book's own list of reports is cleared.
    """
    records: list[tuple[int, ...]] = []
    for row in commands.tolist():
        book.reports.clear()
        asked = _instrument(book, row)
        try:
            _call(book, row)
        except PricetimeError as error:
            book.reports.append(rejected(row, REASON_OF_ERROR[type(error)]))
        for kind, side, reason, *rest in book.reports:
            instrument = (
                asked if kind in (ReportKind.REJECTED, ReportKind.MASS_CANCELLED, ReportKind.OPEN_ORDERS_END) else 0
            )
            records.append((EXECUTION_REPORT, kind, side, reason, instrument, first + len(records), *rest))
    book.reports.clear()
    return np.array(records, REPORT)


def _instrument(book: ReferenceBook, row: tuple[int, ...]) -> int:
    """The instrument of a report that repeats the command's; for CONTINUE that of its mass cancel."""
    kind, instrument, owner = row[5], row[9], row[13]
    unfinished = book.unfinished.get(owner)
    return unfinished.instrument if unfinished and kind == CommandType.CONTINUE else instrument


def rejected(row: tuple[int, ...], reason: int) -> Report:
    """The report of a rejected command."""
    _, _, _, _, _, _, side, _, _, _, order_id, price, quantity, _, _ = row
    return Report(ReportKind.REJECTED, side, reason, order_id, 0, price, quantity)


def told(orders: Sequence[T], first: int | None) -> tuple[Sequence[T], Reason]:
    """The orders in one answer to OPEN_ORDERS, out of an owner's orders, oldest first; and the reason of its end.

    ``first``: index of the first one; None if the order to start after does not rest.
    """
    if first is None:
        return [], Reason.UNKNOWN_ORDER
    end = first + OPEN_ORDERS_TOLD
    return orders[first:end], Reason.MORE_FOLLOW if len(orders) > end else Reason.NONE


def _tell_open_orders(book: ReferenceBook, owner: int, request_id: int, *, behind: int | None) -> None:
    known = book.orders_of(owner) if owner < book.owner_limit else []
    own = sorted(known, key=attrgetter("entered"))
    first: int | None = 0
    if behind is not None:
        first = next((place for place, order in enumerate(own, 1) if order.id == behind), None)
    some, reason = told(own, first)
    for o in some:
        book.reports.append(Report(ReportKind.OPEN_ORDER, o.side, Reason.NONE, o.id, 0, o.price, o.quantity))
    book.reports.append(Report(ReportKind.OPEN_ORDERS_END, 0, reason, request_id, 0, 0, len(some)))


def _call(book: ReferenceBook, row: tuple[int, ...]) -> None:
    _, timestamp, _, _, _, kind, side, tif, flags, instrument, order_id, price, quantity, owner, tag = row
    match kind:
        case CommandType.NEW_ORDER:
            mode = flags or None
            book.add_order(
                order_id, side, price, quantity, owner=owner, time_in_force=tif, self_trade=mode, timestamp=timestamp
            )
        case CommandType.CANCEL_ORDER:
            book.cancel_order(order_id, owner=owner or None)
        case CommandType.REDUCE_ORDER:
            book.reduce_order(order_id, quantity, owner=owner or None)
        case CommandType.REPLACE_ORDER:
            book.replace_order(order_id, price, quantity, owner=owner or None)
        case CommandType.REPLACE_ORDER_AS:
            book.replace_order(order_id, price, quantity, new_id=owner | tag << 32)
        case CommandType.MASS_CANCEL:
            which = checks.side(side) if side else None
            given = {"instrument": instrument, "order_id": order_id, "reason": flags or Reason.BY_MASS_CANCEL}
            book.start_mass_cancel(owner, which, limit=tag, **given)
        case CommandType.CONTINUE if owner in book.unfinished:
            book.continue_mass_cancel(owner, tag)
        case CommandType.CONTINUE:
            book.reports.append(rejected(row, Reason.UNKNOWN_COMMAND))
        case CommandType.OPEN_ORDERS:
            _tell_open_orders(book, owner, order_id, behind=quantity if flags & 1 else None)
        case CommandType.GATEWAY_REJECT:
            book.reports.append(rejected(row, flags))
        case CommandType.SET_PHASE:
            book.set_state(flags)
