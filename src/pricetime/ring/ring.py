"""A ring between one producer and one consumer, without a lock: construction and the calls from Python.

``slots.py`` has the protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, SupportsIndex

import cython
import numpy as np
from cython.cimports.cpython.exc import PyErr_CheckSignals
from cython.cimports.libc.string import memcpy, memset
from numpy.typing import DTypeLike, NDArray

from pricetime.checks import shown, whole
from pricetime.errors import InvalidMessage, InvalidRing, InvalidSetting, RingBusy, RingClosed, RingTimeout
from pricetime.native.latch import Latch
from pricetime.ring.idle import Idle
from pricetime.ring.slots import Slots, size_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Aliases, so that the compiler neither checks nor converts the arguments: our errors say more than a TypeError.
Seconds = float | None
Waiting = Idle | None

#: No deadline.
FOREVER = (1 << 63) - 1

#: How often a waiting call checks for signals (Ctrl-C).
SIGNALS_NS = cython.declare(cython.longlong, 50_000_000)


@cython.final
@cython.cclass
class Ring(Slots):
    """One producer and one consumer, ``capacity`` slots of ``slot_bytes`` each, in memory of its own.

    ``Ring.create`` and ``Ring.attach`` make one in shared memory. From Python a slot holds a message (``put``, ``get``:
    bytes, at most ``slot_bytes - 4``) or a record (``put_records``, ``get_records``: the whole slot, from and to NumPy
    arrays); use a ring for one of the two. Every call is O(records moved).

    One thread puts and one gets; they may be the same. A second thread on the same side raises RingBusy.
    """

    if not cython.compiled:
        capacity: int
        """Slots, a power of two."""
        slot_bytes: int
        """Bytes of one slot; a message has at most 4 less."""
        blocking: bool
        """May a side that waits sleep, and is it woken? Each commit and release then costs a fence."""
        idle: Idle
        """How calls from Python wait at this end of the ring."""

    # ------------------------------------------------------------------ making

    def __init__(
        self,
        capacity: SupportsIndex = 1024,
        slot_bytes: SupportsIndex = DEFAULT_SLOT_BYTES,
        *,
        blocking: bool = True,
        idle: Waiting = None,
    ) -> None:
        """``capacity``: a power of two, 2 to 2**30. ``slot_bytes``: a multiple of 8, up to 2**20.

        ``blocking``: a waiting side may sleep and is woken; each commit and release then costs a fence. ``idle``: an
        ``Idle``, how calls from Python wait. Raises InvalidSetting and MemoryError.
        """
        if self.memory:
            raise TypeError("__init__ was called before: the slots may be in use")
        n_bytes = size_of(capacity, slot_bytes)
        self._take_own(n_bytes)
        self._lay_out(capacity, slot_bytes, blocking)
        self._bind()
        self._wait_as(idle)

    @staticmethod
    def create(
        buffer: WriteableBuffer,
        capacity: SupportsIndex = 1024,
        slot_bytes: SupportsIndex = DEFAULT_SLOT_BYTES,
        *,
        blocking: bool = True,
        idle: Waiting = None,
    ) -> Ring:
        """Make a new, empty ring in ``buffer``; other processes then attach to it.

        ``buffer``: writable, contiguous, at least ``Ring.size(capacity, slot_bytes)`` bytes, aligned to 64 bytes: an
        ``mmap``, or the ``buf`` of a ``SharedMemory``. The ring holds it as long as it lives. Other arguments: as of
        ``Ring``. Raises InvalidSetting and InvalidRing.
        """
        n_bytes = size_of(capacity, slot_bytes)
        ring: Ring = Ring.__new__(Ring)
        ring._take_buffer(buffer)
        if ring.view.len < n_bytes:
            raise InvalidRing(f"the buffer has {ring.view.len} bytes, but this ring needs {n_bytes}")
        ring._lay_out(capacity, slot_bytes, blocking)
        ring._bind()
        ring._wait_as(idle)
        return ring

    @staticmethod
    def attach(buffer: WriteableBuffer, *, idle: Waiting = None) -> Ring:
        """Return the ring that a different process has made in ``buffer``. Raises InvalidRing with the reason."""
        ring: Ring = Ring.__new__(Ring)
        ring._take_buffer(buffer)
        ring._bind()
        ring._wait_as(idle)
        return ring

    @staticmethod
    def size(capacity: SupportsIndex = 1024, slot_bytes: SupportsIndex = DEFAULT_SLOT_BYTES) -> int:
        """Return the bytes that a ring needs. Raises InvalidSetting."""
        return size_of(capacity, slot_bytes)

    def _wait_as(self, idle: Any) -> cython.int:
        if idle is not None and not isinstance(idle, Idle):
            raise InvalidSetting(f"{shown(idle)} is not an Idle")
        self.idle = Idle() if idle is None else idle
        self.putting, self.getting = Latch(), Latch()
        return 0

    # ------------------------------------------------------------------ calls from Python

    def try_put(self, message: bytes | bytearray | memoryview) -> bool:
        """Put a message. Returns False if the ring is full. Raises InvalidMessage, RingClosed and RingBusy."""
        data: bytes = self._message(message)
        self._enter(self.putting, "puts into")
        try:
            if self.is_closed():
                raise RingClosed("the ring is closed")
            if self.claim(1) == 0:
                return False
            self._write(0, data)
            self.commit(1)
            return True
        finally:
            self.putting.leave()

    def put(self, message: bytes | bytearray | memoryview, timeout: Seconds = None) -> None:
        """Put a message; wait up to ``timeout`` seconds for room, None for no limit.

        Raises RingTimeout, InvalidMessage, RingClosed and RingBusy.
        """
        data: bytes = self._message(message)
        deadline_ns: i64 = deadline_after(timeout)
        self._enter(self.putting, "puts into")
        try:
            if self._claim(1, deadline_ns) == 0:
                raise RingTimeout(f"the ring was full for {timeout} s")
            self._write(0, data)
            self.commit(1)
        finally:
            self.putting.leave()

    def put_many(self, messages: Iterable[bytes | bytearray | memoryview], timeout: Seconds = None) -> int:
        """Put messages in batches as large as fit. Returns how many: all, unless ``timeout`` seconds have passed.

        Raises InvalidMessage before the first is put; RingClosed, also after a part of them; RingBusy.
        """
        checked: list[bytes] = [self._message(message) for message in messages]
        deadline_ns: i64 = deadline_after(timeout)
        count: u64 = len(checked)
        done: u64 = 0
        i: u64
        self._enter(self.putting, "puts into")
        try:
            while done < count:
                free: u64 = self._claim(count - done, deadline_ns)
                if free == 0:
                    break
                for i in range(free):
                    self._write(i, checked[done + i])
                self.commit(free)
                done += free
            return done
        finally:
            self.putting.leave()

    def put_records(self, records: NDArray[Any], timeout: Seconds = None) -> int:
        """Put the records of a contiguous array, shape (n,), itemsize ``slot_bytes``. Returns how many, as
        ``put_many``.
        """
        if not isinstance(records, np.ndarray) or records.ndim != 1 or not records.flags.c_contiguous:
            raise InvalidMessage(f"{shown(records)} is not a contiguous one-dimensional array")
        self._dtype(records.dtype)
        deadline_ns: i64 = deadline_after(timeout)
        count: u64 = len(records)
        done: u64 = 0
        first: cython.pointer[cython.const[u8]] = cython.cast(cython.pointer[cython.const[u8]], records_of(records))
        self._enter(self.putting, "puts into")
        try:
            while done < count:
                free: u64 = self._claim(count - done, deadline_ns)
                if free == 0:
                    break
                with cython.nogil:
                    self.write_records(first + done * self.slot_bytes, free)
                    self.commit(free)
                done += free
            return done
        finally:
            self.putting.leave()

    def try_get(self) -> bytes | None:
        """Return the next message, None without one. Raises RingClosed at the end, InvalidMessage and RingBusy."""
        self._enter(self.getting, "gets from")
        try:
            closed: cython.bint = self.is_closed()
            if self.peek(1) == 0:
                if closed:
                    raise RingClosed("the ring is closed and empty")
                return None
            message: bytes = self._read(0)
            self.release(1)
            return message
        finally:
            self.getting.leave()

    def get(self, timeout: Seconds = None) -> bytes:
        """Return the next message; wait for it up to ``timeout`` seconds, None for no limit.

        Raises RingTimeout; RingClosed if the ring is closed and empty; InvalidMessage for a slot that holds a record;
        RingBusy.
        """
        deadline_ns: i64 = deadline_after(timeout)
        self._enter(self.getting, "gets from")
        try:
            if self._peek(1, deadline_ns) == 0:
                raise RingTimeout(f"the ring was empty for {timeout} s")
            message: bytes = self._read(0)
            self.release(1)
            return message
        finally:
            self.getting.leave()

    def get_many(self, limit: SupportsIndex, timeout: Seconds = None) -> list[bytes]:
        """Return the messages in the ring, at most ``limit``, as a list; wait for the first.

        The list is empty after ``timeout`` seconds. Raises RingClosed, InvalidMessage and RingBusy as ``get``, and
        InvalidSetting.
        """
        wanted: u64 = whole(limit, 1, MAX_CAPACITY, InvalidSetting, "limit")
        deadline_ns: i64 = deadline_after(timeout)
        self._enter(self.getting, "gets from")
        try:
            there: u64 = self._peek(wanted, deadline_ns)
            messages = [self._read(number) for number in range(there)]
            self.release(there)
            return messages
        finally:
            self.getting.leave()

    def get_records(self, dtype: DTypeLike, limit: SupportsIndex, timeout: Seconds = None) -> NDArray[Any]:
        """Return the records in the ring, at most ``limit``, as an array of ``dtype``, shape (n,); as ``get_many``."""
        dtype = self._dtype(dtype)
        wanted: u64 = whole(limit, 1, MAX_CAPACITY, InvalidSetting, "limit")
        deadline_ns: i64 = deadline_after(timeout)
        self._enter(self.getting, "gets from")
        try:
            there: u64 = self._peek(wanted, deadline_ns)
            records = np.empty(there, dtype)
            into: cython.pointer[u8] = cython.cast(cython.pointer[u8], records_of(records))
            with cython.nogil:
                self.read_records(into, there)
                self.release(there)
            return records
        finally:
            self.getting.leave()

    def close(self) -> None:
        """Close the ring: no more records can be put. Wakes both sides; the consumer gets what is left, then
        RingClosed.

        Both sides may close, also twice. A record that is put while the other side closes may never be read.
        """
        if not self.memory:
            raise TypeError("this ring was not initialized: call Ring(...), Ring.create or Ring.attach")
        self.end()

    @property
    def closed(self) -> bool:
        """Close the ring: no more records can be put. What is in it can still be read. O(1)."""
        return bool(self.memory) and self.is_closed()

    def __bool__(self) -> bool:
        return True  # an empty ring is a ring

    def __iter__(self) -> Ring:
        return self

    def __next__(self) -> bytes:
        """Return the next message; stop when the ring is closed and empty."""
        try:
            return self.get()
        except RingClosed:
            raise StopIteration from None

    def __repr__(self) -> str:
        return f"Ring(capacity={self.capacity}, slot_bytes={self.slot_bytes}, blocking={self.blocking})"

    def _enter(self, latch: Latch, what: str) -> cython.int:
        if latch is None:
            raise TypeError("this ring was not initialized: call Ring(...), Ring.create or Ring.attach")
        if not latch.enter():
            raise RingBusy(
                f"a second call {what} this ring at the same time, from a different thread, a signal handler or a "
                "finalizer: let one thread put and one get, or use a lock"
            )
        return 0

    def _claim(self, wanted: u64, deadline_ns: i64) -> u64:
        """As ``claim_by``, with checks for signals. Raises RingClosed."""
        while True:
            if self.is_closed():
                raise RingClosed("the ring is closed")
            free: u64 = self.claim(wanted)
            now_ns: i64 = 0 if free else cython.cast(i64, monotonic_ns())
            if free or now_ns >= deadline_ns:
                return min(free, self.capacity)  # a different process may have overwritten its cursor
            with cython.nogil:
                self.claim_by(1, self.idle, min(deadline_ns, now_ns + SIGNALS_NS))
            PyErr_CheckSignals()

    def _peek(self, wanted: u64, deadline_ns: i64) -> u64:
        """As ``peek_by``, with checks for signals. Raises RingClosed."""
        while True:
            closed: cython.bint = self.is_closed()
            there: u64 = self.peek(wanted)
            if there == 0 and closed:
                raise RingClosed("the ring is closed and empty")
            now_ns: i64 = 0 if there else cython.cast(i64, monotonic_ns())
            if there or now_ns >= deadline_ns:
                return min(there, self.capacity)
            with cython.nogil:
                self.peek_by(1, self.idle, min(deadline_ns, now_ns + SIGNALS_NS))
            PyErr_CheckSignals()

    def _write(self, index: u64, message: bytes) -> None:
        """Write a message to a claimed slot: its length, its bytes, and zeros."""
        slot: cython.pointer[u8] = cython.cast(cython.pointer[u8], self.claimed(index))
        data: cython.pointer[cython.const[cython.char]] = message
        length: u32 = len(message)
        cython.cast(cython.pointer[u32], slot)[0] = length
        memcpy(slot + PREFIX, data, length)
        memset(slot + PREFIX + length, 0, self.slot_bytes - PREFIX - length)

    def _read(self, index: u64) -> bytes:
        """Return the message of a peeked slot. Raises InvalidMessage and leaves the slot."""
        slot: cython.pointer[cython.const[cython.char]] = cython.cast(
            cython.pointer[cython.const[cython.char]], self.peeked(index)
        )
        length: u32 = cython.cast(cython.pointer[u32], slot)[0]
        if length > self.slot_bytes - PREFIX:
            raise InvalidMessage(
                f"a slot has a message of {length} bytes, which is impossible: it holds a record, use get_records"
            )
        return slot[PREFIX : PREFIX + length]

    def _message(self, message: Any) -> bytes:
        if not isinstance(message, (bytes, bytearray, memoryview)):
            raise InvalidMessage(f"message {shown(message)} is not bytes")
        data: bytes = bytes(message)
        length: u64 = len(data)
        if self.memory and length > self.slot_bytes - PREFIX:
            raise InvalidMessage(f"the message has {length} bytes: a slot has room for {self.slot_bytes - PREFIX}")
        return data

    def _dtype(self, dtype: Any) -> Any:
        """Return a dtype that fits a slot."""
        dtype = np.dtype(dtype)
        if dtype.hasobject or dtype.itemsize != self.slot_bytes:
            raise InvalidMessage(
                f"the records have {dtype.itemsize} bytes, {dtype}: give {self.slot_bytes} bytes, without objects"
            )
        return dtype


def deadline_after(timeout: Any) -> i64:
    """Return the time of the monotonic clock, in ns, after these seconds; None for no limit."""
    if timeout is None:
        return FOREVER
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout >= 0:
        raise InvalidSetting(f"timeout {shown(timeout)} is not a number of seconds: give None, 0 or more")
    return FOREVER if timeout > 1e9 else cython.cast(i64, monotonic_ns()) + int(timeout * 1e9)
