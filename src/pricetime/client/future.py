"""The futures of commands. Compiled, because a client makes one for each command.

A future keeps the bytes of the reports that answer its command. ``result`` decodes them when it is called.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import weakref
from queue import Empty, SimpleQueue

import cython

from pricetime.client.errors import NotAcknowledged, OrderRefused
from pricetime.client.order_result import decode_result
from pricetime.errors import ERROR_OF_REASON
from pricetime.wire.messages import ExecutionReport

if not cython.compiled:  # the compiled form has them from future.pxd
    from pricetime.core.layout import *

    PENDING, ANSWERED, FAILED = range(3)


@cython.cclass
class CommandFuture:
    """The answer to a command: the report that answers it, or the error that the exchange refused it with.

    ``result`` and ``exception`` wait for the answer; the future of an ``AsyncClient`` is awaited instead. A callback
    runs in the client's thread, so it must be short and must not wait for other futures.
    """

    if not cython.compiled:
        state = PENDING
        kind = connection = number = 0
        value = lock = callbacks = command = None

    def done(self):
        """Return whether the answer is there."""
        return self.state != PENDING

    def result(self, timeout=None):
        """Return the answer, or raise its error. Wait up to ``timeout`` seconds, None for no limit.

        Raises NotAcknowledged, which is a TimeoutError, if there is no answer by then.
        """
        if self.state == PENDING:
            self.wait(timeout)
        value = self.taken()
        if self.state == FAILED:
            raise value
        return value

    def exception(self, timeout=None):
        """Return the error, None if the command succeeded. Waits and raises as ``result``."""
        if self.state == PENDING:
            self.wait(timeout)
        return self.taken() if self.state == FAILED else None

    def add_done_callback(self, callback):
        """Call ``callback`` with this future when the answer comes, or now if it is there."""
        if self.lock is None:
            self._add(callback)
        else:
            with self.lock:
                self._add(callback)

    def _add(self, callback):
        if self.state != PENDING:
            callback(self)
        elif self.callbacks is None:
            self.callbacks = [callback]
        else:
            self.callbacks.append(callback)

    def remove_done_callback(self, callback):
        """Do not call ``callback``. Returns how many times it was registered."""
        kept = [one for one in self.callbacks or () if one != callback]
        removed = len(self.callbacks or ()) - len(kept)
        self.callbacks = kept
        return removed

    def __await__(self):
        if self.state == PENDING:
            loop = asyncio.get_running_loop()
            waiter = loop.create_future()

            def release():
                if not waiter.done():
                    waiter.set_result(None)

            def wake(_):
                if self.lock is None:
                    release()
                else:  # the answer comes in the client's thread
                    loop.call_soon_threadsafe(release)

            self.add_done_callback(wake)
            try:
                yield from waiter
            finally:
                self.remove_done_callback(wake)
        return self.result(0)

    def __repr__(self):
        name = type(self).__name__
        return f"<{name} pending>" if self.state == PENDING else f"<{name} {self.taken()!r}>"

    def taken(self):
        """Return the result or the error, decoded the first time."""
        value = self.value
        if type(value) is bytes:
            report = ExecutionReport.decode(value)
            value = refusal(report) if self.state == FAILED else report
            self.value = value
        elif type(value) is tuple:
            value = self.value = decode_result(*value)
        return value

    def wait(self, timeout):
        """Wait until the answer is there. Raises NotAcknowledged."""
        if self.lock is None:
            raise NotAcknowledged("the command is not answered yet: await its future")
        answers = SimpleQueue()
        self.add_done_callback(answers.put)
        try:
            answers.get(timeout=None if timeout is None else max(0.0, min(timeout, threading.TIMEOUT_MAX)))
        except Empty:
            with self.lock:
                self.remove_done_callback(answers.put)
            if self.state == PENDING:
                raise NotAcknowledged(f"no answer within {timeout:g} s: it may still come") from None
        return 0

    def complete(self, state, value):
        """The answer is there."""
        if self.state != PENDING:
            return 0
        self.value = value
        self.state = state
        self.command = None
        if self.callbacks is not None:
            callbacks, self.callbacks = self.callbacks, None
            for callback in callbacks:
                try:
                    callback(self)
                except Exception:
                    logging.getLogger(__name__).exception("a callback of a future failed: %r", callback)
        return 0


@cython.cclass
class FinalFuture(CommandFuture):
    """``OrderFuture.final``: what became of an order in the end."""

    if not cython.compiled:
        accepted = last = leader = others = None
        remaining = 0
        waits = False

    def begin(self, report, quantity, waits):
        """The order was accepted, with so many lots."""
        self.accepted = self.last = report
        self.remaining = quantity
        self.waits = waits
        self.fills = []
        return 0

    def read(self, kind, reason, quantity, report):
        """Note a report about the order. A command about it that was refused changes nothing."""
        if kind == TRADE or kind == AUCTION_TRADE:
            self.remaining -= quantity
            self.fills.append(report)
        elif kind == CANCELLED or kind == REDUCED or kind == EXPIRED:
            self.remaining -= quantity
        elif kind == REPLACED:
            self.remaining = quantity
            self.waits = reason == WAITS
        elif kind == HIDDEN:
            self.remaining += quantity  # the report before it has what is displayed
        elif kind == TRIGGERED:
            self.waits = False
        elif kind != REFRESHED:
            return 0
        self.last = report
        return 0

    def follow(self, leader):
        """Complete when ``leader`` does, which follows the same order and is kept for as long as this future."""
        self.leader = leader
        if leader.others is None:
            leader.others = []
        leader.others.append(weakref.ref(self))
        return 0

    def end(self, state, value):
        """Complete this future and those that follow it."""
        self.complete(state, value)
        for reference in self.others or ():
            other: FinalFuture = reference()
            if other is not None:
                other.complete(state, value)
        return 0


@cython.cclass
class OrderFuture(CommandFuture):
    """The answer to a new order or a replace: an ``OrderResult`` with the fills that the command itself made.

    An order that never rests (IOC, FOK, market) is answered when nothing of it is left, so the result has all fills.
    One that may rest is answered as soon as the exchange accepts it, with the fills that come together with the
    acceptance; a remainder that rests may trade later. ``final`` is a second future, of the order's end: its result has
    every fill until nothing remains, whether the order was filled or cancelled. The client follows the order for as
    long as this future or ``final`` is held.

        order = client.add_order(1, BID, price=101, quantity=5)
        print(order.result())         # OrderResult(RESTING: ACCEPTED bid 5@101, ...; 2 filled at 100.5, 3 remaining)
        print(order.final.result())   # OrderResult(FILLED: ...), once the remainder has traded

    Both raise the error that the exchange refused the command with, CommandLost if it was lost with its connection, and
    SessionEnded or ConnectionLost if the client ends before.
    """

    if not cython.compiled:
        final = None


def refusal(report):
    """Return the error that a book would have raised."""
    error = ERROR_OF_REASON.get(report.reason, OrderRefused)
    name = getattr(report.reason, "name", str(report.reason))
    return error(f"the exchange refused the command about order {report.order_id}: {name}")


def failed(error):
    """Return the future of a command that could not be sent."""
    future: CommandFuture = CommandFuture()
    future.complete(FAILED, error)
    return future
