"""The command log: every command is appended to it before the engine executes it, and every consumer reads it.

``CommitLog`` is the interface; ``VolatileLog`` keeps the newest commands in memory, ``FileLog`` writes a journal. The
event loop sends the reports of a command when ``watermark`` of its level has reached the command's sequence. It does
not know what moves the watermark.

A *term* begins when a process becomes the writer of a log. Each term is greater than all before it, so a reader can
tell a continuation from a second log that began at the same point.
"""

from __future__ import annotations

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime._form import need_compiled
from pricetime.log.batch import Batch, LogReader, Position
from pricetime.log.configuration import Configuration
from pricetime.ring.ring import Ring
from pricetime.types import COMMAND

if not cython.compiled:
    need_compiled("the command log")

#: Commands that a ``VolatileLog`` keeps for its reader by default: 16 MiB, 50 ms of commands at the highest rate.
VOLATILE_COMMANDS = 1 << 18


@cython.cclass
class CommitLog:
    """What the event loop and the follower know of a log. This class itself is a log that keeps nothing.

    ``append`` is called by the thread of the matcher only; ``watermark``, ``want`` and ``has_failed`` by the event
    loop; ``reader`` and what it returns by the follower; ``last`` and ``failure`` by any thread.
    """

    if not cython.compiled:
        level: int
        term: int
        first: int
        traced: bool
        failure: str | None

    def append(
        self, first: cython.pointer[cython.const[Command]], count: u64, seq_num: u64, report_checksum: u32
    ) -> u64:
        """Append commands, whose sequences follow the last one. Returns how many are in the log now.

        Execute those, then append the rest. 0 if there is no room now, or after a failure. ``seq_num`` and
        ``report_checksum``: of the last report, and over all reports, before these commands.
        """
        return count

    def append_records(self, commands: NDArray[np.void], seq_num: int = 0, report_checksum: int = 0) -> int:
        """``append`` for Python: ``commands`` is an array of ``pricetime.COMMAND``, which is not copied."""
        commands = checked(commands)
        first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
        count: u64 = len(commands)
        number: u64 = seq_num
        link: u32 = report_checksum
        with cython.nogil:
            done: u64 = self.append(first, count, number, link)
        return done

    @property
    def released(self) -> int:
        """Sequence of the last command whose reports may be sent: ``watermark`` of the log's own level."""
        return self.watermark(self.level)

    @property
    def durable(self) -> int:
        """Sequence of the last command that is on the disk."""
        return self.watermark(DURABLE)

    def watermark(self, level: u32) -> u64:
        """Return the sequence of the last command whose reports may be sent at this acknowledgement level."""
        return NO_LIMIT

    def want(self) -> None:
        """Ask for progress: when the watermark has moved, the log writes once to the eventfd of the event loop.

        Check ``watermark`` and ``has_failed`` again before sleeping, because they may have changed just before.
        """

    def has_failed(self) -> cython.bint:
        """Return whether the log has failed: nothing is appended or may be reported any more."""
        return False

    @property
    def failed(self) -> bool:
        """``has_failed`` for Python."""
        return self.has_failed()

    def start(self) -> None:
        """Start the log's own threads. Call it once, before the first command."""

    @property
    def last(self) -> int:
        """Sequence of the last command in the log."""
        raise NotImplementedError

    def reader(self, sequence: int) -> LogReader:
        """Return a reader of the commands after ``sequence``.

        Its ``read(limit)`` returns the next ``Batch``, and its ``position`` is that after the last command it returned.
        Raises JournalError if the log no longer has these commands, OSError.
        """
        raise NotImplementedError

    def lose(self, error: OSError) -> None:
        """Fail, because a reader could not read the files: appended commands may be lost."""

    def close(self) -> None:
        """Make everything durable that the level promises, and release all resources. The matcher must have ended."""


@cython.final
@cython.cclass
class VolatileLog(CommitLog):
    """Keeps the newest commands in memory for one reader, and accepts no more than it has room for.

    ``configuration``, ``epoch``: of the engine and of the feed. ``capacity``: commands that are appended and not read,
    a power of two; the event loop executes nothing while there are so many. Raises MemoryError.
    """

    if not cython.compiled:
        sequence: int
        taken: int

    def __init__(self, configuration: Configuration, epoch: int = 0, capacity: int = VOLATILE_COMMANDS) -> None:
        self.level = 0
        self.term = 1
        self.first = 1
        self.traced = False
        self.configuration = configuration
        self.epoch = epoch
        self.commands = Ring(capacity, cython.sizeof(Command), blocking=False)

    def append(
        self, first: cython.pointer[cython.const[Command]], count: u64, seq_num: u64, report_checksum: u32
    ) -> u64:
        taken: u64 = self.commands.claim(count)
        if taken != 0:
            self.commands.write_records(cython.cast(cython.pointer[cython.const[u8]], first), taken)
            self.commands.commit(taken)
            store_u64(cython.address(self.sequence), first[taken - 1].sequence, RELEASE)
        return taken

    def watermark(self, level: u32) -> u64:
        return load_u64(cython.address(self.sequence), ACQUIRE)

    @property
    def last(self) -> int:
        return load_u64(cython.address(self.sequence), ACQUIRE)

    def reader(self, sequence: int) -> LogReader:
        """Return the log itself: it has one reader, which begins at the first command."""
        return self

    @property
    def position(self) -> Position:
        """Position after the last command that was read; only its sequence means anything."""
        return Position(0, 0, 0, self.taken)

    def read(self, limit: int) -> Batch:
        """Take the next commands, at most ``limit``, out of the log, as a ``Batch``; an empty one if there are none."""
        count: u64 = self.commands.peek(limit)
        taken = np.empty(count, COMMAND)
        if count != 0:
            self.commands.read_records(cython.cast(cython.pointer[u8], records_of(taken)), count)
            self.commands.release(count)
            self.taken += count
        return Batch(taken, [], self.configuration, self.epoch)
