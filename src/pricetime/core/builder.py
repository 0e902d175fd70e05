# cython: nonecheck=True
"""``BookBuilder``: the books of an exchange, rebuilt from its reports without matching rules.

Each report is checked against the books before anything changes. A report that does not fit changes nothing and is
named in the error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, SupportsIndex

import cython
import numpy as np

from pricetime.checks import shown, whole
from pricetime.core.instrument import Instrument
from pricetime.core.order_book import OrderBook, book_of
from pricetime.core.shared_books import DEFAULT_CAPACITY, MAX_SEQ_NUM
from pricetime.core.snapshot import IndicativePrice, Snapshot
from pricetime.errors import (
    InvalidReports,
    InvalidSetting,
    LevelsFull,
    OrdersFull,
    ReportMismatch,
    SnapshotMismatch,
)
from pricetime.types import REPORT, Phase, ReportArray, Side
from pricetime.types import SNAPSHOT_ORDER as SNAPSHOT_ORDER_DTYPE

if not cython.compiled:  # the compiled form cimports them in builder.pxd
    from pricetime.core.check import check_books
    from pricetime.core.layout import *
    from pricetime.core.rebuilt import Rebuilt
    from pricetime.core.shared_books import SharedBooks, digest_of, enter
    from pricetime.core.snapshot_orders import clear_books, load_run, write_book
    from pricetime.native.arrays import Block, checked_records, records_of

#: Why a report does not fit.
FAULTS = {
    OUT_OF_SEQUENCE: "it does not follow report {last}",
    MALFORMED: "it is not an execution report of a known kind",
    UNKNOWN_INSTRUMENT: "its instrument is unknown",
    UNKNOWN_ORDER: "its order is not in the book",
    DUPLICATE_ORDER_ID: "its order id is in the book already",
    INVALID_SIDE: "its side is not that of the order",
    INVALID_PRICE: "its price is not that of the order",
    INVALID_QUANTITY: "its quantity does not fit the order",
    INVALID_PHASE: "its phase is unknown, or its instrument is in a phase in which this does not happen",
    WOULD_CROSS: "whether orders rest or take does not agree with the orders before it",
    COMMAND_GOES_ON: "the reports of the command before it are not complete",
    LEVEL_QUANTITY_FULL: "the quantities at its price would add up to 2**64 or more",
    ORDERS_FULL: "all order slots are in use: use a larger capacity",
    LEVELS_FULL: "all price levels are in use: use a larger level_capacity",
}
NO_ROOM = {ORDERS_FULL: OrdersFull, LEVELS_FULL: LevelsFull}

#: Price levels that ``prefault`` provides memory for: few books have more.
LEVELS_TAKEN = 1 << 14


@cython.final
@cython.cclass
class BookBuilder:
    """Books of many instruments, kept up to date by the reports of an exchange or engine.

    ``instruments``: ids or ``Instrument`` values, distinct; a snapshot replaces them. ``capacity``, ``level_capacity``:
    those of the engine that makes the reports. Raises InvalidSetting and MemoryError.

    Reports must come without a gap: the first has ``seq_num`` 1 or follows the loaded snapshot.

    Within a command the taker is kept outside the book: at each report the books equal those of the exchange at that
    point. ``in_progress`` says whether there is a taker.

    A builder and its books serve one call at a time: a second call meanwhile raises BookBusy.
    """

    if not cython.compiled:
        engine: Any = None  # a compiled class has its fields before they are set

    def __init__(
        self,
        instruments: Iterable[Instrument | int],
        *,
        capacity: SupportsIndex = DEFAULT_CAPACITY,
        level_capacity: SupportsIndex | None = None,
    ) -> None:
        wanted = [i if isinstance(i, Instrument) else Instrument(i) for i in instruments]
        engine: SharedBooks = empty_books(wanted, capacity, level_capacity)
        if self.engine is not None:
            raise TypeError("__init__ may run only once: make a new BookBuilder")
        self.latch = engine.latch
        self._use(engine)

    def _use(self, engine: SharedBooks) -> cython.int:
        """Replace the books by those of an engine, which shares the latch of the builder from now on."""
        engine.latch = self.latch
        self.rebuilt = Rebuilt(engine.books)
        self.engine = engine

    def enter(self) -> cython.int:
        """Enter the builder; the caller calls ``leave``. Raises BookBusy. O(1)."""
        return enter(self.latch)

    def leave(self) -> None:
        """Let other calls enter. O(1)."""
        self.latch.leave()

    # ------------------------------------------------------------------ reports

    def apply(self, reports: ReportArray) -> None:
        """Apply the next reports to the books.

        ``reports``: contiguous array of ``pricetime.REPORT``, shape (n,). Reports that answer one owner or the operator
        change nothing, and neither do those about orders that wait; of icebergs only what they display counts. Raises
        InvalidReports and BookBusy. Raises ReportMismatch, OrdersFull or LevelsFull at the first report that does not
        fit: the reports before it are applied, it and later ones are not. O(1) for each report; without the GIL.
        """
        reports = checked_records(reports, REPORT, "pricetime.REPORT", InvalidReports)
        count: u64 = len(reports)
        first: cython.pointer[Report] = cython.cast(cython.pointer[Report], records_of(reports))
        self.enter()
        try:
            rebuilt: Rebuilt = self.rebuilt
            done: i64
            with cython.nogil:
                done = rebuilt.apply_run(first, count)
            fault = rebuilt.fault
            last = rebuilt.books.seq_num
        finally:
            self.leave()
        if done < 0:
            raise misfit(first[-1 - done].seq_num, fault, last)

    def prefault(self, orders: SupportsIndex) -> None:
        """Use the memory of this many resting orders now, about 100 bytes each, so that no report waits for a page
        fault.

        The books do not change. O(orders), and O(capacity) for the ids. Raises InvalidSetting and BookBusy.
        """
        orders = whole(orders, 0, 1 << 32, InvalidSetting, "orders")
        self.enter()
        try:
            self.engine.books.prefault(orders, LEVELS_TAKEN)
        finally:
            self.leave()

    def apply_run(self, reports: cython.pointer[cython.const[Report]], count: u64) -> i64:
        """``apply`` for compiled callers that are inside: ``count``, or -1 - index of the report that does not fit."""
        return self.rebuilt.apply_run(reports, count)

    # ------------------------------------------------------------------ queries

    @property
    def seq_num(self) -> int:
        """Number of the last applied report, 0 before the first. O(1). Raises BookBusy."""
        self.enter()
        try:
            return self.rebuilt.books.seq_num
        finally:
            self.leave()

    @property
    def in_progress(self) -> bool:
        """Is the last command unfinished? O(1). Raises BookBusy.

        True while the taker of a new order or a replace has reports to come: until it is gone or rests. A mass cancel
        has no taker.
        """
        self.enter()
        try:
            return self.rebuilt.taking != cython.NULL
        finally:
            self.leave()

    @property
    def instruments(self) -> dict[int, Instrument]:
        """The instruments by id, each with its current phase. O(instruments). Raises BookBusy."""
        self.enter()
        try:
            known = self._known()
        finally:
            self.leave()
        return {instrument.id: instrument for instrument in in_their_phases(known)}

    def _known(self) -> list[tuple[Instrument, int]]:
        """The instruments in the order of their ids, each with the number of its phase."""
        known: list[Any] = []
        for number in sorted(self.engine._instruments):
            book: cython.pointer[Book] = self.rebuilt.books.book_of(number)
            known.append((self.engine._instruments[number], book.phase))
        return known

    def auction(self, instrument: SupportsIndex) -> IndicativePrice | None:
        """Where the last auction of an instrument would trade, or traded: the last report about it; None before one.

        Raises UnknownInstrument and BookBusy. O(1).
        """
        self.enter()
        try:
            number = self.engine.known(instrument)
            return self._auction(number)
        finally:
            self.leave()

    def _auction(self, number: Any) -> Any:
        """The last report about an auction of an instrument, None before one."""
        found: cython.pointer[Indication] = cython.address(self.rebuilt.books.book_of(number).venue.indication)
        if found.kind == 0:
            return None
        side = Side(found.side) if found.side != 0 else None
        price = found.price if found.priced else None
        return IndicativePrice(price, found.quantity, found.surplus, side, found.kind == UNCROSSED)

    def _set_auction(self, number: Any, known: Any) -> cython.int:
        """Set what ``_auction`` returns; ``known`` is checked."""
        kept: cython.pointer[Indication] = cython.address(self.rebuilt.books.book_of(number).venue.indication)
        price, quantity, surplus, side, final = known
        kept.price = 0 if price is None else price
        kept.priced = price is not None
        kept.quantity = quantity
        kept.surplus = surplus
        kept.side = 0 if side is None else side
        kept.kind = UNCROSSED if final else INDICATIVE
        return 0

    def book(self, instrument: SupportsIndex) -> OrderBook:
        """The book of one instrument as an ``OrderBook`` that accepts no commands, not a copy.

        If a snapshot with different instruments is loaded, this book stays empty: get it again. Raises
        UnknownInstrument and BookBusy. O(1).
        """
        self.enter()
        try:
            engine: SharedBooks = self.engine
        finally:
            self.leave()
        return book_of(engine, instrument)

    def digest(self) -> int:
        """A u64 over all books. After a complete command it equals ``Engine.digest``. O(orders). Raises BookBusy."""
        self.enter()
        try:
            return digest_of(self.rebuilt.books, self.engine._instruments)
        finally:
            self.leave()

    def check(self) -> None:
        """Check every invariant of the data structure; AssertionError names a broken one. O(n). Raises BookBusy."""
        self.enter()
        try:
            check_books(self.rebuilt.books)
        finally:
            self.leave()

    def __len__(self) -> int:
        """Resting orders over all books."""
        self.enter()
        try:
            return self.rebuilt.books.order_count
        finally:
            self.leave()

    def __bool__(self) -> bool:
        return True  # also without orders

    def __repr__(self) -> str:
        return (
            f"<pricetime.BookBuilder: {len(self.instruments)} instruments, {len(self)} orders, report {self.seq_num}>"
        )

    # ------------------------------------------------------------------ snapshots

    def snapshot(self) -> Snapshot:
        """Return all books as a ``Snapshot``. O(orders). Raises BookBusy and MemoryError."""
        self.enter()
        try:
            block: Block = Block(
                (self.rebuilt.books.order_count + 2) * cython.sizeof(SnapshotOrder)
            )  # the taker; never 0
            first: cython.pointer[SnapshotOrder] = cython.cast(cython.pointer[SnapshotOrder], block.memory)
            rebuilt: Rebuilt = self.rebuilt
            known = self._known()
            count: u64 = 0
            for instrument, _ in known:
                book: cython.pointer[Book] = self.rebuilt.books.book_of(instrument.id)
                with cython.nogil:
                    count = write_book(rebuilt, book, first, count)
            orders = block.array(SNAPSHOT_ORDER_DTYPE, count)
            seq_num = self.rebuilt.books.seq_num
            digest = digest_of(self.rebuilt.books, self.engine._instruments)
            auctions = tuple([self._auction(instrument.id) for instrument, _ in known])
        finally:
            self.leave()
        told = auctions if any(auctions) else ()
        return Snapshot(seq_num, in_their_phases(known), orders, digest, auctions=told)

    def load_snapshot(self, snapshot: Snapshot) -> None:
        """Replace the books by those of a ``Snapshot``. The next report must follow its ``seq_num``.

        Raises BookBusy, InvalidReports, InvalidSetting and OrdersFull with nothing changed; and SnapshotMismatch,
        LevelsFull and MemoryError, which leave the builder empty. O(orders).
        """
        name = "pricetime.types.SNAPSHOT_ORDER"
        orders = checked_records(snapshot.orders, SNAPSHOT_ORDER_DTYPE, name, InvalidReports)
        seq_num = whole(snapshot.seq_num, 0, MAX_SEQ_NUM, InvalidSetting, "seq_num")
        resting = np.count_nonzero((orders["taking"] == RESTS) | (orders["taking"] == UNPRICED))
        _, capacity, level_capacity, *_ = self.engine._settings
        if resting > capacity:
            raise OrdersFull(f"{resting} orders in a snapshot, room for {capacity}: use a larger capacity")
        known = checked_instruments(snapshot.instruments)
        first: cython.pointer[SnapshotOrder] = cython.cast(cython.pointer[SnapshotOrder], records_of(orders))
        phases = [(number, int(instrument.phase)) for number, instrument in known.items()]
        digest = snapshot.digest
        auctions = checked_auctions(snapshot)
        self.enter()
        try:
            self._empty()
            if known.keys() != self.engine._instruments.keys():
                self._use(empty_books(known.values(), capacity, level_capacity))
            self.engine._instruments = known
            for number, phase in phases:
                book: cython.pointer[Book] = self.rebuilt.books.book_of(number)
                self.rebuilt.begin_phase(book, phase)
            self._load(first, len(orders), seq_num, digest)
            for number, auction in auctions:
                self._set_auction(number, auction)
        finally:
            self.leave()

    def _load(
        self, first: cython.pointer[cython.const[SnapshotOrder]], count: u64, seq_num: u64, digest: Any
    ) -> cython.int:
        """Load the orders of a snapshot into empty books; after an exception they are empty again."""
        rebuilt: Rebuilt = self.rebuilt
        done: i64
        with cython.nogil:
            done = load_run(rebuilt, first, count)
        if done >= 0 and digest_of(rebuilt.books, self.engine._instruments) == digest:
            rebuilt.books.seq_num = seq_num
            return 0
        self._empty()
        if done >= 0:
            why = f"the digest of its orders is not {digest}"
        else:
            why = f"order {first[-1 - done].order_id}: {FAULTS[rebuilt.fault]}"
            if rebuilt.fault in NO_ROOM:
                raise NO_ROOM[rebuilt.fault](why)
        raise SnapshotMismatch(f"the snapshot of report {seq_num} is wrong: {why}. Get a new snapshot")

    def _empty(self) -> None:
        """Remove all orders and set ``seq_num`` to 0."""
        rebuilt: Rebuilt = self.rebuilt
        with cython.nogil:
            clear_books(rebuilt)

    def __reduce__(self) -> tuple[Any, ...]:
        _, capacity, level_capacity, *_ = self.engine._settings
        return _remake, (capacity, level_capacity, self.snapshot())


def misfit(seq_num: u64, fault: u32, last: u64) -> Any:
    """The error for a report that does not fit the books after report ``last``."""
    message = f"report {seq_num} does not fit the books: {FAULTS[fault]}"
    if fault in NO_ROOM:
        return NO_ROOM[fault](message)
    return ReportMismatch(message.format(last=last), seq_num)


def empty_books(instruments: Any, capacity: Any, level_capacity: Any) -> SharedBooks:
    """An engine without limits, for reports."""
    free = {"order_limit": None, "low_price": None, "high_price": None}
    unlimited = [replace(instrument, **free) for instrument in instruments]
    engine: SharedBooks = SharedBooks(unlimited, capacity=capacity, level_capacity=level_capacity)
    engine.rebuilt = True
    return engine


def checked_instruments(instruments: Any) -> dict[Any, Any]:
    """The instruments of a snapshot by id, without their order limits. Raises InvalidSetting."""
    known = {}
    for instrument in instruments:
        if not isinstance(instrument, Instrument):
            raise InvalidSetting(f"{shown(instrument)} is not an Instrument")
        if instrument.id in known:
            raise InvalidSetting(f"instrument {instrument.id} is in the snapshot twice")
        known[instrument.id] = replace(instrument, order_limit=None)
    if not known:
        raise InvalidSetting("a snapshot has at least one instrument")
    return known


def checked_auctions(snapshot: Any) -> list[Any]:
    """The auctions of a snapshot, each with the id of its instrument. Raises InvalidSetting."""
    found = []
    if snapshot.auctions and len(snapshot.auctions) != len(snapshot.instruments):
        raise InvalidSetting(
            f"{len(snapshot.auctions)} auctions of {len(snapshot.instruments)} instruments in a snapshot"
        )
    for instrument, auction in zip(snapshot.instruments, snapshot.auctions, strict=False):
        if auction is not None:
            price, quantity, surplus, side, final = auction
            if price is not None:
                price = whole(price, -(1 << 63), (1 << 63) - 1, InvalidSetting, "auction price")
            quantity = whole(quantity, 0, (1 << 64) - 1, InvalidSetting, "auction quantity")
            surplus = whole(surplus, 0, (1 << 64) - 1, InvalidSetting, "surplus of an auction")
            found.append((instrument.id, (price, quantity, surplus, side, final)))
    return found


def in_their_phases(known: Any) -> tuple[Any, ...]:
    """Instruments with the phases that stand beside them."""
    return tuple(replace(instrument, phase=Phase(phase)) for instrument, phase in known)


def _remake(capacity: int, level_capacity: int, snapshot: Snapshot) -> BookBuilder:
    """Make a builder from its pickled state."""
    builder = BookBuilder(snapshot.instruments, capacity=capacity, level_capacity=level_capacity)
    builder.load_snapshot(snapshot)
    return builder
