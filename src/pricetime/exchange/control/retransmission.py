"""The recovery server: retransmits reports that a subscriber missed, and sends snapshots to new subscribers.

It needs no login, so everything is bounded by settings (``recovery_*``, ``snapshot_*``): the number of connections in
total and from one address, the time for a request, the speed at which a client reads, the size of a reply, the reports
per second of one connection and of all, and the number of snapshots in memory. The server buffers no replies: it reads
the next request when the last reply is with the kernel.

If all connections are taken, a new one replaces the idlest: the one whose last request or last read byte is the oldest
(``places.py``). Requests at about the same time share one encoded snapshot, and each client reads it at its own speed,
so a slow reader delays only itself.

A client that sends an invalid frame loses its connection. A flood of small requests uses up the client's own rate.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import numpy as np

from ...core.instrument import Instrument
from ...core.snapshot import IndicativePrice, Snapshot
from ...prices import decimals
from ...types import ReportKind
from ...wire.messages import (
    SIZES,
    ExecutionReport,
    Logout,
    RetransmitReply,
    RetransmitRequest,
    SnapshotHeader,
    SnapshotInstrument,
    SnapshotRequest,
)
from ...wire.types import SYMBOL_BYTES, MessageType, RetransmitStatus, SessionReason
from ..settings.config import GatewayConfig
from ..settings.server_log import LimitedLog
from ..state.feed_store import FeedStore
from .acceptor import Acceptor, Client
from .places import Places
from .shared import Shared
from .token_bucket import TokenBucket

#: Cost of a request in addition to its reports, so that the rate limit also bounds small requests.
REQUEST_COST_REPORTS = 32

#: Bytes of a reply sent at once, before the event loop serves other connections.
PIECE_BYTES = 1 << 18

#: Size of the socket's send buffer: bytes of a reply that the kernel holds until the client reads them.
UNREAD_BYTES = 1 << 18

#: Delay in seconds before a client that exceeds its rate gets RANGE_LIMITED, so that it cannot request this reply in a
#: flood.
LIMITED_PAUSE_S = 0.02

#: Size of each request in bytes, by message type.
REQUESTS = {
    int(MessageType.RETRANSMIT_REQUEST): RetransmitRequest.SIZE,
    int(MessageType.SNAPSHOT_REQUEST): SnapshotRequest.SIZE,
}

LOWEST_PRICE, HIGHEST_PRICE = -(2**63), 2**63 - 1


class PublicBooks(Protocol):
    """What has a second copy of the books: the follower of an exchange, or a node that does not lead."""

    def snapshot(self) -> Snapshot:
        """All books after the last published report, or a later one. O(orders). Raises RuntimeError."""

    def instruments(self) -> Snapshot:
        """The instruments with their phases, without orders, digest and checksum. O(instruments)."""


class RecoveryServer(Acceptor):
    """Serves subscribers in the running event loop, from ``open`` to ``close``. ``term``: returns
    that of the log, 0 if it is unknown."""

    def __init__(
        self,
        listener: socket.socket,
        config: GatewayConfig,
        store: FeedStore,
        books: PublicBooks,
        log: LimitedLog,
        term: Callable[[], int] = lambda: 0,
    ) -> None:
        places: Places[Client] = Places(config.recovery_clients, config.recovery_clients_per_address)
        super().__init__(listener, "cannot accept a recovery connection", log, places)
        self._config = config
        self._store = store
        self._books = books
        self._term = term
        self._snapshots = SharedSnapshot(
            lambda: Encoded(books.snapshot(), store.epoch, term()),
            config.snapshot_cache_ms / 1000,
            config.snapshot_copies,
        )
        self._all = self._bucket(config.recovery_total_per_second)

    def _bucket(self, per_second: int) -> TokenBucket:
        """Limits reports. Those of one second may be fetched at once, and at least one full reply."""
        most = max(per_second, self._config.recovery_chunk_reports + REQUEST_COST_REPORTS)
        return TokenBucket(per_second, most, self._loop.time())

    async def _serve(self, client: Client) -> None:
        """Answer the requests of one connection until it ends, sends an invalid frame or is too slow."""
        allowance = self._bucket(self._config.recovery_reports_per_second)
        try:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
            while not client.reason:
                await self._answer_next(client, allowance)
        except TimeoutError:
            client.reason = SessionReason.SLOW_READER if client.midway else SessionReason.HEARTBEAT_TIMEOUT
        except OSError:
            pass  # the client has disconnected
        except Exception as error:  # a failed snapshot closes only this connection
            self._log.info("recovery failed", error=repr(error), address=client.address)

    def _ended(self, client: Client) -> None:
        with suppress(OSError):
            if client.reason:
                self.counts[f"ended: {client.reason.name}"] += 1
                self._log.info("recovery connection ended", reason=client.reason.name, address=client.address)
                if not client.midway:  # otherwise the client would read it as a part of the reply
                    client.socket.send(Logout(reason=client.reason).encode())

    async def _answer_next(self, client: Client, allowance: TokenBucket) -> None:
        """Answer one request, or set the reason for which the connection must be closed. Raises OSError."""
        idle_s, request_s = self._config.recovery_idle_ms / 1000, self._config.recovery_request_ms / 1000
        kind = await self._receive_all(client.socket, 1, self._loop.time() + idle_s)
        size = REQUESTS.get(kind[0])
        if size is None:
            client.reason = SessionReason.OUT_OF_STATE if SIZES[kind[0]] else SessionReason.UNKNOWN_TYPE
            return
        frame = await self._receive_all(client.socket, size - 1, self._loop.time() + request_s)
        self._places.touch(client)
        if kind[0] == MessageType.RETRANSMIT_REQUEST:
            await self._retransmit(client, allowance, RetransmitRequest.decode(kind + frame))
        else:
            request = SnapshotRequest.decode(kind + frame)
            await self._send_snapshot(client, allowance, without_orders=request.without_orders == 1)

    async def _send(self, client: Client, *parts: bytes | memoryview) -> None:
        """Send a reply. Raises TimeoutError if the client reads it too slowly."""
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

    async def _retransmit(self, client: Client, allowance: TokenBucket, request: RetransmitRequest) -> None:
        status, reports, checksum = self._find(allowance, request)
        count, store = len(reports) // ExecutionReport.SIZE, self._store
        self.counts[f"retransmit: {status.name}"] += 1
        self.counts["reports sent again"] += count
        if status is RetransmitStatus.RANGE_LIMITED:
            await asyncio.sleep(LIMITED_PAUSE_S)
        header = RetransmitReply(
            status=status,
            count=count,
            seq_num=request.seq_num,
            oldest_sequence=store.oldest,
            next_sequence=store.next_sequence,
            epoch=store.epoch,
            checksum=checksum,
            term=self._term(),
        )
        await self._send(client, header.encode() + reports)

    def _find(self, allowance: TokenBucket, request: RetransmitRequest) -> tuple[RetransmitStatus, bytes, int]:
        """The reply to a request: status, reports, and the checksum of all reports before them.

        Holds fewer reports than requested if there are no more.
        """
        store, now = self._store, self._loop.time()
        newest = store.next_sequence
        count = min(request.count, self._config.recovery_chunk_reports, max(0, newest - request.seq_num))
        cost = count + REQUEST_COST_REPORTS
        if allowance.wait(cost, now) or self._all.wait(cost, now):
            return RetransmitStatus.RANGE_LIMITED, b"", 0
        reports = store.copy(request.seq_num, count) if count and request.seq_num >= store.oldest else None
        charged = REQUEST_COST_REPORTS if reports is None else cost
        allowance.take(charged)
        self._all.take(charged)
        if request.epoch not in {0, store.epoch}:
            return RetransmitStatus.RANGE_GONE, b"", 0
        if request.seq_num > newest:
            return RetransmitStatus.RANGE_AHEAD, b"", 0
        checksum = store.checksum_before(request.seq_num)
        if checksum is None or (count and reports is None):
            return RetransmitStatus.RANGE_GONE, b"", 0
        status = RetransmitStatus.RANGE_AHEAD if request.seq_num == newest else RetransmitStatus.RANGE_FOLLOWS
        return status, reports or b"", checksum

    async def _send_snapshot(self, client: Client, allowance: TokenBucket, *, without_orders: bool) -> None:
        """Send a snapshot of all books, or the instruments alone. Its cost delays the client's next request."""
        await asyncio.sleep(allowance.wait(REQUEST_COST_REPORTS, self._loop.time()))
        if without_orders:
            allowance.take(REQUEST_COST_REPORTS)
            known = await asyncio.to_thread(self._books.instruments)
            await self._send(client, _header(known, self._store.epoch, self._term()))
            return
        async with self._snapshots.read() as snapshot:
            allowance.take(snapshot.count + REQUEST_COST_REPORTS)
            self.counts["snapshots sent"] += 1
            await self._send(client, snapshot.header, snapshot.orders)


class Pace:
    """The deadline by which a reader must have read more bytes. Times are seconds.

    A reader starts ``grace_s`` before its deadline. Each byte that it reads moves the deadline by 1 / bytes_per_second,
    but never further than ``grace_s`` from now.
    """

    def __init__(self, bytes_per_second: float, grace_s: float, now: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._grace_s = grace_s
        self.deadline = now + grace_s

    def take(self, n_bytes: int, now: float) -> None:
        """The reader has read ``n_bytes``. A late call, after the deadline, counts from now."""
        gained = max(now, self.deadline) + n_bytes / self._bytes_per_second
        self.deadline = min(now + self._grace_s, gained)


class Encoded:
    """A snapshot in its wire format."""

    def __init__(self, snapshot: Snapshot, epoch: int, term: int) -> None:
        self.header = _header(snapshot, epoch, term)
        self.orders = snapshot.orders.view(np.uint8).data
        self.count = len(snapshot.orders)


class SharedSnapshot:
    """Shares one snapshot among requests at about the same time.

    ``take``: takes a snapshot. ``good_for_s``: age up to which a snapshot is reused. ``most``: maximum number of
    snapshots in memory; at that limit the newest is reused whatever its age, and its readers fetch the newer reports by
    retransmission.
    """

    def __init__(self, take: Callable[[], Encoded], good_for_s: float, most: int) -> None:
        self._good_for_s = good_for_s
        self._most = most
        self._shared = Shared(take)
        self._readers: Counter[Encoded] = Counter()  # of each snapshot that is being read

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Encoded]:
        """The last snapshot if it can be reused, otherwise a new one."""
        snapshot = await self._shared.get(self._is_good)
        self._readers[snapshot] += 1
        try:
            yield snapshot
        finally:
            self._readers -= Counter([snapshot])  # drops one without readers

    def _is_good(self, now: float) -> bool:
        return now - self._shared.began_at <= self._good_for_s or len(self._readers) >= self._most


def _header(snapshot: Snapshot, epoch: int, term: int) -> bytes:
    """The part of the reply before the orders: header and instruments."""
    header = SnapshotHeader(
        instruments=len(snapshot.instruments),
        seq_num=snapshot.seq_num,
        orders=len(snapshot.orders),
        digest=snapshot.digest,
        epoch=epoch,
        checksum=snapshot.checksum,
        term=term,
    )
    auctions = snapshot.auctions or (None,) * len(snapshot.instruments)
    return header.encode() + b"".join(map(_instrument, snapshot.instruments, auctions))


def _instrument(instrument: Instrument, auction: IndicativePrice | None) -> bytes:
    return SnapshotInstrument(
        phase=instrument.phase,
        instrument=instrument.id,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        low_price=LOWEST_PRICE if instrument.low_price is None else instrument.low_price,
        high_price=HIGHEST_PRICE if instrument.high_price is None else instrument.high_price,
        price_decimals=decimals(instrument.price_unit),
        price_unit=int(instrument.price_unit.scaleb(decimals(instrument.price_unit))),
        symbol=instrument.symbol.encode()[:SYMBOL_BYTES],
        **auction_fields(auction),
    ).encode()


def auction_fields(auction: IndicativePrice | None) -> dict[str, int]:
    """The fields of a SnapshotInstrument about the last auction."""
    if auction is None:
        return {}
    return {
        "auction": ReportKind.UNCROSSED if auction.final else ReportKind.INDICATIVE,
        "auction_priced": int(auction.price is not None),
        "surplus_side": auction.side or 0,
        "auction_price": auction.price or 0,
        "auction_quantity": auction.quantity,
        "surplus": auction.surplus,
    }
