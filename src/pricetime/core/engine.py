# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, nonecheck=True
"""Many books behind one ``apply``: commands in, reports out, both arrays of records."""

from __future__ import annotations

import cython
import numpy as np

from pricetime.checks import shown, whole
from pricetime.core.instrument import Instrument
from pricetime.errors import BookBusy, InvalidCommands, InvalidSetting
from pricetime.native.spread import id_multiplier
from pricetime.types import COMMAND, REPORT

if not cython.compiled:  # the compiled form has them from engine.pxd
    from pricetime.core.book import Books, key_of, mix
    from pricetime.core.check import check_books
    from pricetime.core.layout import *
    from pricetime.native.arrays import Block, records_of
    from pricetime.native.latch import Latch

DEFAULT_CAPACITY = 1 << 20
MAX_CAPACITY = 1 << 31

#: A report block that grew beyond this goes with the array it was lent to, and is not kept for the next call.
KEPT_BLOCK_BYTES = 64 << 20


@cython.final
@cython.cclass
class Engine:
    """Books of many instruments over one pool of orders.

    ``instruments``: ``Instrument`` values with distinct ids. ``capacity``: the most orders that rest at once, over
    all books; 64 bytes each, reserved now and taken up as they are used. ``level_capacity``: the most price
    levels, by default as many as orders. Raises InvalidSetting and MemoryError.

    An engine serves one thread at a time: a call while another thread is inside raises BookBusy. ``apply`` runs
    without the GIL.
    """

    if not cython.compiled:
        _settings = None  # as compiled, where a field is there before it is set
        rebuilt = False

    def __init__(self, instruments, *, capacity=DEFAULT_CAPACITY, level_capacity=None):
        capacity = whole(capacity, 1, MAX_CAPACITY, InvalidSetting, "capacity")
        level_capacity = capacity if level_capacity is None else level_capacity
        level_capacity = whole(level_capacity, 1, MAX_CAPACITY, InvalidSetting, "level capacity")
        if self._settings is not None:
            raise TypeError("an engine is made once: its books may be in use")
        instruments = tuple(instruments)
        for instrument in instruments:
            if not isinstance(instrument, Instrument):
                raise InvalidSetting(f"{shown(instrument)} is not an Instrument")
        self._instruments = {instrument.id: instrument for instrument in instruments}
        if not self._instruments or len(self._instruments) != len(instruments):
            raise InvalidSetting("an engine needs at least one instrument, and each id only once")
        self.books = Books(instruments, capacity, level_capacity, id_multiplier())
        self.block = self.spare = None
        self.latch = Latch()
        self._settings = (instruments, capacity, level_capacity)

    @property
    def instruments(self):
        """The instruments, by id."""
        return dict(self._instruments)

    def apply(self, commands):
        """Execute commands in order: the reports they make.

        ``commands``: contiguous array of ``pricetime.COMMAND``, shape (n,); returns an array of
        ``pricetime.REPORT``. A command that is refused makes a rejected report with the reason and changes
        nothing. Neither array is copied: other threads must leave ``commands`` alone meanwhile. Raises
        InvalidCommands, BookBusy and MemoryError, each before anything is executed.
        """
        commands = checked(commands)
        count: u64 = len(commands)
        self.enter()
        try:
            self.make_room(count)
            books: Books = self.books
            first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
            with cython.nogil:
                books.run(first, count)
            return self.take_reports()
        finally:
            self.leave()

    def book(self, instrument):
        """The book of one instrument, as an ``OrderBook``: the engine's own, not a copy. Raises UnknownInstrument."""
        from pricetime.core.order_book import book_of

        return book_of(self, instrument)

    def digest(self):
        """A u64 over all books, in the order of their instrument ids: see ``OrderBook.digest``."""
        self.enter()
        try:
            return digest_of(self.books, self._instruments)
        finally:
            self.leave()

    def check(self):
        """Hold every invariant of the structure against its state; AssertionError names what is broken. O(n)."""
        self.enter()
        try:
            check_books(self.books, NIL)
        finally:
            self.leave()

    def __len__(self):
        """Orders resting, over all books."""
        self.enter()
        try:
            return self.books.order_count
        finally:
            self.leave()

    def __repr__(self):
        return f"<pricetime.Engine: {len(self._instruments)} instruments, {len(self)} orders>"

    def commands(self):
        """The commands that make this state anew, as an array of ``pricetime.COMMAND``: see ``OrderBook.commands``."""
        self.enter()
        try:
            return resting_commands(self.books, sorted(self._instruments))
        finally:
            self.leave()

    def __reduce__(self):
        self.enter()
        try:
            commands = resting_commands(self.books, sorted(self._instruments))
            return remake, (*self._settings, self.books.seq_num, commands)
        finally:
            self.leave()

    # ------------------------------------------------------------------ for the books of this engine

    def enter(self):
        if not self.latch.enter():
            raise BookBusy("another thread is inside this book: a book serves one thread at a time")
        return 0

    def leave(self):
        self.latch.leave()

    def make_room(self, commands):
        """Room for the reports of so many commands, where no array looks. Raises MemoryError."""
        n_bytes: u64 = self.books.report_bound(commands + 1) * cython.sizeof(Report)  # one more, so never 0
        if not fits(self.block, n_bytes):
            self.block, self.spare = self.spare, self.block
        if not fits(self.block, n_bytes):
            self.block = None
            self.block = Block(n_bytes + n_bytes // 2)
        self.books.reports = cython.cast(cython.pointer[Report], self.block.memory)
        self.books.report_count = 0
        return 0

    def take_reports(self):
        """The reports made since there was room."""
        reports = self.block.array(REPORT, self.books.report_count)
        if reports.nbytes > KEPT_BLOCK_BYTES:
            self.block = None
        return reports


def checked(commands):
    """An array of commands, free of what a subclass makes of it. Raises InvalidCommands unless it is one."""
    if not isinstance(commands, np.ndarray):
        raise InvalidCommands(f"{type(commands).__name__} is not a NumPy array: give one of dtype pricetime.COMMAND")
    commands = np.asarray(commands)
    if commands.dtype != COMMAND:
        raise InvalidCommands(f"the dtype {commands.dtype} is not pricetime.COMMAND, little-endian and 64 bytes")
    if commands.ndim != 1 or not commands.flags.c_contiguous:
        raise InvalidCommands(
            f"shape {commands.shape}, strides {commands.strides}: give a contiguous array of one dimension "
            "(numpy.ascontiguousarray makes one)"
        )
    return commands


def fits(block, n_bytes):
    """May so many bytes of reports go into a block?"""
    return block is not None and not block.in_use() and block.n_bytes >= n_bytes


def digest_of(books, instruments):
    """The digests of the books of some instruments as one, in the order of their ids."""
    books_: Books = books
    value: u64 = 0
    for instrument in sorted(instruments):
        value = mix(mix(value, instrument), books_.digest(books_.book_of(instrument)))
    return value


def resting_commands(books, instruments):
    """New orders that build the books of some instruments: bids, then asks, each in priority order."""
    rows = []
    books_: Books = books
    for instrument in instruments:
        book: cython.pointer[Book] = books_.book_of(instrument)
        side: u32
        for side in range(BID, ASK + 1):
            level: u32 = book.ladders[side - 1].best
            while level != NIL:
                price = key_of(side, books_.levels[level].key)
                slot: u32 = books_.levels[level].head
                while slot != NIL:
                    order: cython.pointer[Order] = cython.address(books_.orders[slot])
                    cold: cython.pointer[OrderCold] = cython.address(books_.cold[slot])
                    tif = POST_ONLY if cold.post_only else GTC
                    head = (0, cold.timestamp, 0, 40, 0, NEW_ORDER, side, tif, cold.self_trade, instrument)
                    rows.append((*head, order.id, price, order.remaining, order.owner, cold.tag))
                    slot = order.next
                level = books_.level_behind(cython.address(book.ladders[side - 1]), level)
    return np.array(rows, COMMAND)


def remake(instruments, capacity, level_capacity, seq_num, commands):
    """An engine in the state that it was pickled or copied in."""
    engine = Engine(instruments, capacity=capacity, level_capacity=level_capacity)
    engine.apply(commands)
    engine.books.seq_num = seq_num
    return engine
