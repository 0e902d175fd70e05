"""Applies datagrams to the books without the GIL, while every report is the next one.

The kernel may join several datagrams to one piece (``UDP_GRO``). A piece whose reports follow those in the books is
applied in place. The rest of any other piece goes to the caller, as runs: consecutive reports, or one other record.
``checksum`` covers every applied report.
"""

from __future__ import annotations

import os
from typing import Any

import cython

from pricetime.core.builder import BookBuilder

if cython.compiled:
    from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
    from cython.cimports.libc.errno import EAGAIN, errno


@cython.final
@cython.cclass
class Receiver:
    """Reads the datagrams of a socket into a builder. The caller keeps the socket open. Raises MemoryError.

    ``spins``: try to read many times before reporting that nothing came, and yield the processor in between.
    """

    if not cython.compiled:
        builder: Any
        buffer: Any
        error: int
        checksum: int

    def __init__(self, fd: int, builder: BookBuilder, spins: bool = False) -> None:
        if self.builder is not None:
            raise TypeError("__init__ was called before: a second thread may be in the builder")
        self.fd = fd
        self.builder = builder
        self.attempts = MOST_ATTEMPTS if spins else 1
        self.size = -1
        if not self.buffer:
            self.buffer = cython.cast(cython.pointer[u8], reserve(PIECE_BYTES))
        if not self.buffer:
            raise MemoryError("no memory for a datagram")

    def receive(self, most: int, follow: bool) -> tuple[int, list[bytes]]:
        """Read what has come. Returns how many pieces were applied completely, and the runs of one that was not.

        With ``follow``, up to ``most`` pieces are read and applied, until there are none or one does not follow;
        without it, one is read and not applied. Raises BookBusy, and OSError if the socket fails.
        """
        pieces: u64 = 0
        limit: u64 = most
        self.builder.enter()  # for the buffer, too
        try:
            if follow:
                with cython.nogil:
                    pieces = self._apply_pieces(limit)
            else:
                self.applied = 0
                self._read()
            if self.error != 0:
                raise OSError(self.error, os.strerror(self.error))
            return pieces, self._runs()
        finally:
            self.builder.leave()

    def applied_reports(self) -> bytes:
        """Return the applied reports of the last piece, as bytes."""
        size: cython.Py_ssize_t = self.applied * cython.sizeof(Report)
        return PyBytes_FromStringAndSize(cython.cast(cython.p_char, self.buffer), size)

    def _read(self) -> cython.bint:
        """Read a piece. Returns whether there was one."""
        self.size = receive_datagram(self.fd, self.buffer, PIECE_BYTES, MSG_DONTWAIT)
        self.error = 0
        if self.size < 0 and errno != EAGAIN:
            self.error = errno
        return self.size >= 0

    def _find(self) -> cython.bint:
        """Read a piece, with several attempts if it spins. Returns whether there was one."""
        attempts: u32 = 1
        while not self._read() and self.error == 0 and attempts != self.attempts:
            attempts += 1
            yield_processor()
        return self.size >= 0

    def _apply_pieces(self, most: u64) -> u64:
        """Return how many pieces were applied completely. The last piece stays in the buffer."""
        pieces: u64
        for pieces in range(most):
            self.applied = 0
            if not self._find() or self.size == 0 or self.size % cython.sizeof(Report) != 0:
                return pieces
            count: u64 = self.size // cython.sizeof(Report)
            reports: cython.pointer[Report] = cython.cast(cython.pointer[Report], self.buffer)
            done: i64 = self.builder.apply_run(reports, count)
            if done < 0:
                self.applied = -1 - done
                self._link(reports, self.applied)
                return pieces
            self.applied = count
            self._link(reports, count)
            if self.attempts != 1 and pieces % YIELD_AFTER == YIELD_AFTER - 1:
                yield_processor()
        return most

    def _link(self, reports: cython.pointer[Report], count: u64) -> None:
        """Continue the checksum over ``count`` reports."""
        checksum: u32 = self.checksum
        i: u64
        for i in range(count):
            words: cython.p_void = cython.address(reports[i])
            checksum = link(checksum, cython.cast(cython.pointer[cython.const[u64]], words), REPORT_WORDS)
        self.checksum = checksum

    def _runs(self) -> list[bytes]:
        """Return what was not applied of the last piece."""
        runs: list[bytes] = []
        at: u64 = self.applied
        count: u64 = 0
        if self.size >= 0:
            count = self.size // cython.sizeof(Report)
        if self.size == 0 or (self.size > 0 and self.size % cython.sizeof(Report) != 0):
            return [PyBytes_FromStringAndSize(cython.cast(cython.p_char, self.buffer), self.size)]
        reports: cython.pointer[Report] = cython.cast(cython.pointer[Report], self.buffer)
        while at < count:
            end: u64 = at + 1
            while (
                end < count
                and reports[at].type == EXECUTION_REPORT
                and reports[end].type == EXECUTION_REPORT
                and reports[end].seq_num == reports[end - 1].seq_num + 1
            ):
                end += 1
            first: cython.p_char = cython.cast(cython.p_char, cython.address(reports[at]))
            runs.append(PyBytes_FromStringAndSize(first, (end - at) * cython.sizeof(Report)))
            at = end
        return runs

    def __dealloc__(self) -> None:
        release(self.buffer, PIECE_BYTES)


if not cython.compiled:

    class Receiver:  # type: ignore[no-redef]
        """Reads a datagram at a time and applies none: the caller does."""

        checksum = 0

        def __init__(self, fd: int, _builder: BookBuilder, _spins: bool = False) -> None:
            self.fd = fd

        def receive(self, _most: int, _follow: bool) -> tuple[int, list[bytes]]:
            try:
                return 0, [os.read(self.fd, 1 << 16)]
            except BlockingIOError:
                return 0, []

        def applied_reports(self) -> bytes:
            return b""
