# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, nonecheck=True
"""One book as Python code uses it: a call a command, trades handed back, questions answered."""

from __future__ import annotations

import cython
import numpy as np

from pricetime import checks, errors
from pricetime.core.engine import remake
from pricetime.core.instrument import Instrument
from pricetime.depth import Depth
from pricetime.ladder import ladder_html
from pricetime.types import (
    DEPTH,
    MAX_QUANTITY,
    InstrumentState,
    QueuePosition,
    ReplacePolicy,
    SelfTrade,
    Side,
    TimeInForce,
)
from pricetime.types import Order as RestingOrder

if not cython.compiled:  # the compiled form has them from order_book.pxd
    from pricetime.core.book import key_of
    from pricetime.core.dump import commands_of
    from pricetime.core.engine import Engine, owner_with_orders, raise_busy
    from pricetime.core.layout import *
    from pricetime.execution import Execution, Trade
    from pricetime.native.bits import prefetch
    from pricetime.native.numbers import LEAST, as_i64, as_u64

_BID = Side.BID
_ASK = Side.ASK
_GTC = TimeInForce.GTC


@cython.final
@cython.cclass
class OrderBook:
    """A limit order book with price-time priority.

    ``capacity``: the most orders that rest at once; ``level_capacity``: the most price levels, by default as many.
    Memory is reserved for them now and taken up as it is used: about 80 bytes an order. ``self_trade``: the mode
    of orders that ask for none of their own. ``replace_policy``: when a replaced order keeps its place.
    ``low_price`` and ``high_price``: the band that prices must be in, None for no end. ``owner_limit``: owners
    from 1 to below it can have all their orders cancelled at once. ``limits``: of these owners, as of an ``Engine``.
    ``price_unit``: the currency value of one tick, with which ladders, charts and frames show prices. Raises
    InvalidSetting and MemoryError.

    Prices are whole ticks within i64, quantities whole lots from 1 to 2**63 - 1, order ids any u64, owners u32
    with 0 for nobody in particular, timestamps u64 nanoseconds, kept and never looked at. A command takes a
    number of steps bounded by what it trades with. After an exception the book is exactly as it was.

    A book serves one call at a time: another one meanwhile raises BookBusy. Arguments are taken before a call goes
    inside, so a signal handler of the main thread finds the book free between any two calls of that thread.
    """

    if not cython.compiled:
        _engine = None  # as compiled, where a field is there before it is set

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
        engine: Engine = Engine((instrument,), **room)
        if self._engine is not None:
            raise TypeError("a book is made once: make another OrderBook for another")
        self._bind(engine, 0)
        self._whole_engine = True

    def _bind(self, engine, instrument):
        self._books = engine.books
        self._book = engine.books.book_of(instrument)
        self._whole_engine = False
        self._latch = engine.latch
        self._engine = engine
        return 0

    # ------------------------------------------------------------------ commands

    def add_order(self, order_id, side, price, quantity, *, owner=0, time_in_force=_GTC, self_trade=None, timestamp=0):
        """Enter an order: it trades with what it crosses, and its time in force says what becomes of the rest.

        Returns the trades as a tuple of Trade, in the order they happened. Raises InvalidOrderId, InvalidSide,
        InvalidPrice, InvalidQuantity, InvalidOwner, InvalidTimeInForce, InvalidSelfTrade, InvalidTimestamp,
        InstrumentHalted, PriceOutsideBand, DuplicateOrderId, QuantityAboveLimit, PriceTooFar, WouldCross (post-only),
        OwnerOrdersFull, OrdersFull, LevelsFull and LevelQuantityFull. O(1) and O(1) for each order that it meets.
        """
        number: u64 = self._order_id(order_id)
        side_: u32 = side_of(side)
        tif: u32 = time_in_force_of(time_in_force)
        mode: u32 = 0 if self_trade is None else self_trade_of(self_trade)
        lots: u64 = self._lots(quantity)
        ticks: i64 = 0 if tif == MARKET else self._ticks(price)
        owner_: u32 = owner_of(owner)
        time_ns: u64 = timestamp_of(timestamp)
        c: cython.pointer[Command] = self._start(NEW_ORDER, number)
        try:
            c.side = side_
            c.time_in_force = tif
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
        """Trade what crosses and never rest: the trades, and the quantity that was cancelled in the end.

        Lots that self-trade prevention took off before that end are in neither. Raises as ``add_order``.
        O(1) and O(1) for each order that it meets.
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
        """Take an order out of the book: the quantity that was still resting.

        ``owner``, when given, must be the order's. Raises InvalidOrderId, InvalidOwner and UnknownOrder. O(1).
        """
        number: u64 = self._order_id(order_id)
        owned: cython.bint = owner is not None
        owner_: u32 = owner_of(owner) if owned else 0
        self._start(CANCEL_ORDER, number)
        try:
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
        return self._engine.cancel_orders_of(owner_, self._book.instrument, side_)

    def reduce_order(self, order_id, by, *, owner=None):
        """Take ``by`` lots off an order, which keeps its place: the quantity left, 0 when that removed it.

        Raises InvalidOrderId, InvalidQuantity, InvalidOwner and UnknownOrder. O(1).
        """
        number: u64 = self._order_id(order_id)
        lots: u64 = self._lots(by)
        owned: cython.bint = owner is not None
        owner_: u32 = owner_of(owner) if owned else 0
        c: cython.pointer[Command] = self._start(REDUCE_ORDER, number)
        try:
            c.quantity = lots
            left: u64 = self._books.orders[self._slot(number, owned, owner_)].remaining
            self._execute()
            return left - self._books.reports[0].quantity
        finally:
            self._latch.leave()

    def replace_order(self, order_id, price, quantity, *, new_id=None, owner=None):
        """Give an order a new price and a new open quantity, and a new id when one is given: the trades it makes.

        It keeps its place in the queue as the replace policy says, else it goes to the back of its level; where it
        crosses, it trades at the makers' prices first. Raises InvalidOrderId, InvalidPrice, InvalidQuantity,
        InvalidOwner, InstrumentHalted, PriceOutsideBand, UnknownOrder, DuplicateOrderId, QuantityAboveLimit,
        PriceTooFar, WouldCross, LevelsFull and LevelQuantityFull. O(1) and O(1) for each order that it meets.
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

    def set_state(self, state):
        """Open or halt the book; while it is halted, orders are cancelled and reduced, nothing else.

        ``state``: an ``InstrumentState``. Raises InvalidState. O(1).
        """
        self._takes_commands()
        new: u32 = checks.instrument_state(state)
        c: cython.pointer[Command] = self._start(SET_STATE, 0)
        try:
            c.flags = new
            self._execute()
        finally:
            self._latch.leave()

    def apply(self, commands):
        """Execute commands in order: the reports they make, without the GIL and without a copy.

        ``commands``: contiguous array of ``pricetime.COMMAND``, shape (n,), instrument 0; returns an array of
        ``pricetime.REPORT``. A command that is refused makes a rejected report with the reason and changes nothing.
        Raises InvalidCommands, BookBusy and MemoryError, each before anything is executed.
        Each command takes the steps of the call that does the same.

        An array is executed whole: a signal, such as Ctrl-C, is handled after that. What the handler raises then
        carries the reports, as its attribute ``reports``.
        """
        if not self._whole_engine:
            raise errors.InvalidCommands("this book is one of an engine's: apply commands to the engine")
        return self._engine.apply(commands)

    # ------------------------------------------------------------------ questions

    @property
    def state(self):
        """Is the book open or halted? An ``InstrumentState``. O(1)."""
        self._enter()
        try:
            state: u32 = self._book.state
        finally:
            self._latch.leave()
        return InstrumentState(state)

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
        """The highest price that somebody bids, None when nobody does. O(1)."""
        return self._best(BID)

    @property
    def best_ask(self):
        """The lowest price that somebody asks, None when nobody does. O(1)."""
        return self._best(ASK)

    def depth(self, levels=10):
        """The best levels of each side, best first: a ``Depth``, which is a pair (bids, asks) of arrays.

        ``levels``: how many of each side at most, None for all. The arrays have the dtype ``pricetime.DEPTH``: price
        (ticks), quantity (lots), count (orders). ``Depth.plot`` draws it; a notebook shows it as a ladder. O(levels).
        """
        count = MAX_QUANTITY if levels is None else checks.levels(levels)
        self._enter()
        try:
            bids, asks = self._levels(BID, count), self._levels(ASK, count)
        finally:
            self._latch.leave()
        depth = tuple.__new__(Depth, (bids, asks))  # what Depth(bids, asks, unit) does, without a call of Python
        depth.price_unit = self._engine._instruments[self._book.instrument].price_unit
        return depth

    def plot(self, levels=10, *, ax=None, cumulative=True):
        """Draw ``depth(levels)`` with matplotlib and return the Axes: see ``Depth.plot``. O(levels)."""
        return self.depth(levels).plot(ax=ax, cumulative=cumulative)

    @property
    def price_unit(self):
        """The currency value of one tick, as a ``Decimal``; the book itself reads and returns whole ticks. O(1)."""
        return self._engine._instruments[self._book.instrument].price_unit

    def order(self, order_id):
        """A resting order, as ``pricetime.Order``. O(1). Raises InvalidOrderId and UnknownOrder."""
        number: u64 = order_id_of(order_id)
        self._enter()
        try:
            return self._order(self._slot(number, False, 0))
        finally:
            self._latch.leave()

    def orders(self, side, price):
        """The orders resting at one price, first in first: a tuple of ``pricetime.Order``. O(orders there)."""
        side_: u32 = side_of(side)
        key: i64 = key_of(side_, price_of(price))
        self._enter()
        try:
            return tuple(self._queue(self._books.level_at(cython.address(self._book.ladders[side_ - 1]), key)))
        finally:
            self._latch.leave()

    def queue_position(self, order_id):
        """What is ahead of an order at its price, as (orders, quantity). O(orders ahead). Raises UnknownOrder."""
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
        """A u64 over what the market can see: side, price, id and open quantity of every order, in priority order.

        Two books with the same digest hold the same queues. The same on every machine and in both forms. O(orders).
        """
        self._enter()
        try:
            return self._books.digest(self._book)
        finally:
            self._latch.leave()

    def check(self):
        """Hold every invariant of the structure against its state; AssertionError names what is broken. O(n)."""
        self._engine.check()

    def commands(self):
        """New orders that build this book from an empty one, as an array of ``pricetime.COMMAND``, shape (orders,).

        A halt is among them: at the end, so that the book takes the orders before it. O(orders).
        """
        self._enter()
        try:
            return commands_of(self._books, [self._engine._instruments[self._book.instrument]])
        finally:
            self._latch.leave()

    def __len__(self):
        """Orders resting."""
        self._enter()
        try:
            return self._book.count
        finally:
            self._latch.leave()

    def __bool__(self):
        return True  # a book without an order is a book

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
        """The resting orders as they are now: bids, then asks, each in priority order."""
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
        halted = ", halted" if self.state == InstrumentState.HALTED else ""
        return ladder_html(bids, asks, self.price_unit, f"OrderBook: {len(self):,} orders{halted}")

    def __reduce__(self):
        if not self._whole_engine:
            raise TypeError("this book is one of an engine's: pickle or copy the engine")
        return _remake, self._engine.__reduce__()[1]

    # ------------------------------------------------------------------ inside

    # Arguments are taken before the book is entered: what a caller gives may run Python code, and where that runs, so
    # may a signal handler.

    def _takes_commands(self):
        """Raises ReadOnlyBook."""
        if self._engine.rebuilt:
            raise errors.ReadOnlyBook("this book is rebuilt from reports: it answers questions and takes no commands")
        return 0

    def _order_id(self, value):
        """The order id of a command. Raises ReadOnlyBook and InvalidOrderId.

        Its entry in the id table is fetched into the cache while the other arguments are converted.
        """
        self._takes_commands()
        number: u64 = order_id_of(value)
        prefetch(cython.address(self._book.ids[self._books._home_of(self._book, number)]))
        return number

    def _lots(self, value):
        """A quantity in whole lots of the instrument. Raises InvalidQuantity."""
        quantity: u64 = quantity_of(value)
        if self._book.lot_size != 1 and quantity % self._book.lot_size != 0:
            raise errors.InvalidQuantity(f"quantity {quantity} is not a multiple of the lot size {self._book.lot_size}")
        return quantity

    def _ticks(self, value):
        """A price in whole ticks of the instrument. Raises InvalidPrice."""
        price: i64 = price_of(value)
        if self._book.tick_size != 1 and price % cython.cast(i64, self._book.tick_size) != 0:
            raise errors.InvalidPrice(f"price {price} is not a multiple of the tick size {self._book.tick_size}")
        return price

    def _enter(self):
        """No other call may be inside until the latch is left. Raises BookBusy."""
        if not self._latch.enter():
            raise_busy()
        return 0

    def _start(self, kind, order_id):
        """Enter the book with a fresh command. The caller leaves."""
        self._enter()
        c: cython.pointer[Command] = self._engine.command
        c.type = kind
        c.side = c.time_in_force = c.flags = 0
        c.instrument = self._book.instrument
        c.timestamp = c.quantity = 0
        c.order_id = order_id
        c.price = 0
        c.owner = c.tag = 0
        return c

    def _execute(self):
        """Execute the command. Raises the error of the reason when it is refused."""
        self._engine.make_room(1)
        self._books.execute(self._engine.command)
        if self._books.reports[0].kind == REJECTED:
            self._books.seq_num -= 1  # nobody sees this report
            self._refused(self._books.reports[0].reason)
        return 0

    def _refused(self, reason):
        """Raises the error of a reason, unless it is none."""
        if reason != NONE:
            raise errors.ERROR_OF_REASON[reason](self._why(reason))
        return 0

    def _why(self, reason):
        """The message of a refusal. What is malformed was found before: it has messages of its own."""
        c: cython.pointer[Command] = self._engine.command
        if reason == INSTRUMENT_HALTED:
            return f"instrument {c.instrument} is halted: it takes no orders until it is opened"
        if reason == PRICE_OUTSIDE_BAND:
            low = self._book.low_price
            return f"price {c.price} is outside the band: give one from {low} to {low + int(self._book.band)}"
        if reason == DUPLICATE_ORDER_ID:
            new_id = c.owner | (cython.cast(u64, c.tag) << 32) if c.type == REPLACE_ORDER_AS else c.order_id
            return f"order id {new_id} is resting: it may be used again once its order is gone"
        if reason == UNKNOWN_ORDER:
            return f"no order {c.order_id} is resting: never added, filled or cancelled"
        if reason == WOULD_CROSS:
            return f"post-only order {c.order_id} at {c.price} would trade at once"
        if reason == ORDERS_FULL:
            return f"{self._book.count} orders rest, as many as there is room for: use a larger capacity"
        if reason == LEVELS_FULL:
            return f"all {self._books.level_capacity} levels are taken: use a larger level_capacity"
        if reason == OWNER_ORDERS_FULL:
            return f"owner {c.owner} has as many open orders as its limit allows"
        if reason == QUANTITY_ABOVE_LIMIT:
            return f"quantity {c.quantity} is above the limit of the order's owner"
        if reason == PRICE_TOO_FAR:
            return f"price {c.price} is farther from the best price than the limit of the order's owner"
        return f"quantity {c.quantity} more at price {c.price} would add up to 2**64 or more"

    def _execution(self, order_id, quantity):
        """What the last command did to its order, which had this quantity: read from the reports."""
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
                continue  # self-trade prevention took it off a resting order
            execution._resting -= r.quantity
        execution._trades = tuple(trades)
        return 0

    def _slot(self, number, owned, owner):
        """The slot of a resting order. Raises UnknownOrder when it is not, or not of the owner that owns it."""
        slot: u32 = self._books.find(self._book, number)
        if slot == NIL:
            raise errors.UnknownOrder(f"no order {number} is resting: never added, filled or cancelled")
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
        """The orders of a level, none when it is NIL."""
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
        return tuple.__new__(RestingOrder, (o.id, side, price, o.remaining, time_ns, o.owner))


def book_of(engine, instrument):
    """The book of one of an engine's instruments: the engine's own, not a copy. Raises UnknownInstrument."""
    engine_: Engine = engine
    number = engine_.known(instrument)
    book: OrderBook = OrderBook.__new__(OrderBook)
    book._bind(engine_, number)
    return book


def _remake(*state):
    """A book around an engine of its own, in the state that it was pickled or copied in."""
    book: OrderBook = OrderBook.__new__(OrderBook)
    book._bind(remake(*state), 0)
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
    """A number from 2**63 on; else what ``check`` makes of the value."""
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


def time_in_force_of(value):
    if value is _GTC:
        return GTC
    return checks.time_in_force(value)


def self_trade_of(value):
    return checks.self_trade(value)
