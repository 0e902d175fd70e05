"""The orders and reports of the reference book."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from ..types import STOPS, UNPRICED, Instruction, OrderType, SelfTrade, Side, TimeInForce
from .terms import AUCTION_ONLY, may_rest

#: Queues of orders by a number, such as a price.
Ladder: TypeAlias = "dict[int, deque[Order]]"


@dataclass(eq=False)
class Order:
    """An order that rests or waits; ``quantity`` is the open quantity, ``hidden`` the part that is not displayed."""

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
    trigger_price: int = 0
    display_quantity: int = 0  #: 0: all lots are displayed
    expiry_ns: int = 0
    minimum_quantity: int = 0
    protection: int = 0  #: ticks
    hidden: int = 0
    filled: int = 0  #: lots that have traded
    waits: bool = False  #: for its trigger price or its auction, unseen by the market
    ladder: Ladder = field(default_factory=dict, repr=False)  #: where it rests or waits: in the queue at ``key``
    key: int = 0

    @property
    def may_rest(self) -> bool:
        """May its remainder rest while orders match?"""
        return may_rest(self.order_type, self.time_in_force)

    @property
    def post_only(self) -> bool:
        return bool(self.instructions & Instruction.POST_ONLY)

    @property
    def all_or_none(self) -> bool:
        return bool(self.instructions & Instruction.ALL_OR_NONE)

    @property
    def auction_only(self) -> bool:
        """Is its remainder cancelled after the auction that it takes part in?"""
        return self.time_in_force is TimeInForce.GFA or bool(self.instructions & AUCTION_ONLY)

    @property
    def is_stop(self) -> bool:
        return self.order_type in STOPS

    @property
    def unpriced(self) -> bool:
        """Is it an order that names no price?"""
        return self.order_type in UNPRICED

    @property
    def shown(self) -> int:
        """Lots that the market sees."""
        return self.quantity - self.hidden


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


class Extension(NamedTuple):
    """More fields of an order: those of ``types.ORDER_EXTENSION``."""

    trigger_price: int
    display_quantity: int
    expiry_ns: int
    minimum_quantity: int
    protection: int

    @classmethod
    def of(cls, row: Row) -> Extension:
        """The extension whose bytes were read as a command."""
        trigger = row.order_id - 2**64 if row.order_id >= 2**63 else row.order_id
        return cls(trigger, row.price % 2**64, row.quantity, row.owner | row.tag << 32, row.instrument)


class Report(NamedTuple):
    """What happened: the fields of ``types.REPORT`` that one book decides."""

    kind: int  #: a ``ReportKind`` or ``ReportKind``
    side: int
    reason: int  #: a ``Reason``, or the number that a command gave
    order_id: int
    maker_id: int
    price: int
    quantity: int
