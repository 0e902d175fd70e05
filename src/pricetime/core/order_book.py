# cython: nonecheck=True
"""``OrderBook``: one book for Python code, with one call for each command."""

from __future__ import annotations

import cython
import numpy as np

from pricetime import checks, errors
from pricetime.core.instrument import Instrument
from pricetime.depth import Depth
from pricetime.ladder import ladder_html
from pricetime.types import (
    DEPTH,
    MAX_QUANTITY,
    OrderType,
    Phase,
    QueuePosition,
    ReplacePolicy,
    SelfTrade,
    Side,
    TimeInForce,
)
from pricetime.types import Order as OrderSeen

if not cython.compiled:  # the compiled form cimports them in order_book.pxd
    from pricetime.core.book import key_of, refuse_terms
    from pricetime.core.layout import *
    from pricetime.core.shared_books import SharedBooks, owner_with_orders, raise_busy
    from pricetime.execution import Execution, Trade
    from pricetime.native.bits import prefetch
    from pricetime.native.numbers import LEAST, as_i64, as_u64

_BID = Side.BID
_ASK = Side.ASK
_LIMIT = OrderType.LIMIT
_GTC = TimeInForce.GTC


@cython.final
@cython.cclass
class OrderBook:
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
        _shared = None  # a compiled class has its fields before they are set

    def __init__(
        self,
        capacity=1 << 20,
        *,
        level_capacity=None,
        self_trade=SelfTrade.OFF,
        replace_policy=ReplacePolicy.KEEP_IF_NOT_LARGER,
        tick_size=1,
        lot_size=1,
        low_price=None,
        high_price=None,
        owner_limit=0,
        limits=None,
        price_unit=1,
    ):
        rules = {"self_trade": self_trade, "replace_policy": replace_policy}
        sizes = {"tick_size": tick_size, "lot_size": lot_size}
        instrument = Instrument(0, **rules, **sizes, low_price=low_price, high_price=high_price, price_unit=price_unit)
        room = {"capacity": capacity, "level_capacity": level_capacity, "owner_limit": owner_limit, "limits": limits}
        books: SharedBooks = SharedBooks((instrument,), **room)
        if self._shared is not None:
            raise TypeError("__init__ may run only once: make a new OrderBook")
        self._bind(books, 0)
        self._whole_engine = True

    def _bind(self, shared, instrument):
        self._books = shared.books
        self._book = shared.books.book_of(instrument)
        self._whole_engine = False
        self._latch = shared.latch
        self._shared = shared
        return 0

    # ------------------------------------------------------------------ commands

    def add_order(
        self,
        order_id,
        side,
        price,
        quantity,
        *,
        owner=0,
        order_type=_LIMIT,
        time_in_force=_GTC,
        post_only=False,
        self_trade=None,
        timestamp=0,
    ):
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

    def match_order(self, order_id, side, price, quantity, *, owner=0):
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

    def cancel_order(self, order_id, *, owner=None):
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

    def mass_cancel(self, owner, *, side=None):
        """Cancel the resting orders of an owner, oldest first. Returns how many it cancelled.

        ``owner``: 1 to 2**32 - 1. ``side``: only orders of this side; None for both. Raises InvalidOwner, InvalidSide,
        and MassCancelUnfinished while a mass cancel that ``apply`` executes in parts is unfinished. O(orders of the
        owner).
        """
        self._takes_commands()
        side_: u32 = 0 if side is None else side_of(side)
        owner_: u32 = owner_with_orders(owner)
        return self._shared.cancel_orders_of(owner_, self._book.instrument, side_)

    def reduce_order(self, order_id, by, *, owner=None):
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

    def replace_order(self, order_id, price, quantity, *, new_id=None, owner=None):
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

    def set_phase(self, phase):
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

    def apply(self, commands):
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

    # ------------------------------------------------------------------ queries

    @property
    def phase(self):
        """The ``Phase``: what the book accepts now. O(1)."""
        self._enter()
        try:
            phase: u32 = self._book.phase
        finally:
            self._latch.leave()
        return Phase(phase)

    @property
    def tick_size(self):
        """Every price of this book is a multiple of it, in ticks. O(1)."""
        return self._book.tick_size

    @property
    def lot_size(self):
        """Every quantity of this book is a multiple of it, in lots. O(1)."""
        return self._book.lot_size

    @property
    def best_bid(self):
        """The highest bid price, None if there are no bids. O(1)."""
        return self._best(BID)

    @property
    def best_ask(self):
        """The lowest ask price, None if there are no asks. O(1)."""
        return self._best(ASK)

    def depth(self, levels=10):
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
        depth.price_unit = self._shared._instruments[self._book.instrument].price_unit
        return depth

    def plot(self, levels=10, *, ax=None, cumulative=True):
        """Draw ``depth(levels)`` with matplotlib and return the Axes: see ``Depth.plot``. O(levels)."""
        return self.depth(levels).plot(ax=ax, cumulative=cumulative)

    @property
    def price_unit(self):
        """The currency value of one tick, as a ``Decimal``; the book itself reads and returns whole ticks. O(1)."""
        return self._shared._instruments[self._book.instrument].price_unit

    def order(self, order_id):
        """Return a resting order as ``pricetime.Order``. O(1). Raises InvalidOrderId and UnknownOrder."""
        number: u64 = order_id_of(order_id)
        self._enter()
        try:
            return self._order(self._slot(number, False, 0))
        finally:
            self._latch.leave()

    def orders(self, side, price):
        """Return the orders at one price, first in first, as a tuple of ``pricetime.Order``.

        O(orders there). Raises InvalidSide and InvalidPrice.
        """
        side_: u32 = side_of(side)
        key: i64 = key_of(side_, price_of(price))
        self._enter()
        try:
            return tuple(self._queue(self._books.level_at(cython.address(self._book.ladders[side_ - 1]), key)))
        finally:
            self._latch.leave()

    def queue_position(self, order_id):
        """Return the number of orders and lots ahead of an order at its price.

        O(orders ahead). Raises InvalidOrderId and UnknownOrder.
        """
        number: u64 = order_id_of(order_id)
        orders: u64 = 0
        quantity: u64 = 0
        self._enter()
        try:
            slot: u32 = self._books.orders[self._slot(number, False, 0)].prev
            while slot != NIL:
                orders += 1
                quantity += self._books.orders[slot].remaining
                slot = self._books.orders[slot].prev
        finally:
            self._latch.leave()
        return QueuePosition(orders, quantity)

    def digest(self):
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

    def check(self):
        """Check every invariant of the data structure; AssertionError names a broken one. O(n)."""
        self._shared.check_all()

    def __len__(self):
        """Orders resting."""
        self._enter()
        try:
            return self._book.count
        finally:
            self._latch.leave()

    def __bool__(self):
        return True  # also without orders, so that ``book or OrderBook()`` keeps an empty book

    def __contains__(self, order_id):
        try:
            number: u64 = order_id_of(order_id)
        except errors.InvalidOrderId:
            return False
        self._enter()
        try:
            return self._books.find(self._book, number) != NIL
        finally:
            self._latch.leave()

    def __iter__(self):
        """Iterate over the orders that rest now: bids, then asks, each in priority order."""
        self._enter()
        try:
            found: list = []
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

    def __repr__(self):
        return f"<pricetime.OrderBook: {len(self)} orders, bid {self.best_bid}, ask {self.best_ask}>"

    def _repr_html_(self):
        bids, asks = (side.tolist() for side in self.depth())
        halted = ", halted" if self.phase == Phase.HALTED else ""
        return ladder_html(bids, asks, self.price_unit, f"OrderBook: {len(self):,} orders{halted}")

    def __reduce__(self):
        if not self._whole_engine:
            raise TypeError("this book belongs to an engine: pickle or copy the engine")
        return _remake, self._shared.state()

    # ------------------------------------------------------------------ inside

    # Arguments are converted before the book is entered, because that may run Python code, and so a signal handler.

    def _takes_commands(self):
        """Raises ReadOnlyBook."""
        if self._shared.rebuilt:
            raise errors.ReadOnlyBook("this book is rebuilt from reports and accepts no commands")
        return 0

    def _order_id(self, value):
        """The order id of a command. Raises ReadOnlyBook and InvalidOrderId.

        Prefetches its entry in the id table, which arrives while the other arguments are converted.
        """
        self._takes_commands()
        number: u64 = order_id_of(value)
        prefetch(cython.address(self._book.ids[self._books._home_of(self._book, number)]))
        return number

    def _lots(self, value):
        """A quantity, which must be a multiple of the lot size. Raises InvalidQuantity."""
        quantity: u64 = quantity_of(value)
        if self._book.lot_size != 1 and quantity % self._book.lot_size != 0:
            raise errors.InvalidQuantity(f"quantity {quantity} is not a multiple of the lot size {self._book.lot_size}")
        return quantity

    def _ticks(self, value):
        """A price, which must be a multiple of the tick size. Raises InvalidPrice."""
        price: i64 = price_of(value)
        if self._book.tick_size != 1 and price % cython.cast(i64, self._book.tick_size) != 0:
            raise errors.InvalidPrice(f"price {price} is not a multiple of the tick size {self._book.tick_size}")
        return price

    def _enter(self):
        """Enter the book; the caller leaves the latch. Raises BookBusy if a call is inside."""
        if not self._latch.enter():
            raise_busy()
        return 0

    def _start(self, kind, order_id):
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

    def _execute(self):
        """Execute the command. Raises the exception of its reason if it is rejected."""
        self._shared.execute()
        if self._books.reports[0].kind == REJECTED:
            self._books.seq_num -= 1  # this report is not returned
            self._refused(self._books.reports[0].reason)
        return 0

    def _refused(self, reason):
        """Raise the exception of a reason other than NONE."""
        if reason != NONE:
            raise errors.ERROR_OF_REASON[reason](self._why(reason))
        return 0

    def _why(self, reason):
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

    def _execution(self, order_id, quantity):
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

    def _read_reports(self, execution):
        """The trades of the order among the reports, and the lots that were cancelled."""
        trades: list = []
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

    def _slot(self, number, owned, owner):
        """The slot of a resting order. Raises UnknownOrder if none rests, or if ``owned`` and the owner differs."""
        slot: u32 = self._books.find(self._book, number)
        if slot == NIL:
            raise errors.UnknownOrder(f"no order {number} is resting: it was never added, or was filled or cancelled")
        if owned and owner != self._books.orders[slot].owner:
            raise errors.UnknownOrder(f"no order {number} of owner {owner} is resting")
        return slot

    def _best(self, side: u32):
        self._enter()
        try:
            ladder: cython.pointer[Ladder] = cython.address(self._book.ladders[side - 1])
            return None if ladder.best == NIL else key_of(side, ladder.best_key)
        finally:
            self._latch.leave()

    def _levels(self, side, count):
        rows: list = []
        ladder: cython.pointer[Ladder] = cython.address(self._book.ladders[side - 1])
        level: u32 = ladder.best
        while level != NIL and len(rows) < count:
            queue: cython.pointer[Level] = cython.address(self._books.levels[level])
            rows.append((key_of(side, queue.key), queue.quantity, queue.count))
            level = self._books.level_behind(ladder, level)
        return np.array(rows, DEPTH)

    def _queue(self, level: u32):
        """The orders of a level, none for NIL."""
        found: list = []
        slot: u32 = self._books.levels[level].head if level != NIL else NIL
        while slot != NIL:
            found.append(self._order(slot))
            slot = self._books.orders[slot].next
        return found

    def _order(self, slot):
        o: cython.pointer[Order] = cython.address(self._books.orders[slot])
        level: cython.pointer[Level] = cython.address(self._books.levels[o.level])
        side = _BID if level.side == BID else _ASK
        price: i64 = key_of(level.side, level.key)
        time_ns: u64 = self._books.cold[slot].timestamp
        return tuple.__new__(OrderSeen, (o.id, side, price, o.remaining, time_ns, o.owner))


def book_of(shared, instrument):
    """One of the shared books, not a copy. Raises UnknownInstrument."""
    shared_: SharedBooks = shared
    number = shared_.known(instrument)
    book: OrderBook = OrderBook.__new__(OrderBook)
    book._bind(shared_, number)
    return book


def _remake(instruments, room, loaded):
    """Make a book from its pickled state."""
    shared: SharedBooks = SharedBooks(instruments, **room)
    records, seq_num, next_reference = loaded
    shared.load(records, seq_num, next_reference)
    book: OrderBook = OrderBook.__new__(OrderBook)
    book._bind(shared, 0)
    book._whole_engine = True
    return book


# ---------------------------------------------------------------------- arguments
#
# Each is converted without Python code if it is a plain int that fits. ``checks`` converts or rejects the rest.


def order_id_of(value):
    if type(value) is int:
        number: i64 = as_i64(value)
        if number >= 0:
            return number
    return large_u64(value, checks.order_id)


def timestamp_of(value):
    if type(value) is int:
        number: i64 = as_i64(value)
        if number >= 0:
            return number
    return large_u64(value, checks.timestamp)


def large_u64(value, check):
    """A number from 2**63 on; otherwise the result of ``check``."""
    if type(value) is int:
        try:
            return as_u64(value)
        except OverflowError:
            pass
    return check(value)


def quantity_of(value):
    if type(value) is int:
        number: i64 = as_i64(value)
        if number > 0:
            return number
    return checks.quantity(value)


def price_of(value):
    if type(value) is int:
        number: i64 = as_i64(value)
        if number != LEAST:
            return number
    return checks.price(value)


def owner_of(value):
    if type(value) is int:
        number: i64 = as_i64(value)
        if 0 <= number < 1 << 32:
            return number
    return checks.owner(value)


def side_of(value):
    if value is _BID:
        return BID
    if value is _ASK:
        return ASK
    return checks.side(value)


def order_type_of(value):
    if value is _LIMIT:
        return LIMIT
    return checks.order_type(value)


def time_in_force_of(value):
    if value is _GTC:
        return GTC
    return checks.time_in_force(value)


def check_terms(order_type, time_in_force, instructions):
    """Raises InvalidTimeInForce, InvalidInstruction and NotSupported."""
    reason: u32 = refuse_terms(order_type, time_in_force, instructions)
    if reason == INVALID_TIME_IN_FORCE:
        raise errors.InvalidTimeInForce("a market order never rests: give it a time in force other than GTD")
    if reason == INVALID_INSTRUCTION:
        raise errors.InvalidInstruction("this order never rests, so it cannot be post-only: give LIMIT and GTC")
    if reason == NOT_SUPPORTED:
        raise errors.NotSupported(
            f"{OrderType(order_type).name} with {TimeInForce(time_in_force).name} has no rule yet: give LIMIT or "
            "MARKET with GTC, IOC or FOK"
        )
    return 0


def self_trade_of(value):
    return checks.self_trade(value)
