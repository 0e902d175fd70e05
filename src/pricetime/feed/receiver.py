# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""From the socket into the books without the GIL, as long as every report is the next one.

The kernel may hand over several datagrams in one piece (``UDP_GRO``). A piece whose reports follow those in the books
is applied where it lies. Of any other one the caller gets what was not applied, cut into runs: reports that follow
one another, or one other record. ``checksum`` goes on over every report that is applied.
"""

from __future__ import annotations

import os

import cython
from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
from cython.cimports.libc.errno import EAGAIN, errno


@cython.final
@cython.cclass
class Receiver:
    """Reads the datagrams of a socket, which the caller keeps open, into a builder. Raises MemoryError.

    ``spins``: look many times before nothing has come. Whoever waits for the processor has it in between.
    """

    def __init__(self, fd, builder, spins=False):
        if self.builder is not None:
            raise TypeError("a receiver is made once: another thread may be in its builder")
        self.fd = fd
        self.builder = builder
        self.looks = LOOKS if spins else 1
        self.size = -1
        if not self.buffer:
            self.buffer = cython.cast(cython.pointer[u8], reserve(PIECE_BYTES))
        if not self.buffer:
            raise MemoryError("no room for a datagram")

    def receive(self, most, follow):
        """Read what has come: how many pieces were applied whole, and the runs of one that was not.

        With ``follow`` up to ``most`` pieces are read and applied, until nothing has come or one is not the next; else
        one is read and not applied. Raises BookBusy, and OSError where the socket is broken.
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

    def applied_reports(self):
        """The reports of the last piece that were applied, as bytes."""
        size: cython.Py_ssize_t = self.applied * cython.sizeof(Report)
        return PyBytes_FromStringAndSize(cython.cast(cython.p_char, self.buffer), size)

    def _read(self):
        """Read one piece: was there one?"""
        self.size = receive_datagram(self.fd, self.buffer, PIECE_BYTES, MSG_DONTWAIT)
        self.error = 0
        if self.size < 0 and errno != EAGAIN:
            self.error = errno
        return self.size >= 0

    def _find(self):
        """Read one piece, if need be after some looks: was there one?"""
        looks: u32 = 1
        while not self._read() and self.error == 0 and looks != self.looks:
            looks += 1
            yield_processor()
        return self.size >= 0

    def _apply_pieces(self, most):
        """How many pieces were applied whole. The last piece is left in the buffer."""
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
            if self.looks != 1 and pieces % TURN == TURN - 1:
                yield_processor()
        return most

    def _link(self, reports, count):
        """The checksum, behind so many more reports."""
        checksum: u32 = self.checksum
        i: u64
        for i in range(count):
            words: cython.p_void = cython.address(reports[i])
            checksum = link(checksum, cython.cast(cython.pointer[cython.const[u64]], words), REPORT_WORDS)
        self.checksum = checksum

    def _runs(self):
        """What was not applied of the last piece."""
        runs: list = []
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

    def __dealloc__(self):
        release(self.buffer, PIECE_BYTES)
