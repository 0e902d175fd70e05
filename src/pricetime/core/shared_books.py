# cython: nonecheck=True
"""The books that an engine and its ``OrderBook`` views share: who may be inside, and room for reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, SupportsIndex

import cython
import numpy as np

from pricetime import checks
from pricetime.checks import shown, whole
from pricetime.core.instrument import MAX_INSTRUMENTS, Instrument
from pricetime.errors import (
    BookBusy,
    InvalidCommands,
    InvalidOwner,
    InvalidRecords,
    InvalidSetting,
    MassCancelUnfinished,
    SnapshotMismatch,
    UnknownInstrument,
)
from pricetime.native.spread import id_multiplier
from pricetime.owner_limits import OwnerLimits, checked_limits
from pricetime.types import (
    COMMAND,
    INSTRUMENT_STATE,
    REPORT,
    RESTING_ORDER,
    UNFINISHED_CANCEL,
    BookRecords,
)

if cython.compiled:
    from cython.cimports.cpython.exc import PyErr_CheckSignals
if not cython.compiled:  # the compiled form cimports them in shared_books.pxd
    from pricetime.core.book import Books, mix
    from pricetime.core.check import check_books
    from pricetime.core.dump import dump_of
    from pricetime.core.layout import *
    from pricetime.core.restore import place_all
    from pricetime.native.arrays import Block, checked_records, records_of
    from pricetime.native.latch import Latch

DEFAULT_CAPACITY = 1 << 20
MAX_CAPACITY = 1 << 31
MAX_OWNERS = 1 << 31
MAX_REFRESHES = 1 << 40
MAX_SEQ_NUM = (1 << 64) - 1

#: What to do if there is no memory for reports.
SMALLER_REPORTS = "apply fewer commands at once, or make the engine with a smaller capacity"

#: Up to this size, ``apply`` returns a copy of the reports, so that they do not hold a large block.
COPIED_BYTES = 16 << 10

#: Room for the reports of icebergs that a call adds. With more of them it makes more room meanwhile.
SPARE_REPORTS: u64 = 1024

#: A larger block is freed with the array over it and not kept for the next call.
KEPT_BLOCK_BYTES = 64 << 20


@cython.cclass
class SharedBooks:
    """Books of many instruments over one pool of orders, which an ``Engine`` and its ``OrderBook`` views use.

    One call at a time may be inside: see ``enter``.
    """

    if not cython.compiled:
        _settings: Any = None  # a compiled class has its fields before they are set
        rebuilt = may_cross = False
        block: Any
        spare: Any

    def __init__(
        self,
        instruments: Iterable[Instrument],
        *,
        capacity: SupportsIndex = DEFAULT_CAPACITY,
        level_capacity: SupportsIndex | None = None,
        owner_limit: SupportsIndex = 0,
        limits: Mapping[int, OwnerLimits] | None = None,
        refresh_limit: SupportsIndex = DEFAULT_REFRESHES,
    ) -> None:
        capacity = whole(capacity, 1, MAX_CAPACITY, InvalidSetting, "capacity")
        level_capacity = capacity if level_capacity is None else level_capacity
        level_capacity = whole(level_capacity, 1, MAX_CAPACITY, InvalidSetting, "level capacity")
        owner_limit = whole(owner_limit, 0, MAX_OWNERS, InvalidSetting, "owner limit")
        refresh_limit = whole(refresh_limit, 0, MAX_REFRESHES, InvalidSetting, "refresh limit")
        instruments = tuple(instruments)
        for instrument in instruments:
            if not isinstance(instrument, Instrument):
                raise InvalidSetting(f"{shown(instrument)} is not an Instrument")
        known = {instrument.id: instrument for instrument in instruments}
        if not known or len(known) != len(instruments):
            raise InvalidSetting("an engine needs at least one instrument, and each id only once")
        limits = checked_limits(limits or {}, owner_limit)
        books: Books = Books(instruments, capacity, level_capacity, id_multiplier(), owner_limit, limits, refresh_limit)
        if self._settings is not None:
            raise TypeError("__init__ may run only once: make a new Engine")
        self._memory = Block(cython.sizeof(Command), "a command")
        self.command = cython.cast(cython.pointer[Command], self._memory.memory)
        self._instruments = known
        self.books = books
        self.block = self.spare = None
        self.latch = Latch()
        self._settings = (instruments, capacity, level_capacity, owner_limit, limits, refresh_limit)

    def run(self, commands: Any, ends: Any = None) -> Any:
        """Execute an array of commands and return their reports: see ``Engine.apply``.

        ``ends``: a ``Block`` with room for a u64 for each command: the number of reports up to its end.
        """
        commands = checked(commands)
        reports = self._run(commands, ends)
        if cython.compiled:
            try:
                PyErr_CheckSignals()
            except BaseException as error:
                error.reports = reports  # type: ignore[attr-defined]
                error.add_note(
                    f"apply executed all {len(commands)} commands: their reports are in the attribute reports"
                )
                raise
        return reports

    def _run(self, commands: Any, ends: Any) -> Any:
        count: u64 = len(commands)
        first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
        bounds: cython.pointer[u64] = cython.NULL
        block: Block = ends
        if block is not None:
            bounds = cython.cast(cython.pointer[u64], block.memory)
        self.enter()
        try:
            books: Books = self.books
            self.make_room(count, listings_in(first, count) if books.owner_limit != 0 else 0)
            with cython.nogil:
                books.run(first, count, bounds)
            while books.wanted != 0:
                self._run_rest(commands, books.skipped, bounds)
            return self.take_reports()
        finally:
            self.leave()

    def _run_rest(self, commands: Any, left: u64, bounds: cython.pointer[u64]) -> cython.int:
        """Run the last ``left`` commands, which need room for more reports. ``bounds``: of all commands, or NULL."""
        before: u64 = len(commands) - left
        rest = commands[before:]
        try:
            ends: Block = Block(8 * (left + 1), f"the ends of {left} commands", SMALLER_REPORTS)
            self._make_more_room(left)
        except MemoryError as error:
            self.books.resume()
            error.reports = self.take_reports()  # type: ignore[attr-defined]
            error.add_note(f"apply executed all but the last {left} commands: see the attribute reports")
            raise
        # Apart from the bounds: uncompiled, the address of one of their elements is that of a copy.
        numbers: cython.pointer[u64] = cython.cast(cython.pointer[u64], ends.memory)
        self.books.resume()
        self.books.run(cython.cast(cython.pointer[Command], records_of(rest)), left, numbers)
        i: u64
        for i in range(left if bounds else 0):
            bounds[before + i] = numbers[i]
        return 0

    def cancel_orders_of(self, owner: u32, instrument: u32, side: u32) -> u64:
        """Execute a mass cancel: how many orders it cancelled. Raises MassCancelUnfinished. O(orders of the owner)."""
        self.enter()
        try:
            c: cython.pointer[Command] = self.command
            c.type = MASS_CANCEL
            c.side = side
            c.flags = 0
            c.instrument = instrument
            c.order_id = c.quantity = 0
            c.price = 0
            c.owner = owner
            c.tag = 0
            self.execute()
            last: cython.pointer[Report] = cython.address(self.books.reports[self.books.report_count - 1])
            if last.kind == REJECTED:
                self.books.seq_num -= 1  # this report is not returned
                raise MassCancelUnfinished(
                    f"a mass cancel of owner {owner} is unfinished: finish it with CONTINUE commands"
                )
            return last.quantity
        finally:
            self.leave()

    def check_all(self) -> cython.int:
        """Check every invariant of the books."""
        self.enter()
        try:
            check_books(self.books, self.may_cross)
        finally:
            self.leave()
        return 0

    def _dump(self) -> Any:
        """The records of ``Engine.dump``. Only inside. Raises BookBusy."""
        if self.books.keeps:
            raise BookBusy("an order waits for its extension: apply the extension first")
        return dump_of(self.books, self._instruments)

    def load(self, records: Any, seq_num: Any, next_reference: Any) -> cython.int:
        """See ``Engine.restore``."""
        records = checked_book_records(records)
        seq_num = whole(seq_num, 0, MAX_SEQ_NUM, InvalidSetting, "seq_num")
        self.enter()
        try:
            records, next_reference = with_references(records, next_reference)
            place_all(self.books, list(self._instruments.values()), records)
            self.books.seq_num = seq_num
            self.books.last_reference = next_reference - 1
        finally:
            self.leave()
        return 0

    def state(self) -> tuple[Any, ...]:
        """What makes books like these: arguments of ``__init__``, and of ``load``."""
        self.enter()
        try:
            instruments, capacity, level_capacity, owner_limit, limits, refresh_limit = self._settings
            room = {"capacity": capacity, "level_capacity": level_capacity, "owner_limit": owner_limit}
            loaded = self._dump(), self.books.seq_num, self.books.last_reference + 1
            return instruments, room | {"limits": limits, "refresh_limit": refresh_limit}, loaded
        finally:
            self.leave()

    def known(self, instrument: Any) -> Any:
        """The id of an instrument of this engine. Raises UnknownInstrument."""
        number = whole(instrument, 0, MAX_INSTRUMENTS - 1, UnknownInstrument, "instrument")
        if number not in self._instruments:
            raise UnknownInstrument(f"instrument {number} is not one of this engine")
        return number

    def enter(self) -> cython.int:
        """Enter the engine; the caller calls ``leave``. Raises BookBusy. O(1)."""
        return enter(self.latch)

    def leave(self) -> None:
        """Let other calls enter. O(1)."""
        self.latch.leave()

    def execute(self) -> cython.int:
        """Execute ``command`` for a call. An order that waits for its extension is rejected, without a report.

        O(1), and O(1) for each order that it meets.
        """
        self.books.keeps = False
        self.make_room(1)
        self.books.execute(self.command)
        if self.books.wanted != 0:
            self._make_more_room(1)
            self.books.resume()
            self.books.execute(self.command)
        return 0

    def execute_extended(self, book: cython.pointer[Book]) -> cython.int:
        """The same for a new or replaced order whose extension is in ``books.more``."""
        self.books.keeps = False
        self.make_room(1)
        self._execute_with_more(book)
        if self.books.wanted != 0:
            self._make_more_room(1)
            self.books.resume()
            self.books.keeps = False
            self._execute_with_more(book)
        return 0

    def _execute_with_more(self, book: cython.pointer[Book]) -> None:
        more: cython.pointer[OrderExtension] = cython.address(self.books.more[0])
        if self.command.type == NEW_ORDER:
            self.books.rules.new_order(self.books, book, self.command, more)
        else:
            self.books.rules.replace_order(self.books, book, self.command, more)

    def make_room(self, commands: u64, listings: u64 = 0) -> cython.int:
        """Provide memory for the reports of this many commands, in a block that no array uses.

        ``listings``: how many of them are OPEN_ORDERS. Raises MemoryError.
        """
        bound: u64 = self.books.report_bound(commands, listings, self.books.order_count)
        n_bytes: u64 = (bound + SPARE_REPORTS) * cython.sizeof(Report)
        if not fits(self.block, n_bytes):
            self.block, self.spare = self.spare, self.block
        if not fits(self.block, n_bytes):
            self.block = None
            self.block = Block(n_bytes + n_bytes // 2, f"the reports of {commands} commands", SMALLER_REPORTS)
        self.books.spare = self.block.n_bytes // cython.sizeof(Report) - bound
        self.books.reports = cython.cast(cython.pointer[Report], self.block.memory)
        self.books.references = self.books.buyers = cython.NULL
        self.books.buyers_end = 0
        self.books.report_count = 0
        return 0

    def _make_more_room(self, commands: u64) -> cython.int:
        """Provide more memory, for a command of an iceberg and those behind it. Raises MemoryError."""
        books: Books = self.books
        own: u64 = books.report_bound(commands, commands if books.owner_limit != 0 else 0, books.order_count)
        books.spare += books.wanted + 2 * (books.report_count + own)  # three times as much, so that it is seldom needed
        room: u64 = books.report_count + own + books.spare
        block: Block = Block(room * cython.sizeof(Report), f"the reports of {commands} commands", SMALLER_REPORTS)
        reports: cython.pointer[Report] = cython.cast(cython.pointer[Report], block.memory)
        i: u64
        for i in range(books.report_count):
            reports[i] = books.reports[i]
        books.reports = reports
        self.block = block
        return 0

    def take_reports(self) -> Any:
        """The reports since ``make_room``: a copy of few, a view of the block for many."""
        n_bytes: u64 = self.books.report_count * cython.sizeof(Report)
        if n_bytes <= COPIED_BYTES:
            return self.block.copy(REPORT, self.books.report_count)
        reports = self.block.array(REPORT, self.books.report_count)
        if n_bytes > KEPT_BLOCK_BYTES:
            self.block = None
        return reports


def owner_with_orders(owner: Any) -> Any:
    """The owner of a mass cancel. Raises InvalidOwner."""
    number = checks.owner(owner)
    if number == 0:
        raise InvalidOwner("owner 0 means that an order has no owner: give an owner from 1 to 4294967295")
    return number


def enter(latch: Any) -> cython.int:  # with its class the compiler would not check for None
    """Enter what a latch guards. Raises BookBusy."""
    if not latch.enter():
        raise_busy()
    return 0


def raise_busy() -> cython.int:
    raise BookBusy(
        "a call is inside this book already, from a second thread, or from this one if a signal handler or a finalizer "
        "calls: a book serves one call at a time. Try again when that call has returned"
    )


def checked(commands: Any) -> Any:
    """An array of commands as a plain ndarray. Raises InvalidCommands if it is not one."""
    return checked_records(commands, COMMAND, "pricetime.COMMAND", InvalidCommands)


def checked_book_records(records: Any) -> Any:
    """``BookRecords`` of plain ndarrays. Raises InvalidRecords."""
    if not isinstance(records, BookRecords):
        raise InvalidRecords(f"{type(records).__name__} is not BookRecords: give what Engine.dump returned")
    dtypes = {"instruments": INSTRUMENT_STATE, "resting": RESTING_ORDER, "unfinished": UNFINISHED_CANCEL}
    checked_parts = []
    for name, dtype in dtypes.items():
        checked_parts.append(checked_records(getattr(records, name), dtype, f"the one of {name}", InvalidRecords))
    return BookRecords(*checked_parts)


def fits(block: Block, n_bytes: u64) -> cython.bint:
    """Is a block large enough and free for this many bytes of reports?"""
    return block is not None and not block.in_use() and block.n_bytes >= n_bytes


def listings_in(commands: cython.pointer[cython.const[Command]], count: u64) -> u64:
    """How many of these commands are OPEN_ORDERS."""
    i: u64
    listings: u64 = 0
    for i in range(count):
        listings += commands[i].type == OPEN_ORDERS
    return listings


def digest_of(books: Books, instruments: Any, references: cython.bint = False) -> u64:
    """One digest over the books of some instruments, in the order of their ids."""
    books_: Books = books
    value: u64 = 0
    for instrument in sorted(instruments):
        value = mix(mix(value, instrument), books_.digest(books_.book_of(instrument), references))
    return value


def with_references(records: BookRecords, next_reference: SupportsIndex | None) -> tuple[BookRecords, Any]:
    """Records whose orders all have a reference, and the next reference. Raises SnapshotMismatch."""
    given = records.resting["reference"]
    known = given[given != 0]
    highest = int(known.max(initial=0))
    next_reference = whole(next_reference or highest + 1, 1, MAX_SEQ_NUM, InvalidSetting, "next_reference")
    if next_reference <= highest or np.unique(known).size != known.size:
        raise SnapshotMismatch(f"the references of these orders are not below {next_reference}, each once")
    fresh = given.size - known.size
    if fresh:
        orders = records.resting.copy()
        orders["reference"][given == 0] = np.arange(next_reference, next_reference + fresh, dtype=np.uint64)
        records = records._replace(resting=orders)
        next_reference += fresh
    return records, next_reference
