"""The orders and reports of the reference book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..types import ReportKind, SelfTrade, Side


@dataclass(eq=False)
class Order:
    """A resting order; ``quantity`` is the open quantity."""

    id: int
    side: Side
    price: int
    quantity: int
    timestamp: int
    owner: int = 0
    self_trade: SelfTrade | None = None
    post_only: bool = False
    entered: int = 0  #: when it joined the back of its level: larger is later


class Report(NamedTuple):
    """What happened: the fields of ``types.REPORT`` that one book decides."""

    kind: ReportKind
    side: int
    reason: int  #: a ``Reason``, or the number that a command gave
    order_id: int
    maker_id: int
    price: int
    quantity: int
