from __future__ import annotations

import errno
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install 'pricetime[server]'")
pytest.importorskip("structlog", reason="needs the server's packages: pip install 'pricetime[server]'")

from pricetime import Instrument, SelfTrade
from pricetime.core.snapshot import Snapshot
from pricetime.gateway.config import GatewayConfig
from pricetime.gateway.log import Seldom
from pricetime.gateway.recovery import RecoveryServer
from pricetime.types import REPORT, SNAPSHOT_ORDER, InstrumentState
from pricetime.wire.types import RetransmitStatus, SessionReason
from tests.gateway.loops import Events, Listener, LoopThread, close_after, connect, loop_thread, receive

REQUEST = struct.Struct("<BBHIQQ")
REPLY = struct.Struct("<BBHIQQQQII")
HEADER = struct.Struct("<BBHIQQQQII")
INSTRUMENT = struct.Struct("<BBHIQQqq16s")
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


class FakeReplica:
    def __init__(self, orders: int = 1000) -> None:
        self.taken = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.broken = False
        self.orders = np.zeros(orders, SNAPSHOT_ORDER)
        self.orders["type"] = 54
        self.orders["order_id"] = np.arange(orders)

    def snapshot(self) -> Snapshot:
        self.go_on.wait(30)
        if self.broken:
            raise RuntimeError("no replica")
        self.taken += 1
        instruments = (
            Instrument(1, symbol="ABC", tick_size=5, lot_size=10, low_price=-50, high_price=70),
            Instrument(2, symbol="Ü" * 8, state=InstrumentState.HALTED, self_trade=SelfTrade.CANCEL_BOTH),
        )
        return Snapshot(self.taken, instruments, self.orders, 2**64 - 5, 2**32 - 6)


class Desk:
    """A recovery server that runs."""

    def __init__(self, running: LoopThread, replica: FakeReplica, config: GatewayConfig) -> None:
        self.running = running
        self.listener = Listener()
        self.store = FakeStore()
        self.replica = replica
        self.events = Events()
        self.server = running.call(
            lambda: RecoveryServer(
                self.listener, config, self.store, replica, Seldom(self.events.log, each_second=10**6)
            )
        )
        running.call(self.server.open)

    def until(self, condition: Any) -> None:
        deadline = time.monotonic() + 30
        while not self.running.call(condition):
            assert time.monotonic() < deadline, "it never came to that"
            time.sleep(0.001)

    @contextmanager
    def client(self) -> Iterator[socket.socket]:
        with connect(self.listener) as made:
            yield made


@contextmanager
def opened(replica: FakeReplica | None = None, **settings: Any) -> Iterator[Desk]:
    with loop_thread() as running:
        desk = Desk(running, replica or FakeReplica(), GatewayConfig(**settings))
        try:
            yield desk
        finally:
            desk.replica.go_on.set()
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
    kind, status, zero, sent, first, oldest, following, epoch, checksum, zero2 = REPLY.unpack(
        receive(connection, REPLY.size)
    )
    assert (kind, zero, first, epoch, zero2) == (50, 0, seq_num, FakeStore.epoch, 0)
    known = status == RetransmitStatus.RANGE_FOLLOWS or seq_num == following
    assert checksum == (seq_num + 7 if known else 0)
    assert (oldest, following) == (101, 20_001)
    reports = np.frombuffer(receive(connection, 48 * sent), REPORT)
    return RetransmitStatus(status), reports["seq_num"].tolist()


def snapshot(connection: socket.socket) -> tuple[int, list[tuple[Any, ...]], np.ndarray[Any, np.dtype[np.void]]]:
    kind, *zeros, count, seq_num, orders, digest, epoch, checksum, zero = HEADER.unpack(
        receive(connection, HEADER.size)
    )
    assert (kind, *zeros, zero, digest, epoch) == (52, 0, 0, 0, 2**64 - 5, FakeStore.epoch)
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


def test_a_request_in_pieces(desk: Desk) -> None:
    with desk.client() as client:
        for byte in REQUEST.pack(49, 0, 0, 1, 300, 0):
            client.sendall(bytes([byte]))
        assert answer(client, 300) == (RetransmitStatus.RANGE_FOLLOWS, [300])


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
        (53, 0, 0, 1, 5, 10, -50, 70, b"ABC".ljust(16, b"\0")),
        (53, 1, 0, 2, 1, 1, -(2**63), 2**63 - 1, "Ü".encode() * 8),
    ]
    assert np.array_equal(orders, desk.replica.orders)


@pytest.mark.parametrize("orders", [0, 100_000])
def test_snapshots_of_any_size(orders: int) -> None:
    with opened(FakeReplica(orders)) as desk, desk.client() as client:
        client.sendall(SNAPSHOT_REQUEST)
        assert np.array_equal(snapshot(client)[2], desk.replica.orders)


def test_those_who_ask_together_share_a_snapshot() -> None:
    with opened(snapshot_cache_ms=0) as desk, ExitStack() as stack:
        desk.replica.go_on.clear()
        clients = [stack.enter_context(desk.client()) for _ in range(4)]
        for client in clients:
            client.sendall(SNAPSHOT_REQUEST)
        with desk.client() as other:  # the loop goes on while a snapshot is taken
            assert ask(other, 101, 1) == (RetransmitStatus.RANGE_FOLLOWS, [101])
        desk.until(lambda: sum(not asker.idle for asker in desk.server._clients.values()) == 4)
        desk.replica.go_on.set()
        assert [snapshot(client)[0] for client in clients] == [1] * 4
        clients[0].sendall(SNAPSHOT_REQUEST)
        assert snapshot(clients[0])[0] == 2


def test_a_young_snapshot_is_good_enough() -> None:
    with opened(snapshot_cache_ms=3_600_000) as desk:
        for _ in range(3):
            with desk.client() as client:
                client.sendall(SNAPSHOT_REQUEST)
                assert snapshot(client)[0] == 1


def test_a_snapshot_that_fails_is_no_end(desk: Desk) -> None:
    desk.replica.broken = True
    with desk.client() as client:
        client.sendall(SNAPSHOT_REQUEST)
        assert client.recv(1) == b""
    assert "no replica" in desk.events.of("recovery failed")[0]["error"]
    desk.replica.broken = False
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


def test_a_connection_that_does_not_read_is_ended() -> None:
    with opened(FakeReplica(1_000_000), recovery_idle_ms=50) as desk, desk.client() as client:
        client.sendall(SNAPSHOT_REQUEST)
        desk.until(lambda: desk.events.of("recovery connection ended"))
        assert desk.events.of("recovery connection ended")[0]["reason"] == "HEARTBEAT_TIMEOUT"


def test_snapshots_have_an_end_even_for_one_that_reads_a_little() -> None:
    with opened(FakeReplica(1_000_000), snapshot_timeout_ms=50) as desk, desk.client() as client:
        client.sendall(SNAPSHOT_REQUEST)
        desk.until(lambda: desk.server.counts["snapshots sent"] and len(desk.server) == 0)


def test_the_one_that_was_idle_longest_makes_room() -> None:
    with opened(recovery_clients=2) as desk, desk.client() as first, desk.client() as second:
        assert ask(first, 101, 1)[1] == [101]
        assert ask(second, 101, 1)[1] == [101]
        assert ask(first, 101, 1)[1] == [101]
        with desk.client() as third:
            assert ended(second) is SessionReason.TOO_MANY_CLIENTS
            assert ask(third, 101, 1)[1] == [101]
            assert ask(first, 101, 1)[1] == [101]


def test_nobody_is_put_out_in_the_middle_of_an_answer() -> None:
    with opened(recovery_clients=1) as desk, desk.client() as busy:
        desk.replica.go_on.clear()
        busy.sendall(SNAPSHOT_REQUEST)
        desk.until(lambda: [asker.idle for asker in desk.server._clients.values()] == [False])
        with desk.client() as other:
            assert ended(other) is SessionReason.TOO_MANY_CLIENTS
        desk.replica.go_on.set()
        assert snapshot(busy)[0] == 1


def test_a_crowd_that_comes_and_goes() -> None:
    with opened(recovery_clients=3) as desk:
        for _ in range(200):
            connect(desk.listener).close()
        with desk.client() as client:
            assert ask(client, 101, 1)[1] == [101]
        desk.until(lambda: len(desk.server) == 0)


def test_one_that_was_gone_before_it_was_accepted_is_passed_over(desk: Desk) -> None:
    desk.listener.errors = [OSError(errno.ECONNABORTED, "gone")]
    with desk.client() as client:
        assert ask(client, 101, 1)[1] == [101]
        assert desk.events.all() == []


@pytest.mark.parametrize("turns", range(5))
def test_closing_closes_one_that_has_just_come(desk: Desk, turns: int) -> None:
    desk.running.wait(close_after(turns, desk.server, desk.listener))


def test_closing_ends_every_connection(desk: Desk) -> None:
    with desk.client() as client:
        assert ask(client, 101, 1)[1] == [101]
        desk.running.wait(desk.server.close())
        assert ended(client) is SessionReason.SHUTDOWN
        with pytest.raises(OSError):
            connect(desk.listener)
