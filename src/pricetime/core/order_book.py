# cython: nonecheck=True
"""``OrderBook``: one book for Python code, with one call for each command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, SupportsIndex

import cython

from pricetime import checks, errors
from pricetime.core.book_view import BookView
from pricetime.core.instrument import Instrument
from pricetime.core.shared_books import SharedBooks
from pricetime.execution import Execution, Trade
from pricetime.owner_limits import OwnerLimits
from pricetime.prices import PriceUnit
from pricetime.types import CommandArray, OrderType, Phase, ReplacePolicy, ReportArray, SelfTrade, Side, TimeInForce

if not cython.compiled:  # the compiled form cimports them in order_book.pxd
    from pricetime.core.arguments import (
        check_terms,
        order_id_of,
        order_type_of,
        owner_of,
        price_of,
        quantity_of,
        self_trade_of,
        side_of,
        time_in_force_of,
        timestamp_of,
    )
    from pricetime.core.layout import *
    from pricetime.core.shared_books import owner_with_orders
    from pricetime.native.bits import prefetch

_LIMIT = OrderType.LIMIT
_GTC = TimeInForce.GTC


@cython.final
@cython.cclass
class OrderBook(BookView):
    """A limit order book with price-time priority.

    >>> book = OrderBook()
    >>> book.add_order(1, Side.ASK, price=101, quantity=5).resting
    5
    >>> book.add_order(2, Side.BID, price=102, quantity=7).trades
    (Trade(maker_id=1, taker_id=2, price=101, quantity=5),)

    ``capacity``: most resting orders. ``level_capacity``: most price levels, by default as many. Memory is reserved
    for them now and used as orders come in, about 80 bytes for each. ``self_trade``: mode of orders without their own.
    ``replace_policy``: whether a replaced order keeps its place. ``tick_size``, ``lot_size``: every price, every
    quantity is a multiple of it. ``low_price``, ``high_price``: the price band, None for no limit. ``owner_limit``:
    owners from 1 to below it can have ``limits`` (``OwnerLimits`` by owner, 0 for all others) and mass cancels in
    parts. ``price_unit``: the value of one tick in currency, for display. Raises InvalidSetting and MemoryError.

    Prices are ticks (i64), quantities lots (1 to 2**63 - 1), order ids u64, owners u32 with 0 for none, timestamps u64
    nanoseconds, which are stored and not used. After an exception the book is unchanged.

    A book serves one call at a time: a second call meanwhile raises BookBusy. Arguments are converted before a call
    enters the book, so a signal handler of the main thread finds the book free between two calls of that thread.
    """

    if not cython.compiled:
        _whole_engine = False  # a compiled class has its fields before they are set

    def __init__(
        self,
        capacity: SupportsIndex = 1 << 20,
        *,
        level_capacity: SupportsIndex | None = None,
        self_trade: SelfTrade = SelfTrade.OFF,
        replace_policy: ReplacePolicy = ReplacePolicy.KEEP_IF_NOT_LARGER,
        tick_size: SupportsIndex = 1,
        lot_size: SupportsIndex = 1,
        low_price: SupportsIndex | None = None,
        high_price: SupportsIndex | None = None,
        owner_limit: SupportsIndex = 0,
        limits: Mapping[int, OwnerLimits] | None = None,
        price_unit: PriceUnit = 1,
    ) -> None:
        rules: dict[str, Any] = {"self_trade": self_trade, "replace_policy": replace_policy, "price_unit": price_unit}
        sizes: dict[str, Any] = {"tick_size": tick_size, "lot_size": lot_size}
        band: dict[str, Any] = {"low_price": low_price, "high_price": high_price}
        instrument = Instrument(0, **rules, **sizes, **band)
        room: dict[str, Any] = {"capacity": capacity, "level_capacity": level_capacity}
        room |= {"owner_limit": owner_limit, "limits": limits}
        books: SharedBooks = SharedBooks((instrument,), **room)
        if self._shared is not None:
            raise TypeError("__init__ may run only once: make a new OrderBook")
        self._bind(books, 0)
        self._whole_engine = True

    # ------------------------------------------------------------------ commands

    def add_order(
        self,
        order_id: SupportsIndex,
        side: Side | int,
        price: SupportsIndex | None,
        quantity: SupportsIndex,
        *,
        owner: SupportsIndex = 0,
        order_type: OrderType | int = _LIMIT,
        time_in_force: TimeInForce | int = _GTC,
        post_only: bool = False,
        self_trade: SelfTrade | int | None = None,
        timestamp: SupportsIndex = 0,
    ) -> Execution:
        """Add an order: it trades with what it crosses, and its time in force decides about the remainder.

        ``order_type``: an ``OrderType``; a market order ignores ``price`` and never rests. ``time_in_force``: a
        ``TimeInForce``. ``post_only``: rest without trading, or raise WouldCross.

        Returns an ``Execution``. Raises InvalidOrderId, InvalidSide, InvalidPrice, InvalidQuantity, InvalidOwner,
        InvalidOrderType, InvalidTimeInForce, InvalidInstruction (post-only, but never rests), NotSupported,
        InvalidSelfTrade, InvalidTimestamp, InstrumentHalted, PriceOutsideBand, DuplicateOrderId, QuantityAboveLimit,
        PriceTooFar, WouldCross, OwnerOrdersFull, OrdersFull, LevelsFull and LevelQuantityFull. O(1), and O(1) for each
        order that it meets.
        """
        number: u64 = self._order_id(order_id)
        side_: u32 = side_of(side)
        kind: u32 = order_type_of(order_type)
        tif: u32 = time_in_force_of(time_in_force)
        instructions: u32 = POST_ONLY if post_only else 0
        if kind != LIMIT or tif != GTC:
            check_terms(kind, tif, instructions)
        mode: u32 = 0 if self_trade is None else self_trade_of(self_trade)
        lots: u64 = self._lots(quantity)
        ticks: i64 = 0 if kind == MARKET else self._ticks(price)
        owner_: u32 = owner_of(owner)
        time_ns: u64 = timestamp_of(timestamp)
        c: cython.pointer[Command] = self._start(NEW_ORDER, number)
        try:
            c.side = side_
            c.order_type = kind
            c.time_in_force = tif
            c.instructions = instructions
            c.flags = mode
            c.quantity = lots
            c.price = ticks
            c.owner = owner_
            c.timestamp = time_ns
            self._execute()
            return self._execution(number, lots)
        finally:
            self._latch.leave()

    def match_order(
        self,
        order_id: SupportsIndex,
        side: Side | int,
        price: SupportsIndex,
        quantity: SupportsIndex,
        *,
        owner: SupportsIndex = 0,
    ) -> Execution:
        """Add an order that trades with what it crosses and never rests (IOC). Returns an ``Execution``.

        Raises as ``add_order``. O(1), and O(1) for each order that it meets.
        """
        number: u64 = self._order_id(order_id)
        side_: u32 = side_of(side)
        lots: u64 = self._lots(quantity)
        ticks: i64 = self._ticks(price)
        owner_: u32 = owner_of(owner)
        c: cython.pointer[Command] = self._start(NEW_ORDER, number)
        try:
            c.side = side_
            c.time_in_force = IOC
            c.quantity = lots
            c.price = ticks
            c.owner = owner_
            self._execute()
            return self._execution(number, lots)
        finally:
            self._latch.leave()

    def cancel_order(self, order_id: SupportsIndex, *, owner: SupportsIndex | None = None) -> int:
        """Cancel a resting order. Returns the quantity that was resting.

        ``owner``: if given, it must be the order's. Raises InvalidOrderId, InvalidOwner and UnknownOrder. O(1).
        """
        number: u64 = self._order_id(order_id)
        owned: cython.bint = owner is not None
        owner_: u32 = owner_of(owner) if owned else 0
        self._start(CANCEL_ORDER, number)
        try:
            self._refused(self._books.refuse_phase(self._book, CANCEL_ORDER))
            if owned:
                self._slot(number, True, owner_)
            self._execute()
            return self._books.reports[0].quantity
        finally:
            self._latch.leave()

    def mass_cancel(self, owner: SupportsIndex, *, side: Side | int | None = None) -> int:
        """Cancel the resting orders of an owner, oldest first. Returns how many it cancelled.

        ``owner``: 1 to 2**32 - 1. ``side``: only orders of this side; None for both. Raises InvalidOwner, InvalidSide,
        and MassCancelUnfinished while a mass cancel that ``apply`` executes in parts is unfinished. O(orders of the
        owner).
        """
        self._takes_commands()
        side_: u32 = 0 if side is None else side_of(side)
        owner_: u32 = owner_with_orders(owner)
        return self._shared.cancel_orders_of(owner_, self._book.instrument, side_)

    def reduce_order(self, order_id: SupportsIndex, by: SupportsIndex, *, owner: SupportsIndex | None = None) -> int:
        """Take ``by`` lots off a resting order, which keeps its place.

        Returns the quantity left, 0 if the order is gone.

        ``owner``: if given, it must be the order's. Raises InvalidOrderId, InvalidQuantity, InvalidOwner and
        UnknownOrder. O(1).
        """
        number: u64 = self._order_id(order_id)
        lots: u64 = self._lots(by)
        owned: cython.bint = owner is not None
        owner_: u32 = owner_of(owner) if owned else 0
        c: cython.pointer[Command] = self._start(REDUCE_ORDER, number)
        try:
            c.quantity = lots
            self._refused(self._books.refuse_phase(self._book, REDUCE_ORDER))
            left: u64 = self._books.orders[self._slot(number, owned, owner_)].remaining
            self._execute()
            return left - self._books.reports[0].quantity
        finally:
            self._latch.leave()

    def replace_order(
        self,
        order_id: SupportsIndex,
        price: SupportsIndex,
        quantity: SupportsIndex,
        *,
        new_id: SupportsIndex | None = None,
        owner: SupportsIndex | None = None,
    ) -> Execution:
        """Give a resting order a new price, a new open quantity, and a new id if one is given.

        Returns an ``Execution``.

        The replace policy decides whether it keeps its place; otherwise it goes to the back of its level. If it
        crosses, it trades first, at the makers' prices. Raises InvalidOrderId, InvalidPrice, InvalidQuantity,
        InvalidOwner, InstrumentHalted, PriceOutsideBand, UnknownOrder, DuplicateOrderId, QuantityAboveLimit,
        PriceTooFar, WouldCross, LevelsFull and LevelQuantityFull. O(1), and O(1) for each order that it meets.
        """
        number: u64 = self._order_id(order_id)
        renamed: cython.bint = new_id is not None
        new_number: u64 = order_id_of(new_id) if renamed else 0
        lots: u64 = self._lots(quantity)
        ticks: i64 = self._ticks(price)
        owned: cython.bint = owner is not None
        owner_: u32 = owner_of(owner) if owned else 0
        c: cython.pointer[Command] = self._start(REPLACE_ORDER, number)
        try:
            c.quantity = lots
            c.price = ticks
            self._refused(self._books.refuse_replace(self._book, ticks, lots))
            self._slot(number, owned, owner_)
            if renamed:
                c.type = REPLACE_ORDER_AS
                c.owner = cython.cast(u32, new_number)
                c.tag = cython.cast(u32, new_number >> 32)
            self._execute()
            return self._execution(new_number if renamed else number, lots)
        finally:
            self._latch.leave()

    def set_phase(self, phase: Phase | int) -> None:
        """Begin a phase, such as ``Phase.HALTED``, in which only cancels and reduces are accepted.

        ``phase``: a ``Phase``. Raises InvalidPhase. O(1).
        """
        self._takes_commands()
        new: u32 = checks.phase(phase)
        c: cython.pointer[Command] = self._start(SET_PHASE, 0)
        try:
            c.flags = new
            self._execute()
        finally:
            self._latch.leave()

    def apply(self, commands: CommandArray) -> ReportArray:
        """Execute an array of commands in order. Returns their reports. Runs without the GIL.

        ``commands``: contiguous array of ``pricetime.COMMAND``, shape (n,), instrument 0. Returns an array of
        ``pricetime.REPORT``, shape (reports,). A rejected command makes a report with the reason and changes nothing.
        Raises InvalidCommands, BookBusy and MemoryError, each before any command is executed. O(1) for each
        command and each order that it meets.

        All commands are executed before a signal, such as Ctrl-C, is handled. An exception that the handler raises
        then has the reports in its attribute ``reports``.
        """
        if not self._whole_engine:
            raise errors.InvalidCommands("this book belongs to an engine: call apply of the engine")
        return self._shared.run(commands)

    def __reduce__(self) -> tuple[Any, ...]:
        if not self._whole_engine:
            raise TypeError("this book belongs to an engine: pickle or copy the engine")
        return _remake, self._shared.state()

    # ------------------------------------------------------------------ inside

    # Arguments are converted before the book is entered, because that may run Python code, and so a signal handler.

    def _takes_commands(self) -> cython.int:
        """Raises ReadOnlyBook."""
        if self._shared.rebuilt:
            raise errors.ReadOnlyBook("this book is rebuilt from reports and accepts no commands")
        return 0

    def _order_id(self, value: Any) -> u64:
        """The order id of a command. Raises ReadOnlyBook and InvalidOrderId.

        Prefetches its entry in the id table, which arrives while the other arguments are converted.
        """
        self._takes_commands()
        number: u64 = order_id_of(value)
        prefetch(cython.address(self._book.ids[self._books._home_of(self._book, number)]))
        return number

    def _lots(self, value: Any) -> u64:
        """A quantity, which must be a multiple of the lot size. Raises InvalidQuantity."""
        quantity: u64 = quantity_of(value)
        if self._book.lot_size != 1 and quantity % self._book.lot_size != 0:
            raise errors.InvalidQuantity(f"quantity {quantity} is not a multiple of the lot size {self._book.lot_size}")
        return quantity

    def _ticks(self, value: Any) -> i64:
        """A price, which must be a multiple of the tick size. Raises InvalidPrice."""
        price: i64 = price_of(value)
        if self._book.tick_size != 1 and price % cython.cast(i64, self._book.tick_size) != 0:
            raise errors.InvalidPrice(f"price {price} is not a multiple of the tick size {self._book.tick_size}")
        return price

    def _start(self, kind: u32, order_id: u64) -> cython.pointer[Command]:
        """Enter the book and return its command, cleared. The caller leaves the latch."""
        self._enter()
        c: cython.pointer[Command] = self._shared.command
        c.type = kind
        c.side = c.order_type = c.time_in_force = c.instructions = c.flags = 0
        c.instrument = self._book.instrument
        c.timestamp = c.quantity = 0
        c.order_id = order_id
        c.price = 0
        c.owner = c.tag = 0
        return c

    def _execute(self) -> cython.int:
        """Execute the command. Raises the exception of its reason if it is rejected."""
        self._shared.execute()
        if self._books.reports[0].kind == REJECTED:
            self._books.seq_num -= 1  # this report is not returned
            self._refused(self._books.reports[0].reason)
        return 0

    def _refused(self, reason: u32) -> cython.int:
        """Raise the exception of a reason other than NONE."""
        if reason != NONE:
            raise errors.ERROR_OF_REASON[reason](self._why(reason))
        return 0

    def _why(self, reason: u32) -> str:
        """The message of a rejection. Malformed arguments have raised before, with their own messages."""
        c: cython.pointer[Command] = self._shared.command
        if reason == INSTRUMENT_HALTED:
            return f"instrument {c.instrument} is halted: it accepts only cancels and reduces until it is opened"
        if reason == PRICE_OUTSIDE_BAND:
            low = self._book.low_price
            return f"price {c.price} is outside the band: give one from {low} to {low + int(self._book.band)}"
        if reason == DUPLICATE_ORDER_ID:
            new_id = c.owner | (cython.cast(u64, c.tag) << 32) if c.type == REPLACE_ORDER_AS else c.order_id
            return f"order id {new_id} is in use: an order with it rests"
        if reason == UNKNOWN_ORDER:
            return f"no order {c.order_id} is resting: it was never added, or was filled or cancelled"
        if reason == WOULD_CROSS:
            return f"post-only order {c.order_id} at {c.price} would trade at once"
        if reason == ORDERS_FULL:
            return f"all {self._book.count} order slots are in use: use a larger capacity"
        if reason == LEVELS_FULL:
            return f"all {self._books.level_capacity} levels are in use: use a larger level_capacity"
        if reason == OWNER_ORDERS_FULL:
            return f"owner {c.owner} has as many open orders as its limit allows"
        if reason == QUANTITY_ABOVE_LIMIT:
            return f"quantity {c.quantity} is above its owner's limit"
        if reason == PRICE_TOO_FAR:
            return f"price {c.price} is farther from the best price than its owner's limit"
        return f"quantity {c.quantity} more at price {c.price} would add up to 2**64 or more"

    def _execution(self, order_id: u64, quantity: u64) -> Execution:
        """The result of the last command for its order of this quantity, read from the reports."""
        execution: Execution = Execution.__new__(Execution)
        execution._order_id = order_id
        execution._trades = ()
        execution._resting = quantity
        execution._cancelled = 0
        execution._reason = self._books.reports[0].reason if self._books.reports[0].kind == REPLACED else NONE
        if self._books.report_count != 1:
            self._read_reports(execution)
        return execution

    def _read_reports(self, execution: Execution) -> cython.int:
        """The trades of the order among the reports, and the lots that were cancelled."""
        trades: list[Any] = []
        trade: Trade
        i: u64
        for i in range(1, self._books.report_count):
            r: cython.pointer[Report] = cython.address(self._books.reports[i])
            if r.kind == TRADE:
                trade = Trade.__new__(Trade)
                trade._maker_id = r.maker_id
                trade._taker_id = r.order_id
                trade._price = r.price
                trade._quantity = r.quantity
                trades.append(trade)
            elif r.order_id == execution._order_id:
                execution._cancelled += r.quantity
                execution._reason = r.reason
            else:
                continue  # about a resting order of the same owner
            execution._resting -= r.quantity
        execution._trades = tuple(trades)
        return 0


def book_of(shared: SharedBooks, instrument: Any) -> OrderBook:
    """One of the shared books, not a copy. Raises UnknownInstrument."""
    shared_: SharedBooks = shared
    number = shared_.known(instrument)
    book: OrderBook = OrderBook.__new__(OrderBook)
    book._bind(shared_, number)
    return book


def _remake(instruments: tuple[Instrument, ...], room: dict[str, Any], loaded: tuple[Any, ...]) -> OrderBook:
    """Make a book from its pickled state."""
    shared: SharedBooks = SharedBooks(instruments, **room)
    records, seq_num, next_reference = loaded
    shared.load(records, seq_num, next_reference)
    book: OrderBook = OrderBook.__new__(OrderBook)
    book._bind(shared, 0)
    book._whole_engine = True
    return book
