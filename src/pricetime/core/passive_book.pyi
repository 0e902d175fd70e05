from typing import Any, SupportsIndex, final

from numpy.typing import ArrayLike

from ..types import PassiveResultArray, ReplacePolicy, Side

@final
class PassiveBook:
    def __init__(
        self,
        capacity: SupportsIndex = ...,
        *,
        level_capacity: SupportsIndex | None = None,
        replace_policy: ReplacePolicy = ...,
    ) -> None: ...
    def add_order(
        self, order_id: SupportsIndex, side: Side | int, price: SupportsIndex, quantity: SupportsIndex
    ) -> None: ...
    def execute_order(self, order_id: SupportsIndex, quantity: SupportsIndex) -> bool: ...
    def reduce_order(self, order_id: SupportsIndex, by: SupportsIndex) -> int: ...
    def cancel_order(self, order_id: SupportsIndex) -> int: ...
    def replace_order(
        self,
        order_id: SupportsIndex,
        price: SupportsIndex,
        quantity: SupportsIndex,
        *,
        new_id: SupportsIndex | None = None,
    ) -> None: ...
    def clear(self) -> None: ...
    def apply(
        self,
        actions: ArrayLike,
        order_ids: ArrayLike,
        *,
        sides: ArrayLike = 0,
        prices: ArrayLike = 0,
        quantities: ArrayLike = 0,
        new_ids: ArrayLike | None = None,
    ) -> PassiveResultArray: ...
    @property
    def crossed(self) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
