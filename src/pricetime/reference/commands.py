"""The reference book behind the arrays that ``OrderBook.apply`` takes and gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import ERROR_OF_REASON, PricetimeError
from ..types import EXECUTION_REPORT, REPORT, CommandType, ReportKind, SelfTrade
from .book import ReferenceBook
from .records import Report

REASON_OF_ERROR = {error: reason for reason, error in ERROR_OF_REASON.items()}


def apply(book: ReferenceBook, commands: NDArray[np.void], *, first: int = 1) -> NDArray[np.void]:
    """Execute commands (dtype ``COMMAND``, instrument 0) in order: their reports (dtype ``REPORT``).

    ``first``: the ``seq_num`` of the first report. The book's own list of reports is emptied.
    """
    records: list[tuple[int, ...]] = []
    for row in commands.tolist():
        book.reports.clear()
        try:
            _call(book, row)
        except PricetimeError as error:
            _, _, _, _, _, _, side, _, _, _, order_id, price, quantity, _, _ = row
            reason = REASON_OF_ERROR[type(error)]
            book.reports.append(Report(ReportKind.REJECTED, side, reason, order_id, 0, price, quantity))
        for kind, side, reason, *rest in book.reports:
            records.append((EXECUTION_REPORT, kind, side, reason, 0, first + len(records), *rest))
    book.reports.clear()
    return np.array(records, REPORT)


def _call(book: ReferenceBook, row: tuple[int, ...]) -> None:
    _, timestamp, _, _, _, kind, side, tif, flags, _, order_id, price, quantity, owner, tag = row
    match kind:
        case CommandType.NEW_ORDER:
            mode = SelfTrade(flags) if flags else None
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
