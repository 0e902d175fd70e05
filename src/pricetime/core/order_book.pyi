from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, SupportsIndex, final

from matplotlib.axes import Axes

from ..depth import Depth
from ..execution import Execution
from ..owner_limits import OwnerLimits
from ..types import (
    CommandArray,
    Order,
    OrderType,
    Phase,
    QueuePosition,
    ReplacePolicy,
    ReportArray,
    SelfTrade,
    Side,
    TimeInForce,
)

@final
class OrderBook:
    def __init__(
        self,
        capacity: SupportsIndex = ...,
        *,
        level_capacity: SupportsIndex | None = None,
        self_trade: SelfTrade = ...,
        replace_policy: ReplacePolicy = ...,
        tick_size: SupportsIndex = 1,
        lot_size: SupportsIndex = 1,
        low_price: SupportsIndex | None = None,
        high_price: SupportsIndex | None = None,
        owner_limit: SupportsIndex = 0,
        limits: Mapping[int, OwnerLimits] | None = None,
        price_unit: Decimal | float | str = 1,
    ) -> None: ...
    def add_order(
        self,
        order_id: SupportsIndex,
        side: Side | int,
        price: SupportsIndex | None,
        quantity: SupportsIndex,
        *,
        owner: SupportsIndex = 0,
        order_type: OrderType | int = ...,
        time_in_force: TimeInForce | int = ...,
        post_only: bool = False,
        self_trade: SelfTrade | int | None = None,
        timestamp: SupportsIndex = 0,
    ) -> Execution: ...
    def match_order(
        self,
        order_id: SupportsIndex,
        side: Side | int,
        price: SupportsIndex,
        quantity: SupportsIndex,
        *,
        owner: SupportsIndex = 0,
    ) -> Execution: ...
    def cancel_order(self, order_id: SupportsIndex, *, owner: SupportsIndex | None = None) -> int: ...
    def mass_cancel(self, owner: SupportsIndex, *, side: Side | int | None = None) -> int: ...
    def reduce_order(
        self, order_id: SupportsIndex, by: SupportsIndex, *, owner: SupportsIndex | None = None
    ) -> int: ...
    def replace_order(
        self,
        order_id: SupportsIndex,
        price: SupportsIndex,
        quantity: SupportsIndex,
        *,
        new_id: SupportsIndex | None = None,
        owner: SupportsIndex | None = None,
    ) -> Execution: ...
    def set_phase(self, phase: Phase | int) -> None: ...
    def apply(self, commands: CommandArray) -> ReportArray: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
