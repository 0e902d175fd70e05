"""Order entry from Python: a client that waits where it is told to, and stays connected by itself."""

from __future__ import annotations

import contextlib
import itertools
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Any

import numpy as np

from pricetime import address as addresses
from pricetime.errors import PricetimeError
from pricetime.feed import commands
from pricetime.feed.acknowledgements import Acknowledgements, Life
from pricetime.feed.dialogue import Dialogue, Stage
from pricetime.feed.errors import ConnectionLost, NotAcknowledged, ReportsUntaken
from pricetime.feed.open_orders import OpenOrder, OpenOrdersQuery
from pricetime.feed.order_result import OrderResult
from pricetime.feed.retries import Retries
from pricetime.types import REPORT, Side, TimeInForce
from pricetime.wire.messages import ExecutionReport, Message

READ_BYTES = 1 << 18

#: Request ids of mass cancels that are given none: no order of a person has such an id.
FIRST_REQUEST = 1 << 47


class FinalFuture(Future[OrderResult]):
    """``OrderFuture.final``."""

    life: Life | None = None  #: what follows the order for it


class OrderFuture(Future[OrderResult]):
    """The answer to a new order or a replace: an ``OrderResult`` with the fills that the command itself made.

    An order that never rests (IOC, FOK, market) is answered when nothing of it is left, so the result has all fills.
    One that may rest is answered as soon as the exchange accepts it, with the fills that come together with the
    acceptance; a resting remainder trades later. ``final`` is another future, of the order's end: its result has every
    fill until nothing remains, whether it was filled or cancelled. The client follows the order for as long as this
    future or ``final`` is held.

        order = client.add_order(1, BID, price=101, quantity=5)
        print(order.result())         # OrderResult(RESTING: ACCEPTED bid 5@101, ...; 2 filled at 100.5, 3 remaining)
        print(order.final.result())   # OrderResult(FILLED: ...), once the rest has traded

    Both raise why the exchange refused the command, CommandLost when it was lost with its connection, and SessionEnded
    or ConnectionLost when the client ends before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.final = FinalFuture()


class Client:
    """A session with an exchange, as one owner.

    ``host``, ``port``: of its order entry; a name, or an address of IPv4 or IPv6. ``secret``: b"" for an exchange that
    is open. ``instrument``: of commands that name none. ``keep_orders``: the exchange leaves the orders in the book
    when the session ends. ``resume_from``: the first report wanted, from 1; None for only what is new. ``timeout``:
    seconds for connecting, logging in, and for each call that waits and is not told how long. ``retries``: times that
    a lost connection is tried again before the client gives up. ``most_untaken``: reports that may wait to be taken.

    Made, it is logged in. A thread of its own reads, sends heartbeats, and after a disconnect logs in again and goes on
    with the next report: none is lost or comes twice. Commands are sent by the thread that calls, and do not wait for
    an answer: each gives a ``Future`` whose ``result`` is the answer, or raises why the command was refused: for a new
    order or a replace what became of the order, with its fills; for the others the report that answers them.
    Any number of threads may send; one takes the reports.

    Raises LoginRefused, ConnectionLost and InvalidOwner.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 7001,
        *,
        owner: int,
        secret: bytes = b"",
        instrument: int = 1,
        keep_orders: bool = False,
        resume_from: int | None = None,
        timeout: float = 5.0,
        retries: int = 10,
        most_untaken: int = 1 << 22,
    ) -> None:
        self.address, self.instrument, self.timeout = (host, port), instrument, timeout
        self.most_untaken = most_untaken  #: reports that may wait to be taken
        self.disconnects = 0  #: connections that were lost
        self._dialogue = Dialogue(owner, secret, keep_orders=keep_orders, resume_from=resume_from)
        self._acknowledgements = Acknowledgements()
        self._retries = Retries(retries)
        self._requests = itertools.count(FIRST_REQUEST)
        self._changed = threading.Condition()  # guards what follows, and the dialogue
        self._queries: list[OpenOrdersQuery] = []
        self._runs: deque[bytes] = deque()  # reports that nobody has taken
        self._untaken = 0
        self._front: deque[ExecutionReport] = deque()  # of the run that is being taken one by one
        self._sending = threading.Lock()  # around what is written to the socket
        self._socket = self._connect()
        self._wake, self._wakes = socket.socketpair()
        self._thread = threading.Thread(target=self._live, name=f"pricetime client {owner}", daemon=True)
        self._thread.start()
        try:
            self._wait_until_active(timeout)
        except PricetimeError:
            self._stop()
            raise

    # ------------------------------------------------------------------ commands

    def add_order(
        self,
        order_id: int,
        side: Side | int,
        price: int | None,
        quantity: int,
        *,
        instrument: int | None = None,
        time_in_force: TimeInForce | int = TimeInForce.GTC,
        self_trade: int | None = None,
        tag: int = 0,
    ) -> OrderFuture:
        """Send an order. ``order_id``: below 2**48, of none of the owner's orders that rest.

        The answer is an ``OrderResult``: see ``OrderFuture``. Raises the errors of ``OrderBook.add_order`` for
        arguments that cannot be, ConnectionLost and SessionEnded.
        """
        message = commands.new_order(
            order_id,
            side,
            price,
            quantity,
            instrument=self._named(instrument),
            time_in_force=time_in_force,
            self_trade=self_trade,
            tag=tag,
        )
        return self._order(message)

    def cancel_order(self, order_id: int, *, instrument: int | None = None) -> Future[ExecutionReport]:
        """Take an order out of the book. The answer is its CANCELLED report."""
        return self._command(commands.cancel_order(order_id, instrument=self._named(instrument)))

    def reduce_order(self, order_id: int, by: int, *, instrument: int | None = None) -> Future[ExecutionReport]:
        """Take lots off an order, which keeps its place. The answer is its REDUCED report."""
        return self._command(commands.reduce_order(order_id, by, instrument=self._named(instrument)))

    def replace_order(self, order_id: int, price: int, quantity: int, *, instrument: int | None = None) -> OrderFuture:
        """Give an order a new price and a new open quantity. The answer is an ``OrderResult``: see ``OrderFuture``."""
        return self._order(commands.replace_order(order_id, price, quantity, instrument=self._named(instrument)))

    def mass_cancel(
        self, *, instrument: int | None = None, side: Side | int | None = None, request_id: int | None = None
    ) -> Future[ExecutionReport]:
        """Cancel the owner's orders: of one instrument or all, of one side or both.

        The answer is the MASS_CANCELLED report, whose quantity is how many orders that were. ``request_id``: below
        2**48, the ``order_id`` of the answer; a new one when none is given.
        """
        number = next(self._requests) if request_id is None else request_id
        return self._command(commands.mass_cancel(number, instrument=instrument, side=side))

    def open_orders(self, timeout: float | None = None) -> list[OpenOrder]:
        """The owner's orders that rest, of all instruments, in the order in which they joined their queues.

        It is what was open at one moment, however much trades meanwhile: waits for as many answers as that takes, up
        to ``timeout`` seconds for each. They are among the reports, too. Raises NotAcknowledged, CommandLost when the
        connection broke meanwhile, ConnectionLost and SessionEnded.
        """
        wait_s = self.timeout if timeout is None else timeout
        query = OpenOrdersQuery()
        with self._changed:
            self._queries.append(query)
        try:
            while not query.done:
                with self._changed:
                    question = query.ask()
                try:
                    self._command(question).result(wait_s)
                except TimeoutError as error:
                    raise NotAcknowledged(f"no list of open orders from {self.address} within {wait_s:g} s") from error
            return query.orders
        finally:
            with self._changed:
                self._queries.remove(query)

    def send(self, orders: np.ndarray[Any, np.dtype[np.void]]) -> None:
        """Send many commands, as an array of ``pricetime.COMMAND``, of which the exchange gives owner and timestamp.

        Their fields are not looked at: what is wrong the exchange refuses. A field that is not set is 0, which is a
        price too. The answers are among the reports. Raises MessageError for what no client sends, ConnectionLost and
        SessionEnded.
        """
        with self._sending:
            with self._changed:
                data = self._dialogue.send_commands(orders, time.monotonic_ns())
            self._write(data)

    def _named(self, instrument: int | None) -> int:
        return self.instrument if instrument is None else instrument

    def _order(self, message: Message) -> OrderFuture:
        promise = OrderFuture()
        self._send(message, promise, promise.final)
        return promise

    def _command(self, message: Message) -> Future[ExecutionReport]:
        promise: Future[ExecutionReport] = Future()
        self._send(message, promise)
        return promise

    def _send(self, message: Message, promise: Future[Any], final: FinalFuture | None = None) -> None:
        with self._sending:
            with self._changed:
                data = self._dialogue.send(message, time.monotonic_ns())
                self._acknowledgements.expect(message, self._dialogue.connections, promise, final)
            try:
                self._write(data)
            except ConnectionLost:
                with self._changed:
                    self._acknowledgements.withdraw(message, promise)
                raise

    def _write(self, data: bytes) -> None:
        """Send bytes; where the connection breaks, the thread that reads finds it too and makes another."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            raise ConnectionLost(
                f"the connection to {addresses.text(self.address)} was lost while a command was sent: it is being made "
                "again, and the reports will show whether the command arrived"
            ) from error

    # ------------------------------------------------------------------ reports

    @property
    def next_sequence(self) -> int:
        """Of the next report that will come: what ``resume_from`` of another client would be."""
        return self._dialogue.next_sequence or 1

    @property
    def is_active(self) -> bool:
        """Is the client logged in just now?"""
        return self._dialogue.stage is Stage.ACTIVE

    @property
    def untaken(self) -> int:
        """Reports that wait to be taken."""
        return self._untaken + len(self._front)

    def reports(self, timeout: float | None = None) -> Iterator[ExecutionReport]:
        """The reports one by one, as they come; ends when none came for ``timeout`` seconds, None for never.

        Ends too when the client was closed. Raises SessionEnded, ConnectionLost and ReportsUntaken when the session is
        over otherwise, after the last report.
        """
        while True:
            while self._front:
                yield self._front.popleft()
            run = self._take(timeout)
            if run is None:
                return
            starts = range(0, len(run), ExecutionReport.SIZE)
            self._front.extend(ExecutionReport.decode(run[at : at + ExecutionReport.SIZE]) for at in starts)

    def read(self, timeout: float | None = 0.0) -> np.ndarray[Any, np.dtype[np.void]]:
        """All reports that have come, as an array of ``pricetime.REPORT``; waits up to ``timeout`` seconds for one.

        Raises as ``reports``.
        """
        runs = [report.encode() for report in self._front]
        self._front.clear()
        first = self._take(0.0 if runs else timeout)
        if first is not None:
            runs.append(first)
            with self._changed:
                runs += self._runs
                self._runs.clear()
                self._untaken = 0
        return np.frombuffer(b"".join(runs), REPORT)

    def _take(self, timeout: float | None) -> bytes | None:
        """The next run of reports, None when none came in time or none will."""
        with self._changed:
            self._changed.wait_for(lambda: self._runs or self._dialogue.stage is Stage.OVER, timeout)
            if self._runs:
                run = self._runs.popleft()
                self._untaken -= len(run) // ExecutionReport.SIZE
                return run
            if self._dialogue.error is not None:
                raise self._dialogue.error
            return None

    # ------------------------------------------------------------------ the thread that reads

    def _live(self) -> None:
        """One connection after another."""
        while True:
            self._follow()
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # wakes who is sending
            with self._changed:
                self._socket.close()
                self._changed.notify_all()
                if self._dialogue.stage is Stage.OVER:
                    break
                self.disconnects += 1
            if not self._reconnect():
                break
        with self._changed:
            error = self._dialogue.error or ConnectionLost("the client was closed")
            self._acknowledgements.lose_all(error)
            self._changed.notify_all()

    def _follow(self) -> None:
        """Read from a connection until it ends."""
        dialogue = self._dialogue
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while dialogue.stage not in {Stage.APART, Stage.OVER}:
                due_ns = dialogue.next_due_ns
                selector.select(None if due_ns is None else max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
                # Whatever the selector says: after a pause of this process it says that time is up, and no more.
                data: bytes | None = None
                try:
                    data = self._socket.recv(READ_BYTES, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    pass
                except OSError:
                    data = b""
                self._step(data)

    def _step(self, data: bytes | None) -> None:
        """What came, b"" for the end of the connection; None when only time has passed."""
        dialogue = self._dialogue
        with self._changed:
            runs = dialogue.receive(data, time.monotonic_ns()) if data else []
            if data == b"":
                dialogue.disconnected("the connection was closed")
            if dialogue.stage is Stage.ACTIVE:
                self._retries.reset()
            for run in runs:
                self._runs.append(run)
                self._untaken += len(run) // ExecutionReport.SIZE
                for query in self._queries:
                    query.read(run)
                self._acknowledgements.read(run)
            if dialogue.is_between_messages and (data is None or len(data) < READ_BYTES):
                self._acknowledgements.all_read()
            if dialogue.caught_up:
                self._acknowledgements.lose(dialogue.connections)
            if self._untaken > self.most_untaken:
                dialogue.give_up(ReportsUntaken(f"{self._untaken} reports wait to be taken, {self.most_untaken} may"))
            dialogue.due(time.monotonic_ns())
            outgoing, dialogue.outgoing = dialogue.outgoing, b""
            self._changed.notify_all()
        if outgoing and self._sending.acquire(blocking=dialogue.stage is Stage.ENTERING):
            try:  # where somebody else is sending, the exchange hears from us anyway
                with contextlib.suppress(OSError):
                    self._socket.sendall(outgoing)
            finally:
                self._sending.release()

    def _reconnect(self) -> bool:
        """Make the connection anew: False when that is over."""
        dialogue = self._dialogue
        while (pause := self._retries.next_pause()) is not None:
            with self._changed:
                if self._changed.wait_for(lambda: dialogue.stage is Stage.OVER, pause):
                    return False
            try:
                made = self._connect()
            except ConnectionLost:
                continue
            with self._sending, self._changed:
                if dialogue.stage is Stage.OVER:
                    made.close()
                    return False
                self._socket = made
            return True
        with self._changed:
            dialogue.give_up(
                ConnectionLost(
                    f"no session with {addresses.text(self.address)} was to be had in {self._retries.most} "
                    f"attempts: is the exchange up? resume_from={self.next_sequence} goes on from here"
                )
            )
        return False

    def _connect(self) -> socket.socket:
        try:
            made = socket.create_connection(self.address, self.timeout)
        except OSError as error:
            raise ConnectionLost(
                f"cannot connect to {addresses.text(self.address)}: {error}. Is the exchange up?"
            ) from error
        made.settimeout(None)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._changed:
            self._dialogue.connected(time.monotonic_ns())
        return made

    # ------------------------------------------------------------------ the beginning and the end

    def wait_until_active(self, timeout: float | None = None) -> None:
        """Wait until the client is logged in, again where the connection was lost. Raises as the constructor."""
        self._wait_until_active(self.timeout if timeout is None else timeout)

    def _wait_until_active(self, timeout: float) -> None:
        dialogue = self._dialogue
        with self._changed:
            self._changed.wait_for(lambda: dialogue.stage in {Stage.ACTIVE, Stage.LEAVING, Stage.OVER}, timeout)
            if dialogue.error is not None:
                raise dialogue.error
            if dialogue.stage is not Stage.ACTIVE:
                raise NotAcknowledged(f"no login at {addresses.text(self.address)} within {timeout} s")

    def close(self) -> None:
        """Log out: the exchange cancels the orders, unless ``keep_orders``. The reports that came can be taken."""
        with self._sending, contextlib.suppress(OSError):
            with self._changed:
                farewell = self._dialogue.logout(time.monotonic_ns())
                self._changed.notify_all()
            self._socket.sendall(farewell)
        self._thread.join(self.timeout if farewell else 0.0)
        self._stop()

    def _stop(self) -> None:
        with self._changed:
            if self._dialogue.stage is not Stage.OVER:
                self._dialogue.stage = Stage.OVER
            self._changed.notify_all()
        if self._thread.is_alive():
            self._wakes.send(b"x")
            self._thread.join()
        for one in (self._socket, self._wake, self._wakes):
            one.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
