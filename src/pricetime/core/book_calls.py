# cython: nonecheck=True
"""``BookCalls``: the calls about a whole book that takes commands: phases, auctions, expiry, prices."""

from __future__ import annotations

from typing import Any, SupportsIndex

import cython

from pricetime import checks, errors
from pricetime.auctions import AuctionPrice
from pricetime.core.book_view import BookView
from pricetime.types import Phase, PriceKind, Side

if not cython.compiled:  # the compiled form cimports them in book_calls.pxd
    from pricetime.core.arguments import price_of, side_of, timestamp_of
    from pricetime.core.call import Calls
    from pricetime.core.layout import *
    from pricetime.core.rejections import refuse
    from pricetime.core.shared_books import owner_with_orders
    from pricetime.native.integers import u128


@cython.cclass
class BookCalls(BookView):
    """A book that takes commands. ``OrderBook`` adds those about one order."""

    # ------------------------------------------------------------------ commands

    def mass_cancel(self, owner: SupportsIndex, *, side: Side | int | None = None) -> int:
        """Cancel the orders of an owner, resting and waiting ones, oldest first. Returns how many it cancelled.

        ``owner``: 1 to 2**32 - 1. ``side``: only orders of this side; None for both. Raises InvalidOwner, InvalidSide,
        and MassCancelUnfinished while a mass cancel that ``apply`` executes in parts is unfinished. O(orders of the
        owner).
        """
        self._takes_commands()
        side_: u32 = 0 if side is None else side_of(side)
        owner_: u32 = owner_with_orders(owner)
        return self._shared.cancel_orders_of(owner_, self._book.instrument, side_)

    def set_phase(self, phase: Phase | int) -> None:
        """Begin a phase, such as ``Phase.HALTED``, in which only cancels and reduces are accepted.

        ``phase``: a ``Phase``. Orders for the opening or closing auction join when it begins. Raises InvalidPhase, and
        MustUncross if orders were collected and would match in this phase: ``uncross`` begins it. O(1), O(log orders)
        for each order that joins, and O(1) for each trade of the stop orders that it triggers.
        """
        self._takes_commands()
        new: u32 = checks.phase(phase)
        c: cython.pointer[Command] = self._start(SET_PHASE, 0)
        try:
            c.flags = new
            self._execute()
        finally:
            self._latch.leave()

    def uncross(self, phase: Phase | int = Phase.CONTINUOUS) -> AuctionPrice | None:
        """End a call phase with its auction: all that can trade does at one price. Then ``phase`` begins.

        Returns where it traded as a ``pricetime.AuctionPrice``, None if no two orders could. Orders that were for this
        auction only and market orders are cancelled; a market-to-limit order rests at the auction price.

        >>> from pricetime import ASK, BID, OrderBook
        >>> book = OrderBook()
        >>> book.set_phase(Phase.OPENING_AUCTION)
        >>> _ = book.add_order(1, BID, 102, 5), book.add_order(2, ASK, 100, 3)
        >>> book.indicative() == book.uncross() == AuctionPrice(price=102, volume=3, surplus=2)
        True

        Raises NotInPhase unless orders are collected, and InvalidPhase. O(levels of the book), and O(log orders) for
        each trade.
        """
        self._takes_commands()
        next_phase: u32 = checks.phase(phase)
        c: cython.pointer[Command] = self._start(UNCROSS, 0)
        try:
            c.flags = next_phase
            self._execute()
            return self._auction_price()
        finally:
            self._latch.leave()

    def expire(self, now_ns: SupportsIndex, *, limit: SupportsIndex = 0) -> int:
        """End the orders that have expired, at most ``limit`` of them, all for 0. Returns how many it ended.

        ``now_ns``: GTD orders with an expiry time up to this end, by expiry time and entry. In phase CLOSED then DAY
        orders end too, by entry. With a limit, call it again until it ends fewer orders than that. Raises
        InvalidTimestamp, and InvalidSetting for a limit that is not from 0 to 2**32 - 1. O(log orders) for each.
        """
        self._takes_commands()
        time_ns: u64 = timestamp_of(now_ns)
        most: u32 = checks.whole(limit, 0, 2**32 - 1, errors.InvalidSetting, "limit")
        c: cython.pointer[Command] = self._start(EXPIRE, 0)
        try:
            c.quantity = time_ns
            c.tag = most
            self._execute()
            return self._ended()
        finally:
            self._latch.leave()

    def set_price(self, kind: PriceKind | int, price: SupportsIndex) -> None:
        """Set one price of the instrument, in ticks: the reference price, the last price, or an end of the price band.

        ``kind``: a ``PriceKind``. Orders that rest outside a new band stay. A last price triggers stop orders as a
        trade does. Raises InvalidSetting, and InvalidPrice, also if the lowest price would be above the highest. O(1).
        """
        self._takes_commands()
        which: u32 = checks.member(PriceKind, kind, errors.InvalidSetting, "price kind")
        ticks: i64 = self._ticks(price)
        c: cython.pointer[Command] = self._start(SET_PRICE, 0)
        try:
            c.flags = which
            c.price = ticks
            self._execute()
        finally:
            self._latch.leave()

    # ------------------------------------------------------------------ queries

    def indicative(self) -> AuctionPrice | None:
        """Where an auction would trade now, as a ``pricetime.AuctionPrice``; None if no two orders could.

        It makes no report. O(levels of the book), and O(orders) for the stop orders that would take part.
        """
        self._takes_commands()
        self._enter()
        try:
            rules: Calls = cython.cast(Calls, self._books.rules)
            rules.find_price(self._books, self._book)
            return self._auction_price()
        finally:
            self._latch.leave()

    @property
    def reference_price(self) -> int | None:
        """The reference price in ticks: the last auction's, or the one that was set; None before both. O(1)."""
        self._enter()
        try:
            return self._book.venue.reference if self._book.venue.has_reference else None
        finally:
            self._latch.leave()

    @property
    def last_price(self) -> int | None:
        """The price of the last trade in ticks, or the one that was set; None before the first trade. O(1)."""
        self._enter()
        try:
            return self._book.last_price if self._book.has_last else None
        finally:
            self._latch.leave()

    # ------------------------------------------------------------------ inside

    # Arguments are converted before the book is entered, because that may run Python code, and so a signal handler.

    def _takes_commands(self) -> cython.int:
        """Raises ReadOnlyBook."""
        if self._shared.rebuilt:
            raise_read_only()
        return 0

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
        return self._check_accepted()

    def _check_accepted(self) -> cython.int:
        """Raises the exception of the reason if the command was rejected."""
        if self._books.reports[0].kind == REJECTED:
            self._books.seq_num -= 1  # this report is not returned
            self._refused(self._books.reports[0].reason)
        return 0

    def _refused(self, reason: u32) -> cython.int:
        """Raise the exception of a reason other than NONE."""
        return refuse(self._books, self._book, self._shared.command, reason)

    def _ended(self) -> Any:
        """How many orders the last command ended. The stop orders that it triggered are reported behind."""
        i: u64 = 0
        while self._books.reports[i].kind != EXPIRY_DONE:
            i += 1
        return self._books.reports[i].quantity

    def _auction_price(self) -> Any:
        """What the rules found."""
        rules: Calls = cython.cast(Calls, self._books.rules)
        if not rules.found:
            return None
        surplus = _wide(rules.surplus)
        if rules.surplus_side == ASK:
            surplus = -surplus
        # as AuctionPrice(...), without Python code
        return tuple.__new__(AuctionPrice, (rules.price, _wide(rules.volume), surplus))


def raise_read_only() -> cython.int:
    raise errors.ReadOnlyBook("this book is rebuilt from reports and accepts no commands")


def _wide(lots: u128) -> Any:
    """A number of lots as a Python int."""
    high: u64 = cython.cast(u64, lots >> 64)
    low: u64 = cython.cast(u64, lots)
    number: Any = high
    return (number << 64) + low
