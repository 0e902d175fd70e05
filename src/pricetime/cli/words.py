"""Reports and commands as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, TypeAlias

from ..prices import in_currency
from ..types import (
    ALL_INSTRUMENTS,
    ORDER_EXTENSION,
    CommandType,
    Instruction,
    OrderType,
    Phase,
    PriceKind,
    Reason,
    ReportKind,
    SelfTrade,
    Side,
    TimeInForce,
)
from ..wire.messages import ExecutionReport

if TYPE_CHECKING:
    import numpy as np

    from ..client.open_orders import OpenOrder
    from ..core.instrument import Instrument


def _names(enum: Iterable[IntEnum | IntFlag]) -> dict[int, str]:
    return {int(member): str(member.name).lower().replace("_", " ") for member in enum}


COMMANDS, KINDS, SIDES, PHASES, MODES = map(_names, (CommandType, ReportKind, Side, Phase, SelfTrade))
ORDER_TYPES, TIMES_IN_FORCE, INSTRUCTIONS = map(_names, (OrderType, TimeInForce, Instruction))
REASONS = _names(reason for reason in Reason if reason)
PRICE_KINDS = _names(PriceKind)

#: Reports that are not about one order.
OF_NO_ORDER = {ReportKind.PHASE_CHANGED, ReportKind.INDICATIVE, ReportKind.UNCROSSED, ReportKind.PRICE_SET}

#: Reports whose quantity is a number of orders.
COUNTING = {ReportKind.MASS_CANCELLED, ReportKind.OPEN_ORDERS_END, ReportKind.EXPIRY_DONE}

#: Commands that are not about one order.
TO_NO_ORDER = {
    CommandType.MASS_CANCEL,
    CommandType.SET_PHASE,
    CommandType.UNCROSS,
    CommandType.INDICATE,
    CommandType.EXPIRE,
    CommandType.SET_PRICE,
}

#: The price unit of each instrument, by id. An instrument that is not there has the unit 1: its prices are in ticks.
Units: TypeAlias = Mapping[int, Decimal]


def units_of(instruments: Iterable[Instrument]) -> Units:
    """The price units of these instruments."""
    return {instrument.id: instrument.price_unit for instrument in instruments}


def price_text(ticks: int, instrument: int, units: Units) -> str:
    """A price in the currency of its instrument."""
    return in_currency(ticks, units.get(instrument, Decimal(1)))


def line(report: ExecutionReport, units: Units) -> str:
    """A report on one line, without fields that have no meaning for its kind."""
    parts = [f"{report.seq_num} {KINDS.get(report.kind, report.kind)}"]
    if report.instrument != ALL_INSTRUMENTS:
        parts.append(f"instrument {report.instrument}")
    if report.kind not in OF_NO_ORDER:
        parts.append(f"order {report.order_id}")
    if report.kind in {ReportKind.TRADE, ReportKind.AUCTION_TRADE}:
        parts.append(f"with {report.maker_id}")
    if report.side in SIDES and report.kind not in OF_NO_ORDER:
        parts.append(SIDES[report.side])
    parts += _happened(report, units)
    if report.reason in REASONS:
        parts.append(f"({REASONS[report.reason]})")
    return " ".join(parts)


def _happened(report: ExecutionReport, units: Units) -> Iterable[str]:
    """What a report says besides the order that it is about."""
    price = price_text(report.price, report.instrument, units)
    if report.kind == ReportKind.PHASE_CHANGED:
        yield PHASES.get(report.quantity, f"phase {report.quantity}")
    elif report.kind == ReportKind.PRICE_SET:
        yield f"{PRICE_KINDS.get(report.quantity, f'price {report.quantity}')} {price}"
    elif report.kind in COUNTING:
        yield f"{report.quantity} orders"
    elif report.kind in {ReportKind.INDICATIVE, ReportKind.UNCROSSED}:
        if report.reason != Reason.NO_AUCTION_PRICE:
            yield f"{report.quantity} at {price}"
        if report.side in SIDES:
            yield f"surplus {SIDES[report.side]} {report.maker_id}"
    elif report.kind != ReportKind.REJECTED:
        yield f"{report.quantity} at {price}"
    if report.trigger_price:
        yield f"trigger price {price_text(report.trigger_price, report.instrument, units)}"


def open_order(order: OpenOrder, units: Units) -> str:
    """An order that rests or waits on one line."""
    place = f"instrument {order.instrument} order {order.order_id} {SIDES[order.side]} {order.quantity}"
    price = price_text(order.price, order.instrument, units)
    if not order.waits:
        return f"{place} at {price} reference {order.reference}"
    trigger = ""
    if order.trigger_price:
        trigger = f" for {price_text(order.trigger_price, order.instrument, units)}"
    return f"{place} at {price} waits{trigger}"


def command_line(command: np.void, units: Units) -> str:
    """A command on one line, without fields that have no meaning for its type."""
    kind = int(command["type"])
    if kind == CommandType.ORDER_EXTENSION:
        return _extension_line(command)
    parts = [f"{command['sequence']} {COMMANDS.get(kind, f'type {kind}')}"]
    if command["instrument"] != ALL_INSTRUMENTS:
        parts.append(f"instrument {command['instrument']}")
    if kind not in TO_NO_ORDER:
        parts.append(f"order {command['order_id']}")
    if int(command["side"]) in SIDES:
        parts.append(SIDES[int(command["side"])])
    parts += _asked(command, kind, units)
    if kind != CommandType.REPLACE_ORDER_AS and command["owner"]:
        parts.append(f"owner {command['owner']}")
    parts.append(f"session {command['session']} at {command['timestamp']} ns")
    return " ".join(parts)


def _extension_line(command: np.void) -> str:
    """An extension of the order in the command before it on one line: only its fields that are not 0."""
    import numpy as np

    row = np.frombuffer(command.tobytes(), ORDER_EXTENSION)[0]
    parts = [f"{row['sequence']} order extension"]
    names = {"trigger_price": "trigger price {} ticks", "display_quantity": "display quantity {}"}
    names |= {"expiry_ns": "expires at {} ns", "minimum_quantity": "minimum quantity {}"}
    names |= {"protection": "protection {} ticks"}
    parts += [text.format(row[name]) for name, text in names.items() if row[name]]
    return " ".join([*parts, f"session {row['session']} at {row['timestamp']} ns"])


def _terms(command: np.void) -> Iterable[str]:
    """Order type, unless it is limit, time in force and instructions of a new order."""
    order_type, tif, instructions = (int(command[name]) for name in ("order_type", "time_in_force", "instructions"))
    if order_type != OrderType.LIMIT:
        yield ORDER_TYPES.get(order_type, f"order type {order_type}")
    yield TIMES_IN_FORCE.get(tif, f"time in force {tif}")
    yield from (name for bit, name in INSTRUCTIONS.items() if instructions & bit)


def _asked(command: np.void, kind: int, units: Units) -> list[str]:
    """The fields of a command besides the order that it concerns."""
    flags = int(command["flags"])
    if kind in (CommandType.SET_PHASE, CommandType.UNCROSS):
        due_ns = int(command["quantity"])
        return [PHASES.get(flags, f"phase {flags}"), *([f"due at {due_ns} ns"] if due_ns else [])]
    if kind == CommandType.EXPIRE:
        return [f"up to {command['quantity']} ns", *([f"at most {command['tag']} orders"] if command["tag"] else [])]
    if kind == CommandType.GATEWAY_REJECT:
        return [f"({REASONS.get(flags, flags)})"]
    if kind == CommandType.MASS_CANCEL:
        kept = [name for tif, name in TIMES_IN_FORCE.items() if int(command["quantity"]) >> tif & 1]
        return [f"keeps {' and '.join(kept)}"] if kept else []
    if kind in (CommandType.CANCEL_ORDER, CommandType.INDICATE):
        return []
    if kind == CommandType.OPEN_ORDERS:
        return [f"after {command['quantity']}"] if flags else []
    if kind == CommandType.REDUCE_ORDER:
        return [f"by {command['quantity']}"]
    price = price_text(int(command["price"]), int(command["instrument"]), units)
    if kind == CommandType.SET_PRICE:
        return [f"{PRICE_KINDS.get(flags, f'price {flags}')} {price}"]
    parts = [f"{command['quantity']} at {price}"]
    if kind == CommandType.NEW_ORDER:
        parts += _terms(command)
    if kind == CommandType.REPLACE_ORDER_AS:
        parts.append(f"as {int(command['tag']) << 32 | int(command['owner'])}")
    if kind == CommandType.NEW_ORDER and flags in MODES:
        parts.append(f"self-trade {MODES[flags]}")
    return parts
