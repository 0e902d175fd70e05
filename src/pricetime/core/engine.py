# cython: nonecheck=True
"""``Engine``: the books of many instruments, with arrays of commands in and arrays of reports out."""

from __future__ import annotations

from typing import Any, SupportsIndex

import cython
import numpy as np
import numpy.typing as npt

from pricetime import checks
from pricetime.checks import whole
from pricetime.core.instrument import Instrument
from pricetime.core.order_book import OrderBook, book_of
from pricetime.core.shared_books import MAX_SEQ_NUM
from pricetime.errors import InvalidSetting
from pricetime.ladder import tops_html
from pricetime.prices import in_currency
from pricetime.types import BookRecords, CommandArray, InstrumentStateArray, Phase, ReportArray, Side

if not cython.compiled:  # the compiled form cimports them in engine.pxd
    from pricetime.core.dump import states_of
    from pricetime.core.layout import *
    from pricetime.core.shared_books import SharedBooks, checked, digest_of, owner_with_orders
    from pricetime.native.arrays import Block

#: The most books that a notebook shows of an engine.
SHOWN_BOOKS = 20


@cython.final
@cython.cclass
class Engine(SharedBooks):
    """Books of many instruments over one pool of orders.

    >>> engine = Engine([Instrument(1, "AAPL"), Instrument(2, "MSFT")], capacity=1000)
    >>> engine.book(1).add_order(1, 1, price=100, quantity=5).resting
    5

    ``instruments``: ``Instrument`` values with distinct ids. ``capacity``: most resting orders over all books, about 80
    bytes each, reserved now and used as orders come in. ``level_capacity``: most price levels, by default as many.
    ``owner_limit``: owners from 1 to below it can have ``limits`` (``OwnerLimits`` by owner, 0 for all others), mass
    cancels in parts, and answers to OPEN_ORDERS commands. ``refresh_limit``: how often all icebergs together may still
    be refreshed. Raises InvalidSetting and MemoryError.

    An engine serves one call at a time: a second call meanwhile, from a thread or a signal handler, raises BookBusy.
    ``apply`` runs without the GIL.
    """

    @property
    def instruments(self) -> dict[int, Instrument]:
        """The instruments by id. O(instruments)."""
        return dict(self._instruments)

    def apply(self, commands: CommandArray) -> ReportArray:
        """Execute an array of commands in order. Returns their reports. Runs without the GIL.

        ``commands``: contiguous array of ``pricetime.COMMAND``, shape (n,); each names its instrument. Returns an
        array of ``pricetime.REPORT``, shape (reports,). A rejected command makes a report with the reason and changes
        nothing. The commands are not copied: do not change them meanwhile. Raises InvalidCommands, BookBusy and
        MemoryError, each before any command is executed. O(1) for each command and each order that it meets.

        All commands are executed before a signal, such as Ctrl-C, is handled. An exception that the handler raises
        then has the reports in its attribute ``reports``.
        """
        return self.run(commands)

    def apply_with_ends(self, commands: CommandArray) -> tuple[ReportArray, npt.NDArray[np.uint64]]:
        """Execute an array of commands as ``apply`` does. Returns their reports, and which command made which.

        The reports of command ``i`` are ``reports[ends[i - 1]:ends[i]]``, from 0 for the first. ``ends``: u64, shape
        (n,). An order that waits for its extension has no reports; those of both follow the extension. Raises as
        ``apply``. O(1) for each command and each order that it meets.
        """
        count = len(checked(commands))
        ends: Block = Block(8 * (count + 1), f"the ends of {count} commands", "apply fewer commands at once")
        return self.run(commands, ends), ends.array(np.dtype(np.uint64), count)

    def book(self, instrument: SupportsIndex) -> OrderBook:
        """The book of one instrument as an ``OrderBook``, not a copy. Raises UnknownInstrument. O(1)."""
        return book_of(self, instrument)

    def phase(self, instrument: SupportsIndex) -> Phase:
        """The ``Phase`` of one instrument. Raises UnknownInstrument. O(1)."""
        number = self.known(instrument)
        self.enter()
        try:
            phase: u32 = self.books.book_of(number).phase
        finally:
            self.leave()
        return Phase(phase)

    def set_phase(self, instrument: SupportsIndex, phase: Phase | int) -> None:
        """Begin a phase of one instrument: see ``OrderBook.set_phase``.

        Raises UnknownInstrument and InvalidPhase. O(1).
        """
        self.book(instrument).set_phase(phase)

    def tick_size(self, instrument: SupportsIndex) -> int:
        """Every price of this instrument is a multiple of it, in ticks. Raises UnknownInstrument. O(1)."""
        return self._instruments[self.known(instrument)].tick_size

    def lot_size(self, instrument: SupportsIndex) -> int:
        """Every quantity of this instrument is a multiple of it, in lots. Raises UnknownInstrument. O(1)."""
        return self._instruments[self.known(instrument)].lot_size

    def mass_cancel(
        self, owner: SupportsIndex, *, instrument: SupportsIndex | None = None, side: Side | int | None = None
    ) -> int:
        """Cancel the resting orders of an owner, oldest first. Returns how many it cancelled.

        ``owner``: 1 to 2**32 - 1. ``instrument``, ``side``: only orders of these; None for all. Raises InvalidOwner,
        InvalidSide, UnknownInstrument, and MassCancelUnfinished while a mass cancel that ``apply`` executes in parts is
        unfinished. O(orders of the owner).
        """
        side_: u32 = 0 if side is None else checks.side(side)
        owner_: u32 = owner_with_orders(owner)
        return self.cancel_orders_of(owner_, ALL_INSTRUMENTS if instrument is None else self.known(instrument), side_)

    def digest(self, references: bool = False) -> int:
        """A u64 over all books, in the order of their instrument ids: see ``OrderBook.digest``. O(orders).

        ``references``: use public references instead of order ids.
        """
        self.enter()
        try:
            return digest_of(self.books, self._instruments, references)
        finally:
            self.leave()

    def check(self) -> None:
        """Check every invariant of the data structure; AssertionError names a broken one. O(n)."""
        self.check_all()

    def __len__(self) -> int:
        """Resting orders over all books."""
        self.enter()
        try:
            return self.books.order_count
        finally:
            self.leave()

    def __bool__(self) -> bool:
        return True  # also without orders

    def __repr__(self) -> str:
        return f"<pricetime.Engine: {len(self._instruments)} instruments, {len(self)} orders>"

    def _repr_html_(self) -> str:
        known = list(self._instruments.values())
        left_out = f", of which the first {SHOWN_BOOKS} are shown" if len(known) > SHOWN_BOOKS else ""
        title = f"Engine: {len(known):,} instruments{left_out}, {len(self):,} orders"
        return tops_html((top_of(self.book(instrument.id), instrument) for instrument in known[:SHOWN_BOOKS]), title)

    def dump(self) -> BookRecords:
        """Return the state of all books as ``pricetime.types.BookRecords``, for ``restore``.

        O(orders). Raises BookBusy, also while an order waits for its extension.
        """
        self.enter()
        try:
            return self._dump()
        finally:
            self.leave()

    def restore(
        self, records: BookRecords, seq_num: SupportsIndex = 0, next_reference: SupportsIndex | None = None
    ) -> None:
        """Load the state that ``dump()`` of a different engine returned. This engine must have no orders.

        ``records``: ``BookRecords`` of an engine with the same instruments or some of them. Orders are placed as they
        were, even if the rules of an instrument have changed and would reject them. An instrument without a record in
        ``phases`` keeps its phase. No report is made; the next one follows ``seq_num``. O(orders log orders).

        An order keeps its ``reference``; orders with 0 get the next ones. The next order to be accepted gets
        ``next_reference``, by default one more than the highest.

        Raises InvalidRecords, InvalidSetting and BookBusy with nothing changed; and SnapshotMismatch, OrdersFull,
        LevelsFull and MemoryError, which leave the engine as it was made, or with the orders that it had.
        """
        self.load(records, seq_num, next_reference)

    def states(self) -> InstrumentStateArray:
        """The state of every instrument besides its orders, by id: an array of ``types.INSTRUMENT_STATE``.

        It is the part ``instruments`` of ``dump``. Raises BookBusy. O(instruments).
        """
        self.enter()
        try:
            return states_of(self.books, self._instruments)
        finally:
            self.leave()

    def unfinished(self) -> list[int]:
        """Owners whose mass cancel in parts is unfinished, in rising order. O(owners)."""
        self.enter()
        try:
            owners = range(self.books.owner_limit if self.books.walk_count != 0 else 0)
            return [owner for owner in owners if self.books.owner_lists[owner].walked]
        finally:
            self.leave()

    @property
    def seq_num(self) -> int:
        """The number of the last report, 0 before the first. O(1)."""
        self.enter()
        try:
            return self.books.seq_num
        finally:
            self.leave()

    @property
    def next_reference(self) -> int:
        """The reference that the next accepted order gets, 1 at first. O(1)."""
        self.enter()
        try:
            return self.books.last_reference + 1
        finally:
            self.leave()

    def skip_references(self, next_reference: SupportsIndex) -> None:
        """Give the next accepted order at least this reference. Raises InvalidSetting. O(1)."""
        next_reference = whole(next_reference, 0, MAX_SEQ_NUM, InvalidSetting, "next_reference")
        self.enter()
        try:
            self.books.last_reference = max(self.books.last_reference + 1, cython.cast(u64, next_reference)) - 1
        finally:
            self.leave()

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, self.state()


def top_of(book: OrderBook, instrument: Instrument) -> tuple[Any, ...]:
    """The row of one book in the table that a notebook shows of an engine."""
    bids, asks = (side.tolist() for side in book.depth(1))
    unit = instrument.price_unit
    bid, bid_lots = (in_currency(bids[0][0], unit), f"{bids[0][1]:,}") if bids else (None, None)
    ask, ask_lots = (in_currency(asks[0][0], unit), f"{asks[0][1]:,}") if asks else (None, None)
    phase = book.phase.name.lower()
    return instrument.id, instrument.symbol, bid_lots, bid, ask, ask_lots, f"{len(book):,}", phase


def _remake(instruments: tuple[Instrument, ...], room: dict[str, Any], loaded: tuple[Any, ...]) -> Engine:
    """Make an engine from its pickled state."""
    engine: Engine = Engine(instruments, **room)
    records, seq_num, next_reference = loaded
    engine.load(records, seq_num, next_reference)
    return engine
