# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, nonecheck=True
"""The books of an exchange rebuilt from its reports, order by order and without a rule of matching.

A report enters an order or takes lots from it. What a report says is held against the books before anything is
changed: one that does not fit changes nothing and is named.
"""

from __future__ import annotations

from dataclasses import replace

import cython
import numpy as np

from pricetime.checks import whole
from pricetime.core.engine import DEFAULT_CAPACITY, MAX_CAPACITY
from pricetime.core.instrument import Instrument
from pricetime.core.snapshot import Snapshot
from pricetime.errors import (
    InvalidReports,
    InvalidSetting,
    LevelsFull,
    OrdersFull,
    ReportMismatch,
    SnapshotMismatch,
)
from pricetime.types import REPORT, InstrumentState
from pricetime.types import SNAPSHOT_ORDER as SNAPSHOT_ORDER_DTYPE

if not cython.compiled:  # the compiled form has them from builder.pxd
    from pricetime.core.check import check_books
    from pricetime.core.engine import Engine, digest_of
    from pricetime.core.layout import *
    from pricetime.core.rebuilt import Rebuilt
    from pricetime.native.arrays import Block, records_of

#: What is wrong with a report that does not fit.
FAULTS = {
    OUT_OF_SEQUENCE: "it does not follow report {last}",
    MALFORMED: "it is no execution report of a known kind",
    UNKNOWN_INSTRUMENT: "its instrument is unknown",
    UNKNOWN_ORDER: "its order is not in the book",
    DUPLICATE_ORDER_ID: "its order id is in the book already",
    INVALID_SIDE: "its side is not that of the order",
    INVALID_PRICE: "its price is not that of the order",
    INVALID_QUANTITY: "its quantity is not one that the order has",
    INVALID_STATE: "it changes to an unknown state",
    WOULD_CROSS: "the command before it has left a crossed book",
    ORDERS_FULL: "there is no room for another order: use a larger capacity",
    LEVELS_FULL: "there is no room for another price level: use a larger level_capacity",
}
NO_ROOM = {ORDERS_FULL: OrdersFull, LEVELS_FULL: LevelsFull}

#: Price levels that memory is taken up for at once: few books have more.
LEVELS_TAKEN = 1 << 14


@cython.final
@cython.cclass
class BookBuilder:
    """Books of many instruments, kept up to date by the reports of whoever matches.

    ``instruments``: ids or ``Instrument`` values, distinct; those of a snapshot take their place. ``capacity`` and
    ``level_capacity``: as of the engine that makes the reports. Raises InvalidSetting and MemoryError.

    Reports come without a gap: the first has ``seq_num`` 1, or follows the snapshot that was loaded. One thread at a
    time may be inside, else BookBusy is raised.
    """

    if not cython.compiled:
        engine = None  # as compiled, where a field is there before it is set

    def __init__(self, instruments, *, capacity=DEFAULT_CAPACITY, level_capacity=None):
        if self.engine is not None:
            raise TypeError("a builder is made once: its books may be in use")
        self._capacity = whole(capacity, 1, MAX_CAPACITY - 1, InvalidSetting, "capacity")
        level_capacity = self._capacity if level_capacity is None else level_capacity
        self._level_capacity = whole(level_capacity, 1, MAX_CAPACITY - 1, InvalidSetting, "level capacity")
        self._open([i if isinstance(i, Instrument) else Instrument(i) for i in instruments])

    def _open(self, instruments):
        """Empty books. A taker that may not rest is there until its command ends: room for one more than there is.

        A market order among them is there at price 0, which may be outside the band.
        """
        free = {"order_limit": None, "low_price": None, "high_price": None}
        unlimited = [replace(instrument, **free) for instrument in instruments]
        engine: Engine = Engine(unlimited, capacity=self._capacity + 1, level_capacity=self._level_capacity + 1)
        engine.rebuilt = True
        self.rebuilt = Rebuilt(engine.books)
        self.engine = engine

    # ------------------------------------------------------------------ reports

    def apply(self, reports):
        """Bring the books up to date with the reports that follow those applied before.

        ``reports``: contiguous array of ``pricetime.REPORT``, shape (n,). Rejected and mass-cancelled reports change
        nothing. Raises InvalidReports and BookBusy; and at the first report that does not fit ReportMismatch, or
        OrdersFull or LevelsFull: those before it are applied, it and those behind it are not. O(1) for each report;
        without the GIL.
        """
        reports = checked_records(reports, REPORT, "pricetime.REPORT")
        count: u64 = len(reports)
        self.engine.enter()
        try:
            first: cython.pointer[Report] = cython.cast(cython.pointer[Report], records_of(reports))
            rebuilt: Rebuilt = self.rebuilt
            done: i64
            with cython.nogil:
                done = rebuilt.apply_run(first, count)
            if done < 0:
                raise self._misfit(int(reports["seq_num"][-1 - done]))
        finally:
            self.engine.leave()

    def take_memory(self, orders):
        """Take up the memory that so many resting orders need, some 100 bytes each, so that no report waits for it.

        What is in it stays. O(orders), and O(capacity) for the ids. Raises InvalidSetting.
        """
        self.engine.books.take_memory(whole(orders, 0, 1 << 32, InvalidSetting, "orders"), LEVELS_TAKEN)

    def _misfit(self, seq_num):
        """The error that says why a report does not fit."""
        message = f"report {seq_num} does not fit the books: {FAULTS[self.rebuilt.fault]}"
        if self.rebuilt.fault in NO_ROOM:
            return NO_ROOM[self.rebuilt.fault](message)
        return ReportMismatch(message.format(last=self.rebuilt.books.seq_num), seq_num)

    def apply_run(self, reports, count):
        """The same for compiled callers, alone inside: ``count``, or -1 - index of the one that does not fit."""
        return self.rebuilt.apply_run(reports, count)

    # ------------------------------------------------------------------ questions

    @property
    def seq_num(self):
        """Of the last report that was applied; 0 before the first. O(1)."""
        return self.rebuilt.books.seq_num

    @property
    def crossed(self):
        """Is a book crossed? Then the reports of the last command go on: a taker is in its book until they end.

        O(1).
        """
        return self.rebuilt.crossing != NIL

    @property
    def instruments(self):
        """The instruments by id, each with the state that it is in. O(instruments)."""
        return {instrument.id: instrument for instrument in self._instruments()}

    def _instruments(self):
        found: list = []
        for number, instrument in sorted(self.engine._instruments.items()):
            book: cython.pointer[Book] = self.rebuilt.books.book_of(number)
            found.append(replace(instrument, state=InstrumentState(book.state)))
        return found

    def book(self, instrument):
        """The book of one instrument, as an ``OrderBook`` that takes no commands: the builder's own, not a copy.

        A snapshot with other instruments puts new books in its place, and leaves it empty. Raises UnknownInstrument.
        O(1).
        """
        return self.engine.book(instrument)

    def digest(self):
        """A u64 over all books: what ``Engine.digest`` is after the same reports. O(orders). Raises BookBusy."""
        return self.engine.digest()

    def check(self):
        """Hold every invariant against the state; AssertionError names what is broken. O(n). Raises BookBusy.

        In the middle of a command the book that the command is about may be crossed, and no other.
        """
        self.engine.enter()
        try:
            check_books(self.rebuilt.books, self.rebuilt.crossing)
        finally:
            self.engine.leave()

    def __len__(self):
        """Orders in the books."""
        return self.rebuilt.books.order_count

    def __repr__(self):
        return (
            f"<pricetime.BookBuilder: {len(self.instruments)} instruments, {len(self)} orders, report {self.seq_num}>"
        )

    # ------------------------------------------------------------------ snapshots

    def snapshot(self):
        """All books at this moment, as a ``Snapshot``. O(orders). Raises BookBusy and MemoryError."""
        self.engine.enter()
        try:
            block: Block = Block((self.rebuilt.books.order_count + 1) * cython.sizeof(SnapshotOrder))
            orders: cython.pointer[SnapshotOrder] = cython.cast(cython.pointer[SnapshotOrder], block.memory)
            instruments = self._instruments()
            rebuilt: Rebuilt = self.rebuilt
            count: u64 = 0
            for instrument in instruments:
                book: cython.pointer[Book] = self.rebuilt.books.book_of(instrument.id)
                with cython.nogil:
                    count = rebuilt.write_book(book, orders, count)
            digest = digest_of(self.rebuilt.books, self.engine._instruments)
            return Snapshot(
                self.rebuilt.books.seq_num, tuple(instruments), block.array(SNAPSHOT_ORDER_DTYPE, count), digest
            )
        finally:
            self.engine.leave()

    def load_snapshot(self, snapshot):
        """Put the books of a ``Snapshot`` in the place of these: the reports behind its ``seq_num`` come next.

        Raises BookBusy, InvalidReports and OrdersFull with nothing changed; and SnapshotMismatch, LevelsFull,
        InvalidSetting and MemoryError, which leave no order and no report. O(orders).
        """
        orders = checked_records(snapshot.orders, SNAPSHOT_ORDER_DTYPE, "pricetime.types.SNAPSHOT_ORDER")
        if len(orders) > self.rebuilt.books.capacity:
            raise OrdersFull(f"{len(orders)} orders in a snapshot, room for {self._capacity}: use a larger capacity")
        self._empty()
        self._set_instruments(snapshot.instruments)
        self.engine.enter()
        try:
            first: cython.pointer[SnapshotOrder] = cython.cast(cython.pointer[SnapshotOrder], records_of(orders))
            count: u64 = len(orders)
            rebuilt: Rebuilt = self.rebuilt
            done: i64
            with cython.nogil:
                done = rebuilt.load_run(first, count)
            if done < 0:
                why = f"order {int(orders['order_id'][-1 - done])}: {FAULTS[self.rebuilt.fault]}"
                if self.rebuilt.fault in NO_ROOM:
                    rebuilt.clear()
                    raise NO_ROOM[self.rebuilt.fault](why)
            elif rebuilt.watch_all() > 1:
                why = "several books are crossed"
            elif digest_of(self.rebuilt.books, self.engine._instruments) != snapshot.digest:
                why = f"the digest of its orders is not {snapshot.digest}"
            else:
                self.rebuilt.books.seq_num = snapshot.seq_num
                return
            rebuilt.clear()
            raise SnapshotMismatch(f"the snapshot of report {snapshot.seq_num} is wrong: {why}. Ask for another")
        finally:
            self.engine.leave()

    def _empty(self):
        """No order and no report, until a snapshot is loaded whole. Who looks at a book sees none, too."""
        self.engine.enter()
        try:
            rebuilt: Rebuilt = self.rebuilt
            with cython.nogil:
                rebuilt.clear()
        finally:
            self.engine.leave()

    def _set_instruments(self, instruments):
        """New books when they are other instruments, else the same books with what is known of them now."""
        if {instrument.id for instrument in instruments} != set(self.engine._instruments):
            self._open(instruments)
            return
        self.engine._instruments = {instrument.id: replace(instrument, order_limit=None) for instrument in instruments}
        for instrument in instruments:
            book: cython.pointer[Book] = self.rebuilt.books.book_of(instrument.id)
            book.state = instrument.state

    def __reduce__(self):
        return _remake, (self._capacity, self._level_capacity, self.snapshot())


def checked_records(records, dtype, name):
    """An array of records, free of what a subclass makes of it. Raises InvalidReports unless it is one."""
    if not isinstance(records, np.ndarray):
        raise InvalidReports(f"{type(records).__name__} is not a NumPy array: give one of dtype {name}")
    records = np.asarray(records)
    if records.dtype != dtype or records.ndim != 1 or not records.flags.c_contiguous:
        raise InvalidReports(
            f"dtype {records.dtype}, shape {records.shape}, strides {records.strides}: give a contiguous array of one "
            f"dimension of {name} (numpy.ascontiguousarray makes one)"
        )
    return records


def _remake(capacity, level_capacity, snapshot):
    """A builder in the state that it was pickled or copied in."""
    builder = BookBuilder(snapshot.instruments, capacity=capacity, level_capacity=level_capacity)
    builder.load_snapshot(snapshot)
    return builder
