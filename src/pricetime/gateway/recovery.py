"""The recovery server: what a subscriber missed, and the whole book for one that joins.

Anyone may ask, so everything is bounded: connections, also from one address; the time in which a request must come and
the speed at which an answer must be taken; what one answer holds; what one connection and all of them may fetch in a
second; and the snapshots in memory at a time. Nothing is buffered here: the next request is read when the answer to the
last has gone to the kernel.

If there is no room, the idlest connection goes: the one that has neither completed a request nor taken a byte of an
answer for longest (``places.py``). A snapshot is encoded once for all who ask at that moment, and each takes the same
bytes at its own speed, so a slow reader delays only itself.

A frame that is no request, or a flood of small ones, costs its sender its connection or its rate, and nobody else.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Protocol

import numpy as np

from ..core.instrument import Instrument
from ..core.snapshot import Snapshot
from ..prices import decimals
from ..wire.messages import (
    SIZES,
    ExecutionReport,
    Logout,
    RetransmitReply,
    RetransmitRequest,
    SnapshotHeader,
    SnapshotInstrument,
    SnapshotRequest,
)
from ..wire.types import SYMBOL_BYTES, MessageType, RetransmitStatus, SessionReason
from .acceptor import Acceptor
from .buckets import TokenBucket
from .config import GatewayConfig
from .log import Seldom
from .places import Places

#: What a request costs beside its reports, so that many small ones are limited too.
REQUEST_COST_REPORTS = 32

#: Bytes of an answer that are handed to the kernel at a time, before other connections have their turn.
PIECE_BYTES = 1 << 18

#: What the kernel keeps of an answer for a connection that has not taken it yet.
UNREAD_BYTES = 1 << 18

#: What asked too fast waits this long for being told so: that cannot be asked for in a flood either.
LIMITED_PAUSE_S = 0.02

#: Bytes of each request, by its type.
REQUESTS = {
    int(MessageType.RETRANSMIT_REQUEST): RetransmitRequest.SIZE,
    int(MessageType.SNAPSHOT_REQUEST): SnapshotRequest.SIZE,
}

LOWEST_PRICE, HIGHEST_PRICE = -(2**63), 2**63 - 1


class Store(Protocol):
    """The reports of the feed that are kept. Written by the gateway, read here."""

    @property
    def oldest(self) -> int:
        """Sequence of the oldest report that is kept."""

    @property
    def next_sequence(self) -> int:
        """Sequence of the next report of the feed."""

    @property
    def epoch(self) -> int:
        """When the feed began, ns."""

    def checksum_before(self, number: int) -> int | None:
        """Of all reports before this one, which may be the next; None when it is not, or no longer, known."""

    def copy(self, first: int, count: int) -> bytes | None:
        """``count`` reports of 48 bytes from ``first`` on; None when one of them is no longer, or not yet, there."""


class Replica(Protocol):
    """The books as the feed tells them."""

    def snapshot(self) -> Snapshot:
        """All books at one moment. Called in a thread of its own, never in two at a time; may take its time."""

    def instruments(self) -> Snapshot:
        """The instruments alone, their digest and checksum 0. Called in a thread of its own; takes microseconds."""


class RecoveryServer(Acceptor):
    """Answers on a listening socket, in the running loop, from ``open`` to ``close``."""

    def __init__(
        self, listener: socket.socket, config: GatewayConfig, store: Store, replica: Replica, log: Seldom
    ) -> None:
        super().__init__(listener, "no recovery connection can be accepted", log)
        self.counts: Counter[str] = Counter()  #: what happened here so far, by name
        self._config = config
        self._store = store
        self._replica = replica
        self._snapshots = SharedSnapshot(replica, store, config.snapshot_cache_ms / 1000, config.snapshot_copies)
        self._all = TokenBucket(
            config.recovery_total_per_second, self._burst(config.recovery_total_per_second), self._loop.time()
        )
        self._places: Places[RecoveryClient] = Places(config.recovery_clients, config.recovery_clients_per_address)

    def __len__(self) -> int:
        return len(self._places)

    def _burst(self, per_second: int) -> int:
        """What may be had at once: a second's worth, and at least a whole answer."""
        return max(per_second, self._config.recovery_chunk_reports + REQUEST_COST_REPORTS)

    def _welcome(self, connection: socket.socket, address: str) -> asyncio.Task[None]:
        """Serve a connection, in the place of the idlest one if there is no room."""
        self.counts["connections"] += 1
        if (idlest := self._places.displaced_by(address)) is not None:
            self._places.leave(idlest)
            idlest.reason = SessionReason.TOO_MANY_CLIENTS
            idlest.task.cancel()
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
        per_second = self._config.recovery_reports_per_second
        client = RecoveryClient(
            connection, address, TokenBucket(per_second, self._burst(per_second), self._loop.time())
        )
        client.task = self._loop.create_task(self._serve(client))
        self._places.enter(client, address)
        client.task.add_done_callback(partial(self._part, client))
        return client.task

    async def _serve(self, client: RecoveryClient) -> None:
        """Answer the requests of one connection until it ends, errs, or takes too long."""
        try:
            while await self._answer_next(client):
                pass
        except TimeoutError:
            client.reason = SessionReason.SLOW_READER if client.midway else SessionReason.HEARTBEAT_TIMEOUT
        except OSError:
            pass  # it has gone
        except Exception as error:  # a snapshot that cannot be had ends this connection alone
            self._log.info("recovery failed", error=repr(error), address=client.address)

    def _part(self, client: RecoveryClient, task: asyncio.Task[None]) -> None:
        """A connection is over, be it before it was served at all."""
        self._places.leave(client)
        if task.cancelled():
            client.reason = client.reason or SessionReason.SHUTDOWN
        with suppress(OSError):
            if client.reason:
                self.counts[f"ended: {client.reason.name}"] += 1
                self._log.info("recovery connection ended", reason=client.reason.name, address=client.address)
                if not client.midway:  # else the reader would take it for a part of the answer
                    client.socket.send(Logout(reason=client.reason).encode())

    async def _answer_next(self, client: RecoveryClient) -> bool:
        """Answer one request. False when the connection has ended, or must end: ``client.reason`` says why."""
        idle_s, request_s = self._config.recovery_idle_ms / 1000, self._config.recovery_request_ms / 1000
        kind = await self._receive_all(client.socket, 1, self._loop.time() + idle_s)
        if kind == b"":
            return False
        size = REQUESTS.get(kind[0])
        if size is None:
            client.reason = SessionReason.OUT_OF_STATE if SIZES[kind[0]] else SessionReason.UNKNOWN_TYPE
            return False
        frame = await self._receive_all(client.socket, size - 1, self._loop.time() + request_s)
        if not frame:
            return False
        self._places.touch(client)
        if kind[0] == MessageType.RETRANSMIT_REQUEST:
            await self._retransmit(client, RetransmitRequest.decode(kind + frame))
        else:
            request = SnapshotRequest.decode(kind + frame)
            await self._send_snapshot(client, without_orders=request.without_orders == 1)
        return True

    async def _send(self, client: RecoveryClient, *parts: bytes | memoryview) -> None:
        """Hand an answer to the kernel. Raises TimeoutError when the other end takes it too slowly."""
        client.midway = True
        pace = Pace(self._config.recovery_bytes_per_second, self._config.recovery_request_ms / 1000, self._loop.time())
        for part in parts:
            rest = memoryview(part)
            while rest:
                sent = await self._send_some(client.socket, rest[:PIECE_BYTES], pace.deadline)
                pace.take(sent, self._loop.time())
                self._places.touch(client)
                rest = rest[sent:]
                await asyncio.sleep(0)
        client.midway = False

    async def _retransmit(self, client: RecoveryClient, request: RetransmitRequest) -> None:
        status, reports, checksum = self._find(client, request)
        count, store = len(reports) // ExecutionReport.SIZE, self._store
        self.counts[f"retransmit: {status.name}"] += 1
        self.counts["reports sent again"] += count
        if status is RetransmitStatus.RANGE_LIMITED:
            await asyncio.sleep(LIMITED_PAUSE_S)
        head = RetransmitReply(
            status=status,
            count=count,
            seq_num=request.seq_num,
            oldest_sequence=store.oldest,
            next_sequence=store.next_sequence,
            epoch=store.epoch,
            checksum=checksum,
        )
        await self._send(client, head.encode() + reports)

    def _find(self, client: RecoveryClient, request: RetransmitRequest) -> tuple[RetransmitStatus, bytes, int]:
        """The reports that answer a request, or why there are none, and the checksum of all reports before them.

        Fewer than asked for when that is all there is.
        """
        store, now = self._store, self._loop.time()
        newest = store.next_sequence
        count = min(request.count, self._config.recovery_chunk_reports, max(0, newest - request.seq_num))
        cost = count + REQUEST_COST_REPORTS
        if client.allowance.wait(cost, now) or self._all.wait(cost, now):
            return RetransmitStatus.RANGE_LIMITED, b"", 0
        reports = store.copy(request.seq_num, count) if count and request.seq_num >= store.oldest else None
        paid = REQUEST_COST_REPORTS if reports is None else cost
        client.allowance.take(paid)
        self._all.take(paid)
        if request.epoch not in {0, store.epoch}:
            return RetransmitStatus.RANGE_GONE, b"", 0
        if request.seq_num > newest:
            return RetransmitStatus.RANGE_AHEAD, b"", 0
        checksum = store.checksum_before(request.seq_num)
        if checksum is None or (count and reports is None):
            return RetransmitStatus.RANGE_GONE, b"", 0
        status = RetransmitStatus.RANGE_AHEAD if request.seq_num == newest else RetransmitStatus.RANGE_FOLLOWS
        return status, reports or b"", checksum

    async def _send_snapshot(self, client: RecoveryClient, *, without_orders: bool) -> None:
        """The whole book, or the instruments alone. A client pays afterwards: it waits before its next request."""
        await asyncio.sleep(client.allowance.wait(REQUEST_COST_REPORTS, self._loop.time()))
        if without_orders:
            client.allowance.take(REQUEST_COST_REPORTS)
            known = await asyncio.to_thread(self._replica.instruments)
            await self._send(client, _head(known, self._store.epoch))
            return
        async with self._snapshots.read() as snapshot:
            client.allowance.take(snapshot.count + REQUEST_COST_REPORTS)
            self.counts["snapshots sent"] += 1
            await self._send(client, snapshot.head, snapshot.orders)


class RecoveryClient:
    """A connection: what it may still fetch, and why it ends."""

    __slots__ = ("address", "allowance", "midway", "reason", "socket", "task")

    def __init__(self, connection: socket.socket, address: str, allowance: TokenBucket) -> None:
        self.socket = connection
        self.address = address
        self.allowance = allowance
        self.midway = False  # an answer is out in part: nothing else may be sent
        self.reason = SessionReason.NO_REASON
        self.task: asyncio.Task[None]


class Pace:
    """How fast a reader must be: until when it must have taken something more. Times are seconds.

    It begins with ``grace_s`` to spare, loses what time passes, and gains what its bytes may take; never more than
    ``grace_s`` at a time.
    """

    def __init__(self, bytes_per_second: float, grace_s: float, now: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._grace_s = grace_s
        self.deadline = now + grace_s

    def take(self, n_bytes: int, now: float) -> None:
        """The reader has taken so much. It is judged at its deadline, not later, however late this process looks."""
        gained = max(now, self.deadline) + n_bytes / self._bytes_per_second
        self.deadline = min(now + self._grace_s, gained)


class Encoded:
    """A snapshot as it is sent."""

    __slots__ = ("count", "head", "orders", "readers")

    def __init__(self, snapshot: Snapshot, epoch: int) -> None:
        self.head = _head(snapshot, epoch)
        self.orders = snapshot.orders.view(np.uint8).data
        self.count = len(snapshot.orders)
        self.readers = 0


class SharedSnapshot:
    """One snapshot for all who ask at about the same time. It is taken in a thread: the loop goes on.

    ``most``: snapshots that may be read at a time. While so many are, the newest is handed out however old it is; its
    reader fetches the reports since then.
    """

    def __init__(self, replica: Replica, store: Store, good_for_s: float, most: int) -> None:
        self._replica = replica
        self._store = store
        self._good_for_s = good_for_s
        self._most = most
        self._taking: asyncio.Task[Encoded] | None = None
        self._taken_at = float("-inf")
        self._being_read: set[Encoded] = set()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Encoded]:
        """A snapshot that is young enough, or else a new one."""
        snapshot = await self._get()
        snapshot.readers += 1
        self._being_read.add(snapshot)
        try:
            yield snapshot
        finally:
            snapshot.readers -= 1
            if snapshot.readers == 0:
                self._being_read.discard(snapshot)

    async def _get(self) -> Encoded:
        loop = asyncio.get_running_loop()
        if self._taking is None or (self._taking.done() and self._is_due(self._taking, loop.time())):
            self._taking = loop.create_task(self._take())
        return await asyncio.shield(self._taking)

    def _is_due(self, taken: asyncio.Task[Encoded], now: float) -> bool:
        if taken.cancelled() or taken.exception() is not None:
            return True
        return now - self._taken_at > self._good_for_s and len(self._being_read) < self._most

    async def _take(self) -> Encoded:
        self._taken_at = asyncio.get_running_loop().time()
        return await asyncio.to_thread(lambda: Encoded(self._replica.snapshot(), self._store.epoch))


def _head(snapshot: Snapshot, epoch: int) -> bytes:
    """What comes before the orders."""
    head = SnapshotHeader(
        instruments=len(snapshot.instruments),
        seq_num=snapshot.seq_num,
        orders=len(snapshot.orders),
        digest=snapshot.digest,
        epoch=epoch,
        checksum=snapshot.checksum,
    )
    return head.encode() + b"".join(map(_instrument, snapshot.instruments))


def _instrument(instrument: Instrument) -> bytes:
    return SnapshotInstrument(
        state=instrument.state,
        instrument=instrument.id,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        low_price=LOWEST_PRICE if instrument.low_price is None else instrument.low_price,
        high_price=HIGHEST_PRICE if instrument.high_price is None else instrument.high_price,
        price_decimals=decimals(instrument.price_unit),
        price_unit=int(instrument.price_unit.scaleb(decimals(instrument.price_unit))),
        symbol=instrument.symbol.encode()[:SYMBOL_BYTES],
    ).encode()
