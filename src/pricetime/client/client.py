"""Order entry from Python: a client with a thread of its own, which keeps the session up."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from pricetime import address as addresses
from pricetime.client.errors import ConnectionLost
from pricetime.client.future import CommandFuture
from pricetime.client.open_orders import OpenOrder
from pricetime.client.order_entry import MOST_UNSENT, OrderEntry, Reports, run
from pricetime.errors import PricetimeError
from pricetime.wire.messages import ExecutionReport

T = TypeVar("T")

#: The most commands that the calling thread sends directly in each window of time. Further ones are collected.
MOST_DIRECT, WINDOW_NS = 16, 1_000_000

#: Bytes that are collected before the calling thread sends them.
SEND_BYTES = 1 << 15


class Client(OrderEntry):
    """A session with an exchange, as one owner. The constructor logs in.

    A thread of the client reads, sends heartbeats, and after a disconnect logs in again and resumes with the next
    report: none is lost or comes twice. A command returns at once with a future, whose ``result`` is the answer or
    raises the error that the exchange refused the command with: for a new order or a replace what became of the order,
    with its fills; for the others the report that answers them.

    The first 16 commands of each millisecond are sent by the thread that calls. If there are more, the client collects
    them and sends them together, as soon as its thread runs or 32 KiB are collected. Any number of threads may send;
    one takes the reports.

    The arguments are those of ``OrderEntry``. Raises LoginRefused, ConnectionLost, NotAcknowledged and InvalidOwner.
    """

    _futures_wait = True

    def _begin(self) -> None:
        self._changed = threading.Condition(self._lock)
        self._window_ns = self._direct = 0  # when the window began, and what was sent directly in it
        self._woken = False  # the thread is about to send what is collected
        run(self._open_first())
        self._wake, self._wakes = socket.socketpair()
        self._wake.setblocking(False)
        name = f"pricetime client {self._dialogue.owner}"
        self._thread = threading.Thread(target=lambda: run(self._live()), name=name, daemon=True)
        self._thread.start()
        try:
            self.wait_until_active()
        except PricetimeError:
            self.close()
            raise

    def _notify(self) -> None:
        self._changed.notify_all()

    async def _wait_for(self, holds: Callable[[], bool], timeout: float | None) -> None:
        with self._changed:
            self._changed.wait_for(holds, timeout)

    async def _answer(self, future: CommandFuture[T], timeout: float) -> T:
        return future.result(timeout)

    # ------------------------------------------------------------------ sending

    def open_orders(self, timeout: float | None = None) -> list[OpenOrder]:
        """Return the owner's resting orders of all instruments, in the order in which they joined their queues.

        The list is what was open at one moment, however much trades meanwhile. It comes in parts; ``timeout`` is the
        longest wait for one, in seconds. The parts are among the reports too. Raises NotAcknowledged, CommandLost if
        the connection broke meanwhile, ConnectionLost and SessionEnded.
        """
        return run(self._list_open_orders(timeout))

    def _announce(self) -> None:
        if len(self._unsent) >= MOST_UNSENT:
            with contextlib.suppress(ConnectionLost):  # the futures will say what was lost
                self._flush_all()
            return
        now_ns = time.monotonic_ns()
        if now_ns - self._window_ns > WINDOW_NS:
            self._window_ns, self._direct = now_ns, 0
        self._direct += 1
        if (self._direct <= MOST_DIRECT or len(self._unsent) >= SEND_BYTES) and not self._rest:
            self._flush()
        else:
            self._send_later()

    def _send_later(self) -> None:
        if not self._woken:
            self._wake_thread()

    def _wake_thread(self) -> None:
        self._woken = True
        with contextlib.suppress(OSError):  # closed
            self._wakes.send(b"x")

    def _flush_all(self) -> None:
        """Send what is collected, and wait until the system has all of it. Raises ConnectionLost."""
        if threading.current_thread() is self._thread:  # a callback of a future
            self._flush()
            return
        with self._sending:
            try:
                self._socket.sendall(self._collected())
            except OSError as error:
                self._break()
                raise ConnectionLost(
                    f"the connection to {addresses.text(self.address)} was lost while commands were sent: the client "
                    "reconnects, and the reports will show which commands arrived"
                ) from error
            finally:
                self._rest = b""
        self._flush()

    # ------------------------------------------------------------------ reports

    def reports(self, timeout: float | None = None) -> Iterator[ExecutionReport]:
        """Iterate over the reports as they come; ends when none came for ``timeout`` seconds, None for no limit.

        Also ends when the client was closed. Raises SessionEnded, ConnectionLost and ReportsUntaken if the session
        ended otherwise, after the last report.
        """
        while len(self._front) > 0 or run(self._take_front(timeout)):
            yield self._front.popleft()

    def read(self, timeout: float | None = 0.0) -> Reports:
        """Return all reports that have come, as an array of ``pricetime.REPORT``. Raises as ``reports``.

        If there are none, wait up to ``timeout`` seconds for the first, None for no limit.
        """
        return run(self._take_all(timeout))

    # ------------------------------------------------------------------ the client's thread

    async def _connect(self) -> socket.socket:
        return socket.create_connection(self.address, self._connect_timeout)

    async def _follow(self) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        while self._is_connected:
            poll.register(self._socket, select.POLLIN | (select.POLLOUT if self._rest else 0))
            due_s = self._due_s
            poll.poll(None if due_s is None else 1e3 * due_s)
            with contextlib.suppress(BlockingIOError):
                self._wake.recv(64)
            self._woken = False
            self._step()

    # ------------------------------------------------------------------ login and logout

    def wait_until_active(self, timeout: float | None = None) -> None:
        """Wait until the client is logged in, or logged in again after a disconnect. Raises as the constructor."""
        run(self._wait_until_active(timeout))

    def close(self) -> None:
        """Log out. The exchange cancels orders that are not kept. Reports that came can still be taken."""
        run(self._close())

    async def _finish(self) -> None:
        if self._thread.is_alive():
            self._wake_thread()
            self._thread.join()
        self._wake.close()
        self._wakes.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
