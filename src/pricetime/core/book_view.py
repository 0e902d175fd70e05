# cython: nonecheck=True
"""``BookView``: the queries that every book answers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, SupportsIndex

import cython
import numpy as np

from pricetime import checks, errors
from pricetime.core.shared_books import SharedBooks
from pricetime.depth import Depth
from pricetime.ladder import ladder_html
from pricetime.types import DEPTH, MAX_QUANTITY, Phase, QueuePosition, Side
from pricetime.types import Order as OrderSeen

if TYPE_CHECKING:
    from matplotlib.axes import Axes

if not cython.compiled:  # the compiled form cimports them in book_view.pxd
    from pricetime.core.arguments import order_id_of, price_of, side_of
    from pricetime.core.book import key_of
    from pricetime.core.layout import *
    from pricetime.core.shared_books import raise_busy

_BID = Side.BID
_ASK = Side.ASK


@cython.cclass
class BookView:
    """One book of some that share a pool of orders. ``OrderBook`` and ``PassiveBook`` add the changes."""

    if not cython.compiled:
        _shared: Any = None  # a compiled class has its fields before they are set

    def _bind(self, shared: SharedBooks, instrument: u32) -> cython.int:
        self._books = shared.books
        self._book = shared.books.book_of(instrument)
        self._latch = shared.latch
        self._shared = shared
        return 0

    @property
    def phase(self) -> Phase:
        """The ``Phase``: what the book accepts now. O(1)."""
        self._enter()
        try:
            phase: u32 = self._book.phase
        finally:
            self._latch.leave()
        return Phase(phase)

    @property
    def tick_size(self) -> int:
        """Every price of this book is a multiple of it, in ticks. O(1)."""
        return self._instrument().tick_size

    @property
    def lot_size(self) -> int:
        """Every quantity of this book is a multiple of it, in lots. O(1)."""
        return self._instrument().lot_size

    @property
    def best_bid(self) -> int | None:
        """The highest bid price, None if there are no bids. O(1)."""
        return self._best(BID)

    @property
    def best_ask(self) -> int | None:
        """The lowest ask price, None if there are no asks. O(1)."""
        return self._best(ASK)

    def depth(self, levels: SupportsIndex | None = 10) -> Depth:
        """The best levels of each side, best first: a ``Depth``, which is a pair (bids, asks) of arrays, shape (n,).

        ``levels``: most levels of each side, None for all. The arrays have the dtype ``pricetime.DEPTH``: price
        (ticks), quantity (lots), count (orders). ``Depth.plot`` draws them; a notebook shows them as a ladder. Raises
        InvalidSetting. O(levels).
        """
        count = MAX_QUANTITY if levels is None else checks.levels(levels)
        self._enter()
        try:
            bids, asks = self._levels(BID, count), self._levels(ASK, count)
        finally:
            self._latch.leave()
        depth = tuple.__new__(Depth, (bids, asks))  # as Depth(bids, asks, unit), without Python code
        depth.price_unit = self._instrument().price_unit
        return depth

    def plot(self, levels: SupportsIndex | None = 10, *, ax: Axes | None = None, cumulative: bool = True) -> Axes:
        """Draw ``depth(levels)`` with matplotlib and return the Axes: see ``Depth.plot``. O(levels)."""
        return self.depth(levels).plot(ax=ax, cumulative=cumulative)

    @property
    def price_unit(self) -> Decimal:
        """The currency value of one tick, as a ``Decimal``; the book itself reads and returns whole ticks. O(1)."""
        return self._instrument().price_unit

    def order(self, order_id: SupportsIndex) -> OrderSeen:
        """Return an order that rests or waits as ``pricetime.Order``, with all its lots.

        An order that names no price has price 0. O(1). Raises InvalidOrderId and UnknownOrder.
        """
        number: u64 = order_id_of(order_id)
        self._enter()
        try:
            slot: u32 = self._slot(number, False, 0)
            return self._order(slot, self._books.orders[slot].remaining)
        finally:
            self._latch.leave()

    def orders(self, side: Side | int, price: SupportsIndex) -> tuple[OrderSeen, ...]:
        """Return the orders at one price, first in first, as a tuple of ``pricetime.Order``, as the market sees them.

        An iceberg has the lots that it displays. O(orders there). Raises InvalidSide and InvalidPrice.
        """
        side_: u32 = side_of(side)
        key: i64 = key_of(side_, price_of(price))
        self._enter()
        try:
            return tuple(self._queue(self._books.level_at(cython.address(self._book.ladders[side_ - 1]), key)))
        finally:
            self._latch.leave()

    def queue_position(self, order_id: SupportsIndex) -> QueuePosition:
        """Return the number of orders and displayed lots ahead of an order in its queue.

        The queue of an order that waits is that of its trigger price, or of all orders for its auction. O(orders
        ahead). Raises InvalidOrderId and UnknownOrder.
        """
        number: u64 = order_id_of(order_id)
        orders: u64 = 0
        quantity: u64 = 0
        self._enter()
        try:
            own: u32 = self._slot(number, False, 0)
            slot: u32 = self._books.orders[own].prev
            while slot != NIL:
                orders += 1
                quantity += self._shown(slot)
                slot = self._books.orders[slot].prev
            slot = self._first_of_other_side(own)
            while slot != NIL and self._books.extras[slot].entered < self._books.extras[own].entered:
                orders += 1
                slot = self._books.orders[slot].next
        finally:
            self._latch.leave()
        return QueuePosition(orders, quantity)

    def digest(self) -> int:
        """Return a u64 over what the market can see: side, price, id and open quantity of every order, in priority
        order.

        Two books with the same digest have the same queues. It is the same on every machine and in both forms.
        O(orders).
        """
        self._enter()
        try:
            return self._books.digest(self._book)
        finally:
            self._latch.leave()

    def check(self) -> None:
        """Check every invariant of the data structure; AssertionError names a broken one. O(n)."""
        self._shared.check_all()

    def __len__(self) -> int:
        """Orders that rest or wait."""
        self._enter()
        try:
            return self._book.count
        finally:
            self._latch.leave()

    def __bool__(self) -> bool:
        return True  # also without orders, so that ``book or OrderBook()`` keeps an empty book

    def __contains__(self, order_id: object) -> bool:
        try:
            number: u64 = order_id_of(order_id)
        except errors.InvalidOrderId:
            return False
        self._enter()
        try:
            return self._books.find(self._book, number) != NIL
        finally:
            self._latch.leave()

    def __iter__(self) -> Iterator[OrderSeen]:
        """Iterate over the orders that rest now: bids, then asks, each in priority order."""
        self._enter()
        try:
            found: list[Any] = []
            side: u32
            for side in range(BID, ASK + 1):
                ladder: cython.pointer[Ladder] = cython.address(self._book.ladders[side - 1])
                level: u32 = ladder.best
                while level != NIL:
                    found += self._queue(level)
                    level = self._books.level_behind(ladder, level)
            return iter(found)
        finally:
            self._latch.leave()

    def __repr__(self) -> str:
        return f"<pricetime.{type(self).__name__}: {len(self)} orders, bid {self.best_bid}, ask {self.best_ask}>"

    def _repr_html_(self) -> str:
        bids, asks = (side.tolist() for side in self.depth())
        halted = ", halted" if self.phase == Phase.HALTED else ""
        return ladder_html(bids, asks, self.price_unit, f"{type(self).__name__}: {len(self):,} orders{halted}")

    # ------------------------------------------------------------------ inside

    def _instrument(self) -> Any:
        return self._shared._instruments[self._book.instrument]

    def _enter(self) -> cython.int:
        """Enter the book; the caller leaves the latch. Raises BookBusy if a call is inside."""
        if not self._latch.enter():
            raise_busy()
        return 0

    def _slot(self, number: u64, owned: cython.bint, owner: u32) -> u32:
        """The slot of a resting order. Raises UnknownOrder if none rests, or if ``owned`` and the owner differs."""
        slot: u32 = self._books.find(self._book, number)
        if slot == NIL:
            raise errors.UnknownOrder(f"no order {number} is resting: it was never added, or was filled or cancelled")
        if owned and owner != self._books.orders[slot].owner:
            raise errors.UnknownOrder(f"no order {number} of owner {owner} is resting")
        return slot

    def _best(self, side: u32) -> Any:
        self._enter()
        try:
            ladder: cython.pointer[Ladder] = cython.address(self._book.ladders[side - 1])
            return None if ladder.best == NIL else key_of(side, ladder.best_key)
        finally:
            self._latch.leave()

    def _levels(self, side: u32, count: Any) -> Any:
        rows: list[Any] = []
        ladder: cython.pointer[Ladder] = cython.address(self._book.ladders[side - 1])
        level: u32 = ladder.best
        while level != NIL and len(rows) < count:
            queue: cython.pointer[Level] = cython.address(self._books.levels[level])
            rows.append((key_of(side, queue.key), queue.quantity - self._books.hidden[level], queue.count))
            level = self._books.level_behind(ladder, level)
        return np.array(rows, DEPTH)

    def _queue(self, level: u32) -> list[Any]:
        """The orders of a level, none for NIL."""
        found: list[Any] = []
        slot: u32 = self._books.levels[level].head if level != NIL else NIL
        while slot != NIL:
            found.append(self._order(slot, self._shown(slot)))
            slot = self._books.orders[slot].next
        return found

    def _shown(self, slot: u32) -> u64:
        """The lots of an order that the market sees."""
        return self._books.orders[slot].remaining - self._books.extras[slot].hidden

    def _first_of_other_side(self, slot: u32) -> u32:
        """The first order of the other side for the same auction, NIL for an order that waits for no auction."""
        level: cython.pointer[Level] = cython.address(self._books.levels[self._books.orders[slot].level])
        if level.place != FOR_OPEN and level.place != FOR_CLOSE:
            return NIL
        queue: u32 = self._book.venue.queues[(2 if level.place == FOR_OPEN else 4) + 2 - level.side]
        return self._books.levels[queue].head

    def _order(self, slot: u32, quantity: u64) -> Any:
        o: cython.pointer[Order] = cython.address(self._books.orders[slot])
        level: cython.pointer[Level] = cython.address(self._books.levels[o.level])
        side = _BID if level.side == BID else _ASK
        price: i64 = self._books.extras[slot].price
        if level.place == AT_LEVEL or level.place == FOR_WHOLE:
            price = key_of(level.side, level.key)
        time_ns: u64 = self._books.cold[slot].timestamp
        return tuple.__new__(OrderSeen, (o.id, side, price, quantity, time_ns, o.owner))
