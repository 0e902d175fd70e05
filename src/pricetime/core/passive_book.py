# cython: nonecheck=True
"""``PassiveBook``: a book that mirrors what an exchange publishes. It adds and removes orders and never matches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, SupportsIndex

import cython
import numpy as np
from numpy.typing import ArrayLike

from pricetime import errors
from pricetime.core.book_view import BookView
from pricetime.core.instrument import Instrument
from pricetime.core.rebuilt import Rebuilt
from pricetime.core.shared_books import SharedBooks
from pricetime.native.arrays import Block
from pricetime.types import COMMAND, PASSIVE_RESULT, PassiveResultArray, Reason, ReplacePolicy, Side

if not cython.compiled:  # the compiled form cimports them in passive_book.pxd
    from pricetime.core.arguments import order_id_of, price_of, quantity_of, side_of
    from pricetime.core.book import key_of
    from pricetime.core.layout import *
    from pricetime.core.snapshot_orders import clear_books
    from pricetime.native.arrays import records_of

#: Columns of ``apply`` as they stand in a record, with the range of each.
COLUMNS = {
    "actions": ("type", "u1"),
    "order_ids": ("order_id", "u8"),
    "sides": ("side", "u1"),
    "prices": ("price", "i8"),
    "quantities": ("quantity", "u8"),
}


@cython.final
@cython.cclass
class PassiveBook(BookView):
    """The book of one instrument as its exchange publishes it: orders by id, without matching.

    ``capacity``: most resting orders. ``level_capacity``: most price levels, by default as many. ``replace_policy``:
    whether a replaced order keeps its place. Raises InvalidSetting and MemoryError.

    Bids and asks may lock and cross, as they do before an opening and on a feed of several venues. Prices are ticks
    (i64), quantities lots (1 to 2**63 - 1), order ids any u64. After an exception the book is unchanged. A second call
    while one is inside raises BookBusy.

    >>> from pricetime import Side
    >>> from pricetime.tape import PassiveBook
    >>> book = PassiveBook()
    >>> book.add_order(1, Side.BID, 100, 5)
    >>> book.add_order(2, Side.BID, 100, 7)
    >>> book.execute_order(2, 3), book.execute_order(1, 5)  # True: it was the first at the best price
    (False, True)
    >>> book.best_bid, len(book)
    (100, 1)
    """

    def __init__(
        self,
        capacity: SupportsIndex = 1 << 20,
        *,
        level_capacity: SupportsIndex | None = None,
        replace_policy: ReplacePolicy = ReplacePolicy.KEEP_IF_NOT_LARGER,
    ) -> None:
        if self._shared is not None:
            raise TypeError("__init__ may run only once: make a new PassiveBook")
        instrument = Instrument(0, replace_policy=replace_policy)
        shared: SharedBooks = SharedBooks((instrument,), capacity=capacity, level_capacity=level_capacity)
        shared.may_cross = True
        self._settings = (capacity, level_capacity, replace_policy)
        self._rebuilt = Rebuilt(shared.books, True)
        self._bind(shared, 0)

    # ------------------------------------------------------------------ changes

    def add_order(
        self, order_id: SupportsIndex, side: Side | int, price: SupportsIndex, quantity: SupportsIndex
    ) -> None:
        """Add an order at the back of its level. It may cross the other side.

        Raises InvalidOrderId, InvalidSide, InvalidPrice, InvalidQuantity, DuplicateOrderId, OrdersFull, LevelsFull and
        LevelQuantityFull. O(1).
        """
        self._act(ADD, order_id_of(order_id), side_of(side), price_of(price), quantity_of(quantity), 0)

    def execute_order(self, order_id: SupportsIndex, quantity: SupportsIndex) -> bool:
        """Take traded lots off an order. Returns True if it was the first order at the best price of its side.

        Raises InvalidOrderId, UnknownOrder, and InvalidQuantity, also if the order has fewer lots. O(1).
        """
        return self._act(EXECUTE, order_id_of(order_id), 0, 0, quantity_of(quantity), 0) != 0

    def reduce_order(self, order_id: SupportsIndex, by: SupportsIndex) -> int:
        """Take ``by`` lots off an order, which keeps its place. Returns the quantity left, 0 if the order is gone.

        Raises InvalidOrderId, InvalidQuantity and UnknownOrder. O(1).
        """
        return self._act(REDUCE, order_id_of(order_id), 0, 0, quantity_of(by), 0)

    def cancel_order(self, order_id: SupportsIndex) -> int:
        """Remove an order. Returns the lots that it had. Raises InvalidOrderId and UnknownOrder. O(1)."""
        return self._act(CANCEL, order_id_of(order_id), 0, 0, 0, 0)

    def replace_order(
        self,
        order_id: SupportsIndex,
        price: SupportsIndex,
        quantity: SupportsIndex,
        *,
        new_id: SupportsIndex | None = None,
    ) -> None:
        """Give an order a new price, a new open quantity, and a new id if one is given.

        The replace policy decides whether it keeps its place; otherwise it goes to the back of its level. Raises
        InvalidOrderId, InvalidPrice, InvalidQuantity, UnknownOrder, DuplicateOrderId, LevelsFull and
        LevelQuantityFull. O(1).
        """
        number: u64 = order_id_of(order_id)
        new_number: u64 = number if new_id is None else order_id_of(new_id)
        self._act(REPLACE, number, 0, price_of(price), quantity_of(quantity), new_number)

    def clear(self) -> None:
        """Remove all orders. O(orders)."""
        self._enter()
        try:
            clear_books(self._rebuilt)
        finally:
            self._latch.leave()

    def apply(
        self,
        actions: ArrayLike,
        order_ids: ArrayLike,
        *,
        sides: ArrayLike = 0,
        prices: ArrayLike = 0,
        quantities: ArrayLike = 0,
        new_ids: ArrayLike | None = None,
    ) -> PassiveResultArray:
        """Do many actions in order. Each argument is a column: integers of shape (n,), or one number for all actions.

        ``actions``: ``PassiveAction`` values. ``sides``: for adds. ``prices``: for adds and replaces. ``quantities``:
        for all but cancels. ``new_ids``: for replaces, by default the old ids. Returns an array of
        ``pricetime.types.PASSIVE_RESULT``, shape (n,): ``reason``, a ``Reason``, NONE unless the action was rejected
        and changed nothing; ``first``, True for an execute of the first order at the best price.
        Raises InvalidCommands, BookBusy and MemoryError, each before any action is done. O(1) for each action; without
        the GIL.

        >>> from pricetime.tape import PassiveBook
        >>> book = PassiveBook()
        >>> results = book.apply([1, 1, 2, 4], [7, 8, 7, 9], sides=[1, 2, 0, 0], prices=[5, 4, 0, 0], quantities=3)
        >>> results["first"].tolist(), results["reason"].tolist()
        ([False, False, True, False], [0, 0, 0, 9])
        """
        columns = (actions, order_ids, sides, prices, quantities)
        commands = _records(dict(zip(COLUMNS, columns, strict=True)), new_ids)
        count: u64 = len(commands)
        self._enter()
        try:
            block: Block = Block(count * cython.sizeof(PassiveResult) + 1)
            results: cython.pointer[PassiveResult] = cython.cast(cython.pointer[PassiveResult], block.memory)
            records: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
            i: u64
            with cython.nogil:
                for i in range(count):
                    results[i].reason = self._apply(cython.address(records[i]))
                    results[i].first = self._answer if records[i].type == EXECUTE else 0
            return block.array(PASSIVE_RESULT, count)
        finally:
            self._latch.leave()

    @property
    def crossed(self) -> bool:
        """Is the best bid at or above the best ask? Raises BookBusy. O(1)."""
        self._enter()
        try:
            bids: cython.pointer[Ladder] = cython.address(self._book.ladders[0])
            return bool(bids.best != NIL and self._rebuilt._crosses(self._book, BID, bids.best_key))
        finally:
            self._latch.leave()

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (self._settings, [(o.id, o.side, o.price, o.quantity) for o in self])

    # ------------------------------------------------------------------ inside

    def _act(self, kind: u32, order_id: u64, side: u32, price: i64, quantity: u64, new_id: u64) -> u64:
        """Do one action and return its answer. Raises the exception of its reason if it is rejected."""
        self._enter()
        try:
            c: cython.pointer[Command] = self._shared.command
            c.type = kind
            c.order_id = order_id
            c.side = side
            c.price = price
            c.quantity = quantity
            c.owner = cython.cast(u32, new_id)
            c.tag = cython.cast(u32, new_id >> 32)
            reason: u32 = self._apply(c)
            if reason != NONE:
                raise errors.ERROR_OF_REASON[reason](self._why(reason, c))
            return self._answer
        finally:
            self._latch.leave()

    def _why(self, reason: u32, c: cython.pointer[cython.const[Command]]) -> str:
        """The message of a rejection."""
        return {
            Reason.UNKNOWN_ORDER: f"no order {c.order_id} is resting: it was never added, or was executed or cancelled",
            Reason.DUPLICATE_ORDER_ID: "an order with this id rests",
            Reason.INVALID_QUANTITY: f"order {c.order_id} has fewer lots than the {c.quantity} executed",
            Reason.ORDERS_FULL: f"all {self._book.count} order slots are in use: use a larger capacity",
            Reason.LEVELS_FULL: f"all {self._books.level_capacity} levels are in use: use a larger level_capacity",
            Reason.LEVEL_QUANTITY_FULL: f"quantity {c.quantity} more at price {c.price} would add up to 2**64 or more",
        }[Reason(reason)]

    def _apply(self, c: cython.pointer[cython.const[Command]]) -> u32:
        """Do one action: NONE, or the reason for rejecting it with nothing changed."""
        self._answer = 0
        if c.type == ADD:
            return self._add(c)
        if c.type == EXECUTE or c.type == REDUCE or c.type == CANCEL:
            return self._take(c)
        if c.type == REPLACE:
            return self._replace(c)
        return UNKNOWN_COMMAND

    def _add(self, c: cython.pointer[cython.const[Command]]) -> u32:
        """Add an order at the back of its level."""
        key: i64 = key_of(c.side, c.price)
        fault: u32 = self._rebuilt._refuse(self._book, c.side, c.order_id, key, c.quantity, True)
        if fault == NONE:
            self._rebuilt._rest(self._book, c.side, c.order_id, key, c.quantity)
        return fault

    def _take(self, c: cython.pointer[cython.const[Command]]) -> u32:
        """Take lots from an order: all of them for a cancel.

        The answer to an execute is whether the order was the first at the best price, to a reduce what is left, to a
        cancel what was taken.
        """
        slot: u32 = self._books.find(self._book, c.order_id)
        if slot == NIL:
            return UNKNOWN_ORDER
        order: cython.pointer[Order] = cython.address(self._books.orders[slot])
        taken: u64 = order.remaining
        if c.type != CANCEL:
            if c.quantity == 0 or c.quantity >> 63 != 0 or (c.type == EXECUTE and c.quantity > taken):
                return INVALID_QUANTITY
            taken = min(taken, cython.cast(u64, c.quantity))
        if c.type == EXECUTE:
            side: u32 = self._books.levels[order.level].side
            self._answer = order.prev == NIL and order.level == self._book.ladders[side - 1].best
        else:
            self._answer = taken if c.type == CANCEL else order.remaining - taken
        self._rebuilt._take_from(self._book, slot, taken)
        return NONE

    def _replace(self, c: cython.pointer[cython.const[Command]]) -> u32:
        """Replace an order as a report of the same change would in a rebuilt book."""
        slot: u32 = self._books.find(self._book, c.order_id)
        if slot == NIL:
            return UNKNOWN_ORDER
        order: cython.pointer[Order] = cython.address(self._books.orders[slot])
        level: cython.pointer[Level] = cython.address(self._books.levels[order.level])
        keeps: cython.bint = self._book.replace_policy != ALWAYS_LOSE
        keeps = keeps and key_of(level.side, level.key) == c.price and c.quantity <= order.remaining
        new_id: u64 = c.owner | (cython.cast(u64, c.tag) << 32)
        return self._rebuilt._replace(self._book, c.order_id, new_id, level.side, c.price, c.quantity, keeps)


def _records(columns: dict[Any, Any], new_ids: Any) -> Any:
    """The columns as one record for each action. Raises InvalidCommands."""
    shape = np.shape(columns["order_ids"])
    if len(shape) != 1:
        raise errors.InvalidCommands(f"column order_ids: shape {shape}: give an array of one dimension")
    commands = np.zeros(shape, COMMAND)
    for name, values in columns.items():
        field, code = COLUMNS[name]
        commands[field] = _column(name, values, np.dtype(code), shape)
    numbers = commands["order_id"] if new_ids is None else _column("new_ids", new_ids, np.dtype("u8"), shape)
    commands["owner"] = numbers & np.uint64(0xFFFFFFFF)
    commands["tag"] = numbers >> np.uint64(32)
    return commands


def _column(name: str, values: Any, dtype: Any, shape: tuple[Any, ...]) -> Any:
    column = np.asarray(values)
    if column.shape not in {(), shape} or (column.dtype.kind not in "iu" and column.size != 0):
        given = f"dtype {column.dtype}, shape {column.shape}"
        raise errors.InvalidCommands(f"column {name}: {given}: give whole numbers of shape {shape}, or one for all")
    limits = np.iinfo(dtype)
    if column.size != 0 and not limits.min <= int(column.min()) <= int(column.max()) <= limits.max:
        raise errors.InvalidCommands(f"column {name}: a number is outside {limits.min} to {limits.max}")
    return column.astype(dtype)


def _remake(settings: tuple[Any, ...], orders: Iterable[tuple[Any, ...]]) -> PassiveBook:
    """Make a book from its pickled state."""
    capacity, level_capacity, replace_policy = settings
    book = PassiveBook(capacity, level_capacity=level_capacity, replace_policy=replace_policy)
    for order in orders:
        book.add_order(*order)
    return book
