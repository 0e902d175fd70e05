"""Reports in words."""

from __future__ import annotations

from typing import NamedTuple

from ..types import Reason, ReportKind, Side

KINDS = {int(kind): kind.name.lower().replace("_", " ") for kind in ReportKind}
SIDES = {int(side): side.name.lower() for side in Side}
REASONS = {int(reason): reason.name.lower().replace("_", " ") for reason in Reason if reason}

#: The report that asked for nothing of one instrument.
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


def line(report: Report) -> str:
    """A report on one line; what says nothing is left out."""
    parts = [f"{report.seq_num} {KINDS.get(report.kind, report.kind)}"]
    if report.instrument != ALL_INSTRUMENTS:
        parts.append(f"instrument {report.instrument}")
    if report.kind != ReportKind.STATE_CHANGED:
        parts.append(f"order {report.order_id}")
    if report.kind == ReportKind.TRADE:
        parts.append(f"with {report.maker_id}")
    if report.side in SIDES:
        parts.append(SIDES[report.side])
    if report.kind == ReportKind.STATE_CHANGED:
        parts.append("halted" if report.quantity else "open")
    elif report.kind == ReportKind.MASS_CANCELLED:
        parts.append(f"{report.quantity} orders")
    elif report.kind != ReportKind.REJECTED:
        parts.append(f"{report.quantity} at {report.price}")
    if report.reason in REASONS:
        parts.append(f"({REASONS[report.reason]})")
    return " ".join(parts)
