import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pytest

from pricetime import Instrument, SelfTrade, Side
from pricetime.core.snapshot import IndicativePrice, Snapshot
from pricetime.exchange.control.retransmission import Pace, RecoveryServer
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.server_log import LimitedLog
from pricetime.exchange.standby.follower import Follower
from pricetime.types import REPORT, SNAPSHOT_ORDER, Phase, ReportKind
from pricetime.wire.types import RetransmitStatus, SessionReason
from tests.exchange.loops import Events, Listener, LoopThread, connect, loop_thread, receive

REQUEST = struct.Struct("<BBHIQQ")
REPLY = struct.Struct("<BBHIQQQQII")
HEADER = struct.Struct("<BBHIQQQQII")
INSTRUMENT = struct.Struct("<BBHIQQqqQ16sBBBBIqQQ")
NO_AUCTION = (0,) * 8

#: Of the log, which each answer has.
TERM = 1

LOGOUT = struct.Struct("<BBHIQ")
SNAPSHOT_REQUEST = struct.pack("<B7x", 51)


class FakeStore:
    """Reports whose sequence stands in them."""

    epoch = 1234567890

    def __init__(self, oldest: int = 101, next_sequence: int = 20_001) -> None:
        self.oldest = oldest
        self.next_sequence = next_sequence
        self.lost = False

    def checksum_before(self, number: int) -> int | None:
        return number + 7 if self.oldest <= number <= self.next_sequence and not self.lost else None

    def copy(self, first: int, count: int) -> bytes | None:
        if self.lost or not self.oldest <= first <= first + count <= self.next_sequence:
            return None
        reports = np.zeros(count, REPORT)
        reports["type"] = 16
        reports["seq_num"] = np.arange(first, first + count)
        return reports.tobytes()


class FakeBooks:
    def __init__(self, orders: int = 1000) -> None:
        self.taken = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.broken = False
        self.orders = np.zeros(orders, SNAPSHOT_ORDER)
        self.orders["type"] = 54
        self.orders["order_id"] = np.arange(orders)

    def depths(self, instruments: Iterable[int], levels: int) -> None:
        """It is always busy."""

    def instruments(self) -> Snapshot:
        return self.snapshot()._replace(orders=self.orders[:0])

    def snapshot(self) -> Snapshot:
        self.go_on.wait(30)
        if self.broken:
            raise RuntimeError("no books")
        self.taken += 1
        instruments = (
            Instrument(
                1, symbol="ABC", tick_size=5, lot_size=10, low_price=-50, high_price=70, price_unit=Decimal("0.25")
            ),
            Instrument(2, symbol="Ü" * 8, phase=Phase.HALTED, self_trade=SelfTrade.CANCEL_BOTH),
        )
        auctions = None, IndicativePrice(-7, 3, 4, Side.ASK, final=True)
        return Snapshot(self.taken, instruments, self.orders, 2**64 - 5, 2**32 - 6, auctions)


class Desk:
    """A recovery server that runs."""

    def __init__(self, running: LoopThread, books: FakeBooks, config: GatewayConfig) -> None:
        self.running = running
        self.until = running.until
        self.listener = Listener()
        self.store: Any = FakeStore()
        self.books = books
        self.events = Events()
        self.server = running.call(
            lambda: RecoveryServer(
                self.listener,
                config,
                self.store,
                cast(Follower, books),
                LimitedLog(self.events.log, each_second=10**6),
                lambda: TERM,
            )
        )
        running.call(self.server.open)

    @contextmanager
    def client(self) -> Iterator[socket.socket]:
        with connect(self.listener) as made:
            yield made


@contextmanager
def opened(books: FakeBooks | None = None, **settings: Any) -> Iterator[Desk]:
    with loop_thread() as running:
        desk = Desk(running, books or FakeBooks(), GatewayConfig(**settings))
        try:
            yield desk
        finally:
            desk.books.go_on.set()
            running.wait(desk.server.close())


@pytest.fixture
def desk() -> Iterator[Desk]:
    with opened() as made:
        yield made


def ask(connection: socket.socket, seq_num: int, count: int, epoch: int = 0) -> tuple[RetransmitStatus, list[int]]:
    """Status and sequences of what was sent again."""
    connection.sendall(REQUEST.pack(49, 0, 0, count, seq_num, epoch))
    return answer(connection, seq_num)


def answer(connection: socket.socket, seq_num: int) -> tuple[RetransmitStatus, list[int]]:
    kind, status, zero, sent, first, oldest, following, epoch, checksum, term = REPLY.unpack(
        receive(connection, REPLY.size)
    )
    assert (kind, zero, first, epoch, term) == (50, 0, seq_num, FakeStore.epoch, TERM)
    known = status == RetransmitStatus.RANGE_FOLLOWS or seq_num == following
    assert checksum == (seq_num + 7 if known else 0)
    assert (oldest, following) == (101, 20_001)
    reports = np.frombuffer(receive(connection, 48 * sent), REPORT)
    return RetransmitStatus(status), reports["seq_num"].tolist()


def snapshot(connection: socket.socket) -> tuple[int, list[tuple[Any, ...]], np.ndarray[Any, np.dtype[np.void]]]:
    kind, *zeros, count, seq_num, orders, digest, epoch, checksum, term = HEADER.unpack(
        receive(connection, HEADER.size)
    )
    assert (kind, *zeros, term, digest, epoch) == (52, 0, 0, TERM, 2**64 - 5, FakeStore.epoch)
    assert checksum == 2**32 - 6
    instruments = [INSTRUMENT.unpack(receive(connection, INSTRUMENT.size)) for _ in range(count)]
    return seq_num, instruments, np.frombuffer(receive(connection, 48 * orders), SNAPSHOT_ORDER)


def ended(connection: socket.socket) -> SessionReason:
    kind, reason, *zeros = LOGOUT.unpack(receive(connection, LOGOUT.size))
    assert (kind, *zeros) == (37, 0, 0, 0)
    assert connection.recv(1) == b""
    return SessionReason(reason)


def test_a_range(desk: Desk) -> None:
    with desk.client() as client:
        assert ask(client, 101, 3) == (RetransmitStatus.RANGE_FOLLOWS, [101, 102, 103])
        assert ask(client, 20_000, 1, FakeStore.epoch) == (RetransmitStatus.RANGE_FOLLOWS, [20_000])
        assert ask(client, 19_999, 10) == (RetransmitStatus.RANGE_FOLLOWS, [19_999, 20_000])
        assert ask(client, 500, 0) == (RetransmitStatus.RANGE_FOLLOWS, [])
        assert ask(client, 1000, 2**32 - 1) == (RetransmitStatus.RANGE_FOLLOWS, list(range(1000, 1000 + 4096)))


def test_what_is_not_kept(desk: Desk) -> None:
    with desk.client() as client:
        for gone in (0, 1, 100):
            assert ask(client, gone, 5) == (RetransmitStatus.RANGE_GONE, [])
        for ahead in (20_001, 2**64 - 1):
            assert ask(client, ahead, 1) == (RetransmitStatus.RANGE_AHEAD, [])
        assert ask(client, 200, 1, epoch=5) == (RetransmitStatus.RANGE_GONE, [])
        desk.store.lost = True  # overwritten while it was copied
        assert ask(client, 200, 1) == (RetransmitStatus.RANGE_GONE, [])


def test_requests_at_once_are_answered_in_order(desk: Desk) -> None:
    with desk.client() as client:
        client.sendall(b"".join(REQUEST.pack(49, 0, 0, 2, 101 + n, 0) for n in range(20)) + SNAPSHOT_REQUEST)
        for n in range(20):
            assert answer(client, 101 + n) == (RetransmitStatus.RANGE_FOLLOWS, [101 + n, 102 + n])
        assert len(snapshot(client)[2]) == 1000


def test_a_request_cut_at_every_byte(desk: Desk) -> None:
    for request in (REQUEST.pack(49, 0, 0, 1, 300, 0), SNAPSHOT_REQUEST):
        for cut in range(len(request)):
            with desk.client() as client:
                client.sendall(request[:cut])
                client.shutdown(socket.SHUT_WR)
                assert client.recv(1) == b""
    desk.until(lambda: len(desk.server) == 0)


def test_a_snapshot(desk: Desk) -> None:
    with desk.client() as client:
        client.sendall(SNAPSHOT_REQUEST)
        seq_num, instruments, orders = snapshot(client)
    assert seq_num == 1
    assert instruments == [
        (53, 0, 2, 1, 5, 10, -50, 70, 25, b"ABC".ljust(16, b"\0"), *NO_AUCTION),
        (53, 1, 0, 2, 1, 1, -(2**63), 2**63 - 1, 1, "Ü".encode() * 8, ReportKind.UNCROSSED, 1, 2, 0, 0, -7, 3, 4),
    ]
    assert np.array_equal(orders, desk.books.orders)


def test_the_instruments_alone(desk: Desk) -> None:
    with desk.client() as client:
        client.sendall(struct.pack("<BBHI", 51, 0, 0, 1))
        seq_num, instruments, orders = snapshot(client)
        assert (seq_num, [instrument[3] for instrument in instruments], len(orders)) == (1, [1, 2], 0)
        client.sendall(SNAPSHOT_REQUEST)
        assert len(snapshot(client)[2]) == len(desk.books.orders)


@pytest.mark.parametrize("orders", [0, 100_000])
def test_snapshots_of_any_size(orders: int) -> None:
    with opened(FakeBooks(orders)) as desk, desk.client() as client:
        client.sendall(SNAPSHOT_REQUEST)
        assert np.array_equal(snapshot(client)[2], desk.books.orders)


def test_requests_at_the_same_time_share_a_snapshot() -> None:
    with opened(snapshot_cache_ms=0) as desk, ExitStack() as stack:
        desk.books.go_on.clear()
        clients = [stack.enter_context(desk.client()) for _ in range(4)]
        for client in clients:
            client.sendall(SNAPSHOT_REQUEST)
        with desk.client() as other:  # the loop goes on while a snapshot is taken
            assert ask(other, 101, 1) == (RetransmitStatus.RANGE_FOLLOWS, [101])
        desk.until(lambda: desk.server._snapshots._shared.began_at > 0)
        desk.books.go_on.set()
        assert [snapshot(client)[0] for client in clients] == [1] * 4
        clients[0].sendall(SNAPSHOT_REQUEST)
        assert snapshot(clients[0])[0] == 2


def test_a_recent_snapshot_is_reused() -> None:
    with opened(snapshot_cache_ms=3_600_000) as desk:
        for _ in range(3):
            with desk.client() as client:
                client.sendall(SNAPSHOT_REQUEST)
                assert snapshot(client)[0] == 1


def test_a_snapshot_that_fails_is_no_end(desk: Desk) -> None:
    desk.books.broken = True
    with desk.client() as client:
        client.sendall(SNAPSHOT_REQUEST)
        assert client.recv(1) == b""
    assert "no books" in desk.events.of("recovery failed")[0]["error"]
    desk.books.broken = False
    with desk.client() as client:
        client.sendall(SNAPSHOT_REQUEST)
        assert snapshot(client)[0] == 1


@pytest.mark.parametrize("first", [1, 16, 33, 37, 50])
def test_what_does_not_belong_here(desk: Desk, first: int) -> None:
    with desk.client() as client:
        client.sendall(bytes([first]))
        assert ended(client) is SessionReason.OUT_OF_STATE


@pytest.mark.parametrize("first", [0, 5, 99, 255])
def test_what_is_no_message(desk: Desk, first: int) -> None:
    with desk.client() as client:
        client.sendall(bytes([first]))
        assert ended(client) is SessionReason.UNKNOWN_TYPE


def test_one_connection_is_limited_and_others_are_not() -> None:
    with opened(recovery_reports_per_second=1, recovery_chunk_reports=100) as desk, desk.client() as client:
        assert ask(client, 101, 100)[0] is RetransmitStatus.RANGE_FOLLOWS
        assert ask(client, 101, 100) == (RetransmitStatus.RANGE_LIMITED, [])
        with desk.client() as other:
            assert ask(other, 101, 100)[0] is RetransmitStatus.RANGE_FOLLOWS


def test_all_together_are_limited() -> None:
    with opened(recovery_total_per_second=1, recovery_chunk_reports=100) as desk:
        with desk.client() as client:
            assert ask(client, 101, 100)[0] is RetransmitStatus.RANGE_FOLLOWS
        with desk.client() as other:
            assert ask(other, 101, 100) == (RetransmitStatus.RANGE_LIMITED, [])


def test_small_requests_are_limited_too() -> None:
    with opened(recovery_reports_per_second=1, recovery_chunk_reports=100) as desk, desk.client() as client:
        found = [ask(client, 101, 0)[0] for _ in range(6)]
    assert found[:4] == [RetransmitStatus.RANGE_FOLLOWS] * 4
    assert found[4:] == [RetransmitStatus.RANGE_LIMITED] * 2


def test_a_silent_connection_is_ended() -> None:
    with opened(recovery_idle_ms=20) as desk, desk.client() as client:
        assert ended(client) is SessionReason.HEARTBEAT_TIMEOUT


def test_a_request_that_has_begun_must_come_whole() -> None:
    with opened(recovery_request_ms=50) as desk, desk.client() as client:
        client.sendall(SNAPSHOT_REQUEST[:1])
        assert ended(client) is SessionReason.HEARTBEAT_TIMEOUT


def test_a_connection_that_does_not_read_is_ended() -> None:
    with opened(FakeBooks(1_000_000), recovery_request_ms=50) as desk, desk.client() as client:
        client.sendall(SNAPSHOT_REQUEST)
        desk.until(lambda: desk.events.of("recovery connection ended"))
        assert desk.events.of("recovery connection ended")[0]["reason"] == "SLOW_READER"


def test_a_reader_that_is_too_slow_is_ended() -> None:
    """It takes something all the time, and never enough."""
    fast = {"recovery_request_ms": 100, "recovery_bytes_per_second": 10**10}
    with opened(FakeBooks(200_000), **fast) as desk, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        client.connect(desk.listener.getsockname())
        client.sendall(SNAPSHOT_REQUEST)
        while desk.running.call(lambda: not desk.server.counts["ended: SLOW_READER"]):
            client.recv(1 << 10)
            time.sleep(0.001)


def test_the_pace_of_a_reader() -> None:
    pace = Pace(100.0, 2.0, now=10.0)
    assert pace.deadline == 12.0
    pace.take(50, now=11.0)  # half a second's worth, and one has passed
    assert pace.deadline == 12.5
    pace.take(1000, now=12.0)
    assert pace.deadline == 14.0, "what it is ahead counts up to the time that it may take nothing"
    pace.take(10, now=99.0)  # this process was stopped meanwhile: the reader is judged as of its deadline
    assert pace.deadline == pytest.approx(99.1)


def test_what_waits_in_the_socket_is_read_before_silence_is_judged(desk: Desk) -> None:
    """As after a pause of the process: the deadline has passed when it is looked at, and all has come."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        ours.sendall(b"request")
        assert desk.running.wait(desk.server._receive_all(theirs, 7, 0.0)) == b"request"
        with pytest.raises(TimeoutError):
            desk.running.wait(desk.server._receive_all(theirs, 1, 0.0))
        assert desk.running.wait(desk.server._send_some(theirs, memoryview(b"answer"), 0.0)) == 6


def test_while_many_snapshots_are_read_the_newest_is_handed_out() -> None:
    with opened(FakeBooks(100_000), snapshot_cache_ms=0, snapshot_copies=2) as desk, ExitStack() as stack:
        slow = [stack.enter_context(desk.client()) for _ in range(3)]
        for count, client in enumerate(slow, 1):
            client.sendall(SNAPSHOT_REQUEST)
            desk.until(lambda count: desk.server.counts["snapshots sent"] == count, count)
        with desk.client() as honest:
            honest.sendall(SNAPSHOT_REQUEST)
            assert snapshot(honest)[0] == desk.books.taken == 2
        assert snapshot(slow[0])[0] == 1
        assert snapshot(slow[2])[0] == 2
        slow[0].sendall(SNAPSHOT_REQUEST)
        assert snapshot(slow[0])[0] == 3, "there is room again"


@pytest.mark.parametrize("honest", ["127.0.0.1", "127.0.0.2"])
def test_connections_that_begin_a_request_lock_no_client_out(honest: str) -> None:
    """64 of them take every place, and are made anew whenever one has gone."""
    with (
        opened(FakeBooks(100_000), recovery_clients_per_address=64, recovery_request_ms=60_000) as desk,
        ExitStack() as stack,
    ):
        for _ in range(2):
            for _ in range(64):
                stack.enter_context(desk.client()).sendall(SNAPSHOT_REQUEST[:1])
            desk.until(lambda: len(desk.server) == 64)
            with socket.create_connection(desk.listener.getsockname(), 30, source_address=(honest, 0)) as joiner:
                joiner.sendall(SNAPSHOT_REQUEST)
                assert len(snapshot(joiner)[2]) == 100_000
        assert desk.server.counts["ended: TOO_MANY_CLIENTS"] >= 64


@pytest.mark.parametrize("honest", ["127.0.0.1", "127.0.0.2"])
def test_slow_readers_of_a_snapshot_lock_no_client_out(honest: str) -> None:
    with opened(FakeBooks(100_000), recovery_clients_per_address=64) as desk, ExitStack() as stack:
        for _ in range(63):
            stack.enter_context(desk.client()).sendall(SNAPSHOT_REQUEST)
        desk.until(lambda: desk.server.counts["snapshots sent"] == 63)
        with socket.create_connection(desk.listener.getsockname(), 30, source_address=(honest, 0)) as joiner:
            joiner.sendall(SNAPSHOT_REQUEST)
            assert len(snapshot(joiner)[2]) == 100_000
        assert desk.books.taken <= 5, "a snapshot is prepared once for all who ask at a moment"


def test_one_address_has_so_many_places() -> None:
    with opened(recovery_clients=4, recovery_clients_per_address=2) as desk, ExitStack() as stack:
        other = stack.enter_context(
            socket.create_connection(desk.listener.getsockname(), 30, source_address=("127.0.0.2", 0))
        )
        assert ask(other, 101, 1)[1] == [101]
        clients = [stack.enter_context(desk.client()) for _ in range(3)]
        assert ended(clients[0]) is SessionReason.TOO_MANY_CLIENTS
        for client in (*clients[1:], other):
            assert ask(client, 101, 1)[1] == [101]


def test_the_one_that_was_idle_longest_makes_room() -> None:
    with opened(recovery_clients=2) as desk, desk.client() as first, desk.client() as second:
        assert ask(first, 101, 1)[1] == [101]
        assert ask(second, 101, 1)[1] == [101]
        assert ask(first, 101, 1)[1] == [101]
        with desk.client() as third:
            assert ended(second) is SessionReason.TOO_MANY_CLIENTS
            assert ask(third, 101, 1)[1] == [101]
            assert ask(first, 101, 1)[1] == [101]


def test_one_that_takes_nothing_of_its_answer_makes_room_too() -> None:
    with opened(FakeBooks(100_000), recovery_clients=2) as desk, desk.client() as stuck, desk.client() as other:
        stuck.sendall(SNAPSHOT_REQUEST)
        desk.until(lambda: desk.server.counts["snapshots sent"] == 1)
        assert ask(other, 101, 1)[1] == [101]
        with desk.client() as third:
            assert ask(third, 101, 1)[1] == [101]
            assert ask(other, 101, 1)[1] == [101]
        data = receive(stuck, 1 << 24)
        assert data[:1] == b"\x34"
        assert len(data) < 100_000 * 48, "it is cut off in the middle, without a message that would look like orders"


def test_a_crowd_that_comes_and_goes() -> None:
    with opened(recovery_clients=3) as desk:
        for _ in range(200):
            connect(desk.listener).close()
        with desk.client() as client:
            assert ask(client, 101, 1)[1] == [101]
        desk.until(lambda: len(desk.server) == 0)


def test_closing_ends_every_connection(desk: Desk) -> None:
    with desk.client() as client:
        assert ask(client, 101, 1)[1] == [101]
        desk.running.wait(desk.server.close())
        assert ended(client) is SessionReason.SHUTDOWN
        with pytest.raises(OSError):
            connect(desk.listener)
