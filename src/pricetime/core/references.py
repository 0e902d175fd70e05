# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Order references: public numbers of orders that reveal neither the owner nor the order id.

An order gets the next of the numbers 1, 2, 3 ... when it is accepted, over all books, and keeps it over replaces. No
number is used twice. So references follow from the reports alone: a program that reads all reports in order has them.
The table holds those of open orders; reports say how many lots each has left, and so when it is gone.

It uses open addressing with 32 bytes for each order, usually at most half full: one cache miss for each order, which
``fetch`` avoids.
"""

from __future__ import annotations

import cython
import numpy as np

from pricetime.errors import SnapshotMismatch
from pricetime.native.spread import id_multiplier

if not cython.compiled:  # the compiled form has them from references.pxd
    from pricetime.core.layout import *
    from pricetime.native.arrays import Block, records_of
    from pricetime.native.bits import prefetch
    from pricetime.native.memory import prefault_pages, release, reserve


#: dtype of a reference.
REFERENCE = np.dtype("<u8")


@cython.final
@cython.cclass
class References:
    """The references of the open orders of an engine with room for ``capacity`` orders. Raises MemoryError.

    It allocates nothing afterwards. For one thread at a time.
    """

    def __init__(self, capacity):
        entries: u64 = 64
        while 3 * entries < 4 * (capacity + 1):  # one more for the taker
            entries *= 2
        self.entries = cython.cast(cython.pointer[OpenOrder], reserve(entries * cython.sizeof(OpenOrder)))
        if not self.entries:
            raise MemoryError(f"no room for the references of {capacity} orders")
        self.mask = entries - 1
        self.shift = 64 - (int(entries // 8).bit_length() - 1)
        self.id_multiplier = id_multiplier()
        self.next = 1
        self.order = self.maker = 0

    if cython.compiled:

        def __dealloc__(self):
            release(self.entries, (self.mask + 1) * cython.sizeof(OpenOrder))

    # ------------------------------------------------------------------ reports

    def prefault(self):
        """Use the memory of the table now, so that no order waits for a page fault."""
        prefault_pages(self.entries, (self.mask + 1) * cython.sizeof(OpenOrder))

    def apply(self, reports):
        """Follow the reports of an engine: an array of ``pricetime.REPORT``, all from the first on. O(1) for each."""
        first: cython.pointer[Report] = cython.cast(cython.pointer[Report], records_of(reports))
        count: u64 = len(reports)
        with cython.nogil:
            self._follow_run(first, count)

    def _follow_run(self, reports, count):
        i: u64
        for i in range(count):
            if i + 2 * AHEAD < count:
                self.fetch(cython.address(reports[i + 2 * AHEAD]))
            self.follow(cython.address(reports[i]))

    def fetch(self, report):
        """Prefetch what ``follow`` will look up."""
        prefetch(cython.address(self.entries[self._home_of(report.instrument, report.order_id)]))
        if report.maker_id != 0:
            prefetch(cython.address(self.entries[self._home_of(report.instrument, report.maker_id)]))

    def follow(self, report):
        """Follow the next report: sets ``order`` and ``maker`` to the references of its orders."""
        kind: u32 = report.kind
        self.order = self.maker = 0
        if kind == ACCEPTED:
            self.order = self.next
            self.next += 1
            self._enter(report.instrument, report.order_id, self.order, report.quantity)
        elif kind == TRADE:
            self.order = self._take(report.instrument, report.order_id, report.quantity)
            self.maker = self._take(report.instrument, report.maker_id, report.quantity)
        elif kind == CANCELLED or kind == REDUCED or kind == EXPIRED:
            self.order = self._take(report.instrument, report.order_id, report.quantity)
        elif kind == REPLACED:
            self.order = self.maker = self._replace(report)
        elif kind == OPEN_ORDER:
            self.order = self.reference_of(report.instrument, report.order_id)

    # ------------------------------------------------------------------ one order

    def reference_of(self, instrument, order_id):
        """The reference of an open order, 0 if no order has this id."""
        return self.entries[self._position(instrument, order_id)].reference

    def _enter(self, instrument, order_id, reference, quantity):
        entry: cython.pointer[OpenOrder] = cython.address(self.entries[self._position(instrument, order_id)])
        entry.id = order_id
        entry.reference = reference
        entry.open = quantity
        entry.instrument = instrument

    def _take(self, instrument, order_id, quantity):
        """Take lots from an order, and forget it if none are left."""
        position: u64 = self._position(instrument, order_id)
        entry: cython.pointer[OpenOrder] = cython.address(self.entries[position])
        reference: u64 = entry.reference
        if entry.open > quantity:
            entry.open -= quantity
        else:
            self._erase(position)
        return reference

    def _replace(self, report):
        """Give an order its new quantity and id."""
        position: u64 = self._position(report.instrument, report.maker_id)
        reference: u64 = self.entries[position].reference
        if report.order_id != report.maker_id:
            self._erase(position)
            self._enter(report.instrument, report.order_id, reference, report.quantity)
        else:
            self.entries[position].open = report.quantity
        return reference

    # ------------------------------------------------------------------ the table

    def _home_of(self, instrument, order_id):
        """The home of an entry: eight consecutive ids of an instrument are side by side."""
        golden: u64 = 0x9E3779B97F4A7C15
        key: u64 = cython.cast(u64, (order_id >> 3) + cython.cast(u64, instrument * golden))
        spread: u64 = cython.cast(u64, key * self.id_multiplier)
        return spread >> self.shift << 3 | order_id & 7

    def _position(self, instrument, order_id):
        """The position of an order in the table, or of the empty entry where it belongs."""
        position: u64 = self._home_of(instrument, order_id)
        while self.entries[position].reference != 0 and (
            self.entries[position].id != order_id or self.entries[position].instrument != instrument
        ):
            position = (position + 1) & self.mask
        return position

    def _erase(self, position):
        """Empty an entry, and move later ones closer to their home."""
        hole: u64 = position
        here: u64 = (position + 1) & self.mask
        while self.entries[here].reference != 0:
            entry: cython.pointer[OpenOrder] = cython.address(self.entries[here])
            home: u64 = self._home_of(entry.instrument, entry.id)
            if (here - home) & self.mask >= (here - hole) & self.mask:
                self.entries[hole].id = entry.id
                self.entries[hole].reference = entry.reference
                self.entries[hole].open = entry.open
                self.entries[hole].instrument = entry.instrument
                hole = here
            here = (here + 1) & self.mask
        self.entries[hole].reference = self.entries[hole].open = 0

    # ------------------------------------------------------------------ all orders

    def write(self, orders):
        """Write the ``reference`` of each order into the array ``resting`` of ``Engine.dump``. O(orders)."""
        first: cython.pointer[RestingOrder] = cython.cast(cython.pointer[RestingOrder], records_of(orders))
        count: u64 = len(orders)
        block: Block = Block((count + 1) * cython.sizeof(u64))
        found: cython.pointer[u64] = cython.cast(cython.pointer[u64], block.memory)
        with cython.nogil:
            self._look_up(first, count, found)
        orders["reference"] = block.array(REFERENCE, count)

    def _look_up(self, orders, count, found):
        i: u64
        for i in range(count):
            found[i] = self.reference_of(orders[i].instrument, orders[i].order_id)

    def load(self, orders, next_reference):
        """Load orders that ``write`` has filled into an empty table. O(orders log orders).

        Raises SnapshotMismatch.
        """
        given = orders["reference"]
        lowest, highest = (int(given.min()), int(given.max())) if given.size else (1, 0)
        if not 0 < lowest <= highest + 1 <= next_reference or np.unique(given).size != given.size:
            raise SnapshotMismatch(
                f"the references of these orders are not from 1 to below {next_reference}, each once"
            )
        first: cython.pointer[RestingOrder] = cython.cast(cython.pointer[RestingOrder], records_of(orders))
        count: u64 = len(orders)
        with cython.nogil:
            self._load(first, count)
        self.next = next_reference

    def _load(self, orders, count):
        i: u64
        for i in range(count):
            self._enter(orders[i].instrument, orders[i].order_id, orders[i].reference, orders[i].remaining)
