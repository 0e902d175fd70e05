"""The channel between the control thread and the event loop: requests to the loop, and events of sessions from it."""

from __future__ import annotations

import os
import time

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.exchange.state.matcher import Matcher
from pricetime.native.arrays import Block
from pricetime.ring.ring import Ring
from pricetime.types import COMMAND

#: Timeout for listing an owner's orders, and interval of checks whether the list is ready, in seconds.
LIST_TIMEOUT_S, POLL_S = 5.0, 0.001


@cython.final
@cython.cclass
class ControlChannel:
    """``wake_fd``: an eventfd that wakes the loop. ``clock_offset_ns``: from the monotonic clock to ns since 1970.

    Raises MemoryError.
    """

    def __init__(self, wake_fd: int, clock_offset_ns: int) -> None:
        self.wake_fd = wake_fd
        self.clock_offset_ns = clock_offset_ns
        self.requests, self.events = Ring(SLOTS, blocking=False), Ring(SLOTS, blocking=False)
        self.answers = Ring(SLOTS, blocking=False)
        self.list_state = 0

    # ------------------------------------------------------------------ for the control thread

    def admit(self, fd: int, owner: int, flags: int, next_sequence: int) -> bool:
        """Hand over the connection of a client that has logged in. False: too many requests are waiting, try again."""
        return self._request(REQUEST_ADMIT, owner, fd, flags, next_sequence)

    def command(self, kind: int, instrument: int, flags: int, price: int, number: int, due_ns: int = 0) -> bool:
        """Issue a command about an instrument; ``kind``: its type. False: too many requests are waiting, try again.

        ``number``: of its answer, see ``take_answers``; 0: no answer is wanted. ``due_ns``: when its row of a schedule
        was due; 0 without. EXPIRE is issued in as many parts as it takes, and has one answer.
        """
        return self._request(REQUEST_COMMAND, 0, -1, flags, 0, instrument, kind, price, number, due_ns)

    def remove(self, owner: int, session_reason: int, cancel_reason: int) -> bool:
        """End an owner's session unless ``session_reason`` is 0, and cancel its orders unless ``cancel_reason`` is 0.

        False: too many requests are waiting, try again.
        """
        return self._request(REQUEST_OWNER, owner, -1, cancel_reason, state=session_reason)

    def begin_stop(self) -> bool:
        """Accept no more orders, send everything, and log out every client."""
        return self._request(REQUEST_STOP, 0, -1)

    def _request(
        self,
        kind: int,
        owner: int,
        fd: int,
        flags: int = 0,
        next_sequence: int = 0,
        instrument: int = 0,
        state: int = 0,
        price: int = 0,
        number: int = 0,
        due_ns: int = 0,
    ) -> bool:
        if self.requests.claim(1) == 0:
            return False
        request: cython.pointer[Request] = cython.cast(cython.pointer[Request], self.requests.claimed(0))
        memset(request, 0, cython.sizeof(Request))
        request.kind = kind
        request.owner = owner
        request.fd = fd
        request.flags = flags
        request.next_sequence = next_sequence
        request.instrument = instrument
        request.state = state
        request.price = price
        request.number = number
        request.due_ns = due_ns
        self.requests.commit(1)
        self.wake()
        return True

    def wake(self) -> None:
        """Wake the event loop if it sleeps."""
        os.eventfd_write(self.wake_fd, 1)

    def open_orders(self, owner: int) -> NDArray[np.void]:
        """An owner's open orders, oldest first, at most MOST_LISTED, as an array of ``pricetime.COMMAND``.

        The event loop lists them between two commands; one call at a time. Raises RuntimeError if it does not answer
        within LIST_TIMEOUT_S.
        """
        if load_u32(cython.address(self.list_state), ACQUIRE) != LIST_ASKED:  # otherwise an earlier call has timed out
            self.list_owner = owner
            self.list_block = Block(MOST_LISTED * cython.sizeof(Command))
            store(cython.address(self.list_state), LIST_ASKED, RELEASE)
        self.wake()
        deadline = time.monotonic() + LIST_TIMEOUT_S
        while load_u32(cython.address(self.list_state), ACQUIRE) == LIST_ASKED:
            if time.monotonic() > deadline:
                raise RuntimeError("the event loop does not answer: it has ended")
            time.sleep(POLL_S)
        if self.list_owner != owner:
            return self.open_orders(owner)
        return self.list_block.array(COMMAND, self.listed)

    def take_events(self) -> list[tuple[int, int, int, int, int]]:
        """Session events since the last call: (kind, owner, reason, timestamp in ns, next sequence) each."""
        found = []
        count: u64 = self.events.peek(self.events.capacity)
        i: u64
        for i in range(count):
            event: cython.pointer[Event] = cython.cast(cython.pointer[Event], self.events.peeked(i))
            found.append((event.kind, event.owner, event.reason, event.timestamp, event.next_sequence))
        self.events.release(count)
        return found

    def take_answers(self) -> list[tuple[int, int, int, int, int, int, int]]:
        """Answers since the last call: (number, kind, reason, side, price, quantity, surplus) each.

        They are those of the report that says what the command did: PHASE_CHANGED, UNCROSSED, INDICATIVE, PRICE_SET,
        EXPIRY_DONE or REJECTED.
        """
        found = []
        count: u64 = self.answers.peek(self.answers.capacity)
        i: u64
        for i in range(count):
            answer: cython.pointer[Answer] = cython.cast(cython.pointer[Answer], self.answers.peeked(i))
            found.append((
                answer.number, answer.kind, answer.reason, answer.side, answer.price, answer.quantity, answer.surplus,
            ))  # fmt: skip
        self.answers.release(count)
        return found

    # ------------------------------------------------------------------ for the event loop

    def waiting(self) -> u64:
        """Number of requests that wait."""
        return self.requests.peek(self.requests.capacity)

    def request(self, index: u64) -> cython.pointer[Request]:
        """One of the waiting requests, 0 for the oldest."""
        return cython.cast(cython.pointer[Request], self.requests.peeked(index))

    def release(self, count: u64) -> None:
        """Remove the oldest requests, which are done."""
        if count != 0:
            self.requests.release(count)

    def emit(self, kind: u32, owner: u32, reason: u32, next_sequence: u64) -> None:
        """Report an event, for the log. The event is lost if the ring of events is full."""
        if self.events.claim(1) == 0:
            return
        event: cython.pointer[Event] = cython.cast(cython.pointer[Event], self.events.claimed(0))
        memset(event, 0, cython.sizeof(Event))
        event.kind = kind
        event.owner = owner
        event.reason = reason
        event.timestamp = monotonic_ns() + self.clock_offset_ns
        event.next_sequence = next_sequence
        self.events.commit(1)

    def answer(self, number: u64, report: cython.pointer[cython.const[Report]], quantity: u64) -> None:
        """Answer a command with a report; ``quantity``: instead of the report's.

        The answer is lost if the ring of answers is full: the control thread limits how many it waits for.
        """
        if self.answers.claim(1) == 0:
            return
        answer: cython.pointer[Answer] = cython.cast(cython.pointer[Answer], self.answers.claimed(0))
        memset(answer, 0, cython.sizeof(Answer))
        answer.number = number
        answer.kind = report.kind
        answer.reason = report.reason
        answer.side = report.side
        answer.price = report.price
        answer.quantity = quantity
        answer.surplus = report.maker_id
        self.answers.commit(1)

    def list_orders(self, matcher: Matcher) -> None:
        """Answer ``open_orders`` if the control thread asks."""
        if load_u32(cython.address(self.list_state), ACQUIRE) == LIST_ASKED:
            out: cython.pointer[Command] = cython.cast(cython.pointer[Command], self.list_block.memory)
            self.listed = matcher.orders_of(self.list_owner, out, MOST_LISTED)
            store(cython.address(self.list_state), LIST_DONE, RELEASE)
