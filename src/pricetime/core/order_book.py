# cython: nonecheck=True
"""``OrderBook``: one book for Python code, with one call for each command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, SupportsIndex

import cython

from pricetime import errors
from pricetime.core.book_calls import BookCalls
from pricetime.core.instrument import Instrument
from pricetime.core.shared_books import SharedBooks
from pricetime.execution import Execution
from pricetime.explanation import Explanation, present
from pricetime.owner_limits import OwnerLimits
from pricetime.prices import PriceUnit
from pricetime.profiles import Venue
from pricetime.standing import standing_of
from pricetime.types import (
    CommandArray,
    Instruction,
    OrderType,
    Phase,
    ReplacePolicy,
    ReportArray,
    SelfTrade,
    Side,
    TimeInForce,
)

if not cython.compiled:  # the compiled form cimports them in order_book.pxd
    from pricetime.core.arguments import (
        check_terms,
        expiry_of,
        instructions_of,
        order_id_of,
        order_type_of,
        owner_of,
        part_of,
        protection_of,
        quantity_of,
        self_trade_of,
        side_of,
        time_in_force_of,
        timestamp_of,
        trigger_price_of,
    )
    from pricetime.core.book_calls import raise_read_only
    from pricetime.core.executions import execution_of
    from pricetime.core.layout import *
    from pricetime.native.bits import prefetch

_LIMIT = OrderType.LIMIT
_GTC = TimeInForce.GTC
_ZERO = 0


@cython.final
@cython.cclass
class OrderBook(BookCalls):
    """A limit order book with price-time priority.

    >>> book = OrderBook()
    >>> book.add_order(1, Side.ASK, price=101, quantity=5).resting
    5
    >>> book.add_order(2, Side.BID, price=102, quantity=7).trades
    (Trade(maker_id=1, taker_id=2, price=101, quantity=5),)

    ``capacity``: most resting orders. ``level_capacity``: most price levels, by default as many. Memory is reserved
    for them now and used as orders come in, about 80 bytes for each. ``self_trade``: mode of orders without their own.
    ``replace_policy``: whether a replaced order keeps its place. ``tick_size``, ``lot_size``: every price, every
    quantity is a multiple of it. ``low_price``, ``high_price``: the price band, None for no limit. ``phase``: the
    initial one. ``owner_limit``: owners from 1 to below it can have ``limits`` (``OwnerLimits`` by owner, 0 for all
    others) and mass cancels in parts. ``price_unit``: the value of one tick in currency, for display. ``venue``: the
    rules that differ from venue to venue, as a ``pricetime.Venue`` or a mapping of some of its settings. ``profile``:
    the name of a profile of ``pricetime.profiles``, such as "cme": the settings that are not given are those of this
    venue. ``refresh_limit``: how often all icebergs together may still be refreshed. Raises InvalidSetting and
    MemoryError.

    Prices are ticks (i64), quantities lots (1 to 2**63 - 1), order ids u64, owners u32 with 0 for none, timestamps u64
    nanoseconds, which are stored; only the expiry time of a new GTD order is compared with its timestamp. After an
    exception the book is unchanged.

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
        self_trade: SelfTrade | None = None,
        replace_policy: ReplacePolicy | None = None,
        tick_size: SupportsIndex = 1,
        lot_size: SupportsIndex = 1,
        low_price: SupportsIndex | None = None,
        high_price: SupportsIndex | None = None,
        phase: Phase = Phase.CONTINUOUS,
        owner_limit: SupportsIndex = 0,
        limits: Mapping[int, OwnerLimits] | None = None,
        price_unit: PriceUnit = 1,
        venue: Venue | Mapping[str, Any] | None = None,
        profile: str | None = None,
        refresh_limit: SupportsIndex = DEFAULT_REFRESHES,
    ) -> None:
        rules: dict[str, Any] = {"self_trade": self_trade, "replace_policy": replace_policy, "price_unit": price_unit}
        rules |= {"phase": phase, "venue": venue, "profile": profile}
        sizes: dict[str, Any] = {"tick_size": tick_size, "lot_size": lot_size}
        band: dict[str, Any] = {"low_price": low_price, "high_price": high_price}
        instrument = Instrument(0, **rules, **sizes, **band)
        room: dict[str, Any] = {"capacity": capacity, "level_capacity": level_capacity}
        room |= {"owner_limit": owner_limit, "limits": limits, "refresh_limit": refresh_limit}
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
        owner: SupportsIndex = _ZERO,
        order_type: OrderType | int = _LIMIT,
        time_in_force: TimeInForce | int = _GTC,
        post_only: bool = False,
        self_trade: SelfTrade | int | None = None,
        timestamp: SupportsIndex = _ZERO,
        instructions: Instruction | int = _ZERO,
        trigger_price: SupportsIndex | None = None,
        display_quantity: SupportsIndex = _ZERO,
        expiry_ns: SupportsIndex = _ZERO,
        minimum_quantity: SupportsIndex = _ZERO,
        protection: SupportsIndex = _ZERO,
    ) -> Execution:
        """Add an order: it trades with what it crosses, and its time in force decides about the remainder.

        ``order_type``: an ``OrderType``; market, market-to-limit and stop orders ignore ``price``. ``time_in_force``: a
        ``TimeInForce``. ``post_only``: rest without trading, or raise WouldCross. ``instructions``: more bits of
        ``Instruction``. ``trigger_price``: ticks, of stop orders, which wait until a trade reaches it.
        ``display_quantity``: lots that an iceberg displays. ``expiry_ns``: when a GTD order ends. ``minimum_quantity``:
        lots that must trade at once, or the whole order is cancelled. ``protection``: the most ticks that a market
        order trades away from the best price, a stop order from its trigger price.

        >>> from pricetime import ASK, BID, OrderBook
        >>> book = OrderBook()
        >>> book.add_order(1, BID, 99, 5, order_type=OrderType.STOP_LIMIT, trigger_price=101).resting
        5
        >>> book.add_order(2, ASK, 101, 30, display_quantity=10).resting
        30
        >>> int(book.depth().asks["quantity"][0])
        10

        Returns an ``Execution``. Raises InvalidOrderId, InvalidSide, InvalidPrice, InvalidQuantity, InvalidOwner,
        InvalidOrderType, InvalidTimeInForce, InvalidInstruction, NotSupported (by the venue), InvalidSelfTrade,
        InvalidTimestamp, InvalidTriggerPrice, InvalidDisplayQuantity, InvalidMinimumQuantity, InvalidExpiry,
        InvalidProtection, InstrumentHalted, NotInPhase, NoReferencePrice, PriceOutsideBand, DuplicateOrderId,
        QuantityAboveLimit, PriceTooFar, TriggersAtOnce, WouldCross, OwnerOrdersFull, OrdersFull, RefreshesFull,
        LevelsFull and LevelQuantityFull. O(1), and O(1) for each order that it meets; O(log orders) for a GTD order.
        """
        number: u64 = self._order_id(order_id)
        side_: u32 = side_of(side)
        kind: u32 = order_type_of(order_type)
        tif: u32 = time_in_force_of(time_in_force)
        bits: u32 = POST_ONLY if post_only else 0
        if instructions is not _ZERO:
            bits |= instructions_of(instructions)
        if kind != LIMIT or tif != GTC or bits != 0:
            check_terms(self._book, kind, tif, bits)
        mode: u32 = 0 if self_trade is None else self_trade_of(self_trade)
        lots: u64 = self._lots(quantity)
        ticks: i64 = self._ticks(price) if kind == LIMIT or kind == STOP_LIMIT else 0
        owner_: u32 = 0 if owner is _ZERO else owner_of(owner)
        time_ns: u64 = 0 if timestamp is _ZERO else timestamp_of(timestamp)
        stops: cython.bint = kind == STOP or kind == STOP_LIMIT
        if (trigger_price is None) == stops:
            raise errors.InvalidTriggerPrice("a stop order has a trigger price, and no other order has one")
        trigger: i64 = trigger_price_of(trigger_price) if stops else 0
        display: u64 = 0
        expiry: u64 = 0
        minimum: u64 = 0
        points: u32 = 0
        extended: cython.bint = stops
        if display_quantity is not _ZERO or minimum_quantity is not _ZERO:
            display = part_of(display_quantity, errors.InvalidDisplayQuantity, "display quantity")
            minimum = part_of(minimum_quantity, errors.InvalidMinimumQuantity, "minimum quantity")
            extended = True
        if expiry_ns is not _ZERO or protection is not _ZERO:
            expiry = expiry_of(expiry_ns)
            points = protection_of(protection)
            extended = True
        c: cython.pointer[Command] = self._start(NEW_ORDER, number)
        try:
            c.side = side_
            c.order_type = kind
            c.time_in_force = tif
            c.instructions = bits
            c.flags = mode
            c.quantity = lots
            c.price = ticks
            c.owner = owner_
            c.timestamp = time_ns
            if extended:
                self._extend(trigger, display, expiry, points).minimum_quantity = minimum
                self._execute_extended()
            else:
                self._execute()
            return execution_of(self._books)
        finally:
            self._latch.leave()

    def match_order(
        self,
        order_id: SupportsIndex,
        side: Side | int,
        price: SupportsIndex,
        quantity: SupportsIndex,
        *,
        owner: SupportsIndex = _ZERO,
    ) -> Execution:
        """Add an order that trades with what it crosses and never rests (IOC). Returns an ``Execution``.

        Raises as ``add_order``. O(1), and O(1) for each order that it meets.
        """
        number: u64 = self._order_id(order_id)
        side_: u32 = side_of(side)
        lots: u64 = self._lots(quantity)
        ticks: i64 = self._ticks(price)
        owner_: u32 = 0 if owner is _ZERO else owner_of(owner)
        c: cython.pointer[Command] = self._start(NEW_ORDER, number)
        try:
            c.side = side_
            c.time_in_force = IOC
            c.quantity = lots
            c.price = ticks
            c.owner = owner_
            self._execute()
            return execution_of(self._books)
        finally:
            self._latch.leave()

    def cancel_order(self, order_id: SupportsIndex, *, owner: SupportsIndex | None = None) -> int:
        """Cancel an order that rests or waits. Returns the quantity that it had.

        ``owner``: if given, it must be the order's. Raises InvalidOrderId, InvalidOwner and UnknownOrder. O(1);
        O(log orders) for a GTD order.
        """
        number: u64 = self._order_id(order_id)
        owned: cython.bint = owner is not None
        owner_: u32 = owner_of(owner) if owned else 0
        self._start(CANCEL_ORDER, number)
        try:
            if owned:  # the owner is checked behind the phase
                self._refused(self._books.refuse_phase(self._book, CANCEL_ORDER))
                self._slot(number, True, owner_)
            self._execute()
            return self._books.reports[0].quantity
        finally:
            self._latch.leave()

    def reduce_order(self, order_id: SupportsIndex, by: SupportsIndex, *, owner: SupportsIndex | None = None) -> int:
        """Take ``by`` lots off an order, which keeps its place. Those that an iceberg hides go first.

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
        price: SupportsIndex | None,
        quantity: SupportsIndex,
        *,
        new_id: SupportsIndex | None = None,
        owner: SupportsIndex | None = None,
        trigger_price: SupportsIndex | None = None,
        display_quantity: SupportsIndex | None = None,
        expiry_ns: SupportsIndex | None = None,
        protection: SupportsIndex | None = None,
        timestamp: SupportsIndex = 0,
    ) -> Execution:
        """Give an order a new price, a new open quantity, and a new id if one is given.

        Returns an ``Execution``.

        The replace policy decides whether it keeps its place; otherwise it goes to the back of its level. If it
        crosses, it trades first, at the makers' prices. An order that names no price ignores ``price``. The fields
        ``trigger_price`` (of a stop order), ``display_quantity`` (of an iceberg), ``expiry_ns`` (of a GTD order, after
        ``timestamp``) and ``protection`` (of a stop order that has some) are as in ``add_order``; None keeps them. If
        the venue has ``replace_total``, the quantity counts what has traded: an order that has traded that much is
        cancelled (TRADED_MORE).

        Raises InvalidOrderId, InvalidPrice, InvalidQuantity, InvalidOwner, InvalidTimestamp, InstrumentHalted,
        NotInPhase, PriceOutsideBand, UnknownOrder, InvalidTriggerPrice, InvalidDisplayQuantity, InvalidExpiry,
        InvalidProtection, TriggersAtOnce, DuplicateOrderId, QuantityAboveLimit, PriceTooFar, WouldCross,
        RefreshesFull, LevelsFull and LevelQuantityFull. O(1), and O(1) for each order that it meets; O(log orders) for
        a GTD order.
        """
        number: u64 = self._order_id(order_id)
        renamed: cython.bint = new_id is not None
        new_number: u64 = order_id_of(new_id) if renamed else 0
        lots: u64 = self._lots(quantity)
        unpriced: cython.bint = self._book.ruled and self._is_unpriced(number)
        ticks: i64 = 0 if unpriced else self._ticks(price)
        owned: cython.bint = owner is not None
        owner_: u32 = owner_of(owner) if owned else 0
        time_ns: u64 = timestamp_of(timestamp)
        changes: cython.bint = (
            trigger_price is not None or display_quantity is not None or expiry_ns is not None or protection is not None
        )
        trigger: i64 = 0 if trigger_price is None else trigger_price_of(trigger_price)
        display: u64 = 0
        if display_quantity is not None:
            display = part_of(display_quantity, errors.InvalidDisplayQuantity, "display quantity")
        expiry: u64 = 0 if expiry_ns is None else expiry_of(expiry_ns)
        points: u32 = 0 if protection is None else protection_of(protection)
        c: cython.pointer[Command] = self._start(REPLACE_ORDER, number)
        try:
            c.quantity = lots
            c.price = ticks
            c.timestamp = 0 if expiry_ns is None else time_ns
            if unpriced:
                self._refused(self._books.refuse_phase(self._book, REPLACE_ORDER))
            else:
                self._refused(self._books.refuse_replace(self._book, ticks, lots))
            slot: u32 = self._slot(number, owned, owner_)
            if renamed:
                c.type = REPLACE_ORDER_AS
                c.owner = cython.cast(u32, new_number)
                c.tag = cython.cast(u32, new_number >> 32)
            if changes:
                self._extend(trigger, display, expiry, points)
                self._complete(slot, (trigger_price, display_quantity, expiry_ns, protection))
                self._execute_extended()
            else:
                self._execute()
            return execution_of(self._books)
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

    def explain(self, order_id: SupportsIndex) -> Explanation:
        """Explain why an open order does not trade: a ``pricetime.explanation.Explanation``; ``str`` gives its text.

        A book knows the present only: terms, open and hidden lots, the place in the queue, the ticks to the other side
        or to the trigger price, and what the order waits for. A replay of a journal also knows what happened before,
        and explains orders that are gone: ``pricetime.log.order_replay``. Raises InvalidOrderId, and UnknownOrder if
        the order neither rests nor waits. O(orders).
        """
        number: u64 = order_id_of(order_id)
        instrument = self._instrument()
        self._enter()
        try:
            records = self._shared._dump()
        finally:
            self._latch.leave()
        standing = standing_of(records, number, instrument.id, instrument.venue.stop_trigger)
        if standing is None:
            raise errors.UnknownOrder(f"no order {number} rests or waits: never added, or filled or cancelled")
        return present(standing, instrument.price_unit)

    def __reduce__(self) -> tuple[Any, ...]:
        if not self._whole_engine:
            raise TypeError("this book belongs to an engine: pickle or copy the engine")
        return _remake, self._shared.state()

    # ------------------------------------------------------------------ inside

    def _order_id(self, value: Any) -> u64:
        """The order id of a command. Raises ReadOnlyBook and InvalidOrderId.

        Prefetches its entry in the id table, which arrives while the other arguments are converted.
        """
        if self._shared.rebuilt:
            raise_read_only()
        number: u64 = order_id_of(value)
        prefetch(cython.address(self._book.ids[self._books._home_of(self._book, number)]))
        return number

    def _lots(self, value: Any) -> u64:
        """A quantity, which must be a multiple of the lot size. Raises InvalidQuantity."""
        quantity: u64 = quantity_of(value)
        if self._book.lot_size != 1 and quantity % self._book.lot_size != 0:
            raise errors.InvalidQuantity(f"quantity {quantity} is not a multiple of the lot size {self._book.lot_size}")
        return quantity

    def _is_unpriced(self, number: u64) -> cython.bint:
        """Is this an order that names no price?"""
        self._enter()
        try:
            slot: u32 = self._books.find(self._book, number)
            kind: u32 = self._books.cold[slot].order_type
            return slot != NIL and (kind == MARKET or kind == MARKET_TO_LIMIT or kind == STOP)
        finally:
            self._latch.leave()

    def _extend(
        self, trigger_price: i64, display_quantity: u64, expiry_ns: u64, protection: u32
    ) -> cython.pointer[OrderExtension]:
        """The extension of the command, with these fields. Only inside."""
        more: cython.pointer[OrderExtension] = cython.address(self._books.more[0])
        more.trigger_price = trigger_price
        more.display_quantity = display_quantity
        more.expiry_ns = expiry_ns
        more.minimum_quantity = 0
        more.protection = protection
        return more

    def _complete(self, slot: u32, given: tuple[Any, ...]) -> cython.int:
        """Complete the extension of a replace with the fields that do not change.

        ``given``: the fields as the caller gave them. One that the order cannot have becomes one that is rejected.
        """
        more: cython.pointer[OrderExtension] = cython.address(self._books.more[0])
        extra: cython.pointer[OrderExtra] = cython.address(self._books.extras[slot])
        kind: u32 = self._books.cold[slot].order_type
        trigger_price, display_quantity, expiry_ns, protection = given
        if trigger_price is None:
            more.trigger_price = extra.trigger_price
        elif kind != STOP and kind != STOP_LIMIT:
            more.trigger_price = 1
        if display_quantity is None:
            more.display_quantity = extra.display
        elif extra.display == 0:
            more.display_quantity = 1
        if expiry_ns is None:
            more.expiry_ns = extra.expiry_ns
        elif self._books.cold[slot].time_in_force != GTD:
            more.expiry_ns = 1
        if protection is None:
            more.protection = extra.protection
        elif kind != STOP:
            more.protection = 1
        return 0

    def _execute_extended(self) -> cython.int:
        """Execute the command with its extension. Raises the exception of its reason if it is rejected."""
        self._shared.execute_extended(self._book)
        return self._check_accepted()


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
