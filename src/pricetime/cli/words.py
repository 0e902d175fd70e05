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
    if report.kind != ReportKind.PHASE_CHANGED:
        parts.append(f"order {report.order_id}")
    if report.kind == ReportKind.TRADE:
        parts.append(f"with {report.maker_id}")
    if report.side in SIDES:
        parts.append(SIDES[report.side])
    if report.kind == ReportKind.PHASE_CHANGED:
        parts.append(PHASES.get(report.quantity, f"phase {report.quantity}"))
    elif report.kind in {ReportKind.MASS_CANCELLED, ReportKind.OPEN_ORDERS_END}:
        parts.append(f"{report.quantity} orders")
    elif report.kind != ReportKind.REJECTED:
        parts.append(f"{report.quantity} at {price_text(report.price, report.instrument, units)}")
    if report.reason in REASONS:
        parts.append(f"({REASONS[report.reason]})")
    return " ".join(parts)


def open_order(order: OpenOrder, units: Units) -> str:
    """A resting order on one line."""
    place = f"instrument {order.instrument} order {order.order_id} {SIDES[order.side]}"
    price = price_text(order.price, order.instrument, units)
    return f"{place} {order.quantity} at {price} reference {order.reference}"


def command_line(command: np.void, units: Units) -> str:
    """A command on one line, without fields that have no meaning for its type."""
    kind = int(command["type"])
    if kind == CommandType.ORDER_EXTENSION:
        return _extension_line(command)
    parts = [f"{command['sequence']} {COMMANDS.get(kind, f'type {kind}')}"]
    if command["instrument"] != ALL_INSTRUMENTS:
        parts.append(f"instrument {command['instrument']}")
    if kind not in (CommandType.MASS_CANCEL, CommandType.SET_PHASE):
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
    if kind == CommandType.SET_PHASE:
        return [PHASES.get(flags, f"phase {flags}")]
    if kind == CommandType.GATEWAY_REJECT:
        return [f"({REASONS.get(flags, flags)})"]
    if kind in (CommandType.CANCEL_ORDER, CommandType.MASS_CANCEL):
        return []
    if kind == CommandType.OPEN_ORDERS:
        return [f"after {command['quantity']}"] if flags else []
    if kind == CommandType.REDUCE_ORDER:
        return [f"by {command['quantity']}"]
    price = price_text(int(command["price"]), int(command["instrument"]), units)
    parts = [f"{command['quantity']} at {price}"]
    if kind == CommandType.NEW_ORDER:
        parts += _terms(command)
    if kind == CommandType.REPLACE_ORDER_AS:
        parts.append(f"as {int(command['tag']) << 32 | int(command['owner'])}")
    if kind == CommandType.NEW_ORDER and flags in MODES:
        parts.append(f"self-trade {MODES[flags]}")
    return parts
