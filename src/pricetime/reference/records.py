"""The orders and reports of the reference book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..types import Instruction, OrderType, ReportKind, SelfTrade, Side, TimeInForce
from .terms import may_rest


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
    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    instructions: int = 0  #: bits of ``Instruction``
    entered: int = 0  #: when it joined the back of its level: larger is later

    @property
    def may_rest(self) -> bool:
        """May its remainder rest?"""
        return may_rest(self.order_type, self.time_in_force)

    @property
    def post_only(self) -> bool:
        return bool(self.instructions & Instruction.POST_ONLY)


class Row(NamedTuple):
    """One command: the fields of ``types.COMMAND``."""

    sequence: int
    timestamp: int
    session: int
    length: int
    order_type: int
    instructions: int
    type: int
    side: int
    time_in_force: int
    flags: int
    instrument: int
    order_id: int
    price: int
    quantity: int
    owner: int
    tag: int


class Report(NamedTuple):
    """What happened: the fields of ``types.REPORT`` that one book decides."""

    kind: ReportKind
    side: int
    reason: int  #: a ``Reason``, or the number that a command gave
    order_id: int
    maker_id: int
    price: int
    quantity: int
