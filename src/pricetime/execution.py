"""The result of a command: ``Trade`` and ``Execution``.

Compiled classes, because a book makes one or more of them for every call: a trade is four machine integers without a
Python object, and both classes take their memory from a free list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, SupportsIndex

import cython

from pricetime import checks
from pricetime.errors import InvalidQuantity
from pricetime.types import Reason

#: The members of ``Reason`` by number: five times as fast as ``Reason(number)``.
_REASONS = {int(reason): reason for reason in Reason}


@cython.final
@cython.freelist(256)
@cython.collection_type("sequence")
@cython.cclass
class Trade:
    """One trade, at the price of the resting order (the maker). Immutable.

    Reads like a named tuple: it can be unpacked, indexed, hashed and matched, and equals a tuple of the same values.

    >>> Trade(1, 2, 100, 5)
    Trade(maker_id=1, taker_id=2, price=100, quantity=5)
    >>> maker_id, taker_id, price, quantity = Trade(1, 2, 100, 5)
    """

    __match_args__ = ("maker_id", "taker_id", "price", "quantity")

    def __init__(
        self, maker_id: SupportsIndex, taker_id: SupportsIndex, price: SupportsIndex, quantity: SupportsIndex
    ) -> None:
        """Raises InvalidOrderId, InvalidPrice and InvalidQuantity."""
        self._maker_id = checks.order_id(maker_id)
        self._taker_id = checks.order_id(taker_id)
        self._price = checks.price(price)
        self._quantity = checks.quantity(quantity)

    @property
    def maker_id(self) -> int:
        """Order id of the resting order."""
        return self._maker_id

    @property
    def taker_id(self) -> int:
        """Order id of the incoming order."""
        return self._taker_id

    @property
    def price(self) -> int:
        """Ticks."""
        return self._price

    @property
    def quantity(self) -> int:
        """Lots."""
        return self._quantity

    def _values(self) -> tuple[Any, ...]:
        return (self._maker_id, self._taker_id, self._price, self._quantity)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: Any) -> Any:
        return self._values()[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self._values())

    def __eq__(self, other: object) -> bool:
        return self._values() == tuple(other) if isinstance(other, (Trade, tuple)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return (
            f"Trade(maker_id={self._maker_id}, taker_id={self._taker_id}, price={self._price}, "
            f"quantity={self._quantity})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Trade, self._values()


@cython.final
@cython.freelist(64)
@cython.no_gc  # its trades hold no Python objects, so it is in no reference cycle
@cython.cclass
class Execution:
    """What one command did to its order. Immutable.

    The quantities of ``trades``, ``resting`` and ``cancelled`` add up to the quantity of the command.

    >>> Execution(7, [], 5, 0, Reason.NONE)
    Execution(order_id=7, trades=(), resting=5, cancelled=0, reason=Reason.NONE)
    """

    __match_args__ = ("order_id", "trades", "resting", "cancelled", "reason")

    def __init__(
        self,
        order_id: SupportsIndex,
        trades: Iterable[Trade],
        resting: SupportsIndex,
        cancelled: SupportsIndex,
        reason: Reason | int,
    ) -> None:
        """Raises InvalidOrderId, InvalidQuantity, TypeError for other trades and ValueError for other reasons."""
        trades = tuple(trades)
        if not all(isinstance(trade, Trade) for trade in trades):
            raise TypeError("trades has an item that is not a Trade: give pricetime.Trade values")
        self._order_id = checks.order_id(order_id)
        self._trades = trades
        self._resting = checks.whole(resting, 0, 2**63 - 1, InvalidQuantity, "resting quantity")
        self._cancelled = checks.whole(cancelled, 0, 2**63 - 1, InvalidQuantity, "cancelled quantity")
        self._reason = Reason(reason)

    @property
    def order_id(self) -> int:
        """Id of the order: after a replace under a new id, the new one."""
        return self._order_id

    @property
    def trades(self) -> tuple[Trade, ...]:
        """The trades that the command made, in the order in which they happened: a tuple of ``Trade``."""
        return self._trades

    @property
    def resting(self) -> int:
        """Lots that rest in the book after the command."""
        return self._resting

    @property
    def cancelled(self) -> int:
        """Lots of the command that neither traded nor rest: an unfilled remainder, or lost to self-trade prevention."""
        return self._cancelled

    @property
    def reason(self) -> Reason:
        """Why lots were cancelled (the last cause if there were several), as a ``Reason``.

        NONE if no lots were cancelled; then, after a replace, KEPT_PLACE if the order kept its place in the queue.
        """
        return _REASONS[self._reason]

    def _values(self) -> tuple[Any, ...]:
        return (self._order_id, self._trades, self._resting, self._cancelled, _REASONS[self._reason])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Execution):
            return NotImplemented
        same: Execution = other
        return self._values() == same._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return (
            f"Execution(order_id={self._order_id}, trades={self._trades}, resting={self._resting}, "
            f"cancelled={self._cancelled}, reason=Reason.{self.reason.name})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Execution, self._values()
