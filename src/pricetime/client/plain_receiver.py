"""The uncompiled form of ``receiver``: one datagram at a time."""

from __future__ import annotations

import os

import numpy as np

from pricetime.core.builder import BookBuilder
from pricetime.errors import ReportMismatch
from pricetime.native.crc import linked_records
from pricetime.types import REPORT

PIECE_BYTES = 1 << 16


class PlainReceiver:
    """See ``Receiver``."""

    def __init__(self, fd: int, builder: BookBuilder) -> None:
        self.fd, self.builder = fd, builder
        self.checksum = 0
        self._applied = b""

    def receive(self, most: int, follow: bool) -> tuple[int, list[bytes]]:
        self._applied = b""
        for pieces in range(most if follow else 1):
            try:
                datagram = os.read(self.fd, PIECE_BYTES)
            except BlockingIOError:
                return pieces, []
            size = len(datagram)
            if not follow or size == 0 or size % REPORT.itemsize:
                return pieces, [datagram]
            before = self.builder.seq_num
            try:
                self.builder.apply(np.frombuffer(datagram, REPORT))
            except ReportMismatch:
                done = (self.builder.seq_num - before) * REPORT.itemsize
                self._applied = datagram[:done]
                self._link()
                return pieces, [datagram[done:]]
            self._applied = datagram
            self._link()
        return most, []

    def _link(self) -> None:
        self.checksum = linked_records(self.checksum, self._applied, REPORT.itemsize)

    def applied_reports(self) -> bytes:
        return self._applied
