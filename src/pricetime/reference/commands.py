"""The reference book behind the same arrays as ``OrderBook.apply``."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Protocol, TypeVar

import numpy as np

from .. import checks
from ..errors import REASON_OF_ERROR, InvalidMinimumQuantity, PricetimeError
from ..types import (
    EXECUTION_REPORT,
    OPEN_ORDERS_TOLD,
    REPORT,
    STOPS,
    CommandArray,
    CommandType,
    Instruction,
    OrderType,
    PriceKind,
    Reason,
    ReportArray,
    ReportKind,
    TimeInForce,
)
from .book import ReferenceBook
from .records import Extension, Report, Row

T = TypeVar("T")

#: Kinds of reports that repeat the instrument of the command.
REPEATING = {ReportKind.REJECTED, ReportKind.MASS_CANCELLED, ReportKind.OPEN_ORDERS_END, ReportKind.EXPIRY_DONE}

#: A command with all fields 0.
EMPTY = Row(*[0] * len(Row._fields))

#: Commands that an extension may follow.
EXTENDABLE = (CommandType.NEW_ORDER, CommandType.REPLACE_ORDER)


def apply(book: ReferenceBook, commands: CommandArray, *, first: int = 1) -> ReportArray:
    """Execute commands (dtype ``COMMAND``, any instrument) in order. Returns their reports (dtype ``REPORT``).

    Reports have instrument 0, except those that repeat the command's. ``first``: the ``seq_num`` of the first report.
    The book's own list of reports is cleared.
    """
    records: list[tuple[int, ...]] = []
    for row in map(Row._make, commands.tolist()):
        for command in due(book, row):
            book.reports.clear()
            asked = _instrument(book, command)
            try:
                _call(book, command, Extension.of(row) if command is not row and _is_extended(command) else None)
            except PricetimeError as error:
                book.reports.append(rejected(command, REASON_OF_ERROR[type(error)]))
            for kind, side, reason, *rest in book.reports:
                instrument = asked if kind in REPEATING else 0
                records.append((EXECUTION_REPORT, kind, side, reason, instrument, first + len(records), *rest))
    book.reports.clear()
    return np.array(records, REPORT)


class Keeps(Protocol):
    """What may keep an extended order: a book, or an engine of several."""

    kept: Row | None


def due(book: Keeps, row: Row) -> list[Row]:
    """The commands that are executed when this one arrives.

    An extended order waits for the next command. If that is its extension, the order is executed, otherwise rejected.
    An extension without an order is rejected.
    """
    kept, book.kept = book.kept, None
    commands = []
    if kept and row.type == CommandType.ORDER_EXTENSION:
        return [kept]
    if kept:
        commands.append(reject_of(kept))
    if row.type == CommandType.ORDER_EXTENSION:
        commands.append(reject_of(EMPTY))
    elif _is_extended(row):
        book.kept = row
    else:
        commands.append(row)
    return commands


def _is_extended(row: Row) -> bool:
    """Does an extension follow this command?"""
    return row.type in EXTENDABLE and bool(row.instructions & Instruction.EXTENDED)


def reject_of(row: Row) -> Row:
    """The command that rejects this one as malformed."""
    return row._replace(type=CommandType.GATEWAY_REJECT, flags=Reason.MALFORMED)


def _instrument(book: ReferenceBook, row: Row) -> int:
    """The instrument of a report that repeats the command's; for CONTINUE that of its mass cancel."""
    unfinished = book.unfinished.get(row.owner)
    return unfinished.instrument if unfinished and row.type == CommandType.CONTINUE else row.instrument


def rejected(row: Row, reason: int) -> Report:
    """The report of a rejected command."""
    return Report(ReportKind.REJECTED, row.side, reason, row.order_id, 0, row.price, row.quantity)


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
        why, more = (Reason.WAITS, o.trigger_price % 2**64) if o.waits else (Reason.NONE, o.hidden)
        book.reports.append(Report(ReportKind.OPEN_ORDER, o.side, why, o.id, more, o.price, o.quantity))
    book.reports.append(Report(ReportKind.OPEN_ORDERS_END, 0, reason, request_id, 0, 0, len(some)))


def _enter(book: ReferenceBook, row: Row, more: Extension | None) -> None:
    terms = row.order_type, row.time_in_force, row.instructions
    fields = (row.order_id, row.side, row.price, row.quantity, row.owner, *terms, row.flags or None, row.timestamp)
    if more is None:
        book.enter_order(*fields)
    else:
        has_trigger = row.order_type in STOPS or more.trigger_price != 0
        book.enter_order(*fields, more, has_trigger=has_trigger)


def _changes(book: ReferenceBook, order_id: int, more: Extension) -> dict[str, int]:
    """What the extension of a replace changes: fields that the order has, and others that are not 0."""
    if more.minimum_quantity:
        raise InvalidMinimumQuantity("a minimum quantity is for new orders")
    old = book.by_id.get(order_id)
    has = {
        "trigger_price": old is not None and old.is_stop,
        "display_quantity": old is not None and old.display_quantity > 0,
        "expiry_ns": old is not None and old.time_in_force is TimeInForce.GTD,
        "protection": old is not None and old.order_type is OrderType.STOP,
    }
    return {name: getattr(more, name) for name, known in has.items() if known or getattr(more, name)}


def _call(book: ReferenceBook, row: Row, more: Extension | None) -> None:
    owner, price, quantity = row.owner, row.price, row.quantity
    match row.type:
        case CommandType.NEW_ORDER:
            _enter(book, row, more)
        case CommandType.CANCEL_ORDER:
            book.cancel_order(row.order_id, owner=owner or None)
        case CommandType.REDUCE_ORDER:
            book.reduce_order(row.order_id, quantity, owner=owner or None)
        case CommandType.REPLACE_ORDER:
            changes = {} if more is None else _changes(book, row.order_id, more)
            book.replace_order(row.order_id, price, quantity, owner=owner or None, timestamp=row.timestamp, **changes)
        case CommandType.REPLACE_ORDER_AS:
            book.replace_order(row.order_id, price, quantity, new_id=owner | row.tag << 32)
        case CommandType.MASS_CANCEL:
            which = checks.side(row.side) if row.side else None
            reason = row.flags or Reason.BY_MASS_CANCEL
            given = {"instrument": row.instrument, "order_id": row.order_id, "reason": reason, "keeps": quantity}
            book.start_mass_cancel(owner, which, limit=row.tag, **given)
        case CommandType.CONTINUE:
            _continue(book, row)
        case CommandType.OPEN_ORDERS:
            _tell_open_orders(book, owner, row.order_id, behind=quantity if row.flags & 1 else None)
        case CommandType.GATEWAY_REJECT:
            book.reports.append(rejected(row, row.flags))
        case CommandType.SET_PHASE:
            book.begin_phase(row.flags)
        case _:
            _call_venue(book, row)


def _continue(book: ReferenceBook, row: Row) -> None:
    if row.owner in book.unfinished:
        book.continue_mass_cancel(row.owner, row.tag)
    else:
        book.reports.append(rejected(row, Reason.UNKNOWN_COMMAND))


def _call_venue(book: ReferenceBook, row: Row) -> None:
    """The commands that only the rules of venues have."""
    match row.type:
        case CommandType.UNCROSS:
            book.uncross(row.flags)
        case CommandType.INDICATE:
            book.indicate()
        case CommandType.EXPIRE:
            book.expire(row.quantity, limit=row.tag, order_id=row.order_id)
        case CommandType.SET_PRICE if row.flags in set(PriceKind):
            book.set_price(row.flags, row.price)
        case CommandType.SET_PRICE:
            book.reports.append(rejected(row, Reason.MALFORMED))
        case _:
            book.reports.append(rejected(row, Reason.UNKNOWN_COMMAND))
