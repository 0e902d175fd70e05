"""Order entry for asyncio: what ``Client`` is with a thread, in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np

from pricetime import address as addresses
from pricetime.errors import PricetimeError
from pricetime.feed import commands
from pricetime.feed.acknowledgements import Acknowledgements, Life
from pricetime.feed.client import FIRST_REQUEST, READ_BYTES
from pricetime.feed.dialogue import Dialogue, Stage
from pricetime.feed.errors import ConnectionLost, NotAcknowledged, ReportsUntaken
from pricetime.feed.open_orders import OpenOrder, OpenOrdersQuery
from pricetime.feed.order_result import OrderResult
from pricetime.feed.retries import Retries
from pricetime.types import REPORT, Side, TimeInForce
from pricetime.wire.messages import ExecutionReport, Message

#: Bytes that may wait to be sent before ``drain`` waits.
MOST_UNSENT = 1 << 20


class AsyncFinalFuture(asyncio.Future[OrderResult]):
    """``AsyncOrderFuture.final``."""

    life: Life | None = None  #: what follows the order for it


class AsyncOrderFuture(asyncio.Future[OrderResult]):
    """The answer to a new order or a replace, and ``final``: see ``OrderFuture``."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.final = AsyncFinalFuture(loop=loop)
        self.final.add_done_callback(_looked_at)


class AsyncClient:
    """A session with an exchange, as one owner; the settings are those of ``Client``.

    ``async with AsyncClient(...) as client`` logs in and out; so do ``login`` and ``close``. While it is open, a task
    reads, sends heartbeats, and after a disconnect logs in again and goes on with the next report: none is lost or
    comes twice. A command is sent at once and gives a ``Future``: await it for its answer, or leave it. Of one event
    loop only.
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
        self._runs: deque[bytes] = deque()  # reports that nobody has taken
        self._untaken = 0
        self._front: deque[ExecutionReport] = deque()  # of the run that is being taken one by one
        self._queries: list[OpenOrdersQuery] = []
        self._changed = asyncio.Event()
        self._connection: _Connection | None = None
        self._life: asyncio.Task[None] | None = None

    async def login(self) -> None:
        """Connect and log in. Raises LoginRefused, ConnectionLost and NotAcknowledged."""
        if self._life is not None:
            raise ConnectionLost("a client logs in once, and again by itself: make another")
        await self._connect()
        self._life = asyncio.create_task(self._live(), name=f"pricetime client {self._dialogue.owner}")
        try:
            await self.wait_until_active()
        except PricetimeError:
            await self.close()
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
    ) -> AsyncOrderFuture:
        """Send an order: see ``Client.add_order``."""
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

    def cancel_order(self, order_id: int, *, instrument: int | None = None) -> asyncio.Future[ExecutionReport]:
        """Take an order out of the book. The answer is its CANCELLED report."""
        return self._command(commands.cancel_order(order_id, instrument=self._named(instrument)))

    def reduce_order(self, order_id: int, by: int, *, instrument: int | None = None) -> asyncio.Future[ExecutionReport]:
        """Take lots off an order, which keeps its place. The answer is its REDUCED report."""
        return self._command(commands.reduce_order(order_id, by, instrument=self._named(instrument)))

    def replace_order(
        self, order_id: int, price: int, quantity: int, *, instrument: int | None = None
    ) -> AsyncOrderFuture:
        """Give an order a new price and a new open quantity. The answer is its REPLACED report."""
        return self._order(commands.replace_order(order_id, price, quantity, instrument=self._named(instrument)))

    def mass_cancel(
        self, *, instrument: int | None = None, side: Side | int | None = None, request_id: int | None = None
    ) -> asyncio.Future[ExecutionReport]:
        """Cancel the owner's orders: see ``Client.mass_cancel``."""
        number = next(self._requests) if request_id is None else request_id
        return self._command(commands.mass_cancel(number, instrument=instrument, side=side))

    async def open_orders(self, timeout: float | None = None) -> list[OpenOrder]:
        """The owner's orders that rest: see ``Client.open_orders``."""
        wait_s = self.timeout if timeout is None else timeout
        query = OpenOrdersQuery()
        self._queries.append(query)
        try:
            while not query.done:
                await asyncio.wait_for(self._command(query.ask()), wait_s)
            return query.orders
        except TimeoutError as error:
            raise NotAcknowledged(f"no list of open orders from {self.address} within {wait_s:g} s") from error
        finally:
            self._queries.remove(query)

    def send(self, orders: np.ndarray[Any, np.dtype[np.void]]) -> None:
        """Send many commands, as an array of ``pricetime.COMMAND``: see ``Client.send``. ``drain`` between them."""
        self._write(self._dialogue.send_commands(orders, time.monotonic_ns()))

    async def drain(self) -> None:
        """Wait while more than a mebibyte waits to be sent."""
        connection = self._connection
        if connection is not None:
            await connection.writable.wait()

    def _named(self, instrument: int | None) -> int:
        return self.instrument if instrument is None else instrument

    def _order(self, message: Message) -> AsyncOrderFuture:
        promise = AsyncOrderFuture(loop=asyncio.get_running_loop())
        self._send(message, promise, promise.final)
        return promise

    def _command(self, message: Message) -> asyncio.Future[ExecutionReport]:
        promise: asyncio.Future[ExecutionReport] = asyncio.get_running_loop().create_future()
        self._send(message, promise)
        return promise

    def _send(self, message: Message, promise: asyncio.Future[Any], final: AsyncFinalFuture | None = None) -> None:
        promise.add_done_callback(_looked_at)
        self._write(self._dialogue.send(message, time.monotonic_ns()))
        self._acknowledgements.expect(message, self._dialogue.connections, promise, final)

    def _write(self, data: bytes) -> None:
        assert self._connection is not None
        self._connection.transport.write(data)

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

    async def reports(self, timeout: float | None = None) -> AsyncIterator[ExecutionReport]:
        """The reports one by one, as they come: see ``Client.reports``."""
        while True:
            while self._front:
                yield self._front.popleft()
            run = await self._take(timeout)
            if run is None:
                return
            starts = range(0, len(run), ExecutionReport.SIZE)
            self._front.extend(ExecutionReport.decode(run[at : at + ExecutionReport.SIZE]) for at in starts)

    async def read(self, timeout: float | None = 0.0) -> np.ndarray[Any, np.dtype[np.void]]:
        """All reports that have come, as an array of ``pricetime.REPORT``: see ``Client.read``."""
        runs = [report.encode() for report in self._front]
        self._front.clear()
        first = await self._take(0.0 if runs else timeout)
        if first is not None:
            runs += [first, *self._runs]
            self._runs.clear()
            self._untaken = 0
        return np.frombuffer(b"".join(runs), REPORT)

    async def _take(self, timeout: float | None) -> bytes | None:
        """The next run of reports, None when none came in time or none will."""
        with contextlib.suppress(TimeoutError):
            await self._wait_for(lambda: bool(self._runs) or self._dialogue.stage is Stage.OVER, timeout)
        if self._runs:
            run = self._runs.popleft()
            self._untaken -= len(run) // ExecutionReport.SIZE
            return run
        if self._dialogue.error is not None:
            raise self._dialogue.error
        return None

    # ------------------------------------------------------------------ what happens by itself

    async def _live(self) -> None:
        """One connection after another."""
        dialogue = self._dialogue
        while True:
            await self._follow()
            if self._connection is not None:
                self._connection.transport.abort()
            if dialogue.stage is Stage.OVER:
                break
            self.disconnects += 1
            if not await self._reconnect():
                break
        self._acknowledgements.lose_all(dialogue.error or ConnectionLost("the client was closed"))
        self._changed.set()

    async def _follow(self) -> None:
        """Do what time demands, until the connection ends."""
        dialogue = self._dialogue
        while dialogue.stage not in {Stage.APART, Stage.OVER}:
            due_ns = dialogue.next_due_ns
            wait = None if due_ns is None else max(0.0, (due_ns - time.monotonic_ns()) / 1e9)
            try:
                await self._wait_for(partial(self._has_changed, due_ns), wait)
            except TimeoutError:
                for _ in range(2):  # the loop reads the socket first: after a pause of this process much may wait there
                    await asyncio.sleep(0)
                dialogue.due(time.monotonic_ns())
                self._say()

    def _has_changed(self, due_ns: int | None) -> bool:
        """Has the connection ended, or is something due earlier than it was?"""
        now_due_ns = self._dialogue.next_due_ns
        ended = self._dialogue.stage in {Stage.APART, Stage.OVER}
        return ended or (now_due_ns is not None and (due_ns is None or now_due_ns < due_ns))

    async def _reconnect(self) -> bool:
        """Make the connection anew: False when that is over."""
        dialogue = self._dialogue
        while (pause := self._retries.next_pause()) is not None:
            with contextlib.suppress(TimeoutError):
                await self._wait_for(lambda: dialogue.stage is Stage.OVER, pause)
                return False
            with contextlib.suppress(ConnectionLost):
                await self._connect()
                return True
        dialogue.give_up(
            ConnectionLost(
                f"no session with {addresses.text(self.address)} was to be had in {self._retries.most} "
                f"attempts: is the exchange up? resume_from={self.next_sequence} goes on from here"
            )
        )
        return False

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.timeout):
                await loop.create_connection(lambda: _Connection(self), *self.address)
        except OSError as error:
            raise ConnectionLost(
                f"cannot connect to {addresses.text(self.address)}: {error}. Is the exchange up?"
            ) from error

    def begin(self, connection: _Connection) -> None:
        """There is a connection: what comes over it now belongs to the session."""
        self._connection = connection
        self._dialogue.connected(time.monotonic_ns())

    def received(self, connection: _Connection, data: bytes) -> None:
        """A connection has brought something."""
        if connection is not self._connection:
            return
        dialogue = self._dialogue
        for run in dialogue.receive(data, time.monotonic_ns()):
            self._runs.append(run)
            self._untaken += len(run) // ExecutionReport.SIZE
            for query in self._queries:
                query.read(run)
            self._acknowledgements.read(run)
        if dialogue.is_between_messages and len(data) < READ_BYTES:
            self._acknowledgements.all_read()
        if dialogue.stage is Stage.ACTIVE:
            self._retries.reset()
        if dialogue.caught_up:
            self._acknowledgements.lose(dialogue.connections)
        if self._untaken > self.most_untaken:
            dialogue.give_up(ReportsUntaken(f"{self._untaken} reports wait to be taken, {self.most_untaken} may"))
        self._say()
        self._changed.set()

    def lost(self, connection: _Connection, why: str) -> None:
        """A connection is gone."""
        if connection is self._connection:
            self._dialogue.disconnected(why)
            self._changed.set()

    def _say(self) -> None:
        """What the dialogue has to say by itself."""
        outgoing, self._dialogue.outgoing = self._dialogue.outgoing, b""
        if outgoing and self._connection is not None:
            self._connection.transport.write(outgoing)

    async def _wait_for(self, holds: Callable[[], bool], timeout: float | None) -> None:
        """Wait until something holds. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    # ------------------------------------------------------------------ the beginning and the end

    async def wait_until_active(self, timeout: float | None = None) -> None:
        """Wait until the client is logged in, again where the connection was lost. Raises as ``login``."""
        dialogue = self._dialogue
        timeout = self.timeout if timeout is None else timeout
        with contextlib.suppress(TimeoutError):
            await self._wait_for(lambda: dialogue.stage in {Stage.ACTIVE, Stage.LEAVING, Stage.OVER}, timeout)
        if dialogue.error is not None:
            raise dialogue.error
        if dialogue.stage is not Stage.ACTIVE:
            raise NotAcknowledged(f"no login at {addresses.text(self.address)} within {timeout} s")

    async def close(self) -> None:
        """Log out: the exchange cancels the orders, unless ``keep_orders``. The reports that came can be taken."""
        dialogue = self._dialogue
        farewell = dialogue.logout(time.monotonic_ns())
        if farewell:
            self._write(farewell)
            with contextlib.suppress(TimeoutError):
                await self._wait_for(lambda: dialogue.stage is Stage.OVER, self.timeout)
            dialogue.stage = Stage.OVER
        self._changed.set()
        if self._life is not None:
            await self._life
        if self._connection is not None:
            self._connection.transport.abort()

    async def __aenter__(self) -> AsyncClient:
        await self.login()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()


class _Connection(asyncio.Protocol):
    """One connection of a client, which may have another by now."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self.writable = asyncio.Event()
        self.writable.set()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(MOST_UNSENT)
        self.transport = transport
        self._client.begin(self)

    def data_received(self, data: bytes) -> None:
        self._client.received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.writable.set()
        self._client.lost(self, str(exc or "the connection was closed"))

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


def _looked_at(promise: asyncio.Future[Any]) -> None:
    """A refusal that nobody awaits is no mistake: it is among the reports."""
    if not promise.cancelled():
        promise.exception()
