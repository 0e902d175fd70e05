"""The sequencer: numbers commands, and keeps them until their reports are routed.

A command is numbered, then executed, then answered. The three numbers ``sequence``, ``executed`` and ``answered`` say
how far each step is. The commands between them are in a ring, which starts again at its first slot when all are
answered, so that few commands use few lines of the cache.
"""

from __future__ import annotations

from typing import SupportsIndex

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.checks import whole
from pricetime.errors import InvalidSetting
from pricetime.types import COMMAND


@cython.final
@cython.cclass
class Sequencer:
    """``capacity``: commands that may wait for their answers, a power of two. Raises MemoryError."""

    if not cython.compiled:
        sequence: int
        timestamp: int

    def __init__(self, capacity: SupportsIndex) -> None:
        self.capacity = whole(capacity, 2, 1 << 32, InvalidSetting, "capacity of the sequencer")
        if self.capacity & (self.capacity - 1):
            raise InvalidSetting(f"capacity of the sequencer {capacity}: give a power of two")
        self.mask = self.capacity - 1
        self.term = 0
        self.skip_to(0, 0)
        self.commands = cython.cast(cython.pointer[Command], reserve(self.capacity * cython.sizeof(Command)))
        self.bounds = cython.cast(cython.pointer[u64], reserve((self.capacity + 1) * cython.sizeof(u64)))
        if not self.commands or not self.bounds:
            raise MemoryError(f"no room for {capacity} commands")

    def __dealloc__(self) -> None:
        release(self.commands, self.capacity * cython.sizeof(Command))
        release(self.bounds, (self.capacity + 1) * cython.sizeof(u64))

    def room(self) -> u64:
        """How many commands can be numbered now. One slot stays free: its entry in ``bounds`` ends the last command."""
        return self.capacity - 1 - (self.sequence - self.answered)

    def rewind(self) -> None:
        """Continue at the first slot. Only when all commands are answered."""
        self.base = self.sequence + 1

    def place(self, sequence: u64) -> u64:
        """The slot of a command that is kept, or of one of the next ``room()``."""
        return (sequence - self.base) & self.mask

    def run_from(self, sequence: u64, last: u64) -> u64:
        """How many of the commands from ``sequence`` to ``last`` are side by side in the ring."""
        return min(last + 1 - sequence, self.capacity - self.place(sequence))

    def at(self, sequence: u64) -> cython.pointer[Command]:
        """The slot of a command, see ``place``."""
        return cython.address(self.commands[self.place(sequence)])

    def shift(self, dropped: u64) -> None:
        """Subtract ``dropped`` from the bounds of the commands that are executed and not answered."""
        sequence: u64
        for sequence in range(self.answered + 1, self.executed + 1):
            self.bounds[self.place(sequence)] -= dropped
            if sequence == self.executed or self.place(sequence + 1) == 0:
                self.bounds[self.place(sequence) + 1] -= dropped

    def take(self, first: int) -> NDArray[np.void]:
        """The commands from ``first`` on as an array of ``pricetime.COMMAND``, which count as answered. For tests."""
        taken = np.empty(self.sequence + 1 - first, COMMAND)
        out: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(taken))
        i: u64
        for i in range(cython.cast(u64, len(taken))):
            out[i] = self.commands[self.place(first + i)]
        self.skip_to(self.sequence, self.timestamp)
        return taken

    def skip_to(self, sequence: u64, timestamp: u64) -> None:
        """Note that the commands up to ``sequence`` are answered: they came with number and time, from a log."""
        self.timestamp = timestamp
        self.sequence = self.executed = self.answered = sequence
        self.rewind()

    def issue(
        self,
        kind: u32,
        owner: u32,
        instrument: u32,
        flags: u32,
        tag: u32,
        timestamp: u64,
        price: i64 = 0,
        quantity: u64 = 0,
    ) -> cython.bint:
        """Number a command of the exchange itself. False if there is no room."""
        if self.room() == 0:
            return False
        c: cython.pointer[Command] = numbered(self, kind, owner, timestamp)
        c.side = c.time_in_force = 0
        c.flags = flags
        c.instrument = instrument
        c.order_id = cython.cast(u64, owner) << ORDER_ID_SHIFT
        c.price = price
        c.quantity = quantity
        c.tag = tag
        return True
