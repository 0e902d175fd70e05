"""The recovery server: what a subscriber missed, and the whole book for one that joins.

Anyone may ask, so everything is bounded: connections, the time that each may be silent or read nothing, what one
answer holds, what one connection and all of them may fetch in a second, and the snapshots that are alive at a time.
Nothing is buffered here: the next request is read when the answer to the last has gone to the kernel.

A frame that is no request, or a flood of small ones, costs its sender its connection or its rate, and nobody else.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import Protocol

import numpy as np

from ..core.instrument import Instrument
from ..core.snapshot import Snapshot
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

#: What a request costs beside its reports, so that many small ones are limited too.
REQUEST_COST_REPORTS = 32

#: Bytes of a snapshot that are handed to the kernel at a time; a reader must take them within the idle time.
PIECE_BYTES = 1 << 18

#: What asked too fast waits this long for being told so: that cannot be asked for in a flood either.
LIMITED_PAUSE_S = 0.02


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


class RecoveryServer(Acceptor):
    """Answers on a listening socket, in the running loop, from ``open`` to ``close``."""

    def __init__(
        self, listener: socket.socket, config: GatewayConfig, store: Store, replica: Replica, log: Seldom
    ) -> None:
        super().__init__(listener, "no recovery connection can be accepted", log)
        self.counts: Counter[str] = Counter()  #: what happened here so far, by name
        self._config = config
        self._store = store
        self._snapshots = SharedSnapshot(replica, config.snapshot_cache_ms / 1000)
        self._streams = asyncio.Semaphore(config.snapshot_streams)
        self._all = TokenBucket(
            config.recovery_total_per_second, self._burst(config.recovery_total_per_second), self._loop.time()
        )
        self._clients: dict[asyncio.Task[None], Asker] = {}  # the one that asked longest ago first

    def __len__(self) -> int:
        return len(self._clients)

    def _burst(self, per_second: int) -> int:
        """What may be had at once: a second's worth, and at least a whole answer."""
        return max(per_second, self._config.recovery_chunk_reports + REQUEST_COST_REPORTS)

    def _welcome(self, connection: socket.socket, address: str) -> asyncio.Task[None] | None:
        """Serve a connection. When there are too many, the one that has been idle longest goes, or the new one."""
        self.counts["connections"] += 1
        if len(self._clients) >= self._config.recovery_clients:
            idle = next((task for task, asker in self._clients.items() if asker.idle), None)
            if idle is None:
                self._send_off(connection, SessionReason.TOO_MANY_CLIENTS, address)
                return None
            self._clients.pop(idle).reason = SessionReason.TOO_MANY_CLIENTS
            idle.cancel()
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        per_second = self._config.recovery_reports_per_second
        asker = Asker(connection, address, TokenBucket(per_second, self._burst(per_second), self._loop.time()))
        task = self._loop.create_task(self._serve(asker))
        self._clients[task] = asker
        task.add_done_callback(partial(self._part, asker))
        return task

    async def _serve(self, asker: Asker) -> None:
        """Answer the requests of one connection until it ends, errs, or has been silent too long."""
        try:
            while await self._answer_next(asker):
                task = asyncio.current_task()
                assert task is not None
                if task in self._clients:  # it is the one now that asked last
                    self._clients[task] = self._clients.pop(task)
        except TimeoutError:
            asker.reason = SessionReason.HEARTBEAT_TIMEOUT
        except OSError:
            pass  # it has gone
        except Exception as error:  # a snapshot that cannot be had ends this connection alone
            self._log.info("recovery failed", error=repr(error), address=asker.address)

    def _part(self, asker: Asker, task: asyncio.Task[None]) -> None:
        """A connection is over, be it before it was served at all."""
        self._clients.pop(task, None)
        if task.cancelled():
            asker.reason = asker.reason or SessionReason.SHUTDOWN
        self._send_off(asker.socket, asker.reason, asker.address, midway=asker.midway)

    def _send_off(
        self, connection: socket.socket, reason: SessionReason, address: str, *, midway: bool = False
    ) -> None:
        """Say why a connection ends, if there is something to say and no answer is cut short by it."""
        with suppress(OSError):
            if reason:
                self.counts[f"ended: {reason.name}"] += 1
                self._log.info("recovery connection ended", reason=reason.name, address=address)
                if not midway:
                    connection.send(Logout(reason=reason).encode())

    async def _answer_next(self, asker: Asker) -> bool:
        """Answer one request. False when the connection has ended, or must end: ``asker.reason`` says why."""
        asker.idle = True
        kind = await self._receive(asker, 1)
        asker.idle = False
        if kind == b"":
            return False
        if kind[0] == MessageType.RETRANSMIT_REQUEST:
            if frame := await self._receive(asker, RetransmitRequest.SIZE - 1):
                await self._retransmit(asker, RetransmitRequest.decode(kind + frame))
                return True
        elif kind[0] == MessageType.SNAPSHOT_REQUEST:
            if await self._receive(asker, SnapshotRequest.SIZE - 1):
                await self._send_snapshot(asker)
                return True
        else:
            asker.reason = SessionReason.OUT_OF_STATE if SIZES[kind[0]] else SessionReason.UNKNOWN_TYPE
        return False

    async def _receive(self, asker: Asker, count: int) -> bytes:
        """Exactly this many bytes, none when the connection ends before. Raises TimeoutError."""
        got = b""
        async with asyncio.timeout(self._config.recovery_idle_ms / 1000):
            while len(got) < count:
                more = await self._loop.sock_recv(asker.socket, count - len(got))
                if not more:
                    return b""
                got += more
        return got

    async def _send(self, asker: Asker, *parts: bytes | memoryview) -> None:
        """Hand an answer to the kernel. Raises TimeoutError when the other end does not read."""
        asker.midway = True
        for part in parts:
            async with asyncio.timeout(self._config.recovery_idle_ms / 1000):
                await self._loop.sock_sendall(asker.socket, part)
        asker.midway = False

    async def _retransmit(self, asker: Asker, request: RetransmitRequest) -> None:
        status, reports, checksum = self._find(asker, request)
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
        await self._send(asker, head.encode() + reports)

    def _find(self, asker: Asker, request: RetransmitRequest) -> tuple[RetransmitStatus, bytes, int]:
        """The reports that answer a request, or why there are none, and the checksum of all reports before them.

        Fewer than asked for when that is all there is.
        """
        store, now = self._store, self._loop.time()
        newest = store.next_sequence
        count = min(request.count, self._config.recovery_chunk_reports, max(0, newest - request.seq_num))
        cost = count + REQUEST_COST_REPORTS
        if asker.allowance.wait(cost, now) or self._all.wait(cost, now):
            return RetransmitStatus.RANGE_LIMITED, b"", 0
        reports = store.copy(request.seq_num, count) if count and request.seq_num >= store.oldest else None
        paid = REQUEST_COST_REPORTS if reports is None else cost
        asker.allowance.take(paid)
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

    async def _send_snapshot(self, asker: Asker) -> None:
        """The whole book, when it is this connection's turn: no more than a few are sent at a time."""
        async with self._streams:
            snapshot = await self._snapshots.get()
            await asyncio.sleep(asker.allowance.wait(len(snapshot.orders), self._loop.time()))
            asker.allowance.take(len(snapshot.orders) + REQUEST_COST_REPORTS)
            self.counts["snapshots sent"] += 1
            orders = snapshot.orders.view(np.uint8).data
            pieces = (orders[at : at + PIECE_BYTES] for at in range(0, len(orders), PIECE_BYTES))
            async with asyncio.timeout(self._config.snapshot_timeout_ms / 1000):
                await self._send(asker, _head(snapshot, self._store.epoch), *pieces)


class Asker:
    """A connection: what it may still fetch, and why it ends."""

    __slots__ = ("address", "allowance", "idle", "midway", "reason", "socket")

    def __init__(self, connection: socket.socket, address: str, allowance: TokenBucket) -> None:
        self.socket = connection
        self.address = address
        self.allowance = allowance
        self.idle = True  # nothing of a request has come: the one to go when there are too many
        self.midway = False  # an answer is out in part: nothing else may be sent
        self.reason = SessionReason.NO_REASON


class SharedSnapshot:
    """One snapshot for all who ask at about the same time. It is taken in a thread: the loop goes on."""

    def __init__(self, replica: Replica, good_for_s: float) -> None:
        self._replica = replica
        self._good_for_s = good_for_s
        self._taking: asyncio.Task[Snapshot] | None = None
        self._taken_at = float("-inf")

    async def get(self) -> Snapshot:
        """A snapshot that is young enough, or else a new one."""
        loop = asyncio.get_running_loop()
        if self._taking is None or (self._taking.done() and self._is_old(self._taking, loop.time())):
            self._taking = loop.create_task(self._take())
        return await asyncio.shield(self._taking)

    def _is_old(self, taken: asyncio.Task[Snapshot], now: float) -> bool:
        return taken.cancelled() or taken.exception() is not None or now - self._taken_at > self._good_for_s

    async def _take(self) -> Snapshot:
        self._taken_at = asyncio.get_running_loop().time()
        return await asyncio.to_thread(self._replica.snapshot)


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
        symbol=instrument.symbol.encode()[:SYMBOL_BYTES],
    ).encode()
