"""The gateway's turns: rings that are full, halts, a stop, and what the control thread may ask."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime.native.crc import linked_records
from pricetime.types import REPORT, CommandType, Phase, Reason, ReportKind
from pricetime.wire.messages import FeedHeartbeat, Logout, NewOrder, OrderExtension
from pricetime.wire.session import Role
from pricetime.wire.types import SessionReason
from tests.exchange.harness import Client, Harness, harness, kinds
from tests.exchange.kept import Kept
from tests.exchange.orders import ASK, BID, EXTENDED, cancel, extension, mass_cancel, new

ACCEPTED, TRADE, CANCELLED, *_ = ReportKind
REJECTED = ReportKind.REJECTED

# ---------------------------------------------------------------------- an order and its extension


@pytest.mark.parametrize("ring", [16, 256])
@pytest.mark.parametrize("pieces", [1, 39, 40, 41, 79, 80, 10_000])
def test_an_order_and_its_extension_have_one_answer(ring: int, pieces: int) -> None:
    with harness(ring_capacity=ring) as here:
        client = here.client(1)
        messages = [part for n in range(100) for part in (new(n, instructions=EXTENDED), extension(7), new(n))]
        data = b"".join(client.session.send(message, 0) for message in messages)
        for at in range(0, len(data), pieces):
            client.send_bytes(data[at : at + pieces])
            here.iterate()
        here.settle()
        client.drain()
        assert [(r.kind, r.reason, r.order_id) for r in client.reports()] == [
            answer
            for n in range(100)
            for answer in ((REJECTED, Reason.INVALID_TRIGGER_PRICE, n), (ACCEPTED, Reason.NONE, n))
        ]
        received, answered = here.exchange.progress()
        assert received == answered
        assert here.exchange.stats()["unanswered"] == 0


@pytest.mark.parametrize("message", [new(2), extension(1)])
def test_an_extension_out_of_place_ends_the_session(message: NewOrder | OrderExtension) -> None:
    with harness() as here:
        client = here.client(1)
        before = [] if isinstance(message, OrderExtension) else [new(1, instructions=EXTENDED)]
        client.send_bytes(b"".join(part.encode() for part in (new(9), *before, message)))
        here.settle()
        events = client.receive()
        assert [event.reason for event in events if isinstance(event, Logout)] == [SessionReason.OUT_OF_STATE]
        assert here.feed.reports()["kind"].tolist() == [ACCEPTED, CANCELLED], "of the order before it"
        received, answered = here.exchange.progress()
        assert received == answered


@pytest.mark.parametrize("ring", [16, 64])
def test_one_command_with_more_reports_than_the_ring_has_room_for(ring: int) -> None:
    with harness(ring_capacity=ring) as here:
        maker, taker = here.client(1), here.client(2)
        maker.ask(*(new(n, ASK, 100, 1) for n in range(1000)))
        reports = taker.ask(new(1, BID, 100, 700))
        assert kinds(reports) == [ACCEPTED] + [TRADE] * 700
        maker.receive()
        reports = maker.ask(mass_cancel(9))
        assert kinds(reports) == [CANCELLED] * 300 + [ReportKind.MASS_CANCELLED]
        assert reports[-1].quantity == 300


def test_what_a_session_leaves_waits_for_room(tmp_path: Path) -> None:
    """Nothing is on the disk, and no more commands fit: the cancel of its orders is not forgotten."""
    here = Kept(tmp_path / "j", acknowledge="durable", ring_capacity=16)
    first, other = here.client(1), here.client(2)
    first.send(new(1))
    here.iterate(2)
    other.send(*(cancel(n) for n in range(100)))
    here.iterate(20)
    assert 8 <= here.exchange.stats()["commands"] <= 15
    again = here.client(1, resume_from=1)
    assert again.is_active
    again.send(new(2, BID, 50))
    here.iterate(20)

    def is_answered() -> bool:
        here.commit()
        again.receive()
        return len(again.reports()) >= 4

    here.until(is_answered)
    assert [(r.kind, r.order_id) for r in again.reports()] == [
        (ACCEPTED, 1), (CANCELLED, 1), (ReportKind.MASS_CANCELLED, 0), (ACCEPTED, 2),
    ]  # fmt: skip
    here.close()


def test_clients_alternate_when_there_is_little_room() -> None:
    """One that floods leaves room for the others."""
    with harness(ring_capacity=16, stream_reports=2**13) as here:
        flood, other = here.client(1), here.client(2)
        flood.send(*(cancel(n) for n in range(4000)))
        other.send(cancel(77))
        before = here.exchange.stats()["commands"]
        here.until(other.receive)
        assert here.exchange.stats()["commands"] - before < 4000
        assert other.reports()[0].order_id == 77


def test_an_iteration_without_work_does_nothing() -> None:
    with harness() as here:
        here.client(1)
        here.settle()
        assert [here.iterate() for _ in range(5)] == [0] * 5
        turns = here.loop.iterations
        here.iterate(7)
        assert here.loop.iterations == turns + 7


# ---------------------------------------------------------------------- the control thread


def test_requests_beyond_what_may_wait() -> None:
    with harness() as here:
        taken = 0
        while here.exchange.command(CommandType.SET_PHASE, 1, Phase.HALTED):
            taken += 1
        assert taken == 4096
        near, far = socket.socketpair()
        with near, far:
            assert not here.exchange.admit(far.fileno(), 1, 0, 0)
            assert near.send(b"x"), "it is the caller's still"
        here.settle()
        assert here.exchange.command(CommandType.SET_PHASE, 1, Phase.CONTINUOUS)
        here.settle()
        assert here.exchange.store.next_sequence == taken + 2


def test_requests_wait_for_room_in_the_ring() -> None:
    with harness(ring_capacity=16) as here:
        client = here.client(1)
        client.send(*(cancel(n) for n in range(500)))
        for _ in range(100):
            assert here.exchange.command(CommandType.SET_PHASE, 2, Phase.HALTED)
        here.settle()
        client.receive()
        assert len(client.reports()) == 500
        assert len(here.feed.reports()) == 100


def test_more_events_than_are_kept() -> None:
    """The control thread is slow: it misses some, and the gateway does not wait."""
    with harness(cancel_on_disconnect=False) as here:
        for _ in range(2100):
            near, far = socket.socketpair()
            near.close()
            while not here.exchange.admit(far.fileno(), 1, 0, 0):
                here.iterate()
            far.detach()
            here.iterate(2)
        assert len(here.events()) == 4096
        assert here.client(1).is_active
        assert here.events() == [(1, 1, 0)]


def test_stats() -> None:
    with harness() as here:
        client = here.client(1)
        client.ask(new(1), cancel(1), new(2**48), cancel(5))
        stats = here.exchange.stats()
        assert stats["commands"] == 4
        assert stats["gateway_rejects"] == 1
        assert stats["reports"] == 4
        assert stats["feed_next_sequence"] == 3
        assert stats["feed_calls"] > 0
        assert stats["feed_unsent"] == stats["slow_readers"] == 0
        assert stats["sent_bytes"] == client.n_bytes
        assert 0 < stats["tick_to_trade_p50_ns"] <= stats["tick_to_trade_p99_ns"] <= stats["tick_to_trade_max_ns"]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_without_a_client_nothing_stays_open() -> None:
    before = open_files()
    with harness() as here:
        for owner in range(1, 20):
            here.client(owner)
        for client in here.clients:
            client.close()
        here.settle()
        assert here.exchange.stats()["sessions"] == 0
        assert open_files() <= before + 4
    assert open_files() == before


# ---------------------------------------------------------------------- a stop


def stopped(here: Harness) -> bool:
    for client in here.clients:
        if client.socket.fileno() >= 0:
            client.receive()
            if client.session.closed:
                client.close()
    return bool(here.loop.is_stopped)


def test_a_stop_brings_out_what_is_under_way_and_takes_leave() -> None:
    with harness(ring_capacity=16) as here:
        clients = [here.client(owner, tcp=owner % 2 == 0) for owner in range(1, 6)]
        for client in clients:
            client.send(*(new(n, BID, 10) for n in range(200)))
        here.iterate()
        assert not here.loop.is_stopped
        here.exchange.begin_stop()
        here.exchange.begin_stop()
        here.until(lambda: stopped(here))
        for client in clients:
            assert client.end.reason == SessionReason.SHUTDOWN
            assert client.end.by is Role.EXCHANGE
            assert kinds(client.reports()) == [ACCEPTED] * len(client.reports())
            assert client.of(Logout)[0].next_sequence == len(client.reports()) + 1
        taken = sum(len(client.reports()) for client in clients)
        assert taken == here.exchange.stats()["commands"] < 1000, "orders that were not taken yet are not"
        assert len(here.exchange.engine) == taken, "a stop cancels nothing"
        first, *sent, last = here.feed.datagrams()
        assert FeedHeartbeat.decode(first).seq_num == 1
        reports = np.frombuffer(b"".join(sent), REPORT)
        assert reports["seq_num"].tolist() == list(range(1, taken + 1))
        heartbeat = FeedHeartbeat.decode(last)
        assert (heartbeat.seq_num, heartbeat.checksum) == (taken + 1, linked_records(0, b"".join(sent), 48))
        here.iterate(3)
        assert here.feed.datagrams() == [], "that was the last"


def test_a_stop_without_clients() -> None:
    with harness() as here:
        here.exchange.begin_stop()
        here.iterate(2)
        assert here.loop.is_stopped


def test_a_late_login_is_rejected() -> None:
    with harness() as here:
        here.exchange.begin_stop()
        client = Client(here, 1)
        here.until(lambda: stopped(here))
        late = Client(here, 2)
        here.iterate(3)
        late.receive()
        for who in (client, late):
            assert who.end.reason == SessionReason.SHUTDOWN


def test_who_does_not_read_is_not_waited_for_longer_than_it_may_take() -> None:
    with harness(drain_timeout_ms=200, stream_reports=2**13, outbound_bytes=2**13 * 48) as here:
        slow, quick = here.client(1, sndbuf=4608), here.client(2)
        slow.send(*(cancel(n) for n in range(4000)))
        here.settle()
        began = time.monotonic()
        here.exchange.begin_stop()
        here.until(lambda: quick.receive() or quick.is_cut or not quick.is_active)
        assert quick.end.reason == SessionReason.SHUTDOWN
        quick.close()
        here.until(lambda: here.loop.is_stopped)
        assert time.monotonic() - began > 0.19
        slow.receive()
        assert slow.is_cut
        assert len(slow.reports()) < 4000


def test_what_cannot_be_brought_out_is_no_stop(tmp_path: Path) -> None:
    """The commands are not on the disk, so their reports may not be sent."""
    here = Kept(tmp_path / "j", acknowledge="durable", drain_timeout_ms=50)
    client = here.client(1)
    client.send(*(new(n, BID, 10) for n in range(20)))
    here.iterate(20)
    here.exchange.begin_stop()
    here.until(lambda: here.exchange.stats()["sessions"] == 0)
    here.iterate(10)
    assert not here.loop.is_stopped
    here.commit()
    here.iterate(10)
    assert here.loop.is_stopped
    here.close()


# ---------------------------------------------------------------------- threads


@pytest.mark.parametrize("idle", ["spin", "pause", "yield", "block"])
def test_started_and_stopped(idle: str) -> None:
    with harness(idle=idle, prefault=True) as here:
        here.exchange.start()
        client = Client(here, 1, tcp=True)
        client.socket.setblocking(True)
        client.socket.settimeout(60)
        while not client.is_active:
            client.session.receive(client.socket.recv(1000), 0)
        client.socket.sendall(b"".join(new(n, 1 + n % 2, 100, 1).encode() for n in range(500)))
        got: list[Any] = []
        while len(got) < 500 + 250 + 250:
            got += client.reports(client.session.receive(client.socket.recv(1 << 16), 0))
        assert kinds(got).count(TRADE) == 500
        here.exchange.begin_stop()
        assert client.session.receive(client.socket.recv(1000), 0)[-1].reason == SessionReason.SHUTDOWN  # type: ignore[union-attr]
        client.socket.close()
        assert here.exchange.wait_drained(60)
        assert here.exchange.failure is None
        here.exchange.follower.snapshot()
        assert here.exchange.digest() == here.exchange.follower.snapshot().digest


def test_a_failed_thread_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda failed: None)
    with harness(gateway_cpus=(4095,)) as here:
        here.exchange.start()
        deadline = time.monotonic() + 60
        while here.exchange.failure is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        assert "pricetime-gateway" in here.exchange.failure
