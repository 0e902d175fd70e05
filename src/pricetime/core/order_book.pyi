from collections.abc import Iterator, Mapping
from typing import Any, SupportsIndex, final

import numpy as np
from numpy.typing import NDArray

from ..owner_limits import OwnerLimits
from ..types import InstrumentState, Order, QueuePosition, ReplacePolicy, SelfTrade, Side, TimeInForce, Trade

@final
class OrderBook:
    def __init__(
        self,
        capacity: SupportsIndex = ...,
        *,
        level_capacity: SupportsIndex | None = None,
        self_trade: SelfTrade = ...,
        replace_policy: ReplacePolicy = ...,
        low_price: SupportsIndex | None = None,
        high_price: SupportsIndex | None = None,
        owner_limit: SupportsIndex = 0,
        limits: Mapping[int, OwnerLimits] | None = None,
    ) -> None: ...
    def add_order(
        self,
        order_id: SupportsIndex,
        side: Side | int,
        price: SupportsIndex | None,
        quantity: SupportsIndex,
        *,
        owner: SupportsIndex = 0,
        time_in_force: TimeInForce | int = ...,
        self_trade: SelfTrade | int | None = None,
        timestamp: SupportsIndex = 0,
    ) -> tuple[Trade, ...]: ...
    def match_order(
        self,
        order_id: SupportsIndex,
        side: Side | int,
        price: SupportsIndex,
        quantity: SupportsIndex,
        *,
        owner: SupportsIndex = 0,
    ) -> tuple[tuple[Trade, ...], int]: ...
    def cancel_order(self, order_id: SupportsIndex, *, owner: SupportsIndex | None = None) -> int: ...
    def cancel_orders(self, owner: SupportsIndex, *, side: Side | int | None = None) -> int: ...
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
    ) -> tuple[Trade, ...]: ...
    def set_state(self, state: InstrumentState | int) -> None: ...
    def apply(self, commands: NDArray[np.void]) -> NDArray[np.void]: ...
    @property
    def state(self) -> InstrumentState: ...
    @property
    def best_bid(self) -> int | None: ...
    @property
    def best_ask(self) -> int | None: ...
    def depth(self, levels: SupportsIndex | None = 10) -> tuple[NDArray[np.void], NDArray[np.void]]: ...
    def order(self, order_id: SupportsIndex) -> Order: ...
    def orders(self, side: Side | int, price: SupportsIndex) -> tuple[Order, ...]: ...
    def queue_position(self, order_id: SupportsIndex) -> QueuePosition: ...
    def commands(self) -> NDArray[np.void]: ...
    def digest(self) -> int: ...
    def check(self) -> None: ...
    def __len__(self) -> int: ...
    def __contains__(self, order_id: object, /) -> bool: ...
    def __iter__(self) -> Iterator[Order]: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
