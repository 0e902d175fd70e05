"""Reports and commands as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ..prices import in_currency
from ..types import CommandType, Phase, Reason, ReportKind, SelfTrade, Side, TimeInForce

if TYPE_CHECKING:
    import numpy as np

    from ..client.open_orders import OpenOrder
    from ..core.instrument import Instrument

COMMANDS = {int(kind): kind.name.lower().replace("_", " ") for kind in CommandType}
TIMES_IN_FORCE = {int(tif): tif.name.lower().replace("_", " ") for tif in TimeInForce}
MODES = {int(mode): mode.name.lower().replace("_", " ") for mode in SelfTrade}
STATES = {int(state): state.name.lower() for state in Phase}
KINDS = {int(kind): kind.name.lower().replace("_", " ") for kind in ReportKind}
SIDES = {int(side): side.name.lower() for side in Side}
REASONS = {int(reason): reason.name.lower().replace("_", " ") for reason in Reason if reason}

#: The price unit of each instrument, by id. An instrument that is not there has the unit 1: its prices are in ticks.
Units: TypeAlias = Mapping[int, Decimal]

#: The instrument of reports that concern all instruments.
ALL_INSTRUMENTS = 2**32 - 1


class Report(NamedTuple):
    """The fields of a report, in the order of its record."""

    type: int
    kind: int
    side: int
    reason: int
    instrument: int
    seq_num: int
    order_id: int
    maker_id: int
    price: int  #: ticks
    quantity: int  #: lots


def units_of(instruments: Iterable[Instrument]) -> Units:
    """The price units of these instruments."""
    return {instrument.id: instrument.price_unit for instrument in instruments}


def price_text(ticks: int, instrument: int, units: Units) -> str:
    """A price in the currency of its instrument."""
    return in_currency(ticks, units.get(instrument, Decimal(1)))


def line(report: Report, units: Units) -> str:
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
        parts.append("halted" if report.quantity else "open")
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


def _asked(command: np.void, kind: int, units: Units) -> list[str]:
    """The fields of a command besides the order that it concerns."""
    flags = int(command["flags"])
    if kind == CommandType.SET_PHASE:
        return [STATES.get(flags, f"state {flags}")]
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
        tif = int(command["time_in_force"])
        parts.append(TIMES_IN_FORCE.get(tif, f"time in force {tif}"))
    if kind == CommandType.REPLACE_ORDER_AS:
        parts.append(f"as {int(command['tag']) << 32 | int(command['owner'])}")
    if kind == CommandType.NEW_ORDER and flags in MODES:
        parts.append(f"self-trade {MODES[flags]}")
    return parts
