"""Mass cancels: issues those of ended sessions and of the operator, and continues each in parts.

One command visits a limited number of an owner's orders. While a mass cancel is unfinished, the owner's next messages
wait.
"""

from __future__ import annotations

from collections.abc import Iterable

import cython

from pricetime.exchange.io.number_queue import NumberQueue
from pricetime.exchange.state.sequencer import Sequencer

if cython.compiled:
    #: Maximum number of orders that the first command of a mass cancel visits, and each command that continues it.
    PARTS = (FIRST_PART, PART)


@cython.final
@cython.cclass
class MassCancels:
    """Used by the event loop only. ``unfinished``: owners whose mass cancel a crash interrupted. Raises MemoryError."""

    def __init__(self, sequencer: Sequencer, unfinished: Iterable[int]) -> None:
        self.sequencer = sequencer
        owners: cython.size_t = OWNERS
        self.due, self.unfinished, self.resuming = NumberQueue(owners), NumberQueue(owners), NumberQueue(owners)
        self.waiting = cython.cast(cython.pointer[Waiting], reserve(owners * cython.sizeof(Waiting)))
        if not self.waiting:
            raise MemoryError("no room for mass cancels")
        for owner in unfinished:
            self.queue_unfinished(owner)

    def __dealloc__(self) -> None:
        owners: cython.size_t = OWNERS
        release(self.waiting, owners * cython.sizeof(Waiting))

    def waits(self, owner: u32) -> cython.bint:
        """Must this owner's next messages wait for a mass cancel?"""
        return self.waiting[owner].cancel_due or self.waiting[owner].command > self.sequencer.answered

    def is_pending(self, owner: int) -> bool:
        """``waits``, for Python. Callable from any thread."""
        return bool(self.waits(owner))

    def wait_for(self, owner: u32, command: u64) -> None:
        """Let the owner's next messages wait until ``command`` is answered; NEVER: until one that is not issued yet."""
        self.waiting[owner].command = command

    def request(self, owner: u32, reason: u32, keeps: u32) -> cython.bint:
        """Queue a mass cancel of an owner's orders: BY_DISCONNECT or BY_OPERATOR. False if one is queued already.

        ``keeps``: bits, 1 << ``TimeInForce``, of the orders that stay. Of two requests that become one mass cancel, an
        order stays only if both keep it, and BY_OPERATOR is the reason if one of them has it.
        """
        w: cython.pointer[Waiting] = cython.address(self.waiting[owner])
        if w.cancel_due:
            w.keeps &= keeps
            if reason == BY_OPERATOR:
                w.cancel_due = reason
            return False
        w.cancel_due = reason
        w.keeps = keeps
        self.due.push(owner)
        return True

    def pending(self) -> u32:
        """Number of owners for whom a command must still be issued."""
        return self.due.count + self.unfinished.count

    def begin(self, timestamp: u64) -> None:
        """Issue queued mass cancels. If the owner's own mass cancel is still in progress, it must be done first."""
        _: u32
        for _ in range(min(self.due.count, cython.cast(u32, BEGINNINGS))):
            owner: u32 = self.due.pop()
            w: cython.pointer[Waiting] = cython.address(self.waiting[owner])
            if w.command > self.sequencer.answered or not self.sequencer.issue(
                MASS_CANCEL, owner, ALL_INSTRUMENTS, w.cancel_due, FIRST_PART, timestamp, 0, w.keeps
            ):
                self.due.push(owner)
                continue
            w.cancel_due = 0
            w.command = self.sequencer.sequence

    def proceed(self, timestamp: u64) -> None:
        """Issue the next part of one unfinished mass cancel; the unfinished ones alternate."""
        if self.unfinished.count == 0:
            return
        owner: u32 = self.unfinished.pop()
        if self.sequencer.issue(CONTINUE, owner, 0, 0, PART, timestamp):
            self.waiting[owner].command = self.sequencer.sequence
        else:
            self.unfinished.push(owner)

    def queue_unfinished(self, owner: u32) -> None:
        """A part of this owner's mass cancel is done, and it was not the last one."""
        self.waiting[owner].command = NEVER
        self.unfinished.push(owner)

    def resume_later(self, owner: u32) -> None:
        """The owner's connection keeps messages that wait."""
        if not self.waiting[owner].resumes:
            self.waiting[owner].resumes = 1
            self.resuming.push(owner)

    def next_to_resume(self) -> u32:
        """Take the next owner from the queue of those that ``resume_later`` has put there."""
        owner: u32 = self.resuming.pop()
        self.waiting[owner].resumes = 0
        return owner
